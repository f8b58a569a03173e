//! A person as events name them: the one who is to be found, handed over, or erased.

mod address;
mod find;
mod folding;
mod mention;
mod scope;
mod words;

use std::net::IpAddr;

use bugle_protocol::Event;
use bugle_protocol::json::{Json, Object, to_string};
use sha2::{Digest as _, Sha256};

pub use mention::{ERASED, Mentions};

use address::{parse_ip, spellings};
use folding::fold;

/// Characters of an identifier at most.
const MAX_CHARS: usize = 512;
/// Shorter ones are in every text.
const MIN_CHARS: usize = 3;
/// Shorter numbers are in every text, too: ports, statuses, line numbers.
const MIN_DIGITS: usize = 5;

/// The fields of a user that say who it is, each with the name it has in an identity.
const FIELDS: [(&str, &str); 4] = [
    ("id", "id"),
    ("username", "username"),
    ("email", "email"),
    ("ip_address", "ip"),
];

/// Why an identifier cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// It says nothing.
    #[error(
        "the identifier is empty: give an e-mail address, a user id, a user name or an IP address"
    )]
    Empty,
    /// Nobody is called so.
    #[error("the identifier has more than {MAX_CHARS} characters")]
    TooLong,
    /// It holds a control character.
    #[error("the identifier holds a control character")]
    Control,
    /// It would be found in texts that do not mean the person.
    #[error(
        "'{0}' is too short to be looked for in texts: it must have at least {MIN_CHARS} characters; what is the person's own can be erased without looking into texts"
    )]
    TooShort(String),
    /// The same for numbers.
    #[error(
        "'{0}' is a number of fewer than {MIN_DIGITS} digits, which texts hold for other reasons; what is the person's own can be erased without looking into texts"
    )]
    ShortNumber(String),
    /// A word that many events hold and that names nobody.
    #[error("'{0}' names no person: too many events hold it")]
    Common(String),
}

/// Somebody, by one identifier: an e-mail address, an id, a user name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    text: String,
    ip: Option<IpAddr>,
    own_only: bool,
    mentions: Mentions,
}

impl Person {
    /// Takes an identifier, white space around it left out. With `own_only` nothing but what is the person's own will be found;
    /// without it also where others mention the person, for which the identifier must be long enough to mean only this person.
    ///
    /// # Errors
    /// [`PersonError`].
    pub fn parse(text: &str, own_only: bool) -> Result<Self, PersonError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PersonError::Empty);
        }
        let length = text.chars().count();
        if length > MAX_CHARS {
            return Err(PersonError::TooLong);
        }
        if text.contains(char::is_control) {
            return Err(PersonError::Control);
        }
        let ip = parse_ip(text);
        let is_nobody = ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        if is_nobody || words::is_common(text) || text.starts_with("{{") {
            return Err(PersonError::Common(text.to_owned()));
        }
        if !own_only && length < MIN_CHARS {
            return Err(PersonError::TooShort(text.to_owned()));
        }
        if !own_only && length < MIN_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PersonError::ShortNumber(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            ip,
            own_only,
            mentions: Mentions::new(text, ip),
        })
    }

    /// The identifier.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is an e-mail address, which has no case.
    #[must_use]
    pub fn is_email(&self) -> bool {
        is_email(&self.text)
    }

    /// Whether a value is this identifier: e-mail addresses whatever their case, IP addresses however they are written.
    #[must_use]
    pub fn is(&self, value: &str) -> bool {
        let value = value.trim();
        if self.is_email() {
            return match self.text.is_ascii() {
                true => value.eq_ignore_ascii_case(&self.text),
                false => fold(value) == fold(&self.text),
            };
        }
        match self.ip {
            Some(ip) => parse_ip(value) == Some(ip),
            None => value == self.text,
        }
    }

    /// Whether what users are counted by (`email:ada@example.com`) is this identifier.
    #[must_use]
    pub fn is_identity(&self, identity: &str) -> bool {
        let value = identity.split_once(':').map(|(_, value)| value);
        value.is_some_and(|value| self.is(value))
    }

    /// Whether an event happened to this person.
    #[must_use]
    pub fn is_user_of(&self, event: &Event<'_>) -> bool {
        event.user().is_some_and(|user| self.is_user(user.0))
    }

    fn is_user(&self, user: &Object<'_>) -> bool {
        let mut values = FIELDS.iter().filter_map(|(field, _)| user.get(field));
        values.any(|value| match value {
            Json::String(text) => self.is(text),
            Json::Number(_) => self.is(&to_string(value)),
            _ => false,
        })
    }

    /// The hashes by which users of this identifier are counted, see [`user_hash`].
    #[must_use]
    pub fn user_hashes(&self) -> Vec<i64> {
        let mut texts = vec![self.text.clone(), self.text.to_lowercase()];
        if self.ip.is_some() {
            texts.extend(spellings(&self.text, self.ip));
            texts.extend(spellings(&self.text.to_uppercase(), self.ip));
        }
        let mut hashes: Vec<i64> = texts
            .into_iter()
            .flat_map(|text| FIELDS.map(|(_, kind)| user_hash(&format!("{kind}:{text}"))))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// What finds the identifier in texts; `None` if only what is the person's own is looked for.
    #[must_use]
    pub fn mentions(&self) -> Option<&Mentions> {
        (!self.own_only).then_some(&self.mentions)
    }

    /// Whether the JSON text of an event may have something to do with this person: cheap, and never a wrong no.
    #[must_use]
    pub fn may_be_in(&self, body: &[u8]) -> bool {
        self.text.contains(['"', '\\']) || self.mentions.is_in(body)
    }
}

