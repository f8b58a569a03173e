//! Sets of characters, `[a-z_]` and `[!a-z_]`, of today's patterns.

use std::iter::Peekable;
use std::str::Chars;

use super::{NEVER, PatternError, push_literal};

/// Translates what follows the `[` up to the `]`. An empty set, also a negated one, matches nothing.
pub(super) fn translate(chars: &mut Peekable<Chars<'_>>) -> Result<String, PatternError> {
    let is_negated = chars.next_if_eq(&'!').is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let first = match next(chars)? {
            (']', false) => break,
            ('[', false) => return Err(PatternError::InvalidClass),
            (c, _) => c,
        };
        let mut ahead = chars.clone();
        let is_range = ahead.next() == Some('-') && !matches!(ahead.peek(), None | Some(']'));
        let last = if is_range {
            chars.next();
            next(chars)?.0
        } else {
            first
        };
        if last < first {
            return Err(PatternError::EmptyRange(first, last));
        }
        ranges.push((first, last));
    }
    if ranges.is_empty() {
        return Ok(NEVER.to_owned());
    }
    let mut set = String::from(if is_negated { "[^" } else { "[" });
    for (first, last) in ranges {
        push_literal(first, &mut set);
        if last != first {
            set.push('-');
            push_literal(last, &mut set);
        }
    }
    set.push(']');
    Ok(set)
}

/// The next character, and whether a backslash took its meaning.
fn next(chars: &mut Peekable<Chars<'_>>) -> Result<(char, bool), PatternError> {
    match chars.next() {
        Some('\\') => chars.next().map(|c| (c, true)),
        other => other.map(|c| (c, false)),
    }
    .ok_or(PatternError::UnbalancedClass)
}
