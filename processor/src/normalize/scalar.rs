//! Readers of single values; each accepts all that clients of any age send for its kind.

use std::net::IpAddr;

use bugle_protocol::event::SPAN_STATUSES;
use bugle_protocol::json::{self, Json, Number};
use bugle_protocol::timestamp::{TimestampError, read_timestamp};
use bugle_protocol::{EventId, Level};
use std::borrow::Cow;

use super::note::Fault;
use super::schema::Kind;

pub(super) const TEXT: Kind = Kind::Scalar(text);
pub(super) const LENIENT: Kind = Kind::Scalar(lenient);
pub(super) const JSON_TEXT: Kind = Kind::Scalar(json_text);
pub(super) const BOOL: Kind = Kind::Scalar(boolean);
pub(super) const UNSIGNED: Kind = Kind::Scalar(unsigned);
pub(super) const SIGNED: Kind = Kind::Scalar(signed);
pub(super) const FLOAT: Kind = Kind::Scalar(float);
pub(super) const TIMESTAMP: Kind = Kind::Scalar(timestamp);
pub(super) const LEVEL: Kind = Kind::Scalar(level);
pub(super) const ADDRESS: Kind = Kind::Scalar(address);
pub(super) const IP: Kind = Kind::Scalar(ip_address);
pub(super) const UUID: Kind = Kind::Scalar(uuid);
pub(super) const SPAN_ID: Kind = Kind::Scalar(span_id);
pub(super) const STATUS: Kind = Kind::Scalar(status);
pub(super) const THREAD_ID: Kind = Kind::Scalar(thread_id);
pub(super) const HTTP_URL: Kind = Kind::Scalar(http_url);

/// Integers up to here are exact in a float, and so in the JSON of every client.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A string and nothing else.
pub(super) fn text(value: &mut Json<'_>) -> Result<(), Fault> {
    match value {
        Json::String(_) => Ok(()),
        _ => Err(Fault::invalid("expected a string")),
    }
}

/// A string, or a number or boolean in the words of Python.
pub(super) fn lenient(value: &mut Json<'_>) -> Result<(), Fault> {
    let text = match value {
        Json::String(_) => return Ok(()),
        Json::Bool(true) => Cow::Borrowed("True"),
        Json::Bool(false) => Cow::Borrowed("False"),
        Json::Number(Number::Unsigned(n)) => Cow::Owned(n.to_string()),
        Json::Number(Number::Signed(n)) => Cow::Owned(n.to_string()),
        Json::Number(Number::Float(n)) if n.abs() <= LARGEST_EXACT => {
            Cow::Owned(format!("{:.0}", n.trunc()))
        }
        Json::Number(_) => return Err(Fault::invalid("expected a number with JSON precision")),
        _ => return Err(Fault::invalid("expected a primitive value")),
    };
    *value = Json::String(text);
    Ok(())
}

/// A string, or anything else as its JSON text.
fn json_text(value: &mut Json<'_>) -> Result<(), Fault> {
    if !matches!(value, Json::String(_)) {
        *value = json::to_string(value).into();
    }
    Ok(())
}

fn boolean(value: &mut Json<'_>) -> Result<(), Fault> {
    match value {
        Json::Bool(_) => Ok(()),
        _ => Err(Fault::invalid("expected a boolean")),
    }
}

/// A non-negative number, less its fraction.
pub(super) fn unsigned(value: &mut Json<'_>) -> Result<(), Fault> {
    match value.as_number() {
        Some(Number::Unsigned(_)) => Ok(()),
        Some(Number::Float(n)) if (0.0..=LARGEST_EXACT).contains(&n) => {
            *value = Json::from(whole(n));
            Ok(())
        }
        _ => Err(Fault::invalid("expected an unsigned integer")),
    }
}

/// A number, less its fraction.
fn signed(value: &mut Json<'_>) -> Result<(), Fault> {
    match value.as_number() {
        Some(Number::Unsigned(_) | Number::Signed(_)) => Ok(()),
        Some(Number::Float(n)) if n.abs() <= LARGEST_EXACT => {
            *value = Json::from(whole(n));
            Ok(())
        }
        _ => Err(Fault::invalid("expected a signed integer")),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is meant to go, and float to integer casts saturate"
)]
fn whole(number: f64) -> i64 {
    number as i64
}

/// A thread's number or name. Numbers are 64 bits without a sign, which some clients print with one.
fn thread_id(value: &mut Json<'_>) -> Result<(), Fault> {
    match value {
        Json::String(_) | Json::Number(Number::Unsigned(_)) => Ok(()),
        Json::Number(Number::Signed(n)) => {
            *value = Json::Number(Number::Unsigned(n.cast_unsigned()));
            Ok(())
        }
        _ => Err(Fault::invalid("expected a thread id")),
    }
}

