//! Normalising, by own tables, by properties and on what real clients sent.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use bugle_processor::normalize::{Context, InvalidTransaction, Settings, normalize};
use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::{Envelope, Event, ItemType, UnixMillis};
use proptest::prelude::*;

const RECEIVED: UnixMillis = UnixMillis(1_685_620_800_000);

fn context() -> Context<'static> {
    Context {
        received_at: RECEIVED,
        client_ip: "198.51.100.1".parse().ok(),
        ..Context::default()
    }
}

/// The stored text of an event under the default settings.
fn stored(event: &str) -> String {
    let event = Event::parse(event.as_bytes()).unwrap();
    normalize(event, &context(), &Settings::default())
        .unwrap()
        .to_json()
}

/// The JSON text at a dotted path of the stored event; `-` where there is nothing.
fn at(event: &str, path: &str) -> String {
    let text = stored(event);
    let stored = json::parse_str(&text).unwrap();
    let found = path.split('.').try_fold(&stored, |json, key| match json {
        Json::Array(items) => items.get(key.parse::<usize>().ok()?),
        json => json.as_object()?.get_raw(key),
    });
    found.map_or_else(|| "-".to_owned(), json::to_string)
}

fn check(cases: &[(&str, &str, &str)]) {
    for (event, path, expected) in cases {
        assert_eq!(at(event, path), *expected, "{path} of {event}");
    }
}

