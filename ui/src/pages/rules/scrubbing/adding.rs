//! The small form that adds a rule to the JSON of the advanced rules, for people who do not know it by heart.

use bugle_rules::Problem as Fault;
use bugle_rules::scrub::{PiiConfig, Redaction, RuleKind, RuleSpec, Selector};
use serde::Serialize;
use serde_json::json;

use super::super::fields::Fields;
use super::form::ScrubbingForm;

/// What can be done with what is found, with the words for it.
const METHODS: [(&str, &str); 4] = [
    ("replace", "Replace"),
    ("mask", "Mask with stars"),
    ("hash", "Hash"),
    ("remove", "Remove"),
];

/// What can be looked for, under the names of the rules' JSON, with the words for it.
const TYPES: [(&str, &str); 16] = [
    ("anything", "Anything"),
    ("pattern", "A regular expression"),
    ("password", "Passwords and secrets"),
    ("creditcard", "Card numbers"),
    ("email", "E-mail addresses"),
    ("ip", "IP addresses"),
    ("bearer", "Bearer tokens"),
    ("iban", "IBANs"),
    ("us_ssn", "US social security numbers"),
    ("pemkey", "Private and public keys (PEM)"),
    ("url_auth", "User and password in URLs"),
    ("userpath", "User names in paths"),
    ("cookies", "Session cookies in texts"),
    ("imei", "IMEIs"),
    ("mac", "MAC addresses"),
    ("uuid", "UUIDs"),
];

/// The keys that the preset starts with.
const PRESET_KEYS: &str = "password, token, secret, credit_card, ssn";
const PRESET_TEXT: &str = "***REDACTED***";
const PRESET_SELECTOR: &str = "$http.data || $http.data.**";

/// What is filled in.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Adding {
    methods: Vec<Choice>,
    types: Vec<Choice>,
    method: String,
    ty: String,
    pattern: String,
    selector: String,
    text: String,
    preset_keys: String,
    preset_text: String,
    preset_selector: String,
}

/// What can be chosen.
#[derive(Clone, Debug, Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
    is_chosen: bool,
}

impl Default for Adding {
    fn default() -> Self {
        Self {
            methods: choices(&METHODS, ""),
            types: choices(&TYPES, ""),
            method: String::new(),
            ty: String::new(),
            pattern: String::new(),
            selector: String::new(),
            text: String::new(),
            preset_keys: PRESET_KEYS.to_owned(),
            preset_text: PRESET_TEXT.to_owned(),
            preset_selector: PRESET_SELECTOR.to_owned(),
        }
    }
}

fn choices(known: &[(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    let choice = |(value, label): &(&'static str, &'static str)| Choice {
        value,
        label,
        is_chosen: *value == chosen,
    };
    known.iter().map(choice).collect()
}

impl Adding {
    /// The fields as they were sent.
    pub(super) fn typed(fields: &Fields) -> Self {
        let text = |name| fields.get(name).to_owned();
        Self {
            methods: choices(&METHODS, fields.get("add_method")),
            types: choices(&TYPES, fields.get("add_type")),
            method: text("add_method"),
            ty: text("add_type"),
            pattern: text("add_pattern"),
            selector: text("add_selector"),
            text: text("add_text"),
            preset_keys: text("preset_keys"),
            preset_text: text("preset_text"),
            preset_selector: text("preset_selector"),
        }
    }

    /// The text that was typed into a field.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match field {
            "add_pattern" => Some(&self.pattern),
            "add_selector" => Some(&self.selector),
            "preset_selector" => Some(&self.preset_selector),
            _ => None,
        }
    }

    fn rule(&self) -> Result<RuleSpec, Fault> {
        let mut rule = json!({"type": self.ty, "redaction": {"method": self.method}});
        if self.ty == "pattern" {
            if self.pattern.is_empty() {
                return Err(fault(
                    "add_pattern",
                    None,
                    "a regular expression is missing",
                ));
            }
            rule["pattern"] = self.pattern.as_str().into();
        }
        if self.method == "replace" && !self.text.is_empty() {
            rule["redaction"]["text"] = self.text.as_str().into();
        }
        let is_known = |known: &[(&str, &str)], name: &String| known.iter().any(|(k, _)| k == name);
        let rule = serde_json::from_value(rule).ok();
        rule.filter(|_| is_known(&TYPES, &self.ty) && is_known(&METHODS, &self.method))
            .ok_or_else(|| fault("add_type", None, "choose what to look for and what to do"))
    }
}

