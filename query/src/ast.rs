//! What a condition is made of, once parsed.
//!
//! Equality looks at meaning only: two terms that stand at different places are equal.

use std::fmt;

use crate::error::{ParseError, Problem};
use crate::glob::Glob;
use crate::literal::Literal;

/// A half-open range of bytes of the parsed text; both ends are character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A parsed and compiled condition; cheap to match, free to share between threads.
///
/// `Display` prints the canonical form, which parses to an equal query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub(crate) root: Option<Expr>,
}

/// A node of a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// All of two or more nodes, none of which is an `And`.
    And(Vec<Expr>),
    /// Any of two or more nodes, none of which is an `Or`.
    Or(Vec<Expr>),
    /// A single test.
    Term(Term),
}

/// A test, possibly turned round by `!`.
#[derive(Clone, Debug)]
pub struct Term {
    /// Where the term stands, from its `!` or key to the end of its value.
    pub span: Span,
    /// Whether the test must fail. Free text is never negated.
    pub negated: bool,
    /// The test.
    pub test: Test,
}

/// What a term asks of the fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `some words` or `"some words"`: the free text contains the pattern.
    Text(Value),
    /// `has:key`: the field is present and not empty.
    Has(Key),
    /// `key:value`. An empty value asks for an absent or empty field.
    Is(Key, Value),
    /// `key:[a, b]`: one or more values, any of which is enough.
    In(Key, Vec<Value>),
    /// `key:>value`. The value is not a pattern and can be ordered in some type.
    Compare(Key, Operator, Value),
}

/// The name of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `error.type`: a dotted identifier. What is no known field is usually a tag.
    Field(String),
    /// `tags[name]`: a tag, even if a field has the same name.
    Tag(String),
}

/// An ordering that a value must have relative to the one in the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value as written, compiled as a pattern and read as a literal.
#[derive(Clone, Debug)]
pub struct Value {
    /// Where the value stands, with its quotes.
    pub span: Span,
    /// The value as a pattern.
    pub glob: Glob,
    /// The value as a number, duration, size or time. A field's type decides which reading counts.
    pub literal: Literal,
}

impl Query {
    /// Parses a condition. A blank text is the query that matches everything.
    ///
    /// # Errors
    /// [`ParseError`] at the first place where the text stops making sense, or when it is longer than
    /// [`MAX_BYTES`](crate::MAX_BYTES) or nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        crate::parser::parse(source)
    }

    /// The tree; `None` if the query is empty and so matches everything.
    #[must_use]
    pub fn root(&self) -> Option<&Expr> {
        self.root.as_ref()
    }

    /// Every term in the order of the text: to check keys against a list of fields, or to show which terms matched.
    #[must_use]
    pub fn terms(&self) -> Vec<&Term> {
        let mut terms = Vec::new();
        if let Some(root) = &self.root {
            root.collect_terms(&mut terms);
        }
        terms
    }
}

impl std::str::FromStr for Query {
    type Err = ParseError;

    fn from_str(source: &str) -> Result<Self, ParseError> {
        Self::parse(source)
    }
}

impl Expr {
    /// All of `parts`, with nested conjunctions spread out.
    pub(crate) fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::single_or(Self::And, flat)
    }

    /// Any of `parts`, with nested alternatives spread out.
    pub(crate) fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::single_or(Self::Or, flat)
    }

    fn single_or(wrap: fn(Vec<Self>) -> Self, mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.remove(0),
            _ => wrap(parts),
        }
    }

    fn collect_terms<'q>(&'q self, into: &mut Vec<&'q Term>) {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().for_each(|part| part.collect_terms(into));
            }
            Self::Term(term) => into.push(term),
        }
    }
}

impl Term {
    /// Builds `key:value` for a text in which nothing is special, such as a tag's value on a page that links to a search.
    #[must_use]
    pub fn is(key: Key, text: &str) -> Self {
        Self {
            span: Span::default(),
            negated: false,
            test: Test::Is(key, Value::from_glob(Glob::literal(text), Span::default())),
        }
    }

    /// The field that the term asks about; `None` for free text.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match &self.test {
            Test::Text(_) => None,
            Test::Has(key) | Test::Is(key, _) | Test::In(key, _) | Test::Compare(key, ..) => {
                Some(key)
            }
        }
    }

    /// An error at this term, for a caller that does not accept its key or value.
    #[must_use]
    pub fn error(&self, source: &str, message: impl Into<String>) -> ParseError {
        ParseError::new(source, self.span, Problem::Other(message.into()))
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated && self.test == other.test
    }
}

impl Key {
    /// The name of the field or tag.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Field(name) | Self::Tag(name) => name,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Tag(name) => write!(f, "tags[{name}]"),
        }
    }
}

impl Operator {
    /// The operator as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Value {
    /// Compiles a value from its text, in which escapes are still escaped.
    pub(crate) fn new(escaped: &str, span: Span) -> Self {
        Self::from_glob(Glob::parse(escaped), span)
    }

    fn from_glob(glob: Glob, span: Span) -> Self {
        let literal = glob.as_text().map_or(Literal::Text, Literal::parse);
        Self {
            span,
            glob,
            literal,
        }
    }

    /// The value without quotes and escapes; `None` if it has wildcards.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.glob.as_text()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.glob == other.glob
    }
}
