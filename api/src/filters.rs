//! The inbound filters of a project that are switches, in Sentry's shape. Its lists and rules are on the settings page.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use bugle_protocol::json::{Object, parse};
use bugle_protocol::{Json as Tree, RuleTopic};
use bugle_rules::FiltersDocument;
use bugle_rules::filter::LegacyBrowser;
use bugle_store::{NewRuleVersion, RuleOwner, RuleVersion, Saved, Scope};
use serde::Serialize;

use crate::{ApiError, Call};

/// What a call without a body that can be read hears.
const EXPECTED: &str =
    "expected a JSON object: {\"active\": true}, or {\"subfilters\": [\"ie\"]} for legacy-browsers";

/// How often a change is made anew because somebody else saved another one meanwhile.
const TRIES: usize = 3;

/// A filter.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FilterShape {
    id: &'static str,
    active: Active,
}

/// Whether a filter is on, or for which browsers.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Active {
    Switch(bool),
    Browsers(Vec<&'static str>),
}

/// The member of a document that a filter switches.
type Switch = fn(&mut FiltersDocument) -> &mut bool;

/// The filters by their ids.
const SWITCHES: [(&str, Switch); 6] = [
    ("browser-extensions", |d| &mut d.browser_extensions),
    ("chunk-load-error", |d| &mut d.chunk_load_errors),
    ("filtered-transaction", |d| &mut d.health_checks),
    ("localhost", |d| &mut d.localhost),
    ("react-hydration-errors", |d| &mut d.hydration_errors),
    ("web-crawlers", |d| &mut d.web_crawlers),
];

/// The filter that is not a switch; Sentry's documentation calls it otherwise.
const LEGACY_BROWSERS: [&str; 2] = ["legacy-browsers", "legacy-browser"];

/// What a call wants of a filter.
#[derive(Debug)]
enum Change {
    Switch(Switch, bool),
    Browsers(BTreeSet<LegacyBrowser>),
}

/// `GET projects/{o}/{p}/filters/`.
pub(crate) async fn list(call: Call) -> Result<Json<Vec<FilterShape>>, ApiError> {
    call.require(Scope::ProjectRead)?;
    let (_, _, document) = current(&call).await?;
    Ok(Json(shapes(document)))
}

/// `GET projects/{o}/{p}/filters/{id}/`.
pub(crate) async fn detail(call: Call) -> Result<Json<FilterShape>, ApiError> {
    call.require(Scope::ProjectRead)?;
    let (_, _, document) = current(&call).await?;
    let id = match call.filter_name() {
        name if LEGACY_BROWSERS.contains(&name) => LEGACY_BROWSERS[0],
        name => name,
    };
    let found = shapes(document).into_iter().find(|shape| shape.id == id);
    found
        .map(Json)
        .ok_or_else(|| ApiError::missing("filter", id))
}

/// `PUT projects/{o}/{p}/filters/{id}/`: saves a version of the project's filters with this one changed.
pub(crate) async fn update(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    call.require(Scope::ProjectWrite)?;
    call.project().await?;
    let body = body.map_err(|error| ApiError::Invalid(error.body_text()))?;
    let Ok(Tree::Object(fields)) = parse(&body) else {
        return Err(ApiError::Invalid(EXPECTED.to_owned()));
    };
    let id = call.filter_name();
    let change = Change::read(id, &fields)?;
    for _ in 0..TRIES {
        let (owner, version, before) = current(&call).await?;
        let mut document = before.clone();
        change.apply(&mut document);
        if document == before {
            return Ok(StatusCode::NO_CONTENT);
        }
        let new = NewRuleVersion {
            owner,
            topic: RuleTopic::Filters,
            document: written(&document)?,
            comment: format!("web API: {id}"),
            author: None,
            based_on: version.map(|version| version.id),
        };
        match call.api.store.save_rules(&new, call.now).await? {
            Saved::Yes(_) => return Ok(StatusCode::NO_CONTENT),
            Saved::Conflict => {}
        }
    }
    Err(ApiError::Invalid(
        "somebody else is changing the filters: try again".to_owned(),
    ))
}

