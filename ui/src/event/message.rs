//! The log message with its template and parameters.

use bugle_protocol::event::LogEntry;
use serde::Serialize;

use super::exceptions::ExceptionView;
use super::fields::{self, Field};
use super::noted::Noted;
use super::rich::{self, Piece};

/// A log message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MessageView {
    /// The text with its parameters filled in.
    text: Vec<Piece>,
    /// What the notes on the text say.
    note: Option<String>,
    /// The template, where it differs.
    template: Option<Vec<Piece>>,
    /// The parameters by name or position.
    params: Vec<Field>,
}

impl MessageView {
    /// Reads a `logentry`; none if it only repeats what the newest exception says.
    pub(super) fn new(noted: Noted<'_, '_>, exceptions: &[ExceptionView]) -> Option<Self> {
        let entry = LogEntry(noted.object()?);
        let (formatted, template) = (noted.get("formatted"), noted.get("message"));
        let shown = formatted.or(template)?;
        let text = rich::pieces(shown);
        let plain: String = text.iter().map(|piece| piece.text.as_str()).collect();
        if exceptions
            .first()
            .is_some_and(|first| first.text() == plain)
        {
            return None;
        }
        let is_different = entry.formatted().is_some() && entry.formatted() != entry.message();
        Some(Self {
            text,
            note: rich::words(shown),
            template: template.filter(|_| is_different).map(rich::pieces),
            params: params(noted.get("params")),
        })
    }
}

fn params(params: Option<Noted<'_, '_>>) -> Vec<Field> {
    let Some(params) = params else {
        return Vec::new();
    };
    if params.object().is_some() {
        return fields::of_object(Some(params));
    }
    let numbered = params.items().enumerate();
    numbered
        .map(|(i, value)| Field::new(&(i + 1).to_string(), value))
        .collect()
}
