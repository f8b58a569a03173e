//! Rules ready to run: the built-in ones, and those of a configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use super::config::{Redaction, RuleKind};
use super::detect::{Detector, Reach};
use super::extra::ExtraDetector;

/// A rule ready to run. One may run under many names, so what may be long is shared.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The id it sorts by.
    pub(super) id: Arc<str>,
    /// The id it reports.
    pub(super) origin: Arc<str>,
    pub(super) detector: Detector,
    pub(super) redaction: Arc<Redaction>,
}

impl Rule {
    pub(super) fn new(id: &str, detector: Detector, redaction: Redaction) -> Self {
        let id: Arc<str> = id.into();
        Self {
            origin: Arc::clone(&id),
            id,
            detector,
            redaction: Arc::new(redaction),
        }
    }

    /// The rule as an outer one shows it.
    pub(super) fn covered(&self, cover: &Cover) -> Self {
        let redaction = match *cover.redaction {
            Redaction::Default => &self.redaction,
            _ => &cover.redaction,
        };
        Self {
            origin: Arc::clone(&cover.origin),
            redaction: Arc::clone(redaction),
            ..self.clone()
        }
    }

    /// Whether this takes away what it finds rather than putting something in its place.
    pub(super) fn removes(&self) -> bool {
        matches!(*self.redaction, Redaction::Default | Redaction::Remove)
    }
}

/// What a rule that hides its inner rules makes of them.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    pub(super) origin: Arc<str>,
    pub(super) redaction: Arc<Redaction>,
}

/// What a rule looks for, if it does not only name others.
pub(super) fn detector(
    kind: &RuleKind,
    compile: &mut impl FnMut(&str) -> Result<Regex, regex::Error>,
    extras: &BTreeSet<ExtraDetector>,
) -> Result<Option<Detector>, regex::Error> {
    Ok(Some(match kind {
        RuleKind::Anything => Detector::Anything,
        RuleKind::Pattern {
            pattern,
            replace_groups,
        } => {
            let groups = replace_groups
                .iter()
                .map(|group| usize::from(*group))
                .collect();
            Detector::Pattern(compile(pattern)?, groups)
        }
        RuleKind::RedactPair { key_pattern } => Detector::KeyValue(compile(key_pattern)?),
        RuleKind::Imei => Detector::Imei,
        RuleKind::Mac => Detector::Mac,
        RuleKind::Uuid => Detector::Uuid,
        RuleKind::Email => Detector::Email,
        RuleKind::Ip => Detector::Ip(Reach::of(ExtraDetector::Address, extras)),
        RuleKind::Creditcard => Detector::CreditCard(Reach::of(ExtraDetector::Card, extras)),
        RuleKind::Iban => Detector::Iban,
        RuleKind::Userpath => Detector::UserPath,
        RuleKind::Pemkey => Detector::PemKey,
        RuleKind::UrlAuth => Detector::UrlAuth(Reach::of(ExtraDetector::UrlPassword, extras)),
        RuleKind::UsSsn => Detector::UsSsn,
        RuleKind::Bearer => Detector::Bearer,
        RuleKind::Password => Detector::Password,
        RuleKind::Cookies => Detector::Cookies,
        RuleKind::Multiple { .. } | RuleKind::Alias { .. } | RuleKind::Unknown => return Ok(None),
    }))
}

pub(super) const COMMON: [&str; 10] = [
    "@bearer",
    "@iban",
    "@ip",
    "@email",
    "@creditcard",
    "@pemkey",
    "@urlauth",
    "@userpath",
    "@password",
    "@usssn",
];

pub(super) const COMMON_FILTER: [&str; 7] = [
    "@bearer:filter",
    "@creditcard:filter",
    "@iban:filter",
    "@password:filter",
    "@pemkey:filter",
    "@urlauth:legacy",
    "@usssn:filter",
];

