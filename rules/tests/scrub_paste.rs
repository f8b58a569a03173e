//! Advanced rules as people paste them, what is said of mistakes in them, and the preset.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use bugle_protocol::{Event, Meta};
use bugle_rules::ScrubbingDocument;
use bugle_rules::scrub::{MASKED_KEYS, PiiConfig, ScrubSettings, Scrubber};
use proptest::prelude::*;

const RULES: &str = r#"{
  "rules": {"0": {"type": "pattern", "pattern": "id=\\d+", "redaction": {"method": "mask"}}},
  "applications": {"$string": ["0", "@ip"]}
}"#;

#[test]
fn rules_may_be_pasted_in_every_form_that_exports_have() {
    let expected = PiiConfig::parse(RULES).unwrap();
    let as_text = serde_json::to_string(RULES).unwrap();
    for text in [
        RULES.to_owned(),
        as_text.clone(),
        format!(r#"{{"slug": "shop", "relayPiiConfig": {as_text}, "sensitiveFields": []}}"#),
        format!(r#"{{"relayPiiConfig": {RULES}}}"#),
        format!(r#"{{"piiConfig": {RULES}}}"#),
    ] {
        assert_eq!(PiiConfig::paste(&text), Ok(expected.clone()), "{text}");
    }
    for text in [
        "",
        "  \n",
        "null",
        "{}",
        r#""""#,
        r#"{"relayPiiConfig": null}"#,
        r#"{"relayPiiConfig": ""}"#,
    ] {
        assert_eq!(PiiConfig::paste(text), Ok(PiiConfig::default()), "{text}");
    }
}

/// Line, column and message of each problem.
fn problems(text: &str) -> Vec<(Option<usize>, Option<usize>, String)> {
    let problems = PiiConfig::paste(text).unwrap_err();
    let of_field = problems.iter().all(|problem| problem.field == "advanced");
    assert!(of_field, "{problems:?}");
    let parts = problems
        .into_iter()
        .map(|problem| (problem.line, problem.column, problem.message));
    parts.collect()
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let text = "{\n \"rules\": {\n  \"a\": {\"type\": \"pattern\", \"pattern\": 7},\n  \"é\": {}, \"b\": {\"type\": \"pattern\", \"pattern\": \"(\"}},\n\
        \"applications\": {\"$string\": [\"a\"],\n  \"user.é.id\": [\"b\"], \"$nope\": [\"b\"], \"$number\": \"b\"}}";
    let found = problems(text);
    let places: Vec<_> = found
        .iter()
        .map(|(line, column, _)| (line.unwrap(), column.unwrap()))
        .collect();
    assert_eq!(
        places,
        [(3, 3), (4, 3), (4, 12), (6, 9), (6, 24), (6, 39)],
        "{found:?}"
    );
    let messages: Vec<&str> = found.iter().map(|(.., message)| message.as_str()).collect();
    assert!(
        messages[0].starts_with("rule \"a\": expected a text, not the number 7"),
        "{messages:?}"
    );
    assert!(messages[2].contains("unclosed group"), "{messages:?}");
    assert!(messages[4].contains("unknown type $nope"), "{messages:?}");
    assert!(messages[5].contains("no list of ids"), "{messages:?}");
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    for (text, line, column) in [
        ("{\"rules\": {,}}", 1, 12),
        ("{\n  \"é\" 7}", 2, 7),
        ("{", 1, 1),
        ("nonsense", 1, 2),
    ] {
        let found = problems(text);
        assert_eq!(
            (found[0].0, found[0].1),
            (Some(line), Some(column)),
            "{text} {found:?}"
        );
        assert!(
            found[0].2.starts_with("the rules are no JSON: "),
            "{found:?}"
        );
    }
    assert_eq!(
        problems("[]")[0].2,
        "the rules are no JSON object but a list"
    );
    assert_eq!(
        problems(r#"{"rules": []}"#)[0].2,
        "rules is no JSON object but a list"
    );
    assert_eq!(problems(r#""{""#)[0].0, None);
}

#[test]
fn rules_that_do_not_exist_are_known() {
    let config = r#"{"rules":{"m":{"type":"multiple","rules":["@ip","gone","n"]},"n":{"type":"alias","rule":"@nope"}},
        "applications":{"$string":["m","@common","@email:hash","@ip:filter","@phone"]}}"#;
    let config = PiiConfig::paste(config).unwrap();
    assert_eq!(
        Vec::from_iter(config.unknown_rules()),
        ["@ip:filter", "@nope", "gone"]
    );
}

#[test]
fn the_preset_masks_the_data_of_requests() {
    let advanced = PiiConfig::masking_keys(MASKED_KEYS);
    let scrubber = Scrubber::new(&ScrubSettings::default(), &advanced).unwrap();
    let event = r#"{"request":{"data":{"Password":"x","n":{"my_SSN":"1","credit_card":7,"plain":"y"}}},"extra":{"ssn":"1"}}"#;
    let mut event = Event::parse(event.as_bytes()).unwrap();
    let fired = scrubber.scrub(&mut event, &mut Meta::default());
    assert_eq!(
        event.to_json(),
        r#"{"request":{"data":{"Password":"***REDACTED***","n":{"my_SSN":"***REDACTED***","credit_card":null,"plain":"y"}}},"extra":{"ssn":"1"}}"#
    );
    assert_eq!(fired[0].as_str(), "masked-keys");
    assert!(PiiConfig::masking_keys(["", " "]).is_empty());
    // Keys are words, not expressions.
    Scrubber::new(&ScrubSettings::off(), &PiiConfig::masking_keys(["a(b"])).unwrap();
}

#[test]
fn presets_are_added_to_what_is_there() {
    let mut config = PiiConfig::masking_keys(["one"]);
    let once = config.clone();
    config.add(&PiiConfig::masking_keys(["one"]));
    assert_eq!(config, once);
    config.add(&PiiConfig::masking_keys(["two"]));
    let ids: Vec<&str> = config.rules.keys().map(String::as_str).collect();
    assert_eq!(ids, ["masked-keys", "masked-keys-2"]);
    assert_eq!(
        Vec::from_iter(config.applications.values()),
        [&["masked-keys", "masked-keys-2"]]
    );
}

#[test]
fn an_organisation_and_a_project_keep_their_rules_apart() {
    let rules = |method: &str| {
        let rule = format!(r#"{{"type":"email","redaction":{{"method":"{method}"}}}}"#);
        let text = format!(
            r#"{{"rules":{{"0":{rule},"1":{{"type":"alias","rule":"0"}}}},"applications":{{"$string":["1","@ip"]}}}}"#
        );
        ScrubbingDocument {
            advanced: PiiConfig::paste(&text).unwrap(),
            ..ScrubbingDocument::nothing()
        }
    };
    let both = ScrubbingDocument::compose(&rules("mask"), &rules("hash"));
    let ids = both.advanced.applications.values().next().unwrap();
    assert_eq!(ids, &["organization:1", "@ip", "project:1", "@ip"]);
    let (scrubber, _) = Scrubber::of_document(&both);
    let mut event = Event::parse(br#"{"extra":{"x":"a@b.co"}}"#).unwrap();
    let fired = scrubber.scrub(&mut event, &mut Meta::default());
    assert_eq!(event.to_json(), r#"{"extra":{"x":"******"}}"#);
    assert_eq!(
        fired.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        ["organization:0"]
    );
}

#[test]
fn words_that_make_too_big_an_expression_are_reported_at_their_field() {
    let mut document = ScrubbingDocument::default();
    document.settings.sensitive_fields = (0..50_000).map(|i| format!("word{i}")).collect();
    let (scrubber, problems) = Scrubber::of_document(&document);
    let fields: Vec<&str> = problems.iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["sensitiveFields"]);
    // All else goes on.
    let mut event = Event::parse(br#"{"extra":{"password":"x"}}"#).unwrap();
    scrubber.scrub(&mut event, &mut Meta::default());
    assert_eq!(event.to_json(), r#"{"extra":{"password":"[Filtered]"}}"#);
}

proptest! {
    #[test]
    fn no_text_makes_pasting_panic(text in r#"[{}\[\]":,a$.*( é\n]{0,40}"#) {
        PiiConfig::paste(&text).ok();
        PiiConfig::paste(&format!(r#"{{"rules":{{"a":{text}}},"applications":{{"{text}":["a"]}}}}"#)).ok();
    }
}
