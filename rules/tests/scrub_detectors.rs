//! What the detectors find beyond Sentry's, what they leave, and that hostile texts cost no more than others.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{Event, Meta};
use bugle_rules::ScrubbingDocument;
use bugle_rules::scrub::{ExtraDetector, PiiConfig, ScrubSettings, Scrubber};
use proptest::prelude::*;

/// Nothing but these detectors; the three that widen other rules with those.
fn only(detectors: impl IntoIterator<Item = ExtraDetector>) -> Scrubber {
    let advanced = r#"{"applications":{"$string":["@creditcard","@ip","@urlauth:legacy"]}}"#;
    let document = ScrubbingDocument {
        settings: ScrubSettings::off(),
        detectors: BTreeSet::from_iter(detectors),
        advanced: PiiConfig::parse(advanced).unwrap(),
    };
    let (scrubber, problems) = Scrubber::of_document(&document);
    assert_eq!(problems, []);
    scrubber
}

fn scrubbed(scrubber: &Scrubber, text: &str) -> String {
    scrubbed_under(scrubber, "x", text)
}

fn scrubbed_under(scrubber: &Scrubber, key: &str, text: &str) -> String {
    let extra = Object::from_iter([(key.to_owned(), Json::from(text.to_owned()))]);
    let mut event = Event {
        fields: Object::from_iter([("extra", Json::Object(extra))]),
    };
    scrubber.scrub(&mut event, &mut Meta::default());
    let extra = event.get("extra").unwrap();
    extra.get_str(key).unwrap_or_default().to_owned()
}

#[test]
fn cards_of_all_networks_are_found_by_their_checksum() {
    let scrubber = only([ExtraDetector::Card]);
    // Published test numbers of the networks.
    let table = [
        ("2223003122003222", "[creditcard]"),
        ("2223 0031 2200 3222.", "[creditcard]."),
        ("pan=2223-0031-2200-3222;", "pan=[creditcard];"),
        ("diners 30569309025904", "diners [creditcard]"),
        ("3056 930902 5904", "[creditcard]"),
        ("36227206271667", "[creditcard]"),
        ("jcb 3530111333300000, next", "jcb [creditcard], next"),
        ("4222222222222", "[creditcard]"),
        ("6200000000000005", "[creditcard]"),
        ("17 2223003122003222", "17 [creditcard]"),
        // Found by prefix, whatever the checksum.
        ("4111111111111112", "[creditcard]"),
        (
            "4111 1111 1111 1111 2223003122003222",
            "[creditcard] [creditcard]",
        ),
        // One digit wrong, a part of something else, or nobody's number.
        ("2223003122003223", "2223003122003223"),
        ("a4222222222222", "a4222222222222"),
        ("0.4222222222222", "0.4222222222222"),
        ("4222222222222.5", "4222222222222.5"),
        ("17-4222222222222", "17-4222222222222"),
        ("14222222222222", "14222222222222"),
        ("1700000000000", "1700000000000"),
        ("9999999999999995", "9999999999999995"),
    ];
    for (text, expected) in table {
        assert_eq!(scrubbed(&scrubber, text), expected, "{text}");
    }
    assert_eq!(scrubbed(&only([]), "2223003122003222"), "2223003122003222");
}

#[test]
fn passwords_in_urls_may_hold_anything() {
    let scrubber = only([ExtraDetector::UrlPassword]);
    let table = [
        ("redis://:p4ss@cache", "redis://:[Filtered]@cache"),
        ("http://user:pa$$!@h/x", "http://user:[Filtered]@h/x"),
        ("AMQP://U:P:x@H", "AMQP://U:[Filtered]@H"),
        ("https://example.com/u:p@h", "https://example.com/u:p@h"),
        ("https://example.com?u:p@h", "https://example.com?u:p@h"),
        ("https://user@example.com", "https://user@example.com"),
    ];
    for (text, expected) in table {
        assert_eq!(scrubbed(&scrubber, text), expected, "{text}");
    }
    assert_eq!(
        scrubbed(&only([]), "redis://:p4ss@cache"),
        "redis://:p4ss@cache"
    );
}

