//! What is stored, and shall not be: erasing a person, and applying today's scrubbing rules to what came before them.

mod export;
mod job;

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{JobKind, JobParameters, NewJob, Person, Project};
use serde::{Deserialize, Serialize};

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;

use job::JobRow;

/// Jobs that are listed.
const JOBS: u32 = 20;

/// What is wrong with what was sent.
#[derive(Debug)]
enum Fault {
    /// The person cannot be looked for.
    Person(String),
    /// Erasing is not confirmed.
    Erase,
    /// Applying the rules is not confirmed.
    Apply,
}

/// The routes, without the slash at the end that every page may have.
pub(super) fn routes() -> Vec<(String, MethodRouter<Arc<Ui>>)> {
    let path = "/{project}/settings/erasure";
    vec![
        (path.to_owned(), get(show).post(submit)),
        (format!("{path}/rescrub"), post(rescrub)),
        (format!("{path}/jobs/{{job}}"), get(job::show)),
        (format!("{path}/jobs/{{job}}/cancel"), post(job::cancel)),
    ]
}

/// What was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PersonForm {
    form_token: String,
    person: String,
    /// `project` or `all`.
    scope: String,
    own_only: Option<String>,
    compact: Option<String>,
    /// Whether the person at the screen means it.
    sure: Option<String>,
    /// `find`, `export` or `erase`.
    action: String,
}

/// The form for scrubbing.
#[derive(Debug, Deserialize)]
pub(super) struct RescrubForm {
    form_token: String,
    /// Whether the person at the screen means it.
    sure: Option<String>,
    /// `try` or `run`.
    action: String,
}

/// The model of `erasure.html`.
#[derive(Debug, Serialize)]
struct ErasureView {
    name: String,
    /// The address of this page.
    url: String,
    person: String,
    is_whole: bool,
    own_only: bool,
    compact: bool,
    is_postgres: bool,
    /// Why the person cannot be looked for.
    error: Option<String>,
    /// Whether the confirmation is missing, of erasing and of applying the rules.
    is_unsure: bool,
    is_unsure_of_rules: bool,
    jobs: Vec<JobRow>,
}

/// `GET /{project}/settings/erasure/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let project = administered(&ui, &actor, &name).await?;
    page(&ui, &actor, &project, &PersonForm::empty(), None).await
}

/// `POST /{project}/settings/erasure/`: counts, hands over, or erases.
pub(super) async fn submit(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Form(form): Form<PersonForm>,
) -> Result<Response, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let refused = |fault| refuse(&ui, &actor, &project, &form, fault);
    let person = match Person::parse(&form.person, form.own_only.is_some()) {
        Ok(person) => person,
        Err(error) => return refused(Fault::Person(sentence(&error.to_string()))).await,
    };
    let scope = (form.scope != "all").then_some(project.id);
    match form.action.as_str() {
        "export" => {
            let projects = projects_of(&ui, &project, scope).await?;
            return Ok(export::download(&ui, projects, person));
        }
        "erase" if form.sure.is_none() => return refused(Fault::Erase).await,
        "find" | "erase" => {}
        _ => return Err(Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY)),
    }
    let new = NewJob {
        organization_id: project.organization_id,
        project_id: scope,
        kind: JobKind::Erase,
        parameters: JobParameters {
            person: Some(person.text().to_owned()),
            own_only: form.own_only.is_some(),
            dry_run: form.action == "find",
            compact: form.compact.is_some() && form.action == "erase",
        },
        author: Some(actor.user.id),
    };
    begin(&ui, &project, &new).await
}

/// `POST /{project}/settings/erasure/rescrub/`
pub(super) async fn rescrub(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Form(form): Form<RescrubForm>,
) -> Result<Response, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let dry_run = match form.action.as_str() {
        "try" => true,
        "run" if form.sure.is_none() => {
            let form = PersonForm::empty();
            return refuse(&ui, &actor, &project, &form, Fault::Apply).await;
        }
        "run" => false,
        _ => return Err(Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let new = NewJob {
        organization_id: project.organization_id,
        project_id: Some(project.id),
        kind: JobKind::Rescrub,
        parameters: JobParameters {
            dry_run,
            ..JobParameters::default()
        },
        author: Some(actor.user.id),
    };
    begin(&ui, &project, &new).await
}

impl PersonForm {
    fn empty() -> Self {
        Self {
            scope: "all".to_owned(),
            ..Self::default()
        }
    }
}

/// Makes a job and goes to its page.
async fn begin(ui: &Ui, project: &Project, new: &NewJob) -> Result<Response, Problem> {
    let id = ui.store.create_job(new, UnixMillis::now()).await?;
    Ok(Redirect::to(&job_url(ui, project, id.0)).into_response())
}

/// A project, for somebody who may look at what is erased: a report says how much there is of a person.
async fn administered(ui: &Ui, actor: &Actor, name: &str) -> Result<Project, Problem> {
    let project = actor.project(ui, name).await?;
    match actor.can_administer() {
        true => Ok(project),
        false => Err(Problem::NotAdmin),
    }
}

async fn projects_of(
    ui: &Ui,
    project: &Project,
    scope: Option<ProjectId>,
) -> Result<Vec<ProjectId>, Problem> {
    if let Some(project) = scope {
        return Ok(vec![project]);
    }
    let projects = ui.store.projects(project.organization_id).await?;
    Ok(projects.into_iter().map(|project| project.id).collect())
}

/// The page again, with what is wrong.
async fn refuse(
    ui: &Ui,
    actor: &Actor,
    project: &Project,
    form: &PersonForm,
    fault: Fault,
) -> Result<Response, Problem> {
    let html = page(ui, actor, project, form, Some(fault)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
}

async fn page(
    ui: &Ui,
    actor: &Actor,
    project: &Project,
    form: &PersonForm,
    fault: Option<Fault>,
) -> Result<Html<String>, Problem> {
    let now = UnixMillis::now();
    let jobs = ui.store.jobs(project.organization_id, JOBS).await?;
    let view = ErasureView {
        name: project.name.clone(),
        url: url(ui, project),
        person: form.person.clone(),
        is_whole: form.scope == "all",
        own_only: form.own_only.is_some(),
        compact: form.compact.is_some(),
        is_postgres: ui.store.backend() == "postgres",
        is_unsure: matches!(fault, Some(Fault::Erase)),
        is_unsure_of_rules: matches!(fault, Some(Fault::Apply)),
        error: match fault {
            Some(Fault::Person(error)) => Some(error),
            _ => None,
        },
        jobs: jobs
            .iter()
            .map(|job| JobRow::new(job, job_url(ui, project, job.id.0), now))
            .collect(),
    };
    let chrome = Chrome::new(ui, actor, Some(project), "settings").await?;
    ui.templates.page(ui, "erasure.html", &chrome, &view)
}

fn url(ui: &Ui, project: &Project) -> String {
    format!("{}settings/erasure/", project_url(ui, project))
}

fn job_url(ui: &Ui, project: &Project, job: i64) -> String {
    format!("{}jobs/{job}/", url(ui, project))
}

/// `the identifier …` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}
