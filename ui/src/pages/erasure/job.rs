//! A job: how far it is, and what it came to.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::{Html, Redirect};
use bugle_protocol::{JobId, UnixMillis};
use bugle_store::{ErasureReport, Job, JobKind, JobState, Project, QueueReport, RescrubReport};
use serde::{Deserialize, Serialize};

use super::{administered, job_url, url};
use crate::Ui;
use crate::actor::Actor;
use crate::chrome::Chrome;
use crate::problem::Problem;
use crate::when::When;

/// A form that only carries its token.
#[derive(Debug, Deserialize)]
pub(super) struct CancelForm {
    form_token: String,
}

/// A job in a list.
#[derive(Debug, Serialize)]
pub(super) struct JobRow {
    id: i64,
    url: String,
    what: &'static str,
    state: &'static str,
    is_over: bool,
    percent: u64,
    done: u64,
    total: u64,
    author: Option<String>,
    made: When,
    finished: Option<When>,
}

/// The model of `erasure_job.html`.
#[derive(Debug, Serialize)]
struct JobView {
    name: String,
    /// Where jobs are made.
    back: String,
    job: JobRow,
    is_dry_run: bool,
    is_erasure: bool,
    scope: String,
    error: Option<String>,
    counts: Vec<Count>,
    queue: Option<QueueReport>,
    storage: Option<&'static str>,
}

/// A number and what it counts.
#[derive(Debug, Serialize)]
struct Count {
    what: &'static str,
    count: u64,
}

/// `GET /{project}/settings/erasure/jobs/{job}/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, job)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let project = administered(&ui, &actor, &name).await?;
    let job = find(&ui, &project, &job).await?;
    let view = view(&ui, &project, &job).await?;
    let chrome = Chrome::new(&ui, &actor, Some(&project), "settings").await?;
    ui.templates.page(&ui, "erasure_job.html", &chrome, &view)
}

/// `POST /{project}/settings/erasure/jobs/{job}/cancel/`
pub(super) async fn cancel(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, job)): Path<(String, String)>,
    Form(form): Form<CancelForm>,
) -> Result<Redirect, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let job = find(&ui, &project, &job).await?;
    // One that has ended meanwhile needs no stopping; its page says how it ended.
    let now = UnixMillis::now();
    ui.store
        .cancel_job(project.organization_id, job.id, now)
        .await?;
    Ok(Redirect::to(&job_url(&ui, &project, job.id.0)))
}

async fn find(ui: &Ui, project: &Project, id: &str) -> Result<Job, Problem> {
    const MISSING: Problem = Problem::NotFound("job");
    let id = id.parse().map(JobId).map_err(|_| MISSING)?;
    let job = ui.store.job(project.organization_id, id).await?;
    job.ok_or(MISSING)
}

async fn view(ui: &Ui, project: &Project, job: &Job) -> Result<JobView, Problem> {
    let is_erasure = job.kind == JobKind::Erase;
    let erasure: ErasureReport = serde_json::from_str(&job.report).unwrap_or_default();
    let rescrub: RescrubReport = serde_json::from_str(&job.report).unwrap_or_default();
    let counts = match is_erasure {
        true => erasure.counts(),
        false => rescrub.counts(),
    };
    let scope = match job.project_id {
        Some(id) => ui.store.project(id).await?.map(|project| project.name),
        None => Some("all projects".to_owned()),
    };
    let queue = Some(erasure.queue).filter(|queue| is_erasure && !queue.is_empty());
    Ok(JobView {
        name: project.name.clone(),
        back: url(ui, project),
        job: JobRow::new(job, job_url(ui, project, job.id.0), UnixMillis::now()),
        is_dry_run: job.parameters.dry_run,
        is_erasure,
        scope: scope.unwrap_or_default(),
        error: job.error.clone(),
        counts: counts
            .into_iter()
            .map(|(what, count)| Count { what, count })
            .collect(),
        queue,
        storage: storage(&erasure.storage),
    })
}

/// What became of the database's files, in a sentence.
fn storage(name: &str) -> Option<&'static str> {
    Some(match name {
        "cleaned" => {
            "The database’s file holds nothing of it any more, and its log is empty. Backups are yours to look after."
        }
        "compacted" => "The database’s files were written anew. Backups are yours to look after.",
        "not_compacted" => {
            "The database could not be written anew, mostly for want of room. What was deleted is overwritten all the same."
        }
        "log_in_use" => {
            "The database’s log could not be emptied, because it was being read; it is when the server stops."
        }
        "vacuumed" => {
            "PostgreSQL has freed the places and will use them again. Its own log and your backups are yours to look after."
        }
        "not_vacuumed" => {
            "PostgreSQL did not let the server free the places; it does so by itself later."
        }
        _ => return None,
    })
}

impl JobRow {
    pub(super) fn new(job: &Job, url: String, now: UnixMillis) -> Self {
        Self {
            id: job.id.0,
            url,
            what: match (job.kind, job.parameters.dry_run) {
                (JobKind::Erase, true) => "Find a person",
                (JobKind::Erase, false) => "Erase a person",
                (JobKind::Rescrub, true) => "Try the scrubbing rules",
                (JobKind::Rescrub, false) => "Apply the scrubbing rules",
            },
            state: match job.state {
                JobState::Waiting => "waiting",
                JobState::Running => "running",
                JobState::Done => "done",
                JobState::Failed => "failed",
                JobState::Cancelled => "cancelled",
            },
            is_over: job.state.is_over(),
            percent: (job.done * 100)
                .checked_div(job.total)
                .unwrap_or(0)
                .min(100),
            done: job.done,
            total: job.total,
            author: job.author.clone(),
            made: When::new(job.created_at, now),
            finished: job.finished_at.map(|time| When::new(time, now)),
        }
    }
}