#[test]
fn telephone_numbers_are_found() {
    let scrubber = only([ExtraDetector::Phone]);
    let table = [
        ("call +49 30 901820 now", "call [phone] now"),
        ("+44 (0)20 7946 0958", "[phone]"),
        ("tel:+1-212-555-0100", "tel:[phone]"),
        ("+1.212.555.0100", "[phone]"),
        ("+4915112345678, +33 1 23 45 67 89", "[phone], [phone]"),
        ("(212) 555-0100 or 212-555-0100.", "[phone] or [phone]."),
        // A number with a sign, an offset, a fraction, too long, or part of a name.
        ("+1234567", "+1234567"),
        (
            "20 Nov 2026 17:00:00 +1000 2026 11",
            "20 Nov 2026 17:00:00 +1000 2026 11",
        ),
        ("+1.23456789", "+1.23456789"),
        ("+1234567890123456", "+1234567890123456"),
        ("a+4915112345678", "a+4915112345678"),
        ("1-212-555-01000", "1-212-555-01000"),
    ];
    for (text, expected) in table {
        assert_eq!(scrubbed(&scrubber, text), expected, "{text}");
    }
}

#[test]
fn web_tokens_are_found() {
    let scrubber = only([ExtraDetector::Jwt]);
    let signed = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", "s".repeat(43));
    let encrypted = "eyJhbGciOiJSU0EtT0FFUCJ9.abcdef.abcd.efgh-_.ijkl";
    for (text, expected) in [
        (signed.clone(), "[jwt]"),
        (format!("/cb?t={signed}&x=1"), "/cb?t=[jwt]&x=1"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.".to_owned(), "[jwt]"),
        (encrypted.to_owned(), "[jwt]"),
        ("eyJ is how it begins".to_owned(), "eyJ is how it begins"),
        ("keyJob.run.now".to_owned(), "keyJob.run.now"),
    ] {
        assert_eq!(scrubbed(&scrubber, &text), expected, "{text}");
    }
}

/// Made up, of the forms that providers document. They are put together here, so that no scanner of repositories takes
/// them for leaks.
fn keys() -> Vec<String> {
    let (hex, mixed) = ("0123456789abcdef", "aB3dE6gH9kL2mN5pQ8sT");
    let of = |prefix: &str, alphabet: &str, length: usize| -> String {
        prefix
            .chars()
            .chain(alphabet.chars().cycle().take(length))
            .collect()
    };
    vec![
        of("AKIA", "ABCDEFGH234567", 16),
        of("ASIA", "ABCDEFGH234567", 16),
        of("ghp_", mixed, 36),
        of("github_pat_", mixed, 82),
        of("glpat-", mixed, 20),
        of("xoxb-", "1234567890-", 40),
        of("sk_live_", mixed, 24),
        of("rk_live_", mixed, 24),
        of("AIza", mixed, 35),
        of("GOCSPX-", mixed, 28),
        of("npm_", mixed, 36),
        of("pypi-", mixed, 100),
        format!("{}.{}", of("SG.", mixed, 22), of("", mixed, 43)),
        of("SK", hex, 32),
        of("dop_v1_", hex, 64),
        of("hvs.", mixed, 40),
        of("sk-proj-", mixed, 60),
        of("sk-ant-", mixed, 60),
        of("hf_", mixed, 34),
        of("sntrys_", mixed, 60),
        of("shpat_", hex, 32),
        of("123456789:AA", mixed, 33),
        of("dckr_pat_", mixed, 27),
    ]
}

#[test]
fn keys_of_providers_are_found() {
    let scrubber = only([ExtraDetector::CloudKey]);
    for key in keys() {
        for text in [
            key.clone(),
            format!("'{key}'"),
            format!("?key={key}&x"),
            format!("use {key}."),
        ] {
            let expected = text.replace(&key, "[cloudkey]");
            assert_eq!(scrubbed(&scrubber, &text), expected, "{text}");
        }
        let glued = format!("x{key}");
        assert_eq!(scrubbed(&scrubber, &glued), glued);
    }
}

#[test]
fn keys_with_names_are_found() {
    let scrubber = only([ExtraDetector::CloudKey]);
    let azure = format!("{}==", "aB3d".repeat(21) + "ab");
    let amazon = "aB3/".repeat(10);
    let signature = "aB3d".repeat(11);
    for (text, expected) in [
        (
            format!("AccountName=x;AccountKey={azure};EndpointSuffix=core"),
            "AccountName=x;AccountKey=[cloudkey];EndpointSuffix=core",
        ),
        (
            format!("aws_secret_access_key = {amazon}"),
            "aws_secret_access_key = [cloudkey]",
        ),
        (
            format!("https://x.blob.core.windows.net/c?sv=2024&sig={signature}%3D"),
            "https://x.blob.core.windows.net/c?sv=2024&sig=[cloudkey]",
        ),
        (
            "https://hooks.slack.com/services/T00000000/B00000000/abcdefghijkl".to_owned(),
            "https://hooks.slack.com/services/[cloudkey]",
        ),
    ] {
        assert_eq!(scrubbed(&scrubber, &text), expected, "{text}");
    }
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "aws-session-token",
        "AccountKey",
        "storage_account_key",
    ] {
        assert_eq!(
            scrubbed_under(&scrubber, name, "anything"),
            "[cloudkey]",
            "{name}"
        );
    }
    assert_eq!(scrubbed_under(&scrubber, "account", "anything"), "anything");
}

