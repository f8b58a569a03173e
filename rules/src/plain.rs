//! What is wrong with JSON, in words for people: without the names that programs have for it.

use std::fmt::Write as _;

/// What a parser says of a text, and how people would.
const SYNTAX: [(&str, &str); 15] = [
    (
        "EOF while parsing a list",
        "it ends in the middle of a list: `]` is missing",
    ),
    (
        "EOF while parsing an object",
        "it ends in the middle of an object: `}` is missing",
    ),
    (
        "EOF while parsing a string",
        "it ends in the middle of a text: `\"` is missing",
    ),
    (
        "EOF while parsing a value",
        "it ends where a value is expected",
    ),
    ("expected `:`", "expected `:` between a name and its value"),
    (
        "expected `,` or `]`",
        "expected `,` or `]` after an item of a list",
    ),
    (
        "expected `,` or `}`",
        "expected `,` or `}` after a member of an object",
    ),
    (
        "expected value",
        "expected a value: a text in double quotes, a number, true, false, null, a list or an object",
    ),
    ("expected ident", "expected true, false or null"),
    ("key must be a string", "expected a name in double quotes"),
    ("trailing comma", "nothing follows the comma"),
    ("trailing characters", "expected nothing behind the end"),
    (
        "invalid escape",
        "a text holds a backslash that begins nothing; a backslash itself is written `\\\\`",
    ),
    (
        "control character",
        "a text holds a line break or another control character; a line break is written `\\n`",
    ),
    (
        "recursion limit exceeded",
        "lists and objects stand too deep in each other",
    ),
];

/// What programs call kinds of values, and what people do.
const KINDS: [(&str, &str); 17] = [
    ("string", "the text"),
    ("integer", "the number"),
    ("floating point", "the number"),
    ("boolean", ""),
    ("null", "null"),
    ("unit value", "null"),
    ("sequence", "a list"),
    ("map", "an object"),
    ("a string", "a text"),
    ("a boolean", "true or false"),
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("string or map", "a text or an object"),
    ("u8", "a whole number from 0 to 255"),
    ("internally tagged enum", "an object"),
    ("struct", "an object"),
    ("enum", "a text"),
];

/// What is wrong with JSON, without its place.
#[must_use]
pub fn plain_reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(it, _)| it);
    let syntax = SYNTAX.iter().find(|(begin, _)| message.starts_with(begin));
    if let Some((_, plain)) = syntax {
        return (*plain).to_owned();
    }
    let shape = || {
        let (_, rest) = message
            .split_once("invalid type: ")
            .or_else(|| message.split_once("invalid value: "))?;
        let (found, expected) = rest.rsplit_once(", expected ")?;
        Some(format!("expected {}, not {}", kind(expected), kind(found)))
    };
    let missing = || {
        Some(format!(
            "{} is missing",
            message.strip_prefix("missing field ")?
        ))
    };
    shape()
        .or_else(missing)
        .or_else(|| unknown(message))
        .unwrap_or_else(|| message.to_owned())
}

/// What is wrong with JSON and where, such as `line 1, column 9: expected a value …`.
#[must_use]
pub fn plain_error(error: &serde_json::Error) -> String {
    let mut text = String::new();
    if error.line() > 0 {
        // Writing to a String cannot fail.
        let _ = write!(text, "line {}, column {}: ", error.line(), error.column());
    }
    text + &plain_reason(error)
}

/// ``string "x"``, ``integer `7` `` or `a sequence`, as people say it.
fn kind(words: &str) -> String {
    let known = KINDS.iter().filter(|(name, _)| words.starts_with(name));
    let Some((name, plain)) = known.max_by_key(|(name, _)| name.len()) else {
        return words.to_owned();
    };
    let value = words[name.len()..].trim().trim_matches('`');
    match plain.starts_with("the ") || plain.is_empty() {
        true => format!("{plain} {value}").trim().to_owned(),
        false => (*plain).to_owned(),
    }
}

/// A name that there is not, with those that there are. One that can be written in two ways is said once.
fn unknown(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("unknown variant ")
        .or_else(|| message.strip_prefix("unknown field "))?;
    let (name, known) = rest.split_once(", expected ")?;
    let mut names: Vec<&str> = Vec::new();
    let spelling = |name: &str| name.replace('_', "").to_lowercase();
    for name in known.split('`').skip(1).step_by(2) {
        if names.iter().all(|known| spelling(known) != spelling(name)) {
            names.push(name);
        }
    }
    Some(format!(
        "there is no {name}: expected one of {}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::PiiConfig;
    use crate::{FiltersDocument, TagsDocument};

    fn wrong<D: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        plain_error(&serde_json::from_str::<D>(text).unwrap_err())
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        for (text, says) in [
            ("{", "line 1, column 1: it ends in the middle of an object"),
            (
                "{\n\"a\"",
                "line 2, column 3: it ends in the middle of an object",
            ),
            ("[1", "line 1, column 2: it ends in the middle of a list"),
            ("", "line 1, column 0: it ends where a value is expected"),
            ("nonsense", "line 1, column 2: expected true, false or null"),
            (
                "x",
                "line 1, column 1: expected a value: a text in double quotes",
            ),
            (
                "{a:1}",
                "line 1, column 2: expected a name in double quotes",
            ),
            ("[1,]", "line 1, column 4: nothing follows the comma"),
            (
                r#""\d""#,
                "line 1, column 3: a text holds a backslash that begins nothing",
            ),
            ("{} x", "line 1, column 4: expected nothing behind the end"),
        ] {
            let error = wrong::<serde_json::Value>(text);
            assert!(error.starts_with(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_has_another_shape_is_said_without_names_of_programs() {
        assert_eq!(
            wrong::<TagsDocument>(r#"{"rules":7}"#),
            "line 1, column 10: expected a text, not the number 7"
        );
        assert_eq!(
            wrong::<TagsDocument>(r#"{"rules":["x"]}"#),
            "line 1, column 9: expected a text, not a list"
        );
        assert_eq!(
            wrong::<FiltersDocument>(r#"{"webCrawlers":"yes"}"#),
            "line 1, column 20: expected true or false, not the text \"yes\""
        );
        assert_eq!(
            wrong::<FiltersDocument>(r#"{"releases":true}"#),
            "line 1, column 16: expected a list, not true"
        );
    }

    #[test]
    fn names_that_there_are_not_are_answered_with_those_there_are() {
        let paste = |rule: &str| {
            let text = format!("{{\"rules\":{{\"0\":{rule}}}}}");
            PiiConfig::paste(&text).unwrap_err().remove(0).message
        };
        let error = paste(r#"{"type":"patern","pattern":"x"}"#);
        assert!(
            error.starts_with("rule \"0\": there is no `patern`: expected one of "),
            "{error}"
        );
        assert!(error.contains("pattern, "), "{error}");
        assert_eq!(error.matches("edact").count(), 1, "{error}");
        assert_eq!(
            paste(r#"{"type":"pattern"}"#),
            "rule \"0\": `pattern` is missing"
        );
        assert_eq!(
            paste("7"),
            "rule \"0\": expected an object, not the number 7"
        );
    }
}
