//! Rules ready to run: the built-in ones, and those of a configuration.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

use super::config::{ConfigError, PiiConfig, Redaction, RuleKind};
use super::detect::{Detector, Reach};
use super::extra::ExtraDetector;

/// Compiled expressions bigger than this are refused.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// A rule ready to run.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The id it sorts by.
    id: String,
    /// The id it reports.
    pub(super) origin: String,
    pub(super) detector: Detector,
    pub(super) redaction: Redaction,
}

impl Rule {
    fn new(id: &str, detector: Detector, redaction: Redaction) -> Self {
        Self {
            id: id.to_owned(),
            origin: id.to_owned(),
            detector,
            redaction,
        }
    }

    /// The rule as an outer one shows it.
    fn covered(mut self, cover: Option<Cover<'_>>) -> Self {
        if let Some(cover) = cover {
            cover.origin.clone_into(&mut self.origin);
            if *cover.redaction != Redaction::Default {
                self.redaction = cover.redaction.clone();
            }
        }
        self
    }

    /// Whether this takes away what it finds rather than putting something in its place.
    pub(super) fn removes(&self) -> bool {
        matches!(self.redaction, Redaction::Default | Redaction::Remove)
    }
}

/// What a rule that hides its inner rules makes of them.
#[derive(Clone, Copy)]
struct Cover<'c> {
    origin: &'c str,
    redaction: &'c Redaction,
}

/// Resolves rule ids into rules.
pub(super) struct Resolver<'c> {
    pub(super) config: &'c PiiConfig,
    /// What is found beyond Sentry's rules.
    extras: &'c BTreeSet<ExtraDetector>,
    /// What the configuration's rules look for, but for those that only name others.
    detectors: BTreeMap<&'c str, Detector>,
    /// Rules that cannot run, and why.
    pub(super) errors: Vec<ConfigError>,
}

/// What an id stands for.
enum Named<'c> {
    Rule(Rule),
    Others(Vec<&'c str>, Option<Cover<'c>>),
    Nothing,
}

impl<'c> Resolver<'c> {
    /// Compiles all rules of `config`. The settings' own expression ignores case; a user's says so itself.
    pub(super) fn new(
        config: &'c PiiConfig,
        ignore_case: bool,
        extras: &'c BTreeSet<ExtraDetector>,
    ) -> Self {
        let (mut detectors, mut errors) = (BTreeMap::new(), Vec::new());
        for (id, rule) in &config.rules {
            match detector(&rule.kind, ignore_case, extras) {
                Ok(Some(detector)) => drop(detectors.insert(id.as_str(), detector)),
                Ok(None) => {}
                Err(error) => errors.push(ConfigError::Pattern {
                    rule: id.clone(),
                    reason: error.to_string(),
                }),
            }
        }
        Self {
            config,
            extras,
            detectors,
            errors,
        }
    }

    /// The rules behind `ids` in the order they run: by id, each once. Unknown ids do nothing.
    pub(super) fn resolve(&self, ids: &'c [String]) -> Vec<Rule> {
        let (mut seen, mut rules) = (BTreeSet::new(), Vec::new());
        let mut open: Vec<_> = ids.iter().rev().map(|id| (id.as_str(), None)).collect();
        while let Some((id, cover)) = open.pop() {
            // Once only: what names itself in a circle ends here too.
            if !seen.insert(id) {
                continue;
            }
            match self.named(id, cover) {
                Named::Rule(rule) => rules.push(rule.covered(cover)),
                Named::Others(ids, cover) => {
                    open.extend(ids.into_iter().rev().map(|id| (id, cover)))
                }
                Named::Nothing => {}
            }
        }
        // Of rules that are one under two names the first counts, so the sort must be stable.
        rules.sort_by(|a: &Rule, b| a.id.cmp(&b.id));
        rules.dedup_by(|next, first| next.id == first.id);
        rules
    }

    /// Whether there is a rule of this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.config.rules.contains_key(id)
            || matches!(id, "@common" | "@common:filter")
            || built_in(id, self.extras).is_some()
    }

    fn named(&self, id: &'c str, cover: Option<Cover<'c>>) -> Named<'c> {
        let Some(rule) = self.config.rules.get(id) else {
            return match id {
                "@common" => Named::Others(COMMON.to_vec(), cover),
                "@common:filter" => Named::Others(COMMON_FILTER.to_vec(), cover),
                _ => built_in(id, self.extras).map_or(Named::Nothing, Named::Rule),
            };
        };
        let own = Cover {
            origin: id,
            redaction: &rule.redaction,
        };
        let covered = |hide: bool| cover.or(hide.then_some(own));
        match &rule.kind {
            RuleKind::Multiple { rules, hide_inner } => Named::Others(
                rules.iter().map(String::as_str).collect(),
                covered(*hide_inner),
            ),
            RuleKind::Alias { rule, hide_inner } => Named::Others(vec![rule], covered(*hide_inner)),
            _ => match self.detectors.get(id) {
                Some(detector) => {
                    Named::Rule(Rule::new(id, detector.clone(), rule.redaction.clone()))
                }
                None => Named::Nothing,
            },
        }
    }
}

/// What a rule looks for, if it does not only name others.
fn detector(
    kind: &RuleKind,
    ignore_case: bool,
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
            Detector::Pattern(compile(pattern, false)?, groups)
        }
        RuleKind::RedactPair { key_pattern } => {
            Detector::KeyValue(compile(key_pattern, ignore_case)?)
        }
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

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
}

const COMMON: [&str; 10] = [
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

const COMMON_FILTER: [&str; 7] = [
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
fn built_in(id: &str, extras: &BTreeSet<ExtraDetector>) -> Option<Rule> {
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
    rule.id = format!("{name}:{method}");
    Some(rule)
}
