//! Files for an event.

use super::{FORM, form, post_as, queued};
use crate::support::Bench;

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const PATH: &str = "/api/1/events/9ec79c33-ec99-42ab-8353-589fcb2e04dc/attachments/";

#[tokio::test]
async fn files_become_attachments_of_the_event() {
    let mut bench = Bench::open().await;
    let body = form(&[
        ("a", Some("log.txt"), b"line\r\n\nline"),
        ("comment", None, b"not a file"),
        ("b", Some(""), b""),
    ]);
    let answer = post_as(&bench, PATH, FORM, body).await;
    assert_eq!(answer.short(), (201, ""));
    let (event_id, items) = queued(&mut bench, &["filename", "attachment_type"]);
    assert_eq!(event_id, ID.parse().ok());
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].item_type, "attachment");
    assert_eq!(items[0].member(0), Some("log.txt"));
    assert_eq!(items[0].member(1), Some("event.attachment"));
    assert_eq!(items[0].text(), "line\r\n\nline");
    assert_eq!((items[1].member(0), items[1].text()), (None, ""));
}

#[tokio::test]
async fn what_holds_no_files_is_refused() {
    let mut bench = Bench::open().await;
    let one = || form(&[("a", Some("x"), b"1")]);
    let field = form(&[("a", None, b"1")]);
    let many = form(&[("a", Some("x"), &b"1"[..]); 31]);
    let broken = b"--the-boundary\r\n\r\nno end".to_vec();
    let bad_id = "/api/1/events/nonsense/attachments/";
    for (path, content_type, body, status, detail) in [
        (bad_id, FORM, one(), 400, "missing or invalid 'event_id'"),
        (PATH, "text/plain", one(), 400, "invalid multipart data"),
        (
            PATH,
            FORM,
            broken,
            400,
            "the body ends before the last boundary",
        ),
        (PATH, FORM, field, 400, "missing file"),
        (PATH, FORM, many, 413, "at most 30 per envelope"),
    ] {
        let answer = post_as(&bench, path, content_type, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(detail), "{}", answer.body);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    assert!(bench.queued().is_empty());
}