fn is_email(text: &str) -> bool {
    let (name, host) = text.split_once('@').unwrap_or_default();
    !name.is_empty() && !host.is_empty()
}

/// 64 bits of a hash of a user's identity (`id:42`): what users are counted by.
#[must_use]
pub fn user_hash(identity: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(identity.as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(text: &str) -> Person {
        Person::parse(text, false).unwrap()
    }

    #[test]
    fn identifiers_that_would_hit_others_are_refused() {
        for (text, refused) in [
            ("", true),
            ("  ", true),
            ("42", true),
            ("ab", true),
            ("1234", true),
            ("12345", false),
            ("Admin", true),
            ("127.0.0.1", true),
            ("::", true),
            ("{{auto}}", true),
            ("a\u{1}b", true),
            ("exception", true),
            ("Python", true),
            ("platform", true),
            ("::ffff:127.0.0.1", true),
            ("ada", false),
            ("ada@example.com", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(Person::parse(text, false).is_err(), refused, "{text:?}");
        }
        assert!(Person::parse(&"x".repeat(513), false).is_err());
        assert!(Person::parse("42", true).unwrap().mentions().is_none());
        assert!(Person::parse("root", true).is_err());
    }

    #[test]
    fn a_person_is_known_by_any_field_of_a_user() {
        for (text, user, is) in [
            ("ada@example.com", r#"{"email":"Ada@Example.COM"}"#, true),
            ("ada@example.com", r#"{"id":"ada@example.com"}"#, true),
            ("ada@example.com", r#"{"email":"xada@example.com"}"#, false),
            ("12345", r#"{"id":12345}"#, true),
            ("12345", r#"{"id":"12345"}"#, true),
            ("12345", r#"{"id":"123456"}"#, false),
            ("Ada1", r#"{"username":"ada1"}"#, false),
            ("2001:DB8::1", r#"{"ip_address":"2001:db8:0:0::1"}"#, true),
            ("203.0.113.9", r#"{"ip_address":"203.0.113.90"}"#, false),
            ("2001:db8::77", r#"{"ip_address":"2001:DB8:0:0::77"}"#, true),
            (
                "203.0.113.9",
                r#"{"ip_address":"::ffff:203.0.113.9"}"#,
                true,
            ),
            (
                "::ffff:203.0.113.9",
                r#"{"ip_address":"203.0.113.9"}"#,
                true,
            ),
            ("ädä@example.com", r#"{"email":"ÄDÄ@Example.com"}"#, true),
            ("ÄDÄ@example.com", r#"{"email":"ädä@example.com"}"#, true),
            ("12345", r#"{"data":{"x":"12345"}}"#, false),
        ] {
            let event = format!(r#"{{"user":{user}}}"#);
            let event = Event::parse(event.as_bytes()).unwrap();
            assert_eq!(person(text).is_user_of(&event), is, "{text} {user}");
            assert!(!is || person(text).may_be_in(user.as_bytes()), "{text}");
        }
    }
}
