//! Finds an identifier in texts and takes it out.

use std::borrow::Cow;
use std::net::IpAddr;

use bugle_protocol::Meta;
use bugle_protocol::json::{Json, Number, Object};
use bugle_protocol::meta::{Remark, RemarkKind};

use super::{is_email, spellings};

/// What stands where an identifier was.
pub const ERASED: &str = "[erased]";

/// The rule that a note on a changed text names.
const RULE: &str = "!erased";

/// Numbers under these keys count or time something, and name nobody.
const COUNTS: [&str; 7] = [
    "colno",
    "len",
    "lineno",
    "received",
    "start_timestamp",
    "status_code",
    "timestamp",
];

/// Finds one identifier in texts, as a whole word: also where it is percent-encoded, as in an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mentions {
    /// Lower-case where case does not matter; the longest first.
    needles: Vec<String>,
    ignores_case: bool,
    /// What must not stand beside it, though it is no letter or digit.
    neighbours: &'static [u8],
    number: Option<u64>,
}

impl Mentions {
    pub(super) fn new(text: &str, ip: Option<IpAddr>) -> Self {
        let is_email = is_email(text);
        let ignores_case = is_email || ip.is_some();
        let plain = spellings(text, ip);
        let encoded = plain.iter().map(|needle| percent_encoded(needle));
        let mut needles: Vec<String> = encoded.chain(plain.iter().cloned()).collect();
        if ignores_case {
            needles
                .iter_mut()
                .for_each(|needle| needle.make_ascii_lowercase());
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        Self {
            needles,
            ignores_case,
            neighbours: match (is_email, ip) {
                (true, _) => b".-+",
                (_, Some(IpAddr::V6(_))) => b":",
                (_, Some(_)) => b".",
                _ => b"",
            },
            number: is_number.then(|| text.parse().ok()).flatten(),
        }
    }

    /// Whether the identifier is somewhere in these bytes, be it a part of a longer word.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.needles
            .iter()
            .any(|needle| self.find(bytes, needle.as_bytes(), 0).is_some())
    }

    /// Whether a text mentions the identifier.
    #[must_use]
    pub fn is_mentioned(&self, text: &[u8]) -> bool {
        Places::new(self, text).next(0).is_some()
    }

    /// The text without the identifier; `None` if it does not mention it.
    #[must_use]
    pub fn replace(&self, text: &str) -> Option<String> {
        let (mut out, mut done) = (String::new(), 0);
        let mut places = Places::new(self, text.as_bytes());
        while let Some((start, end)) = places.next(done) {
            out.push_str(text.get(done..start)?);
            out.push_str(ERASED);
            done = end;
        }
        (done > 0).then(|| {
            out.push_str(&text[done..]);
            out
        })
    }

    /// Takes the identifier out of all texts, keys and numbers of a value; says whether there was one.
    pub fn replace_in(&self, json: &mut Json<'_>) -> bool {
        match json {
            Json::String(text) => match self.replace(text) {
                Some(new) => {
                    *text = Cow::Owned(new);
                    true
                }
                None => false,
            },
            Json::Number(Number::Unsigned(number)) if Some(*number) == self.number => {
                *json = Json::from(ERASED.to_owned());
                true
            }
            Json::Array(items) => items
                .iter_mut()
                .fold(false, |found, item| self.replace_in(item) | found),
            Json::Object(object) => self.replace_in_object(object),
            _ => false,
        }
    }

    fn replace_in_object(&self, object: &mut Object<'_>) -> bool {
        let mut found = object.iter_mut().fold(false, |found, (key, value)| {
            self.replace_in_member(key, value) | found
        });
        if object.keys().any(|key| self.replace(key).is_some()) {
            found = true;
            let members = std::mem::take(object).into_iter();
            *object = members
                .map(|(key, value)| (self.replace(&key).map_or(key, Cow::Owned), value))
                .collect();
        }
        found
    }

    fn replace_in_member(&self, key: &str, value: &mut Json<'_>) -> bool {
        let counts = matches!(value, Json::Number(_)) && COUNTS.contains(&key);
        !counts && self.replace_in(value)
    }

