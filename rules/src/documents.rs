//! The documents that a team edits, one per topic. They are stored as JSON; what a document does not name has its default.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::filter::LegacyBrowser;
use crate::scrub::{ExtraDetector, PiiConfig, ScrubSettings};

/// What is removed from events before they are stored. An organisation has one too, which applies to all its projects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Written")]
pub struct ScrubbingDocument {
    /// Sentry's switches and lists.
    #[serde(flatten)]
    pub settings: ScrubSettings,
    /// What is found beyond Sentry's rules, each switched on by itself; [`ExtraDetector::defaults`] if nothing is said.
    pub detectors: BTreeSet<ExtraDetector>,
    /// Rules in Sentry's own format.
    pub advanced: PiiConfig,
}

/// A document as it may be written: nothing that is left out switches scrubbing off, as it would in settings of Sentry's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    scrub_data: Option<bool>,
    scrub_defaults: Option<bool>,
    #[serde(flatten)]
    others: ScrubSettings,
    #[serde(default = "ExtraDetector::defaults")]
    detectors: BTreeSet<ExtraDetector>,
    #[serde(default)]
    advanced: PiiConfig,
}

impl From<Written> for ScrubbingDocument {
    fn from(written: Written) -> Self {
        Self {
            settings: ScrubSettings {
                scrub_data: written.scrub_data.unwrap_or(true),
                scrub_defaults: written.scrub_defaults.unwrap_or(true),
                ..written.others
            },
            detectors: written.detectors,
            advanced: written.advanced,
        }
    }
}

/// What is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FiltersDocument {
    /// What crawlers send.
    pub web_crawlers: bool,
    /// What comes from developers' machines.
    pub localhost: bool,
    /// Errors of browser extensions.
    pub browser_extensions: bool,
    /// Errors of old browsers.
    pub legacy_browsers: BTreeSet<LegacyBrowser>,
    /// Transactions of health checks.
    pub health_checks: bool,
    /// Scripts of an older deployment that are gone.
    pub chunk_load_errors: bool,
    /// React's hydration errors.
    pub hydration_errors: bool,
    /// Security reports about browser extensions and the like: Sentry's list.
    pub csp_defaults: bool,
    /// More origins whose security reports are dropped.
    pub csp_sources: Vec<String>,
    /// Addresses and networks (CIDR) of senders.
    pub addresses: Vec<String>,
    /// Patterns of releases.
    pub releases: Vec<String>,
    /// Patterns of messages, and of `type: value` of exceptions.
    pub error_messages: Vec<String>,
    /// Lines `condition -> drop`.
    pub rules: String,
}

/// How much of what comes in is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingDocument {
    /// Lines `condition -> sample RATE`; the first that holds decides.
    pub rules: String,
}

/// Which tags are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagsDocument {
    /// Lines `condition -> tag key=value`; all that hold apply.
    pub rules: String,
}

/// The filters of a new project, as at Sentry.
impl Default for FiltersDocument {
    fn default() -> Self {
        Self {
            web_crawlers: false,
            localhost: false,
            browser_extensions: false,
            legacy_browsers: BTreeSet::new(),
            health_checks: true,
            chunk_load_errors: true,
            hydration_errors: true,
            csp_defaults: true,
            csp_sources: Vec::new(),
            addresses: Vec::new(),
            releases: Vec::new(),
            error_messages: Vec::new(),
            rules: String::new(),
        }
    }
}

/// What a new project scrubs.
impl Default for ScrubbingDocument {
    fn default() -> Self {
        Self {
            settings: ScrubSettings::default(),
            detectors: ExtraDetector::defaults(),
            advanced: PiiConfig::default(),
        }
    }
}

impl ScrubbingDocument {
    /// Joins what an organisation and a project want: what either of them scrubs is scrubbed, lists are put together with
    /// the organisation's first. The ids of advanced rules are prefixed `organization:` and `project:`, as at Sentry.
    #[must_use]
    pub fn compose(organization: &Self, project: &Self) -> Self {
        let (a, b) = (&organization.settings, &project.settings);
        let settings = ScrubSettings {
            scrub_data: a.scrub_data || b.scrub_data,
            scrub_defaults: a.scrub_defaults || b.scrub_defaults,
            scrub_ip_addresses: a.scrub_ip_addresses || b.scrub_ip_addresses,
            sensitive_fields: [&a.sensitive_fields[..], &b.sensitive_fields].concat(),
            safe_fields: [&a.safe_fields[..], &b.safe_fields].concat(),
        };
        let detectors = organization.detectors.union(&project.detectors);
        Self {
            settings,
            detectors: detectors.copied().collect(),
            advanced: PiiConfig::merge(&organization.advanced, &project.advanced),
        }
    }

    /// What an organisation asks of its projects before it has decided anything: nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            settings: ScrubSettings::off(),
            detectors: BTreeSet::new(),
            advanced: PiiConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scrubbing_does_not_name_stays_on() {
        let read = |text: &str| serde_json::from_str::<ScrubbingDocument>(text).unwrap();
        assert_eq!(read("{}"), ScrubbingDocument::default());
        let addresses = read(r#"{"scrubIpAddresses":true,"excludeFields":["x"]}"#).settings;
        assert!(addresses.scrub_data && addresses.scrub_defaults && addresses.scrub_ip_addresses);
        assert_eq!(addresses.safe_fields, ["x"]);
        assert!(!read(r#"{"scrubDefaults":false}"#).settings.scrub_defaults);
        for document in [ScrubbingDocument::default(), ScrubbingDocument::nothing()] {
            let text = serde_json::to_string(&document).unwrap();
            assert_eq!(read(&text), document);
        }
    }
}
