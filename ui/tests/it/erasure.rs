//! Erasing a person, applying scrubbing rules to what is stored, and the jobs that do it.

use axum::http::{StatusCode, header};
use bugle_protocol::{JobId, UnixMillis};
use bugle_store::{
    Changes, Checkpoint, ErasureReport, Gone, Job, JobKind, JobState, QueueReport, Role, StoredKind,
};
use serde_json::json;

use crate::support;
use crate::world::{World, world};

const PATH: &str = "/bugle/shop/settings/erasure/";

async fn jobs(world: &World) -> Vec<Job> {
    let organization = world.store.organizations().await.unwrap()[0].id;
    world.store.jobs(organization, 10).await.unwrap()
}

async fn submit(world: &mut World, more: &[(&str, &str)]) -> crate::browser::Page {
    let token = world.browser.form_token().await;
    let mut form = vec![("form_token", token.as_str())];
    form.extend(more);
    world.browser.post(PATH, &form).await
}

#[tokio::test]
async fn a_person_is_searched_for_and_erased_by_jobs() {
    let mut world = world().await;
    let settings = world.browser.get("/bugle/shop/settings/").await;
    assert!(settings.text.contains("shop/settings/erasure/"));
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["Erasure", "Find counts and changes nothing", "None yet."]);

    let find = [
        ("person", " bob@example.com "),
        ("scope", "project"),
        ("action", "find"),
    ];
    let page = submit(&mut world, &find).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let [job] = &jobs(&world).await[..] else {
        panic!("no job");
    };
    assert_eq!(page.location(), format!("{PATH}jobs/{}/", job.id));
    assert_eq!((job.kind, job.state), (JobKind::Erase, JobState::Waiting));
    assert_eq!(job.project_id, Some(world.shop));
    assert_eq!(job.author.as_deref(), Some("ada@example.com"));
    let parameters = &job.parameters;
    assert_eq!(parameters.person.as_deref(), Some("bob@example.com"));
    assert!(parameters.dry_run && !parameters.own_only && !parameters.compact);

    let erase = [
        ("person", "bob@example.com"),
        ("scope", "all"),
        ("own_only", "on"),
        ("compact", "on"),
        ("sure", "on"),
        ("action", "erase"),
    ];
    let page = submit(&mut world, &erase).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let job = &jobs(&world).await[0];
    let parameters = &job.parameters;
    assert!(!parameters.dry_run && parameters.own_only && parameters.compact);
    assert_eq!(job.project_id, None);
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["Erase a person", "Find a person", "waiting"]);
    assert!(!page.text.contains("bob@example.com"), "jobs name nobody");
}