/// Whose filters the path names, the version that applies, and what it says.
async fn current(
    call: &Call,
) -> Result<(RuleOwner, Option<RuleVersion>, FiltersDocument), ApiError> {
    let project = call.project().await?;
    let owner = RuleOwner::Project(call.organization.id, project.id);
    let store = &call.api.store;
    let version = store.current_rules(owner, RuleTopic::Filters).await?;
    let document = match &version {
        None => FiltersDocument::default(),
        // Read as something else, it would be overwritten.
        Some(version) => serde_json::from_str(&version.document).map_err(|_| {
            ApiError::Invalid("the project's filters cannot be read: see its settings".to_owned())
        })?,
    };
    Ok((owner, version, document))
}

fn written(document: &FiltersDocument) -> Result<String, ApiError> {
    serde_json::to_string(document)
        .map_err(|_| ApiError::Invalid("the filters cannot be written".to_owned()))
}

fn shapes(mut document: FiltersDocument) -> Vec<FilterShape> {
    let browsers: Vec<_> = document.legacy_browsers.iter().map(|b| b.name()).collect();
    let active = if browsers.is_empty() {
        Active::Switch(false)
    } else {
        Active::Browsers(browsers)
    };
    let mut shapes = vec![FilterShape {
        id: LEGACY_BROWSERS[0],
        active,
    }];
    for (id, switch) in SWITCHES {
        let active = Active::Switch(*switch(&mut document));
        shapes.push(FilterShape { id, active });
    }
    shapes.sort_by_key(|shape| shape.id);
    shapes
}

impl Change {
    fn read(id: &str, fields: &Object<'_>) -> Result<Self, ApiError> {
        let active = match fields.get("active") {
            None => None,
            Some(Tree::Bool(active)) => Some(*active),
            Some(_) => {
                let problem = "invalid active: expected true or false";
                return Err(ApiError::Invalid(problem.to_owned()));
            }
        };
        let expected = || ApiError::Invalid(EXPECTED.to_owned());
        if LEGACY_BROWSERS.contains(&id) {
            let chosen = fields.get("subfilters").map(browsers).transpose()?;
            return Ok(Self::Browsers(match (chosen, active) {
                (_, Some(false)) => BTreeSet::new(),
                (Some(chosen), _) => chosen,
                (None, Some(true)) => LegacyBrowser::ALL.iter().copied().collect(),
                (None, None) => return Err(expected()),
            }));
        }
        let switch = SWITCHES.into_iter().find(|(name, _)| *name == id);
        let (_, switch) = switch.ok_or_else(|| ApiError::missing("filter", id))?;
        Ok(Self::Switch(switch, active.ok_or_else(expected)?))
    }

    fn apply(&self, document: &mut FiltersDocument) {
        match self {
            Self::Switch(switch, active) => *switch(document) = *active,
            Self::Browsers(browsers) => document.legacy_browsers.clone_from(browsers),
        }
    }
}

fn browsers(names: &Tree<'_>) -> Result<BTreeSet<LegacyBrowser>, ApiError> {
    let names = names
        .as_array()
        .ok_or_else(|| ApiError::Invalid(EXPECTED.to_owned()))?;
    let browser = |name: &Tree<'_>| {
        let name = name.as_str().unwrap_or_default();
        LegacyBrowser::from_name(name).ok_or_else(|| {
            let known: Vec<_> = LegacyBrowser::ALL.iter().map(|b| b.name()).collect();
            ApiError::Invalid(format!(
                "invalid subfilters: '{}' is none of {}",
                crate::error::shortened(name),
                known.join(", ")
            ))
        })
    };
    names.iter().map(browser).collect()
}
