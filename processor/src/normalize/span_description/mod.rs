//! What spans do, in words that are the same for all of one kind: the description without ids, literals and keys, and
//! what it says of action and domain. They go to `sentry_tags`; the description itself stays as it was sent.
//!
//! Source of the tags' names: <https://develop.sentry.dev/sdk/telemetry/traces/modules/>.

mod cache;
mod host;
mod http;
mod resource;
mod sql;

use bugle_protocol::json::{Json, Object};
use md5::{Digest as _, Md5};

use super::note::object_mut;
use super::{contexts, pairs};

/// Longer descriptions are cut, and end in `*`.
const MAX_DESCRIPTION_BYTES: usize = 200;

/// A transaction's tag that is longer is not given to its spans: it would be stored with each of them.
const MAX_INHERITED_BYTES: usize = 800;

/// What a description says without what differs from call to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Description {
    /// The description that spans of one kind share.
    text: Option<String>,
    /// The method, command or verb.
    action: Option<String>,
    /// The host, or the tables.
    domain: Option<String>,
}

impl Description {
    fn of(text: impl Into<String>) -> Self {
        Self {
            text: Some(text.into()),
            ..Self::default()
        }
    }
}

/// As many spans of a transaction are described; clients send no more. Each gets some hundred bytes of tags, so a million
/// empty spans would become a thousand times as large.
const MAX_SPANS: usize = 1_000;

/// Adds to each span of a transaction what it does, and what it has from the transaction.
pub(super) fn add(event: &mut Object<'_>) {
    if event.get_str("type") != Some("transaction") {
        return;
    }
    let inherited = inherited(event);
    let spans = event.get_mut("spans").and_then(Json::as_array_mut);
    let spans = spans.into_iter().flatten().take(MAX_SPANS);
    for span in spans.filter_map(Json::as_object_mut) {
        let own = own_tags(span);
        if span.get("sentry_tags").is_none_or(Json::is_null) {
            span.insert("sentry_tags", Object::new());
        }
        let Some(tags) = object_mut(span, "sentry_tags") else {
            continue;
        };
        for (key, value) in &inherited {
            tags.insert(*key, value.clone());
        }
        for (key, value) in own {
            tags.insert(key, value);
        }
    }
}

/// A tag's name and value.
type Tag<'a> = (&'static str, Json<'a>);

/// The tags that a transaction gives to its spans. Its user is not among them: a person's data in every span would be
/// stored a thousand times, and read by nobody.
fn inherited<'a>(event: &Object<'a>) -> Vec<Tag<'a>> {
    let trace = contexts::get(event, "trace");
    let request = event.get("request").and_then(Json::as_object);
    let is_mobile = event
        .get("sdk")
        .and_then(|sdk| sdk.get_str("name"))
        .is_some_and(|sdk| {
            sdk.starts_with("sentry.java.android") || sdk.starts_with("sentry.cocoa")
        });
    let own = |key| event.get(key);
    let values = [
        ("release", own("release").cloned()),
        ("environment", own("environment").cloned()),
        ("transaction", own("transaction").cloned()),
        (
            "transaction.op",
            trace.and_then(|trace| trace.get("op")).cloned(),
        ),
        (
            "transaction.method",
            request.and_then(|request| request.get("method")).cloned(),
        ),
        ("mobile", is_mobile.then(|| Json::from("true"))),
        ("device.class", tag(event, "device.class").cloned()),
    ];
    let is_usable = |value: &Json<'_>| {
        let text = value.as_str().unwrap_or_default();
        (1..=MAX_INHERITED_BYTES).contains(&text.len())
    };
    let known =
        |(key, value): (&'static str, Option<Json<'a>>)| Some((key, value.filter(is_usable)?));
    values.into_iter().filter_map(known).collect()
}

fn tag<'t, 'a>(event: &'t Object<'a>, name: &str) -> Option<&'t Json<'a>> {
    let tags = event.get("tags").and_then(Json::as_array)?;
    let tag = tags.iter().find(|tag| pairs::key(tag) == Some(name))?;
    tag.as_array()?.get(1)
}