fn float(value: &mut Json<'_>) -> Result<(), Fault> {
    match value {
        Json::Number(_) => Ok(()),
        _ => Err(Fault::invalid("expected a floating point number")),
    }
}

/// A point in time in any form of the protocol, as seconds since the epoch.
fn timestamp(value: &mut Json<'_>) -> Result<(), Fault> {
    let seconds = read_timestamp(value).map_err(|error| {
        Fault::invalid(match error {
            TimestampError::NotATimestamp => "expected a timestamp",
            TimestampError::OutOfRange => "timestamp out of range",
            TimestampError::TooShort => "premature end of input",
            TimestampError::InvalidCharacter => "input contains invalid characters",
            TimestampError::NoSuchTime => "input is out of range",
        })
    })?;
    *value = Json::from(seconds);
    Ok(())
}

/// A level's name, an alias of one, or one of Python's numbers.
fn level(value: &mut Json<'_>) -> Result<(), Fault> {
    let Some(level) = Level::from_json(value) else {
        return Err(match value {
            Json::String(_) => Fault::invalid("invalid level"),
            Json::Number(Number::Unsigned(_) | Number::Signed(_)) => Fault::of_kind("invalid_data"),
            _ => Fault::invalid("expected a level"),
        });
    };
    if value.as_str() != Some(level.as_str()) {
        *value = Json::from(level.as_str());
    }
    Ok(())
}

/// A memory address: `0x` and hexadecimal digits, decimal digits, or a number.
fn address(value: &mut Json<'_>) -> Result<(), Fault> {
    let address = match value {
        Json::Number(Number::Unsigned(n)) => Ok(*n),
        Json::String(text) => match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
            Some(hex) if hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                // Nearly all addresses come in this form already.
                let known =
                    !hex.is_empty() && hex.len() <= 16 && (hex == "0" || !hex.starts_with('0'));
                if known && text.starts_with("0x") {
                    return Ok(());
                }
                u64::from_str_radix(hex, 16)
            }
            Some(hex) => u64::from_str_radix(hex, 16),
            None => text.parse(),
        },
        _ => return Err(Fault::invalid("expected an address")),
    };
    let address = address.map_err(|error| Fault::invalid(error.to_string()))?;
    *value = Json::from(format!("{address:#x}"));
    Ok(())
}

/// An IPv4 or IPv6 address, or `{{auto}}` for that of the sender.
fn ip_address(value: &mut Json<'_>) -> Result<(), Fault> {
    let valid = value
        .as_str()
        .is_some_and(|text| text == "{{auto}}" || text.parse::<IpAddr>().is_ok());
    if valid {
        return Ok(());
    }
    Err(Fault::invalid("expected an ip address"))
}

/// A UUID in any form, as 32 lower-case hex digits.
pub(super) fn uuid(value: &mut Json<'_>) -> Result<(), Fault> {
    let Some(text) = value.as_str() else {
        return Err(Fault::invalid("expected event id"));
    };
    let simple = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if simple {
        return Ok(());
    }
    let bare = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    match bare.unwrap_or(text).parse::<EventId>() {
        Ok(id) => *value = Json::from(id.to_string()),
        Err(_) if is_nil(text) => *value = Json::Null,
        Err(_) => return Err(Fault::invalid(uuid_fault(text))),
    }
    Ok(())
}

/// Whether an id is all zero, which stands for none.
pub(super) fn is_nil(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| matches!(b, b'0' | b'-'))
}

fn uuid_fault(text: &str) -> String {
    match text
        .char_indices()
        .find(|(_, c)| !c.is_ascii_hexdigit() && *c != '-')
    {
        Some((at, c)) => format!("invalid character: found `{c}` at {at}"),
        None => format!("invalid length: found {}", text.len()),
    }
}

/// A span's id: 16 hex digits that are not all zero, in lower case.
fn span_id(value: &mut Json<'_>) -> Result<(), Fault> {
    let fault = || Fault::invalid("not a valid span id");
    let text = value.as_str().ok_or_else(fault)?;
    let hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex || is_nil(text) {
        return Err(fault());
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        *value = Json::from(text.to_ascii_lowercase());
    }
    Ok(())
}

/// A trace's status by its gRPC name; `unknown_error` is an old name of `internal_error`.
fn status(value: &mut Json<'_>) -> Result<(), Fault> {
    match value.as_str() {
        Some(name) if SPAN_STATUSES.contains(&name) => Ok(()),
        Some("unknown_error") => {
            *value = Json::from("internal_error");
            Ok(())
        }
        _ => Err(Fault::invalid("expected a trace status")),
    }
}

/// A link that may be shown as one.
fn http_url(value: &mut Json<'_>) -> Result<(), Fault> {
    let is_http = value
        .as_str()
        .is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"));
    if is_http {
        return Ok(());
    }
    Err(Fault::invalid("expected http URL"))
}
