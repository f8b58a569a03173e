//! Every way to name a key, and every way to fail at it.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;

use crate::support::{Bench, KEY, OTHER_KEY};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

/// The path and query, the headers, and status and detail of the answer.
type Attempt<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

async fn check(bench: &Bench, attempts: &[Attempt<'_>], body: &str) {
    for (target, headers, status, detail) in attempts {
        let mut request = Request::post(*target);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = bench
            .send(request.body(Body::from(body.to_owned())).unwrap())
            .await;
        let expected = match status {
            200 => format!(r#"{{"id":"{ID}"}}"#),
            _ => format!(r#"{{"detail":"{detail}"}}"#),
        };
        assert_eq!(
            answer.short(),
            (*status, &*expected),
            "{target} {headers:?}"
        );
    }
}

/// The names of the headers that carry a key.
const SENTRY: &str = "x-sentry-auth";
const AUTHORIZATION: &str = "authorization";

const REJECTED: &str = "event submission rejected with_reason: ProjectId";
const BAD_HEADER: &str = "bad x-sentry-auth header";
const MISSING: &str = "missing authorization information";
const MULTIPLE: &str = "multiple authorization payloads detected";
const BAD_KEY: &str = "bad sentry DSN public key";

#[tokio::test]
async fn each_source_is_read_and_each_fault_is_named() {
    let bench = Bench::open().await;
    let sentry = &*format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=a/1");
    let other = &*format!("Sentry sentry_key={OTHER_KEY}");
    let lower = &*format!("sentry sentry_version=5,sentry_key={KEY},sentry_timestamp=1.5");
    let newer = &*format!("Sentry sentry_key={KEY}, sentry_version=8");
    let encoded = |user: &str| base64::engine::general_purpose::STANDARD.encode(user);
    let basic = &*format!("Basic {}", encoded(&format!("{KEY}:")));
    let stranger = &*format!("Basic {}", encoded("ada:secret"));
    let unknown = &*format!("Sentry sentry_key={}", "f".repeat(32));
    let by_query = &*format!("/api/1/envelope/?sentry_key={KEY}&sentry_version=7");
    let newer_query = &*format!("/api/1/envelope/?sentry_key={KEY}&sentry_version=99");
    let short_query = "/api/1/envelope/?sentry_key=abc";
    let keyless_query = "/api/1/envelope/?sentry_version=7";
    let path = "/api/1/envelope/";
    let body = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{}}\n");
    let attempts: &[Attempt<'_>] = &[
        (path, &[(SENTRY, sentry)], 200, ""),
        (path, &[(SENTRY, lower)], 200, ""),
        (path, &[(AUTHORIZATION, sentry)], 200, ""),
        (path, &[(AUTHORIZATION, basic)], 200, ""),
        (by_query, &[], 200, ""),
        (
            by_query,
            &[(SENTRY, sentry), (AUTHORIZATION, basic)],
            200,
            "",
        ),
        (by_query, &[(AUTHORIZATION, "Bearer x")], 200, ""),
        (by_query, &[(AUTHORIZATION, stranger)], 200, ""),
        (keyless_query, &[(SENTRY, sentry)], 200, ""),
        (path, &[], 401, MISSING),
        (path, &[(AUTHORIZATION, "Bearer x")], 401, MISSING),
        (path, &[(SENTRY, "nonsense")], 401, BAD_HEADER),
        (
            path,
            &[(SENTRY, "Sentry sentry_version=7")],
            401,
            BAD_HEADER,
        ),
        (keyless_query, &[], 401, BAD_HEADER),
        (by_query, &[(SENTRY, other)], 401, MULTIPLE),
        (
            path,
            &[(SENTRY, sentry), (AUTHORIZATION, other)],
            401,
            MULTIPLE,
        ),
        (path, &[(SENTRY, sentry), (SENTRY, other)], 401, MULTIPLE),
        (path, &[(SENTRY, "Sentry sentry_key=abc")], 400, BAD_KEY),
        (path, &[(AUTHORIZATION, stranger)], 400, BAD_KEY),
        (short_query, &[], 400, BAD_KEY),
        (
            path,
            &[(SENTRY, newer)],
            400,
            "unsupported protocol version (8)",
        ),
        (newer_query, &[], 400, "unsupported protocol version (99)"),
        (path, &[(SENTRY, unknown)], 403, REJECTED),
        (path, &[(SENTRY, other)], 403, REJECTED),
        ("/api/7/envelope/", &[(SENTRY, sentry)], 403, REJECTED),
        (
            "/api/shop/envelope/",
            &[(SENTRY, sentry)],
            400,
            "bad sentry project id",
        ),
    ];
    check(&bench, attempts, &body).await;
}

#[tokio::test]
async fn a_key_that_is_not_ascii_is_no_panic() {
    let bench = Bench::open().await;
    let request = Request::post("/api/1/envelope/")
        .header("x-sentry-auth", &b"Sentry sentry_key=\xc3\xa9\xff"[..])
        .body(Body::from("{}"))
        .unwrap();
    let answer = bench.send(request).await;
    assert_eq!(
        answer.short(),
        (400, r#"{"detail":"bad sentry DSN public key"}"#)
    );
}

#[tokio::test]
async fn an_envelope_may_name_its_sender_itself() {
    let mut bench = Bench::open().await;
    let mismatch = |what: &str| {
        format!(
            r#"{{"detail":"invalid event envelope","causes":["{what} header mismatch between envelope and request"]}}"#
        )
    };
    let id = format!(r#"{{"id":"{ID}"}}"#);
    let detail = |text: &str| format!(r#"{{"detail":"{text}"}}"#);
    let dsn = |dsn: &str| format!(r#"{{"event_id":"{ID}","dsn":"{dsn}"}}"#);
    let cases = [
        (dsn(&format!("http://{KEY}@host/1")), 200, id.clone()),
        (
            dsn(&format!("https://{KEY}:@host/prefix/1")),
            200,
            id.clone(),
        ),
        (
            dsn(&format!("http://{KEY}@host/2")),
            400,
            mismatch("project id"),
        ),
        (
            dsn(&format!("http://{OTHER_KEY}@host/2")),
            403,
            detail(REJECTED),
        ),
        (dsn("http://abc@host/1"), 401, detail(MISSING)),
        ("{}".to_owned(), 401, detail(MISSING)),
        (
            "nonsense".to_owned(),
            401,
            detail("bad envelope authentication header"),
        ),
        (
            String::new(),
            401,
            detail("bad envelope authentication header"),
        ),
    ];
    for (header, status, expected) in cases {
        let body = match header.as_str() {
            "" => String::new(),
            header => format!("{header}\n{{\"type\":\"event\"}}\n{{}}"),
        };
        let request = Request::post("/api/1/envelope/").body(Body::from(body));
        let answer = bench.send(request.unwrap()).await;
        assert_eq!(answer.short(), (status, &*expected), "{header}");
    }
    for (header, expected) in [
        (dsn(&format!("http://{KEY}@host/1")), (200, id)),
        (dsn("nonsense"), (200, format!(r#"{{"id":"{ID}"}}"#))),
        (
            dsn(&format!("http://{KEY}@host/2")),
            (400, mismatch("project id")),
        ),
        (
            dsn(&format!("http://{OTHER_KEY}@host/1")),
            (400, mismatch("public key")),
        ),
    ] {
        let body = format!("{header}\n{{\"type\":\"event\"}}\n{{}}");
        let answer = bench.post("/api/1/envelope/", body).await;
        assert_eq!(answer.short(), (expected.0, &*expected.1), "{header}");
    }
    assert_eq!(bench.queued().len(), 4);
}