/// A family of built-in rules: `@name`, `@name:replace` and so on.
struct Family {
    detector: Detector,
    /// What `:replace` puts in place.
    text: &'static str,
    /// What the bare name does.
    default: Redaction,
    /// Whether there is a `:filter`.
    has_filter: bool,
}

fn family(name: &str, extras: &BTreeSet<ExtraDetector>) -> Option<Family> {
    let reach = |extra| Reach::of(extra, extras);
    let replacing = |detector, text: &'static str, has_filter| {
        let default = Redaction::replace(text);
        Some(Family {
            detector,
            text,
            default,
            has_filter,
        })
    };
    let other = |detector, default, text, has_filter| {
        Some(Family {
            detector,
            text,
            default,
            has_filter,
        })
    };
    match name {
        "@anything" => replacing(Detector::Anything, Redaction::FILTERED, true),
        "@ip" => replacing(Detector::Ip(reach(ExtraDetector::Address)), "[ip]", false),
        "@email" => replacing(Detector::Email, "[email]", false),
        "@creditcard" => {
            let detector = Detector::CreditCard(reach(ExtraDetector::Card));
            replacing(detector, "[creditcard]", true)
        }
        "@iban" => replacing(Detector::Iban, "[iban]", true),
        "@pemkey" => replacing(Detector::PemKey, "[pemkey]", true),
        "@urlauth" => {
            let detector = Detector::UrlAuth(reach(ExtraDetector::UrlPassword));
            replacing(detector, "[auth]", false)
        }
        "@userpath" => replacing(Detector::UserPath, "[user]", false),
        "@bearer" => replacing(Detector::Bearer, "Bearer [token]", true),
        "@imei" => replacing(Detector::Imei, "[imei]", false),
        "@mac" => other(Detector::Mac, Redaction::Mask, "[mac]", false),
        "@uuid" => other(Detector::Uuid, Redaction::Mask, "[uuid]", false),
        "@usssn" => other(Detector::UsSsn, Redaction::Mask, "[us-ssn]", true),
        "@phone" => replacing(Detector::Phone, "[phone]", true),
        "@jwt" => replacing(Detector::Jwt, "[jwt]", true),
        "@cloudkey" => replacing(Detector::CloudKey, "[cloudkey]", true),
        "@password" => other(Detector::Password, Redaction::Remove, "[password]", true),
        _ => None,
    }
}

/// The built-in rule `id`, if there is one.
pub(super) fn built_in(id: &str, extras: &BTreeSet<ExtraDetector>) -> Option<Rule> {
    let filtered = Redaction::replace(Redaction::FILTERED);
    match id {
        "@urlauth:legacy" => {
            let detector = Detector::UrlPassword(Reach::of(ExtraDetector::UrlPassword, extras));
            return Some(Rule::new(id, detector, filtered));
        }
        "@cookies:filter" => return Some(Rule::new(id, Detector::Cookies, filtered)),
        _ => {}
    }
    let (name, method) = id.split_once(':').unwrap_or((id, ""));
    let family = family(name, extras)?;
    let redaction = match method {
        "" if name == id => family.default,
        "replace" => Redaction::replace(family.text),
        "remove" => Redaction::Remove,
        // Sentry has it so, and hashes are what users compare.
        "mask" if name == "@imei" => Redaction::Hash,
        "mask" => Redaction::Mask,
        "hash" => Redaction::Hash,
        "filter" if family.has_filter => filtered,
        _ => return None,
    };
    // The bare name is another name for what it does.
    let method = match (name, &redaction) {
        ("@anything", Redaction::Replace { .. }) => "replace",
        _ if !method.is_empty() => method,
        (_, Redaction::Mask) => "mask",
        (_, Redaction::Remove) => "remove",
        _ => "replace",
    };
    let mut rule = Rule::new(id, family.detector, redaction);
    rule.id = format!("{name}:{method}").into();
    Some(rule)
}
