//! What is dropped before it is stored: Sentry's filters as switches and lists, and rule lines `condition -> drop`.

mod browser;
mod crawler;
mod csp;
mod extension;
mod health;
mod localhost;
mod patterns;
mod presets;
mod script;

use std::borrow::Cow;
use std::collections::BTreeSet;

use bugle_protocol::{FilterReason, RuleName};
use bugle_query::rules::ActionError;
use bugle_query::{Network, NetworkError, Span};

use crate::documents::FiltersDocument;
use crate::facts::Facts;
use crate::lines::{self, Line};
use crate::problem::Problem;
pub use browser::LegacyBrowser;
use csp::Origins;
use patterns::{Budget, Patterns};
pub use presets::presets;

/// The longest list of addresses, which is gone through for every event.
const MAX_ADDRESSES: usize = 1_000;

/// Compiled filters.
#[derive(Clone, Debug)]
pub struct Filters {
    rules: Vec<Line<()>>,
    switches: Switches,
    legacy_browsers: BTreeSet<LegacyBrowser>,
    origins: Origins,
    addresses: Vec<Network>,
    releases: Patterns,
    messages: Patterns,
}

/// The filters that are on or off.
#[derive(Clone, Copy, Debug)]
struct Switches {
    web_crawlers: bool,
    localhost: bool,
    browser_extensions: bool,
    health_checks: bool,
    chunk_load_errors: bool,
    hydration_errors: bool,
}

/// The filter that an event ran into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterHit {
    /// What the ledger says.
    pub reason: FilterReason,
    /// What it is counted by: the reason's name, or that of a rule line.
    pub rule: RuleName,
}

/// Filters as a new project does.
impl Default for Filters {
    fn default() -> Self {
        Self::lenient(&FiltersDocument::default()).0
    }
}

