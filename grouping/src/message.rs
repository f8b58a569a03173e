//! Log messages and template errors, and how texts are made equal for events that differ only in their data.

use bugle_protocol::Event;

use crate::parameterize::parameterize;
use crate::result::{Leaf, LeafKind};

/// Texts are cut to this many bytes before they are looked at; normalising cuts them at 8192 characters.
const MAX_TEXT_BYTES: usize = 32 * 1024;

/// The first two lines that are not blank, `...` if that left something out, with data replaced by its kind.
pub(crate) fn normalise(text: &str) -> String {
    parameterize(&first_two_lines(cut(text)))
}

/// The whole text with data replaced by its kind.
pub(crate) fn parameterise_whole(text: &str) -> String {
    parameterize(cut(text))
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn first_two_lines(text: &str) -> String {
    let lines = text
        .split(is_line_end)
        .filter(|line| !line.trim().is_empty());
    let mut kept = lines.take(2).collect::<Vec<_>>().join("\n");
    if kept != text {
        kept.push_str("...");
    }
    kept
}

/// The line ends that Python knows, which is where the rule comes from; `\r\n` gives an empty line, which is skipped.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The values of a log message: its template, or its text where there is no template.
pub(crate) fn message_values(event: &Event<'_>) -> Vec<Leaf> {
    let Some(entry) = event.logentry() else {
        return Vec::new();
    };
    let text = [entry.message(), entry.formatted()]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty());
    text.map(|text| Leaf::new(LeafKind::Message, normalise(text)))
        .into_iter()
        .collect()
}

/// The values of a template error: file and source line as sent.
pub(crate) fn template_values(event: &Event<'_>) -> Vec<Leaf> {
    let template = event.get("template");
    [
        (LeafKind::Filename, "filename"),
        (LeafKind::ContextLine, "context_line"),
    ]
    .into_iter()
    .filter_map(|(kind, key)| Some(Leaf::new(kind, template?.get_str(key)?)))
    .filter(|leaf| !leaf.value.is_empty())
    .collect()
}
