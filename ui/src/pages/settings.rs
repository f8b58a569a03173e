//! What a project is set to, for reading.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Html;
use bugle_protocol::UnixMillis;
use bugle_store::{OutcomeTotal, ProjectKey};
use serde::Serialize;

use super::getting_started::dsn;
use super::projects::DAY;
use crate::Ui;
use crate::actor::Actor;
use crate::chrome::Chrome;
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
    outcomes: Vec<OutcomeTotal>,
}

/// A key.
#[derive(Debug, Serialize)]
struct Key {
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
    let view = SettingsView {
        keys: keys.iter().map(|key| Key::new(&ui, key, now)).collect(),
        outcomes: ui.store.outcome_totals(project.id, now.before(DAY)).await?,
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
            label: key.label.clone(),
            dsn: dsn(ui, key),
            is_active: key.is_active,
            created: When::new(key.created_at, now),
        }
    }
}