/// What a rule looks for and does, in a few words.
pub(super) fn describe(rule: &RuleSpec) -> String {
    let json = serde_json::to_value(rule).unwrap_or_default();
    let words = |known: &[(&str, &str)], name: Option<&str>| {
        let name = name?;
        let words = known.iter().find(|(known, _)| *known == name);
        Some(words.map_or(name, |(_, words)| words).to_lowercase())
    };
    let what = match &rule.kind {
        RuleKind::Pattern { pattern, .. } => Some(shortened(pattern)),
        RuleKind::RedactPair { key_pattern } => Some(format!("keys {}", shortened(key_pattern))),
        _ => words(&TYPES, json["type"].as_str()),
    };
    let deed = words(&METHODS, json["redaction"]["method"].as_str());
    let parts = what.into_iter().chain(deed);
    parts.collect::<Vec<_>>().join(", ")
}

fn shortened(pattern: &str) -> String {
    match pattern.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &pattern[..end]),
        None => pattern.to_owned(),
    }
}

/// Adds the rule that is filled in to the JSON, and empties its fields.
pub(super) fn add_rule(form: &mut ScrubbingForm) -> Vec<Fault> {
    let adding = &form.adding;
    let parts = adding.rule().and_then(|rule| {
        let selector = selector("add_selector", &adding.selector)?;
        Ok((rule, selector))
    });
    let added = parts
        .map_err(|fault| vec![fault])
        .and_then(|(rule, selector)| add(form, rule, selector, "add_pattern"));
    if let Err(faults) = added {
        return faults;
    }
    form.adding.pattern.clear();
    form.adding.selector.clear();
    form.adding.text.clear();
    Vec::new()
}

/// Adds the rule that replaces the values of some keys.
pub(super) fn add_preset(form: &mut ScrubbingForm) -> Vec<Fault> {
    let adding = &form.adding;
    let keys = adding.preset_keys.split([',', '\n']).map(str::trim);
    let keys: Vec<String> = keys.filter(|key| !key.is_empty()).map(escaped).collect();
    if keys.is_empty() {
        return vec![fault("preset_keys", None, "no key is named")];
    }
    let rule = RuleSpec {
        kind: RuleKind::RedactPair {
            key_pattern: format!("(?i){}", keys.join("|")),
        },
        redaction: Redaction::replace(&adding.preset_text),
    };
    let added = selector("preset_selector", &adding.preset_selector)
        .map_err(|fault| vec![fault])
        .and_then(|selector| add(form, rule, selector, "preset_keys"));
    added.err().unwrap_or_default()
}

/// A text as a regular expression that finds it.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && c != '_' {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn selector(field: &'static str, text: &str) -> Result<Selector, Fault> {
    use bugle_rules::scrub::SelectorError;
    let text_of_all = text.trim();
    if text_of_all.is_empty() {
        return Err(fault(
            field,
            None,
            "where to look is missing, such as $string or extra.token",
        ));
    }
    text_of_all.parse().map_err(|error| {
        let offset = match error {
            SelectorError::Syntax(at) => text_of_all.get(..at).map(|before| before.chars().count()),
            _ => None,
        };
        let blanks = text.chars().take_while(|c| c.is_whitespace()).count();
        let column = offset.map(|offset| blanks + offset + 1);
        let message = match &error {
            SelectorError::Syntax(_) => "this is no selector".to_owned(),
            other => other.to_string(),
        };
        fault(field, column, &message)
    })
}

/// Puts a rule under the next free number into the JSON, if that and the rule can be used.
fn add(
    form: &mut ScrubbingForm,
    rule: RuleSpec,
    selector: Selector,
    field: &'static str,
) -> Result<(), Vec<Fault>> {
    let mut config = form.config().clone()?;
    let alone = PiiConfig {
        rules: [("new".to_owned(), rule.clone())].into(),
        ..PiiConfig::default()
    };
    bugle_rules::scrub::Scrubber::new(&Default::default(), &alone)
        .map_err(|error| vec![fault(field, None, &error.to_string())])?;
    let free = (0..).map(|number: usize| number.to_string());
    let id = { free }.find(|id| !config.rules.contains_key(id));
    let id = id.unwrap_or_default();
    config.rules.insert(id.clone(), rule);
    config.applications.entry(selector).or_default().push(id);
    form.set_config(config);
    Ok(())
}

