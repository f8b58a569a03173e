//! Patterns, actions and rules of Sentry's from anybody: nothing panics, and what comes out is rules.

use bugle_query::rules::parse;
use bugle_rules::pattern::Pattern;
use bugle_rules::pattern::codeowners::OwnedPath;
use bugle_rules::pattern::legacy::{LegacyPattern, Options};
use bugle_rules::sample::parse_action;
use bugle_rules::sentry::to_lines;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts of the characters that mean something somewhere.
fn texts() -> impl Strategy<Value = String> {
    r#"[ab/é*?!\[\]{},\\^-]{0,16}|[\PC\n]{0,12}"#
}

fn conditions() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "event.release",
        "event.duration",
        "event.tags.x",
        "event.tags.a b",
        "event.exception.values",
        "ty",
        "event.user.ip_address",
    ]);
    let values = prop_oneof![
        texts().prop_map(Value::from),
        prop::collection::vec(texts(), 0..4).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let ops = prop::sample::select(vec!["eq", "gt", "lte", "glob", "cidr", "nonsense"]);
    let leaf = (ops, names, values)
        .prop_map(|(op, name, value)| json!({"op": op, "name": name, "value": value}));
    leaf.prop_recursive(4, 24, 4, |inner| {
        let lists = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (prop::sample::select(vec!["and", "or"]), lists)
                .prop_map(|(op, inner)| json!({"op": op, "inner": inner})),
            inner
                .clone()
                .prop_map(|inner| json!({"op": "not", "inner": inner})),
            (prop::sample::select(vec!["any", "all"]), inner).prop_map(|(op, inner)| {
                json!({"op": op, "name": "event.exception.values", "inner": inner})
            }),
        ]
    })
}

/// Whether a pattern of stars, question marks and letters describes a text, tried in every way.
fn describes(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|at| describes(rest, &text[at..])),
        [first, rest @ ..] => {
            text.first().is_some_and(|c| *first == '?' || first == c) && describes(rest, &text[1..])
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_refused(pattern in texts(), text in texts(), switches in any::<[bool; 4]>()) {
        let [double_star, case_insensitive, path_normalize, allow_newline] = switches;
        let options = Options { double_star, case_insensitive, path_normalize, allow_newline };
        let _ = LegacyPattern::new(&pattern, options).matches(&text);
        let _ = OwnedPath::new(&pattern).matches(&text);
        let compiled = Pattern::new(&pattern, case_insensitive);
        prop_assert_eq!(compiled.is_ok(), Pattern::check(&pattern).is_ok());
        let _ = compiled.map(|pattern| pattern.matches(&text));
    }

    #[test]
    fn patterns_agree_with_backtracking(pattern in "[ab/\n*?]{1,8}", text in "[ab/\n]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = describes(&chars(&pattern), &chars(&text));
        prop_assert_eq!(Pattern::new(&pattern, false).unwrap().matches(&text), expected);
        let options = Options { allow_newline: true, ..Options::default() };
        let is_plain = !pattern.contains("**");
        prop_assert!(!is_plain || LegacyPattern::new(&pattern, options).matches(&text) == expected);
    }

    #[test]
    fn any_text_is_an_action_or_an_error_within_it(text in r"(sample |from |until |to |0\.5|50%|2026-01-0[1-9]| |é|x){0,8}") {
        match parse_action(text.trim()) {
            Ok(action) => prop_assert!((0.0..=1.0).contains(&action.rate)),
            Err(error) => {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.trim().len());
            }
        }
    }

    #[test]
    fn any_filter_becomes_a_line_or_a_comment(condition in conditions(), id in texts(), is_on in any::<bool>()) {
        let text = json!({"filters": [{"id": id, "isEnabled": is_on, "condition": condition}]}).to_string();
        let lines = to_lines(&text).unwrap();
        let rules = parse(&lines, |action| Ok(action.to_owned())).unwrap();
        prop_assert!(rules.rules().len() <= 1, "{}", lines);
        prop_assert!(rules.rules().iter().all(|rule| rule.action == "drop" && is_on));
        prop_assert!(lines.starts_with("# "));
    }

    #[test]
    fn any_text_is_imported_or_refused(text in r#"[\[\]{}":,a-z0-9 ]{0,40}|\PC{0,20}"#) {
        let _ = to_lines(&text);
    }
}
