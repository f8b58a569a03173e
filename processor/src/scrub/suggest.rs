//! Selectors to offer a user who writes a rule, with the values they would reach in an event.

use bugle_protocol::Event;

/// A selector and one value it reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suggestion {
    /// The selector's text.
    pub path: String,
    /// The value, if it is a text.
    pub value: Option<String>,
}

/// What there is to scrub in `event`.
#[must_use]
pub fn suggest(event: &Event<'_>) -> Vec<Suggestion> {
    let _ = event;
    Vec::new()
}
