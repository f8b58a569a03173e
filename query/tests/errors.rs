//! Every error, with its column and its words.

use bugle_query::{MAX_BYTES, MAX_DEPTH, Query};

const CONDITION: &str = "expected a condition, such as `key:value` or a text";
const SPACE: &str = "expected a space";
const CLOSE: &str = "expected a `)` for this `(`; a text with parentheses needs quotes";
const UNMATCHED: &str = "there is no `(` for this `)`; a text with parentheses needs quotes";
const QUOTE: &str = "expected a closing `\"` for this one";
const LIST: &str = "expected a `]` for this `[`; a value that begins with it needs quotes";
const ITEM: &str = "expected a value in the list";
const SEPARATOR: &str = "expected `,` or `]`; a value with spaces needs quotes";
const TAG: &str = "expected the name of a tag and a `]`";

#[test]
fn every_error_points_and_explains() {
    let value = |after| {
        format!(
            "expected a value after `{after}`; an empty one is `\"\"`, a text with a colon needs quotes"
        )
    };
    let order = |operator| {
        format!("expected a number, duration, size, time, version or level after `{operator}`")
    };
    let key =
        |after| format!("expected a key after `{after}`; a text that begins with it needs quotes");
    for (source, column, message) in [
        ("AND", 1, CONDITION.into()),
        ("a:b AND", 8, CONDITION.into()),
        ("a:b AND AND c:d", 9, CONDITION.into()),
        ("a:b OR ", 8, CONDITION.into()),
        ("a:b OR OR c:d", 8, CONDITION.into()),
        ("OR a:b", 1, CONDITION.into()),
        ("()", 2, CONDITION.into()),
        ("(a:b OR )", 9, CONDITION.into()),
        ("(a:b", 1, CLOSE.into()),
        ("é (a:b (c:d)", 3, CLOSE.into()),
        ("foo(bar baz)", 4, CLOSE.into()),
        ("a:b)", 4, UNMATCHED.into()),
        ("(a:b)) c:d", 6, UNMATCHED.into()),
        (")", 1, CONDITION.into()),
        ("a:b OR )", 8, CONDITION.into()),
        ("level:", 7, value("level:")),
        ("level: error", 7, value("level:")),
        ("(level:)", 8, value("level:")),
        ("TypeError: x", 11, value("TypeError:")),
        ("tags[a]:>=", 11, value("tags[a]:>=")),
        (
            "a:(b OR c)",
            3,
            "expected a value; for one of several write `a:[a, b]`".into(),
        ),
        ("a:>b", 4, order(">")),
        ("é:1 a:<=\"b c\"", 9, order("<=")),
        ("a:>5*", 4, order(">")),
        ("a:<+7d", 4, order("<")),
        ("!", 2, key("!")),
        ("!foo", 2, key("!")),
        ("!(a:b)", 2, key("!")),
        ("has:", 5, key("has:")),
        ("has:\"a\"", 5, key("has:")),
        ("has:a:b", 6, SPACE.into()),
        ("tags[]:x", 6, TAG.into()),
        ("tags[a b]:x", 6, TAG.into()),
        ("has:tags[a", 10, TAG.into()),
        ("ещё \"x", 5, QUOTE.into()),
        ("a:\"x\\\"", 3, QUOTE.into()),
        ("a:[\"x]", 4, QUOTE.into()),
        ("\"\"", 1, "expected a text between the quotes".into()),
        ("\"a\"b", 4, SPACE.into()),
        ("a:\"b\"c", 6, SPACE.into()),
        ("a:[b]c", 6, SPACE.into()),
        ("a:[b", 3, LIST.into()),
        ("a:[", 3, LIST.into()),
        ("a:[b, ", 3, LIST.into()),
        ("a:[]", 4, ITEM.into()),
        ("a:[b,,c]", 6, ITEM.into()),
        ("a:[b, ]", 7, ITEM.into()),
        ("a:[b c]", 6, SEPARATOR.into()),
        ("a:[\"b\" c]", 8, SEPARATOR.into()),
        (
            "a:b -> drop",
            5,
            "`->` is for rules; a text that begins with it needs quotes".into(),
        ),
        ("-> drop", 1, CONDITION.into()),
    ] {
        let error = Query::parse(source).expect_err(source);
        assert_eq!(
            error.to_string(),
            format!("column {column}: {message}"),
            "{source}"
        );
    }
}

#[test]
fn length_and_nesting_are_bounded() {
    let longest = "a".repeat(MAX_BYTES);
    assert!(Query::parse(&longest).is_ok());
    assert_eq!(
        Query::parse(&(longest + "é")).unwrap_err().to_string(),
        "column 16385: the text is longer than 16384 bytes"
    );
    let nested = |depth| format!("{}a:b{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Query::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(
        Query::parse(&nested(MAX_DEPTH + 1))
            .unwrap_err()
            .to_string(),
        "column 33: parentheses are nested deeper than 32"
    );
}

#[test]
fn an_error_is_drawn_under_the_text() {
    for (source, drawing) in [
        (
            "é\tlevel:[error warning]",
            "é level:[error warning]\n               ^^^^^^^ expected `,` or `]`; a value with spaces needs quotes",
        ),
        (
            "a:b AND",
            "a:b AND\n       ^ expected a condition, such as `key:value` or a text",
        ),
        (
            "a:>\u{1b}[31m",
            "a:> [31m\n   ^^^^^ expected a number, duration, size, time, version or level after `>`",
        ),
    ] {
        let error = Query::parse(source).unwrap_err();
        assert_eq!(error.render(source), drawing);
    }
}
