//! The limits of a project: how much its clients may send.

mod form;
mod quantity;

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bugle_protocol::{LimitReason, QuotaId, UnixMillis};
use bugle_store::{Project, ProjectKey, Quota, StoreError};
use serde::{Deserialize, Serialize};

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;
use crate::quota::{self, QuotaView};

use form::{Errors, Filled, FormView, Place};

/// What the address says.
#[derive(Debug, Deserialize)]
pub(super) struct LimitsQuery {
    /// The id of a limit that the form shall show.
    #[serde(default)]
    change: String,
}

/// A form that only carries its token.
#[derive(Debug, Deserialize)]
pub(super) struct RemoveForm {
    form_token: String,
}

/// The switch of spike protection.
#[derive(Debug, Deserialize)]
pub(super) struct SpikeForm {
    form_token: String,
    /// `on` or `off`.
    state: String,
}

/// The model of `limits.html`.
#[derive(Debug, Serialize)]
struct LimitsView {
    name: String,
    /// The address of this page.
    url: String,
    /// Whether the role may change limits.
    can_administer: bool,
    limits: Vec<QuotaView>,
    spike_protection: bool,
    /// The limit that spike protection has set, once it knows enough.
    spike: Option<QuotaView>,
    form: FormView,
}

/// `GET /{project}/settings/limits/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Query(query): Query<LimitsQuery>,
) -> Result<Html<String>, Problem> {
    let page = LimitsPage::new(&ui, &actor, &name).await?;
    let change = own_limit(&ui, &page.project, &query.change).await?;
    let filled = change.as_ref().map(Filled::of_quota).unwrap_or_default();
    page.render(&ui, &actor, filled, Errors::default()).await
}

/// `POST /{project}/settings/limits`: sets a limit, with a field `category` for each category.
pub(super) async fn set(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let token = fields.iter().find(|(key, _)| key == "form_token");
    actor.may_administer(token.map_or("", |(_, value)| value))?;
    let page = LimitsPage::new(&ui, &actor, &name).await?;
    let filled = Filled::of_fields(&fields);
    let errors = match filled.read(&page.place()) {
        Err(errors) => errors,
        Ok(new) => match ui.store.set_quota(&new, UnixMillis::now()).await {
            Ok(limit) => {
                remove_replaced(&ui, &page.project, &filled, &limit).await?;
                return Ok(Redirect::to(&page.url).into_response());
            }
            Err(StoreError::Invalid(text)) => Errors {
                all: Some(sentence(&text)),
                ..Errors::default()
            },
            Err(error) => return Err(error.into()),
        },
    };
    let html = page.render(&ui, &actor, filled, errors).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
}

/// A limit that was changed into one of another scope, category or window would otherwise go on beside it.
async fn remove_replaced(
    ui: &Ui,
    project: &Project,
    filled: &Filled,
    limit: &Quota,
) -> Result<(), Problem> {
    match own_limit(ui, project, &filled.replaces).await? {
        Some(old) if old.id != limit.id => {
            ui.store.remove_quota(old.id).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// `POST /{project}/settings/limits/{limit}/remove`
pub(super) async fn remove(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, limit)): Path<(String, String)>,
    Form(form): Form<RemoveForm>,
) -> Result<Redirect, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let limit = own_limit(&ui, &project, &limit).await?;
    let limit = limit.ok_or(Problem::NotFound("limit"))?;
    ui.store.remove_quota(limit.id).await?;
    Ok(Redirect::to(&url(&ui, &project)))
}

/// `POST /{project}/settings/limits/spike-protection`
pub(super) async fn set_spike_protection(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Form(form): Form<SpikeForm>,
) -> Result<Redirect, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let is_on = match form.state.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let now = UnixMillis::now();
    ui.store
        .set_spike_protection(project.id, is_on, now)
        .await?;
    Ok(Redirect::to(&url(&ui, &project)))
}

/// A limit that bounds the project and that people set: spike protection sets its own.
async fn own_limit(ui: &Ui, project: &Project, id: &str) -> Result<Option<Quota>, Problem> {
    let Ok(id) = id.parse().map(QuotaId) else {
        return Ok(None);
    };
    let quotas = ui.store.quotas_of_project(project.id).await?.into_iter();
    let mut own = quotas.filter(|quota| quota.reason != LimitReason::SpikeProtection);
    Ok(own.find(|quota| quota.id == id))
}

fn url(ui: &Ui, project: &Project) -> String {
    format!("{}settings/limits/", project_url(ui, project))
}

/// `a window of …` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}

/// What the page is made of, whatever the form says.
struct LimitsPage {
    project: Project,
    keys: Vec<ProjectKey>,
    url: String,
}

impl LimitsPage {
    async fn new(ui: &Ui, actor: &Actor, name: &str) -> Result<Self, Problem> {
        let project = actor.project(ui, name).await?;
        Ok(Self {
            keys: ui.store.project_keys(project.id).await?,
            url: url(ui, &project),
            project,
        })
    }

    fn place(&self) -> Place<'_> {
        Place {
            organization: self.project.organization_id,
            project: self.project.id,
            keys: &self.keys,
        }
    }

    async fn render(
        &self,
        ui: &Ui,
        actor: &Actor,
        filled: Filled,
        errors: Errors,
    ) -> Result<Html<String>, Problem> {
        let limits = quota::of_project(ui, self.project.id, UnixMillis::now()).await?;
        let (spikes, limits): (Vec<_>, Vec<_>) = limits.into_iter().partition(|q| q.is_spike);
        let view = LimitsView {
            name: self.project.name.clone(),
            url: self.url.clone(),
            can_administer: actor.can_administer(),
            limits,
            spike_protection: self.project.spike_protection,
            spike: spikes.into_iter().next(),
            form: filled.into_view(&self.place(), errors),
        };
        let chrome = Chrome::new(ui, actor, Some(&self.project), "settings").await?;
        ui.templates.page(ui, "limits.html", &chrome, &view)
    }
}