    /// Takes the identifier out of an event, and notes where it was. `event` has its `_meta` in it.
    pub fn replace_in_event(&self, event: &mut Object<'_>) -> bool {
        let mut notes = event.remove("_meta");
        let mut found = notes.as_mut().is_some_and(|notes| self.replace_in(notes));
        let mut meta = notes.as_ref().map(Meta::from_json).unwrap_or_default();
        let mut changed = Vec::new();
        self.collect(&mut Vec::new(), event, &mut changed);
        found |= self.replace_in_object(event);
        for path in &changed {
            let note = meta.at_mut(path.iter().map(String::as_str)).note_mut();
            // The places that rules noted are those of another text.
            note.remarks
                .iter_mut()
                .for_each(|remark| remark.range = None);
            note.remarks
                .push(Remark::new(RULE, RemarkKind::Substituted));
        }
        if !meta.is_empty() {
            event.insert("_meta", meta.to_json());
        }
        found
    }

    /// The paths of the texts and numbers that will change, with their keys as they will be.
    fn collect(&self, path: &mut Vec<String>, object: &Object<'_>, into: &mut Vec<Vec<String>>) {
        for (key, value) in object.iter() {
            path.push(self.replace(key).unwrap_or_else(|| key.to_owned()));
            match value {
                Json::Object(object) => self.collect(path, object, into),
                Json::Array(items) => self.collect_items(path, items, into),
                leaf if self.replace_in_member(key, &mut leaf.clone()) => into.push(path.clone()),
                _ => {}
            }
            path.pop();
        }
    }

    fn collect_items(
        &self,
        path: &mut Vec<String>,
        items: &[Json<'_>],
        into: &mut Vec<Vec<String>>,
    ) {
        for (index, item) in items.iter().enumerate() {
            path.push(index.to_string());
            match item {
                Json::Object(object) => self.collect(path, object, into),
                Json::Array(items) => self.collect_items(path, items, into),
                leaf if self.replace_in(&mut leaf.clone()) => into.push(path.clone()),
                _ => {}
            }
            path.pop();
        }
    }

    /// Where a needle is next, as a whole word, at or behind `from`.
    fn next(&self, text: &[u8], needle: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let start = self.find(text, needle, at)?;
            if self.is_whole(text, start, start + needle.len()) {
                return Some(start);
            }
            at = start + 1;
        }
    }

    /// Where a needle is next, as a part of a word or not.
    fn find(&self, text: &[u8], needle: &[u8], from: usize) -> Option<usize> {
        if !self.ignores_case {
            return memchr::memmem::find(text.get(from..)?, needle).map(|at| from + at);
        }
        let first = *needle.first()?;
        let mut at = from;
        loop {
            let rest = text.get(at..)?;
            at += memchr::memchr2(first, first.to_ascii_uppercase(), rest)?;
            let candidate = text.get(at..at + needle.len())?;
            if candidate.eq_ignore_ascii_case(needle) {
                return Some(at);
            }
            at += 1;
        }
    }

    fn is_whole(&self, text: &[u8], start: usize, end: usize) -> bool {
        let (before, after) = (&text[..start], &text[end..]);
        let is_escape = |bytes: &[u8]| {
            matches!(bytes, [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
                // The escapes of a JSON text within a text.
                || matches!(bytes, [.., b'\\', b'n' | b'r' | b't'])
        };
        let begins = match before {
            [] => true,
            bytes if is_escape(bytes) => true,
            [.., far, near] if self.neighbours.contains(near) => !is_word(*far),
            [.., near] => !is_word(*near),
        };
        let ends = match after {
            [near, far, ..] if self.neighbours.contains(near) => !is_word(*far),
            [near, ..] => !is_word(*near),
            [] => true,
        };
        begins && ends
    }
}

/// A walk over the places of a text where the identifier is; each needle goes over the text once.
struct Places<'m> {
    mentions: &'m Mentions,
    text: &'m [u8],
    /// Where each needle is next.
    starts: Vec<Option<usize>>,
}

impl<'m> Places<'m> {
    fn new(mentions: &'m Mentions, text: &'m [u8]) -> Self {
        let next = |needle: &String| mentions.next(text, needle.as_bytes(), 0);
        Self {
            mentions,
            text,
            starts: mentions.needles.iter().map(next).collect(),
        }
    }

