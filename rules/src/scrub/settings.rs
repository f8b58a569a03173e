//! The switches most users stop at, and the rules they stand for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::config::{ConfigError, PiiConfig, Redaction, RuleKind, RuleSpec};
use super::extra::ExtraDetector;
use super::limits::{self, LeftOut, Scope};
use super::schema::ValueType;
use super::selector::{PathItem, Selector};

/// The data scrubbing settings of a project, under Sentry's names. What their JSON does not name is off; the defaults are
/// those of a new project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubSettings {
    /// Scrub at all, but for IP addresses. Default: on.
    #[serde(default)]
    pub scrub_data: bool,
    /// Scrub what the default rules know: passwords, keys, tokens, card numbers. Default: on.
    #[serde(default)]
    pub scrub_defaults: bool,
    /// Remove IP addresses. Default: off.
    #[serde(default)]
    pub scrub_ip_addresses: bool,
    /// More words: values whose key or text contains one, in any case, are replaced.
    #[serde(default)]
    pub sensitive_fields: Vec<String>,
    /// Selectors of fields that the default rules and [`Self::sensitive_fields`] leave alone.
    #[serde(default, rename = "excludeFields")]
    pub safe_fields: Vec<String>,
}

impl Default for ScrubSettings {
    fn default() -> Self {
        Self {
            scrub_data: true,
            scrub_defaults: true,
            scrub_ip_addresses: false,
            sensitive_fields: Vec::new(),
            safe_fields: Vec::new(),
        }
    }
}

/// What the default rules look at, before the safe fields are taken away.
const MAIN_SELECTOR: &str = "($string || $number || $array || $object) && !(debug_meta.** || $frame.filename \
     || $frame.abs_path || $logentry.formatted || $error.value || $http.headers.user-agent)";

/// What detectors with rules of their own look at: any text, and of those that only rules by name reach the ones that
/// people put keys and numbers into.
const EXTRA_SELECTOR: &str = "($string || tags.* || $http.url || $span.description || culprit) && !(debug_meta.** \
     || $frame.filename || $frame.abs_path || $http.headers.user-agent)";

const IP_FIELDS: &str = "$http.env.REMOTE_ADDR || $user.ip_address || $sdk.client_ip \
     || $span.sentry_tags.'user.ip' || attributes.'client.address'";

/// Attributes of spans and logs that hold prose: only what can be cut out of a text is scrubbed in them.
const PROSE_ATTRIBUTES: [&str; 16] = [
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "gen_ai.request.messages",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.input",
    "gen_ai.tool.call.result",
    "gen_ai.tool.output",
    "gen_ai.output.messages",
    "gen_ai.response.tool_calls",
    "gen_ai.response.text",
    "gen_ai.response.object",
    "gen_ai.tool.definitions",
    "gen_ai.request.available_tools",
    "gen_ai.tool.name",
    "mcp.prompt.result",
    "mcp.tool.result.content",
];

const PROSE_RULES: [&str; 5] = [
    "@email:replace",
    "@creditcard:replace",
    "@iban:replace",
    "@usssn:replace",
    "@bearer:replace",
];

/// Cookies that hold a session or a request forgery token; exact names in any case.
pub(super) const SENSITIVE_COOKIES: [&str; 23] = [
    "sentrysid",
    "sudo",
    "su",
    "session",
    "__session",
    "sessionid",
    "user_session",
    "symfony",
    "phpsessid",
    "fasthttpsessionid",
    "mysession",
    "irissessionid",
    "_vercel_jwt",
    "csrf",
    "xsrf",
    "_xsrf",
    "_csrf",
    "csrf-token",
    "csrf_token",
    "xsrf-token",
    "xsrf_token",
    "fastcsrf",
    "_iris_csrf",
];

const COOKIE_STRINGS: &str = "*.'http.request.header.cookie'.* || *.'http.request.header.cookie' \
     || *.'http.response.header.set-cookie'.* || *.'http.response.header.set-cookie'";

/// What hardly any key has, and most selectors.
const SELECTOR_CHARACTERS: [char; 10] = ['$', '*', '.', '&', '|', '!', '~', '(', ')', '\''];

