use bugle_protocol::AttachmentId;
use bugle_store::{Batch, NewAttachment};
use tokio::io::AsyncReadExt as _;

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, attachment, event, event_id, outcomes, store_batch};

on_both_backends!(
    an_attachment_is_kept_once,
    attachments_are_judged_apart_from_their_event,
    an_attachment_is_found_and_read_in_its_project_only,
    hostile_names_are_kept_within_bounds,
    many_attachments_are_listed_by_pages,
);

async fn keep(store: &TestStore, attachments: Vec<NewAttachment>) {
    let batch = Batch {
        attachments,
        ..Batch::default()
    };
    store_batch(store, batch).await;
}

async fn an_attachment_is_kept_once(store: TestStore) {
    let project = samples::project(&store).await;
    let log = attachment(&project, 1, "log.txt", b"12345");
    let twice = vec![
        log.clone(),
        attachment(&project, 1, "log.txt", b"other"),
        attachment(&project, 1, "copy.txt", b"12345"),
        attachment(&project, 2, "log.txt", b"12345"),
        attachment(&project, 1, "empty.txt", b""),
        log.clone(),
    ];
    keep(&store, twice).await;
    keep(&store, vec![log]).await;
    assert_eq!(
        outcomes(&store, &project).await,
        [
            "attachment accepted 21",
            "attachment duplicate 10",
            "attachment_item accepted 5",
            "attachment_item duplicate 2",
        ]
    );
    let kept = store.attachments(project.id, event_id(1), 0, 10).await;
    let names: Vec<_> = kept.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["log.txt", "log.txt", "copy.txt", "empty.txt"]);
}

async fn attachments_are_judged_apart_from_their_event(store: TestStore) {
    let project = samples::project(&store).await;
    let delivery = |name| Batch {
        events: vec![event(&project, 1, 1)],
        attachments: vec![attachment(&project, 1, name, b"1")],
        ..Batch::default()
    };
    for name in ["first", "first", "second"] {
        store_batch(&store, delivery(name)).await;
    }
    assert_eq!(
        outcomes(&store, &project).await,
        [
            "attachment accepted 2",
            "attachment duplicate 1",
            "attachment_item accepted 2",
            "attachment_item duplicate 1",
            "error accepted 1",
            "error duplicate 2",
        ]
    );
}

async fn an_attachment_is_found_and_read_in_its_project_only(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let bytes = b"\0binary\xff".repeat(1000);
    store.blobs.put(&bytes).unwrap();
    keep(&store, vec![attachment(&project, 1, "core", &bytes)]).await;
    let listed = store.attachments(project.id, event_id(1), 0, 10).await;
    let found = listed.unwrap().remove(0);
    assert_eq!((found.size, found.received_at), (bytes.len() as u64, NOW));
    assert_eq!(found.content_type.as_deref(), Some("text/plain"));
    assert_eq!(found.attachment_type, "event.attachment");

    let by_id = store.attachment(project.id, found.id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&found));
    for (project, id) in [
        (other.id, found.id),
        (project.id, AttachmentId(found.id.0 + 1)),
        (project.id, AttachmentId(-1)),
    ] {
        assert_eq!(store.attachment(project, id).await.unwrap(), None);
    }
    let theirs = store.attachments(other.id, event_id(1), 0, 10).await;
    assert_eq!(theirs.unwrap(), []);

    let mut file = store.open_attachment(&found).await.unwrap().unwrap();
    let mut read = Vec::new();
    file.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, bytes);
    let gone = bugle_store::Attachment {
        blob: bugle_store::BlobId([7; 32]),
        ..found
    };
    assert!(store.open_attachment(&gone).await.unwrap().is_none());
}

async fn hostile_names_are_kept_within_bounds(store: TestStore) {
    let project = samples::project(&store).await;
    let mut hostile = attachment(&project, 1, &"\0é".repeat(1000), b"1");
    hostile.content_type = Some("\0".repeat(300));
    hostile.attachment_type = "a\0b'); DROP TABLE attachment;--".to_owned();
    keep(&store, vec![hostile.clone(), hostile]).await;
    let kept = store.attachments(project.id, event_id(1), 0, 10).await;
    let [kept] = &kept.unwrap()[..] else {
        panic!("the same name twice");
    };
    assert_eq!(kept.name.chars().count(), 255);
    assert!(kept.name.starts_with("\u{fffd}é\u{fffd}"));
    assert_eq!(kept.content_type, Some("\u{fffd}".repeat(255)));
    assert!(kept.attachment_type.starts_with("a\u{fffd}b');"));
}

async fn many_attachments_are_listed_by_pages(store: TestStore) {
    let project = samples::project(&store).await;
    let many = (0..2500).map(|n| attachment(&project, 1, &n.to_string(), b"1"));
    keep(&store, many.collect()).await;
    assert_eq!(
        outcomes(&store, &project).await,
        ["attachment accepted 2500", "attachment_item accepted 2500"]
    );
    let page = store.attachments(project.id, event_id(1), 2498, 100).await;
    let names: Vec<_> = page.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["2498", "2499"]);
}
