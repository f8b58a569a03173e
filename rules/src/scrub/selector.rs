//! The language that says where a rule applies: `$string && extra.** && !password`.
//!
//! A path is items joined by dots: a key (quoted with `'` where it is not a plain word), a list index, `*`, `**` or a
//! `$type`. Paths combine with `&&`, `||` (or `&`, `|`), `!` (or `~`) and parentheses.
//! Source: <https://docs.sentry.io/security-legal-pii/scrubbing/advanced-datascrubbing/>.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::schema::ValueType;

/// Parentheses nested deeper than this are refused.
const MAX_NESTING: usize = 32;

/// A parsed selector. The derived order is the order in which applications run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// All must match.
    And(Vec<Selector>),
    /// One must match.
    Or(Vec<Selector>),
    /// It must not match.
    Not(Box<Selector>),
    /// The end of a value's path.
    Path(Vec<PathItem>),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathItem {
    /// A value of this type.
    Type(ValueType),
    /// This item of a list.
    Index(usize),
    /// A member of this name in any case.
    Key(String),
    /// Any one step.
    Wildcard,
    /// One or more steps.
    DeepWildcard,
}

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It breaks the grammar at this byte.
    #[error("unexpected text at offset {0}")]
    Syntax(usize),
    /// There is no such `$type`.
    #[error("unknown type ${0}")]
    UnknownType(String),
    /// A `*` stands alone; for everything there is `**`.
    #[error("a wildcard must be part of a path")]
    LoneWildcard,
    /// Two `**` in one path.
    #[error("** may appear only once in a path")]
    RepeatedDeepWildcard,
    /// The parentheses are nested too deep.
    #[error("more than {MAX_NESTING} nested parentheses")]
    TooDeep,
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        // Names of the time before the language had types; only as the whole text.
        match text {
            "freeform" | "email" | "sensitive" | "text" => {
                return Ok(Self::of_type(ValueType::String));
            }
            "databag" | "container" => return Ok(Self::of_type(ValueType::Object)),
            _ => {}
        }
        let mut parser = Parser {
            text,
            at: 0,
            nesting: 0,
        };
        let selector = parser.any_of()?;
        match parser.peek() {
            None => Ok(selector),
            Some(_) => Err(SelectorError::Syntax(parser.at)),
        }
    }
}

impl Selector {
    /// Everything of one type.
    #[must_use]
    pub fn of_type(ty: ValueType) -> Self {
        Self::Path(vec![PathItem::Type(ty)])
    }

