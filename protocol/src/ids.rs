//! Identifiers, each its own type so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

macro_rules! database_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

database_id! {
    /// An organisation.
    OrganizationId
}
database_id! {
    /// A project: the number at the end of a DSN.
    ProjectId
}
database_id! {
    /// A project key's row; its public text is [`crate::PublicKey`].
    KeyId
}
database_id! {
    /// An issue.
    IssueId
}
database_id! {
    /// A user account.
    UserId
}
database_id! {
    /// A limit that somebody set.
    QuotaId
}
database_id! {
    /// A version of a project's rules, see [`crate::RuleTopic`].
    RuleVersionId
}
database_id! {
    /// A job that runs in the background.
    JobId
}
database_id! {
    /// A file that came with an event.
    AttachmentId
}

/// An event's id: a UUID shown as 32 lower-case hex digits, unique within a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A new random id, for events that came without a usable one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// Reads 32 hex digits or a dashed UUID, in upper or lower case; the nil UUID is not an id.
impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() != 32 && text.len() != 36 {
            return Err(InvalidEventId);
        }
        match Uuid::try_parse(text) {
            Ok(id) if !id.is_nil() => Ok(Self(id)),
            _ => Err(InvalidEventId),
        }
    }
}

/// The text is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid event id: expected 32 hex digits or a dashed UUID that is not all zero")]
pub struct InvalidEventId;

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_read_in_every_form_and_shown_in_one() {
        let shown = "9ec79c33ec9942ab8353589fcb2e04dc";
        for form in [
            shown,
            "9EC79C33EC9942AB8353589FCB2E04DC",
            "9ec79c33-ec99-42ab-8353-589fcb2e04dc",
        ] {
            assert_eq!(form.parse::<EventId>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "abc",
            "00000000000000000000000000000000",
            "9ec79c33ec9942ab8353589fcb2e04dg",
            "{9ec79c33-ec99-42ab-8353-589fcb2e04dc}",
        ] {
            assert_eq!(bad.parse::<EventId>(), Err(InvalidEventId));
        }
    }
}
