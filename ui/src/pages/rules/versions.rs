//! The versions of a topic's rules: who saved what, and the way back.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bugle_protocol::{RuleVersionId, UnixMillis};
use bugle_store::{NewRuleVersion, RuleVersion, Saved};
use serde::{Deserialize, Serialize};

use super::diff::Diff;
use super::document;
use super::editor::text_of;
use super::place::{Params, Place};
use super::{Topic, title};
use crate::Ui;
use crate::actor::Actor;
use crate::problem::Problem;
use crate::when::When;

/// Versions per page.
const PAGE_SIZE: u32 = 20;

/// What the address of the list says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct VersionsQuery {
    /// Only versions before this one.
    #[serde(default)]
    before: String,
    /// Not empty if somebody else saved a version before a button was pressed.
    #[serde(default)]
    late: String,
}

/// The form that makes an old version apply again.
#[derive(Debug, Deserialize)]
pub(super) struct RestoreForm {
    form_token: String,
    /// The version that applied when the form was made; 0 if there was none.
    based_on: i64,
}

/// Who saved a version, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct VersionHead {
    id: i64,
    /// The address of its page.
    url: String,
    /// An e-mail address; none for the command line.
    author: Option<String>,
    when: When,
    comment: String,
}

/// The model of `versions.html`.
#[derive(Debug, Serialize)]
struct VersionsView<'v> {
    title: &'static str,
    name: &'v str,
    /// The address of the editor.
    url: &'v str,
    /// Whether the role may restore versions.
    can_administer: bool,
    rows: Vec<Row>,
    current: i64,
    older: Option<String>,
    newest: Option<String>,
    /// Whether nothing was done because somebody else was faster.
    is_late: bool,
}

/// A version in the list.
#[derive(Debug, Serialize)]
struct Row {
    head: VersionHead,
    is_current: bool,
    /// What it changed of the one before.
    diff: Diff,
    /// The address of the form that takes it back, for the one that applies, or makes it apply again.
    restore_url: String,
}

/// The model of `version.html`.
#[derive(Debug, Serialize)]
struct VersionView<'v> {
    title: &'static str,
    name: &'v str,
    url: &'v str,
    can_administer: bool,
    head: VersionHead,
    is_current: bool,
    current: i64,
    /// What it changed of the one before.
    diff: Diff,
    /// What making it apply again would change.
    to_current: Diff,
    /// The whole document.
    lines: Vec<String>,
    restore_url: String,
}

impl VersionHead {
    /// Reads a version.
    pub(super) fn new(place: &Place, version: &RuleVersion, now: UnixMillis) -> Self {
        Self {
            id: version.id.0,
            url: format!("{}versions/{}/", place.url, version.id),
            author: version.author.clone(),
            when: When::new(version.created_at, now),
            comment: version.comment.clone(),
        }
    }
}

/// `GET …/settings/{topic}/versions/`
pub(super) async fn list<T: Topic>(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    path: Option<Path<Params>>,
    Query(query): Query<VersionsQuery>,
) -> Result<Html<String>, Problem> {
    let (place, _) = Place::find(&ui, &actor, T::TOPIC, path).await?;
    let before = query.before.parse().ok().map(RuleVersionId);
    let page = before_of::<T>(&ui, &place, before, PAGE_SIZE + 1).await?;
    let current = current_id::<T>(&ui, &place).await?;
    let size = PAGE_SIZE as usize;
    let view = VersionsView {
        title: title(T::TOPIC),
        name: &place.name,
        url: &place.url,
        can_administer: actor.can_administer(),
        older: page
            .get(size)
            .and(page.get(size - 1))
            .map(|last| format!("{}versions/?before={}", place.url, last.id)),
        newest: before.map(|_| format!("{}versions/", place.url)),
        is_late: !query.late.is_empty(),
        rows: rows::<T>(&place, &page, current)?,
        current,
    };
    let chrome = place.chrome(&ui, &actor).await?;
    ui.templates.page(&ui, "versions.html", &chrome, &view)
}

/// The rows of a page, which may have one version more for comparing.
fn rows<T: Topic>(place: &Place, page: &[RuleVersion], current: i64) -> Result<Vec<Row>, Problem> {
    let now = UnixMillis::now();
    let mut texts = page
        .iter()
        .map(|version| lines::<T>(&version.document))
        .collect::<Vec<_>>();
    texts.push(lines::<T>(&text_of(&T::initial(place))?));
    let rows = page.iter().take(PAGE_SIZE as usize).enumerate();
    let row = |(i, version): (usize, &RuleVersion)| {
        let is_current = version.id.0 == current;
        // What the newest version did is undone by the one before it.
        let target = match is_current {
            true => page.get(i + 1).map_or(0, |version| version.id.0),
            false => version.id.0,
        };
        Row {
            head: VersionHead::new(place, version, now),
            is_current,
            diff: Diff::of(&texts[i + 1], &texts[i]),
            restore_url: restore_url(place, target),
        }
    };
    Ok(rows.map(row).collect())
}