#[test]
fn every_event_has_what_everything_behind_relies_on() {
    check(&[
        ("{}", "type", r#""default""#),
        ("{}", "level", r#""error""#),
        ("{}", "platform", r#""other""#),
        ("{}", "timestamp", "1685620800.0"),
        ("{}", "received", "1685620800.0"),
        (r#"{"level":"critical"}"#, "level", r#""fatal""#),
        (r#"{"level":40}"#, "level", r#""error""#),
        (r#"{"level":"loud"}"#, "level", r#""error""#),
        (
            r#"{"type":"csp","exception":[{"type":"E"}]}"#,
            "type",
            r#""error""#,
        ),
        (r#"{"platform":"cobol"}"#, "platform", r#""other""#),
        (
            r#"{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC"}"#,
            "event_id",
            r#""9ec79c33ec9942ab8353589fcb2e04dc""#,
        ),
        (r#"{"release":" shop@1.2 "}"#, "release", r#""shop@1.2""#),
        (r#"{"release":"a/b"}"#, "release", "null"),
        (r#"{"environment":"None"}"#, "environment", "null"),
        (r#"{"dist":"a b"}"#, "_meta.dist..val", r#""a b""#),
        (r#"{"surprise":1}"#, "surprise", "null"),
        (
            r#"{"surprise":1}"#,
            "errors.0.type",
            r#""invalid_attribute""#,
        ),
        (
            r#"{"fingerprint":["a",1,true,null]}"#,
            "fingerprint",
            r#"["a","1","True"]"#,
        ),
        (r#"{"extra":5}"#, "extra", "{}"),
    ]);
}

#[test]
fn a_wrong_clock_is_corrected_everywhere_and_noted() {
    let ahead = r#"{"timestamp":1685624400,"breadcrumbs":[{"timestamp":1685624300}]}"#;
    check(&[
        (ahead, "timestamp", "1685620800.0"),
        (ahead, "breadcrumbs.values.0.timestamp", "1685620700.0"),
        (ahead, "errors.0.type", r#""future_timestamp""#),
        (
            r#"{"timestamp":1600000000}"#,
            "errors.0.type",
            r#""past_timestamp""#,
        ),
        (r#"{"timestamp":"yesterday"}"#, "timestamp", "1685620800.0"),
        (
            r#"{"timestamp":"2023-06-01T11:59:59.123456789Z"}"#,
            "timestamp",
            "1685620799.123457",
        ),
    ]);
    let event = Event::parse(br#"{"timestamp":1685613600}"#).unwrap();
    let drifting = Context {
        sent_at: Some(UnixMillis(1_685_613_600_000)),
        ..context()
    };
    let normalized = normalize(event, &drifting, &Settings::default()).unwrap();
    assert_eq!(normalized.timestamp(), RECEIVED);
    assert!(normalized.to_json().contains("clock_drift"));
}

#[test]
fn lists_come_in_any_wrapping() {
    for wrapped in [
        r#"[{"type":"E"}]"#,
        r#"{"values":[{"type":"E"}]}"#,
        r#"{"type":"E"}"#,
        r#"[null,{"type":"E"}]"#,
    ] {
        let event = format!(r#"{{"exception":{wrapped}}}"#);
        assert_eq!(at(&event, "exception"), r#"{"values":[{"type":"E"}]}"#);
    }
    let noted =
        r#"{"exception":[{"type":"E"}],"_meta":{"exception":{"0":{"type":{"":{"len":9}}}}}}"#;
    check(&[
        (noted, "_meta.exception.values.0.type..len", "9"),
        (r#"{"exception":[]}"#, "exception", "-"),
        (r#"{"exception":"x"}"#, "_meta.exception..val", r#""x""#),
        (
            r#"{"sentry.interfaces.Exception":{"values":[{"type":"E"}]}}"#,
            "type",
            r#""error""#,
        ),
    ]);
}

#[test]
fn exceptions_and_frames_are_completed() {
    let frame = |frame: &str| format!(r#"{{"stacktrace":{{"frames":[{frame}]}}}}"#);
    for (sent, expected) in [
        (
            r#"{"filename":"a.py"}"#,
            r#"{"filename":"a.py","abs_path":"a.py"}"#,
        ),
        (
            r#"{"abs_path":"/x/a.py"}"#,
            r#"{"abs_path":"/x/a.py","filename":"/x/a.py"}"#,
        ),
        (
            r#"{"filename":"http://a.co/x.js?v=1"}"#,
            r#"{"filename":"/x.js","abs_path":"http://a.co/x.js?v=1"}"#,
        ),
        (
            r#"{"filename":"app:///x.js"}"#,
            r#"{"filename":"app:///x.js","abs_path":"app:///x.js"}"#,
        ),
        (r#"{"function":"?","lineno":3}"#, r#"{"lineno":3}"#),
        (r#"{"vars":["a"]}"#, r#"{"vars":{"0":"a"}}"#),
        (r#"{"image_addr":31}"#, r#"{"image_addr":"0x1f"}"#),
    ] {
        assert_eq!(at(&frame(sent), "stacktrace.frames.0"), expected);
    }
    check(&[
        (
            r#"{"exception":{"value":"E: no"}}"#,
            "exception.values.0",
            r#"{"value":"no","type":"E"}"#,
        ),
        (
            r#"{"exception":{"type":"E","value":[1]}}"#,
            "exception.values.0.value",
            r#""[1]""#,
        ),
        (
            r#"{"exception":{"type":"E","mechanism":{}}}"#,
            "exception.values.0.mechanism",
            r#"{"type":"generic"}"#,
        ),
        (r#"{"exception":{"type":""}}"#, "exception.values.0", "null"),
        (
            r#"{"stacktrace":{"frames":[{"function":"f"}]},"exception":{"type":"E"}}"#,
            "stacktrace",
            "-",
        ),
    ]);
}

#[test]
fn messages_are_formatted_and_kept_with_their_template() {
    for (entry, formatted, template) in [
        (r#""plain""#, r#""plain""#, "-"),
        (
            r#"{"message":"hi %s","params":["a"]}"#,
            r#""hi a""#,
            r#""hi %s""#,
        ),
        (
            r#"{"message":"%d%% of %(x)s","params":{"x":1}}"#,
            r#""%d%% of %(x)s""#,
            "-",
        ),
        (
            r#"{"message":"{0} {1} {0}","params":["a",2]}"#,
            r#""a 2 a""#,
            r#""{0} {1} {0}""#,
        ),
        (
            r#"{"message":"{User} in","params":["a"]}"#,
            r#""a in""#,
            r#""{User} in""#,
        ),
        (r#"{"message":"%s %s","params":["a"]}"#, r#""%s %s""#, "-"),
        (r#"{"message":"a","formatted":"a"}"#, r#""a""#, "-"),
    ] {
        let event = format!(r#"{{"logentry":{entry}}}"#);
        assert_eq!(at(&event, "logentry.formatted"), formatted, "{event}");
        assert_eq!(at(&event, "logentry.message"), template, "{event}");
    }
    // Raven for Python sends the finished text beside the template.
    let raven =
        r#"{"message":"hi a","sentry.interfaces.Message":{"message":"hi %s","params":["a"]}}"#;
    assert_eq!(at(raven, "logentry.formatted"), r#""hi a""#);
}

#[test]
fn requests_are_taken_apart() {
    check(&[
        (
            r#"{"request":{"url":"http://a.co/p?x=1#f"}}"#,
            "request",
            r#"{"url":"http://a.co/p","query_string":[["x","1"]],"fragment":"f"}"#,
        ),
        (
            r#"{"request":{"method":"get"}}"#,
            "request.method",
            r#""GET""#,
        ),
        (
            r#"{"request":{"query_string":"?a=b+c&d"}}"#,
            "request.query_string",
            r#"[["a","b c"],["d",""]]"#,
        ),
        (
            r#"{"request":{"cookies":"a=b; c=d"}}"#,
            "request.cookies",
            r#"[["a","b"],["c","d"]]"#,
        ),
        (
            r#"{"request":{"headers":{"x-b":"1","accept":["x","y"]}}}"#,
            "request.headers",
            r#"[["Accept","x,y"],["X-B","1"]]"#,
        ),
        (
            r#"{"request":{"headers":{"cookie":"a=b"}}}"#,
            "request",
            r#"{"cookies":[["a","b"]]}"#,
        ),
        (
            r#"{"request":{"data":"{\"a\":1}"}}"#,
            "request.data",
            r#"{"a":1}"#,
        ),
        (
            r#"{"request":{"data":"a=1&b=2"}}"#,
            "request.data",
            r#"{"a":"1","b":"2"}"#,
        ),
        (
            r#"{"request":{"data":"dGVzdA=="}}"#,
            "request.data",
            r#""dGVzdA==""#,
        ),
        (
            r#"{"request":{"protocol":"HTTP/1.1"}}"#,
            "request.protocol",
            r#""HTTP/1.1""#,
        ),
    ]);
}

#[test]
fn notes_stay_with_the_values_they_are_about() {
    let event = r#"{"request":{"headers":{"zoo":"x","cookie":"a=b","auth":"[Filtered]"}},
        "_meta":{"request":{"headers":{"auth":{"":{"rem":[["!config","s"]]}}}}}}"#;
    assert_eq!(at(event, "request.headers.0.1"), r#""[Filtered]""#);
    assert_eq!(
        at(event, "_meta.request.headers.0.1..rem.0.0"),
        r#""!config""#
    );

    let frames: Vec<String> = (0..300)
        .map(|i| format!(r#"{{"function":"f{i}"}}"#))
        .collect();
    let event = format!(
        r#"{{"stacktrace":{{"frames":[{}]}},"_meta":{{"stacktrace":{{"frames":{{"299":{{"vars":{{"":{{"len":7}}}}}}}}}}}}}}"#,
        frames.join(",")
    );
    assert_eq!(at(&event, "stacktrace.frames.249.function"), r#""f299""#);
    assert_eq!(at(&event, "_meta.stacktrace.frames.249.vars..len"), "7");
    assert_eq!(at(&event, "_meta.stacktrace.frames..len"), "300");
}

#[test]
fn users_have_an_identity_and_the_right_address() {
    check(&[
        (
            r#"{"user":{"id":7}}"#,
            "user",
            r#"{"id":"7","sentry_user":"id:7"}"#,
        ),
        (r#"{"user":{"plan":"pro"}}"#, "user.data.plan", r#""pro""#),
        (
            r#"{"user":{"ip_address":"{{auto}}"}}"#,
            "user.ip_address",
            r#""198.51.100.1""#,
        ),
        (
            r#"{"platform":"javascript"}"#,
            "user.ip_address",
            r#""198.51.100.1""#,
        ),
        (r#"{"platform":"python"}"#, "user", "-"),
        (
            r#"{"platform":"javascript","sdk":{"name":"a","version":"1","settings":{"infer_ip":"never"}}}"#,
            "user",
            "-",
        ),
        (
            r#"{"request":{"env":{"REMOTE_ADDR":"1.2.3.4"}}}"#,
            "user.ip_address",
            r#""1.2.3.4""#,
        ),
        (
            r#"{"user":{"ip_address":"nowhere"}}"#,
            "_meta.user.ip_address..val",
            r#""nowhere""#,
        ),
    ]);
}

#[test]
fn tags_are_pairs_of_usable_texts() {
    check(&[
        (
            r#"{"tags":{"b":1,"a":true}}"#,
            "tags",
            r#"[["a","True"],["b","1"]]"#,
        ),
        (
            r#"{"tags":[["a","1"],["a","2"]]}"#,
            "tags",
            r#"[["a","1"]]"#,
        ),
        (
            r#"{"tags":{"a b":"x","release":"y"}}"#,
            "tags",
            r#"[["a-b","x"]]"#,
        ),
        (r#"{"tags":{"é":"x"}}"#, "tags.0.0", "null"),
        (
            r#"{"tags":{"environment":"prod"}}"#,
            "environment",
            r#""prod""#,
        ),
        (
            r#"{"server_name":"web-1"}"#,
            "tags",
            r#"[["server_name","web-1"]]"#,
        ),
    ]);
}

#[test]
fn contexts_are_named_and_described() {
    let agent = |agent: &str| format!(r#"{{"request":{{"headers":{{"User-Agent":"{agent}"}}}}}}"#);
    let firefox =
        agent("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/114.0");
    let edge = agent(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/113.0.0.0 Safari/537.36 Edg/113.0.1774.57",
    );
    let phone = agent(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1",
    );
    check(&[
        (&firefox, "contexts.browser.browser", r#""Firefox 114.0""#),
        (&firefox, "contexts.client_os.os", r#""Ubuntu""#),
        (&edge, "contexts.browser.browser", r#""Edge 113.0.1774""#),
        (&edge, "contexts.client_os.version", r#"">=10""#),
        (
            &phone,
            "contexts.browser.browser",
            r#""Mobile Safari 16.5""#,
        ),
        (&phone, "contexts.client_os.os", r#""iOS 16.5""#),
        (
            &agent("Mozilla/5.0 (compatible; Googlebot/2.1)"),
            "contexts.device.family",
            r#""Spider""#,
        ),
        (
            r#"{"contexts":{"os":{"raw_description":"Microsoft Windows 10.0.22621"}}}"#,
            "contexts.os.os",
            r#""Windows 11""#,
        ),
        (
            r#"{"contexts":{"runtime":{"name":"CPython","version":"3.11"}}}"#,
            "contexts.runtime.runtime",
            r#""CPython 3.11""#,
        ),
        (
            r#"{"contexts":{"mine":{"a":null}}}"#,
            "contexts.mine",
            r#"{"a":null,"type":"mine"}"#,
        ),
        (
            r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#,
            "contexts.trace.span_id",
            r#""9ec79c33ec9942ab""#,
        ),
    ]);
}

#[test]
fn long_values_are_cut_and_their_length_is_noted() {
    let message = format!(r#"{{"message":"{}"}}"#, "é".repeat(9000));
    check(&[
        (&message, "_meta.logentry.formatted..len", "9000"),
        (
            &message,
            "_meta.logentry.formatted..rem",
            r#"[["!limit","s",16378,16381]]"#,
        ),
        (
            r#"{"extra":{"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}}"#,
            "extra.a.b.c.d.e.f",
            r#""{\"g\":1}""#,
        ),
        (
            &format!(
                r#"{{"logger":"com.example.{}.Service"}}"#,
                "deep.".repeat(20)
            ),
            "_meta.logger..rem.0.0",
            r#""!limit""#,
        ),
    ]);
    let logger = format!(
        r#"{{"logger":"com.example.{}Service"}}"#,
        "deep.".repeat(20)
    );
    assert!(at(&logger, "logger").ends_with(r#"deep.Service""#));
}

const TRANSACTION: &str = r#""type":"transaction","timestamp":1685620800,"start_timestamp":1685620790,
    "contexts":{"trace":{"trace_id":"4c79f60c11214eb38604f4ae0781bfb2","span_id":"fa90fdead5f74053"}}"#;

#[test]
fn transactions_are_named_without_ids() {
    for (name, expected) in [
        ("/users/123/x", "/users/*/x"),
        ("GET /a/b12c34", "GET /a/*"),
        ("/users/me", "/users/me"),
        ("/m/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/m/*"),
        ("", "<unlabeled transaction>"),
    ] {
        let event = format!(
            r#"{{{TRANSACTION},"transaction":"{name}","transaction_info":{{"source":"url"}}}}"#
        );
        assert_eq!(at(&event, "transaction"), format!("\"{expected}\""));
    }
    let measured = format!(r#"{{{TRANSACTION},"measurements":{{"lcp":{{"value":5}}}}}}"#);
    check(&[
        (&measured, "measurements.lcp.unit", r#""millisecond""#),
        (&measured, "contexts.trace.exclusive_time", "10000.0"),
        (&measured, "level", r#""info""#),
        (
            r#"{"measurements":{"lcp":{"value":5}}}"#,
            "measurements",
            "-",
        ),
    ]);
}

#[test]
fn only_transactions_without_a_place_in_time_or_trace_are_refused() {
    let refused = |text: &str| {
        let event = Event::parse(text.as_bytes()).unwrap();
        normalize(event, &context(), &Settings::default()).err()
    };
    assert_eq!(refused(&format!("{{{TRANSACTION}}}")), None);
    assert_eq!(
        refused(r#"{"type":"transaction","timestamp":5}"#),
        Some(InvalidTransaction::NoStart)
    );
    let with = |old: &str, new: &str| refused(&format!("{{{}}}", TRANSACTION.replace(old, new)));
    assert_eq!(
        with("620790", "620990"),
        Some(InvalidTransaction::EndsBeforeStart)
    );
    assert_eq!(
        with("fa90fdead5f74053", "bad"),
        Some(InvalidTransaction::NoSpanId)
    );
    assert_eq!(
        refused(&format!(r#"{{{TRANSACTION},"spans":[{{}}]}}"#)),
        Some(InvalidTransaction::SpanIncomplete("timestamp"))
    );
}

/// All events and transactions among the captured requests, in the repository and beside it.
fn captured() -> Vec<(String, Vec<u8>)> {
    let roots = ["/../testdata/captures", "/../../shared/suites/captures"];
    let mut found = Vec::new();
    for root in roots.map(|root| format!("{}{root}", env!("CARGO_MANIFEST_DIR"))) {
        collect(Path::new(&root), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.display().to_string();
        if path.is_dir() {
            collect(&path, found);
        } else if name.ends_with(".store") {
            found.push((name, std::fs::read(&path).unwrap()));
        } else if name.ends_with(".envelope") {
            let bytes = std::fs::read(&path).unwrap();
            let Ok(envelope) = Envelope::parse(&bytes) else {
                continue;
            };
            for item in &envelope.items {
                if matches!(
                    item.header.item_type,
                    ItemType::Event | ItemType::Transaction
                ) {
                    found.push((name.clone(), item.payload.to_vec()));
                }
            }
        }
    }
}

#[test]
fn nothing_of_what_real_clients_send_is_lost() {
    let mut events = 0;
    for (name, payload) in captured() {
        let Ok(event) = Event::parse(&payload) else {
            continue;
        };
        events += 1;
        let sent = (
            event.exceptions().count(),
            event.breadcrumbs().count(),
            event.threads().count(),
        );
        let received_at = event
            .get("timestamp")
            .and_then(bugle_protocol::timestamp::parse_timestamp);
        let context = Context {
            received_at: received_at.map_or(RECEIVED, UnixMillis::from_seconds),
            ..Context::default()
        };
        let release = event.get_str("release").map(str::to_owned);
        let normalized = normalize(event, &context, &Settings::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let event = normalized.event();
        let kept = (
            event.exceptions().count(),
            event.breadcrumbs().count(),
            event.threads().count(),
        );
        assert_eq!(kept, sent, "{name}");
        assert_eq!(event.get_str("release"), release.as_deref(), "{name}");
        assert!(
            !normalized.to_json().contains(r#""errors":[{"type""#),
            "{name}: {}",
            normalized.to_json()
        );
    }
    println!("{events} captured events");
}

/// Any JSON, with the names of interfaces among its keys and the texts that readers look for among its values.
fn any_json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".*".prop_map(Json::from),
        prop::sample::select(vec![
            "{{auto}}",
            "http://é.co/?a=%ff#x",
            "%s %(a)s",
            "{} {0}",
            "2023-06-01T11:59:59Z",
            "transaction",
            "Android 1;é",
            "a=1&b=2",
            "{\"a\":[1]}",
            "0x1F",
            "4c79f60c11214eb38604f4ae0781bfb2",
            "a;b=c;=",
            "Mac OS X 10.14.2 (18C54",
            "Sec-CH-UA",
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((any_key(), inner), 0..6)
                .prop_map(|members| Json::Object(Object::from_iter(members))),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "exception", "values", "type", "value", "stacktrace", "frames", "filename", "vars", "mechanism", "meta",
            "request", "url", "headers", "User-Agent", "cookies", "query_string", "data", "env", "REMOTE_ADDR", "user",
            "id", "ip_address", "contexts", "os", "raw_description", "trace", "trace_id", "span_id", "tags", "logentry",
            "message", "params", "breadcrumbs", "timestamp", "start_timestamp", "spans", "measurements", "transaction",
            "_meta", "", "errors", "sdk", "name", "debug_meta", "images", "debug_id", "threads", "extra", "logger",
        ])
        .prop_map(str::to_owned),
        1 => ".*",
    ]
}

fn any_event() -> impl Strategy<Value = String> {
    prop::collection::vec((any_key(), any_json()), 0..12)
        .prop_map(|members| json::to_string(&Json::Object(Object::from_iter(members))))
}

/// The same document with its members in one order.
fn sorted(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

proptest! {
    #[test]
    fn any_object_is_normalised_and_twice_is_once(text in any_event()) {
        let event = Event::parse(text.as_bytes()).unwrap();
        let is_transaction = event.get_str("type") == Some("transaction");
        match normalize(event, &context(), &Settings::default()) {
            Err(_) => prop_assert!(is_transaction),
            Ok(once) => {
                let once = once.to_json();
                let again = Event::parse(once.as_bytes()).unwrap();
                let twice = normalize(again, &context(), &Settings::default()).unwrap().to_json();
                prop_assert_eq!(sorted(&twice), sorted(&once));
            }
        }
    }
}
