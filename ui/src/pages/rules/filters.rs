//! What is dropped before it is stored.

use std::collections::BTreeSet;

use bugle_protocol::{FilterReason, RuleTopic};
use bugle_rules::filter::{LegacyBrowser, presets};
use bugle_rules::rehearsal::{self, FilterRehearsal};
use bugle_rules::{Filters, FiltersDocument, Problem as Fault};
use serde::Serialize;
use serde_json::Value;

use super::Topic;
use super::fields::Fields;
use super::hits::NamedRule;
use super::lines::{self, LinesBeside};
use super::place::Place;
use super::preview::{self, EffectView, HeadView, Sample};
use crate::Ui;
use crate::problem::Problem;

/// The topic.
pub(super) struct InboundFilters;

/// A filter that is built in: a switch, the old browsers, or a list.
struct BuiltIn {
    /// The member of the document, which is the name of the form's field.
    member: &'static str,
    reason: FilterReason,
    title: &'static str,
    explanation: &'static str,
}

const SWITCHES: [BuiltIn; 7] = [
    BuiltIn {
        member: "webCrawlers",
        reason: FilterReason::WebCrawlers,
        title: "Web crawlers",
        explanation: "Errors that search engines and link checkers run into, known by their user agents.",
    },
    BuiltIn {
        member: "localhost",
        reason: FilterReason::Localhost,
        title: "Localhost",
        explanation: "Errors of developers’ machines: a user at 127.0.0.1 or ::1, or a page on localhost.",
    },
    BuiltIn {
        member: "browserExtensions",
        reason: FilterReason::BrowserExtensions,
        title: "Browser extensions",
        explanation: "Errors in the scripts that visitors’ extensions put into your pages.",
    },
    BuiltIn {
        member: "healthChecks",
        reason: FilterReason::FilteredTransaction,
        title: "Health checks",
        explanation: "Transactions such as GET /healthz, /ready or /ping that only say that the service lives.",
    },
    BuiltIn {
        member: "chunkLoadErrors",
        reason: FilterReason::ChunkLoadError,
        title: "Chunk load errors",
        explanation: "Open pages of an older deployment that ask for a script which is gone.",
    },
    BuiltIn {
        member: "hydrationErrors",
        reason: FilterReason::ReactHydrationErrors,
        title: "Hydration errors",
        explanation: "React finds other markup than it rendered, mostly because of extensions or translators.",
    },
    BuiltIn {
        member: "cspDefaults",
        reason: FilterReason::InvalidCsp,
        title: "Security reports about other people’s scripts",
        explanation: "Reports of a browser’s content security policy about extensions, toolbars and the like.",
    },
];

const LEGACY_BROWSERS: BuiltIn = BuiltIn {
    member: "legacyBrowsers",
    reason: FilterReason::LegacyBrowsers,
    title: "Old browsers",
    explanation: "Errors of browsers up to the version beside their name.",
};

const LISTS: [BuiltIn; 3] = [
    BuiltIn {
        member: "addresses",
        reason: FilterReason::IpAddress,
        title: "Addresses",
        explanation: "Senders, one address or network per line, such as 203.0.113.7 or 10.0.0.0/8.",
    },
    BuiltIn {
        member: "releases",
        reason: FilterReason::ReleaseVersion,
        title: "Releases",
        explanation: "One release per line; * stands for anything, as in shop@1.*.",
    },
    BuiltIn {
        member: "errorMessages",
        reason: FilterReason::ErrorMessage,
        title: "Messages",
        explanation: "One pattern per line for messages and for “type: value” of errors, such as TypeError*undefined*.",
    },
];

/// Its hits are those of the switch `cspDefaults`.
const CSP_SOURCES: BuiltIn = BuiltIn {
    member: "cspSources",
    reason: FilterReason::InvalidCsp,
    title: "Origins of security reports",
    explanation: "More origins whose scripts you do not answer for, one per line, such as https://*.example.com.",
};

/// The form.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct FiltersForm {
    /// The members of the switches that are on.
    switches: Vec<String>,
    /// The names of the browsers that are chosen.
    legacy_browsers: Vec<String>,
    csp_sources: String,
    addresses: String,
    releases: String,
    error_messages: String,
    rules: String,
}

