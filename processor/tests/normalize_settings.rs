//! What settings turn on and off, and what is known of visitors and devices.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use bugle_processor::normalize::{Context, Settings, normalize};
use bugle_protocol::json::{self, Json};
use bugle_protocol::{Event, UnixMillis};

fn stored(event: &str, settings: Settings) -> Json<'static> {
    let context = Context {
        received_at: UnixMillis(1_685_620_800_000),
        client_ip: "198.51.100.1".parse().ok(),
        ..Context::default()
    };
    let event = Event::parse(event.as_bytes()).unwrap();
    let text = normalize(event, &context, &settings).unwrap().to_json();
    json::parse_str(&text).unwrap().into_owned()
}

/// The text at a path of the event as the server stores it.
fn text(event: &str, path: &[&str]) -> Option<String> {
    let stored = stored(event, Settings::default());
    stored.at(path).and_then(Json::as_str).map(str::to_owned)
}

const INFERRED: [&str; 4] = [
    r#"{"platform":"javascript"}"#,
    r#"{"user":{"id":"7","ip_address":"{{auto}}"}}"#,
    r#"{"request":{"env":{"REMOTE_ADDR":"203.0.113.9"}}}"#,
    r#"{"platform":"node","sdk":{"name":"a","version":"1","settings":{"infer_ip":"auto"}}}"#,
];

#[test]
fn addresses_are_inferred_only_where_they_may_be() {
    let without = Settings {
        infers_ip: false,
        ..Settings::default()
    };
    for event in INFERRED {
        let with = stored(event, Settings::default());
        assert!(with.at(&["user", "ip_address"]).is_some(), "{event}");
        let without = stored(event, without);
        assert_eq!(without.at(&["user", "ip_address"]), None, "{event}");
    }
    let own = r#"{"user":{"ip_address":"203.0.113.9"}}"#;
    let kept = stored(own, without);
    let address = kept.at(&["user", "ip_address"]).and_then(Json::as_str);
    assert_eq!(address, Some("203.0.113.9"));
    let never = r#"{"platform":"javascript","sdk":{"settings":{"infer_ip":"never"}}}"#;
    assert_eq!(text(never, &["user", "ip_address"]), None);
}

#[test]
fn what_only_the_server_says_is_not_believed() {
    let event = r#"{"_bugle":{"rules":[{"topic":"tags"}]},"project":7,"key_id":"x"}"#;
    for removes_unknown in [true, false] {
        let settings = Settings {
            removes_unknown,
            ..Settings::default()
        };
        let stored = stored(event, settings);
        for key in ["_bugle", "project", "key_id", "errors", "_meta"] {
            assert!(!stored.as_object().unwrap().contains_key(key), "{key}");
        }
    }
}

#[test]
fn an_event_that_was_normalised_is_only_read_again() {
    let settings = Settings {
        completes: false,
        ..Settings::default()
    };
    let event =
        r#"{"timestamp":1685620800,"tags":{"environment":"x"},"user":{"id":5},"level":"loud"}"#;
    let stored = stored(event, settings);
    let stored = stored.as_object().unwrap();
    for absent in ["event_id", "type", "contexts", "logger", "environment"] {
        assert!(!stored.contains_key(absent), "{absent}");
    }
    assert_eq!(stored.get("user").unwrap().get_str("id"), Some("5"));
    assert_eq!(stored.get("errors").unwrap().as_array().unwrap().len(), 1);
}

#[test]
fn visitors_are_told_by_their_headers() {
    let cases = [
        ("User-Agent", "Java/17.0.7", ["device", "family"], "Spider"),
        (
            "User-Agent",
            "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            ["browser", "name"],
            "AhrefsBot",
        ),
        (
            "User-Agent",
            "Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A)",
            ["browser", "browser"],
            "Android 13",
        ),
        (
            "User-Agent",
            "Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/114.0 Firefox/114.0",
            ["device", "family"],
            "Generic Smartphone",
        ),
        (
            "User-Agent",
            "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.12.388 Version/12.18",
            ["browser", "browser"],
            "Opera 12.18",
        ),
        (
            "User-Agent",
            "Mozilla/5.0 (Linux; U; Android 2.3; en-us) Version/4.0 Mobile Safari/533.1",
            ["browser", "browser"],
            "Android 2.3",
        ),
        (
            "User-Agent",
            "Mozilla/5.0 (Linux; Android 11; SM-G991B) Chrome/92.0.4515.166 Mobile Safari/537.36",
            ["device", "name"],
            "Galaxy S21 5G",
        ),
        (
            "User-Agent",
            "Mozilla/5.0 (compatible; MSIE 9.0; Windows Phone OS 7.5; IEMobile/9.0; NOKIA; Lumia 710)",
            ["device", "model"],
            "Lumia 710",
        ),
        (
            "Sec-CH-UA-Model",
            "\\\"Pixel 7\\\"",
            ["device", "model"],
            "Pixel 7",
        ),
        (
            "Sec-CH-UA",
            "\\\"Not;A Brand\\\";v=\\\"99\\\", \\\"Google Chrome\\\";v=\\\"114\\\"",
            ["browser", "browser"],
            "Google Chrome 114",
        ),
    ];
    for (header, value, [context, key], expected) in cases {
        let event = format!(r#"{{"request":{{"headers":{{"{header}":"{value}"}}}}}}"#);
        let found = text(&event, &["contexts", context, key]);
        assert_eq!(found.as_deref(), Some(expected), "{value}");
    }
}

#[test]
fn thread_ids_are_numbers_without_a_sign_or_names() {
    let event = r#"{"threads":[{"id":-1},{"id":"main"},{"id":[1]}]}"#;
    let stored = stored(event, Settings::default());
    let threads = stored.at(&["threads", "values"]).unwrap();
    let ids: Vec<_> = threads
        .as_array()
        .unwrap()
        .iter()
        .map(|t| json::to_string(t.get("id").unwrap_or(&Json::Null)))
        .collect();
    assert_eq!(ids, ["18446744073709551615", "\"main\"", "null"]);
}

#[test]
fn spans_are_described_where_it_is_wanted() {
    let event = r#"{"type":"transaction","timestamp":1685620800,"start_timestamp":1685620799,
        "contexts":{"trace":{"trace_id":"4c79f60c11214eb38604f4ae0781bfb2","span_id":"fa90fdead5f74053"}},
        "spans":[{"op":"db","description":"SELECT \"a\".\"b\" FROM a WHERE c = 'x'","start_timestamp":1685620799,
            "timestamp":1685620800,"trace_id":"4c79f60c11214eb38604f4ae0781bfb2","span_id":"fa90fdead5f74054"}]}"#;
    for describes_spans in [true, false] {
        let settings = Settings {
            describes_spans,
            ..Settings::default()
        };
        let stored = stored(event, settings);
        let spans = stored.get("spans").unwrap().as_array().unwrap();
        let description = spans[0].at(&["sentry_tags", "description"]);
        let expected = describes_spans.then_some("SELECT b FROM a WHERE c = %s");
        assert_eq!(description.and_then(Json::as_str), expected);
        assert!(spans[0].get_str("description").unwrap().contains("'x'"));
    }
}
