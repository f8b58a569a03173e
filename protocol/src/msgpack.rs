//! `MessagePack` into the JSON tree: native SDKs write an event and its breadcrumbs so, beside a crash dump.

use std::borrow::Cow;

use crate::json::{Json, MAX_DEPTH, Number, Object};

/// Values that one text may hold, all levels together: a byte of `MessagePack` can stand for a value of the tree that takes
/// many times as much memory.
pub const MAX_VALUES: usize = 500_000;

/// Why bytes are not `MessagePack`, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct MsgpackError {
    /// What was wrong.
    pub reason: &'static str,
    /// The offset in bytes at which it was noticed.
    pub offset: usize,
}

/// Parses one value.
///
/// Binary strings are taken as text, timestamps become seconds, other extensions null; keys that are numbers or booleans
/// become text. Bytes that are not UTF-8 become U+FFFD, numbers that are not finite null.
///
/// # Errors
/// [`MsgpackError`] if the bytes are not one value, nest deeper than [`MAX_DEPTH`], or hold more than [`MAX_VALUES`].
pub fn parse(bytes: &[u8]) -> Result<Json<'_>, MsgpackError> {
    let mut parser = Parser::new(bytes);
    let value = parser.value(0)?;
    if parser.at < bytes.len() {
        return Err(parser.error("unexpected bytes after the value"));
    }
    Ok(value)
}

