//! What is removed from events before they are stored, of a project or of a whole organisation.

mod adding;
mod compare;
mod form;
mod preview;

use std::collections::{BTreeMap, BTreeSet};

use bugle_protocol::{Event, ProjectId, RuleTopic};
use bugle_rules::scrub::{PiiConfig, RuleKind, ScrubSettings, suggest};
use bugle_rules::{Problem as Fault, ScrubbingDocument};
use bugle_store::{RuleOwner, StoredBody};
use serde::Serialize;

use super::Topic;
use super::document;
use super::faults::sentence;
use super::fields::Fields;
use super::hits::NamedRule;
use super::place::Place;
use crate::Ui;
use crate::problem::Problem;
use crate::rule_words;

use form::ScrubbingForm;
use preview::PreviewView;

/// How many events are read for selectors to offer.
const SUGGESTING_EVENTS: u32 = 10;
/// The most selectors that are offered.
const MOST_SUGGESTIONS: usize = 200;
/// The longest selector that is offered.
const LONGEST_SUGGESTION: usize = 100;

/// The most characters of a value that is shown beside one.
const LONGEST_EXAMPLE: usize = 40;
/// The most rules without effect, and the most doubtful fields, that are named.
const MOST_IDLE: usize = 20;

/// The topic.
pub(super) struct Scrubbing;

/// What the page shows beside the form.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    /// What the organisation has decided for all its projects; none on its own page, or if it has not.
    organization: Option<Organization>,
    /// The address of the organisation's page.
    organization_url: String,
    /// The ids of advanced rules that do nothing, with the reason.
    idle: Vec<(String, &'static str)>,
    /// Safe fields that are unlikely to be meant as they are.
    doubtful: Vec<String>,
    /// Selectors of what recent events hold.
    suggestions: Vec<Suggested>,
}

/// An organisation's decisions.
#[derive(Debug, Serialize)]
struct Organization {
    name: String,
    /// What it switched on, in words; empty if nothing.
    switches: Vec<&'static str>,
    /// Everything, as lines.
    lines: Vec<String>,
}

/// A selector.
#[derive(Debug, Serialize)]
struct Suggested {
    selector: String,
    /// A value it reaches.
    example: String,
}

impl Topic for Scrubbing {
    const TOPIC: RuleTopic = RuleTopic::Scrubbing;
    const TEMPLATE: &'static str = "scrubbing.html";
    type Document = ScrubbingDocument;
    type Form = ScrubbingForm;
    type Beside = Beside;
    type Preview = PreviewView;

    fn initial(place: &Place) -> ScrubbingDocument {
        match place.project {
            Some(_) => ScrubbingDocument::default(),
            None => ScrubbingDocument::nothing(),
        }
    }

    fn fill(document: &ScrubbingDocument) -> ScrubbingForm {
        ScrubbingForm::fill(document)
    }

    fn typed(fields: &Fields) -> ScrubbingForm {
        ScrubbingForm::typed(fields)
    }

    fn read(form: &ScrubbingForm) -> Result<ScrubbingDocument, Vec<Fault>> {
        form.read()
    }

    fn text<'f>(form: &'f ScrubbingForm, field: &str) -> Option<&'f str> {
        form.text(field)
    }

    fn press(form: &mut ScrubbingForm, _fields: &Fields, button: &str) -> Option<Vec<Fault>> {
        match button {
            "add-rule" => Some(adding::add_rule(form)),
            "add-preset" => Some(adding::add_preset(form)),
            _ => None,
        }
    }

    /// The settings stand for many rules, so those are shown that did something; the team's own always.
    fn rules(form: &ScrubbingForm) -> Vec<NamedRule> {
        let rules = form.config().iter().flat_map(|config| &config.rules);
        let own = rules.map(|(id, rule)| NamedRule {
            name: format!("project:{id}"),
            line: None,
            label: format!("Rule {id}: {}", adding::describe(rule)),
        });
        own.collect()
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        let is_own = name.starts_with("project:");
        Some((rule_words::title(name), !is_own))
    }

    async fn beside(ui: &Ui, place: &Place, form: &ScrubbingForm) -> Result<Beside, Problem> {
        let organization = match place.project {
            Some(_) => organization_document(ui, place).await?,
            None => None,
        };
        let document = form.document();
        let events = recent(ui, place, SUGGESTING_EVENTS).await?;
        let work = move || {
            let idle = idle(&document.advanced);
            let doubtful = doubtful(&document.settings);
            (idle, doubtful, suggestions(&events))
        };
        let (idle, doubtful, suggestions) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Problem::Broken("looking through rules and events panicked"))?;
        Ok(Beside {
            organization: organization.map(|(name, document)| Organization {
                name,
                switches: switches(&document),
                lines: serde_json::to_value(&document)
                    .map(|value| document::lines(&value))
                    .unwrap_or_default(),
            }),
            organization_url: ui.site.link("/settings/scrubbing/"),
            idle,
            doubtful,
            suggestions,
        })
    }

    async fn preview(
        ui: &Ui,
        place: &Place,
        candidate: ScrubbingDocument,
    ) -> Result<PreviewView, Problem> {
        let document = match place.project {
            Some(_) => {
                let organization = organization_document(ui, place).await?;
                let organization = organization.map(|(_, document)| document);
                let organization = organization.unwrap_or_else(ScrubbingDocument::nothing);
                ScrubbingDocument::compose(&organization, &candidate)
            }
            None => ScrubbingDocument::compose(&candidate, &ScrubbingDocument::nothing()),
        };
        preview::of(ui, place, document).await
    }
}

