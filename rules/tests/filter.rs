//! What each filter drops, and what it does not.

use bugle_protocol::{Event, FilterReason, UnixMillis};
use bugle_rules::filter::{LegacyBrowser, presets};
use bugle_rules::{Facts, FilterHit, Filters, FiltersDocument, Problem, Sender};

/// A document in which nothing is on.
fn nothing() -> FiltersDocument {
    FiltersDocument {
        health_checks: false,
        chunk_load_errors: false,
        hydration_errors: false,
        csp_defaults: false,
        ..FiltersDocument::default()
    }
}

fn compiled(document: &FiltersDocument) -> Filters {
    let (filters, problems) = Filters::lenient(document);
    assert_eq!(problems, []);
    filters
}

fn hit_by(filters: &Filters, event: &str, sender: &str) -> Option<FilterHit> {
    let event = Event::parse(event.as_bytes()).unwrap_or_else(|e| panic!("{e}: {event}"));
    let sender = Sender {
        client_ip: sender.parse().ok(),
        user_agent: None,
    };
    filters.first_hit(&Facts::new(&event, sender, UnixMillis(0)))
}

fn hit(filters: &Filters, event: &str) -> Option<FilterReason> {
    hit_by(filters, event, "").map(|hit| hit.reason)
}

/// Tries a filter alone: it drops the first events and keeps the others, and switched off it drops none.
fn assert_drops(document: &FiltersDocument, reason: FilterReason, dropped: &[&str], kept: &[&str]) {
    let filters = compiled(document);
    let off = compiled(&nothing());
    for event in dropped {
        assert_eq!(hit(&filters, event), Some(reason), "{event}");
        assert_eq!(hit(&off, event), None, "{event}");
    }
    for event in kept {
        assert_eq!(hit(&filters, event), None, "{event}");
    }
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

#[test]
fn crawlers() {
    let document = FiltersDocument {
        web_crawlers: true,
        ..nothing()
    };
    assert_drops(
        &document,
        FilterReason::WebCrawlers,
        &[
            r#"{"request": {"headers": [["User-Agent", "Googlebot/2.1"]]}}"#,
            r#"{"request": {"headers": [["user-agent", "x (compatible; bingbot/2.0)"]]}}"#,
            r#"{"contexts": {"browser": {"name": "Baiduspider"}}}"#,
        ],
        &[
            "{}",
            r#"{"request": {"headers": [["User-Agent", "Mozilla/5.0 Firefox/145.0"], ["From", "googlebot(at)googlebot.com"]]}}"#,
            // The header goes before what was made of it.
            r#"{"request": {"headers": [["User-Agent", "Firefox/145.0"]]}, "contexts": {"browser": {"name": "Googlebot"}}}"#,
            r#"{"extra": {"User-Agent": "Googlebot/2.1"}}"#,
        ],
    );
}

#[test]
fn localhost() {
    let document = FiltersDocument {
        localhost: true,
        ..nothing()
    };
    assert_drops(
        &document,
        FilterReason::Localhost,
        &[
            r#"{"user": {"ip_address": "127.0.0.1"}}"#,
            r#"{"user": {"ip_address": "::1"}, "request": {"url": "https://shop.example/"}}"#,
            r#"{"request": {"url": "http://localhost:8000/x"}}"#,
            r#"{"request": {"url": "http://shop.localhost/x"}}"#,
            r#"{"request": {"url": "file:///x.html"}}"#,
            r#"{"request": {"headers": [["X-Forwarded-For", "127.0.0.1"]], "url": "https://shop.example/"}}"#,
            r#"{"request": {"headers": [["Host", "localhost:8000"]]}}"#,
            r#"{"request": {"headers": [["X-Forwarded-Host", "127.0.0.1"]]}}"#,
        ],
        &[
            "{}",
            r#"{"user": {"ip_address": "127.0.0.2"}}"#,
            r#"{"user": {"ip_address": "10.0.0.1"}, "server_name": "localhost"}"#,
            r#"{"request": {"url": "https://shop.example/", "headers": [["Host", "localhost"]]}}"#,
            r#"{"request": {"headers": [["Host", "localhost.shop.example"]]}}"#,
            r#"{"request": {"headers": [["Host", "shop.localhost"]]}}"#,
            r#"{"request": {"headers": [["X-Forwarded-Host", "x.127.0.0.1:8000"]]}}"#,
            r#"{"request": {"headers": [["X-Forwarded-For", "203.0.113.9, 127.0.0.1"]]}}"#,
            r#"{"request": {"url": "https://shop.example/localhost"}}"#,
        ],
    );
}

#[test]
fn browser_extensions() {
    let document = FiltersDocument {
        browser_extensions: true,
        ..nothing()
    };
    let raised_in = |path: &str, behind: &str| {
        format!(
            r#"{{"exception": {{"values": [{{"type": "Error", "value": "x", "stacktrace": {{"frames": [
                {{"abs_path": "https://shop.example/app.js"}}, {{"abs_path": "{path}"}}{behind}]}}}}]}}}}"#
        )
    };
    let dropped = [
        raised_in("chrome-extension://abc/x.js", ""),
        raised_in("CHROME://x", ""),
        raised_in("moz-extension://abc/x.js", r#", {"abs_path": "<anonymous>"}, {"abs_path": "[native code]"}, {"function": "f"}"#),
        raised_in("safari-web-extension://abc", ""),
        raised_in("https://connect.facebook.net/en_US/sdk.js", ""),
        r#"{"exception": {"values": [{"value": "Extension context invalidated."}]}}"#.to_owned(),
        r#"{"exception": {"values": [{"value": "TypeError: null is not an object (evaluating 'elt.parentNode')"}]}}"#.to_owned(),
        r#"{"exception": [{"value": "CAN'T ACCESS DEAD OBJECT"}, {"value": "x"}]}"#.to_owned(),
    ];
    let kept = [
        "{}".to_owned(),
        raised_in("https://shop.example/chrome-extension://x.js", ""),
        raised_in(
            "chrome-extension://abc/x.js",
            r#", {"abs_path": "https://shop.example/app.js"}"#,
        ),
        r#"{"exception": [{"value": "x"}, {"value": "can't access dead object"}]}"#.to_owned(),
        r#"{"logentry": {"formatted": "Extension context invalidated"}}"#.to_owned(),
    ];
    assert_drops(
        &document,
        FilterReason::BrowserExtensions,
        &dropped.each_ref().map(String::as_str),
        &kept.each_ref().map(String::as_str),
    );
}

