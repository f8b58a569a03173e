//! What a project is set to.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Html;
use bugle_protocol::UnixMillis;
use bugle_store::ProjectKey;
use serde::Serialize;

use super::getting_started::dsn;
use super::stats::{Balance, balance};
use crate::Ui;
use crate::actor::Actor;
use crate::chart;
use crate::chrome::Chrome;
use crate::ledger::Unit;
use crate::problem::Problem;
use crate::when::When;

/// The model of `settings.html`.
#[derive(Debug, Serialize)]
struct SettingsView {
    name: String,
    slug: String,
    id: i64,
    platform: Option<String>,
    created: When,
    first_event: Option<When>,
    keys: Vec<Key>,
    /// What became of the items of the last 24 hours.
    day: Balance,
    /// How many limits apply.
    limits: usize,
    spike_protection: bool,
    /// Whether the role may switch keys.
    can_administer: bool,
}

/// A key.
#[derive(Debug, Serialize)]
struct Key {
    id: i64,
    label: String,
    dsn: String,
    is_active: bool,
    created: When,
}

/// `GET /{project}/settings/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let now = UnixMillis::now();
    let keys = ui.store.project_keys(project.id).await?;
    let totals = ui
        .store
        .outcome_totals(project.id, chart::since(now))
        .await?;
    let items = totals
        .iter()
        .filter(|total| Unit::of(&total.category) == Unit::Items);
    let view = SettingsView {
        keys: keys.iter().map(|key| Key::new(&ui, key, now)).collect(),
        day: balance(items, Unit::Items),
        limits: ui.store.quotas_of_project(project.id).await?.len(),
        spike_protection: project.spike_protection,
        can_administer: actor.can_administer(),
        created: When::new(project.created_at, now),
        first_event: project.first_event_at.map(|time| When::new(time, now)),
        id: project.id.0,
        name: project.name.clone(),
        slug: project.slug.clone(),
        platform: project.platform.clone(),
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "settings").await?;
    ui.templates.page(&ui, "settings.html", &chrome, &view)
}

impl Key {
    fn new(ui: &Ui, key: &ProjectKey, now: UnixMillis) -> Self {
        Self {
            id: key.id.0,
            label: key.label.clone(),
            dsn: dsn(ui, key),
            is_active: key.is_active,
            created: When::new(key.created_at, now),
        }
    }
}
