//! The form of the scrubbing settings, and the document it stands for.

use std::sync::OnceLock;

use bugle_rules::scrub::{ExtraDetector, PiiConfig, ScrubSettings, Scrubber};
use bugle_rules::{Problem as Fault, ScrubbingDocument};
use serde::Serialize;

use super::super::fields::{Fields, lines};
use super::adding::Adding;

/// What stands in the form.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct ScrubbingForm {
    scrub_data: bool,
    scrub_defaults: bool,
    scrub_ip_addresses: bool,
    /// One word per line.
    sensitive_fields: String,
    /// One selector per line.
    safe_fields: String,
    detectors: Vec<Detector>,
    /// Sentry's JSON.
    advanced: String,
    /// What is read from it, once: that compiles every rule.
    #[serde(skip)]
    config: OnceLock<Result<PiiConfig, Vec<Fault>>>,
    /// The rule that is about to be added.
    pub(super) adding: Adding,
}

/// A detector that can be switched on.
#[derive(Clone, Debug, Serialize)]
struct Detector {
    name: &'static str,
    label: String,
    is_on: bool,
}

impl ScrubbingForm {
    /// The form for a document.
    pub(super) fn fill(document: &ScrubbingDocument) -> Self {
        let settings = &document.settings;
        Self {
            scrub_data: settings.scrub_data,
            scrub_defaults: settings.scrub_defaults,
            scrub_ip_addresses: settings.scrub_ip_addresses,
            sensitive_fields: settings.sensitive_fields.join("\n"),
            safe_fields: settings.safe_fields.join("\n"),
            detectors: detectors(|detector| document.detectors.contains(&detector)),
            advanced: pretty(&document.advanced),
            config: OnceLock::from(Ok(document.advanced.clone())),
            adding: Adding::default(),
        }
    }

    /// The form as it was sent.
    pub(super) fn typed(fields: &Fields) -> Self {
        let is_on = |detector: ExtraDetector| fields.all("detector").any(|d| d == detector.name());
        Self {
            scrub_data: fields.is_checked("scrub_data"),
            scrub_defaults: fields.is_checked("scrub_defaults"),
            scrub_ip_addresses: fields.is_checked("scrub_ip_addresses"),
            sensitive_fields: fields.get("sensitive_fields").to_owned(),
            safe_fields: fields.get("safe_fields").to_owned(),
            detectors: detectors(is_on),
            advanced: fields.get("advanced").to_owned(),
            config: OnceLock::new(),
            adding: Adding::typed(fields),
        }
    }

    /// The document, if everything in it can be used.
    pub(super) fn read(&self) -> Result<ScrubbingDocument, Vec<Fault>> {
        let document = self.with_advanced(self.config().clone()?);
        let (_, faults) = Scrubber::of_document(&document);
        match faults.is_empty() {
            true => Ok(document),
            false => Err(faults),
        }
    }

    /// The document; without its advanced rules if these cannot be used.
    pub(super) fn document(&self) -> ScrubbingDocument {
        self.with_advanced(self.config().clone().unwrap_or_default())
    }

    fn with_advanced(&self, advanced: PiiConfig) -> ScrubbingDocument {
        let on = ExtraDetector::ALL.into_iter().zip(&self.detectors);
        ScrubbingDocument {
            settings: ScrubSettings {
                scrub_data: self.scrub_data,
                scrub_defaults: self.scrub_defaults,
                scrub_ip_addresses: self.scrub_ip_addresses,
                sensitive_fields: lines(&self.sensitive_fields),
                safe_fields: lines(&self.safe_fields),
            },
            detectors: on
                .filter(|(_, view)| view.is_on)
                .map(|(detector, _)| detector)
                .collect(),
            advanced,
        }
    }

    /// The text that was typed into a field.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match field {
            "advanced" => Some(&self.advanced),
            "sensitiveFields" => Some(&self.sensitive_fields),
            "excludeFields" => Some(&self.safe_fields),
            _ => self.adding.text(field),
        }
    }

    /// The advanced rules, or what is wrong with them.
    pub(super) fn config(&self) -> &Result<PiiConfig, Vec<Fault>> {
        self.config.get_or_init(|| PiiConfig::paste(&self.advanced))
    }

    /// Puts other rules in their place, which can be used.
    pub(super) fn set_config(&mut self, config: PiiConfig) {
        self.advanced = pretty(&config);
        self.config = OnceLock::from(Ok(config));
    }
}

fn detectors(is_on: impl Fn(ExtraDetector) -> bool) -> Vec<Detector> {
    let view = |detector: ExtraDetector| Detector {
        name: detector.name(),
        label: capitalized(detector.description()),
        is_on: is_on(detector),
    };
    ExtraDetector::ALL.into_iter().map(view).collect()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

/// Rules as the form shows them; nothing where there are none.
fn pretty(config: &PiiConfig) -> String {
    if *config == PiiConfig::default() {
        return String::new();
    }
    serde_json::to_string_pretty(config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(advanced: &str) -> ScrubbingForm {
        let pairs = [("scrub_data", "on"), ("advanced", advanced)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ScrubbingForm::typed(&Fields::new(pairs.to_vec()))
    }

    const RULES: &str = r#"{"rules":{"0":{"type":"ip","redaction":{"method":"mask"}}},"applications":{"$string":["0"]}}"#;

    #[test]
    fn a_document_survives_the_form() {
        let form = form(RULES);
        let document = form.read().unwrap();
        assert_eq!(document.advanced, PiiConfig::parse(RULES).unwrap());
        let again = ScrubbingForm::fill(&document);
        assert!(again.advanced.contains("\n  \"applications\""));
        assert_eq!(again.read().unwrap(), document);
    }

    #[test]
    fn faults_belong_to_their_fields() {
        let fault = &form("{\n  \"rules\": [}\n}").read().unwrap_err()[0];
        assert_eq!((fault.field, fault.line), ("advanced", Some(2)));
        let broken = r#"{"rules":{"x":{"type":"pattern","pattern":"("}}}"#;
        let fault = &form(broken).read().unwrap_err()[0];
        assert!(fault.message.contains("\"x\""), "{}", fault.message);
        assert_eq!(form(" \n").read().unwrap().advanced, PiiConfig::default());
    }
}
