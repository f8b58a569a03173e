//! Conditions asked about events: what a team writes meets what strangers send.
//!
//! An input is an event whose top-level member `_rules` is a text of conditions and patterns.

use std::sync::LazyLock;

use bugle_protocol::{Event, UnixMillis};
use bugle_query::{Fields as _, Key, Query};
use bugle_rules::facts::{FIELDS, check};
use bugle_rules::filter::{LegacyBrowser, presets};
use bugle_rules::{Facts, Filters, FiltersDocument, Sender};

use crate::captures::Captures;

const SEEDS: &[&str] = &[
    r#"{"_rules": "error.type:[Key*, OSError] stack.function:pay -> drop\n!level:>=error OR \"no money\" -> drop\n[a-z]*{x,y}",
        "type": "error", "level": "warning", "exception": {"values": [{"type": "KeyError", "value": "no money", "thread_id": 1,
        "mechanism": {"type": "django", "handled": false}, "stacktrace": {"frames": [{"function": "pay", "abs_path": "chrome-extension://a"}]}}]},
        "threads": [{"id": 1, "main": true}], "tags": [["tier", "gold"]], "user": {"id": "1", "ip_address": "::1"}}"#,
    r#"{"_rules": "transaction.duration:<100ms measurements.lcp:>2s\nrelease.version:>1.2 sender.address:10.0.0.0/8\nhttp.status_code:5*",
        "type": "transaction", "transaction": "/healthz", "start_timestamp": 1795163900.1, "timestamp": 1795163900.2, "release": "a@1.2.3+4",
        "contexts": {"trace": {"status": "ok"}, "browser": {"name": "IE", "version": "9.0"}, "response": {"status_code": 502}},
        "measurements": {"lcp": {"value": 2.5, "unit": "second"}}}"#,
    r#"{"_rules": "extra.a.b.c:*x* has:contexts.state.type !geo.city:Lis*\n10.0.0.0/8\n*.ads.example", "type": "csp",
        "csp": {"blocked_uri": "https://[::1]:80/x", "source_file": "about:blank"}, "extra": {"a": {"b.c": ["x"]}},
        "request": {"url": "http://jane@localhost:80/.env", "headers": [["User-Agent", "Mozilla/4.0 (compatible; MSIE 8.0)"]]},
        "logentry": {"formatted": "Invalid HTTP_HOST header"}, "timestamp": "2026-11-20T08:38:24Z"}"#,
];

/// Everything that is not a list is on.
static ALL: LazyLock<Filters> = LazyLock::new(|| {
    let on = document("");
    Filters::lenient(&on).0
});

fn document(text: &str) -> FiltersDocument {
    let lines: Vec<String> = text.lines().take(50).map(str::to_owned).collect();
    let preset_lines = presets()
        .iter()
        .fold(String::new(), |text, preset| preset.add_to(&text));
    FiltersDocument {
        web_crawlers: true,
        localhost: true,
        browser_extensions: true,
        legacy_browsers: LegacyBrowser::ALL.iter().copied().collect(),
        csp_sources: lines.clone(),
        addresses: lines.clone(),
        releases: lines.clone(),
        error_messages: lines,
        rules: if text.is_empty() {
            preset_lines
        } else {
            text.to_owned()
        },
        ..FiltersDocument::default()
    }
}

/// Events with conditions.
pub fn seeds(_: &Captures) -> Vec<Vec<u8>> {
    SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

/// Asks the event for every field, and every rule about the event.
pub fn run(input: &[u8]) {
    let Ok(event) = Event::parse(input) else {
        return;
    };
    let sender = Sender {
        client_ip: "203.0.113.9".parse().ok(),
        user_agent: Some("sentry.python/2.75.0"),
    };
    let facts = Facts::new(&event, sender, UnixMillis(1_795_163_904_106));
    for field in FIELDS {
        let name = field.name.replace('*', "a.b");
        let _ = facts.values(&Key::Field(name)).is_present();
    }
    let _ = (facts.free_text(), ALL.first_hit(&facts));
    let Some(text) = event.get_str("_rules") else {
        return;
    };
    for line in text.lines().take(50) {
        let Ok(query) = Query::parse(line.split(" -> ").next().unwrap_or_default()) else {
            continue;
        };
        let _ = query.matches(&facts);
        for objection in check(&query) {
            assert!(
                line.get(objection.span.start..objection.span.end).is_some(),
                "an objection outside of {line}"
            );
        }
    }
    let (filters, problems) = Filters::lenient(&document(text));
    assert!(
        problems.iter().all(|problem| problem.line.is_some()),
        "a problem without a place"
    );
    let again = filters.first_hit(&facts);
    assert_eq!(
        filters.first_hit(&facts),
        again,
        "the second time is as the first"
    );
    for preset in presets() {
        let with = preset.add_to(text);
        assert!(preset.is_in(&with), "{} is not in {with}", preset.name);
        assert!(
            !preset.is_in(&preset.remove_from(&with)),
            "{} is still there",
            preset.name
        );
    }
}
