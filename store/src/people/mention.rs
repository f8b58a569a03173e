//! Takes an identifier out of texts, and of the events that hold them.

use std::borrow::Cow;
use std::net::IpAddr;

use bugle_protocol::Meta;
use bugle_protocol::json::{Json, Number, Object};
use bugle_protocol::meta::{Remark, RemarkKind};

use super::find::{Finder, Places};
use super::scope;

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
///
/// An identifier that is a mere word, such as a user name of letters, may be a word of the protocol or of a program, too: it
/// is taken out of texts that people or programs wrote freely, and never out of keys and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mentions {
    finder: Finder,
    number: Option<u64>,
    is_mere_word: bool,
}

/// A walk over a value, which notes what it changed.
struct Walk<'m> {
    mentions: &'m Mentions,
    /// Which texts are written freely, by their path.
    is_free: fn(&[String]) -> bool,
    path: Vec<String>,
    /// With keys as they are afterwards.
    changed: Vec<Vec<String>>,
    found: bool,
}

impl Mentions {
    pub(super) fn new(text: &str, ip: Option<IpAddr>) -> Self {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let is_of_words = |one: char| one.is_alphabetic() || matches!(one, '-' | '_' | '.');
        Self {
            finder: Finder::new(text, ip),
            number: is_number.then(|| text.parse().ok()).flatten(),
            is_mere_word: ip.is_none() && text.chars().all(is_of_words),
        }
    }

    /// Whether the identifier is somewhere in these bytes, be it a part of a longer word.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.finder.is_in(bytes)
    }

    /// Whether a text mentions the identifier.
    #[must_use]
    pub fn is_mentioned(&self, text: &[u8]) -> bool {
        Places::new(&self.finder, text).next(0).is_some()
    }

    /// Whether a text holds the identifier as a part of something longer, such as a longer address: it may mean somebody else,
    /// and is not replaced.
    #[must_use]
    pub fn is_near(&self, text: &[u8]) -> bool {
        self.finder.is_near(text)
    }

    /// Whether the identifier is a mere word, which names of a protocol or a program may be, too.
    #[must_use]
    pub fn is_mere_word(&self) -> bool {
        self.is_mere_word
    }

    /// The text without the identifier; `None` if it does not mention it.
    #[must_use]
    pub fn replace(&self, text: &str) -> Option<String> {
        let (mut out, mut done) = (String::new(), 0);
        let mut places = Places::new(&self.finder, text.as_bytes());
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

    /// Takes the identifier out of all texts, keys and numbers of a value; says whether there was one. A mere word stays in
    /// keys, and in the first of two, which is a key as well.
    pub fn replace_in(&self, json: &mut Json<'_>) -> bool {
        let mut walk = self.walk(scope::is_free_in_columns);
        walk.value(json);
        walk.found
    }

    /// Takes the identifier out of an event, and notes where it was. `event` has its `_meta` in it.
    pub fn replace_in_event(&self, event: &mut Object<'_>) -> bool {
        let mut notes = event.remove("_meta");
        let mut of_notes = self.walk(scope::is_free_in_notes);
        if let Some(notes) = &mut notes {
            of_notes.value(notes);
        }
        let mut meta = notes.as_ref().map(Meta::from_json).unwrap_or_default();
        let mut walk = self.walk(scope::is_free_in_event);
        walk.object(event);
        for path in &walk.changed {
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
        of_notes.found | walk.found
    }

    fn walk(&self, is_free: fn(&[String]) -> bool) -> Walk<'_> {
        Walk {
            mentions: self,
            is_free,
            path: Vec::new(),
            changed: Vec::new(),
            found: false,
        }
    }
}