    /// A member of this name, anywhere.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self::Path(vec![PathItem::Key(key.to_owned())])
    }

    /// Whether it asks for this type anywhere but in what it excludes.
    pub(super) fn asks_for(&self, ty: ValueType) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.asks_for(ty)),
            Self::Not(_) => false,
            Self::Path(items) => items.contains(&PathItem::Type(ty)),
        }
    }

    /// How many path items there are in it: what it costs to match.
    pub(super) fn path_items(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::path_items).sum(),
            Self::Not(inner) => inner.path_items(),
            Self::Path(items) => items.len(),
        }
    }

    /// Parses a text, and takes one that is no selector as the name of a key.
    #[must_use]
    pub fn parse_or_key(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self::of_key(text))
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn any_of(&mut self) -> Result<Selector, SelectorError> {
        let mut parts = vec![self.all_of()?];
        while self.eat_operator(b'|') {
            parts.push(self.all_of()?);
        }
        Ok(single_or(parts, Selector::Or))
    }

    fn all_of(&mut self) -> Result<Selector, SelectorError> {
        let mut parts = vec![self.negation()?];
        while self.eat_operator(b'&') {
            parts.push(self.negation()?);
        }
        Ok(single_or(parts, Selector::And))
    }

    fn negation(&mut self) -> Result<Selector, SelectorError> {
        match self.peek() {
            Some(b'!' | b'~') => {
                self.at += 1;
                Ok(Selector::Not(Box::new(self.operand()?)))
            }
            _ => self.operand(),
        }
    }

    fn operand(&mut self) -> Result<Selector, SelectorError> {
        if self.peek() != Some(b'(') {
            return self.path();
        }
        if self.nesting == MAX_NESTING {
            return Err(SelectorError::TooDeep);
        }
        self.nesting += 1;
        self.at += 1;
        let inner = self.any_of()?;
        if self.peek() != Some(b')') {
            return Err(SelectorError::Syntax(self.at));
        }
        self.at += 1;
        self.nesting -= 1;
        Ok(inner)
    }

    fn path(&mut self) -> Result<Selector, SelectorError> {
        self.peek();
        let mut items = vec![self.item()?];
        while self.rest().first() == Some(&b'.') {
            self.at += 1;
            items.push(self.item()?);
        }
        match items.as_slice() {
            [PathItem::Wildcard] => Err(SelectorError::LoneWildcard),
            _ if items
                .iter()
                .filter(|item| **item == PathItem::DeepWildcard)
                .count()
                > 1 =>
            {
                Err(SelectorError::RepeatedDeepWildcard)
            }
            _ => Ok(Selector::Path(items)),
        }
    }

    fn item(&mut self) -> Result<PathItem, SelectorError> {
        match self.rest().first() {
            Some(b'*') if self.rest().starts_with(b"**") => {
                self.at += 2;
                Ok(PathItem::DeepWildcard)
            }
            Some(b'*') => {
                self.at += 1;
                Ok(PathItem::Wildcard)
            }
            Some(b'\'') => self.quoted_key().map(PathItem::Key),
            Some(b'$') => {
                self.at += 1;
                let name = self.take_while(|b| b.is_ascii_lowercase() || b == b'_')?;
                let ty = ValueType::from_name(name);
                ty.map(PathItem::Type)
                    .ok_or_else(|| SelectorError::UnknownType(name.to_owned()))
            }
            Some(b) if b.is_ascii_digit() => {
                let start = self.at;
                let digits = self.take_while(|b| b.is_ascii_digit())?;
                let index = digits.parse().map_err(|_| SelectorError::Syntax(start))?;
                Ok(PathItem::Index(index))
            }
            Some(b) if b.is_ascii_alphabetic() || *b == b'_' => self
                .take_while(is_word)
                .map(|key| PathItem::Key(key.to_owned())),
            _ => Err(SelectorError::Syntax(self.at)),
        }
    }

    /// Reads `'it''s'`, where a doubled quote stands for one.
    fn quoted_key(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let mut key = String::new();
        self.at += 1;
        loop {
            let Some(length) = self.text[self.at..].find('\'') else {
                return Err(SelectorError::Syntax(start));
            };
            key.push_str(&self.text[self.at..self.at + length]);
            self.at += length + 1;
            if self.rest().first() != Some(&b'\'') {
                break;
            }
            key.push('\'');
            self.at += 1;
        }
        if key.is_empty() {
            Err(SelectorError::Syntax(start))
        } else {
            Ok(key)
        }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> Result<&str, SelectorError> {
        let start = self.at;
        self.at += self.rest().iter().take_while(|b| accept(**b)).count();
        // Only ASCII is accepted, so both ends are character boundaries.
        if self.at == start {
            Err(SelectorError::Syntax(start))
        } else {
            Ok(&self.text[start..self.at])
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.at += self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_whitespace())
            .count();
        self.rest().first().copied()
    }

    fn eat_operator(&mut self, operator: u8) -> bool {
        if self.peek() != Some(operator) {
            return false;
        }
        self.at += 1;
        if self.rest().first() == Some(&operator) {
            self.at += 1;
        }
        true
    }

    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn single_or(mut parts: Vec<Selector>, combine: fn(Vec<Selector>) -> Selector) -> Selector {
    if parts.len() > 1 {
        return combine(parts);
    }
    parts.pop().unwrap_or_else(|| combine(Vec::new()))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => write_joined(f, parts, " && "),
            Self::Or(parts) => write_joined(f, parts, " || "),
            Self::Not(inner) => match inner.as_ref() {
                Self::Path(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::Path(items) => items.iter().enumerate().try_for_each(|(i, item)| {
                f.write_str(if i > 0 { "." } else { "" })?;
                write!(f, "{item}")
            }),
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Selector], operator: &str) -> fmt::Result {
    parts.iter().enumerate().try_for_each(|(i, part)| {
        f.write_str(if i > 0 { operator } else { "" })?;
        match part {
            Selector::And(_) | Selector::Or(_) => write!(f, "({part})"),
            _ => write!(f, "{part}"),
        }
    })
}

impl fmt::Display for PathItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(ty) => write!(f, "${}", ty.name()),
            Self::Index(index) => write!(f, "{index}"),
            Self::Key(key) if is_bare(key) => f.write_str(key),
            Self::Key(key) => write!(f, "'{}'", key.replace('\'', "''")),
            Self::Wildcard => f.write_str("*"),
            Self::DeepWildcard => f.write_str("**"),
        }
    }
}

fn is_bare(key: &str) -> bool {
    key.bytes().all(is_word) && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error| serde::de::Error::custom(format!("selector {text:?}: {error}")))
    }
}