/// Whether a filter drops an event.
type Test = fn(&Filters, &Facts<'_>) -> bool;

/// The filters in the order of Sentry, in which they come after a team's rules.
const STEPS: [(FilterReason, Test); 11] = [
    (FilterReason::ChunkLoadError, |filters, facts| {
        filters.switches.chunk_load_errors && script::is_chunk_load_error(facts)
    }),
    (FilterReason::ReactHydrationErrors, |filters, facts| {
        filters.switches.hydration_errors && script::is_hydration_error(facts)
    }),
    (FilterReason::InvalidCsp, |filters, facts| {
        filters.origins.has_report(facts)
    }),
    (FilterReason::IpAddress, Filters::has_address),
    (FilterReason::ReleaseVersion, Filters::has_release),
    (FilterReason::ErrorMessage, Filters::has_message),
    (FilterReason::Localhost, |filters, facts| {
        filters.switches.localhost && localhost::is_local(facts)
    }),
    (FilterReason::BrowserExtensions, |filters, facts| {
        filters.switches.browser_extensions && extension::is_of_extension(facts)
    }),
    (FilterReason::LegacyBrowsers, |filters, facts| {
        browser::is_legacy(&filters.legacy_browsers, facts)
    }),
    (FilterReason::WebCrawlers, |filters, facts| {
        filters.switches.web_crawlers && crawler::is_crawler(facts)
    }),
    (FilterReason::FilteredTransaction, |filters, facts| {
        filters.switches.health_checks && health::is_health_check(facts)
    }),
];

impl Filters {
    /// Compiles what can be compiled; returns what could not.
    #[must_use]
    pub fn lenient(document: &FiltersDocument) -> (Self, Vec<Problem>) {
        let (rules, mut problems) = lines::compile(&document.rules, parse_action);
        let (origins, wrong) = Origins::new(document.csp_defaults, &document.csp_sources);
        problems.extend(wrong.into_iter().map(|place| {
            let message = "an origin has no spaces: `https://*.example.com:443`";
            in_list("cspSources", place, message.to_owned())
        }));
        if document.csp_sources.len() > csp::MAX_SOURCES {
            let message = format!("a list has at most {} origins", csp::MAX_SOURCES);
            problems.push(in_list("cspSources", csp::MAX_SOURCES + 1, message));
        }
        let (addresses, wrong) = networks(&document.addresses);
        problems.extend(wrong);
        let mut budget = Budget::default();
        let mut patterns = |field, list: &[String]| {
            let (patterns, wrong) = Patterns::new(list, &mut budget);
            let wrong = wrong.into_iter();
            problems.extend(wrong.map(|(place, message)| in_list(field, place, message)));
            patterns
        };
        let filters = Self {
            releases: patterns("releases", &document.releases),
            messages: patterns("errorMessages", &document.error_messages),
            rules,
            switches: Switches {
                web_crawlers: document.web_crawlers,
                localhost: document.localhost,
                browser_extensions: document.browser_extensions,
                health_checks: document.health_checks,
                chunk_load_errors: document.chunk_load_errors,
                hydration_errors: document.hydration_errors,
            },
            legacy_browsers: document.legacy_browsers.clone(),
            origins,
            addresses,
        };
        (filters, problems)
    }

    /// The first filter that the event runs into.
    #[must_use]
    pub fn first_hit(&self, facts: &Facts<'_>) -> Option<FilterHit> {
        let rule = self
            .rules
            .iter()
            .find(|line| line.rule.condition.matches(facts));
        if let Some(line) = rule {
            return Some(FilterHit {
                reason: FilterReason::CustomRule,
                rule: line.name.clone(),
            });
        }
        let (reason, _) = STEPS.into_iter().find(|(_, test)| test(self, facts))?;
        Some(FilterHit {
            reason,
            rule: RuleName(Cow::Borrowed(reason.name())),
        })
    }

    fn has_address(&self, facts: &Facts<'_>) -> bool {
        let sender = facts.sender.client_ip;
        sender.is_some_and(|sender| {
            self.addresses
                .iter()
                .any(|network| network.contains(sender))
        })
    }

    fn has_release(&self, facts: &Facts<'_>) -> bool {
        let release = facts.event.get_str("release");
        release.is_some_and(|release| self.releases.match_text(release))
    }

    fn has_message(&self, facts: &Facts<'_>) -> bool {
        if self.messages.is_empty() {
            return false;
        }
        let message = facts.event.logentry().and_then(|entry| entry.text());
        if message.is_some_and(|text| self.messages.match_text(text)) {
            return true;
        }
        let mut descriptions = facts.event.exceptions().filter_map(crate::facts::described);
        descriptions.any(|text| self.messages.match_text(&text))
    }
}

fn parse_action(text: &str) -> Result<(), ActionError> {
    if text == "drop" {
        return Ok(());
    }
    let span = Span {
        start: 0,
        end: text.len(),
    };
    Err(ActionError::new(span, "expected `drop`"))
}

/// A problem of an item of a list; places count from 1.
fn in_list(field: &'static str, place: usize, message: String) -> Problem {
    Problem {
        field,
        line: Some(place),
        column: None,
        message,
    }
}

/// Addresses and networks; blank items are none.
fn networks(list: &[String]) -> (Vec<Network>, Vec<Problem>) {
    let (mut networks, mut problems) = (Vec::new(), Vec::new());
    if list.len() > MAX_ADDRESSES {
        let message = format!("a list has at most {MAX_ADDRESSES} addresses and networks");
        problems.push(in_list("addresses", MAX_ADDRESSES + 1, message));
    }
    for (index, text) in list.iter().take(MAX_ADDRESSES).enumerate() {
        match text.trim() {
            "" => {}
            text => match text.parse() {
                Ok(network) => networks.push(network),
                Err(error) => {
                    let error: NetworkError = error;
                    problems.push(in_list("addresses", index + 1, error.to_string()));
                }
            },
        }
    }
    (networks, problems)
}