/// What the page shows beside the form.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    switches: Vec<ChoiceView>,
    browsers_title: &'static str,
    browsers_explanation: &'static str,
    browsers_hits: &'static str,
    browsers: Vec<BrowserView>,
    lists: Vec<ListView>,
    lines: LinesBeside,
}

/// A switch.
#[derive(Debug, Serialize)]
struct ChoiceView {
    member: &'static str,
    title: &'static str,
    explanation: &'static str,
    /// The name its hits are counted by.
    hits: &'static str,
    is_on: bool,
}

/// A browser that can be too old.
#[derive(Debug, Serialize)]
struct BrowserView {
    name: &'static str,
    title: &'static str,
    /// The newest version that is too old.
    newest: Option<u32>,
    is_on: bool,
}

/// A list, one entry per line.
#[derive(Debug, Serialize)]
struct ListView {
    member: &'static str,
    title: &'static str,
    explanation: &'static str,
    /// The name its hits are counted by; empty if something else shows them.
    hits: &'static str,
    text: String,
    rows: usize,
}

/// The model of the preview.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    head: HeadView,
    dropped: usize,
    newly: usize,
    no_longer: usize,
    share: String,
    rules: Vec<EffectView>,
}

impl Topic for InboundFilters {
    const TOPIC: RuleTopic = RuleTopic::Filters;
    const TEMPLATE: &'static str = "filters.html";
    type Document = FiltersDocument;
    type Form = FiltersForm;
    type Beside = Beside;
    type Preview = Preview;

    fn initial(_: &Place) -> FiltersDocument {
        FiltersDocument::default()
    }

    fn fill(document: &FiltersDocument) -> FiltersForm {
        let is_on = |switch: &&BuiltIn| is_on(document, switch.member);
        let switches = SWITCHES.iter().filter(is_on);
        let browsers = document.legacy_browsers.iter();
        FiltersForm {
            switches: switches.map(|switch| switch.member.to_owned()).collect(),
            legacy_browsers: browsers.map(|browser| browser.name().to_owned()).collect(),
            csp_sources: text(&document.csp_sources),
            addresses: text(&document.addresses),
            releases: text(&document.releases),
            error_messages: text(&document.error_messages),
            rules: document.rules.clone(),
        }
    }

    fn typed(fields: &Fields) -> FiltersForm {
        let all = |name: &str| fields.all(name).map(str::to_owned).collect();
        FiltersForm {
            switches: all("switch"),
            legacy_browsers: all("legacyBrowsers"),
            csp_sources: fields.get("cspSources").to_owned(),
            addresses: fields.get("addresses").to_owned(),
            releases: fields.get("releases").to_owned(),
            error_messages: fields.get("errorMessages").to_owned(),
            rules: fields.get("rules").to_owned(),
        }
    }

    fn read(form: &FiltersForm) -> Result<FiltersDocument, Vec<Fault>> {
        let document = form.document();
        let (_, mut faults) = Filters::lenient(&document);
        // An entry of a list is shown in the line where it was typed.
        for fault in faults.iter_mut().filter(|fault| fault.field != "rules") {
            let entries = form.text(fault.field).map(entries).unwrap_or_default();
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

    fn text<'f>(form: &'f FiltersForm, field: &str) -> Option<&'f str> {
        form.text(field)
    }

    fn press(form: &mut FiltersForm, _: &Fields, button: &str) -> Option<Vec<Fault>> {
        lines::press(presets(), &mut form.rules, button)
    }

    fn rules(form: &FiltersForm) -> Vec<NamedRule> {
        let on = all().filter(|own| form.is_on(own.member));
        let built_in = on.map(|own| NamedRule {
            name: own.reason.name().to_owned(),
            line: None,
            label: own.title.to_owned(),
        });
        built_in.chain(lines::rules(&form.rules)).collect()
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        match FilterReason::from_name(name) {
            Some(reason) => built_in(reason).map(|own| (own.title.to_owned(), true)),
            None => lines::gone(name),
        }
    }