/// The name and the document of the organisation that a place belongs to, if it has decided anything.
async fn organization_document(
    ui: &Ui,
    place: &Place,
) -> Result<Option<(String, ScrubbingDocument)>, Problem> {
    let id = match place.owner {
        RuleOwner::Organization(id) | RuleOwner::Project(id, _) => id,
    };
    let owner = RuleOwner::Organization(id);
    let version = ui.store.current_rules(owner, RuleTopic::Scrubbing).await?;
    let document = version.and_then(|version| serde_json::from_str(&version.document).ok());
    let known = ui.store.organizations().await?.into_iter();
    let name = { known }.find(|organization| organization.id == id);
    let name = name.map_or_else(String::new, |organization| organization.name);
    Ok(document.map(|document| (name, document)))
}

/// Rules that are named and do not exist, and rules that exist and are named nowhere.
fn idle(config: &PiiConfig) -> Vec<(String, &'static str)> {
    let applied = config.applications.values().flatten();
    let inner = config.rules.values().flat_map(|rule| match &rule.kind {
        RuleKind::Multiple { rules, .. } => rules.as_slice(),
        RuleKind::Alias { rule, .. } => std::slice::from_ref(rule),
        _ => &[],
    });
    let named: BTreeSet<&String> = applied.chain(inner).collect();
    let unknown = config.unknown_rules().into_iter();
    let unknown = unknown.map(|id| (id.to_owned(), "is applied, but there is no such rule"));
    let unused = config.rules.keys().filter(|id| !named.contains(id));
    let unused = unused.map(|id| (id.clone(), "is applied nowhere"));
    unknown.chain(unused).take(MOST_IDLE).collect()
}

fn doubtful(settings: &ScrubSettings) -> Vec<String> {
    let doubtful = settings.doubtful_safe_fields().into_iter();
    doubtful
        .take(MOST_IDLE)
        .map(|(_, text)| sentence(&text))
        .collect()
}

fn switches(document: &ScrubbingDocument) -> Vec<&'static str> {
    let settings = &document.settings;
    let all = [
        (settings.scrub_data, "data"),
        (settings.scrub_defaults, "what the default rules know"),
        (settings.scrub_ip_addresses, "IP addresses"),
        (!settings.sensitive_fields.is_empty(), "sensitive fields"),
        (!document.advanced.is_empty(), "advanced rules"),
    ];
    let on = all.into_iter().filter(|(is_on, _)| *is_on);
    on.map(|(_, words)| words).collect()
}

/// The newest events of the projects that a place is about.
async fn recent(ui: &Ui, place: &Place, limit: u32) -> Result<Vec<StoredBody>, Problem> {
    let mut events = Vec::new();
    for (project, share) in shares(ui, place, limit).await? {
        events.extend(ui.store.recent_events(project, share).await?);
    }
    Ok(events)
}

/// The newest transactions of the same.
async fn recent_transactions(
    ui: &Ui,
    place: &Place,
    limit: u32,
) -> Result<Vec<StoredBody>, Problem> {
    let mut transactions = Vec::new();
    for (project, share) in shares(ui, place, limit).await? {
        transactions.extend(ui.store.recent_transactions(project, share).await?);
    }
    Ok(transactions)
}

/// The projects that a place is about, each with its share of `limit`: a few events of many projects say more than many
/// of one.
async fn shares(ui: &Ui, place: &Place, limit: u32) -> Result<Vec<(ProjectId, u32)>, Problem> {
    let projects = match (&place.project, place.owner) {
        (Some(project), _) => vec![project.id],
        (None, RuleOwner::Organization(id) | RuleOwner::Project(id, _)) => {
            let projects = ui.store.projects(id).await?.into_iter();
            projects.map(|project| project.id).collect()
        }
    };
    let count = u32::try_from(projects.len()).unwrap_or(u32::MAX).max(1);
    let share = (limit / count).max(1);
    let projects = projects.into_iter().take(limit as usize);
    Ok(projects.map(|project| (project, share)).collect())
}

/// The selectors of what events hold, each with a value it reaches.
fn suggestions(events: &[StoredBody]) -> Vec<Suggested> {
    let mut found = BTreeMap::new();
    for stored in events {
        let Ok(mut event) = Event::parse(&stored.body) else {
            continue;
        };
        // What begins like this is ours: notes, and which rules there were.
        event.fields.retain(|key, _| !key.starts_with('_'));
        for suggestion in suggest(&event) {
            let selector = suggestion.selector.to_string();
            if selector.len() <= LONGEST_SUGGESTION {
                let example: &mut String = found.entry(selector).or_default();
                if let Some(value) = suggestion.value.filter(|_| example.is_empty()) {
                    *example = value.chars().take(LONGEST_EXAMPLE).collect();
                }
            }
        }
    }
    let suggested = found.into_iter().take(MOST_SUGGESTIONS);
    suggested
        .map(|(selector, example)| Suggested { selector, example })
        .collect()
}
