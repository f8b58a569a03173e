//! Events, with and without their bodies.

use std::time::Duration;

use insta::assert_json_snapshot;
use serde_json::Value;

use crate::fixture::{Fixture, Tenant, event, event_id, with_body};

/// What normalising leaves of a Django error, shortened.
const BODY: &str = r#"{
  "event_id": "01010101010101010101010101010101", "type": "error", "platform": "python", "transaction": "/checkout/",
  "logentry": {"message": "order %s", "params": ["7"], "formatted": "order 7"},
  "exception": {"values": [
    {"type": "KeyError", "value": "'id'"},
    {"type": "ValueError", "value": "no such order", "module": "orders", "thread_id": 7,
     "mechanism": {"type": "django", "handled": false, "exception_id": 0},
     "stacktrace": {"frames": [
       {"function": "inner", "filename": "django/core.py", "in_app": false, "lineno": 1, "context_line": "x", "pre_context": ["w"]},
       {"function": "checkout", "filename": "orders/views.py", "abs_path": "/app/orders/views.py", "module": "orders.views",
        "lineno": 42, "colno": 7, "in_app": true, "pre_context": ["a", "b"], "context_line": "c", "post_context": ["d"],
        "vars": {"order": 7, "ratio": 0.5, "name": "\u00e9\u0000"}}]}}]},
  "threads": {"values": [{"id": 7, "name": "main", "crashed": true, "current": true}]},
  "breadcrumbs": {"values": [{"timestamp": 1767323045.5, "category": "query", "message": "SELECT 1", "data": {"rows": 1}}]},
  "request": {"url": "https://shop/checkout", "method": "POST", "query_string": [["a", "1"]], "headers": [["Host", "shop"]],
              "data": {"id": [1, null]}, "env": {"SERVER_NAME": "web"}},
  "user": {"id": "42", "email": "ada@example.com"}, "extra": {"cart": [1, 2]}, "modules": {"django": "5.0"},
  "contexts": {"runtime": {"name": "CPython", "version": "3.13", "type": "runtime"}},
  "sdk": {"name": "sentry.python.django", "version": "2.1", "packages": []}, "fingerprint": ["db"], "dist": "5",
  "errors": [{"type": "invalid_data", "name": "release", "value": 7}],
  "_meta": {"user": {"email": {"": {"len": 9}}}, "request": {"data": {"": {"rem": [["!config", "x"]]}}}}
}"#;

async fn three_events() -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let at = |seconds| fixture.now.before(Duration::from_secs(seconds));
    let project = tenant.project.id;
    let events = [3, 1, 2].map(|n: u16| event(project, n, 1, at(60 - u64::from(n))));
    let [three, one, two] = events;
    fixture.record(vec![three, with_body(one, BODY), two]).await;
    (fixture, tenant)
}

#[tokio::test]
async fn an_event_has_sentrys_shape_under_every_name() {
    let (fixture, tenant) = three_events().await;
    let id = event_id(1);
    let answer = fixture
        .get(&tenant.token, "/api/0/issues/1/events/oldest/")
        .await;
    assert_json_snapshot!(
        "event",
        answer.without(&["dateCreated", "dateReceived", "size"])
    );
    assert_eq!(answer.json["size"], BODY.len());
    for path in [
        format!("projects/acme/shop/events/{id}"),
        format!("issues/SHOP-1/events/{id}/"),
        format!("organizations/acme/issues/1/events/{id}/"),
    ] {
        let same = fixture.get(&tenant.token, &format!("/api/0/{path}")).await;
        assert_eq!(same.json, answer.json, "{path}");
    }
}

#[tokio::test]
async fn events_know_their_neighbours_in_time() {
    let (fixture, tenant) = three_events().await;
    let [one, two, three] = [1, 2, 3].map(|n| event_id(n).to_string());
    for (name, previous, next) in [
        ("oldest", None, Some(&two)),
        (two.as_str(), Some(&one), Some(&three)),
        ("latest", Some(&two), None),
    ] {
        let path = format!("/api/0/issues/1/events/{name}/");
        let event = fixture.get(&tenant.token, &path).await.json;
        assert_eq!(
            event["previousEventID"].as_str(),
            previous.map(String::as_str)
        );
        assert_eq!(event["nextEventID"].as_str(), next.map(String::as_str));
    }
}

