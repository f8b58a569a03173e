//! What can be wrong with a condition, and where.

use crate::ast::Span;

/// The first place where a text stops making sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct ParseError {
    /// The place in characters, from 1; one more than the text has if it ends too early.
    pub column: usize,
    /// The length in characters of what is wrong, at least 1.
    pub width: usize,
    /// What is wrong and what was expected.
    pub problem: Problem,
}

/// What is wrong and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text exceeds the limit.
    #[error("the text is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// A rule that is one too many.
    #[error("there are more than {limit} rules: this one and those below are left out")]
    TooManyRules {
        /// The limit.
        limit: usize,
    },
    /// A parenthesis exceeds the limit of nesting.
    #[error("parentheses are nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// An operator, parenthesis or arrow has no condition beside it.
    #[error("expected a condition, such as `key:value` or a text")]
    ExpectedCondition,
    /// A `)` without its `(`.
    #[error("there is no `(` for this `)`; a text with parentheses needs quotes")]
    UnmatchedParenthesis,
    /// A `(` without its `)`.
    #[error("expected a `)` for this `(`; a text with parentheses needs quotes")]
    UnclosedParenthesis,
    /// A quote that does not end.
    #[error("expected a closing `\"` for this one")]
    UnclosedQuote,
    /// Quotes with nothing between them where a text is meant.
    #[error("expected a text between the quotes")]
    EmptyText,
    /// A quoted value or a list goes on where it should have ended.
    #[error("expected a space")]
    ExpectedSpace,
    /// `!` or `has:` without a key.
    #[error("expected a key after `{after}`; a text that begins with it needs quotes")]
    ExpectedKey {
        /// What comes before.
        after: &'static str,
    },
    /// `tags[` without a name.
    #[error("expected the name of a tag and a `]`")]
    ExpectedTag,
    /// A key without a value.
    #[error(
        "expected a value after `{after}`; an empty one is `\"\"`, a text with a colon needs quotes"
    )]
    ExpectedValue {
        /// The key with its colon and operator.
        after: String,
    },
    /// A parenthesis where a value should be.
    #[error("expected a value; for one of several write `{key}:[a, b]`")]
    GroupAsValue {
        /// The key.
        key: String,
    },
    /// A list without its end.
    #[error("expected a `]` for this `[`; a value that begins with it needs quotes")]
    UnclosedList,
    /// A comma or bracket without a value before it.
    #[error("expected a value in the list")]
    ExpectedItem,
    /// Two values without a comma.
    #[error("expected `,` or `]`; a value with spaces needs quotes")]
    ExpectedSeparator,
    /// A value that has no order.
    #[error("expected a number, duration, size, time, version or level after `{operator}`")]
    ExpectedComparable {
        /// The operator.
        operator: &'static str,
    },
    /// The arrow of a rule in a mere condition.
    #[error("`->` is for rules; a text that begins with it needs quotes")]
    UnexpectedArrow,
    /// A rule that is only a condition.
    #[error("expected `->` and an action")]
    ExpectedArrow,
    /// A rule without an action.
    #[error("expected an action after `->`")]
    ExpectedAction,
    /// The objection of a caller, such as an unknown key or action.
    #[error("{0}")]
    Other(String),
}

impl ParseError {
    /// An error at `span` of `source`; what lies outside the text or inside a character is moved to the nearest place before.
    #[must_use]
    pub fn new(source: &str, span: Span, problem: Problem) -> Self {
        let start = source.floor_char_boundary(span.start);
        let end = source.floor_char_boundary(span.end).max(start);
        Self {
            column: source[..start].chars().count() + 1,
            width: source[start..end].chars().count().max(1),
            problem,
        }
    }

    /// Draws the error under the text:
    ///
    /// ```text
    /// level:[error warning]
    ///              ^^^^^^^ expected `,` or `]`; a value with spaces needs quotes
    /// ```
    ///
    /// Control characters of `source` become spaces, so that columns stay true and a terminal stays safe.
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        let line: String = source
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let indent = " ".repeat(self.column - 1);
        let carets = "^".repeat(self.width);
        format!("{line}\n{indent}{carets} {}", self.problem)
    }

    /// The same error in a longer text that has `columns` more characters before.
    #[must_use]
    pub(crate) fn shifted(mut self, columns: usize) -> Self {
        self.column += columns;
        self
    }
}