fn fault(field: &'static str, column: Option<usize>, message: &str) -> Fault {
    Fault {
        field,
        line: column.map(|_| 1),
        column,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_rules::ScrubbingDocument;

    fn form(adding: Adding) -> ScrubbingForm {
        let mut form = ScrubbingForm::fill(&ScrubbingDocument::default());
        form.adding = adding;
        form
    }

    fn adding(ty: &str, method: &str, selector: &str) -> Adding {
        Adding {
            ty: ty.to_owned(),
            method: method.to_owned(),
            selector: selector.to_owned(),
            ..Adding::default()
        }
    }

    #[test]
    fn every_choice_makes_a_rule() {
        for (ty, _) in TYPES {
            for (method, _) in METHODS {
                let mut form = form(adding(ty, method, "$string"));
                form.adding.pattern = "a+".to_owned();
                assert_eq!(add_rule(&mut form), [], "{ty} {method}");
                assert_eq!(add_rule_again(&mut form, ty, method), [], "{ty} {method}");
                let config = form.read().unwrap().advanced;
                assert_eq!(config.rules.len(), 2);
                let kind = serde_json::to_value(&config.rules["1"]).unwrap();
                assert_eq!(kind["type"], ty);
                assert_eq!(config.applications.values().next().unwrap(), &["0", "1"]);
            }
        }
    }

    fn add_rule_again(form: &mut ScrubbingForm, ty: &str, method: &str) -> Vec<Fault> {
        form.adding = adding(ty, method, "$string");
        form.adding.pattern = "b".to_owned();
        add_rule(form)
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        for (mut adding, pattern, field, column) in [
            (adding("ip", "mask", ""), "", "add_selector", None),
            (
                adding("ip", "mask", " $string && )"),
                "",
                "add_selector",
                Some(13),
            ),
            (adding("ip", "mask", "$nothing"), "", "add_selector", None),
            (
                adding("pattern", "mask", "$string"),
                "",
                "add_pattern",
                None,
            ),
            (
                adding("pattern", "mask", "$string"),
                "(",
                "add_pattern",
                None,
            ),
            (adding("multiple", "mask", "$string"), "", "add_type", None),
            (adding("ip", "burn", "$string"), "", "add_type", None),
        ] {
            adding.pattern = pattern.to_owned();
            let mut form = form(adding);
            let faults = add_rule(&mut form);
            assert_eq!((faults.len(), faults[0].field), (1, field));
            assert_eq!(faults[0].column, column, "{}", form.adding.selector);
            assert_eq!(form.text("advanced"), Some(""));
        }
    }

    #[test]
    fn rules_are_described() {
        for (json, words) in [
            (
                r#"{"type":"email","redaction":{"method":"mask"}}"#,
                "e-mail addresses, mask with stars",
            ),
            (r#"{"type":"redact_pair","keyPattern":"pin"}"#, "keys pin"),
            (
                r#"{"type":"pattern","pattern":"a+","redaction":{"method":"remove"}}"#,
                "a+, remove",
            ),
            (r#"{"type":"multiple","rules":[]}"#, "multiple"),
        ] {
            assert_eq!(describe(&serde_json::from_str(json).unwrap()), words);
        }
    }

    #[test]
    fn the_preset_replaces_the_values_of_keys() {
        let mut form = form(Adding {
            preset_keys: "pass.word, to-ken\n $".to_owned(),
            ..Adding::default()
        });
        assert_eq!(add_preset(&mut form), []);
        let config = form.read().unwrap().advanced;
        let pattern = RuleKind::RedactPair {
            key_pattern: r"(?i)pass\.word|to\-ken|\$".to_owned(),
        };
        assert_eq!(config.rules["0"].kind, pattern);
        form.adding.preset_keys = " , ".to_owned();
        assert_eq!(add_preset(&mut form)[0].field, "preset_keys");
        let pairs = [
            ("advanced", "{"),
            ("preset_keys", "x"),
            ("preset_selector", "a"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut form = ScrubbingForm::typed(&Fields::new(pairs.to_vec()));
        assert_eq!(add_preset(&mut form)[0].field, "advanced");
    }
}
