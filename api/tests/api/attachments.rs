//! Attachments: as rows, and as bytes that a browser must only save.

use bugle_store::{Batch, NewAttachment};
use insta::assert_json_snapshot;

use crate::fixture::{Fixture, Tenant, event, event_id};

fn attachment(fixture: &Fixture, tenant: &Tenant, event: u16, name: &str) -> NewAttachment {
    let bytes = name.repeat(100_000);
    let blob = fixture.store.blobs.put(bytes.as_bytes()).unwrap();
    NewAttachment {
        project_id: tenant.project.id,
        key_id: bugle_protocol::KeyId(1),
        event_id: event_id(event),
        received_at: fixture.now,
        name: name.to_owned(),
        content_type: Some("text/plain; charset=utf-8".to_owned()),
        attachment_type: "event.attachment".to_owned(),
        blob,
        size: bytes.len() as u64,
    }
}

async fn keep(fixture: &Fixture, attachments: Vec<NewAttachment>) {
    let batch = Batch {
        attachments,
        ..Batch::default()
    };
    fixture.store_batch(batch).await;
}

fn path(event: u16, rest: &str) -> String {
    let id = event_id(event);
    format!("/api/0/projects/acme/shop/events/{id}/attachments/{rest}")
}

#[tokio::test]
async fn attachments_are_listed_with_or_without_their_event() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let one = |event, name| attachment(&fixture, &tenant, event, name);
    let mut untyped = one(1, "core");
    untyped.content_type = None;
    let rows = vec![one(1, "a.log"), untyped, one(2, "alone.txt")];
    keep(&fixture, rows).await;
    fixture
        .record(vec![
            event(tenant.project.id, 1, 1, fixture.now),
            event(tenant.project.id, 3, 1, fixture.now),
        ])
        .await;

    let list = fixture.get(&tenant.token, &path(1, "")).await;
    assert_json_snapshot!("attachments", list.without(&["dateCreated"]));
    let page = fixture.get(&tenant.token, &path(1, "?limit=1")).await;
    let next = page.link("next").unwrap();
    let page = fixture.get(&tenant.token, &next).await;
    assert_eq!(
        (page.column("name"), page.link("next")),
        (vec!["core"], None)
    );

    let alone = fixture.get(&tenant.token, &path(2, "")).await;
    assert_eq!(alone.column("name"), ["alone.txt"]);
    let none = fixture.get(&tenant.token, &path(3, "")).await;
    assert_eq!((none.status.as_u16(), none.column("name").len()), (200, 0));
    let unknown = fixture.get(&tenant.token, &path(4, "")).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn an_attachment_is_downloaded_as_it_was_sent() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let mut hostile = attachment(&fixture, &tenant, 1, "../é\r\n<b>.html");
    hostile.content_type = Some("text/html".to_owned());
    let rows = vec![attachment(&fixture, &tenant, 1, "a.log"), hostile];
    keep(&fixture, rows).await;

    let detail = fixture.get(&tenant.token, &path(1, "1/")).await;
    let list = fixture.get(&tenant.token, &path(1, "")).await;
    assert_eq!(detail.json, list.json[0]);

    let download = path(1, "1/?download=1");
    let (status, headers, body) = fixture.download(&tenant.token, &download).await;
    assert_eq!(
        (status.as_u16(), body),
        (200, "a.log".repeat(100_000).into())
    );
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(headers["content-length"], "500000");
    let (_, headers, body) = fixture
        .download(&tenant.token, &path(1, "2/?download"))
        .await;
    assert_eq!(body, "../é\r\n<b>.html".repeat(100_000).into_bytes());
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "private"),
        (
            "content-disposition",
            "attachment; filename=\"____b_.html\"; filename*=UTF-8''%C3%A9___b_.html",
        ),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404_for_all() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("other", 2).await;
    let mut gone = attachment(&fixture, &tenant, 1, "gone");
    gone.blob = bugle_store::BlobId([7; 32]);
    keep(&fixture, vec![gone]).await;
    for (token, path) in [
        (&tenant.token, path(1, "2/")),
        (&tenant.token, path(2, "1/")),
        (&tenant.token, path(1, "x/?download=1")),
        (&tenant.token, path(1, "99999999999999999999/")),
        (&tenant.token, path(1, "1/?download=1")),
        (&other.token, path(1, "1/")),
        (&other.token, path(1, "1/").replace("acme", "other")),
        (&other.token, path(1, "").replace("acme", "other")),
    ] {
        let answer = fixture.get(token, &path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.json);
    }
}
