//! What filters would have dropped.

use bugle_protocol::{FilterReason, RuleName};
use bugle_query::Key;

use super::parts::{Asks, Part, RulePlace, of_lines};
use super::subject::{Subject, each};
use super::tally::{Decider, RuleEffect, Tally};
use super::{Looked, Stored};
use crate::documents::FiltersDocument;
use crate::filter::Filters;

/// What filters would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRehearsal {
    /// What was looked at.
    pub looked: Looked,
    /// The lines in their order, then the switches and lists that are on.
    pub rules: Vec<RuleEffect>,
    /// How many would be dropped.
    pub dropped: usize,
    /// How many of these the present filters keep.
    pub newly: usize,
    /// How many the present filters would drop, but no longer these.
    pub no_longer: usize,
}

/// A rule of the document, compiled by itself; `None` for a line, which is its condition.
type FilterPart = Part<Option<Filters>>;

/// Tries filters on stored events, newest first; `current` is what applies today.
#[must_use]
pub fn filters(
    candidate: &FiltersDocument,
    current: &FiltersDocument,
    bodies: &[Stored<'_>],
    go_on: &mut dyn FnMut() -> bool,
) -> FilterRehearsal {
    let (all, problems) = Filters::lenient(candidate);
    let (today, _) = Filters::lenient(current);
    let mut parts: Vec<FilterPart> = of_lines(&candidate.rules, &problems, |_| None);
    let built_in = |reason: &FilterReason| built_in(*reason, candidate);
    parts.extend(FilterReason::ALL.iter().filter_map(built_in));
    let mut tally = Tally::new(&parts);
    let (mut dropped, mut newly, mut no_longer) = (0, 0, 0);
    let looked = each(bodies, go_on, |subject| {
        let hit = all.first_hit(subject.facts);
        let is_dropped_today = today.first_hit(subject.facts).is_some();
        match (&hit, is_dropped_today) {
            (Some(_), true) => dropped += 1,
            (Some(_), false) => {
                dropped += 1;
                newly += 1;
            }
            (None, true) => no_longer += 1,
            (None, false) => {}
        }
        let Some(hit) = hit else { return };
        count(&mut tally, &parts, subject, &hit.rule, !is_dropped_today);
    });
    FilterRehearsal {
        looked,
        rules: tally.finish(),
        dropped,
        newly,
        no_longer,
    }
}

/// Counts every rule that holds for an event that `winner` drops.
fn count(
    tally: &mut Tally<'_, Option<Filters>>,
    parts: &[FilterPart],
    subject: &Subject<'_, '_>,
    winner: &RuleName,
    newly: bool,
) {
    let holding: Vec<usize> = (0..parts.len())
        .filter(|index| holds(&parts[*index], subject))
        .collect();
    let is_winner = |index: &&usize| parts[**index].name == *winner;
    let Some(first) = holding.iter().find(is_winner).copied() else {
        return;
    };
    for index in holding {
        let decider = match index == first {
            true => Decider::Itself { newly },
            false => Decider::Other(parts[first].place),
        };
        tally.holds(index, subject, decider);
    }
}

fn holds(part: &FilterPart, subject: &Subject<'_, '_>) -> bool {
    match (&part.rule, &part.asks) {
        (Some(filters), _) => filters.first_hit(subject.facts).is_some(),
        (None, Asks::Condition(condition)) => condition.matches(subject.facts),
        (None, Asks::Fields(_)) => false,
    }
}

/// A switch or list by itself; `None` if it is off or empty.
fn built_in(reason: FilterReason, document: &FiltersDocument) -> Option<FilterPart> {
    let mut alone = nothing();
    let (member, fields) = take(reason, document, &mut alone)?;
    if alone == nothing() {
        return None;
    }
    let fields = fields.iter().map(|field| Key::Field((*field).to_owned()));
    Some(Part {
        name: RuleName(reason.name().into()),
        place: RulePlace::Member(member),
        text: String::new(),
        asks: Asks::Fields(fields.collect()),
        rule: Some(Filters::lenient(&alone).0),
    })
}

/// Copies what belongs to a reason; returns the member's name and the fields that the filter looks at.
fn take(
    reason: FilterReason,
    from: &FiltersDocument,
    to: &mut FiltersDocument,
) -> Option<(&'static str, &'static [&'static str])> {
    Some(match reason {
        FilterReason::IpAddress => {
            to.addresses.clone_from(&from.addresses);
            ("addresses", &["user.ip"])
        }
        FilterReason::ReleaseVersion => {
            to.releases.clone_from(&from.releases);
            ("releases", &["release"])
        }
        FilterReason::ErrorMessage => {
            to.error_messages.clone_from(&from.error_messages);
            ("errorMessages", &["error.type", "error.value", "message"])
        }
        FilterReason::BrowserExtensions => {
            to.browser_extensions = from.browser_extensions;
            ("browserExtensions", &["error.value", "stack.abs_path"])
        }
        FilterReason::LegacyBrowsers => {
            to.legacy_browsers.clone_from(&from.legacy_browsers);
            ("legacyBrowsers", &["browser", "request.user_agent"])
        }
        FilterReason::Localhost => {
            to.localhost = from.localhost;
            ("localhost", &["request.url", "user.ip"])
        }
        FilterReason::WebCrawlers => {
            to.web_crawlers = from.web_crawlers;
            ("webCrawlers", &["request.user_agent"])
        }
        FilterReason::InvalidCsp => {
            to.csp_defaults = from.csp_defaults;
            to.csp_sources.clone_from(&from.csp_sources);
            ("cspDefaults", &["message", "request.url"])
        }
        FilterReason::FilteredTransaction => {
            to.health_checks = from.health_checks;
            ("healthChecks", &["transaction"])
        }
        FilterReason::ChunkLoadError => {
            to.chunk_load_errors = from.chunk_load_errors;
            ("chunkLoadErrors", &["error.type", "error.value"])
        }
        FilterReason::ReactHydrationErrors => {
            to.hydration_errors = from.hydration_errors;
            ("hydrationErrors", &["error.type", "error.value"])
        }
        FilterReason::CustomRule => return None,
    })
}

fn nothing() -> FiltersDocument {
    FiltersDocument {
        health_checks: false,
        chunk_load_errors: false,
        hydration_errors: false,
        csp_defaults: false,
        ..FiltersDocument::default()
    }
}