/// What looks a little like something else. None of it may change.
const HARMLESS: &[&str] = &[
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "0b9c1c5e-3a55-4f7e-9d1b-0123456789ab",
    "12345678-1234-4321-8123-123456789012",
    "v1.2.3.4-rc.1+build.20261120",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71",
    "2026-11-20T17:08:46.123456789+01:00",
    "2026-11-20 17:08:46,123 +0100",
    "1763658526.123456",
    "1763658526123",
    "1763658526123456",
    "1763658526123456789",
    "0x7ffee4c0a1b0",
    "3.141592653589793",
    "-0.36227206271667",
    "1e+10000000",
    "std::collections::BTreeMap",
    "site-packages/django/core/handlers/base.py:197",
    "https://example.com/items/2021-03-04/1234567",
    "SELECT * FROM t WHERE a IN (1, 2, 3) LIMIT 21",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "arn:aws:iam::123456789012:role/admin",
    "sk_test",
    "key-value pairs and api keys",
    "monkey.eyJones.example.com",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
];

#[test]
fn what_only_looks_alike_stays() {
    let scrubber = only(ExtraDetector::ALL);
    for text in HARMLESS {
        assert_eq!(scrubbed(&scrubber, text), *text);
    }
}

#[test]
fn detectors_with_rules_of_their_own_reach_tags_and_exceptions_too() {
    let document = ScrubbingDocument {
        settings: ScrubSettings {
            safe_fields: vec!["public".to_owned()],
            ..ScrubSettings::default()
        },
        detectors: BTreeSet::from([ExtraDetector::Phone]),
        advanced: PiiConfig::default(),
    };
    let (scrubber, _) = Scrubber::of_document(&document);
    let mut event = Event::parse(
        br#"{"exception":{"values":[{"type":"E","value":"+49 30 901820"}]},"tags":[["t","+49 30 901820"]],
             "logentry":{"formatted":"+49 30 901820"},"spans":[{"description":"+49 30 901820"}],
             "request":{"url":"https://x/?t=+4930901820"},"extra":{"public":"+49 30 901820"},"release":"+49 30 901820"}"#,
    )
    .unwrap();
    scrubber.scrub(&mut event, &mut Meta::default());
    assert_eq!(
        event.to_json(),
        r#"{"exception":{"values":[{"type":"E","value":"[phone]"}]},"tags":[["t","[phone]"]],"logentry":{"formatted":"[phone]"},"spans":[{"description":"[phone]"}],"request":{"url":"https://x/?t=[phone]"},"extra":{"public":"+49 30 901820"},"release":"+49 30 901820"}"#
    );
}

#[test]
fn the_rules_can_be_used_by_their_ids() {
    let config = r#"{"applications":{"$string":["@jwt:hash","@phone:mask","@cloudkey:remove"]}}"#;
    let scrubber =
        Scrubber::new(&ScrubSettings::off(), &PiiConfig::parse(config).unwrap()).unwrap();
    assert_eq!(scrubbed(&scrubber, "t (212) 555-0100"), "t **************");
    let key = keys().swap_remove(0);
    assert_eq!(scrubbed(&scrubber, &format!("k {key}")), "k ");
}

