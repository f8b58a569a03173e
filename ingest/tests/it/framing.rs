//! Framing and receipts: the answer to every shape of an envelope and of a bare event.

use base64::Engine as _;
use bugle_store::queue::RequestKind;

use crate::packing::Packing;
use crate::support::{Bench, authorized};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

/// What the receipt says of the id.
enum Id {
    None,
    Given,
    Generated,
}

#[tokio::test]
async fn sound_framing_is_accepted_with_the_id_it_has() {
    let mut bench = Bench::open().await;
    let header = format!("{{\"event_id\":\"{ID}\"}}");
    let dashed = "{\"event_id\":\"9EC79C33-EC99-42AB-8353-589FCB2E04DC\"}";
    let payload = format!("{{\"event_id\":\"{ID}\"}}");
    let cases = [
        ("{}".to_owned(), Id::None, 0),
        ("{}\n".to_owned(), Id::None, 0),
        ("{}\n\n\n".to_owned(), Id::None, 0),
        (header.clone(), Id::Given, 0),
        (
            format!("{header}\n{{\"type\":\"event\"}}\n{{}}"),
            Id::Given,
            1,
        ),
        (
            format!("{header}\n{{\"type\":\"event\",\"length\":2}}\n{{}}\n"),
            Id::Given,
            1,
        ),
        (
            format!("{dashed}\n{{\"type\":\"event\"}}\n{{}}"),
            Id::Given,
            1,
        ),
        (
            format!("{header}\n{{\"type\":\"event\"}}\nnot json"),
            Id::Given,
            1,
        ),
        (
            format!(
                "{header}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{}\"}}",
                "1".repeat(32)
            ),
            Id::Given,
            1,
        ),
        (
            format!("{header}\n{{\"type\":\"session\"}}\n{{}}"),
            Id::Given,
            1,
        ),
        (
            format!("{{}}\n{{\"type\":\"event\"}}\n{payload}"),
            Id::Given,
            1,
        ),
        (
            format!(
                "{{}}\n{{\"type\":\"attachment\",\"length\":0}}\n\n{{\"type\":\"event\"}}\n{payload}"
            ),
            Id::Given,
            1,
        ),
        (
            format!("{{}}\n{{\"type\":\"user_report\"}}\n{payload}"),
            Id::Given,
            1,
        ),
        (
            "{}\n{\"type\":\"event\"}\nnot json".to_owned(),
            Id::Generated,
            1,
        ),
        (
            "{\"event_id\":\"nope\"}\n{\"type\":\"event\"}\n{}".to_owned(),
            Id::Generated,
            1,
        ),
        (
            "{}\n{\"type\":\"attachment\",\"length\":0}".to_owned(),
            Id::Generated,
            1,
        ),
        (
            "{}\n{\"type\":\"event\",\"length\":null}\n{}\n".to_owned(),
            Id::Generated,
            1,
        ),
        ("{}\n{\"type\":\"sessions\"}\n{}".to_owned(), Id::None, 1),
        ("{}\n{\"type\":\"check_in\"}\n{}".to_owned(), Id::None, 1),
        (
            "{}\n{\"type\":\"client_report\"}\n{}\n\n".to_owned(),
            Id::None,
            1,
        ),
        (
            "{}\n{\"type\":\"novelty\",\"length\":3}\na\nb\n\n{\"type\":\"log\"}\n{}".to_owned(),
            Id::None,
            1,
        ),
        ("{}\n{\"type\":\"novelty\"}\nx\n".to_owned(), Id::None, 1),
    ];
    for (body, id, queued) in cases {
        let answer = bench.post("/api/1/envelope/", body.clone()).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        let requests = bench.queued();
        assert_eq!(requests.len(), queued, "{body}");
        let known = requests.first().map(|request| {
            assert_eq!(request.body, body.as_bytes());
            request.head.event_id.map(|id| id.to_string())
        });
        match id {
            Id::None => assert_eq!(answer.body, "{}", "{body}"),
            Id::Given => assert_eq!(answer.body, format!(r#"{{"id":"{ID}"}}"#), "{body}"),
            Id::Generated => {
                let known = known.flatten().unwrap();
                assert_eq!(answer.body, format!(r#"{{"id":"{known}"}}"#), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn broken_framing_names_its_fault() {
    let mut bench = Bench::open().await;
    for (body, cause) in [
        ("", "missing envelope header"),
        ("\n{}", "invalid envelope header"),
        ("[]", "invalid envelope header"),
        ("{\"event_id\"", "invalid envelope header"),
        ("{}\n{}\n", "invalid item header"),
        ("{}\n{\"type\":1}\n", "invalid item header"),
        ("{}\nnonsense\n", "invalid item header"),
        (
            "{}\n{\"type\":\"event\",\"length\":-1}\n{}",
            "invalid item header",
        ),
        (
            "{}\n{\"type\":\"event\",\"length\":1}\n{}",
            "missing newline after header or payload",
        ),
        (
            "{}\r\n{\"type\":\"event\",\"length\":2}\n{}\r\n",
            "missing newline after header or payload",
        ),
        (
            "{}\n{\"type\":\"event\",\"length\":3}\n{}",
            "unexpected end of file",
        ),
        (
            "{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"event\",\"length\":9}\n{}",
            "unexpected end of file",
        ),
    ] {
        let answer = bench.post("/api/1/envelope/", body).await;
        let expected = format!(r#"{{"detail":"invalid event envelope","causes":["{cause}"]}}"#);
        assert_eq!(answer.short(), (400, &*expected), "{body:?}");
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn bare_events_come_in_every_wrapping() {
    let mut bench = Bench::open().await;
    let event = format!("{{\"event_id\":\"{ID}\",\"extra\":{{\"ratio\":NaN}}}}");
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let zlib = Packing::Zlib.pack(event.as_bytes());
    for (coding, body) in [
        (None, event.clone().into_bytes()),
        (None, base64(event.as_bytes()).into_bytes()),
        (None, base64(&zlib).into_bytes()),
        (Some("gzip"), Packing::Gzip.pack(event.as_bytes())),
        (Some("deflate"), zlib.clone()),
        (Some("gzip"), Packing::Gzip.pack(base64(&zlib).as_bytes())),
    ] {
        for path in ["/api/1/store/", "/api/1/store", "/api/store/", "/api/store"] {
            let mut request = authorized(path).header("content-type", "application/octet-stream");
            if let Some(coding) = coding {
                request = request.header("content-encoding", coding);
            }
            let answer = bench.send(request.body(body.clone().into()).unwrap()).await;
            assert_eq!(answer.short(), (200, &*format!(r#"{{"id":"{ID}"}}"#)));
            let queued = bench.queued().pop().unwrap();
            assert_eq!(queued.head.kind, RequestKind::Store);
            assert_eq!(queued.head.project_id, bench.project_id);
            assert_eq!(queued.head.event_id, ID.parse().ok());
            assert_eq!(queued.body, body);
        }
    }
}

#[tokio::test]
async fn a_bare_event_without_id_gets_one() {
    let mut bench = Bench::open().await;
    for body in ["{}", "{\"event_id\":7}", "{\"event_id\":\"\"}"] {
        let answer = bench.post("/api/1/store/", body).await;
        let id = bench.queued()[0].head.event_id.unwrap();
        assert_eq!(answer.short(), (200, &*format!(r#"{{"id":"{id}"}}"#)));
    }
}

#[tokio::test]
async fn a_bare_event_that_is_not_json_says_where() {
    let mut bench = Bench::open().await;
    for (body, cause) in [
        ("", "unexpected end at byte 0"),
        ("{\"a\":", "unexpected end at byte 5"),
        ("[]", "expected an object at byte 0"),
        ("{} {}", "unexpected text after the value at byte 3"),
    ] {
        let answer = bench.post("/api/1/store/", body).await;
        let expected = format!(r#"{{"detail":"invalid JSON data","causes":["{cause}"]}}"#);
        assert_eq!(answer.short(), (400, &*expected), "{body:?}");
    }
    let answer = bench.post("/api/1/store/", "bm90IGpzb24=").await;
    assert_eq!(answer.status, 400);
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn the_store_route_takes_envelopes_by_content_type() {
    let mut bench = Bench::open().await;
    let body = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{}}");
    for content_type in [
        "application/x-sentry-envelope",
        "Application/X-Sentry-Envelope; charset=utf-8",
    ] {
        for path in ["/api/1/store/", "/api/store/"] {
            let request = authorized(path).header("content-type", content_type);
            let answer = bench.send(request.body(body.clone().into()).unwrap()).await;
            assert_eq!(answer.short(), (200, &*format!(r#"{{"id":"{ID}"}}"#)));
            assert_eq!(bench.queued()[0].head.kind, RequestKind::Envelope);
        }
    }
}
