//! What comes with events: files, what users wrote, and the reports of browsers.

use crate::browser::Page;
use crate::support;
use crate::world::{World, world};
use axum::http::{StatusCode, header};
use bugle_protocol::{EventId, KeyId, UnixMillis};
use bugle_store::{Batch, NewAttachment, NewFeedback};
use serde_json::{Value, json};

const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`";

async fn event(world: &World, group: &str, body: Value) -> EventId {
    support::record(&world.store, world.shop, group, &body, UnixMillis::now())
        .await
        .0
}

async fn attach(world: &World, event_id: EventId, name: &str, content_type: &str, bytes: &[u8]) {
    let attachment = NewAttachment {
        project_id: world.shop,
        key_id: KeyId(1),
        event_id,
        received_at: UnixMillis::now(),
        name: name.to_owned(),
        content_type: Some(content_type.to_owned()),
        attachment_type: "event.minidump".to_owned(),
        blob: world.store.blobs.put(bytes).unwrap(),
        size: bytes.len() as u64,
    };
    let batch = Batch {
        attachments: vec![attachment],
        ..Batch::default()
    };
    world.store.record(&batch, UnixMillis::now()).await.unwrap();
}

fn feedback(world: &World, id: u8, event_id: Option<EventId>, message: &str) -> NewFeedback {
    NewFeedback {
        project_id: world.shop,
        key_id: KeyId(1),
        feedback_id: EventId::from_bytes([id; 16]),
        event_id,
        name: Some("Ada".to_owned()),
        email: Some("ada@shop.example".to_owned()),
        message: message.to_owned(),
        url: Some("https://shop.example/cart".to_owned()),
        source: Some("widget".to_owned()),
        environment: None,
        release: None,
        created_at: UnixMillis::now(),
        received_at: UnixMillis::now(),
    }
}

async fn write(world: &World, feedback: Vec<NewFeedback>) {
    let batch = Batch {
        feedback,
        ..Batch::default()
    };
    world.store.record(&batch, UnixMillis::now()).await.unwrap();
}

fn assert_harmless(page: &Page) {
    for mark in ["<script>alert", "<img src=x", "href=\"javascript"] {
        assert!(!page.text.contains(mark), "{mark}");
    }
}

#[tokio::test]
async fn files_are_listed_and_downloaded_as_they_were_sent() {
    let mut world = world().await;
    let crash = json!({"exception": {"values": [{"type": "Minidump", "value": "x"}]}});
    let id = event(&world, "a", crash).await;
    let plain = world.browser.get("/bugle/issues/SHOP-1/").await;
    assert!(!plain.words().contains("Attachments") && !plain.words().contains("User feedback"));
    attach(&world, id, "größe.dmp", "text/html", b"MDMP").await;
    attach(&world, id, EVIL, EVIL, &[b'x'; 2500]).await;
    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    page.assert_shows(&[
        "Attachments 2",
        "größe.dmp minidump text/html 4 B",
        "2.5 KB",
    ]);
    assert_harmless(&page);

    let path = format!("/bugle/issues/SHOP-1/events/{id}/attachments/1/");
    assert!(page.text.contains(&format!("href=\"{path}\"")));
    let file = world.browser.get(&path).await;
    assert_eq!((file.status, file.text.as_str()), (StatusCode::OK, "MDMP"));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_LENGTH, "4"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"gr__e.dmp\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.dmp",
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-store"),
    ] {
        assert_eq!(file.headers[&name], value, "{name}");
    }
}

#[tokio::test]
async fn files_are_only_found_where_they_belong() {
    let mut world = world().await;
    let id = event(&world, "a", json!({"logentry": {"formatted": "one"}})).await;
    let other = event(&world, "b", json!({"logentry": {"formatted": "two"}})).await;
    attach(&world, id, "a.txt", "text/plain", b"secret").await;
    attach(
        &world,
        EventId::from_bytes([9; 16]),
        "b.txt",
        "text/plain",
        b"lonely",
    )
    .await;
    let hidden = support::add_project(&world.store, "other", "Hidden", 2).await;
    let (foreign, _) =
        support::record(&world.store, hidden, "a", &json!({}), UnixMillis::now()).await;
    for path in [
        format!("SHOP-2/events/{other}/attachments/1/"),
        format!("SHOP-1/events/{other}/attachments/1/"),
        format!("SHOP-1/events/{id}/attachments/2/"),
        format!("SHOP-1/events/{id}/attachments/3"),
        format!("SHOP-1/events/{id}/attachments/-1/"),
        format!("SHOP-1/events/{id}/attachments/99999999999999999999/"),
        format!("HIDDEN-1/events/{foreign}/attachments/1/"),
    ] {
        let page = world.browser.get(&format!("/bugle/issues/{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.text.contains("secret"));
    }
    let latest = world
        .browser
        .get("/bugle/issues/SHOP-1/events/latest/attachments/1")
        .await;
    assert_eq!(
        (latest.text.as_str(), latest.status),
        ("secret", StatusCode::OK)
    );
    world.browser.cookie = None;
    let guest = world
        .browser
        .get(&format!("/bugle/issues/SHOP-1/events/{id}/attachments/1/"))
        .await;
    assert_eq!(guest.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_users_wrote_is_shown_with_the_event_and_in_lists() {
    let mut world = world().await;
    for path in ["/bugle/shop/feedback/", "/bugle/feedback"] {
        let page = world.browser.get(path).await;
        page.assert_shows(&["Nobody has written yet", "Sentry.captureFeedback"]);
    }
    let id = event(
        &world,
        "a",
        json!({"logentry": {"formatted": "broken cart"}}),
    )
    .await;
    let missing = EventId::from_bytes([7; 16]);
    let mut hostile = feedback(&world, 3, Some(missing), EVIL);
    hostile.name = Some(EVIL.to_owned());
    hostile.email = Some(EVIL.to_owned());
    hostile.source = Some(EVIL.to_owned());
    hostile.url = Some("javascript:alert(1)".to_owned());
    let about = feedback(&world, 1, Some(id), "The cart\nlost my mug");
    write(&world, vec![about, hostile]).await;

    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    page.assert_shows(&[
        "User feedback 1",
        "Ada ada@shop.example",
        "The cart lost my mug",
        "through widget",
    ]);
    let list = world.browser.get("/bugle/shop/feedback/").await;
    list.assert_shows(&[
        "User feedback of Shop",
        "about SHOP-1 broken cart",
        "about event 07070707, which is not stored",
        "on javascript:alert(1)",
    ]);
    let link = format!("href=\"/bugle/issues/SHOP-1/events/{id}/\"");
    assert!(list.text.contains(&link) && list.text.contains("href=\"https://shop.example/cart\""));
    assert_harmless(&list);
    let all = world.browser.get("/bugle/feedback/").await;
    all.assert_shows(&["User feedback of all projects", "Shop"]);
    assert!(all.text.contains("href=\"/bugle/shop/feedback/\""));
}

#[tokio::test]
async fn long_lists_of_feedback_have_pages() {
    let mut world = world().await;
    let some = (0..60).map(|n| feedback(&world, n, None, &format!("message {n}.")));
    write(&world, some.collect()).await;
    let first = world.browser.get("/bugle/shop/feedback/").await;
    first.assert_shows(&["message 59.", "message 10.", "Older"]);
    assert!(!first.words().contains("message 9."));
    let (_, rest) = first.text.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = world.browser.get(&next).await;
    second.assert_shows(&["message 9.", "message 0.", "Newer"]);
    let beyond = world
        .browser
        .get("/bugle/shop/feedback/?cursor=0:0:0")
        .await;
    beyond.assert_shows(&["Nothing further here", "To the newest feedback"]);
    let odd = world.browser.get("/bugle/shop/feedback/?cursor=%00").await;
    assert_eq!(odd.status, StatusCode::OK);
}

#[tokio::test]
async fn others_feedback_is_not_listed() {
    let mut world = world().await;
    let hidden = support::add_project(&world.store, "other", "Hidden", 2).await;
    let mut theirs = feedback(&world, 1, None, "hidden words");
    theirs.project_id = hidden;
    write(&world, vec![theirs]).await;
    let page = world.browser.get("/bugle/feedback/").await;
    page.assert_shows(&["Nobody has written yet"]);
    let page = world.browser.get("/bugle/hidden/feedback/").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_browsers_report_reads_like_one() {
    let mut world = world().await;
    let csp = json!({"document_uri": "https://shop.example/", "violated_directive": "script-src 'self'", "blocked_uri": "javascript:alert(1)",
        "source_file": "https://shop.example/app.js", "line_number": 12, "column_number": 40, "original_policy": EVIL, "script_sample": EVIL});
    event(
        &world,
        "a",
        json!({"logentry": {"formatted": "Blocked 'script'"}, "csp": csp}),
    )
    .await;
    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    page.assert_shows(&[
        "Content security policy report",
        "Document https://shop.example/",
        "Violated directive script-src 'self'",
        "Source file https://shop.example/app.js:12:40",
        "Everything else it says Other fields of the report Original policy",
    ]);
    assert_harmless(&page);
}