const SENSITIVE_FIELDS_RULE: &str = "strip-fields";

impl ScrubSettings {
    /// Nothing switched on.
    #[must_use]
    pub fn off() -> Self {
        Self {
            scrub_data: false,
            scrub_defaults: false,
            ..Self::default()
        }
    }

    /// The rules these settings stand for; empty where nothing is to be done.
    #[must_use]
    pub fn to_config(&self) -> PiiConfig {
        self.to_config_of(Scope::One)
    }

    pub(super) fn to_config_of(&self, scope: Scope) -> PiiConfig {
        let mut config = PiiConfig::default();
        let mut main = Vec::new();
        let defaults = self.scrub_data && self.scrub_defaults;
        if defaults {
            main.push("@common:filter".to_owned());
        }
        if self.scrub_ip_addresses {
            main.push("@ip:replace".to_owned());
            apply(&mut config, built_in(IP_FIELDS), &["@anything:remove"]);
        }
        if let Some(rule) = self.sensitive_fields_rule(scope) {
            main.push(SENSITIVE_FIELDS_RULE.to_owned());
            config.rules.insert(SENSITIVE_FIELDS_RULE.to_owned(), rule);
        }
        if !main.is_empty() {
            config.applications.insert(self.main_selector(scope), main);
        }
        if defaults {
            apply(&mut config, prose_fields(), &PROSE_RULES);
            apply(&mut config, cookie_fields(), &["@anything:filter"]);
            apply(&mut config, built_in(COOKIE_STRINGS), &["@cookies:filter"]);
        }
        config
    }

    fn main_selector(&self, scope: Scope) -> Selector {
        without(built_in(MAIN_SELECTOR), self, scope)
    }

    /// The safe fields within the limits, and which are not.
    fn usable_safe_fields(&self, scope: Scope) -> (Vec<Selector>, [LeftOut; 2]) {
        let most = scope.most(limits::MAX_SAFE_FIELDS);
        let most_items = scope.most(limits::MAX_PATH_ITEMS);
        let mut too_many = LeftOut::new("safe fields", most);
        let mut too_long = LeftOut::new("path items in safe fields", most_items);
        let (mut usable, mut items) = (Vec::new(), 0);
        for field in &self.safe_fields {
            if usable.len() == most {
                too_many.add(|| field.clone());
                continue;
            }
            let selector = Selector::parse_or_key(field.trim());
            let own_items = selector.path_items();
            if items + own_items > most_items {
                too_long.add(|| field.clone());
                continue;
            }
            items += own_items;
            usable.push(selector);
        }
        (usable, [too_many, too_long])
    }

    /// The sensitive fields within the limits, and which are not.
    fn usable_sensitive_fields(&self, scope: Scope) -> (Vec<&str>, [LeftOut; 2]) {
        let most = scope.most(limits::MAX_SENSITIVE_FIELDS);
        let most_bytes = scope.most(limits::MAX_SENSITIVE_BYTES);
        let mut too_many = LeftOut::new("sensitive fields", most);
        let mut too_long = LeftOut::new("bytes in sensitive fields", most_bytes);
        let (mut usable, mut bytes) = (Vec::new(), 0);
        let fields = self.sensitive_fields.iter().map(|field| field.trim());
        for field in fields.filter(|field| !field.is_empty()) {
            if usable.len() == most {
                too_many.add(|| field.to_owned());
            } else if bytes + field.len() > most_bytes {
                too_long.add(|| field.to_owned());
            } else {
                bytes += field.len();
                usable.push(field);
            }
        }
        (usable, [too_many, too_long])
    }

    /// What is left out because there is too much of it, each with the member it is in.
    pub(super) fn over_limits(&self, scope: Scope) -> Vec<(&'static str, ConfigError)> {
        let (_, safe) = self.usable_safe_fields(scope);
        let (_, sensitive) = self.usable_sensitive_fields(scope);
        let safe = safe.into_iter().map(|left_out| ("excludeFields", left_out));
        let sensitive = sensitive.map(|left_out| ("sensitiveFields", left_out));
        let all = safe.chain(sensitive);
        let errors = all.filter_map(|(member, left_out)| Some((member, left_out.error()?)));
        errors.collect()
    }