#[test]
fn legacy_browsers() {
    use LegacyBrowser::{
        Android, AndroidPre4, Chrome, Default, Edge, EdgePre79, Firefox, Ie, Ie9, Ie10, Ie11,
        IePre9, Opera, OperaMini, OperaMiniPre8, OperaPre15, Safari, SafariPre6,
    };
    for (browser, name, oldest_kept, newest_dropped) in [
        (Ie, "IE", "12.0", "11.0"),
        (Ie, "IE Mobile", "12", "11.0"),
        (Edge, "Edge", "111.0.1", "110.9"),
        (Safari, "Safari", "16.0", "15.6.1"),
        (Firefox, "Firefox", "111.0", "110.0"),
        (Chrome, "Chrome", "111.0.0", ">=110.0.0"),
        (Opera, "Opera", "100.0", "99"),
        (Android, "Android", "4.0.3", "3.2"),
        (OperaMini, "Opera Mini", "35.0", "34.0"),
        (IePre9, "IE", "9.0", "8.0"),
        (Ie9, "IE", "8.0", "9.0"),
        (Ie10, "IE", "9.0", "10.0"),
        (Ie11, "IE", "10.0", "11.0"),
        (SafariPre6, "Safari", "6.0", "5.1"),
        (OperaPre15, "Opera", "15.0", "14.9"),
        (OperaMiniPre8, "Opera Mini", "8.0", "7.1"),
        (AndroidPre4, "Android", "4.0", "3.2"),
        (EdgePre79, "Edge", "79.0", "78.0"),
        (Default, "IE", "10.0", "9.0"),
        (Default, "Safari", "6.0", "5.0"),
        (Default, "Opera", "15.0", "14.0"),
        (Default, "Opera Mini", "8.0", "7.0"),
        (Default, "Android", "4.0", "3.0"),
    ] {
        let document = FiltersDocument {
            legacy_browsers: [browser].into(),
            ..nothing()
        };
        let event = |name: &str, version: &str| {
            format!(
                r#"{{"contexts": {{"browser": {{"name": "{name}", "version": "{version}"}}}}}}"#
            )
        };
        assert_drops(
            &document,
            FilterReason::LegacyBrowsers,
            &[&event(name, newest_dropped)],
            &[
                &event(name, oldest_kept),
                &event("Chrome Mobile", "20.0"),
                &event("Edge Mobile", "20.0"),
                &event(name, "unknown"),
                r#"{"contexts": {"browser": {"name": "IE"}}}"#,
                "{}",
            ],
        );
    }
    let all = FiltersDocument {
        legacy_browsers: LegacyBrowser::ALL.iter().copied().collect(),
        ..nothing()
    };
    // Without a context the header says it.
    let header = r#"{"request": {"headers": [["User-Agent", "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)"]]}}"#;
    assert_eq!(
        hit(&compiled(&all), header),
        Some(FilterReason::LegacyBrowsers)
    );
}

