//! What a document of scrubbing rules may ask for at most, and what is said of the rest.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use bugle_protocol::{Event, Meta};
use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber};
use bugle_rules::{Problem, ScrubbingDocument};

fn of_rules(advanced: &str) -> (Scrubber, Vec<Problem>) {
    Scrubber::of_document(&ScrubbingDocument {
        settings: ScrubSettings::off(),
        advanced: PiiConfig::parse(advanced).unwrap(),
        ..ScrubbingDocument::default()
    })
}

fn of_settings(settings: ScrubSettings) -> (Scrubber, Vec<Problem>) {
    Scrubber::of_document(&ScrubbingDocument {
        settings,
        ..ScrubbingDocument::default()
    })
}

fn scrub(scrubber: &Scrubber, event: &str) -> String {
    let mut event = Event::parse(event.as_bytes()).unwrap();
    scrubber.scrub(&mut event, &mut Meta::default());
    event.to_json()
}

/// What is said of a text when it is pasted, and when it is compiled: the same.
fn said(advanced: &str) -> Vec<String> {
    let messages = |problems: Vec<Problem>| Vec::from_iter(problems.into_iter().map(|p| p.message));
    let pasted = messages(PiiConfig::paste(advanced).unwrap_err());
    let (_, problems) = of_rules(advanced);
    let mut compiled = messages(problems);
    let mut sorted = pasted.clone();
    sorted.sort();
    compiled.sort();
    assert_eq!(sorted, compiled);
    pasted
}

/// `part(0),part(1),..`
fn join(count: usize, part: impl Fn(usize) -> String) -> String {
    Vec::from_iter((0..count).map(part)).join(",")
}

fn in_time(started: Instant, seconds: u64) {
    let took = started.elapsed();
    assert!(took < Duration::from_secs(seconds), "{took:?}");
}