    /// Safe fields that look like selectors and are none, so that they are taken for names of keys, as at Sentry: their places
    /// in the list, from 1, and what is wrong with them.
    #[must_use]
    pub fn doubtful_safe_fields(&self) -> Vec<(usize, String)> {
        let doubtful = |(i, field): (usize, &String)| {
            let error = field.trim().parse::<Selector>().err()?;
            field.contains(SELECTOR_CHARACTERS).then(|| {
                let text = format!(
                    "{field:?} is no selector and protects only keys of this very name: {error}"
                );
                (i + 1, text)
            })
        };
        let fields = self.safe_fields.iter().take(limits::MAX_SAFE_FIELDS);
        fields.enumerate().filter_map(doubtful).collect()
    }

    fn sensitive_fields_rule(&self, scope: Scope) -> Option<RuleSpec> {
        if !self.scrub_data {
            return None;
        }
        let (words, _) = self.usable_sensitive_fields(scope);
        let words: Vec<String> = words.into_iter().map(regex::escape).collect();
        (!words.is_empty()).then(|| RuleSpec {
            kind: RuleKind::RedactPair {
                key_pattern: words.join("|"),
            },
            redaction: Redaction::replace(Redaction::FILTERED),
        })
    }
}

/// Lets the detectors that have rules of their own at everything that may hold what they find, which is more than the
/// default rules look at: what they cut out is small and certain.
pub(super) fn apply_extras(
    config: &mut PiiConfig,
    settings: &ScrubSettings,
    scope: Scope,
    extras: &BTreeSet<ExtraDetector>,
) {
    let rules: Vec<&str> = extras.iter().filter_map(|extra| extra.rule()).collect();
    if !rules.is_empty() {
        let selector = without(built_in(EXTRA_SELECTOR), settings, scope);
        apply(config, selector, &rules);
    }
}

/// `$span.data.'x' || attributes.'x'.value` for every attribute that holds prose, after the log messages.
fn prose_fields() -> Selector {
    let messages = [
        vec![PathItem::Type(ValueType::LogEntry), key("formatted")],
        vec![PathItem::Type(ValueType::Log), key("body")],
    ];
    let attributes = PROSE_ATTRIBUTES.iter().flat_map(|name| {
        [
            vec![PathItem::Type(ValueType::Span), key("data"), key(name)],
            vec![key("attributes"), key(name), key("value")],
        ]
    });
    let paths = messages.into_iter().chain(attributes);
    Selector::Or(paths.map(Selector::Path).collect())
}

/// The places of every sensitive cookie: a `cookies` object, and the attributes of HTTP spans.
fn cookie_fields() -> Selector {
    let paths = SENSITIVE_COOKIES.iter().flat_map(|name| {
        [
            vec![PathItem::Wildcard, key("cookies"), key(name)],
            vec![
                PathItem::Wildcard,
                key(&format!("http.request.header.cookie.{name}")),
            ],
            vec![
                PathItem::Wildcard,
                key(&format!("http.response.header.set-cookie.{name}")),
            ],
        ]
    });
    Selector::Or(paths.map(Selector::Path).collect())
}

/// A selector of several terms without the safe fields.
fn without(selector: Selector, settings: &ScrubSettings, scope: Scope) -> Selector {
    let (safe, _) = settings.usable_safe_fields(scope);
    let safe = safe.into_iter().map(|field| Selector::Not(Box::new(field)));
    match selector {
        Selector::And(parts) => Selector::And(parts.into_iter().chain(safe).collect()),
        other => other,
    }
}

fn key(name: &str) -> PathItem {
    PathItem::Key(name.to_owned())
}

fn apply(config: &mut PiiConfig, selector: Selector, rules: &[&str]) {
    let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
    config.applications.insert(selector, rules);
}

fn built_in(selector: &str) -> Selector {
    selector.parse().expect("built-in selectors are tested")
}
