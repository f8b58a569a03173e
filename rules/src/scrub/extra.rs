//! Detectors beyond Sentry's, each switched on by itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What is found on top of what Sentry finds. In JSON by these names in camel case: `card`, `cloudKey`.
///
/// The first four close gaps of Sentry's own detectors and are on unless a team says otherwise: they widen the rules
/// `@creditcard`, `@ip`, `@urlauth` and all that look at keys wherever these apply, under their ids. The others are rules of their own (`@phone`,
/// `@jwt`, `@cloudkey`) and off; switched on, they apply to all texts that may hold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtraDetector {
    /// Card numbers of all large networks, by their checksum.
    Card,
    /// IPv6 addresses as a whole.
    Address,
    /// Passwords in URLs, whatever they are made of.
    UrlPassword,
    /// The value of a pair, `["password", "x"]`, that is no member of a list of pairs.
    Pair,
    /// Telephone numbers, international and North American.
    Phone,
    /// JSON web tokens.
    Jwt,
    /// Keys of cloud providers and the like that tell by their form what they are.
    CloudKey,
}

impl ExtraDetector {
    /// All, in the order to show them.
    pub const ALL: [Self; 7] = [
        Self::Card,
        Self::Address,
        Self::UrlPassword,
        Self::Pair,
        Self::Phone,
        Self::Jwt,
        Self::CloudKey,
    ];

    /// Those that are on while a document says nothing.
    #[must_use]
    pub fn defaults() -> BTreeSet<Self> {
        BTreeSet::from([Self::Card, Self::Address, Self::UrlPassword, Self::Pair])
    }

    /// The name in a document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Address => "address",
            Self::UrlPassword => "urlPassword",
            Self::Pair => "pair",
            Self::Phone => "phone",
            Self::Jwt => "jwt",
            Self::CloudKey => "cloudKey",
        }
    }

    /// What it finds, for a settings page: a phrase without a full stop.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Card => {
                "card numbers of all large networks, by their checksum (Sentry knows four networks, by prefix)"
            }
            Self::Address => "IPv6 addresses as a whole (Sentry leaves the network of most)",
            Self::UrlPassword => {
                "passwords in URLs with any characters, also without a user name (redis://:password@host)"
            }
            Self::Pair => {
                "values of pairs by their keys, wherever a pair stands (Sentry knows them in lists of pairs only)"
            }
            Self::Phone => "telephone numbers: +49 30 901820, (212) 555-0100",
            Self::Jwt => "JSON web tokens (eyJ…)",
            Self::CloudKey => {
                "keys and tokens of cloud providers, code hosts and payment services that tell by their form"
            }
        }
    }

    /// The rule that is applied when it is on, if it is one of its own.
    pub(super) fn rule(self) -> Option<&'static str> {
        match self {
            Self::Card | Self::Address | Self::UrlPassword | Self::Pair => None,
            Self::Phone => Some("@phone:replace"),
            Self::Jwt => Some("@jwt:replace"),
            Self::CloudKey => Some("@cloudkey:replace"),
        }
    }
}
