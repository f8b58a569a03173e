//! Texts of rules: lines `condition -> action`.
//!
//! A line that begins with `#` is a comment; the comments just above a rule name it. Blank lines are allowed. What an
//! action is, the caller knows.

use crate::ast::{Query, Span};
use crate::error::{ParseError, Problem};
use crate::matching::Fields;
use crate::parser;

/// The longest text of rules, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;

/// How many lines that are no rules are reported.
pub const MAX_ERRORS: usize = 50;

/// How many rules a text has at most: each of them is asked about every event.
pub const MAX_RULES: usize = 1_000;

/// Rules in the order of their text.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet<A> {
    rules: Vec<Rule<A>>,
}

/// One line of a text of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule<A> {
    /// The number of the line, from 1.
    pub line: usize,
    /// The comment lines just above, without `#`, joined by line ends.
    pub comment: Option<String>,
    /// When the rule applies; never empty. Its spans count from the start of the line.
    pub condition: Query,
    /// Where the action stands in the line.
    pub action_span: Span,
    /// What to do.
    pub action: A,
}

/// A line that is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {error}")]
pub struct RuleError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong in the line; the column counts from its start.
    pub error: ParseError,
}

/// What an action parser objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionError {
    /// Where in the action, in bytes.
    pub span: Span,
    /// What was expected.
    pub message: String,
}

/// Parses a text of rules; `parse_action` gets what follows the arrow, without the spaces around it and never empty.
///
/// # Errors
/// One error per wrong line, up to [`MAX_ERRORS`], so that an editor can show them all at once.
pub fn parse<A>(
    text: &str,
    parse_action: impl FnMut(&str) -> Result<A, ActionError>,
) -> Result<RuleSet<A>, Vec<RuleError>> {
    let (rules, errors) = parse_lenient(text, parse_action);
    if errors.is_empty() {
        Ok(rules)
    } else {
        Err(errors)
    }
}

/// Parses what can be parsed: the rules, however many lines beside them are wrong, and what [`parse`] would say.
///
/// Rules beyond [`MAX_RULES`], and what stands behind the last line that ends within [`MAX_BYTES`], are left out; one
/// error says so at the first such line.
pub fn parse_lenient<A>(
    text: &str,
    mut parse_action: impl FnMut(&str) -> Result<A, ActionError>,
) -> (RuleSet<A>, Vec<RuleError>) {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    let (mut comment, mut end) = (Vec::new(), 0);
    for (index, (with_end, source)) in text.split_inclusive('\n').zip(text.lines()).enumerate() {
        let line = index + 1;
        end += with_end.len();
        if end > MAX_BYTES {
            let limit_bytes = MAX_BYTES;
            errors.push(beyond(line, Problem::TooLong { limit_bytes }));
            break;
        }
        let trimmed = source.trim();
        if let Some(words) = trimmed.strip_prefix('#') {
            comment.push(words.trim());
            continue;
        }
        let above = std::mem::take(&mut comment);
        if trimmed.is_empty() {
            continue;
        }
        if rules.len() == MAX_RULES {
            errors.push(beyond(line, Problem::TooManyRules { limit: MAX_RULES }));
            break;
        }
        match parse_line(source, line, &above, &mut parse_action) {
            Ok(rule) => rules.push(rule),
            Err(error) if errors.len() < MAX_ERRORS => errors.push(RuleError { line, error }),
            Err(_) => {}
        }
    }
    (RuleSet { rules }, errors)
}

/// The error at the first line that a limit leaves out.
fn beyond(line: usize, problem: Problem) -> RuleError {
    let error = ParseError::new("", Span::default(), problem);
    RuleError { line, error }
}

fn parse_line<A>(
    source: &str,
    line: usize,
    comment: &[&str],
    parse_action: &mut impl FnMut(&str) -> Result<A, ActionError>,
) -> Result<Rule<A>, ParseError> {
    let (condition, after_arrow) = parser::parse_rule(source)?;
    let text = source[after_arrow..].trim();
    let end = source.trim_end().len();
    let action_span = Span {
        start: end - text.len(),
        end,
    };
    if text.is_empty() {
        return Err(ParseError::new(
            source,
            action_span,
            Problem::ExpectedAction,
        ));
    }
    let action = parse_action(text).map_err(|error| {
        let columns_before = source[..action_span.start].chars().count();
        ParseError::new(text, error.span, Problem::Other(error.message)).shifted(columns_before)
    })?;
    Ok(Rule {
        line,
        comment: (!comment.is_empty()).then(|| comment.join("\n")),
        condition,
        action_span,
        action,
    })
}

impl<A> RuleSet<A> {
    /// All rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule<A>] {
        &self.rules
    }

    /// All rules, to keep.
    pub fn into_rules(self) -> impl Iterator<Item = Rule<A>> {
        self.rules.into_iter()
    }

    /// The rules whose condition holds, in order.
    pub fn matching(&self, fields: &(impl Fields + ?Sized)) -> impl Iterator<Item = &Rule<A>> {
        self.rules
            .iter()
            .filter(move |rule| rule.condition.matches(fields))
    }
}

impl<A> Default for RuleSet<A> {
    fn default() -> Self {
        Self { rules: Vec::new() }
    }
}

impl ActionError {
    /// An objection to the whole action or its part at `span`.
    #[must_use]
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { span, message }
    }
}
