//! User names and passwords in URLs.

use std::sync::LazyLock;

use regex::Regex;

use super::form::may_hold_url;
use super::{Range, Reach, captured, compile};

/// What Sentry finds: names and passwords of letters, digits and a few signs.
static CREDENTIALS: LazyLock<Regex> =
    LazyLock::new(|| compile(r"\b[a-z0-9+.-]+://([\w%.-]+(?::[\w%.-]+)?)@"));

/// As [`CREDENTIALS`], of which only the password.
static PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| compile(r"\b[a-z0-9+.-]+://[\w%.-]+:([\w%.-]+)@"));

/// A password may hold anything but what ends it, and the name before it may be empty, as it is for Redis.
static ANY_CREDENTIALS: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"(?i)\b[a-z0-9+.-]+://([^\s:/?#@\x00]+|[^\s:/?#@\x00]*:[^\s/?#@\x00]+)@")
});

/// As [`ANY_CREDENTIALS`], of which only the password.
static ANY_PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?i)\b[a-z0-9+.-]+://[^\s:/?#@\x00]*:([^\s/?#@\x00]+)@"));

/// Name and password before a URL's host.
pub(super) fn find_credentials(text: &str, reach: Reach) -> Vec<Range> {
    match reach {
        _ if !may_hold_url(text) => Vec::new(),
        Reach::Sentry => captured(&CREDENTIALS, &[1], text),
        Reach::Wide => captured(&ANY_CREDENTIALS, &[1], text),
    }
}

/// The password before a URL's host.
pub(super) fn find_password(text: &str, reach: Reach) -> Vec<Range> {
    match reach {
        _ if !may_hold_url(text) => Vec::new(),
        Reach::Sentry => captured(&PASSWORD, &[1], text),
        Reach::Wide => captured(&ANY_PASSWORD, &[1], text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_the_expressions_find(
            text in "(redis|[a-z]|HTTP|://|:/|:|/|@|%|[a-z0-9]{1,4}|é| ){0,12}",
        ) {
            let reaches = [
                (Reach::Sentry, [&CREDENTIALS, &PASSWORD]),
                (Reach::Wide, [&ANY_CREDENTIALS, &ANY_PASSWORD]),
            ];
            for (reach, expressions) in reaches {
                let found = [find_credentials(&text, reach), find_password(&text, reach)];
                let expected = expressions.map(|expression| captured(expression, &[1], &text));
                prop_assert_eq!(found, expected, "{}", text);
            }
        }
    }
}
