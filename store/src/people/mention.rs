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
mod tests;
