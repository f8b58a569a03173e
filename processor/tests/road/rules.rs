//! What a team decides about its events, while they come in.

use std::io::Read as _;

use bugle_protocol::{LimitReason, PublicKey, RuleTopic};
use bugle_store::queue::{LimitedItem, RequestHead};
use bugle_store::{NewProject, RuleOwner};

use crate::support::{NOW, Road, envelope, event_id, message, outcome};
use crate::transactions::{TRACE, sent, transaction};

const NOISE: &str = r#"{"rules":"message:noise -> drop"}"#;

/// The names of what lies in the blob folder.
fn blobs(road: &Road) -> usize {
    let Ok(folders) = std::fs::read_dir(road.folder.path().join("blobs")) else {
        return 0;
    };
    let files = |folder: std::fs::DirEntry| std::fs::read_dir(folder.path()).unwrap().count();
    folders.map(|folder| files(folder.unwrap())).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_apply_from_the_moment_they_are_saved() {
    let mut road = Road::new().await;
    road.push_envelope(message(1, "noise")).await;
    road.drain().await;
    road.save(RuleTopic::Filters, NOISE).await;
    road.push_envelope(message(2, "noise")).await;
    road.push_envelope(message(3, "signal")).await;
    road.drain().await;
    road.save(RuleTopic::Filters, "{}").await;
    road.push_envelope(message(4, "noise")).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("error", "accepted", "", 3),
            outcome("error", "filtered", "custom-inbound-filter", 1),
        ]
    );
    let hits = road.hits(RuleTopic::Filters).await;
    assert_eq!((hits.len(), hits[0].0.len(), hits[0].1), (1, 16, 1));
    assert!(road.rejections().await.is_empty(), "a filter is no mistake");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_another_process_saves_are_found() {
    let mut road = Road::new().await;
    road.push_envelope(message(1, "noise")).await;
    road.drain().await;
    // Another store on the same database, as another process has it.
    let database_url = format!("sqlite:{}", road.folder.path().join("bugle.db").display());
    let options = bugle_store::Options {
        database_url,
        blob_folder: road.folder.path().join("blobs"),
    };
    let other = bugle_store::Store::open(&options).await.unwrap();
    let own = std::mem::replace(&mut road.store, other);
    road.save(RuleTopic::Filters, NOISE).await;
    road.store = own;
    road.push_envelope(message(2, "noise")).await;
    road.drain().await;
    let hits = road.hits(RuleTopic::Filters).await;
    assert_eq!(hits.len(), 1, "{hits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_dropped_event_goes_with_it() {
    let mut road = Road::new().await;
    road.save(RuleTopic::Filters, NOISE).await;
    let file: (&str, &[u8]) = (r#"{"type":"attachment","filename":"a.txt"}"#, b"12345");
    let dump: (&str, &[u8]) = (
        r#"{"type":"attachment","attachment_type":"event.minidump"}"#,
        b"MDMP",
    );
    let noise: (&str, &[u8]) = (r#"{"type":"event"}"#, br#"{"message":"noise"}"#);
    let report: (&str, &[u8]) = (r#"{"type":"user_report"}"#, br#"{"comments":"hm"}"#);
    let about_other = format!(r#"{{"event_id":"{}","comments":"hm"}}"#, event_id(9));
    let other: (&str, &[u8]) = (r#"{"type":"user_report"}"#, about_other.as_bytes());
    let items = [file, report, noise, dump, other];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "filtered", "custom-inbound-filter", 9),
            outcome("attachment_item", "filtered", "custom-inbound-filter", 2),
            outcome("error", "filtered", "custom-inbound-filter", 1),
            outcome("feedback", "accepted", "", 1),
            outcome("feedback", "filtered", "custom-inbound-filter", 1),
        ]
    );
    assert_eq!(blobs(&road), 0, "nothing of it is kept");
    let hits = road.hits(RuleTopic::Filters).await;
    assert_eq!(hits[0].1, 1, "a hit is an event");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_dropped_whole() {
    let mut road = Road::new().await;
    road.save(
        RuleTopic::Filters,
        r#"{"rules":"error.type:Minidump -> drop"}"#,
    )
    .await;
    let dump: (&str, &[u8]) = (
        r#"{"type":"attachment","attachment_type":"event.minidump"}"#,
        b"MDMP",
    );
    let file: (&str, &[u8]) = (r#"{"type":"attachment","filename":"a.txt"}"#, b"12345");
    road.push_envelope(envelope(Some(event_id(1)), &[file, dump]))
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "filtered", "custom-inbound-filter", 9),
            outcome("attachment_item", "filtered", "custom-inbound-filter", 2),
            outcome("error", "filtered", "custom-inbound-filter", 1),
        ]
    );
    assert_eq!(blobs(&road), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_event_leaves_files_to_their_own_limits() {
    let mut road = Road::new().await;
    road.save(RuleTopic::Filters, NOISE).await;
    let items: [(&str, &[u8]); 2] = [
        (r#"{"type":"event"}"#, br#"{"message":"noise"}"#),
        (r#"{"type":"attachment"}"#, b"12345"),
    ];
    let head = RequestHead {
        limited: vec![LimitedItem {
            item: 0,
            reason: LimitReason::KeyQuota,
        }],
        ..road.head()
    };
    road.push_with(head, envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 5),
            outcome("attachment_item", "accepted", "", 1),
            outcome("error", "rate_limited", "key_quota", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_sampled_only_by_rules_that_name_their_type() {
    let mut road = Road::new().await;
    let rules = r#"{"rules":"has:event.id -> sample 1\nmessage:x* -> sample 0"}"#;
    road.save(RuleTopic::Sampling, rules).await;
    road.push_envelope(message(1, "x")).await;
    road.drain().await;
    let rules = r#"{"rules":"event.type:default message:x* -> sample 0"}"#;
    road.save(RuleTopic::Sampling, rules).await;
    road.push_envelope(message(2, "x")).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("error", "accepted", "", 1),
            outcome("error", "sampled", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_never_overwritten() {
    let mut road = Road::new().await;
    let lines = [
        "level:warning -> tag tier=critical",
        "level:warning -> tag color=red",
        "level:warning -> tag tier=later",
        "level:fatal -> tag never=set",
    ];
    let rules = serde_json::json!({ "rules": lines.join("\n") });
    road.save(RuleTopic::Tags, &rules.to_string()).await;
    let event =
        r#"{"message":"m","level":"warning","tags":{"color":"blue"},"_bugle":{"rules":["mine"]}}"#;
    road.push_envelope(sent(event_id(1), "", "event", event))
        .await;
    let payload = transaction("/", TRACE, 5);
    let payload = payload.replacen('{', r#"{"level":"warning","#, 1);
    road.push_envelope(sent(event_id(2), "", "transaction", &payload))
        .await;
    road.drain().await;
    let (event, body) = road.event(event_id(1)).await;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert!(event.row.tags.contains(&pair("tier", "critical")));
    assert!(event.row.tags.contains(&pair("color", "blue")));
    assert_eq!(
        event
            .row
            .tags
            .iter()
            .filter(|(key, _)| key == "color")
            .count(),
        1
    );
    let notes = body["_bugle"]["rules"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(
        (&notes[0]["topic"], &notes[0]["text"]),
        (&"tags".into(), &lines[0].into())
    );
    let stored = road
        .store
        .transaction(road.project.id, event_id(2))
        .await
        .unwrap();
    assert_eq!(stored.unwrap().tags.last(), Some(&pair("color", "red")));
    let hits: Vec<u64> = road
        .hits(RuleTopic::Tags)
        .await
        .into_iter()
        .map(|hit| hit.1)
        .collect();
    assert_eq!(hits.iter().sum::<u64>(), 3, "{hits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_see_what_was_sent_and_tags_are_scrubbed_like_others() {
    let mut road = Road::new().await;
    road.save(
        RuleTopic::Filters,
        r#"{"rules":"message:*4111111111111111* -> drop"}"#,
    )
    .await;
    road.save(
        RuleTopic::Tags,
        r#"{"rules":"has:message -> tag note=ada@example.com"}"#,
    )
    .await;
    let scrubbing = r#"{"advanced":{"applications":{"tags.note":["@email:replace"]}}}"#;
    road.save(RuleTopic::Scrubbing, scrubbing).await;
    road.push_envelope(message(1, "card 4111111111111111"))
        .await;
    road.push_envelope(message(2, "fine")).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("error", "accepted", "", 1),
            outcome("error", "filtered", "custom-inbound-filter", 1),
        ]
    );
    let (event, _) = road.event(event_id(2)).await;
    let note = ("note".to_owned(), "[email]".to_owned());
    assert!(event.row.tags.contains(&note), "{:?}", event.row.tags);
    let scrubbed = road.hits(RuleTopic::Scrubbing).await;
    assert!(
        scrubbed
            .iter()
            .any(|(rule, hits)| rule.contains("@email") && *hits == 1),
        "{scrubbed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_scrubs_in_all_its_projects_also_in_new_ones() {
    let mut road = Road::new().await;
    let organization = RuleOwner::Organization(road.project.organization_id);
    let event = r#"{"message":"m","user":{"id":"7","ip_address":"198.51.100.7"}}"#;
    road.push_envelope(sent(event_id(1), "", "event", event))
        .await;
    road.drain().await;
    let (_, body) = road.event(event_id(1)).await;
    assert_eq!(body["user"]["ip_address"], "198.51.100.7");

    road.save_for(
        organization,
        RuleTopic::Scrubbing,
        r#"{"scrubIpAddresses":true}"#,
    )
    .await;
    road.push_envelope(sent(event_id(2), "", "event", event))
        .await;
    // A user without an address gets none of the connection's either.
    let javascript = r#"{"message":"m","platform":"javascript","user":{"id":"7"}}"#;
    road.push_envelope(sent(event_id(3), "", "event", javascript))
        .await;
    road.drain().await;
    let new = NewProject {
        organization_id: road.project.organization_id,
        name: "Blog",
        platform: None,
        public_key: PublicKey::from_bytes([2; 16]),
    };
    let blog = road.store.create_project(&new, NOW).await.unwrap();
    let shop = std::mem::replace(&mut road.project, blog);
    road.push_envelope(sent(event_id(4), "", "event", event))
        .await;
    road.drain().await;
    let (_, of_blog) = road.event(event_id(4)).await;
    road.project = shop;
    for (n, body) in [
        (2, road.event(event_id(2)).await.1),
        (3, road.event(event_id(3)).await.1),
        (4, of_blog),
    ] {
        let text = body.to_string();
        assert!(
            !text.contains("198.51.100.7") && !text.contains("203.0.113.9"),
            "{n}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_document_switches_nothing_else_off() {
    let mut road = Road::new().await;
    road.save(RuleTopic::Filters, "nonsense").await;
    road.save(RuleTopic::Sampling, r#"{"rules":"(( -> sample 0"}"#)
        .await;
    road.save(
        RuleTopic::Tags,
        r#"{"rules":"what? ->\nhas:message -> tag a=b"}"#,
    )
    .await;
    let event = r#"{"message":"m","extra":{"password":"hunter2"}}"#;
    road.push_envelope(sent(event_id(1), "", "event", event))
        .await;
    road.drain().await;
    let (event, body) = road.event(event_id(1)).await;
    assert_eq!(body["extra"]["password"], "[Filtered]");
    assert!(event.row.tags.contains(&("a".to_owned(), "b".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_meets_the_rules_when_it_comes_again() {
    let mut road = Road::new().await;
    let project_id = std::mem::replace(&mut road.project.id, bugle_protocol::ProjectId(4711));
    road.push_envelope(message(1, "noise")).await;
    road.project.id = project_id;
    road.drain().await;
    assert_eq!(road.outcomes().await, []);
    assert_eq!(road.set_aside().len(), 1, "its project is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_their_names_are_scrubbed() {
    let mut road = Road::new().await;
    let rules = r#"{"advanced":{"applications":{"$attachments.'app.log'":["@creditcard:mask"]}}}"#;
    road.save(RuleTopic::Scrubbing, rules).await;
    let card = b"card 4111111111111111 of ada";
    let items: [(&str, &[u8]); 3] = [
        (r#"{"type":"event"}"#, br#"{"message":"m"}"#),
        (r#"{"type":"attachment","filename":"app.log"}"#, card),
        (
            r#"{"type":"attachment","filename":"4111111111111111.csv"}"#,
            card,
        ),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    let files = road
        .store
        .attachments(road.project.id, event_id(1), 0, 10)
        .await
        .unwrap();
    let named = |name: &str| {
        let file = files.iter().find(|file| file.name == name);
        let file = file.unwrap_or_else(|| panic!("{name} in {files:?}"));
        let mut bytes = Vec::new();
        let mut blob = road.store.blobs.open(file.blob).unwrap().unwrap();
        blob.read_to_end(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(named("app.log"), b"card **************** of ada");
    assert_eq!(named("[Filtered].csv"), card);
}