    /// The first place at or behind `from`; of two that begin there, the longer one.
    fn next(&mut self, from: usize) -> Option<(usize, usize)> {
        let needles = &self.mentions.needles;
        for (start, needle) in self.starts.iter_mut().zip(needles) {
            if start.is_some_and(|start| start < from) {
                *start = self.mentions.next(self.text, needle.as_bytes(), from);
            }
        }
        let places = self.starts.iter().zip(needles);
        places
            .filter_map(|(start, needle)| start.map(|start| (start, start + needle.len())))
            .min_by_key(|(start, end)| (*start, usize::MAX - end))
    }
}

/// A byte of a letter that is not ASCII counts as one, too.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// As it is written in an address.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use bugle_protocol::json::{parse_str, to_string};

    use super::*;
    use crate::Person;

    fn mentions(text: &str) -> Mentions {
        let person = Person::parse(text, false).unwrap();
        person.mentions().unwrap().clone()
    }

    #[test]
    fn only_whole_words_are_mentions() {
        for (person, text, expected) in [
            (
                "ada@example.com",
                "to Ada@Example.com.",
                Some("to [erased]."),
            ),
            (
                "ada@example.com",
                "<ada@example.com>,ada@example.com",
                Some("<[erased]>,[erased]"),
            ),
            ("ada@example.com", "bada@example.com", None),
            ("ada@example.com", "x.ada@example.com", None),
            ("ada@example.com", "ada@example.com.au", None),
            ("ada@example.com", "ada@example.community", None),
            (
                "ada@example.com",
                "?to=ada%40example.com&x",
                Some("?to=[erased]&x"),
            ),
            (
                "ada@example.com",
                "to%3Dada%40example.com%26",
                Some("to%3D[erased]%26"),
            ),
            (
                "ada@example.com",
                r#"{"a":"x\nada@example.com"}"#,
                Some(r#"{"a":"x\n[erased]"}"#),
            ),
            ("ädä@example.com", "ädä@EXAMPLE.com", Some("[erased]")),
            ("203.0.113.9", "203.0.113.9:80", Some("[erased]:80")),
            (
                "203.0.113.9",
                "203.0.113.90 1203.0.113.9 4.203.0.113.9",
                None,
            ),
            (
                "2001:db8::1",
                "[2001:DB8:0:0:0:0:0:1]:80",
                Some("[[erased]]:80"),
            ),
            ("2001:db8::1", "2001:db8::12", None),
            (
                "12345",
                "user 12345, 123456, x12345",
                Some("user [erased], 123456, x12345"),
            ),
            ("Ada", "Ada ada adage", Some("[erased] ada adage")),
            ("aaa", "aaaaaaa aaa", Some("aaaaaaa [erased]")),
        ] {
            let replaced = mentions(person).replace(text);
            assert_eq!(replaced.as_deref(), expected, "{person} in {text}");
        }
    }

    #[test]
    fn an_event_is_rid_of_it_and_says_so() {
        let body = r#"{"lineno":12345,"extra":{"id":12345,"by 12345":{"a":["x","of 12345!"]}},"_meta":{"extra":{"by 12345":{"":{"len":9}}}}}"#;
        let Json::Object(mut event) = parse_str(body).unwrap() else {
            panic!("an object");
        };
        assert!(mentions("12345").replace_in_event(&mut event));
        let expected = r#"{"lineno":12345,"extra":{"id":"[erased]","by [erased]":{"a":["x","of [erased]!"]}},"_meta":{"extra":{"by [erased]":{"":{"len":9},"a":{"1":{"":{"rem":[["!erased","s"]]}}}},"id":{"":{"rem":[["!erased","s"]]}}}}}"#;
        assert_eq!(to_string(&Json::Object(event.clone())), expected);
        assert!(!mentions("12345").replace_in_event(&mut event));
        assert_eq!(to_string(&Json::Object(event)), expected);
    }
}
