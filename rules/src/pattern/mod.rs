//! Sentry's languages of patterns, for rules that were written there: today's ([`Pattern`]), the one before
//! ([`legacy`]), and the paths of CODEOWNERS files ([`codeowners`]). Our own language is [`bugle_query::Glob`].
//!
//! All three become automata: matching takes time linear in the text, whatever the pattern is.

mod class;
pub mod codeowners;
pub mod legacy;

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4096;

/// What one compiled pattern may take, in bytes.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;

/// Matches nothing.
const NEVER: &str = "[a&&b]";

/// A pattern that describes whole texts.
///
/// `*` stands for any characters and `?` for one, also `/` and line ends; `[a-z]` for one of a set and `[!a-z]` for one of
/// all others; `{a,b}` for one of several patterns. A backslash takes the meaning from the next character. The empty
/// pattern matches nothing, as does an unclosed `{`.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It exceeds the limit.
    #[error(
        "the pattern is longer than {MAX_PATTERN_BYTES} bytes or takes more than {MAX_COMPILED_BYTES} bytes compiled"
    )]
    TooLarge,
    /// A `[` without `]`, or the other way round.
    #[error("there is a `[` without `]` in the pattern, or a `]` without `[`")]
    UnbalancedClass,
    /// A `[` inside `[...]`.
    #[error("there is a `[` inside of `[...]` in the pattern")]
    InvalidClass,
    /// A range such as `z-a`.
    #[error("the range `{0}-{1}` in the pattern is empty")]
    EmptyRange(char, char),
    /// A `}` without `{`.
    #[error("there is a `}}` without `{{` in the pattern")]
    UnbalancedAlternates,
    /// A `{` inside `{...}`.
    #[error("there is a `{{` inside of `{{...}}` in the pattern")]
    NestedAlternates,
    /// A backslash at the end.
    #[error("there is nothing behind the last backslash of the pattern")]
    DanglingEscape,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong with it.
    pub fn new(pattern: &str, ignores_case: bool) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(&translate(pattern)?)
            .case_insensitive(ignores_case)
            .dot_matches_new_line(true)
            .size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|_| PatternError::TooLarge)?;
        Ok(Self { regex })
    }

    /// Whether a text is a pattern, without the cost of compiling it.
    ///
    /// # Errors
    /// As [`Pattern::new`], but for what only compiling finds too large.
    pub fn check(pattern: &str) -> Result<(), PatternError> {
        translate(pattern).map(drop)
    }

    /// Whether the pattern describes the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The regular expression that means the same as a pattern, to be one of several in an automaton. `None` if the
    /// pattern ends before its `{` does: it matches nothing.
    pub(crate) fn source(pattern: &str) -> Result<Option<String>, PatternError> {
        let source = translate(pattern)?;
        let is_unclosed = source.ends_with(&format!(r"){NEVER}\z"));
        Ok((!is_unclosed).then_some(source))
    }
}

/// The regular expression that means the same.
fn translate(pattern: &str) -> Result<String, PatternError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(PatternError::TooLarge);
    }
    let mut chars = pattern.chars().peekable();
    let mut regex = String::from(r"\A");
    // Whether a `{` is open, and whether anything was in it.
    let (mut is_open, mut is_empty) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '{' if is_open => return Err(PatternError::NestedAlternates),
            '{' => {
                (is_open, is_empty) = (true, true);
                regex.push_str("(?:");
                continue;
            }
            '}' if !is_open => return Err(PatternError::UnbalancedAlternates),
            '}' => {
                if is_empty {
                    regex.push_str(NEVER);
                }
                is_open = false;
                regex.push(')');
            }
            ',' if is_open => regex.push('|'),
            _ => push_one(c, &mut chars, &mut regex)?,
        }
        is_empty = false;
    }
    if is_open {
        regex.push(')');
    }
    if is_open || pattern.is_empty() {
        regex.push_str(NEVER);
    }
    regex.push_str(r"\z");
    Ok(regex)
}

fn push_one(
    c: char,
    chars: &mut Peekable<Chars<'_>>,
    regex: &mut String,
) -> Result<(), PatternError> {
    match c {
        '*' => regex.push_str(".*"),
        '?' => regex.push('.'),
        '[' => regex.push_str(&class::translate(chars)?),
        ']' => return Err(PatternError::UnbalancedClass),
        '\\' => push_literal(chars.next().ok_or(PatternError::DanglingEscape)?, regex),
        _ => push_literal(c, regex),
    }
    Ok(())
}

/// Writes a character so that it stands for itself, also in a set.
fn push_literal(c: char, regex: &mut String) {
    // Letters and digits would get a meaning by a backslash; so would `_` in nothing, but it needs none.
    if c.is_ascii_punctuation() && c != '_' {
        regex.push('\\');
    }
    regex.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_describe_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", false),
            ("*", "", true),
            ("*", "a/b\nc", true),
            ("a*", "ba", false),
            ("a?c", "a\nc", true),
            ("a?c", "ac", false),
            ("?", "é", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[^a]", "^", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[*?]", "*", true),
            ("[*?]", "a", false),
            ("[]", "]", false),
            ("[!]", "a", false),
            (r"[\]]", "]", true),
            ("{a,b}{c,d}", "bc", true),
            ("{a,b}{c,d}", "ab", false),
            ("{a*,[b]}", "axx", true),
            ("x{a,}", "x", true),
            ("{}", "", false),
            ("{a", "a", false),
            ("a,b", "a,b", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"\a\,\é", "a,é", true),
            ("(a|b)", "(a|b)", true),
            ("(a|b)", "a", false),
            ("a.c", "abc", false),
            ("^a$", "a", false),
        ] {
            let compiled = Pattern::new(pattern, false).unwrap();
            assert_eq!(compiled.matches(text), expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn case_can_be_ignored() {
        for (pattern, text, as_is, folded) in [
            ("/API/*", "/api/x", false, true),
            ("[a-c]", "B", false, true),
            ("[!a]", "A", true, false),
            ("É", "é", false, true),
        ] {
            for (ignores_case, expected) in [(false, as_is), (true, folded)] {
                let compiled = Pattern::new(pattern, ignores_case).unwrap();
                assert_eq!(compiled.matches(text), expected, "{pattern:?} on {text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        use PatternError::*;
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        for (pattern, error) in [
            ("[a", UnbalancedClass),
            ("a]", UnbalancedClass),
            ("[]]", UnbalancedClass),
            ("[[:alpha:]]", InvalidClass),
            ("[z-a]", EmptyRange('z', 'a')),
            ("a}", UnbalancedAlternates),
            ("{a{b,c}}", NestedAlternates),
            ("a\\", DanglingEscape),
            (&long, TooLarge),
        ] {
            assert_eq!(
                Pattern::new(pattern, true).err(),
                Some(error),
                "{pattern:?}"
            );
        }
    }

    #[test]
    fn stars_take_linear_time() {
        let pattern = Pattern::new(&"*a".repeat(100), true).unwrap();
        assert!(!pattern.matches(&"a".repeat(99)));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(100_000))));
    }
}