#[test]
fn health_checks() {
    let document = FiltersDocument {
        health_checks: true,
        ..nothing()
    };
    let named = |name: &str| format!(r#"{{"type": "transaction", "transaction": "{name}"}}"#);
    let dropped = [
        "GET /healthcheck",
        "/api/HealthCheck/v2",
        "heartbeat",
        "GET /health",
        "/healthy",
        "/healthz",
        "/live",
        "/livez",
        "/ready",
        "/readyz",
        "/PING",
    ]
    .map(named);
    let kept = [
        "/health/",
        "/health/db",
        "health",
        "/livestream",
        "/already",
        "/shipping",
        "",
    ]
    .map(named);
    assert_drops(
        &document,
        FilterReason::FilteredTransaction,
        &dropped.each_ref().map(String::as_str),
        &kept.each_ref().map(String::as_str),
    );
    let error = r#"{"type": "error", "transaction": "/healthz"}"#;
    assert_eq!(hit(&compiled(&document), error), None);
}

#[test]
fn scripts_that_do_not_fit() {
    let error = |ty: &str, value: &str| {
        format!(r#"{{"exception": {{"values": [{{"type": "{ty}", "value": "{value}"}}]}}}}"#)
    };
    let chunks = FiltersDocument {
        chunk_load_errors: true,
        ..nothing()
    };
    assert_drops(
        &chunks,
        FilterReason::ChunkLoadError,
        &[&error("ChunkLoadError", "Loading chunk 552 failed.")],
        &[
            &error("Error", "Loading chunk 552 failed."),
            &error("ChunkLoadError", ""),
            "{}",
        ],
    );
    let hydration = FiltersDocument {
        hydration_errors: true,
        ..nothing()
    };
    assert_drops(
        &hydration,
        FilterReason::ReactHydrationErrors,
        &[&error("Error", "visit https://react.dev/errors/418?x")],
        &[&error("Error", "visit https://react.dev/errors/31"), "{}"],
    );
}

#[test]
fn security_reports() {
    let document = FiltersDocument {
        csp_defaults: true,
        csp_sources: list(&["*.ads.example", "", " https://cdn.example:444 "]),
        ..nothing()
    };
    let report = |member: &str, uri: &str| {
        format!(
            r#"{{"type": "csp", "csp": {{"effective_directive": "img-src", "{member}": "{uri}"}}}}"#
        )
    };
    assert_drops(
        &document,
        FilterReason::InvalidCsp,
        &[
            &report("blocked_uri", "chrome-extension"),
            &report("blocked_uri", "https://x.ads.example/a.gif"),
            &report("source_file", "https://cdn.example:444/x.js"),
            &report("source_file", "chrome-extension://abc/x.js"),
        ],
        &[
            &report("blocked_uri", "https://shop.example/a.gif"),
            &report("blocked_uri", "https://cdn.example/a.gif"),
            &report("blocked_uri", "inline"),
            &report("blocked_uri", ""),
            &report("document_uri", "http://localhost/"),
            r#"{"type": "error", "csp": {"blocked_uri": "about"}}"#,
            r#"{"type": "csp"}"#,
        ],
    );
}

#[test]
fn addresses_of_senders() {
    let document = FiltersDocument {
        addresses: list(&["203.0.113.9", " 10.0.0.0/8 ", "", "2001:db8::/32"]),
        ..nothing()
    };
    let filters = compiled(&document);
    for (sender, expected) in [
        ("203.0.113.9", true),
        ("203.0.113.10", false),
        ("10.200.0.1", true),
        ("::ffff:10.200.0.1", true),
        ("11.0.0.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("", false),
    ] {
        let event = r#"{"user": {"ip_address": "203.0.113.9"}}"#;
        let found = hit_by(&filters, event, sender).map(|hit| hit.reason);
        assert_eq!(
            found,
            expected.then_some(FilterReason::IpAddress),
            "{sender}"
        );
    }
}

#[test]
fn releases_and_messages() {
    let releases = FiltersDocument {
        releases: list(&["shop@1.*", "[!0-9]*-dirty", ""]),
        ..nothing()
    };
    assert_drops(
        &releases,
        FilterReason::ReleaseVersion,
        &[
            r#"{"release": "SHOP@1.2.3"}"#,
            r#"{"release": "abc-dirty"}"#,
        ],
        &[
            r#"{"release": "shop@2.0"}"#,
            r#"{"release": "1abc-dirty"}"#,
            r#"{"release": ""}"#,
            "{}",
        ],
    );
    let messages = FiltersDocument {
        error_messages: list(&[
            "*ResizeObserver loop*",
            "TimeoutError: *",
            "KeyError",
            "just this",
        ]),
        ..nothing()
    };
    assert_drops(
        &messages,
        FilterReason::ErrorMessage,
        &[
            r#"{"logentry": {"formatted": "x: resizeobserver LOOP limit exceeded"}}"#,
            r#"{"logentry": {"message": "just this"}}"#,
            r#"{"exception": [{"type": "A", "value": "b"}, {"type": "TimeoutError", "value": "after 5 s\nsecond line"}]}"#,
            r#"{"exception": [{"type": "KeyError"}]}"#,
            r#"{"exception": [{"value": "ResizeObserver loop"}]}"#,
        ],
        &[
            "{}",
            r#"{"logentry": {"message": "just this", "formatted": "something else"}}"#,
            r#"{"logentry": {"formatted": "just this too"}}"#,
            r#"{"exception": [{"type": "KeyError", "value": "x"}]}"#,
            r#"{"exception": [{"type": "MyTimeoutError", "value": "x"}]}"#,
            r#"{"transaction": "just this"}"#,
        ],
    );
}

#[test]
fn rule_lines_come_first_and_have_names_of_their_own() {
    let document = FiltersDocument {
        error_messages: list(&["*"]),
        rules: "# Noise\nlogger:noisy level:<error -> drop\nlogger:[noisy, \"too noisy\"] -> drop"
            .to_owned(),
        ..nothing()
    };
    let filters = compiled(&document);
    let hit = |event: &str| hit_by(&filters, event, "").unwrap();
    let first = hit(r#"{"logger": "noisy", "level": "info", "logentry": {"formatted": "x"}}"#);
    let second = hit(r#"{"logger": "too noisy"}"#);
    let listed = hit(r#"{"logger": "quiet", "logentry": {"formatted": "x"}}"#);
    assert_eq!(first.reason, FilterReason::CustomRule);
    assert_eq!(second.reason, FilterReason::CustomRule);
    assert_ne!(first.rule, second.rule);
    assert_eq!(first.rule.as_str().len(), 16);
    assert_eq!(listed.reason, FilterReason::ErrorMessage);
    assert_eq!(listed.rule.as_str(), "error-message");
    // The name follows what a line says, not how it is written or where it stands.
    let same = FiltersDocument {
        rules: "logger:[\"noisy\",\"too noisy\"] -> drop".to_owned(),
        ..nothing()
    };
    let same = hit_by(&compiled(&same), r#"{"logger": "noisy"}"#, "");
    assert_eq!(same.unwrap().rule, second.rule);
}

#[test]
fn what_is_wrong_is_reported_with_its_place() {
    let document = FiltersDocument {
        csp_sources: list(&["ok.example", "not ok"]),
        addresses: list(&["10.0.0.0/8", "10.0.0.0/40", "somewhere"]),
        releases: list(&["[", "fine"]),
        error_messages: list(&["fine", "", "}"]),
        rules: "logger:x -> drop\nlogger:y -> keep\n(logger:z -> drop".to_owned(),
        ..nothing()
    };
    let (filters, problems) = Filters::lenient(&document);
    let places: Vec<_> = problems
        .iter()
        .map(
            |Problem {
                 field,
                 line,
                 column,
                 ..
             }| (*field, *line, *column),
        )
        .collect();
    assert_eq!(
        places,
        [
            ("rules", Some(2), Some(13)),
            ("rules", Some(3), Some(1)),
            ("cspSources", Some(2), None),
            ("addresses", Some(2), None),
            ("addresses", Some(3), None),
            ("releases", Some(1), None),
            ("errorMessages", Some(3), None),
        ],
        "{problems:?}"
    );
    // The rest applies.
    for event in [r#"{"logger": "x"}"#, r#"{"release": "fine"}"#] {
        assert!(hit(&filters, event).is_some(), "{event}");
    }
    assert!(hit_by(&filters, "{}", "10.1.1.1").is_some());
}

#[test]
fn lists_have_limits() {
    let items: Vec<String> = (0..1_001)
        .map(|n| format!("10.0.{}.{}", n / 256, n % 256))
        .collect();
    let document = FiltersDocument {
        csp_sources: items.clone(),
        addresses: items.clone(),
        releases: items.clone(),
        error_messages: items,
        ..nothing()
    };
    let (_, problems) = Filters::lenient(&document);
    let places: Vec<_> = problems
        .iter()
        .map(|problem| (problem.field, problem.line))
        .collect();
    let fields = ["cspSources", "addresses", "releases", "errorMessages"];
    assert_eq!(places, fields.map(|field| (field, Some(1_001))));
}

#[test]
fn documents_are_read_with_the_names_of_today_and_of_the_past() {
    let document: FiltersDocument = serde_json::from_str(
        r#"{"webCrawlers": true, "healthChecks": false, "addresses": ["10.0.0.1"], "legacyBrowsers":
            ["ie", "opera_mini", "ie_pre_9", "ie9", "safari_pre_6", "opera_mini_pre_8", "android_pre_4", "edge_pre_79", "default"]}"#,
    )
    .unwrap();
    assert_eq!(document.legacy_browsers.len(), 9);
    assert!(document.web_crawlers && !document.health_checks && document.csp_defaults);
    let written = serde_json::to_string(&document).unwrap();
    assert_eq!(
        serde_json::from_str::<FiltersDocument>(&written).unwrap(),
        document
    );
}

#[test]
fn presets_do_what_they_say() {
    let mut names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
    names.dedup();
    assert_eq!(names.len(), presets().len());
    let own = "# Ours\nlogger:x   ->   drop\n";
    for preset in presets() {
        let text = preset.add_to(own);
        let document = FiltersDocument {
            rules: text.clone(),
            ..nothing()
        };
        compiled(&document);
        assert!(preset.is_in(&text) && !preset.is_in(own));
        assert_eq!(preset.remove_from(&text).trim_end(), own.trim_end());
        let others = presets().iter().filter(|other| other.name != preset.name);
        for other in others {
            assert!(!other.is_in(&text), "{} in {}", other.name, preset.name);
        }
    }
    let with = |name: &str| {
        let preset = presets().iter().find(|preset| preset.name == name).unwrap();
        FiltersDocument {
            rules: preset.add_to(""),
            ..nothing()
        }
    };
    let agent =
        |agent: &str| format!(r#"{{"request": {{"headers": [["User-Agent", "{agent}"]]}}}}"#);
    let url = |url: &str| format!(r#"{{"request": {{"url": "{url}"}}}}"#);
    let took = |end: f64, status: &str| {
        format!(
            r#"{{"type": "transaction", "start_timestamp": 1795163900.0, "timestamp": {end},
                "contexts": {{"trace": {{"status": "{status}"}}}}}}"#
        )
    };
    for (name, dropped, kept) in [
        (
            "django-probes",
            vec![
                r#"{"exception": [{"type": "DisallowedHost", "value": "Invalid HTTP_HOST header"}]}"#.to_owned(),
                r#"{"exception": [{"type": "SuspiciousOperation"}]}"#.to_owned(),
                r#"{"logger": "django.security.DisallowedHost", "logentry": {"formatted": "x"}}"#.to_owned(),
                r#"{"logentry": {"formatted": "Invalid HTTP_HOST header: '203.0.113.9'. You may need to add it."}}"#.to_owned(),
            ],
            vec![
                r#"{"exception": [{"type": "ValueError", "value": "DisallowedHost"}]}"#.to_owned(),
                r#"{"logger": "django.request", "logentry": {"formatted": "Internal Server Error"}}"#.to_owned(),
                r#"{"logger": "django.security.csrf", "logentry": {"formatted": "Forbidden"}}"#.to_owned(),
            ],
        ),
        (
            "crawlers",
            ["Googlebot/2.1", "a Crawler", "spider", "ScraperX", "curl/8.5", "Wget/1.21"].map(agent).to_vec(),
            vec![agent("Mozilla/5.0 Firefox/145.0"), "{}".to_owned()],
        ),
        (
            "stray-files",
            ["https://shop.example/favicon.ico", "https://shop.example/a/robots.txt", "https://shop.example/.env"].map(url).to_vec(),
            vec![url("https://shop.example/robots.txt/x"), url("https://shop.example/environment"), "{}".to_owned()],
        ),
        (
            "fast-transactions",
            vec![took(1_795_163_900.099, "ok"), took(1_795_163_900.05, "unknown")],
            vec![took(1_795_163_900.1, "ok"), took(1_795_163_900.05, "internal_error"), "{}".to_owned()],
        ),
    ] {
        let dropped: Vec<_> = dropped.iter().map(String::as_str).collect();
        let kept: Vec<_> = kept.iter().map(String::as_str).collect();
        assert_drops(&with(name), FilterReason::CustomRule, &dropped, &kept);
    }
}
