//! Texts of rules, with the noise rules of a typical web application.

use std::borrow::Cow;

use bugle_protocol::UnixMillis;
use bugle_query::rules::{self, ActionError, MAX_BYTES, MAX_ERRORS, MAX_RULES};
use bugle_query::{Fields, Key, RuleError, RuleSet, Span, Values};

const WEB: &str = r#"
error.type:[DisallowedHost, SuspiciousOperation]            -> drop
request.user_agent:[*bot*, *crawler*, *spider*, *curl*]     -> drop
request.url:[*/favicon.ico, */robots.txt, *.env]            -> drop
transaction.duration:<100ms !transaction.status:internal_error -> drop
transaction:[/health/*, /readiness/*]                       -> sample 0
transaction.duration:>2s                                    -> sample 1
transaction:/api/*                                          -> sample 0.5
error.type:OperationalError message:"*could not connect*"   -> fingerprint database-down
environment:production                                      -> tag tier=critical
"#;

/// Fields and their values; a value that ends in `ms` is a duration.
struct Sent<'a>(&'a [(&'a str, &'a str)]);

impl Fields for Sent<'_> {
    fn values(&self, key: &Key) -> Values<'_> {
        let found = self.0.iter().find(|(name, _)| *name == key.name());
        match found.map(|(_, value)| (value, value.strip_suffix("ms"))) {
            Some((_, Some(ms))) => Values::Duration(ms.parse().expect("a number")),
            Some((value, None)) => Values::Text(Cow::Borrowed(value)),
            None => Values::None,
        }
    }

    fn free_text(&self) -> Values<'_> {
        Values::None
    }

    fn now(&self) -> UnixMillis {
        UnixMillis(0)
    }
}

fn parse(text: &str) -> Result<RuleSet<String>, Vec<RuleError>> {
    rules::parse(text, |action| match action.find("bad") {
        Some(start) => Err(ActionError::new(
            Span {
                start,
                end: start + 3,
            },
            "no such action",
        )),
        None => Ok(action.to_owned()),
    })
}

#[test]
fn the_rules_of_a_web_application_do_what_they_say() {
    let rules = parse(WEB).unwrap();
    assert_eq!(rules.rules().len(), 9);
    for (fields, actions) in [
        (&[("error.type", "DisallowedHost")][..], &["drop"][..]),
        (
            &[(
                "request.user_agent",
                "Mozilla/5.0 (compatible; Googlebot/2.1)",
            )],
            &["drop"],
        ),
        (&[("request.url", "https://shop.example/.env")], &["drop"]),
        (&[("request.url", "https://shop.example/environment")], &[]),
        (
            &[
                ("transaction.duration", "20ms"),
                ("transaction.status", "ok"),
            ],
            &["drop"],
        ),
        (
            &[
                ("transaction.duration", "20ms"),
                ("transaction.status", "internal_error"),
            ],
            &[],
        ),
        (&[("transaction", "/health/db")], &["sample 0"]),
        (
            &[
                ("transaction", "/api/orders"),
                ("transaction.duration", "2500ms"),
            ],
            &["sample 1", "sample 0.5"],
        ),
        (
            &[
                ("error.type", "OperationalError"),
                ("message", "Could not connect to server"),
                ("environment", "production"),
            ],
            &["fingerprint database-down", "tag tier=critical"],
        ),
        (
            &[("error.type", "OperationalError"), ("message", "deadlock")],
            &[],
        ),
    ] {
        let matched: Vec<_> = rules
            .matching(&Sent(fields))
            .map(|rule| rule.action.as_str())
            .collect();
        assert_eq!(matched, actions, "{fields:?}");
    }
}

#[test]
fn a_rule_keeps_its_line_comment_and_places() {
    let text =
        "# Lost\n\n#  The database,\n# again.\r\n  слой:x   -> fingerprint a -> b  \r\na:b->c -> d";
    let rules = parse(text).unwrap();
    let [first, second] = rules.rules() else {
        panic!("not two rules")
    };
    assert_eq!((first.line, second.line), (5, 6));
    assert_eq!(first.comment.as_deref(), Some("The database,\nagain."));
    assert_eq!(second.comment, None);
    assert_eq!(first.action, "fingerprint a -> b");
    let line = text.lines().nth(4).unwrap();
    assert_eq!(
        &line[first.action_span.start..first.action_span.end],
        first.action
    );
    assert_eq!(first.condition.to_string(), "\"слой:x\"");
    assert_eq!(second.condition.to_string(), "a:b->c");
    assert_eq!(second.action, "d");
    assert_eq!(parse("\n # nothing\n").unwrap(), RuleSet::default());
}

#[test]
fn published_fingerprint_rules_are_read_as_they_stand() {
    for (line, condition, action) in [
        (
            "type:DatabaseUnavailable -> system-down",
            "type:DatabaseUnavailable",
            "system-down",
        ),
        (
            "error.type:ConnectionError -> connection-error, {{ transaction }}",
            "error.type:ConnectionError",
            "connection-error, {{ transaction }}",
        ),
        (
            r#"stack.function:"assertion_failed" stack.module:foo.* -> assert title="Assertion""#,
            "stack.function:assertion_failed stack.module:foo.*",
            r#"assert title="Assertion""#,
        ),
        (
            r#"!message:"Connection timed out *" app:no tags.server_name:"canary-*.mycompany.internal" -> c"#,
            r#"!message:"Connection timed out *" app:no tags.server_name:canary-*.mycompany.internal"#,
            "c",
        ),
        (
            "family:javascript,native path:**/a/*.js->x -> y",
            "family:\"javascript,native\" path:*/a/*.js->x",
            "y",
        ),
    ] {
        let rules = parse(line).unwrap_or_else(|e| panic!("{}", e[0].error.render(line)));
        assert_eq!(rules.rules()[0].condition.to_string(), condition);
        assert_eq!(rules.rules()[0].action, action);
    }
}

#[test]
fn every_wrong_line_is_reported() {
    let text = "a:b -> ok\na:b\n\n-> x\n# c\nключ a:[b -> x\na:b ->  \né a:b ->  so bad \n\"->\"";
    let errors: Vec<_> = parse(text)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "line 2, column 4: expected `->` and an action",
            "line 4, column 1: expected a condition, such as `key:value` or a text",
            "line 6, column 11: expected `,` or `]`; a value with spaces needs quotes",
            "line 7, column 7: expected an action after `->`",
            "line 8, column 14: no such action",
            "line 9, column 5: expected `->` and an action",
        ]
    );
}

#[test]
fn errors_and_length_are_bounded() {
    assert_eq!(parse(&"(\n".repeat(1000)).unwrap_err().len(), MAX_ERRORS);
    let errors = parse(&"#".repeat(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "line 1, column 1: the text is longer than 524288 bytes"
    );
}

/// The actions of the rules that stay, and how many errors there are.
fn kept(text: &str) -> (Vec<String>, usize) {
    let (rules, errors) = rules::parse_lenient(text, |action| match action {
        "bad" => Err(ActionError::new(Span::default(), "no such action")),
        _ => Ok(action.to_owned()),
    });
    let actions = rules.into_rules().map(|rule| rule.action);
    (actions.collect(), errors.len())
}

#[test]
fn wrong_lines_switch_off_no_other_however_many_they_are() {
    for wrong in [1, MAX_ERRORS - 1, MAX_ERRORS, MAX_ERRORS + 1, 3_000] {
        let text = format!(
            "a:b -> first\n{}a:b -> last",
            "(\na:b -> bad\n".repeat(wrong)
        );
        let errors = (2 * wrong).min(MAX_ERRORS);
        assert_eq!(
            kept(&text),
            (vec!["first".to_owned(), "last".to_owned()], errors)
        );
    }
}

#[test]
fn rules_beyond_the_limit_are_left_out_and_one_error_says_so() {
    let text = format!("# a comment\n{}", "a:b -> x\n".repeat(MAX_RULES));
    assert_eq!(kept(&text).1, 0);
    let text = format!("{text}\na:b -> one\na:b -> more");
    let (actions, errors) = kept(&text);
    assert_eq!((actions.len(), errors), (MAX_RULES, 1));
    assert_eq!(
        parse(&text).unwrap_err()[0].to_string(),
        "line 1003, column 1: there are more than 1000 rules: this one and those below are left out"
    );
}

#[test]
fn of_a_text_that_is_too_long_the_beginning_stays() {
    let filling = "#".repeat(MAX_BYTES - "a:b -> x\n".len() - 1);
    let text = format!("a:b -> x\n{filling}\n");
    assert_eq!(text.len(), MAX_BYTES);
    assert_eq!(kept(&text), (vec!["x".to_owned()], 0));
    let text = format!("{text}a:b -> y");
    assert_eq!(kept(&text), (vec!["x".to_owned()], 1));
    assert_eq!(parse(&text).unwrap_err()[0].line, 3);
    let ends = "\r\n".repeat(MAX_BYTES / 2);
    assert_eq!(kept(&ends).1, 0);
    assert_eq!(kept(&format!("{ends}\r\n")).1, 1);
}