#[test]
fn rules_beyond_the_limit_are_left_out_and_named() {
    let rules = join(502, |i| format!(r#""r{i:03}":{{"type":"ip"}}"#));
    let text =
        format!(r#"{{"rules":{{{rules}}},"applications":{{"a":["r000","r499"],"b":["r500"]}}}}"#);
    assert_eq!(
        said(&text),
        ["more than 500 rules: 2 left out, \"r500\" first"]
    );
    let (scrubber, _) = of_rules(&text);
    let event = r#"{"extra":{"a":"1.2.3.4","b":"1.2.3.4"}}"#;
    assert_eq!(
        scrub(&scrubber, event),
        r#"{"extra":{"a":"","b":"1.2.3.4"}}"#
    );
}

#[test]
fn applications_beyond_the_limit_are_left_out_and_named() {
    let applications = join(501, |i| format!(r#""a{i:03}":["@ip"]"#));
    let text = format!(r#"{{"applications":{{{applications}}}}}"#);
    assert_eq!(
        said(&text),
        ["more than 500 applications: 1 left out, \"a500\" first"]
    );
    let event = r#"{"extra":{"a499":"1.2.3.4","a500":"1.2.3.4"}}"#;
    let expected = r#"{"extra":{"a499":"[ip]","a500":"1.2.3.4"}}"#;
    assert_eq!(scrub(&of_rules(&text).0, event), expected);
}

#[test]
fn the_place_of_what_is_left_out_is_told() {
    let applications = join(501, |i| format!("\n\"a{i:03}\":[\"@ip\"]"));
    let text = format!(r#"{{"applications":{{{applications}}}}}"#);
    let problems = PiiConfig::paste(&text).unwrap_err();
    assert_eq!((problems[0].line, problems[0].column), (Some(502), Some(1)));
}

#[test]
fn an_organisation_and_a_project_have_their_limits_each() {
    let document = |prefix: &str| {
        let name = |i: usize| format!("{prefix}{i:03}");
        let rules = join(500, |i| format!(r#""{i}":{{"type":"ip"}}"#));
        let applications = join(500, |i| format!(r#""{}":["{i}"]"#, name(i)));
        let advanced = format!(r#"{{"rules":{{{rules}}},"applications":{{{applications}}}}}"#);
        ScrubbingDocument {
            settings: ScrubSettings {
                safe_fields: list(200, |i| name(i) + "safe"),
                sensitive_fields: list(1_000, |i| name(i) + "private"),
                ..ScrubSettings::default()
            },
            advanced: PiiConfig::paste(&advanced).unwrap(),
            ..ScrubbingDocument::default()
        }
    };
    let both = ScrubbingDocument::compose(&document("z"), &document("a"));
    let (scrubber, problems) = Scrubber::of_composed(&both);
    assert_eq!(problems, []);
    let event =
        r#"{"extra":{"a499":"1.2.3.4","z499":"1.2.3.4","a999private":"x","z999private":"x"}}"#;
    let expected =
        r#"{"extra":{"a499":"","z499":"","a999private":"[Filtered]","z999private":"[Filtered]"}}"#;
    assert_eq!(scrub(&scrubber, event), expected);
    let (_, problems) = Scrubber::of_document(&both);
    assert_eq!(problems.len(), 4, "{problems:?}");
}

/// `applications` that all name one rule, which names `rules` others and has a text of its own for them.
fn many_by_one(applications: usize, rules: usize) -> String {
    let of_rules = join(rules, |i| format!(r#""{i}":{{"type":"ip"}}"#));
    let ids = join(rules, |i| format!("\"{i}\""));
    let text = "x".repeat(100_000);
    let redaction = format!(r#"{{"method":"replace","text":"{text}"}}"#);
    let all = format!(
        r#""m":{{"type":"multiple","hideInner":true,"rules":[{ids}],"redaction":{redaction}}}"#
    );
    let applications = join(applications, |i| format!(r#""a{i:03}":["m"]"#));
    format!(r#"{{"rules":{{{all},{of_rules}}},"applications":{{{applications}}}}}"#)
}

#[test]
fn a_list_that_many_applications_name_is_not_multiplied() {
    let started = Instant::now();
    // 501 names for each application: the list's, and those in it.
    assert_eq!(
        said(&many_by_one(500, 499)),
        ["more than 5000 rules named by applications: 490 left out, \"a010\" first"]
    );
    let (scrubber, problems) = of_rules(&many_by_one(40, 100));
    assert_eq!(problems, []);
    let scrubbed = scrub(&scrubber, r#"{"extra":{"a039":"1.2.3.4"}}"#);
    assert!(scrubbed.contains("xxx"), "{}", scrubbed.len());
    in_time(started, 10);
}

#[test]
fn lists_without_rules_in_them_count_too() {
    let started = Instant::now();
    let ids = join(100_000, |i| format!("\"{}\"", i % 7));
    let applications = join(500, |i| format!(r#""a{i}":["m","{i}"]"#));
    let text = format!(
        r#"{{"rules":{{"m":{{"type":"multiple","rules":[{ids}]}}}},"applications":{{{applications}}}}}"#
    );
    assert!(said(&text)[0].contains("500 left out"));
    in_time(started, 10);
}

/// `count` rules of expressions that are big when compiled.
fn big_expressions(count: usize, applied: usize) -> String {
    let rules = join(count, |i| {
        format!(r#""r{i:03}":{{"type":"pattern","pattern":"\\w{{3}}x{i}"}}"#)
    });
    let ids = join(applied, |i| format!("\"r{i:03}\""));
    format!(r#"{{"rules":{{{rules}}},"applications":{{"$string":[{ids}]}}}}"#)
}

#[test]
fn expressions_share_what_they_may_be_compiled_into() {
    let started = Instant::now();
    let said = said(&big_expressions(500, 500));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("more than 16777216 bytes of compiled expressions: "),
        "{said:?}"
    );
    in_time(started, 60);
}

#[test]
fn what_is_not_applied_takes_nothing_from_the_others() {
    assert!(PiiConfig::paste(&big_expressions(500, 0)).is_ok());
    assert_eq!(of_rules(&big_expressions(500, 20)).1, []);
    // Mistakes in it are told all the same, a hundred at most.
    let rules = join(300, |i| {
        format!(r#""r{i:03}":{{"type":"pattern","pattern":"("}}"#)
    });
    let text = format!(r#"{{"rules":{{{rules}}},"applications":{{}}}}"#);
    assert_eq!(said(&text).len(), 100);
}

#[test]
fn an_expression_that_is_too_big_by_itself_is_named() {
    let text = r#"{"rules":{"big":{"type":"pattern","pattern":"\\w{900}"}}}"#;
    for text in [
        text,
        &text.replace("}}}", r#"}},"applications":{"a":["big"]}}"#),
    ] {
        let said = said(text);
        assert!(
            said[0].starts_with("rule \"big\": Compiled regex exceeds"),
            "{said:?}"
        );
    }
}

#[test]
fn selectors_have_a_limit_together() {
    let started = Instant::now();
    let applications = join(500, |i| format!(r#""a{i:03}.b.c.d.e":["@ip"]"#));
    let text = format!(r#"{{"applications":{{{applications}}}}}"#);
    assert_eq!(
        said(&text),
        ["more than 2000 path items in selectors: 100 left out, \"a400.b.c.d.e\" first"]
    );
    let alternatives = Vec::from_iter((0..200_000).map(|i| format!("{i}"))).join("|");
    let text = format!(r#"{{"applications":{{"{alternatives}":["@ip"], "zz": ["@ip"]}}}}"#);
    let (scrubber, problems) = of_rules(&text);
    assert!(problems[0].message.contains("path items"));
    assert!(problems[0].message.len() < 200);
    assert_eq!(
        scrub(&scrubber, r#"{"extra":{"zz":"1.2.3.4"}}"#),
        r#"{"extra":{"zz":"[ip]"}}"#
    );
    in_time(started, 20);
}

/// An event of 5,000 values that no two selectors know alike.
fn crowded() -> String {
    let members = join(5_000, |i| format!(r#""z{i}":{{"a{i:03}":"1.2.3.4"}}"#));
    format!(r#"{{"extra":{{{members}}}}}"#)
}

#[test]
fn a_crowded_event_meets_as_many_selectors_as_there_may_be() {
    let selector = |i: usize| format!("a{i:03} && !b{i:03} && !c{i:03} && !d{i:03}");
    let applications = join(500, |i| format!(r#""{}":["@ip"]"#, selector(i)));
    let (scrubber, problems) = of_rules(&format!(r#"{{"applications":{{{applications}}}}}"#));
    assert_eq!(problems, []);
    let safe = (0..200).map(|i| format!("a{i:03}.{}", ["*"; 9].join(".")));
    let (safe, problems) = of_settings(ScrubSettings {
        scrub_ip_addresses: true,
        safe_fields: safe.collect(),
        ..ScrubSettings::default()
    });
    assert_eq!(problems, []);
    let event = crowded();
    let started = Instant::now();
    let scrubbed = scrub(&scrubber, &event);
    assert_eq!(scrubbed.matches("[ip]").count(), 500);
    let scrubbed = scrub(&safe, &event);
    assert_eq!(scrubbed.matches("[ip]").count(), 5_000);
    in_time(started, 10);
}

fn list(count: usize, field: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(field).collect()
}

#[test]
fn safe_fields_have_a_limit() {
    let (scrubber, problems) = of_settings(ScrubSettings {
        safe_fields: list(202, |i| format!("password{i}")),
        ..ScrubSettings::default()
    });
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].field, "excludeFields");
    assert_eq!(
        problems[0].message,
        "more than 200 safe fields: 2 left out, \"password200\" first"
    );
    let event = r#"{"extra":{"password199":"x","password200":"x"}}"#;
    let expected = r#"{"extra":{"password199":"x","password200":"[Filtered]"}}"#;
    assert_eq!(scrub(&scrubber, event), expected);
    let (_, problems) = of_settings(ScrubSettings {
        safe_fields: list(3, |_| vec!["a"; 1_500].join(".")),
        ..ScrubSettings::default()
    });
    assert!(
        problems[0]
            .message
            .starts_with("more than 2000 path items in safe fields: 2")
    );
}

#[test]
fn sensitive_fields_have_a_limit_and_all_within_it_work() {
    let (scrubber, problems) = of_settings(ScrubSettings {
        sensitive_fields: list(1_002, |i| format!("field{i:04}")),
        ..ScrubSettings::default()
    });
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].field, "sensitiveFields");
    assert_eq!(
        problems[0].message,
        "more than 1000 sensitive fields: 2 left out, \"field1000\" first"
    );
    let event = r#"{"extra":{"field0999":"x","field1000":"x"}}"#;
    let expected = r#"{"extra":{"field0999":"[Filtered]","field1000":"x"}}"#;
    assert_eq!(scrub(&scrubber, event), expected);
    let mut longest = String::new();
    for _ in 0..4_095 {
        write!(longest, "kKsSåÅ").unwrap();
    }
    let (scrubber, problems) = of_settings(ScrubSettings {
        sensitive_fields: vec![longest.clone(), "word".to_owned()],
        ..ScrubSettings::default()
    });
    assert_eq!(problems, []);
    let event = format!(r#"{{"extra":{{"word":"x","{longest}":"y"}}}}"#);
    assert_eq!(scrub(&scrubber, &event).matches("[Filtered]").count(), 2);
    let (_, problems) = of_settings(ScrubSettings {
        sensitive_fields: list(2, |_| "x".repeat(20_000)),
        ..ScrubSettings::default()
    });
    assert!(
        problems[0]
            .message
            .starts_with("more than 32768 bytes in sensitive fields: 1")
    );
}

#[test]
fn safe_fields_that_were_meant_as_selectors_are_doubtful() {
    let fields = [
        "author",
        "$strin && (",
        "extra.config.**",
        "extra.**.**",
        "my key",
        "größe",
    ];
    let settings = ScrubSettings {
        safe_fields: fields.map(str::to_owned).to_vec(),
        ..ScrubSettings::default()
    };
    let doubtful = settings.doubtful_safe_fields();
    assert_eq!(
        Vec::from_iter(doubtful.iter().map(|(line, _)| *line)),
        [2, 4]
    );
    assert!(
        doubtful[0].1.contains("unknown type $strin"),
        "{doubtful:?}"
    );
    assert!(
        doubtful[1].1.contains("only once in a path"),
        "{doubtful:?}"
    );
}
