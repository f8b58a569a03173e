//! The form of filters: what stands in it, and the document it is.

use std::collections::BTreeSet;

use bugle_rules::filter::LegacyBrowser;
use bugle_rules::{Filters, FiltersDocument, Problem as Fault};
use serde::Serialize;
use serde_json::Value;

use super::built_in::{self, BuiltIn, LEGACY_BROWSERS, SWITCHES};
use crate::pages::rules::fields::Fields;

/// The form.
#[derive(Clone, Debug, Default, Serialize)]
pub(in super::super) struct FiltersForm {
    /// The members of the switches that are on.
    switches: Vec<String>,
    /// The names of the browsers that are chosen.
    legacy_browsers: Vec<String>,
    csp_sources: String,
    addresses: String,
    releases: String,
    error_messages: String,
    pub(super) rules: String,
}

/// A switch.
#[derive(Debug, Serialize)]
pub(super) struct ChoiceView {
    member: &'static str,
    title: &'static str,
    explanation: &'static str,
    /// The name its hits are counted by.
    hits: &'static str,
    is_on: bool,
}

/// A browser that can be too old.
#[derive(Debug, Serialize)]
pub(super) struct BrowserView {
    name: &'static str,
    title: &'static str,
    /// The newest version that is too old.
    newest: Option<u32>,
    is_on: bool,
}

/// A list, one entry per line.
#[derive(Debug, Serialize)]
pub(super) struct ListView {
    member: &'static str,
    title: &'static str,
    explanation: &'static str,
    /// The name its hits are counted by; empty if something else shows them.
    hits: &'static str,
    text: String,
    rows: usize,
}

impl FiltersForm {
    /// The form for a document.
    pub(super) fn fill(document: &FiltersDocument) -> Self {
        let is_on = |switch: &&BuiltIn| built_in::is_on(document, switch.member);
        let switches = SWITCHES.iter().filter(is_on);
        let browsers = document.legacy_browsers.iter();
        Self {
            switches: switches.map(|switch| switch.member.to_owned()).collect(),
            legacy_browsers: browsers.map(|browser| browser.name().to_owned()).collect(),
            csp_sources: text(&document.csp_sources),
            addresses: text(&document.addresses),
            releases: text(&document.releases),
            error_messages: text(&document.error_messages),
            rules: document.rules.clone(),
        }
    }

    /// The form as it was sent.
    pub(super) fn typed(fields: &Fields) -> Self {
        let all = |name: &str| fields.all(name).map(str::to_owned).collect();
        Self {
            switches: all("switch"),
            legacy_browsers: all("legacyBrowsers"),
            csp_sources: fields.get("cspSources").to_owned(),
            addresses: fields.get("addresses").to_owned(),
            releases: fields.get("releases").to_owned(),
            error_messages: fields.get("errorMessages").to_owned(),
            rules: fields.get("rules").to_owned(),
        }
    }

    /// The document, or everything that is wrong with it.
    pub(super) fn read(&self) -> Result<FiltersDocument, Vec<Fault>> {
        let document = self.document();
        let (_, mut faults) = Filters::lenient(&document);
        // An entry of a list is shown in the line where it was typed.
        for fault in faults.iter_mut().filter(|fault| fault.field != "rules") {
            let entries = self.text(fault.field).map(entries).unwrap_or_default();
            let entry = fault
                .line
                .and_then(|line| entries.get(line.checked_sub(1)?));
            fault.line = entry.map(|(line, _)| *line);
        }
        match faults.is_empty() {
            true => Ok(document),
            false => Err(faults),
        }
    }

    fn document(&self) -> FiltersDocument {
        let is_on = |member| self.is_on(member);
        let list = |text: &str| entries(text).into_iter().map(|(_, entry)| entry).collect();
        FiltersDocument {
            web_crawlers: is_on("webCrawlers"),
            localhost: is_on("localhost"),
            browser_extensions: is_on("browserExtensions"),
            legacy_browsers: self.chosen_browsers().collect(),
            health_checks: is_on("healthChecks"),
            chunk_load_errors: is_on("chunkLoadErrors"),
            hydration_errors: is_on("hydrationErrors"),
            csp_defaults: is_on("cspDefaults"),
            csp_sources: list(&self.csp_sources),
            addresses: list(&self.addresses),
            releases: list(&self.releases),
            error_messages: list(&self.error_messages),
            rules: self.rules.clone(),
        }
    }

    /// Whether a built-in filter does anything.
    pub(super) fn is_on(&self, member: &str) -> bool {
        match self.text(member) {
            Some(text) => !text.trim().is_empty(),
            None if member == LEGACY_BROWSERS.member => !self.legacy_browsers.is_empty(),
            None => self.switches.iter().any(|on| on == member),
        }
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        Some(match field {
            "cspSources" => &self.csp_sources,
            "addresses" => &self.addresses,
            "releases" => &self.releases,
            "errorMessages" => &self.error_messages,
            "rules" => &self.rules,
            _ => return None,
        })
    }

    pub(super) fn choice(&self, switch: &BuiltIn) -> ChoiceView {
        ChoiceView {
            member: switch.member,
            title: switch.title,
            explanation: switch.explanation,
            hits: switch.reason.name(),
            is_on: self.is_on(switch.member),
        }
    }

    fn chosen_browsers(&self) -> impl Iterator<Item = LegacyBrowser> {
        let names = self.legacy_browsers.iter();
        names.filter_map(|name| serde_json::from_value(Value::from(name.as_str())).ok())
    }

    /// All that are offered, and names of the past that are chosen.
    pub(super) fn browsers(&self) -> Vec<BrowserView> {
        let chosen: BTreeSet<_> = self.chosen_browsers().collect();
        let mut shown: BTreeSet<_> = chosen.clone();
        shown.extend(LegacyBrowser::ALL);
        let view = |browser: LegacyBrowser| BrowserView {
            name: browser.name(),
            title: browser.title(),
            newest: Some(browser.newest()).filter(|version| *version > 0),
            is_on: chosen.contains(&browser),
        };
        shown.into_iter().map(view).collect()
    }

    pub(super) fn list(&self, list: &BuiltIn) -> ListView {
        let text = self.text(list.member).unwrap_or_default();
        ListView {
            member: list.member,
            title: list.title,
            explanation: list.explanation,
            hits: match list.member {
                "cspSources" => "",
                _ => list.reason.name(),
            },
            text: text.to_owned(),
            rows: (text.lines().count() + 1).clamp(3, 12),
        }
    }
}

/// What is in a list, each with the line it stands in, from 1.
fn entries(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate();
    let entries = lines.map(|(index, line)| (index + 1, line.trim().to_owned()));
    entries.filter(|(_, entry)| !entry.is_empty()).collect()
}

fn text(list: &[String]) -> String {
    list.iter().map(|entry| format!("{entry}\n")).collect()
}
