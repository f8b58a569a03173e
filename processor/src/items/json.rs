//! Payloads that are JSON objects, and texts out of them.

use bugle_protocol::DiscardReason;
use bugle_protocol::json::{self, Json, Object};

use crate::verdict::Refusal;

/// Parses a payload that has to be an object. What is wrong is said without a word of the payload.
pub(super) fn object(payload: &[u8]) -> Result<Object<'_>, Refusal> {
    match json::parse(payload) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::invalid(
            DiscardReason::NotAnObject,
            "expected an object",
        )),
        Err(error) => Err(Refusal::invalid(
            DiscardReason::InvalidJson,
            format!("invalid JSON: {error}"),
        )),
    }
}

/// A text that is not empty, of at most `max_chars` characters and without the blanks around it.
pub(super) fn text(value: Option<&Json<'_>>, max_chars: usize) -> Option<String> {
    let text = value?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(max_chars).collect())
}
