//! Crash dumps.

use std::io::Write as _;

use axum::body::Body;
use bugle_ingest::Limits;
use bugle_protocol::EventId;
use bugle_protocol::body::Encoding;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{FORM, form, post_as, queued};
use crate::support::{Answer, Bench};

const PATH: &str = "/api/1/minidump/";
const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const DUMP: &[u8] = b"MDMP\x93\xa7\0\0\r\n--the-boundary-is-longer";
const MEMBERS: &[&str] = &["attachment_type", "filename", "content_type"];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

async fn send_dump(bench: &Bench, dump: &[u8]) -> Answer {
    let body = form(&[("upload_file_minidump", Some("x.dmp.gz"), dump)]);
    post_as(bench, PATH, FORM, body).await
}

#[tokio::test]
async fn a_form_becomes_attachments_and_form_data() {
    let mut bench = Bench::open().await;
    let msgpack = b"\x81\xa8event_id\xd9\x209ec79c33ec9942ab8353589fcb2e04dc";
    let body = form(&[
        (
            "__sentry-breadcrumb1",
            Some("__sentry-breadcrumb1"),
            b"\x80",
        ),
        ("upload_file_minidump", Some("x.dmp"), DUMP),
        ("__sentry-event", Some("__sentry-event"), msgpack),
        ("view", Some("view-hierarchy.json"), b"{}"),
        ("log", Some("app.log"), b"line\n"),
        ("sentry[tags][a]", None, b"1"),
        ("guid", None, "0\u{e9}".as_bytes()),
        ("sentry", None, br#"{"release":"x"}"#),
    ]);
    let answer = post_as(&bench, PATH, FORM, body).await;
    assert_eq!(
        answer.short(),
        (200, "9ec79c33-ec99-42ab-8353-589fcb2e04dc")
    );
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    let (event_id, items) = queued(&mut bench, MEMBERS);
    assert_eq!(event_id, ID.parse().ok());
    let shown: Vec<_> = items
        .iter()
        .map(|item| (item.member(0), item.member(1), item.payload.as_slice()))
        .collect();
    let form_data = r#"[["sentry","{\"release\":\"x\",\"tags\":{\"a\":\"1\"}}"],["guid","0é"]]"#;
    assert_eq!(
        shown,
        [
            (Some("event.minidump"), Some("x.dmp"), DUMP),
            (
                Some("event.breadcrumbs"),
                Some("__sentry-breadcrumb1"),
                b"\x80"
            ),
            (Some("event.payload"), Some("__sentry-event"), msgpack),
            (
                Some("event.view_hierarchy"),
                Some("view-hierarchy.json"),
                b"{}"
            ),
            (Some("event.attachment"), Some("app.log"), b"line\n"),
            (None, None, form_data.as_bytes()),
        ]
    );
    assert_eq!(items[5].item_type, "form_data");
    assert_eq!(items[0].member(2), Some("application/x-dmp"));
}

#[tokio::test]
async fn the_id_in_the_fields_goes_before_any_other() {
    let mut bench = Bench::open().await;
    let event = format!(r#"{{"event_id":"{ID}"}}"#);
    let body = form(&[
        ("upload_file_minidump", Some(""), DUMP),
        ("__sentry-event", Some("e"), b"\x81\xa8event_id\xa1x"),
        ("sentry__1", None, &event.as_bytes()[..5]),
        ("sentry__2", None, &event.as_bytes()[5..]),
    ]);
    let answer = post_as(&bench, PATH, FORM, body).await;
    assert_eq!(answer.body.replace('-', ""), ID);
    let (event_id, items) = queued(&mut bench, MEMBERS);
    assert_eq!(event_id, ID.parse().ok());
    assert_eq!(items[0].member(1), Some("minidump.dmp"));
    assert_eq!(items[1].member(0), Some("event.payload"));
}

#[tokio::test]
async fn a_packed_dump_is_unpacked_where_that_is_possible() {
    let mut bench = Bench::open().await;
    let zstd = zstd::encode_all(DUMP, 1).unwrap();
    let large = [b"PMDM".as_slice(), &[0; 3 << 20]].concat();
    let xz = b"\xfd7zXZ\0packed";
    for (sent, kept, filename, content_type) in [
        (gzip(DUMP), DUMP, "x.dmp", "application/x-dmp"),
        (zstd, DUMP, "x.dmp", "application/x-dmp"),
        (gzip(&large), &large, "x.dmp", "application/x-dmp"),
        (large.clone(), &large, "x.dmp.gz", "application/x-dmp"),
        (xz.to_vec(), xz, "x.dmp.gz", "application/x-xz"),
        (
            b"BZh9x".to_vec(),
            b"BZh9x",
            "x.dmp.gz",
            "application/x-bzip2",
        ),
    ] {
        assert_eq!(send_dump(&bench, &sent).await.status, 200);
        let (_, items) = queued(&mut bench, MEMBERS);
        assert!(items[0].payload == kept, "{filename} {content_type}");
        assert_eq!(items[0].member(1), Some(filename));
        assert_eq!(items[0].member(2), Some(content_type));
    }
}

#[tokio::test]
async fn a_dump_may_come_alone_or_wrapped_twice() {
    let mut bench = Bench::open().await;
    for content_type in ["application/octet-stream", "application/x-dmp", ""] {
        let answer = post_as(&bench, "/api/1/minidump", content_type, DUMP).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (event_id, items) = queued(&mut bench, MEMBERS);
        assert_eq!(event_id, answer.body.parse::<EventId>().ok());
        assert_eq!((items.len(), items[0].payload.as_slice()), (1, DUMP));
        assert_eq!(items[0].member(1), Some("minidump.dmp"));
    }
    let inner = b"--inner\r\nContent-Disposition: form-data; name=\"upload_file_minidump\"\r\n\r\nMDMP\r\n--inner--\r\n";
    assert_eq!(send_dump(&bench, inner).await.status, 200);
    assert_eq!(queued(&mut bench, MEMBERS).1[0].payload, b"MDMP");
}

#[tokio::test]
async fn what_is_no_dump_is_refused() {
    let mut bench = Bench::open().await;
    let no_dump = form(&[("file", Some("x.dmp"), DUMP)]);
    let text = form(&[("upload_file_minidump", Some("x"), b"hello")]);
    let packed_text = form(&[("upload_file_minidump", Some("x"), &gzip(b"hello"))]);
    let broken = form(&[("upload_file_minidump", Some("x"), &gzip(DUMP)[..20])]);
    let empty = form(&[("upload_file_minidump", Some("x"), b"")]);
    let raw = "application/octet-stream";
    for (content_type, body, detail) in [
        (FORM, no_dump, "upload_file_minidump"),
        (FORM, text, "invalid minidump"),
        (FORM, packed_text, "invalid minidump"),
        (FORM, broken, "invalid minidump"),
        (FORM, empty, "invalid minidump"),
        (FORM, b"MDMP".to_vec(), "invalid multipart data"),
        ("multipart/form-data", Vec::new(), "invalid multipart data"),
        (raw, b"hello".to_vec(), "invalid minidump"),
        (raw, Vec::new(), "invalid minidump"),
    ] {
        let answer = post_as(&bench, PATH, content_type, body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains(detail), "{}", answer.body);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn what_unpacks_to_much_is_queued_packed() {
    let mut bench = Bench::open().await;
    let large = [b"MDMP".as_slice(), &[0; 3 << 20]].concat();
    assert_eq!(send_dump(&bench, &gzip(&large)).await.status, 200);
    let queued = bench.queued();
    assert_eq!(queued[0].head.encoding, Encoding::Zstd);
    assert!(queued[0].body.len() < 10_000);
}

#[tokio::test]
async fn all_fields_together_are_as_large_as_an_event_may_be() {
    let limits = Limits {
        max_event_bytes: 1000,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits, Default::default()).await;
    for (name, content, count, status) in [
        ("sentry", "{}", 120, 200),
        ("sentry", "{}", 130, 413),
        ("sentry__1", "{", 101, 413),
        ("sentry[tags][a]", "0123456789", 41, 413),
        ("other", "12345", 101, 413),
    ] {
        let mut fields = vec![("upload_file_minidump", Some("x"), DUMP)];
        fields.resize(count + 1, (name, None, content.as_bytes()));
        let answer = post_as(&bench, PATH, FORM, form(&fields)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        assert_eq!(bench.queued().len(), usize::from(status == 200));
        if status == 413 {
            assert!(answer.body.contains("'form_data' (at most 1000 bytes"));
        }
    }
}

#[tokio::test]
async fn a_dump_that_unpacks_to_too_much_is_refused() {
    let limits = Limits {
        max_envelope_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits, Default::default()).await;
    let bomb = gzip(&[b"MDMP".as_slice(), &[0; 2 << 20]].concat());
    assert_eq!(send_dump(&bench, &bomb).await.status, 413);
    let answer = post_as(&bench, PATH, "", Body::from(bomb)).await;
    assert_eq!(answer.status, 413);
    assert!(bench.queued().is_empty());
}