impl Walk<'_> {
    fn value(&mut self, json: &mut Json<'_>) {
        let replaced = match json {
            Json::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.path.push(index.to_string());
                    self.value(item);
                    self.path.pop();
                }
                return;
            }
            Json::Object(object) => return self.object(object),
            Json::String(text) => self.mentions.replace(text),
            Json::Number(number) => self.number(*number),
            _ => None,
        };
        let is_spared = self.mentions.is_mere_word && !(self.is_free)(&self.path);
        if let Some(new) = replaced.filter(|_| !is_spared) {
            *json = Json::String(Cow::Owned(new));
            self.found = true;
            self.changed.push(self.path.clone());
        }
    }

    fn number(&self, number: Number) -> Option<String> {
        let counts = self.path.last();
        let counts = counts.is_some_and(|key| COUNTS.contains(&key.as_str()));
        let is = matches!(number, Number::Unsigned(number) if Some(number) == self.mentions.number);
        (is && !counts).then(|| ERASED.to_owned())
    }

    fn object(&mut self, object: &mut Object<'_>) {
        let mut has_key = false;
        for (key, value) in object.iter_mut() {
            let new = self.key(key);
            has_key |= new.is_some();
            self.path.push(new.unwrap_or_else(|| key.to_owned()));
            self.value(value);
            self.path.pop();
        }
        if has_key {
            self.found = true;
            let members = std::mem::take(object).into_iter();
            *object = members
                .map(|(key, value)| (self.key(&key).map_or(key, Cow::Owned), value))
                .collect();
        }
    }

    /// What becomes of a key.
    fn key(&self, key: &str) -> Option<String> {
        match self.mentions.is_mere_word {
            true => None,
            false => self.mentions.replace(key),
        }
    }
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
            (
                "ÄDÄ@example.com",
                "to ädÄ@EXAMPLE.com!",
                Some("to [erased]!"),
            ),
            (
                "νίκος@example.com",
                "ΝΊΚΟΣ@EXAMPLE.com,%CE%BD%CE%AF%CE%BA%CE%BF%CF%82@x",
                Some("[erased],%CE%BD%CE%AF%CE%BA%CE%BF%CF%82@x"),
            ),
            ("2001:db8::77", "at 2001:DB8:0:0::77.", Some("at [erased].")),
            ("2001:db8::77", "ip:2001:db8:0::77", Some("ip:[erased]")),
            (
                "2001:db8::77",
                "[2001:DB8:00::77]:80",
                Some("[[erased]]:80"),
            ),
            ("2001:db8::77", "2001:db8::770 2001:db8::1:77", None),
            (
                "203.0.113.9",
                "::ffff:203.0.113.9 ::FFFF:cb00:7109 ip:203.0.113.9:80",
                Some("[erased] [erased] ip:[erased]:80"),
            ),
            ("::ffff:203.0.113.9", "203.0.113.9", Some("[erased]")),
            (
                "ada@example.com",
                r"\u003cada@example.com\u003e",
                Some(r"\u003c[erased]\u003e"),
            ),
            (
                "ada@example.com",
                "a=ada%2540example.com ada&#64;example.com",
                Some("a=[erased] [erased]"),
            ),
            (
                "ada@example.com",
                "ada@example.com.csv",
                Some("[erased].csv"),
            ),
            (
                "ada@example.com",
                "ada@example.com.json.",
                Some("[erased].json."),
            ),
            ("ada@example.com", "export-ada@example.com.csv", None),
            ("ada@example.com", "ada@example.com.csv.example", None),
            (
                "Ada Byron",
                "name=Ada+Byron&x=Ada%20Byron",
                Some("name=[erased]&x=[erased]"),
            ),
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

    #[test]
    fn near_misses_are_told_from_others() {
        for (person, text, is_near) in [
            ("ada@example.com", "export-ada@example.com.csv", true),
            ("ada@example.com", "to ada@example.com.au", true),
            ("ada@example.com", "nada@example.com", false),
            ("ada@example.com", "ada@example.com", false),
            ("lovelace", "lovelace_backup", true),
            ("lovelace", "lovelaces", false),
        ] {
            assert_eq!(mentions(person).is_near(text.as_bytes()), is_near, "{text}");
        }
    }

    #[test]
    fn a_mere_word_leaves_the_protocol_alone() {
        let body = r#"{"platform":"lovelace","lovelace":{"values":[]},"sdk":{"name":"lovelace"},"exception":{"values":[{"type":"lovelace","module":"lovelace","value":"of lovelace","stacktrace":{"frames":[{"function":"lovelace","module":"lovelace","vars":{"lovelace":"lovelace"}}]}}]},"tags":[["lovelace","lovelace"]],"user":{"name":"lovelace"},"breadcrumbs":{"values":[{"type":"lovelace","category":"lovelace","level":"lovelace","message":"lovelace"}]},"contexts":{"runtime":{"name":"lovelace"},"device":{"name":"lovelace"}},"environment":"lovelace","_meta":{"lovelace":{"":{"rem":[["lovelace","s"]],"val":"lovelace"}}}}"#;
        let Json::Object(mut event) = parse_str(body).unwrap() else {
            panic!("an object");
        };
        assert!(mentions("lovelace").replace_in_event(&mut event));
        event.remove("_meta");
        let expected = r#"{"platform":"lovelace","lovelace":{"values":[]},"sdk":{"name":"lovelace"},"exception":{"values":[{"type":"lovelace","module":"lovelace","value":"of [erased]","stacktrace":{"frames":[{"function":"lovelace","module":"lovelace","vars":{"lovelace":"[erased]"}}]}}]},"tags":[["lovelace","[erased]"]],"user":{"name":"[erased]"},"breadcrumbs":{"values":[{"type":"lovelace","category":"lovelace","level":"lovelace","message":"[erased]"}]},"contexts":{"runtime":{"name":"lovelace"},"device":{"name":"[erased]"}},"environment":"lovelace"}"#;
        assert_eq!(to_string(&Json::Object(event)), expected);
    }
}
