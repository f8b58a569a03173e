//! The canonical form: what parses to an equal query, with as few quotes and parentheses as that allows.

use std::fmt::{self, Display};

use crate::ast::{Expr, Query, Term, Test, Value};
use crate::glob::{Glob, Piece, is_special};
use crate::parser::ARROW;

impl Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.fmt(f))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => write_all(parts, f),
            Self::Or(parts) => write_joined(f, " OR ", parts),
            Self::Term(term) => term.fmt(f),
        }
    }
}

/// Separates the parts by spaces; two texts in a row need `AND`, or they would become one.
fn write_all(parts: &[Expr], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_text = |part: &Expr| matches!(part, Expr::Term(term) if term.key().is_none());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            let are_texts = is_text(part) && is_text(&parts[index - 1]);
            f.write_str(if are_texts { " AND " } else { " " })?;
        }
        match part {
            Expr::Or(_) => write!(f, "({part})")?,
            _ => part.fmt(f)?,
        }
    }
    Ok(())
}

fn write_joined<T: Display>(
    f: &mut fmt::Formatter<'_>,
    separator: &str,
    items: &[T],
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index > 0 { separator } else { "" })?;
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.negated { "!" } else { "" })?;
        match &self.test {
            Test::Text(value) => write_quoted_unless(is_plain_word, &value.glob, f),
            Test::Has(key) => write!(f, "has:{key}"),
            Test::Is(key, value) => write!(f, "{key}:{value}"),
            Test::In(key, values) => {
                write!(f, "{key}:[")?;
                write_joined(f, ", ", values)?;
                f.write_str("]")
            }
            Test::Compare(key, operator, value) => write!(f, "{key}:{}{value}", operator.as_str()),
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quoted_unless(is_plain_value, &self.glob, f)
    }
}

impl Display for Glob {
    /// Writes the pattern with its escapes, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pattern = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Any => pattern.push('*'),
                Piece::Text(text) => escape(text, &mut pattern),
            }
        }
        f.write_str(&pattern)
    }
}

fn write_quoted_unless(
    is_plain: fn(&str) -> bool,
    glob: &Glob,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let pattern = glob.to_string();
    if is_plain(&pattern) {
        f.write_str(&pattern)
    } else {
        write!(f, "\"{pattern}\"")
    }
}

/// Whether a value can be written without quotes, after a key as well as in a list.
fn is_plain_value(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['<', '>', ':'])
        && !text.starts_with("//")
        && !text.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | '[' | ']' | ',' | '"')
        })
}

/// Whether free text can be written without quotes.
fn is_plain_word(text: &str) -> bool {
    is_plain_value(text)
        && !text.contains(':')
        && !text.starts_with(['!', '#'])
        && !text.starts_with(ARROW)
        && !matches!(text, "AND" | "OR")
}

/// Writes `text` so that the parser reads it as characters that stand for themselves.
fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if is_special(c) {
            into.push('\\');
        }
        into.push(c);
    }
}
