//! What is wrong with a form, shown where it was typed.

use std::borrow::Cow;

use bugle_rules::Problem as Fault;
use serde::Serialize;

use super::Topic;
use super::words::{Words, words};

/// How much of a line is shown on each side of what is wrong, in characters.
const AROUND: usize = 60;

/// A fault, for `faults()` in `rules_macros.html`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FaultView {
    /// The field it belongs to.
    field: String,
    /// The line of the text, from 1.
    line: Option<usize>,
    /// What is wrong, as a sentence.
    message: Vec<Words>,
    /// The line itself, in part if it is long.
    source: Option<String>,
    /// Blanks up to what is wrong, then a mark below it.
    caret: Option<String>,
}

/// The faults of a form, each with the line it is in.
pub(super) fn of<T: Topic>(form: &T::Form, faults: Vec<Fault>) -> Vec<FaultView> {
    let view = |fault: Fault| {
        let text = T::text(form, fault.field);
        FaultView::new(&fault, text)
    };
    faults.into_iter().map(view).collect()
}

impl FaultView {
    /// A fault in this text, where that is known.
    pub(super) fn new(fault: &Fault, text: Option<&str>) -> Self {
        let line = fault.line.and_then(|line| line.checked_sub(1));
        let source = text.zip(line);
        let source = source.and_then(|(text, line)| text.lines().nth(line));
        let (source, caret) = source.map_or((None, None), |source| around(source, fault.column));
        Self {
            field: fault.field.to_owned(),
            line: fault.line,
            message: words(&sentence(&without_drawing(&fault.message))),
            source,
            caret,
        }
    }
}

/// The part of a line around a column, and the mark for below it.
fn around(line: &str, column: Option<usize>) -> (Option<String>, Option<String>) {
    // A tab or another control character is one column here, and shown as one.
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let at = column.unwrap_or(1).saturating_sub(1);
    let start = at.saturating_sub(AROUND);
    let mut rest = line.chars().map(shown).skip(start);
    let part: String = rest.by_ref().take(2 * AROUND).collect();
    let (before, after) = (start > 0, rest.next().is_some());
    let dots = |is_cut| if is_cut { "…" } else { "" };
    let caret = column.map(|_| {
        let blanks = at - start + usize::from(before);
        format!("{}^", " ".repeat(blanks))
    });
    (
        Some(format!("{}{part}{}", dots(before), dots(after))),
        caret,
    )
}

/// A message without the expression that the error of a regular expression draws over several lines.
fn without_drawing(message: &str) -> Cow<'_, str> {
    let parts = message.split_once("regex parse error:");
    let reason = message.rsplit_once("\nerror: ").map(|(_, reason)| reason);
    match parts.zip(reason) {
        Some(((before, _), reason)) => Cow::Owned(format!("{before}{reason}")),
        None => Cow::Borrowed(message),
    }
}

/// `a value is …` as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let text: String = first.chain(chars).collect();
    match text.ends_with(['.', '!', '?']) {
        true => text,
        false => text + ".",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_what_is_wrong() {
        let (source, caret) = around("level:\terror", Some(7));
        assert_eq!(source.as_deref(), Some("level: error"));
        assert_eq!(caret.as_deref(), Some("      ^"));
        assert_eq!(around("x", None), (Some("x".to_owned()), None));
    }

    #[test]
    fn a_long_line_is_shown_around_what_is_wrong() {
        let line = format!("{}!{}", "é".repeat(5000), "x".repeat(5000));
        let (source, caret) = around(&line, Some(5001));
        let (source, caret) = (source.unwrap(), caret.unwrap());
        assert_eq!(source.chars().count(), 2 * AROUND + 2);
        let place = caret.chars().count() - 1;
        assert_eq!(source.chars().nth(place), Some('!'));
        let (_, beyond) = around("x", Some(usize::MAX));
        assert_eq!(beyond.unwrap().chars().count(), AROUND + 2);
    }

    #[test]
    fn messages_are_sentences() {
        assert_eq!(sentence("élan is missing"), "Élan is missing.");
        assert_eq!(sentence("What?"), "What?");
        assert_eq!(sentence(""), ".");
        let drawn = "rule \"0\": regex parse error:\n    (\n    ^\nerror: unclosed group";
        assert_eq!(without_drawing(drawn), "rule \"0\": unclosed group");
        assert_eq!(without_drawing("a\nb"), "a\nb");
    }
}
