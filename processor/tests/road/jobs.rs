//! Jobs on what real requests left behind.

use std::future::poll_fn;
use std::task::Poll;

use bugle_processor::Jobs;
use bugle_protocol::{EventId, RuleTopic, UnixMillis};
use bugle_store::{
    ErasureReport, Issue, IssueFilter, Job, JobKind, JobParameters, JobState, NewJob,
    NewRuleVersion, RescrubReport, RuleOwner, StoreError,
};
use tokio::sync::watch;

use crate::support::{Road, envelope, event_id};

const ADA: &str = "ada@example.com";

fn event(user: &str, message: &str) -> String {
    format!(
        r#"{{"exception":{{"values":[{{"type":"Oops","value":{message:?}}}]}},"user":{user},"extra":{{"note":{message:?}}}}}"#
    )
}

const TRANSACTION: &str = r#"{"type":"transaction","transaction":"/of/ada@example.com/","start_timestamp":1795163903,
    "timestamp":1795163904,"user":{"email":"bob@example.com"},
    "contexts":{"trace":{"trace_id":"0123456789abcdef0123456789abcdef","span_id":"0123456789abcdef","op":"http.server"}}}"#;

/// Two events of Ada's with a file and a report, one of Bob's that mentions her, one transaction that does, one of hers, feedback.
async fn stored() -> Road {
    let mut road = Road::new().await;
    let of_ada = event(
        r#"{"id":"77777","email":"Ada@Example.com"}"#,
        "card declined",
    );
    let items: [(&str, &[u8]); 3] = [
        (r#"{"type":"event"}"#, of_ada.as_bytes()),
        (r#"{"type":"attachment","filename":"ada.txt"}"#, b"the file of ada@example.com"),
        (r#"{"type":"user_report"}"#, br#"{"event_id":"01010101010101010101010101010101","name":"Bob","email":"bob@example.com","comments":"it broke"}"#),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    let again = event(
        r#"{"ip_address":"203.0.113.7","username":"ada@example.com"}"#,
        "card declined",
    );
    push(&road, 2, "event", &again).await;
    let of_bob = event(
        r#"{"email":"bob@example.com"}"#,
        "mail to ada@example.com bounced",
    );
    push(&road, 3, "event", &of_bob).await;
    push(&road, 4, "transaction", TRANSACTION).await;
    let hers = TRANSACTION.replace("bob@example.com", ADA);
    push(&road, 5, "transaction", &hers).await;
    let of_others = event(
        r#"{"email":"nada@example.com"}"#,
        "nothing of hers: nada@example.com",
    );
    push(&road, 6, "event", &of_others).await;
    road.drain().await;
    road.stop().await;
    road
}

async fn push(road: &Road, id: u8, kind: &str, payload: &str) {
    let header = format!(r#"{{"type":"{kind}"}}"#);
    let items = [(header.as_str(), payload.as_bytes())];
    road.push_envelope(envelope(Some(event_id(id)), &items))
        .await;
}

async fn run(road: &Road, new: &NewJob) -> Job {
    let id = road.store.create_job(new, UnixMillis::now()).await.unwrap();
    let jobs = Jobs::new(road.store.clone(), road.queue.clone());
    let (_stop, stopped) = watch::channel(false);
    assert!(jobs.run_next(&stopped).await.unwrap());
    assert!(!jobs.run_next(&stopped).await.unwrap());
    let job = road.store.job(new.organization_id, id).await.unwrap();
    job.unwrap()
}

fn erase(road: &Road, person: &str, dry_run: bool) -> NewJob {
    NewJob {
        organization_id: road.project.organization_id,
        project_id: None,
        kind: JobKind::Erase,
        parameters: JobParameters {
            person: Some(person.to_owned()),
            dry_run,
            ..JobParameters::default()
        },
        author: None,
    }
}

fn report(job: &Job) -> ErasureReport {
    assert_eq!((job.state, &job.error), (JobState::Done, &None));
    serde_json::from_str(&job.report).unwrap()
}

async fn issues(road: &Road) -> Vec<Issue> {
    let filter = IssueFilter::new(vec![road.project.id], 100);
    road.store.issues(&filter).await.unwrap().issues
}

async fn is_stored(road: &Road, id: EventId) -> bool {
    let event = road.store.event(road.project.id, id).await.unwrap();
    event.is_some()
}

/// Everything in the data folder but the folder's own queue lock.
fn files(road: &Road) -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![road.folder.path().to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_and_a_dry_run_counts_the_same() {
    let road = stored().await;
    let before = issues(&road).await;
    let tried = run(&road, &erase(&road, ADA, true)).await;
    assert_eq!(issues(&road).await, before);
    assert!(is_stored(&road, event_id(1)).await);

    let job = run(&road, &erase(&road, ADA, false)).await;
    let found = report(&job);
    assert_eq!(
        (found.events, found.transactions, found.attachments),
        (2, 1, 1)
    );
    assert_eq!((found.feedback, found.files, found.users), (1, 1, 2));
    let mentions = &found.mentions;
    assert_eq!((mentions.events, mentions.transactions), (1, 1));
    assert!(mentions.issues >= 2, "title and metadata: {mentions:?}");
    assert_eq!(found.storage, "cleaned");
    let counted = ErasureReport {
        storage: String::new(),
        ..found
    };
    assert_eq!(report(&tried), counted);
    assert_eq!((job.done, job.total), (6, 6));
    assert_eq!(job.parameters.person, None);

    for (id, stays) in [(1, false), (2, false), (3, true), (6, true)] {
        assert_eq!(is_stored(&road, event_id(id)).await, stays, "{id}");
    }
    let (event, body) = road.event(event_id(3)).await;
    assert_eq!(body["extra"]["note"], "mail to [erased] bounced");
    assert_eq!(body["_meta"]["extra"]["note"][""]["rem"][0][0], "!erased");
    assert_eq!(event.row.title, "Oops: mail to [erased] bounced");
    assert_eq!(event.row.user_label.as_deref(), Some("bob@example.com"));
    let (_, body) = road.event(event_id(6)).await;
    assert_eq!(body["extra"]["note"], "nothing of hers: nada@example.com");
    let issues = issues(&road).await;
    let declined = issues.iter().find(|issue| issue.title == "[erased]");
    let declined = declined.unwrap();
    assert_eq!((declined.event_count, declined.user_count), (2, 0));

    // Once more: there is nothing left.
    let again = run(&road, &erase(&road, "ADA@example.com", false)).await;
    let nothing = ErasureReport {
        storage: "cleaned".to_owned(),
        ..ErasureReport::default()
    };
    assert_eq!(report(&again), nothing);
    // The server's next start has the queue forget what is processed, as it does when nobody sends for a while.
    tokio::task::block_in_place(|| road.queue.close());
    for (path, bytes) in files(&road) {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let text = text.replace("nada@example.com", "");
        assert!(path.contains("/queue/") || !text.contains(ADA), "{path}");
        assert!(
            path.contains("/queue/") || !text.contains("77777"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_mentioned_may_be_left() {
    let road = stored().await;
    let mut new = erase(&road, ADA, false);
    new.parameters.own_only = true;
    let found = report(&run(&road, &new).await);
    assert_eq!((found.events, found.transactions), (2, 1));
    assert_eq!(found.mentions.total(), 0);
    let (_, body) = road.event(event_id(3)).await;
    assert_eq!(body["extra"]["note"], "mail to ada@example.com bounced");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_or_was_set_aside_is_named() {
    let road = stored().await;
    let waiting = event(r#"{"email":"ada@example.com"}"#, "waits");
    push(&road, 9, "event", &waiting).await;
    let poisoned = road.folder.path().join("queue/poisoned");
    let head = serde_json::to_string(&road.head()).unwrap();
    for (id, text) in [(17, ADA), (18, "bob@example.com")] {
        std::fs::write(
            poisoned.join(format!("{id:020}.request")),
            format!("{head}\n{text}"),
        )
        .unwrap();
    }
    let queue = road.folder.path().join("queue");
    std::fs::write(queue.join("00000000000000000030.damaged"), "torn").unwrap();
    let found = report(&run(&road, &erase(&road, ADA, true)).await).queue;
    assert_eq!(found.waiting, 1);
    assert_eq!(
        (found.aside, found.damaged),
        (vec!["17".to_owned()], Vec::new())
    );
    assert_eq!(found.unknown, ["30.damaged"]);
}

/// Polls a future so often, and drops it then.
async fn die_after(polls: u32, run: impl Future<Output = Result<bool, StoreError>>) {
    let mut run = std::pin::pin!(run);
    let mut left = polls;
    let ended = poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        run.as_mut().poll(context).map(Some)
    });
    if let Some(ended) = ended.await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_after_its_process_died() {
    let mut road = Road::new().await;
    for n in 0..250_u32 {
        let user = if n % 2 == 0 { ADA } else { "bob@example.com" };
        let event = event(&format!(r#"{{"email":"{user}"}}"#), "card declined");
        let id = EventId::from_bytes(u128::from(n + 1).to_be_bytes());
        let items = [(r#"{"type":"event"}"#, event.as_bytes())];
        road.push_envelope(envelope(Some(id), &items)).await;
    }
    road.drain().await;
    road.stop().await;
    let new = erase(&road, ADA, false);
    let id = road
        .store
        .create_job(&new, UnixMillis::now())
        .await
        .unwrap();
    let organization = new.organization_id;
    // The runner is dropped wherever it is, many times: as if the process had died there.
    let mut deaths = 0;
    loop {
        let jobs = Jobs::new(road.store.clone(), road.queue.clone());
        let (_stop, stopped) = watch::channel(false);
        die_after(3 + deaths * 2, jobs.run_next(&stopped)).await;
        let job = road.store.job(organization, id).await.unwrap().unwrap();
        if job.state.is_over() {
            assert!(deaths > 3, "it died in the middle");
            assert_eq!(report(&job).events, 125);
            assert_eq!((job.done, job.total), (250, 250));
            break;
        }
        deaths += 1;
        // Half a minute later somebody else may take it over.
        let later = UnixMillis(UnixMillis::now().0 + 31_000);
        if let Some(abandoned) = road.store.claim_job(later).await.unwrap() {
            road.store.release_job(&abandoned).await.unwrap();
        }
    }
    assert_eq!(
        road.store.count_stored(&[road.project.id]).await.unwrap(),
        125
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_given_back_when_the_process_stops() {
    let road = stored().await;
    let new = erase(&road, ADA, false);
    let id = road
        .store
        .create_job(&new, UnixMillis::now())
        .await
        .unwrap();
    let jobs = Jobs::new(road.store.clone(), road.queue.clone());
    let (_stop, stopped) = watch::channel(true);
    assert!(jobs.run_next(&stopped).await.unwrap());
    let job = road
        .store
        .job(new.organization_id, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.state, JobState::Waiting);
    assert_eq!(job.parameters.person.as_deref(), Some(ADA));
    let (_stop, stopped) = watch::channel(false);
    assert!(jobs.run_next(&stopped).await.unwrap());
    let job = road
        .store
        .job(new.organization_id, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report(&job).events, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_today_are_applied_to_what_is_stored() {
    let mut road = Road::new().await;
    let secret = r#"{"level":"error","exception":{"values":[{"type":"Broken","value":"order of customer-9182"}]},
        "user":{"username":"customer-9182"},"extra":{"note":"customer-9182"},"dist":"not/one"}"#;
    push(&road, 1, "event", secret).await;
    push(&road, 2, "event", r#"{"message":"nothing"}"#).await;
    push(
        &road,
        3,
        "transaction",
        &TRANSACTION.replace("bob@example.com", "customer-9182"),
    )
    .await;
    road.drain().await;
    road.stop().await;
    let before = road.event(event_id(1)).await.1;
    let document = r#"{"scrubData":true,"scrubDefaults":true,"advanced":{"rules":{"customer":{"type":"pattern","pattern":"customer-[0-9]+",
        "redaction":{"method":"replace","text":"[customer]"}}},"applications":{"$error.value":["customer"],"$user.**":["customer"],
        "user.username":["customer"],"extra.**":["customer"]}}}"#;
    let version = NewRuleVersion {
        owner: RuleOwner::Project(road.project.organization_id, road.project.id),
        topic: RuleTopic::Scrubbing,
        document: document.to_owned(),
        comment: String::new(),
        author: None,
        based_on: None,
    };
    road.store
        .save_rules(&version, UnixMillis::now())
        .await
        .unwrap();
    let new = |dry_run| NewJob {
        kind: JobKind::Rescrub,
        project_id: Some(road.project.id),
        parameters: JobParameters {
            dry_run,
            ..JobParameters::default()
        },
        ..erase(&road, "", dry_run)
    };
    let expected = RescrubReport {
        events: 2,
        changed_events: 1,
        transactions: 1,
        changed_transactions: 1,
        issues: 3,
        unreadable: 0,
    };
    let read = |job: &Job| serde_json::from_str::<RescrubReport>(&job.report).unwrap();
    let tried = run(&road, &new(true)).await;
    assert_eq!(read(&tried), expected);
    assert_eq!(road.event(event_id(1)).await.1, before);

    let job = run(&road, &new(false)).await;
    assert_eq!(read(&job), expected);
    let (event, body) = road.event(event_id(1)).await;
    assert_eq!(event.row.title, "Broken: order of [customer]");
    assert_eq!(event.row.user_label.as_deref(), Some("[customer]"));
    assert_eq!(body["extra"]["note"], "[customer]");
    assert_eq!(body["errors"], before["errors"], "what was said stays");
    assert_eq!(body["_meta"]["dist"], before["_meta"]["dist"]);
    assert!(body["_meta"]["extra"]["note"][""]["rem"].is_array());
    assert!(
        event
            .row
            .tags
            .iter()
            .any(|(key, value)| key == "user" && value == "username:[customer]")
    );
    let issues = issues(&road).await;
    assert!(
        issues
            .iter()
            .any(|issue| issue.title == "Broken: order of [customer]")
    );
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    for (_, values) in road.store.hash_values_of_issues(&ids).await.unwrap() {
        assert!(!values.text.contains("9182"), "{}", values.text);
    }
    let again = run(&road, &new(false)).await;
    let nothing = RescrubReport {
        changed_events: 0,
        changed_transactions: 0,
        issues: 0,
        ..expected
    };
    assert_eq!(read(&again), nothing, "once is enough");
}
