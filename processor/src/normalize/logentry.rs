//! The log message, its template and its parameters.

use bugle_protocol::json::{Json, Object};

use super::note::{Fault, Path};
use super::read::Reader;
use super::scalar::JSON_TEXT;
use super::schema::{Kind, MESSAGE, SMALL_BAG, Schema, field};

/// A message; the table is also used for trimming.
pub(super) static LOGENTRY: Schema = Schema::new(
    "logentry",
    &[
        field("message", JSON_TEXT).limit(MESSAGE),
        field("formatted", JSON_TEXT).limit(MESSAGE),
        field("params", Kind::Custom(params)).limit(SMALL_BAG),
    ],
);

/// Texts that are built from a template end here, so that a parameter cannot be multiplied at will.
const MAX_FORMATTED_BYTES: usize = 64 * 1024;

/// Makes one `logentry` of the names a message has had. A message interface wins over a plain text, which then is the
/// finished text that old clients sent beside the template.
pub(super) fn adopt_message(event: &mut Object<'_>) {
    const NAMES: [&str; 3] = ["sentry.interfaces.Message", "logentry", "message"];
    let mut found = NAMES.map(|name| {
        // A null may stand for what an earlier normalising refused; the note says so.
        let is_refused = name == "logentry" && event.get(name).is_none();
        if is_refused { None } else { event.remove(name) }
    });
    for value in &mut found {
        value.take_if(|value| !is_message(value));
    }
    let entry = found
        .iter_mut()
        .find_map(|value| value.take_if(|v| matches!(v, Json::Object(_))));
    let plain = found.into_iter().flatten().next();
    match (entry, plain) {
        (Some(Json::Object(mut entry)), Some(plain @ Json::String(_))) => {
            if entry.get("formatted").is_none() {
                entry.insert("formatted", plain);
            }
            event.insert("logentry", entry);
        }
        (Some(entry), _) | (None, Some(entry)) => {
            event.insert("logentry", entry);
        }
        (None, None) => {}
    }
}

fn is_message(value: &Json<'_>) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::String(text) => !text.is_empty(),
        Json::Object(object) => !object.is_empty(),
        _ => true,
    }
}

/// Reads a message in any form and leaves `{formatted, message?, params?}`.
pub(super) fn read(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    if !matches!(value, Json::Object(_)) {
        let message = value.take();
        *value = Json::Object(Object::from_iter([("message", message)]));
    }
    let Json::Object(entry) = value else { return };
    reader.object(&LOGENTRY, entry, path);
    normalize(entry);
    if entry.get("formatted").is_none() {
        for field in LOGENTRY.fields {
            entry.get_or_insert_with(field.name, || Json::Null);
        }
        let fault = Fault::invalid("no message present");
        reader.notes.reject(path, value, fault);
    }
}

fn params(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    if !matches!(value, Json::Array(_) | Json::Object(_)) {
        let fault = Fault::invalid("expected message parameters");
        reader.notes.reject(path, value, fault);
    }
}

/// Fills the parameters in, and leaves the template only where it differs from the text.
fn normalize(entry: &mut Object<'_>) {
    if entry.get("formatted").is_none() {
        let text = entry
            .get_str("message")
            .zip(entry.get("params"))
            .and_then(|(template, params)| format(template, params));
        match text {
            Some(text) => {
                entry.insert("formatted", text);
            }
            None => {
                if let Some(message) = entry.remove("message").filter(|m| !m.is_null()) {
                    entry.insert("formatted", message);
                }
            }
        }
    }
    if entry.get_str("message") == entry.get_str("formatted") {
        entry.remove("message");
    }
}

/// Fills parameters into `%s` or `{}` placeholders; `None` unless every placeholder finds its parameter.
fn format(template: &str, params: &Json<'_>) -> Option<String> {
    let mut arguments = Arguments { params, next: 0 };
    if template.contains('%') {
        percent(template, &mut arguments)
    } else {
        braces(template, &mut arguments)
    }
}

struct Arguments<'p, 'a> {
    params: &'p Json<'a>,
    next: usize,
}

impl<'p, 'a> Arguments<'p, 'a> {
    fn next(&mut self) -> Option<&'p Json<'a>> {
        self.next += 1;
        self.params.as_array()?.get(self.next - 1)
    }
}

/// Appends a parameter; only single values can be.
fn write_argument(value: &Json<'_>, out: &mut String) -> Option<()> {
    match value {
        Json::String(text) => out.push_str(text),
        Json::Number(_) | Json::Bool(_) => bugle_protocol::json::write(value, out),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    }
    (out.len() <= MAX_FORMATTED_BYTES).then_some(())
}

/// Python's and C's style: `%s`, `%5.2f`, `%(name)s`, `%%`. Widths and precisions are not applied.
fn percent(template: &str, arguments: &mut Arguments<'_, '_>) -> Option<String> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((text, placeholder)) = rest.split_once('%') {
        out.push_str(text);
        if let Some(behind) = placeholder.strip_prefix('%') {
            out.push('%');
            rest = behind;
            continue;
        }
        let (value, spec) = match placeholder.strip_prefix('(') {
            Some(named) => {
                let (key, spec) = named.split_once(')')?;
                (arguments.params.get(key)?, spec)
            }
            None => (arguments.next()?, placeholder),
        };
        let spec = spec.trim_start_matches(|c: char| c.is_ascii_digit() || "-+ #.".contains(c));
        rest = spec.strip_prefix(|c: char| c.is_ascii_alphabetic())?;
        write_argument(value, &mut out)?;
    }
    out.push_str(rest);
    Some(out)
}

/// The style of C# and Rust: `{}`, `{0}`, `{name}`; names take the items of a list in turn. A brace that opens no placeholder is text.
fn braces(template: &str, arguments: &mut Arguments<'_, '_>) -> Option<String> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((text, placeholder)) = rest.split_once('{') {
        let Some((key, behind)) = placeholder.split_once('}') else {
            break;
        };
        out.push_str(text);
        // A format such as `{:>5}` would have to be applied.
        if key.contains(':') {
            return None;
        }
        let value = match (arguments.params, key.parse::<usize>()) {
            (Json::Object(named), _) => named.get(key)?,
            (Json::Array(items), Ok(index)) => items.get(index)?,
            _ => arguments.next()?,
        };
        write_argument(value, &mut out)?;
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}