#[test]
fn values_of_pairs_go_by_their_keys_wherever_a_pair_stands() {
    let document = ScrubbingDocument {
        settings: ScrubSettings {
            sensitive_fields: vec!["pin".to_owned()],
            safe_fields: vec!["author".to_owned()],
            ..ScrubSettings::default()
        },
        advanced: PiiConfig::parse(r#"{"applications":{"extra.f.1":["@ip"]}}"#).unwrap(),
        detectors: BTreeSet::from([ExtraDetector::Pair]),
    };
    let sentry = Scrubber::lenient(&document.settings, &document.advanced).0;
    let (scrubber, _) = Scrubber::of_document(&document);
    let long = "x".repeat(100);
    for (list, with_pairs, as_sentry) in [
        (
            r#"["password","hunter"]"#,
            r#"["[Filtered]","[Filtered]"]"#,
            r#"["[Filtered]","hunter"]"#,
        ),
        (
            r#"[["password","hunter"],"x"]"#,
            r#"[["[Filtered]","[Filtered]"],"x"]"#,
            r#"[["[Filtered]","hunter"],"x"]"#,
        ),
        (
            r#"["--pin",1234]"#,
            r#"["[Filtered]",null]"#,
            r#"["[Filtered]",1234]"#,
        ),
        (
            r#"["pin",["12","34"]]"#,
            r#"["[Filtered]",null]"#,
            r#"["[Filtered]",["12","34"]]"#,
        ),
        // What is none, or has no such key, stays; places go on to be places.
        (
            r#"["password","a","b"]"#,
            r#"["[Filtered]","a","b"]"#,
            r#"["[Filtered]","a","b"]"#,
        ),
        (r#"["a","b"]"#, r#"["a","b"]"#, r#"["a","b"]"#),
        (
            r#"["author","b"]"#,
            r#"["[Filtered]","b"]"#,
            r#"["[Filtered]","b"]"#,
        ),
        (
            r#"["auth failed",{"a":1}]"#,
            r#"["[Filtered]",{"a":1}]"#,
            r#"["[Filtered]",{"a":1}]"#,
        ),
        (
            r#"["'password'","'x'"]"#,
            r#"["[Filtered]","[Filtered]"]"#,
            r#"["[Filtered]","'x'"]"#,
        ),
        (r#"["a","1.2.3.4"]"#, r#"["a","[ip]"]"#, r#"["a","[ip]"]"#),
        (
            &format!(r#"["{long}pin","b"]"#),
            r#"["[Filtered]","b"]"#,
            r#"["[Filtered]","b"]"#,
        ),
    ] {
        let outcome = |scrubber: &Scrubber| {
            let event = format!(r#"{{"extra":{{"f":{list}}}}}"#);
            let mut event = Event::parse(event.as_bytes()).unwrap();
            scrubber.scrub(&mut event, &mut Meta::default());
            event.to_json()
        };
        let expected = |list: &str| format!(r#"{{"extra":{{"f":{list}}}}}"#);
        assert_eq!(outcome(&scrubber), expected(with_pairs));
        assert_eq!(outcome(&sentry), expected(as_sentry));
    }
}

#[test]
fn documents_know_the_detectors_by_name() {
    for detector in ExtraDetector::ALL {
        let json = serde_json::to_string(&detector).unwrap();
        assert_eq!(json, format!("{:?}", detector.name()));
        assert!(!detector.description().is_empty());
    }
    let document: ScrubbingDocument = serde_json::from_str("{}").unwrap();
    assert_eq!(document.detectors, ExtraDetector::defaults());
}

/// Pieces that begin what is looked for.
const PIECES: [&str; 20] = [
    "eyJ",
    "eyJaaaaaaaaaaaa.",
    ".",
    "-",
    "+1 ",
    "(212) ",
    "4222 ",
    "4222",
    "2221-",
    "AKIA",
    "ghp_",
    "SK",
    "key-",
    "sig=",
    "xoxb-",
    "http://",
    ":a@",
    "::1",
    "é",
    "a",
];

#[test]
fn hostile_texts_cost_linear_time() {
    let scrubber = only(ExtraDetector::ALL);
    for piece in PIECES {
        // Anything quadratic would take minutes.
        let text = piece.repeat(300_000 / piece.len());
        let start = Instant::now();
        scrubbed(&scrubber, &text);
        assert!(start.elapsed() < Duration::from_secs(20), "{piece}");
    }
}

proptest! {
    #[test]
    fn no_mixture_makes_it_panic(parts in prop::collection::vec(prop::sample::select(&PIECES), 0..40)) {
        let scrubber = only(ExtraDetector::ALL);
        scrubbed(&scrubber, &parts.concat());
    }

    #[test]
    fn a_number_with_a_right_checksum_is_found_however_it_is_grouped(body in "4[0-9]{14}", separator in prop::sample::select(&["", " ", "-"])) {
        let digits: Vec<u32> = body.bytes().map(|byte| u32::from(byte - b'0')).collect();
        let sum: u32 = digits.iter().rev().enumerate()
            .map(|(i, d)| if i % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
        let number = format!("{body}{}", (10 - sum % 10) % 10);
        let groups: Vec<&str> = (0..4).map(|i| &number[i * 4..i * 4 + 4]).collect();
        let scrubber = only([ExtraDetector::Card]);
        prop_assert_eq!(scrubbed(&scrubber, &groups.join(separator)), "[creditcard]");
    }
}
