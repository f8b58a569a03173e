//! Cookies, in every form in which they are sent.

use bugle_protocol::json::{Json, Object};
use percent_encoding::percent_decode_str;

use super::note::{Fault, Notes, Path};
use super::read::Reader;
use super::scalar::LENIENT;
use super::{pairs, request};

/// Reads a cookie header's text, an object or a list of pairs as a list of pairs.
pub(super) fn read(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let Json::String(text) = value else {
        return pairs::read(reader, &LENIENT, value, path);
    };
    let (cookies, is_complete) = parse(text);
    if !is_complete {
        let fault = Fault::invalid("the cookie is missing a name/value pair");
        reader.notes.reject(path, value, fault);
    }
    *value = Json::Array(cookies);
}

/// The cookies of a header's text, and whether that was all there is in it.
fn parse(text: &str) -> (Vec<Json<'static>>, bool) {
    let mut is_complete = true;
    let cookies = text
        .split(';')
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty())
        .filter_map(|cookie| {
            let pair = cookie
                .split_once('=')
                .filter(|(name, _)| !name.trim().is_empty());
            is_complete &= pair.is_some();
            let (name, value) = pair?;
            Some(pairs::pair(decode(name), decode(value)))
        })
        .collect();
    (cookies, is_complete)
}

fn decode(text: &str) -> String {
    percent_decode_str(text.trim())
        .decode_utf8_lossy()
        .into_owned()
}

/// Moves a cookie header to `cookies`, unless it holds more than cookies (such as the attributes of `Set-Cookie`).
/// Cookies that a client sent apart win: its own scrubbing has seen them.
pub(super) fn adopt_header(owner: &mut Object<'_>, name: &str, notes: &mut Notes, path: &Path<'_>) {
    let Some(text) = request::header(owner, name) else {
        return;
    };
    if owner.get("cookies").is_none() {
        let (cookies, is_complete) = parse(text);
        if !is_complete {
            return;
        }
        if !cookies.is_empty() {
            owner.insert("cookies", Json::Array(cookies));
        }
    }
    let Some(Json::Array(headers)) = owner.get_mut("headers") else {
        return;
    };
    pairs::retain(headers, notes, &path.key("headers"), |header| {
        pairs::key(header).is_none_or(|key| !key.eq_ignore_ascii_case(name))
    });
    if headers.is_empty() {
        owner.remove("headers");
    }
}
