//! The parser: one pass, no recursion deeper than [`MAX_DEPTH`], no copy of strings without escapes.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::memchr2;

use super::{Json, Number, Object};

/// How deep lists and objects may nest before the text is refused; no SDK comes near it (they cut at 10).
pub const MAX_DEPTH: usize = 128;

/// Values that a text may hold. A real event of 4 MiB has some hundred thousand; a text of nothing but brackets would take
/// thirty times its own size as a tree.
pub const MAX_VALUES: usize = 1_000_000;

/// Objects up to this size look for duplicate keys pair by pair, larger ones with a map.
const SMALL_OBJECT: usize = 24;

/// Why a text is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct ParseError {
    /// What was wrong.
    pub reason: &'static str,
    /// The offset in bytes at which it was noticed.
    pub offset: usize,
}

/// Parses bytes; invalid UTF-8 inside them is replaced by U+FFFD, at the price of a copy of the tree.
///
/// # Errors
/// [`ParseError`] if the bytes are not one JSON value, nest deeper than [`MAX_DEPTH`], or hold more than [`MAX_VALUES`].
pub fn parse(bytes: &[u8]) -> Result<Json<'_>, ParseError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_str(text),
        Err(_) => Ok(parse_str(&String::from_utf8_lossy(bytes))?.into_owned()),
    }
}

/// Parses a text.
///
/// # Errors
/// [`ParseError`] if the text is not one JSON value, nests deeper than [`MAX_DEPTH`], or holds more than [`MAX_VALUES`].
pub fn parse_str(text: &str) -> Result<Json<'_>, ParseError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        values_left: MAX_VALUES,
        members: Vec::new(),
        items: Vec::new(),
    };
    let mut value = Json::Null;
    parser.value(0, |_, root| value = root)?;
    parser.skip_blanks();
    if parser.at < parser.bytes.len() {
        return Err(parser.error("unexpected text after the value"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    values_left: usize,
    /// The members of all objects that are not read to their end, one after the other: so that each object is allocated
    /// once, as large as it is.
    members: Vec<(Cow<'a, str>, Json<'a>)>,
    /// As `members`, of lists.
    items: Vec<Json<'a>>,
}

impl<'a> Parser<'a> {
    fn error(&self, reason: &'static str) -> ParseError {
        ParseError {
            reason,
            offset: self.at,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads a value and has it put in its place. What is returned instead is moved there in pieces that do not fit the ones
    /// it was written in, for which a processor waits longer than reading takes.
    #[inline]
    fn value(
        &mut self,
        depth: usize,
        put: impl FnOnce(&mut Self, Json<'a>),
    ) -> Result<(), ParseError> {
        self.skip_blanks();
        let Some(left) = self.values_left.checked_sub(1) else {
            return Err(self.error("too many values"));
        };
        self.values_left = left;
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                put(self, Json::String(text));
            }
            Some(b'{') => {
                let object = self.object(depth)?;
                put(self, Json::Object(object));
            }
            Some(b'[') => {
                let items = self.array(depth)?;
                put(self, Json::Array(items));
            }
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Some(number) => put(self, Json::Number(number)),
                None => put(self, Json::Null),
            },
            _ => {
                let value = self.token()?;
                put(self, value);
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Result<Json<'a>, ParseError> {
        let (token, value) = match self.peek() {
            Some(b't') => ("true", Json::Bool(true)),
            Some(b'f') => ("false", Json::Bool(false)),
            Some(b'n') => ("null", Json::Null),
            Some(b'N') => ("NaN", Json::Null),
            Some(b'I') => ("Infinity", Json::Null),
            Some(_) => return Err(self.error("expected a value")),
            None => return Err(self.error("unexpected end")),
        };
        if self.bytes[self.at..].starts_with(token.as_bytes()) {
            self.at += token.len();
            Ok(value)
        } else {
            Err(self.error("expected a value"))
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), ParseError> {
        if depth >= MAX_DEPTH {
            return Err(self.error("nested too deep"));
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json<'a>>, ParseError> {
        self.enter(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Vec::new());
        }
        let start = self.items.len();
        loop {
            self.value(depth + 1, |parser, item| parser.items.push(item))?;
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(self.items.split_off(start));
                }
                _ => return Err(self.error("expected ',' or ']'")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object<'a>, ParseError> {
        self.enter(depth)?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Object::new());
        }
        let start = self.members.len();
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key"));
            }
            let key = self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return Err(self.error("expected ':'"));
            }
            self.at += 1;
            self.value(depth + 1, |parser, value| parser.members.push((key, value)))?;
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    let mut members = self.members.split_off(start);
                    last_duplicate_wins(&mut members);
                    return Ok(Object::from_unique(members));
                }
                _ => return Err(self.error("expected ',' or '}'")),
            }
        }
    }

    /// Reads a string at its opening quote. Raw control characters are let through: a log line may hold them.
    fn string(&mut self) -> Result<Cow<'a, str>, ParseError> {
        self.at += 1;
        let start = self.at;
        match end_or_escape(&self.bytes[start..]) {
            None => Err(self.error("unterminated string")),
            Some(length) if self.bytes[start + length] == b'"' => {
                self.at = start + length + 1;
                Ok(Cow::Borrowed(&self.text[start..start + length]))
            }
            Some(length) => {
                self.at = start + length;
                let mut unescaped = String::with_capacity(length + 32);
                unescaped.push_str(&self.text[start..self.at]);
                self.escaped_rest(&mut unescaped)?;
                Ok(Cow::Owned(unescaped))
            }
        }
    }

    /// Reads the rest of a string from its first backslash on.
    fn escaped_rest(&mut self, out: &mut String) -> Result<(), ParseError> {
        loop {
            let start = self.at;
            let Some(length) = memchr2(b'"', b'\\', &self.bytes[start..]) else {
                return Err(self.error("unterminated string"));
            };
            out.push_str(&self.text[start..start + length]);
            self.at = start + length + 1;
            if self.bytes[start + length] == b'"' {
                return Ok(());
            }
            self.escape(out)?;
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), ParseError> {
        let Some(kind) = self.peek() else {
            return Err(self.error("unterminated string"));
        };
        self.at += 1;
        out.push(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return Err(self.error("invalid escape")),
        });
        Ok(())
    }

    /// Reads the digits of `\uXXXX`, and the second half of a surrogate pair; a lone surrogate becomes U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, ParseError> {
        let first = self.four_hex_digits()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !self.bytes[self.at..].starts_with(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let before_second = self.at;
        self.at += 2;
        let second = self.four_hex_digits()?;
        if !(0xDC00..0xE000).contains(&second) {
            self.at = before_second;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_hex_digits(&mut self) -> Result<u32, ParseError> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .ok_or(self.error("unexpected end"))?;
        let mut code = 0;
        for &digit in digits {
            let value = char::from(digit)
                .to_digit(16)
                .ok_or(self.error("invalid escape"))?;
            code = code * 16 + value;
        }
        self.at += 4;
        Ok(code)
    }

    /// Reads a number; one that is not finite is none.
    fn number(&mut self) -> Result<Option<Number>, ParseError> {
        let start = self.at;
        if self.bytes[start..].starts_with(b"-Infinity") {
            self.at += "-Infinity".len();
            return Ok(None);
        }
        let mut integer = true;
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' => {}
                b'.' | b'e' | b'E' | b'+' | b'-' => integer = false,
                _ => break,
            }
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        if integer {
            if let Ok(n) = text.parse::<u64>() {
                return Ok(Some(Number::Unsigned(n)));
            }
            // "-0" is a float: as an integer it would lose its sign.
            if let Ok(n @ ..0) = text.parse::<i64>() {
                return Ok(Some(Number::Signed(n)));
            }
        }
        // Rust's own float grammar is wider than JSON's only in forms that end here in an error or are harmless ("1.").
        match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Some(Number::Float(n))),
            Ok(_) => Ok(None),
            Err(_) => Err(ParseError {
                reason: "invalid number",
                offset: start,
            }),
        }
    }
}

