//! The HTTP request.

use std::borrow::Cow;

use bugle_protocol::json::{Json, Object};
use url::{Url, form_urlencoded};

use super::note::{Fault, Notes, Path};
use super::read::Reader;
use super::request_body;
use super::scalar::{JSON_TEXT, TEXT, UNSIGNED, lenient, text};
use super::schema::{Kind, LARGE_BAG, Limit, Schema, field};
use super::{cookies, pairs};

/// The request; members that are not known stay.
pub(super) static REQUEST: Schema = Schema::new(
    "request",
    &[
        field("url", TEXT).limit(Limit::about(256, 40)),
        field("method", Kind::Scalar(method)),
        field("data", Kind::Any).limit(LARGE_BAG),
        field("query_string", Kind::Custom(query_string)).limit(Limit::Bag {
            bytes: 1024,
            depth: 3,
        }),
        field("fragment", TEXT).limit(Limit::about(1024, 100)),
        field("cookies", Kind::Custom(cookies::read)).limit(Limit::Bag {
            bytes: 2048,
            depth: 5,
        }),
        field("headers", HEADERS).limit(LARGE_BAG),
        field("body_size", UNSIGNED),
        field("env", Kind::Map(&Kind::Any)).limit(LARGE_BAG),
        field("inferred_content_type", TEXT),
        field("api_target", TEXT),
    ],
)
.open();

/// Headers by name in Title-Case, also those of a response.
pub(super) const HEADERS: Kind = Kind::Custom(headers);

/// 3 to 32 capital letters and dashes.
fn method(value: &mut Json<'_>) -> Result<(), Fault> {
    text(value)?;
    let name = value.as_str().unwrap_or_default();
    if name.bytes().any(|b| b.is_ascii_lowercase()) {
        *value = Json::from(name.to_ascii_uppercase());
    }
    let name = value.as_str().unwrap_or_default();
    let known = |b: u8| b.is_ascii_uppercase() || matches!(b, b'_' | b'-');
    if !(3..=32).contains(&name.len()) || !name.bytes().all(known) {
        return Err(Fault::of_kind("invalid_data"));
    }
    Ok(())
}

fn query_string(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    match value {
        Json::String(text) => *value = parse_query(text),
        Json::Array(_) | Json::Object(_) => pairs::read(reader, &JSON_TEXT, value, path),
        _ => {
            let fault = Fault::invalid("expected a query string or map");
            reader.notes.reject(path, value, fault);
        }
    }
}

fn parse_query(text: &str) -> Json<'static> {
    let text = text.strip_prefix('?').unwrap_or(text);
    let decoded = form_urlencoded::parse(text.as_bytes());
    Json::Array(
        decoded
            .map(|(key, value)| pairs::pair(key.into_owned(), value.into_owned()))
            .collect(),
    )
}

fn headers(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let sorts = matches!(value, Json::Object(_));
    pairs::read(reader, &Kind::Scalar(header_value), value, path);
    let Json::Array(items) = value else { return };
    for item in items.iter_mut() {
        if let Some(name) = pairs::key_mut(item).filter(|name| !is_title_case(name)) {
            *name = Cow::Owned(title_case(name));
        }
    }
    if sorts {
        pairs::sort(items, &mut reader.notes, path);
    }
}

/// A header's value; one that was sent in several lines comes as a list.
fn header_value(value: &mut Json<'_>) -> Result<(), Fault> {
    let Json::Array(items) = value else {
        return lenient(value);
    };
    let mut joined = String::new();
    for item in items.iter_mut() {
        lenient(item)?;
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(item.as_str().unwrap_or_default());
    }
    *value = Json::from(joined);
    Ok(())
}

fn is_title_case(name: &str) -> bool {
    name.split('-')
        .all(|part| !part.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// `content-type` becomes `Content-Type`; letters inside a word stay as they are.
fn title_case(name: &str) -> String {
    let mut starts_word = true;
    name.chars()
        .map(|c| {
            let c = if starts_word {
                c.to_ascii_uppercase()
            } else {
                c
            };
            starts_word = c == '-';
            c
        })
        .collect()
}

/// Completes the request: URL in its parts, cookies out of the headers, the body decoded.
pub(super) fn normalize(request: &mut Object<'_>, notes: &mut Notes) {
    split_url(request);
    let path = Path::ROOT.key("request");
    cookies::adopt_header(request, "Cookie", notes, &path);
    let content_type = header(request, "Content-Type").map(str::to_owned);
    let inferred = request_body::decode(request).or_else(|| {
        let media_type = content_type.as_deref()?.split(';').next()?.trim();
        Some(media_type.to_owned()).filter(|name| !name.is_empty())
    });
    if let Some(inferred) = inferred {
        request.insert("inferred_content_type", inferred);
    }
}

/// The first header of a name.
pub(super) fn header<'t>(owner: &'t Object<'_>, name: &str) -> Option<&'t str> {
    let headers = owner.get("headers").and_then(Json::as_array)?;
    headers
        .iter()
        .filter_map(pairs::entry)
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Splits query and fragment off the URL and writes it in its canonical form.
fn split_url(request: &mut Object<'_>) {
    let Some(sent) = request.get_str("url") else {
        return;
    };
    // Old clients cut long URLs and mark the cut.
    let whole = match sent.strip_suffix('…') {
        Some(cut) => Cow::Owned(format!("{cut}...")),
        None => Cow::Borrowed(sent),
    };
    let parts = match Url::parse(&whole) {
        Ok(url) if url.has_host() => split_absolute(url),
        _ => split_relative(&whole),
    };
    if parts.url != sent {
        request.insert("url", parts.url);
    }
    fill(request, "query_string", parts.query, |query| {
        parse_query(&query)
    });
    fill(request, "fragment", parts.fragment, Json::from);
}

fn fill<'a>(
    request: &mut Object<'a>,
    key: &'static str,
    part: Option<String>,
    read: impl FnOnce(String) -> Json<'a>,
) {
    if request.get(key).is_none()
        && let Some(part) = part.filter(|part| !part.is_empty())
    {
        request.insert(key, read(part));
    }
}

struct UrlParts {
    url: String,
    query: Option<String>,
    fragment: Option<String>,
}

fn split_absolute(mut url: Url) -> UrlParts {
    let query = url.query().map(str::to_owned);
    let fragment = url.fragment().map(str::to_owned);
    url.set_query(None);
    url.set_fragment(None);
    UrlParts {
        url: url.into(),
        query,
        fragment,
    }
}

fn split_relative(text: &str) -> UrlParts {
    let (rest, fragment) = match text.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
        None => (text, None),
    };
    let (url, query) = match rest.split_once('?') {
        Some((url, query)) => (url, Some(query.to_owned())),
        None => (rest, None),
    };
    UrlParts {
        url: url.to_owned(),
        query,
        fragment,
    }
}
