//! Rules ready to run: the built-in ones, and those of a configuration.

use regex::RegexBuilder;

use super::config::{ConfigError, PiiConfig, Redaction, RuleKind};
use super::detect::Detector;

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
    config: &'c PiiConfig,
    /// The settings' own expression ignores case; a user's says so itself.
    ignore_case: bool,
    /// Rules that cannot run, and why.
    pub(super) errors: Vec<ConfigError>,
}

impl<'c> Resolver<'c> {
    pub(super) fn new(config: &'c PiiConfig, ignore_case: bool) -> Self {
        Self {
            config,
            ignore_case,
            errors: Vec::new(),
        }
    }

    /// The rules behind `ids` in the order they run: by id, each once. Unknown ids do nothing.
    pub(super) fn resolve(&mut self, ids: &[String]) -> Vec<Rule> {
        let (mut seen, mut rules) = (Vec::new(), Vec::new());
        for id in ids {
            self.collect(id, None, &mut seen, &mut rules);
        }
        // Of rules that are one under two names the first counts, so the sort must be stable.
        rules.sort_by(|a: &Rule, b| a.id.cmp(&b.id));
        rules.dedup_by(|next, first| next.id == first.id);
        rules
    }

    /// Compiles every rule of the configuration, for its errors.
    pub(super) fn check_all(&mut self) {
        let config = self.config;
        for (id, rule) in &config.rules {
            self.detector(id, &rule.kind);
        }
    }

    fn collect(
        &mut self,
        id: &str,
        cover: Option<Cover<'_>>,
        seen: &mut Vec<String>,
        rules: &mut Vec<Rule>,
    ) {
        // Once only: what is aliased in a circle ends here too.
        if seen.iter().any(|known| known == id) {
            return;
        }
        seen.push(id.to_owned());
        let config = self.config;
        let Some(rule) = config.rules.get(id) else {
            return self.collect_built_in(id, cover, seen, rules);
        };
        let (inner, hide) = match &rule.kind {
            RuleKind::Multiple { rules, hide_inner } => (rules.as_slice(), *hide_inner),
            RuleKind::Alias { rule, hide_inner } => (std::slice::from_ref(rule), *hide_inner),
            kind => {
                let detector = self.detector(id, kind);
                rules.extend(detector.map(|detector| {
                    Rule::new(id, detector, rule.redaction.clone()).covered(cover)
                }));
                return;
            }
        };
        let own = Cover {
            origin: id,
            redaction: &rule.redaction,
        };
        let cover = cover.or(hide.then_some(own));
        for id in inner {
            self.collect(id, cover, seen, rules);
        }
    }

    fn collect_built_in(
        &mut self,
        id: &str,
        cover: Option<Cover<'_>>,
        seen: &mut Vec<String>,
        rules: &mut Vec<Rule>,
    ) {
        let inner: &[&str] = match id {
            "@common" => &COMMON,
            "@common:filter" => &COMMON_FILTER,
            _ => return rules.extend(built_in(id).map(|rule| rule.covered(cover))),
        };
        for id in inner {
            self.collect(id, cover, seen, rules);
        }
    }

    fn detector(&mut self, id: &str, kind: &RuleKind) -> Option<Detector> {
        Some(match kind {
            RuleKind::Anything => Detector::Anything,
            RuleKind::Pattern {
                pattern,
                replace_groups,
            } => {
                let groups = replace_groups
                    .iter()
                    .map(|group| usize::from(*group))
                    .collect();
                Detector::Pattern(self.compile(id, pattern, false)?, groups)
            }
            RuleKind::RedactPair { key_pattern } => {
                Detector::KeyValue(self.compile(id, key_pattern, self.ignore_case)?)
            }
            RuleKind::Imei => Detector::Imei,
            RuleKind::Mac => Detector::Mac,
            RuleKind::Uuid => Detector::Uuid,
            RuleKind::Email => Detector::Email,
            RuleKind::Ip => Detector::Ip,
            RuleKind::Creditcard => Detector::CreditCard,
            RuleKind::Iban => Detector::Iban,
            RuleKind::Userpath => Detector::UserPath,
            RuleKind::Pemkey => Detector::PemKey,
            RuleKind::UrlAuth => Detector::UrlAuth,
            RuleKind::UsSsn => Detector::UsSsn,
            RuleKind::Bearer => Detector::Bearer,
            RuleKind::Password => Detector::Password,
            RuleKind::Cookies => Detector::Cookies,
            RuleKind::Multiple { .. } | RuleKind::Alias { .. } | RuleKind::Unknown => return None,
        })
    }

    fn compile(&mut self, id: &str, pattern: &str, ignore_case: bool) -> Option<regex::Regex> {
        let built = RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .size_limit(MAX_PATTERN_BYTES)
            .build();
        built
            .map_err(|error| {
                self.errors.push(ConfigError::Pattern {
                    rule: id.to_owned(),
                    reason: error.to_string(),
                });
            })
            .ok()
    }
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

fn family(name: &str) -> Option<Family> {
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
        "@ip" => replacing(Detector::Ip, "[ip]", false),
        "@email" => replacing(Detector::Email, "[email]", false),
        "@creditcard" => replacing(Detector::CreditCard, "[creditcard]", true),
        "@iban" => replacing(Detector::Iban, "[iban]", true),
        "@pemkey" => replacing(Detector::PemKey, "[pemkey]", true),
        "@urlauth" => replacing(Detector::UrlAuth, "[auth]", false),
        "@userpath" => replacing(Detector::UserPath, "[user]", false),
        "@bearer" => replacing(Detector::Bearer, "Bearer [token]", true),
        "@imei" => replacing(Detector::Imei, "[imei]", false),
        "@mac" => other(Detector::Mac, Redaction::Mask, "[mac]", false),
        "@uuid" => other(Detector::Uuid, Redaction::Mask, "[uuid]", false),
        "@usssn" => other(Detector::UsSsn, Redaction::Mask, "[us-ssn]", true),
        "@password" => other(Detector::Password, Redaction::Remove, "[password]", true),
        _ => None,
    }
}

/// The built-in rule `id`, if there is one.
fn built_in(id: &str) -> Option<Rule> {
    let filtered = Redaction::replace(Redaction::FILTERED);
    match id {
        "@urlauth:legacy" => return Some(Rule::new(id, Detector::UrlPassword, filtered)),
        "@cookies:filter" => return Some(Rule::new(id, Detector::Cookies, filtered)),
        _ => {}
    }
    let (name, method) = id.split_once(':').unwrap_or((id, ""));
    let family = family(name)?;
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