/// The tags that a span's own operation and description give.
fn own_tags(span: &Object<'_>) -> impl Iterator<Item = Tag<'static>> + use<> {
    let op = span.get_str("op").unwrap_or_default();
    let described = describe(op, span).unwrap_or_default();
    let group = described.text.as_deref().map(group);
    let values = [
        ("category", category(op)),
        ("action", described.action),
        ("domain", described.domain),
        ("group", group),
        ("description", described.text.map(shortened)),
        ("status_code", status_code(span)),
    ];
    let known = |(key, value): (&'static str, Option<String>)| Some((key, Json::from(value?)));
    values.into_iter().filter_map(known)
}

fn describe(op: &str, span: &Object<'_>) -> Option<Description> {
    let text = span
        .get_str("description")
        .filter(|text| !text.is_empty())?;
    let (first, rest) = op.split_once('.').unwrap_or((op, ""));
    match first {
        "http" => http::describe(text),
        "cache" => Some(cache::describe(text)),
        "db" => query(rest, text, span),
        "resource" => resource::describe(text),
        "file" => Some(Description::of(file(text))),
        "function" => Some(Description::of(starred(text))),
        "app" => Some(Description::of(text)),
        _ => matches!(
            op,
            "ui.load" | "activity.load" | "application.load" | "contentprovider.load"
        )
        .then(|| Description::of(text)),
    }
}

/// A call of a database.
fn query(rest: &str, text: &str, span: &Object<'_>) -> Option<Description> {
    let data = |key: &str| span.get("data").and_then(|data| data.get_str(key));
    let system = data("db.system").or_else(|| data("db.system.name"));
    if rest == "redis" || system == Some("redis") {
        return Some(cache::describe(text));
    }
    let is_document = text.trim_start().starts_with(['{', '[']);
    let is_other = matches!(system, Some("mongodb" | "clickhouse"));
    // Where the system is not known, this client's descriptions are names of its own.
    let is_name = rest == "sql.active_record" && system.is_none();
    if is_document || is_other || is_name {
        return None;
    }
    let operation = data("db.operation").or_else(|| data("db.operation.name"));
    let operation = operation.map(str::to_ascii_uppercase);
    if rest.contains("prisma") {
        return Some(Description {
            action: operation,
            ..Description::of(text)
        });
    }
    let statement = sql::normalize(text, system);
    Some(Description {
        text: Some(statement.text).filter(|text| !text.is_empty()),
        action: operation.or_else(|| statement.verb.map(str::to_owned)),
        domain: statement.tables,
    })
}

/// `*` and the extension of a file.
fn file(text: &str) -> String {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, extension)) if is_extension(extension) => format!("*.{extension}"),
        _ => "*".to_owned(),
    }
}

fn is_extension(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A text with `*` for its numbers: runs of eight or more hexadecimal digits or of two or more digits, and UUIDs.
fn starred(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let run = |digit: fn(&u8) -> bool| bytes[at..].iter().take_while(|b| digit(b)).count();
        let (hex, digits) = (run(u8::is_ascii_hexdigit), run(u8::is_ascii_digit));
        let length = match (hex >= 8, digits >= 2) {
            (true, _) => run(|byte| byte.is_ascii_hexdigit() || *byte == b'-'),
            (_, true) => digits,
            _ => {
                at += 1;
                continue;
            }
        };
        out.push_str(&text[copied..at]);
        out.push('*');
        at += length;
        copied = at;
    }
    out.push_str(&text[copied..]);
    out
}

/// The kind of an operation: its first word, and for the work of a framework that too.
fn category(op: &str) -> Option<String> {
    let mut words = op.split('.');
    let first = words
        .next()
        .filter(|word| !word.is_empty() && *word != "default")?;
    let framework = words.next().filter(|word| {
        first == "ui" && matches!(*word, "angular" | "ember" | "react" | "svelte" | "vue")
    });
    Some(match framework {
        Some(framework) => format!("{first}.{framework}"),
        None => first.to_owned(),
    })
}

/// The status of the answer, wherever a client put it.
fn status_code(span: &Object<'_>) -> Option<String> {
    let data = span.get("data");
    let places = [
        (data, "http.response.status_code"),
        (data, "http.status_code"),
        (span.get("tags"), "http.status_code"),
    ];
    places.into_iter().find_map(|(owner, key)| {
        let text = match owner?.get(key)? {
            Json::String(text) => text.to_string(),
            Json::Number(number) => number.as_u64()?.to_string(),
            _ => return None,
        };
        let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then_some(text)
    })
}

/// The first 16 hexadecimal digits of the MD5 of a description: short enough for a column, the same everywhere.
fn group(description: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Md5::digest(description.as_bytes());
    let halves = digest
        .iter()
        .take(8)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_DESCRIPTION_BYTES {
        let end = cut(&text, MAX_DESCRIPTION_BYTES - 1).len();
        text.truncate(end);
        text.push('*');
    }
    text
}

/// The beginning of a text, at most `max` bytes of whole characters.
fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
