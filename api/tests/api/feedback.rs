//! What users wrote.

use std::time::Duration;

use bugle_protocol::{Envelope, ItemType, KeyId, UnixMillis};
use bugle_store::queue::{Entry, QueuedRequest};
use bugle_store::{Batch, NewFeedback, Scope};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::fixture::{Fixture, Tenant, event_id};

const PATH: &str = "/api/0/projects/acme/shop/user-feedback/";

fn feedback(fixture: &Fixture, tenant: &Tenant, number: u16) -> NewFeedback {
    let ago = Duration::from_secs(600 - u64::from(number));
    NewFeedback {
        project_id: tenant.project.id,
        key_id: KeyId(1),
        feedback_id: event_id(number),
        event_id: None,
        name: None,
        email: None,
        message: format!("number {number}"),
        url: Some("https://shop.example.com/".to_owned()),
        source: Some("widget".to_owned()),
        environment: None,
        release: None,
        created_at: UnixMillis(1_767_323_045_678),
        received_at: fixture.now.before(ago),
    }
}

#[tokio::test]
async fn feedback_is_listed_in_pages() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("other", 2).await;
    let mut about = feedback(&fixture, &tenant, 2);
    about.event_id = Some(event_id(7));
    about.name = Some("Ada".to_owned());
    about.email = Some("ada@example.com".to_owned());
    let some = vec![
        feedback(&fixture, &tenant, 1),
        about,
        feedback(&fixture, &tenant, 3),
        feedback(&fixture, &other, 4),
    ];
    let batch = Batch {
        feedback: some,
        ..Batch::default()
    };
    fixture.store_batch(batch).await;
    let list = fixture.get(&tenant.token, PATH).await;
    assert_eq!(
        list.column("comments"),
        ["number 3", "number 2", "number 1"]
    );
    assert_json_snapshot!("feedback", list.json);

    let first = fixture.get(&tenant.token, &format!("{PATH}?limit=2")).await;
    assert_eq!(first.link("previous"), None);
    let second = first.link("next").unwrap();
    let second = fixture.get(&tenant.token, &second).await;
    assert_eq!(second.column("comments"), ["number 1"]);
    assert_eq!(second.link("next"), None);
    let back = second.link("previous").unwrap();
    let back = fixture.get(&tenant.token, &back).await;
    assert_eq!(back.json, first.json);
    let bad = fixture
        .get(&tenant.token, &format!("{PATH}?cursor=x"))
        .await;
    assert_eq!(bad.status, 400);
}

/// What waits in the queue.
fn waiting(fixture: &Fixture) -> Vec<QueuedRequest> {
    let deliveries = fixture.queue.reader(0).read(100, 1 << 20).unwrap();
    let entries = deliveries.iter().map(|delivery| &delivery.data);
    let request = |data: &_| match Entry::from_bytes(data) {
        Some(Entry::Request(request)) => request,
        other => panic!("{other:?}"),
    };
    entries.map(request).collect()
}

#[tokio::test]
async fn feedback_goes_the_way_of_what_clients_send() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let body = json!({
        "event_id": event_id(1).to_string(), "name": " Ada ", "email": "ada@example.com", "comments": "It \"broke\"\n!",
    });
    let body = body.to_string();
    let first = fixture.call("POST", &tenant.token, PATH, &body).await;
    assert_eq!(first.status, 200, "{}", first.json);
    let id = NewFeedback::id_of(event_id(1), "Ada", "ada@example.com", "It \"broke\"\n!");
    assert_json_snapshot!("taken_feedback", first.without(&["dateCreated"]));
    assert_eq!(first.json["id"], id.to_string());

    let [queued] = &waiting(&fixture)[..] else {
        panic!("not one request");
    };
    let key = fixture.store.project_keys(tenant.project.id).await.unwrap();
    assert_eq!(queued.head.key_id, key[0].id);
    assert_eq!(queued.head.charges, [], "no limit was asked");
    let envelope = Envelope::parse(&queued.body).unwrap();
    let [item] = &envelope.items[..] else {
        panic!("not one item");
    };
    assert_eq!(item.header.item_type, ItemType::UserReport);
    let report: serde_json::Value = serde_json::from_slice(item.payload).unwrap();
    assert_eq!(report["comments"], "It \"broke\"\n!");
    assert_eq!(report["event_id"], event_id(1).to_string());
}

#[tokio::test]
async fn feedback_that_is_kept_is_not_taken_again() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let body = json!({"event_id": event_id(1).to_string(), "name": "Ada", "email": "a@b.c", "comments": "4111 1111"});
    let mut kept = feedback(&fixture, &tenant, 1);
    kept.feedback_id = NewFeedback::id_of(event_id(1), "Ada", "a@b.c", "4111 1111");
    kept.event_id = Some(event_id(1));
    kept.message = "[Filtered]".to_owned();
    let batch = Batch {
        feedback: vec![kept],
        ..Batch::default()
    };
    fixture.store_batch(batch).await;
    let body = body.to_string();
    let answer = fixture.call("POST", &tenant.token, PATH, &body).await;
    assert_eq!(answer.json["comments"], "[Filtered]");
    assert_eq!(waiting(&fixture), []);
    let list = fixture.get(&tenant.token, PATH).await;
    assert_eq!(list.json, json!([answer.json]));
}

#[tokio::test]
async fn a_project_without_keys_takes_no_feedback() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let keys = fixture.store.project_keys(tenant.project.id).await.unwrap();
    let retired = fixture.store.update_key(keys[0].id, "old", false).await;
    retired.unwrap();
    let body = json!({"event_id": event_id(1).to_string(), "name": "Ada", "email": "a@b.c", "comments": "x"});
    let body = body.to_string();
    let answer = fixture.call("POST", &tenant.token, PATH, &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(waiting(&fixture), []);
}

#[tokio::test]
async fn feedback_that_says_nothing_is_refused() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let good = json!({"event_id": event_id(9).to_string(), "name": "Ada", "email": "a@b.c", "comments": "x"});
    let with = |key: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[key] = value;
        body.to_string()
    };
    for (body, detail) in [
        (String::new(), "JSON object"),
        ("[]".to_owned(), "JSON object"),
        (with("event_id", json!("xyz")), "event_id 'xyz'"),
        (with("event_id", json!(null)), "event_id is missing"),
        (with("name", json!("")), "name is missing"),
        (with("email", json!(7)), "email is missing"),
        (with("comments", json!(" \n")), "comments is missing"),
        (with("comments", json!("x".repeat(4097))), "4096 characters"),
        (with("name", json!("é".repeat(256))), "255 characters"),
    ] {
        let answer = fixture.call("POST", &tenant.token, PATH, &body).await;
        assert_eq!(answer.status, 400, "{body}");
        let said = answer.json["detail"].as_str().unwrap();
        assert!(said.contains(detail), "{body}: {said}");
    }
    let hostile = with("comments", json!("\0🦀\u{202e}'; DROP TABLE feedback"));
    let taken = fixture.call("POST", &tenant.token, PATH, &hostile).await;
    assert_eq!(taken.status, 200, "the event need not be there");
    let reader = fixture.token(tenant.organization, &[Scope::ProjectRead], 9);
    let reader = reader.await;
    let refused = fixture.call("POST", &reader, PATH, &good.to_string()).await;
    assert_eq!(refused.status, 403);
}