#[tokio::test]
async fn lists_of_events_are_the_same_by_issue_and_by_project() {
    let (fixture, tenant) = three_events().await;
    let list = fixture
        .get(&tenant.token, "/api/0/projects/acme/shop/events/")
        .await;
    assert_json_snapshot!("events", list.without(&["dateCreated", "dateReceived"]));
    let same = fixture.get(&tenant.token, "/api/0/issues/1/events/").await;
    assert_eq!(same.json, list.json);
}

#[tokio::test]
async fn malformed_bodies_still_have_every_key() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let bodies = [
        "{}",
        r#"{"exception":7,"threads":[1],"request":[],"breadcrumbs":{"values":{}},"user":"x","contexts":[],"errors":{},"_meta":[]}"#,
        r#"{"exception":[{"stacktrace":{"frames":[{"lineno":9223372036854775807,"context_line":"x","post_context":["y",7]}]}}]}"#,
        r#"{"exception":[{"stacktrace":{"frames":[{"lineno":-9223372036854775808,"context_line":"x","pre_context":["y"],"vars":[1]}]}}]}"#,
        r#"{"stacktrace":{"frames":[{"function":"main"}]},"logentry":{},"csp":{"blocked_uri":"x"},"breadcrumbs":[{"timestamp":1e300}]}"#,
    ];
    let (keys, project) = (
        key_names(BODY, &fixture, &tenant, 99).await,
        tenant.project.id,
    );
    for (n, body) in (1..).zip(bodies) {
        assert_eq!(
            key_names(body, &fixture, &tenant, n).await,
            keys,
            "{project}: {body}"
        );
    }
}

async fn key_names(body: &str, fixture: &Fixture, tenant: &Tenant, n: u16) -> Vec<String> {
    let event = event(tenant.project.id, n, n, fixture.now);
    fixture.record(vec![with_body(event, body)]).await;
    let path = format!("/api/0/projects/acme/shop/events/{}/", event_id(n));
    let answer = fixture.get(&tenant.token, &path).await;
    assert_eq!(answer.status, 200, "{body}");
    answer.json.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn a_body_that_is_no_event_is_a_500_that_tells_nothing() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let event = event(tenant.project.id, 1, 1, fixture.now);
    fixture.record(vec![with_body(event, "[1]")]).await;
    let answer = fixture
        .get(&tenant.token, "/api/0/issues/1/events/latest/")
        .await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json["detail"], "the stored event cannot be read");
}

#[tokio::test]
async fn events_of_real_sdks_keep_their_parts() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/suites/processor/captured.json"
    );
    let Ok(text) = std::fs::read(path) else {
        println!("skipped: {path} is not there");
        return;
    };
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for (n, case) in (1..).zip(&cases) {
        let body = &case["expected_output"];
        let stored = event(tenant.project.id, n, n, fixture.now);
        fixture
            .record(vec![with_body(stored, &body.to_string())])
            .await;
        let path = format!("/api/0/projects/acme/shop/events/{}/", event_id(n));
        let answer = fixture.get(&tenant.token, &path).await;
        let entries = answer.json["entries"].as_array().unwrap();
        for (ty, part) in [
            ("exception", "exception"),
            ("threads", "threads"),
            ("breadcrumbs", "breadcrumbs"),
        ] {
            let kept = entries.iter().find(|entry| entry["type"] == ty);
            let kept = kept.map_or(0, |entry| known(&entry["data"]["values"]));
            assert_eq!(kept, known(&body[part]["values"]), "{}: {ty}", case["id"]);
        }
        let has = |ty: &str| entries.iter().any(|entry| entry["type"] == ty);
        assert_eq!(has("request"), body["request"].is_object());
        assert_eq!(has("message"), body["logentry"].is_object());
    }
}

/// The number of values that are not null.
fn known(values: &Value) -> usize {
    let values = values.as_array();
    values.map_or(0, |values| values.iter().filter(|v| !v.is_null()).count())
}
