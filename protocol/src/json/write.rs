//! Writes the tree back as compact JSON.

use std::fmt::Write as _;

use super::{Json, Number, Object};

/// The compact JSON text of `value`.
#[must_use]
pub fn to_string(value: &Json<'_>) -> String {
    let mut out = String::with_capacity(256);
    write(value, &mut out);
    out
}

/// Appends the compact JSON text of `value` to `out`, so that a buffer can be reused.
pub fn write(value: &Json<'_>, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(*number, out),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => write_object(object, out),
    }
}

/// Appends the compact JSON text of an object to `out`.
pub fn write_object(object: &Object<'_>, out: &mut String) {
    out.push('{');
    for (i, (key, member)) in object.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(key, out);
        out.push(':');
        write(member, out);
    }
    out.push('}');
}

fn write_number(number: Number, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match number {
        Number::Unsigned(n) => write!(out, "{n}"),
        Number::Signed(n) => write!(out, "{n}"),
        // Debug keeps the ".0" that tells a float from an integer, and its exponents are JSON.
        Number::Float(n) if n.is_finite() => write!(out, "{n:?}"),
        Number::Float(_) => write!(out, "null"),
    };
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    if needs_escapes(text) {
        write_escaped(text, out);
    } else {
        out.push_str(text);
    }
    out.push('"');
}

/// Looks at all bytes without stopping at the first hit, which lets the compiler compare many of them at once.
fn needs_escapes(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| {
        found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    })
}

fn write_escaped(text: &str, out: &mut String) {
    let mut written = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[written..i]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        written = i + 1;
    }
    out.push_str(&text[written..]);
}