/// `GET …/settings/{topic}/versions/{version}/`
pub(super) async fn one<T: Topic>(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    path: Option<Path<Params>>,
) -> Result<Html<String>, Problem> {
    let (place, id) = Place::find(&ui, &actor, T::TOPIC, path).await?;
    let version = find::<T>(&ui, &place, id.as_deref()).await?;
    let before = before_of::<T>(&ui, &place, Some(version.id), 1).await?;
    let before_id = before.first().map_or(0, |version| version.id.0);
    let initial = text_of(&T::initial(&place))?;
    let before = before.first().map_or(&initial, |version| &version.document);
    let current = ui.store.current_rules(place.owner, T::TOPIC).await?;
    let current_id = current.as_ref().map_or(0, |version| version.id.0);
    let current = current.map_or(initial.clone(), |version| version.document);
    let is_current = version.id.0 == current_id;
    let own = lines::<T>(&version.document);
    let view = VersionView {
        title: title(T::TOPIC),
        name: &place.name,
        url: &place.url,
        can_administer: actor.can_administer(),
        head: VersionHead::new(&place, &version, UnixMillis::now()),
        is_current,
        current: current_id,
        diff: Diff::of(&lines::<T>(before), &own),
        to_current: Diff::of(&lines::<T>(&current), &own),
        lines: own,
        restore_url: match is_current {
            true => restore_url(&place, before_id),
            false => restore_url(&place, version.id.0),
        },
    };
    let chrome = place.chrome(&ui, &actor).await?;
    ui.templates.page(&ui, "version.html", &chrome, &view)
}

/// `POST …/settings/{topic}/versions/{version}/restore`: saves what that version said as a new one; version 0 is what
/// applied before anything was saved.
pub(super) async fn restore<T: Topic>(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    path: Option<Path<Params>>,
    Form(form): Form<RestoreForm>,
) -> Result<Response, Problem> {
    actor.may_administer(&form.form_token)?;
    let (place, id) = Place::find(&ui, &actor, T::TOPIC, path).await?;
    let (id, document) = match id.as_deref() {
        Some("0") => (0, text_of(&T::initial(&place))?),
        id => {
            let version = find::<T>(&ui, &place, id).await?;
            (version.id.0, version.document)
        }
    };
    let new = NewRuleVersion {
        owner: place.owner,
        topic: T::TOPIC,
        document,
        comment: comment::<T>(&ui, &place, id, form.based_on).await?,
        author: Some(actor.user.id),
        based_on: Some(RuleVersionId(form.based_on)).filter(|version| version.0 > 0),
    };
    let target = match ui.store.save_rules(&new, UnixMillis::now()).await? {
        Saved::Yes(id) => format!("{}?saved={id}", place.url),
        // The list shows what was saved meanwhile, and the button is there again.
        Saved::Conflict => format!("{}versions/?late=1", place.url),
    };
    Ok((StatusCode::SEE_OTHER, Redirect::to(&target)).into_response())
}

/// `undid version 12` if the version before 12 comes back, else `back to version 7`.
async fn comment<T: Topic>(
    ui: &Ui,
    place: &Place,
    id: i64,
    current: i64,
) -> Result<String, Problem> {
    let before = before_of::<T>(ui, place, Some(RuleVersionId(current)), 1).await?;
    Ok(
        match (before.first().map_or(0, |version| version.id.0), id) {
            (before, id) if before == id => format!("undid version {current}"),
            (_, 0) => "back to the defaults".to_owned(),
            (_, id) => format!("back to version {id}"),
        },
    )
}

fn restore_url(place: &Place, id: i64) -> String {
    format!("{}versions/{id}/restore", place.url)
}

async fn before_of<T: Topic>(
    ui: &Ui,
    place: &Place,
    before: Option<RuleVersionId>,
    limit: u32,
) -> Result<Vec<RuleVersion>, Problem> {
    let versions = ui
        .store
        .rule_versions(place.owner, T::TOPIC, before, limit)
        .await?;
    Ok(versions)
}

async fn current_id<T: Topic>(ui: &Ui, place: &Place) -> Result<i64, Problem> {
    let current = ui.store.current_rules(place.owner, T::TOPIC).await?;
    Ok(current.map_or(0, |version| version.id.0))
}

/// A version of this owner and topic.
async fn find<T: Topic>(ui: &Ui, place: &Place, id: Option<&str>) -> Result<RuleVersion, Problem> {
    const MISSING: Problem = Problem::NotFound("version");
    let id = id.and_then(|id| id.parse().ok()).ok_or(MISSING)?;
    let version = ui.store.rule_version(RuleVersionId(id)).await?;
    version
        .filter(|version| version.owner == place.owner && version.topic == T::TOPIC)
        .ok_or(MISSING)
}

/// A stored document as lines for people. It is read first, so that members which were unknown when it was saved do not
/// look like changes.
pub(super) fn lines<T: Topic>(document: &str) -> Vec<String> {
    let read = serde_json::from_str::<T::Document>(document);
    let value = read.and_then(serde_json::to_value);
    match value.or_else(|_| serde_json::from_str(document)) {
        Ok(value) => document::lines(&value),
        Err(_) => document.lines().map(str::to_owned).collect(),
    }
}