/// The place of the first quote or backslash. Most strings are short, for which setting up a search costs more than it
/// saves.
fn end_or_escape(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().take(SHORT_STRING / 8).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if found != 0 {
            return Some(i * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let searched = words.len().min(SHORT_STRING / 8) * 8;
    memchr2(b'"', b'\\', &bytes[searched..]).map(|place| searched + place)
}

/// How many bytes of a string are searched by words.
const SHORT_STRING: usize = 24;

const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);

/// A word whose lowest bit stands in the first byte that is zero in `word`; zero if there is none.
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    word.wrapping_sub(LOW) & !word & HIGH
}

/// Whether no two keys share a mark made of their length and two of their bytes. Right when it says yes.
fn all_seem_different(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    let mut marks = 0_u64;
    members.iter().all(|(key, _)| {
        let key = key.as_bytes();
        let byte = |place: usize| key.get(place).map_or(0, |byte| usize::from(*byte));
        let mark = key.len() * 7 + byte(key.len() / 2) * 5 + byte(key.len().wrapping_sub(1)) * 17;
        let bit = 1 << (mark % 64);
        let is_new = marks & bit == 0;
        marks |= bit;
        is_new
    })
}

/// Keeps one member per key: the last value, in the first place, as every common parser does.
pub(super) fn last_duplicate_wins<'a>(members: &mut Vec<(Cow<'a, str>, Json<'a>)>) {
    if members.len() <= SMALL_OBJECT {
        if all_seem_different(members) {
            return;
        }
        let mut i = 1;
        while i < members.len() {
            match members[..i]
                .iter()
                .position(|(key, _)| *key == members[i].0)
            {
                None => i += 1,
                Some(first) => members[first].1 = members.remove(i).1,
            }
        }
        return;
    }
    let mut first_places: HashMap<&str, usize> = HashMap::with_capacity(members.len());
    let mut moves = Vec::new();
    for (i, (key, _)) in members.iter().enumerate() {
        match first_places.get(key.as_ref()) {
            None => {
                first_places.insert(key, i);
            }
            Some(&first) => moves.push((i, first)),
        }
    }
    if moves.is_empty() {
        return;
    }
    let mut is_duplicate = vec![false; members.len()];
    for (from, to) in moves {
        members[to].1 = members[from].1.take();
        is_duplicate[from] = true;
    }
    let mut flags = is_duplicate.into_iter();
    members.retain(|_| !flags.next().unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(input: &str) -> String {
        super::super::to_string(&parse_str(input).unwrap())
    }

    #[test]
    fn values_survive_a_round_trip() {
        for input in [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "18446744073709551615",
            "1.5",
            r#""""#,
            r#""a\"b\\c\n""#,
            "[]",
            "{}",
            r#"{"a":[1,{"b":null}],"c":"d"}"#,
            r#""ünïcödé 🦀""#,
        ] {
            assert_eq!(text(input), input);
        }
    }

    #[test]
    fn what_old_clients_send_is_read() {
        assert_eq!(text("[NaN, Infinity, -Infinity]"), "[null,null,null]");
        assert_eq!(parse_str(r#""\ud83d""#).unwrap().as_str(), Some("\u{fffd}"));
        assert_eq!(
            parse_str(r#""\ud83dx\udc00\ud83d\ude00""#)
                .unwrap()
                .as_str(),
            Some("\u{fffd}x\u{fffd}😀")
        );
        assert_eq!(parse(b"\"a\xffb\"").unwrap().as_str(), Some("a\u{fffd}b"));
        assert_eq!(text("1e400"), "null");
    }

    #[test]
    fn the_last_of_duplicate_keys_wins_in_the_first_place() {
        assert_eq!(text(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
        let many: String = (0..100).map(|i| format!(r#""k{}":{i},"#, i % 50)).collect();
        let json = parse_str(&format!("{{{}\"z\":0}}", many))
            .map(Json::into_owned)
            .unwrap();
        let object = json.as_object().unwrap();
        assert_eq!(object.len(), 51);
        assert_eq!(object.get("k0").and_then(Json::as_i64), Some(50));
        assert_eq!(object.keys().next(), Some("k0"));
    }

    #[test]
    fn errors_say_where() {
        for (input, offset) in [
            ("", 0),
            ("{", 1),
            ("[1,]", 3),
            ("{\"a\" 1}", 5),
            ("\"abc", 1),
            ("1 2", 2),
            ("\"\\x\"", 3),
            ("-", 0),
        ] {
            assert_eq!(parse_str(input).unwrap_err().offset, offset, "{input}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(parse_str(&deep).unwrap_err().reason, "nested too deep");
    }

    #[test]
    fn a_text_of_nothing_but_brackets_is_refused() {
        let lists = |count: usize| format!("[{}0]", "[],".repeat(count));
        assert!(parse_str(&lists(MAX_VALUES - 2)).is_ok());
        let error = parse_str(&lists(MAX_VALUES - 1)).unwrap_err();
        assert_eq!(error.reason, "too many values");
    }

    /// As [`last_duplicate_wins`] is written down.
    fn pair_by_pair(members: &[(String, u64)]) -> Vec<(String, u64)> {
        let mut unique: Vec<(String, u64)> = Vec::new();
        for (key, value) in members {
            match unique.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => *old = *value,
                None => unique.push((key.clone(), *value)),
            }
        }
        unique
    }

    proptest! {
        #[test]
        fn strings_of_any_length_end_where_they_end(
            before in "[a-z\u{1}!#é\u{80}\u{a2}\u{dc}]{0,40}", after in "[\"\\\\a!#]{0,12}",
        ) {
            let text = format!("{before}{after}");
            let expected = text.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(end_or_escape(text.as_bytes()), expected);
        }

        #[test]
        fn of_any_duplicates_the_last_wins(
            members in proptest::collection::vec(("[ab]{0,2}|[a-z]{1,9}", any::<u64>()), 0..40),
        ) {
            let written: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            let expected = pair_by_pair(&members);
            let expected: Vec<_> = expected.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            prop_assert_eq!(
                text(&format!("{{{}}}", written.join(","))),
                format!("{{{}}}", expected.join(","))
            );
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn almost_json_never_panics(input in r#"[\[\]{}",:\\u0-9a-fA-FntNI. eE+-]{0,80}"#) {
            let _ = parse_str(&input);
        }

        #[test]
        fn agrees_with_serde_json(input in r#"(\[|\{"a":|)?("[a-z\\nu0-9é]{0,12}"|-?[0-9]{1,18}|[0-9]\.[0-9]{1,4}|true|null)(\]|\})?"#) {
            if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&input) {
                let ours: serde_json::Value = serde_json::from_str(&text(&input)).unwrap();
                prop_assert_eq!(ours, expected);
            }
        }
    }
}