    async fn beside(_: &Ui, _: &Place, form: &FiltersForm) -> Result<Beside, Problem> {
        Ok(Beside {
            switches: SWITCHES.iter().map(|switch| form.choice(switch)).collect(),
            browsers_title: LEGACY_BROWSERS.title,
            browsers_explanation: LEGACY_BROWSERS.explanation,
            browsers_hits: LEGACY_BROWSERS.reason.name(),
            browsers: form.browsers(),
            lists: LISTS
                .iter()
                .chain([&CSP_SOURCES])
                .map(|list| form.list(list))
                .collect(),
            lines: LinesBeside::read(presets(), &form.rules).await?,
        })
    }

    async fn preview(
        ui: &Ui,
        place: &Place,
        candidate: FiltersDocument,
    ) -> Result<Preview, Problem> {
        let current = preview::current::<Self>(ui, place).await?;
        let sample = Sample::read(ui, place).await?;
        let (result, sample) = sample
            .try_out(move |bodies, go_on| rehearsal::filters(&candidate, &current, bodies, go_on))
            .await?;
        Ok(view(&result, &sample))
    }
}

fn view(result: &FilterRehearsal, sample: &Sample) -> Preview {
    let total = result.looked.total();
    let rules = result.rules.iter();
    Preview {
        head: sample.head(&result.looked, result.rules.len()),
        dropped: result.dropped,
        newly: result.newly,
        no_longer: result.no_longer,
        share: preview::share(result.dropped, total),
        rules: rules
            .map(|rule| sample.effect(rule, total, title))
            .collect(),
    }
}

impl FiltersForm {
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
    fn is_on(&self, member: &str) -> bool {
        match self.text(member) {
            Some(text) => !text.trim().is_empty(),
            None if member == LEGACY_BROWSERS.member => !self.legacy_browsers.is_empty(),
            None => self.switches.iter().any(|on| on == member),
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        Some(match field {
            "cspSources" => &self.csp_sources,
            "addresses" => &self.addresses,
            "releases" => &self.releases,
            "errorMessages" => &self.error_messages,
            "rules" => &self.rules,
            _ => return None,
        })
    }

    fn choice(&self, switch: &BuiltIn) -> ChoiceView {
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
    fn browsers(&self) -> Vec<BrowserView> {
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

    fn list(&self, list: &BuiltIn) -> ListView {
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

fn is_on(document: &FiltersDocument, member: &str) -> bool {
    match member {
        "webCrawlers" => document.web_crawlers,
        "localhost" => document.localhost,
        "browserExtensions" => document.browser_extensions,
        "healthChecks" => document.health_checks,
        "chunkLoadErrors" => document.chunk_load_errors,
        "hydrationErrors" => document.hydration_errors,
        "cspDefaults" => document.csp_defaults,
        _ => false,
    }
}

fn all() -> impl Iterator<Item = &'static BuiltIn> {
    SWITCHES.iter().chain([&LEGACY_BROWSERS]).chain(&LISTS)
}

fn built_in(reason: FilterReason) -> Option<&'static BuiltIn> {
    all().find(|own| own.reason == reason)
}

/// What a member of the document is called.
fn title(member: &str) -> &'static str {
    all()
        .find(|own| own.member == member)
        .map_or("Filter", |own| own.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives_the_form() {
        let everything = FiltersDocument {
            web_crawlers: true,
            localhost: true,
            browser_extensions: true,
            legacy_browsers: LegacyBrowser::ALL.iter().copied().collect(),
            csp_sources: vec!["https://*.example.com".to_owned()],
            addresses: vec!["10.0.0.0/8".to_owned(), "::1".to_owned()],
            releases: vec!["shop@1.*".to_owned()],
            error_messages: vec!["*<b>*".to_owned()],
            rules: "# Ours\nlevel:debug -> drop\n".to_owned(),
            ..FiltersDocument::default()
        };
        let off = FiltersDocument {
            health_checks: false,
            chunk_load_errors: false,
            hydration_errors: false,
            csp_defaults: false,
            ..FiltersDocument::default()
        };
        for document in [everything, FiltersDocument::default(), off] {
            let form = InboundFilters::fill(&document);
            assert_eq!(InboundFilters::read(&form), Ok(document));
        }
    }

    #[test]
    fn every_reason_has_a_title() {
        for reason in FilterReason::ALL {
            let expected = *reason != FilterReason::CustomRule;
            assert_eq!(built_in(*reason).is_some(), expected, "{reason:?}");
        }
    }
}
