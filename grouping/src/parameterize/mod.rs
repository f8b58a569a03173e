//! Replaces data in messages by its kind.

/// Replaces data in a message by its kind.
pub fn parameterize(text: &str) -> String {
    text.to_owned()
}
