//! Advanced scrubbing rules as users write and import them: Sentry's JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::selector::Selector;

/// Rules by id, and where they apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PiiConfig {
    /// The user's own rules. An id of a built-in rule shadows it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, RuleSpec>,
    /// Kept for compatibility; hashes use no key.
    #[serde(default, skip_serializing_if = "Vars::is_empty")]
    pub vars: Vars,
    /// The ids of the rules that apply to what a selector matches; unknown ids do nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub applications: BTreeMap<Selector, Vec<String>>,
}

/// Variables of a [`PiiConfig`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vars {
    /// Accepted and not used, as in Sentry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<String>,
}

impl Vars {
    fn is_empty(&self) -> bool {
        self.hash_key.is_none()
    }
}

/// One rule: what it finds and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// What it finds.
    #[serde(flatten)]
    pub kind: RuleKind,
    /// What it does; nothing said means removing.
    #[serde(default, skip_serializing_if = "Redaction::is_default")]
    pub redaction: Redaction,
}

/// What a rule finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "each is a built-in detector of the rule of that name"
)]
pub enum RuleKind {
    Anything,
    /// A regular expression of the user.
    #[serde(rename_all = "camelCase")]
    Pattern {
        /// Syntax of the `regex` crate: no look-around, no backreferences.
        pattern: String,
        /// The groups to redact; none means the whole match.
        #[serde(default = "whole_match", deserialize_with = "groups")]
        replace_groups: BTreeSet<u8>,
    },
    Imei,
    Mac,
    Uuid,
    Email,
    Ip,
    Creditcard,
    Iban,
    Userpath,
    Pemkey,
    UrlAuth,
    UsSsn,
    Bearer,
    Password,
    Cookies,
    /// A regular expression tried on the key and on the value; the value goes as a whole.
    #[serde(alias = "redactPair", rename_all = "camelCase")]
    RedactPair {
        /// Syntax as for `pattern`; it sees case unless it says `(?i)`.
        key_pattern: String,
    },
    /// Several rules in one.
    #[serde(rename_all = "camelCase")]
    Multiple {
        /// Ids of the rules.
        rules: Vec<String>,
        /// Report this rule's id and use its redaction.
        #[serde(default)]
        hide_inner: bool,
    },
    /// Another rule under a new name.
    #[serde(rename_all = "camelCase")]
    Alias {
        /// Id of the rule.
        rule: String,
        /// Report this rule's id and use its redaction.
        #[serde(default)]
        hide_inner: bool,
    },
    /// Nothing.
    Unknown,
}

fn whole_match() -> BTreeSet<u8> {
    BTreeSet::from([0])
}

fn groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<u8>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(whole_match))
}

/// What a rule does with what it found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawRedaction", tag = "method", rename_all = "snake_case")]
pub enum Redaction {
    /// Not said: removes, or does what the inner rule of an alias does.
    #[default]
    Default,
    /// Cuts it out of a text; deletes any other value.
    Remove,
    /// Puts a text in its place.
    Replace {
        /// The text.
        text: String,
    },
    /// Puts a star for each character.
    Mask,
    /// Puts its HMAC-SHA1 (empty key, upper-case hex) in its place.
    Hash,
    /// A method of another version: what is found is taken away, to be safe.
    Other,
}

impl Redaction {
    /// What `:filter` rules put in place.
    pub(super) const FILTERED: &'static str = "[Filtered]";

    /// Replaces by `text`.
    #[must_use]
    pub fn replace(text: &str) -> Self {
        Self::Replace {
            text: text.to_owned(),
        }
    }

    fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

#[derive(Deserialize)]
struct RawRedaction {
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

impl From<RawRedaction> for Redaction {
    fn from(raw: RawRedaction) -> Self {
        match raw.method.as_deref() {
            None | Some("default") => Self::Default,
            Some("remove") => Self::Remove,
            Some("replace") => Self::Replace {
                text: raw.text.unwrap_or_else(|| Self::FILTERED.to_owned()),
            },
            Some("mask") => Self::Mask,
            Some("hash") => Self::Hash,
            Some(_) => Self::Other,
        }
    }
}

/// Characters of a name in a message at most.
const SHOWN_CHARS: usize = 100;

fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Why advanced rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// They are not of the shape of rules.
    #[error("invalid scrubbing rules: {0}")]
    Shape(#[source] serde_json::Error),
    /// A rule's regular expression is invalid or too big.
    #[error("rule {rule:?}: {reason}")]
    Pattern {
        /// The rule's id.
        rule: String,
        /// What is wrong, with the place in the expression.
        reason: String,
    },
    /// There is more than can be used; the rest is left out.
    #[error("more than {limit} {what}: {count} left out, {:?} first", shown(.first))]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The most of it.
        limit: usize,
        /// How many rules, applications or fields are left out.
        count: usize,
        /// The first of these.
        first: String,
    },
}

impl PiiConfig {
    /// Reads the JSON of `rules`, `applications` and `vars`.
    ///
    /// # Errors
    /// [`ConfigError::Shape`] with line and column if a member is of the wrong shape or a selector is invalid.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(text).map_err(ConfigError::Shape)
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.applications.is_empty()
    }

    /// Joins an organisation's rules and a project's. Ids get the prefixes `organization:` and `project:`, so that none
    /// shadows another; where both use a selector, the organisation's rules come first in its list.
    #[must_use]
    pub fn merge(organization: &Self, project: &Self) -> Self {
        let mut merged = Self::default();
        for (prefix, config) in [("organization", organization), ("project", project)] {
            let renamed = |id: &String| match config.rules.contains_key(id) {
                true => format!("{prefix}:{id}"),
                false => id.clone(),
            };
            for (id, rule) in &config.rules {
                let rule = RuleSpec {
                    kind: rule.kind.renamed(renamed),
                    redaction: rule.redaction.clone(),
                };
                merged.rules.insert(renamed(id), rule);
            }
            for (selector, ids) in &config.applications {
                let list = merged.applications.entry(selector.clone()).or_default();
                list.extend(ids.iter().map(renamed));
            }
            if merged.vars.is_empty() {
                merged.vars = config.vars.clone();
            }
        }
        merged
    }
}

impl RuleKind {
    /// The rules it refers to.
    pub(super) fn named(&self) -> &[String] {
        match self {
            Self::Multiple { rules, .. } => rules,
            Self::Alias { rule, .. } => std::slice::from_ref(rule),
            _ => &[],
        }
    }

    /// The same with other names for the rules it refers to.
    pub(super) fn renamed(&self, rename: impl Fn(&String) -> String) -> Self {
        match self {
            Self::Multiple { rules, hide_inner } => Self::Multiple {
                rules: rules.iter().map(rename).collect(),
                hide_inner: *hide_inner,
            },
            Self::Alias { rule, hide_inner } => Self::Alias {
                rule: rename(rule),
                hide_inner: *hide_inner,
            },
            other => other.clone(),
        }
    }
}