/// Parses values that follow each other without anything between, as a file to which breadcrumbs are appended holds them.
///
/// The iterator ends with the first error: a program that crashes may leave half a value at the end. The bounds are those of
/// [`parse`], over all values together; of `left` the values are taken that were read, so that several texts can have one
/// bound.
pub fn values<'a>(
    bytes: &'a [u8],
    left: &mut usize,
) -> impl Iterator<Item = Result<Json<'a>, MsgpackError>> {
    let mut parser = Parser {
        values: MAX_VALUES.saturating_sub(*left),
        ..Parser::new(bytes)
    };
    std::iter::from_fn(move || {
        if parser.at >= bytes.len() {
            return None;
        }
        let value = parser.value(0);
        if value.is_err() {
            parser.at = bytes.len();
        }
        *left = MAX_VALUES.saturating_sub(parser.values);
        Some(value)
    })
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            values: 0,
        }
    }

    fn error(&self, reason: &'static str) -> MsgpackError {
        MsgpackError {
            reason,
            offset: self.at,
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], MsgpackError> {
        let end = self.at.checked_add(len);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.error("unexpected end"))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MsgpackError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A big-endian unsigned integer of 1, 2, 4 or 8 bytes.
    fn unsigned(&mut self, len: usize) -> Result<u64, MsgpackError> {
        let bytes = self.take(len)?;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A big-endian signed integer of 1, 2, 4 or 8 bytes.
    fn signed(&mut self, len: usize) -> Result<i64, MsgpackError> {
        let unused_bits = 64 - 8 * len;
        let value = self.unsigned(len)?.cast_signed();
        Ok(value << unused_bits >> unused_bits)
    }

    /// A length in front of a text, a list or an extension.
    fn length(&mut self, len: usize) -> Result<usize, MsgpackError> {
        let length = self.unsigned(len)?;
        usize::try_from(length).map_err(|_| self.error("length out of range"))
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, MsgpackError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.error("too many values"));
        }
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => u64::from(marker).into(),
            0x80..=0x8f => self.map(usize::from(marker & 0x0f), depth)?,
            0x90..=0x9f => self.list(usize::from(marker & 0x0f), depth)?,
            0xa0..=0xbf => self.text(usize::from(marker & 0x1f))?,
            0xc0 => Json::Null,
            0xc2 => Json::Bool(false),
            0xc3 => Json::Bool(true),
            0xc4..=0xc6 => self.sized(1 << (marker - 0xc4), Self::text)?,
            0xc7..=0xc9 => self.sized(1 << (marker - 0xc7), Self::extension)?,
            0xca => f64::from(f32::from_be_bytes(self.array()?)).into(),
            0xcb => f64::from_be_bytes(self.array()?).into(),
            0xcc..=0xcf => self.unsigned(1 << (marker - 0xcc))?.into(),
            0xd0..=0xd3 => self.signed(1 << (marker - 0xd0))?.into(),
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4))?,
            0xd9..=0xdb => self.sized(1 << (marker - 0xd9), Self::text)?,
            0xdc | 0xdd => self.sized(2 << (marker - 0xdc), |p, len| p.list(len, depth))?,
            0xde | 0xdf => self.sized(2 << (marker - 0xde), |p, len| p.map(len, depth))?,
            0xe0..=0xff => i64::from(marker.cast_signed()).into(),
            0xc1 => return Err(self.error("unknown marker")),
        })
    }

    /// Reads a length of so many bytes, then what it is the length of.
    fn sized(
        &mut self,
        length_bytes: usize,
        read: impl FnOnce(&mut Self, usize) -> Result<Json<'a>, MsgpackError>,
    ) -> Result<Json<'a>, MsgpackError> {
        let length = self.length(length_bytes)?;
        read(self, length)
    }

    fn text(&mut self, len: usize) -> Result<Json<'a>, MsgpackError> {
        Ok(String::from_utf8_lossy(self.take(len)?).into())
    }

    /// Every element takes a byte at least: a list cannot claim more elements than bytes are left.
    fn check_count(&self, count: usize, bytes_each: usize) -> Result<(), MsgpackError> {
        if count > (self.bytes.len() - self.at) / bytes_each {
            return Err(self.error("unexpected end"));
        }
        Ok(())
    }

    fn list(&mut self, len: usize, depth: usize) -> Result<Json<'a>, MsgpackError> {
        self.check_count(len, 1)?;
        let items: Result<Vec<_>, _> = (0..len).map(|_| self.value(depth + 1)).collect();
        Ok(items?.into())
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<Json<'a>, MsgpackError> {
        self.check_count(len, 2)?;
        let members: Result<Vec<_>, _> = (0..len)
            .map(|_| Ok((self.key(depth)?, self.value(depth + 1)?)))
            .collect();
        Ok(Object::from_iter(members?).into())
    }

    fn key(&mut self, depth: usize) -> Result<Cow<'a, str>, MsgpackError> {
        match self.value(depth + 1)? {
            Json::String(text) => Ok(text),
            Json::Number(Number::Unsigned(n)) => Ok(n.to_string().into()),
            Json::Number(Number::Signed(n)) => Ok(n.to_string().into()),
            Json::Bool(value) => Ok(value.to_string().into()),
            _ => Err(self.error("unusable key")),
        }
    }

    /// Extension -1 is a time; any other is known to its writer alone.
    fn extension(&mut self, len: usize) -> Result<Json<'a>, MsgpackError> {
        let [kind] = self.array()?;
        let start = self.at;
        self.take(len)?;
        let is_timestamp = kind.cast_signed() == -1 && matches!(len, 4 | 8 | 12);
        if !is_timestamp {
            return Ok(Json::Null);
        }
        self.at = start;
        let (seconds, nanos) = match len {
            4 => (self.unsigned(4)?.cast_signed(), 0),
            8 => {
                let packed = self.unsigned(8)?;
                ((packed & 0x3_ffff_ffff).cast_signed(), packed >> 34)
            }
            _ => {
                let nanos = self.unsigned(4)?;
                (self.signed(8)?, nanos)
            }
        };
        Ok(if nanos == 0 {
            seconds.into()
        } else {
            (seconds as f64 + nanos as f64 / 1e9).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{parse_str, to_string};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn shown(bytes: &[u8]) -> String {
        match parse(bytes) {
            Ok(value) => to_string(&value),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_marker_has_its_json() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x00", "0"),
            (b"\x7f", "127"),
            (b"\xff", "-1"),
            (b"\xe0", "-32"),
            (b"\xc0", "null"),
            (b"\xc2", "false"),
            (b"\xc3", "true"),
            (b"\xcc\xff", "255"),
            (b"\xcd\x01\x00", "256"),
            (b"\xce\xff\xff\xff\xff", "4294967295"),
            (
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                "18446744073709551615",
            ),
            (b"\xd0\x80", "-128"),
            (b"\xd1\xff\xfe", "-2"),
            (b"\xd2\x80\x00\x00\x00", "-2147483648"),
            (
                b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
                "-9223372036854775808",
            ),
            (b"\xca\x3f\xc0\x00\x00", "1.5"),
            (b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "1.5"),
            (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "null"),
            (b"\xa3abc", "\"abc\""),
            (b"\xd9\x01a", "\"a\""),
            (b"\xda\x00\x01a", "\"a\""),
            (b"\xdb\x00\x00\x00\x01a", "\"a\""),
            (b"\xa1\xff", "\"\u{fffd}\""),
            (b"\xc4\x02hi", "\"hi\""),
            (b"\xc5\x00\x01x", "\"x\""),
            (b"\xc6\x00\x00\x00\x01x", "\"x\""),
            (b"\x92\x01\xa1a", "[1,\"a\"]"),
            (b"\xdc\x00\x01\xc0", "[null]"),
            (b"\xdd\x00\x00\x00\x00", "[]"),
            (b"\x82\xa1a\x01\xa1a\x02", "{\"a\":2}"),
            (b"\xde\x00\x01\x05\xc3", "{\"5\":true}"),
            (b"\xdf\x00\x00\x00\x01\xc2\x80", "{\"false\":{}}"),
            (b"\xd6\xff\x00\x00\x00\x05", "5"),
            (b"\xd7\xff\x77\x35\x94\x00\x00\x00\x00\x01", "1.5"),
            (
                b"\xc7\x0c\xff\x1d\xcd\x65\x00\xff\xff\xff\xff\xff\xff\xff\xff",
                "-0.5",
            ),
            (b"\xd4\x07x", "null"),
            (b"\xd8\x01aaaaaaaaaaaaaaaa", "null"),
            (b"\xc7\x03\xffabc", "null"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(shown(bytes), *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn broken_bytes_say_what_and_where() {
        let deep = [0x91; MAX_DEPTH + 2];
        let mut many = vec![0xdd, 0x00, 0x10, 0x00, 0x00];
        many.resize(many.len() + (1 << 20), 0xc0);
        let cases: &[(&[u8], &str)] = &[
            (b"", "unexpected end at byte 0"),
            (b"\xc1", "unknown marker at byte 1"),
            (b"\x01\x02", "unexpected bytes after the value at byte 1"),
            (b"\xa3ab", "unexpected end at byte 1"),
            (b"\xdb\xff\xff\xff\xffa", "unexpected end at byte 5"),
            (b"\xdd\xff\xff\xff\xff\xc0", "unexpected end at byte 5"),
            (b"\xdf\x00\x00\x00\x02\xc0", "unexpected end at byte 5"),
            (b"\x81\x90\x01", "unusable key at byte 2"),
            (b"\xc9\xff\xff\xff\xff\x01", "unexpected end at byte 6"),
            (&deep, "nested too deeply at byte 129"),
            (&many, "too many values at byte 500004"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(shown(bytes), *expected);
        }
    }

    #[test]
    fn values_that_follow_each_other_are_read_up_to_a_broken_one() {
        let mut left = MAX_VALUES;
        let read: Vec<_> = values(b"\x81\xa1a\x01\x81\xa1a\x02\x81\xa1", &mut left).collect();
        let shown: Vec<_> = read
            .iter()
            .map(|value| value.as_ref().map(to_string))
            .collect();
        assert_eq!(
            shown[..2],
            [Ok(r#"{"a":1}"#.to_owned()), Ok(r#"{"a":2}"#.to_owned())]
        );
        assert!(shown[2].is_err() && shown.len() == 3);
        assert_eq!(values(b"", &mut left).count(), 0);
    }

    #[test]
    fn texts_that_follow_each_other_have_one_bound() {
        let mut left = 5;
        assert_eq!(values(b"\x01\x91\x02", &mut left).count(), 2);
        assert_eq!(left, 2);
        let read: Vec<_> = values(b"\x01\x02\x03\x04", &mut left).collect();
        let errors = read.iter().filter(|value| value.is_err()).count();
        assert_eq!((read.len(), errors, left), (3, 1, 0));
        assert!(values(b"\x01", &mut left).all(|value| value.is_err()));
    }

    /// Writes a tree in the smallest forms, the inverse of the parser for what JSON can say.
    fn write(value: &Json<'_>, out: &mut Vec<u8>) {
        match value {
            Json::Null => out.push(0xc0),
            Json::Bool(value) => out.push(0xc2 + u8::from(*value)),
            Json::Number(Number::Unsigned(n)) => {
                out.push(0xcf);
                out.extend(n.to_be_bytes());
            }
            Json::Number(Number::Signed(n)) => {
                out.push(0xd3);
                out.extend(n.to_be_bytes());
            }
            Json::Number(Number::Float(n)) => {
                out.push(0xcb);
                out.extend(n.to_be_bytes());
            }
            Json::String(text) => write_text(text, out),
            Json::Array(items) => {
                out.push(0xdd);
                out.extend(u32::try_from(items.len()).unwrap().to_be_bytes());
                items.iter().for_each(|item| write(item, out));
            }
            Json::Object(object) => {
                out.push(0xdf);
                out.extend(u32::try_from(object.len()).unwrap().to_be_bytes());
                for (key, value) in object.iter() {
                    write_text(key, out);
                    write(value, out);
                }
            }
        }
    }

    fn write_text(text: &str, out: &mut Vec<u8>) {
        out.push(0xdb);
        out.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    }

    fn tree() -> impl Strategy<Value = Json<'static>> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            (-1e9..1e9).prop_map(|n: f64| Json::from(n)),
            ".{0,8}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Json::from),
                vec((".{0,4}", inner), 0..6).prop_map(|members| Object::from_iter(members).into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let mut left = MAX_VALUES;
            prop_assert!(values(&bytes, &mut left).count() <= bytes.len());
        }

        #[test]
        fn what_is_written_is_read_back(value in tree()) {
            let mut bytes = Vec::new();
            write(&value, &mut bytes);
            prop_assert_eq!(parse(&bytes).unwrap(), value.clone());
            // What is read can be said in JSON.
            let text = to_string(&value);
            prop_assert!(parse_str(&text).is_ok());
        }
    }
}