#[tokio::test]
async fn a_form_that_cannot_be_used_erases_nothing() {
    let mut world = world().await;
    for (form, says) in [
        (
            vec![("person", " "), ("action", "find")],
            "The identifier is empty",
        ),
        (
            vec![("person", "42"), ("action", "find")],
            "too short to be looked for",
        ),
        (
            vec![("person", "<b>root"), ("action", "erase")],
            "confirm that it cannot be undone",
        ),
        (
            vec![("person", "root"), ("action", "find")],
            "'root' names no person",
        ),
    ] {
        let page = submit(&mut world, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
        page.assert_shows(&[says]);
        assert!(!page.text.contains("<b>root"));
    }
    let page = submit(
        &mut world,
        &[("person", "42"), ("own_only", "on"), ("action", "find")],
    )
    .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let page = submit(&mut world, &[("person", "bob"), ("action", "x")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(jobs(&world).await.len(), 1);
}

#[tokio::test]
async fn rules_are_applied_only_when_that_is_confirmed() {
    let mut world = world().await;
    let path = format!("{PATH}rescrub/");
    let token = world.browser.form_token().await;
    let mut form = vec![("form_token", token.as_str()), ("action", "run")];
    let page = world.browser.post(&path, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["Nothing is changed yet: confirm that it cannot be undone."]);
    assert!(!page.text.contains("Nothing is erased yet"));
    assert!(jobs(&world).await.is_empty());
    form.push(("sure", "on"));
    let page = world.browser.post(&path, &form).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let [job] = &jobs(&world).await[..] else {
        panic!("no job");
    };
    assert_eq!(job.kind, JobKind::Rescrub);
    assert!(!job.parameters.dry_run);
}

#[tokio::test]
async fn only_admins_and_owners_may() {
    let world = world().await;
    let mut member = world.browser_of(Role::Member).await;
    let token = member.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("person", "bob@example.com"),
        ("sure", "on"),
        ("action", "erase"),
    ];
    assert_eq!(member.get(PATH).await.status, StatusCode::FORBIDDEN);
    assert_eq!(member.post(PATH, &form).await.status, StatusCode::FORBIDDEN);
    let settings = member.get("/bugle/shop/settings/").await;
    assert!(!settings.text.contains("settings/erasure"));
    let path = format!("{PATH}rescrub/");
    let form = [("form_token", token.as_str()), ("action", "run")];
    assert_eq!(
        member.post(&path, &form).await.status,
        StatusCode::FORBIDDEN
    );
    let mut admin = world.browser_of(Role::Admin).await;
    assert_eq!(admin.get(PATH).await.status, StatusCode::OK);
    let form = [("form_token", "another session's"), ("action", "run")];
    assert_eq!(admin.post(&path, &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        admin.post_from_elsewhere(&path, &form).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(jobs(&world).await.is_empty());
}

#[tokio::test]
async fn a_job_shows_how_far_it_is_and_can_be_cancelled() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [("form_token", token.as_str()), ("action", "try")];
    let page = world.browser.post(&format!("{PATH}rescrub/"), &form).await;
    let path = page.location().to_owned();
    let page = world.browser.get(&path).await;
    page.assert_shows(&[
        "Try the scrubbing rules waiting",
        "in Shop",
        "by ada@example.com",
        "Cancel",
    ]);
    assert!(page.text.contains("http-equiv=\"refresh\""));

    let claimed = world
        .store
        .claim_job(UnixMillis::now())
        .await
        .unwrap()
        .unwrap();
    let checkpoint = Checkpoint {
        total: 4000,
        done: 1000,
        report: r#"{"events":1000,"changed_events":12}"#.to_owned(),
        ..Checkpoint::default()
    };
    let now = UnixMillis::now();
    assert!(
        world
            .store
            .checkpoint_job(&claimed, &checkpoint, now)
            .await
            .unwrap()
    );
    let page = world.browser.get(&path).await;
    page.assert_shows(&[
        "running",
        "1 000 of 4 000 events",
        "events changed 12",
        "nothing was changed",
    ]);
    assert!(page.text.contains("25 % done"));

    let form = [("form_token", token.as_str())];
    let cancelled = world.browser.post(&format!("{path}cancel/"), &form).await;
    assert_eq!(cancelled.location(), path);
    let page = world.browser.get(&path).await;
    page.assert_shows(&["cancelled"]);
    assert!(!page.text.contains("http-equiv=\"refresh\""));
    let again = world.browser.post(&format!("{path}cancel/"), &form).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);

    let other = support::add_project(&world.store, "other", "Theirs", 2).await;
    support::add_user(&world.store, "other", "eve@example.com", Role::Owner).await;
    let mut eve = crate::browser::Browser::signed_in(&world.store, "eve@example.com").await;
    let id = path.split('/').rev().nth(1).unwrap();
    let theirs = format!("/bugle/{other}/settings/erasure/jobs/{id}/");
    assert_eq!(eve.get(&theirs).await.status, StatusCode::NOT_FOUND);
    let missing = format!("{PATH}jobs/99/");
    assert_eq!(
        world.browser.get(&missing).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_report_says_what_is_left_to_do() {
    let mut world = world().await;
    let form = [
        ("person", "bob@example.com"),
        ("sure", "on"),
        ("action", "erase"),
    ];
    let page = submit(&mut world, &form).await;
    let claimed = world
        .store
        .claim_job(UnixMillis::now())
        .await
        .unwrap()
        .unwrap();
    let report = ErasureReport {
        events: 1234,
        queue: QueueReport {
            waiting: 2,
            aside: vec!["17".to_owned()],
            damaged: vec!["18.damaged".to_owned()],
            unknown: vec!["19.damaged".to_owned()],
        },
        storage: "cleaned".to_owned(),
        ..ErasureReport::default()
    };
    let checkpoint = Checkpoint {
        report: serde_json::to_string(&report).unwrap(),
        ..Checkpoint::default()
    };
    let now = UnixMillis::now();
    world
        .store
        .checkpoint_job(&claimed, &checkpoint, now)
        .await
        .unwrap();
    world.store.finish_job(&claimed, None, now).await.unwrap();
    let page = world.browser.get(page.location()).await;
    page.assert_shows(&[
        "Erase a person done",
        "events 1 234",
        "2 requests that wait",
        "bugle queue drop 17 18.damaged",
        "19.damaged",
        "holds nothing of it any more",
    ]);
}

#[tokio::test]
async fn a_persons_data_can_be_downloaded() {
    let mut world = world().await;
    let now = UnixMillis::now();
    let event = json!({ "user": { "email": "bob@example.com" }, "message": "Grüße" });
    support::record(&world.store, world.shop, "a", &event, now).await;
    let event = json!({ "user": { "email": "eve@example.com" }, "message": "bob@example.com" });
    support::record(&world.store, world.shop, "b", &event, now).await;
    let form = [
        ("person", "BOB@example.com"),
        ("scope", "all"),
        ("action", "export"),
    ];
    let page = submit(&mut world, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[header::CACHE_CONTROL], "private, no-store");
    let disposition = page.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"person.jsonl\"");
    let lines: Vec<&str> = page.text.lines().collect();
    assert_eq!(lines.len(), 1, "{}", page.text);
    let line: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(line["body"]["message"], "Grüße");
    assert!(jobs(&world).await.is_empty());
}

#[tokio::test]
async fn an_issue_whose_events_are_erased_can_still_be_seen() {
    let mut world = world().await;
    let now = UnixMillis::now();
    let event = json!({ "user": { "email": "bob@example.com" }, "message": "broken" });
    support::record(&world.store, world.shop, "a", &event, now).await;
    let form = [
        ("person", "bob@example.com"),
        ("sure", "on"),
        ("action", "erase"),
    ];
    submit(&mut world, &form).await;
    let claimed = world.store.claim_job(now).await.unwrap().unwrap();
    let projects = [world.shop];
    let rows = world.store.stored_rows(StoredKind::Event, &projects, 0);
    let rows = rows.await.unwrap();
    let gone = Gone {
        row: rows[0].row,
        project_id: rows[0].project_id,
        event_id: rows[0].event_id,
        issue_id: rows[0].issue_id,
        received_at: rows[0].received_at,
        user_hash: None,
    };
    let changes = Changes {
        gone_events: vec![gone],
        ..Changes::default()
    };
    let applied = world
        .store
        .apply_changes(&claimed, &changes, now, |_| Checkpoint::default());
    applied.await.unwrap().unwrap();
    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    page.assert_shows(&["No event is kept", "were erased"]);
    for path in ["/bugle/issues/SHOP-1/events/", "/bugle/shop/issues/"] {
        assert_eq!(
            world.browser.get(path).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    for event in ["latest", "oldest", "latest/json"] {
        let path = format!("/bugle/issues/SHOP-1/events/{event}");
        assert_eq!(world.browser.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(jobs(&world).await[0].id, JobId(1));
}
