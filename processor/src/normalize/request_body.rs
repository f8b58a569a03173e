//! Bodies that are sent as text but are JSON or a form.

use bugle_protocol::json::{self, Json, Object};
use url::form_urlencoded;

/// Decodes a body in place and says what it was, if it could be told.
pub(super) fn decode(request: &mut Object<'_>) -> Option<String> {
    let text = request.get_str("data")?;
    if text.is_empty() {
        request.remove("data");
        return None;
    }
    let (decoded, content_type) = match parse_json(text) {
        Some(json) => (json, "application/json"),
        None => (parse_form(text)?, "application/x-www-form-urlencoded"),
    };
    request.insert("data", decoded);
    Some(content_type.to_owned())
}

fn parse_json(text: &str) -> Option<Json<'static>> {
    let json = json::parse_str(text).ok()?;
    (!json.is_null()).then(|| json.into_owned())
}

/// A form, where the text can be nothing else: base64 and tokens end in `=` too, and markup has pairs of its own.
fn parse_form(text: &str) -> Option<Json<'static>> {
    let is_form = text.is_ascii() && !text.starts_with(['{', '[', '<']) && text.contains('=');
    if !is_form {
        return None;
    }
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    let has_value = match pairs.as_slice() {
        [] => false,
        [(key, value)] => !key.is_empty() && !value.trim_matches('=').is_empty(),
        _ => true,
    };
    if !has_value {
        return None;
    }
    let owned = pairs
        .into_iter()
        .map(|(key, value)| (key.into_owned(), value.into_owned()));
    Some(Json::Object(owned.collect()))
}
