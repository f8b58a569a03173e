//! What holds for every text.

use std::borrow::Cow;

use bugle_protocol::{Level, UnixMillis};
use bugle_query::rules::{self, ActionError};
use bugle_query::{Fields, Glob, Key, Query, Term, Values};
use proptest::prelude::*;

/// Answers each key, by its first letter, with another type.
struct AllTypes<'a>(&'a str, f64);

impl Fields for AllTypes<'_> {
    fn values(&self, key: &Key) -> Values<'_> {
        match key.name().as_bytes().first() {
            Some(b'a') => Values::from(self.0),
            Some(b'b') => Values::Texts(Cow::Owned(vec![self.0, "x"])),
            Some(b'c') => Values::Number(self.1),
            Some(b'd') => Values::Duration(self.1),
            Some(b'e') => Values::Time(UnixMillis::from_seconds(self.1)),
            Some(b'f') => Values::Bool(self.1 > 0.0),
            Some(b'g') => Values::Level(Level::Error),
            Some(b'h') => Values::Version(self.0.into()),
            Some(b'i') => Values::Many(vec![Values::Number(self.1), self.0.into(), Values::Opaque]),
            Some(b'j') => Values::Opaque,
            _ => Values::None,
        }
    }

    fn free_text(&self) -> Values<'_> {
        Values::from(self.0)
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(i64::MIN)
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c*\\\\./é-]{1,6}",
        "[0-9]{1,3}(\\.[0-9]{1,3}){0,2}(ms|s|h|d|kb|mib)?",
        "[+-][0-9]{1,25}[smhdw]",
        "[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:00:00(Z|\\+01:00)?)?",
        "\"([^\"\\\\]|\\\\[*\\\\\"n])*\"",
        "warning|fatal|true|0",
    ]
}

fn term() -> impl Strategy<Value = String> {
    let key = "!?([a-z][a-z_.]{0,3}|tags\\[[a-z:.]{1,4}\\])";
    prop_oneof![
        (key, value()).prop_map(|(key, value)| format!("{key}:{value}")),
        (key, "[<>]=?", value()).prop_map(|(key, op, value)| format!("{key}:{op}{value}")),
        (key, prop::collection::vec(value(), 1..4))
            .prop_map(|(key, values)| format!("{key}:[{}]", values.join(", "))),
        "!?has:[a-z.]{1,4}",
        value(),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    term().prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 1..4), " | AND | OR ")
            .prop_map(|(parts, joint)| format!("({})", parts.join(&joint)))
    })
}

/// Texts that are nearly conditions.
fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            prop::sample::select(vec![
                "a:", "tags[", "]", "[", "(", ")", "\"", "\\", "*", "!", "has:", ">", "<=", ",",
                " ", " AND ", " OR ", "->", "#", ":", "//", "é", "\n", "1", "-5h", "AND", "OR",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ],
        0..24,
    )
    .prop_map(|parts| parts.concat())
}

fn check_print(source: &str) -> Result<(), TestCaseError> {
    if let Ok(query) = Query::parse(source) {
        let printed = query.to_string();
        let reparsed = Query::parse(&printed);
        let reprinted = reparsed.as_ref().map(ToString::to_string);
        prop_assert_eq!(reparsed.as_ref(), Ok(&query), "{} -> {}", source, printed);
        prop_assert_eq!(reprinted.as_ref(), Ok(&printed));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_print_parses_to_the_same_query(source in condition()) {
        check_print(&source)?;
    }

    #[test]
    fn any_text_is_a_query_or_an_error_within_it(source in prop_oneof![soup(), any::<String>()]) {
        check_print(&source)?;
        if let Err(error) = Query::parse(&source) {
            prop_assert!(error.column - 1 + error.width <= source.chars().count() + 1);
            prop_assert!(error.render(&source).contains('^'));
        }
    }

    #[test]
    fn a_text_can_be_searched_as_it_is(text in prop_oneof![soup(), any::<String>()]) {
        let term = Term::is(Key::Tag("a".to_owned()), &text);
        let query = Query::parse(&term.to_string());
        prop_assert_eq!(query.as_ref().map(Query::terms), Ok(vec![&term]));
        prop_assert!(term.matches(&AllTypes(&text, 0.0)));
    }

    #[test]
    fn matching_is_total(source in condition(), text in any::<String>(), number in any::<f64>()) {
        if let Ok(query) = Query::parse(&source) {
            let fields = AllTypes(&text, number);
            let matched = query.matches(&fields);
            prop_assert_eq!(Query::parse(&query.to_string()).unwrap().matches(&fields), matched);
        }
    }

    #[test]
    fn negation_turns_a_term_round(source in "[a-k]", value in value(), text in any::<String>(), number in any::<f64>()) {
        if let (Ok(plain), Ok(negated)) = (Query::parse(&format!("{source}:{value}")), Query::parse(&format!("!{source}:{value}"))) {
            let fields = AllTypes(&text, number);
            prop_assert_ne!(plain.matches(&fields), negated.matches(&fields));
        }
    }

    #[test]
    fn globs_agree_with_backtracking(pattern in "[ab*]{0,8}", text in "[abAB]{0,12}") {
        fn reference(pattern: &[u8], text: &[u8]) -> bool {
            match pattern {
                [] => text.is_empty(),
                [b'*', rest @ ..] => (0..=text.len()).any(|from| reference(rest, &text[from..])),
                [first, rest @ ..] => {
                    text.first().is_some_and(|c| c.eq_ignore_ascii_case(first)) && reference(rest, &text[1..])
                }
            }
        }
        let glob = Glob::parse(&pattern);
        prop_assert_eq!(glob.matches(&text), reference(pattern.as_bytes(), text.as_bytes()));
        let around = format!("*{pattern}*");
        prop_assert_eq!(glob.is_in(&text), reference(around.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn any_text_is_rules_or_errors_within_it(text in soup()) {
        let objection = |action: &str| match action.len() % 3 {
            0 => Err(ActionError::new(bugle_query::Span { start: 1, end: 99 }, "odd")),
            _ => Ok(action.to_owned()),
        };
        match rules::parse(&text, objection) {
            Ok(rules) => for rule in rules.rules() {
                let line = text.lines().nth(rule.line - 1).unwrap();
                prop_assert_eq!(&line[rule.action_span.start..rule.action_span.end], &rule.action);
            },
            Err(errors) => for error in errors {
                let line = text.lines().nth(error.line - 1).unwrap();
                prop_assert!(error.error.column <= line.chars().count() + 1);
            },
        }
    }
}
