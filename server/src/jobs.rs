//! Jobs from the command line: `bugle job`, `bugle rescrub`, and what `bugle forget` shares with them.
//!
//! A running server works on them; where none has the data folder open, the command does it itself.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bugle_processor::Jobs;
use bugle_protocol::{JobId, OrganizationId, UnixMillis};
use bugle_store::queue::Queue;
use bugle_store::{
    ErasureReport, Job, JobKind, JobParameters, JobState, NewJob, RescrubReport, Store,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cli::JobCommand;
use crate::config::Config;
use crate::limit_commands::find_project;
use crate::setup::first_organization;

/// How often the command looks how far a job is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Jobs that are listed at most.
const MOST: u32 = 100;

/// Lists or cancels jobs.
pub(crate) async fn run(command: JobCommand, store: &Store) -> anyhow::Result<()> {
    let now = UnixMillis::now();
    let organization = first_organization(store, now).await?.id;
    match command {
        JobCommand::List { json } => list(&store.jobs(organization, MOST).await?, json),
        JobCommand::Cancel { id } => {
            if !store.cancel_job(organization, JobId(id), now).await? {
                bail!("there is no job {id} that waits or runs");
            }
            Ok(())
        }
    }
}

fn list(jobs: &[Job], as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let jobs: Vec<Value> = jobs.iter().map(summary).collect();
        writeln!(out, "{}", Value::from(jobs))?;
        return Ok(());
    }
    for job in jobs {
        let (id, kind, state) = (job.id, job.kind.name(), job.state.name());
        let made = job.created_at.to_rfc3339();
        writeln!(
            out,
            "{id}\t{kind}\t{state}\t{}/{}\t{made}",
            job.done, job.total
        )?;
    }
    Ok(())
}

/// Has scrubbing rules applied to what a project has stored.
pub(crate) async fn rescrub(
    slug: &str,
    dry_run: bool,
    as_json: bool,
    store: &Store,
    config: &Config,
) -> anyhow::Result<()> {
    let organization = first_organization(store, UnixMillis::now()).await?;
    let project = find_project(store, &organization, slug).await?;
    let parameters = JobParameters {
        dry_run,
        ..JobParameters::default()
    };
    let new = NewJob {
        organization_id: organization.id,
        project_id: Some(project.id),
        kind: JobKind::Rescrub,
        parameters,
        author: None,
    };
    let job = complete(&new, store, config).await?;
    report(&job, as_json)
}

/// Makes a job and waits for its end.
pub(crate) async fn complete(new: &NewJob, store: &Store, config: &Config) -> anyhow::Result<Job> {
    let id = store.create_job(new, UnixMillis::now()).await?;
    let folder = config.data.join("queue");
    let processed = store.queue_position(&Queue::id_of(&folder)?).await?;
    match Queue::open(&folder, config.queue, processed) {
        // Nobody else has the folder: this process is the one to work on jobs. Opening has the queue forget what is processed.
        Ok(queue) => {
            let worked = work(new.organization_id, id, store, queue.clone()).await;
            tokio::task::spawn_blocking(move || queue.close()).await?;
            worked
        }
        // A server runs, and works on them.
        Err(_) => wait(new.organization_id, id, store).await,
    }
}

/// Works on jobs until this one has ended.
async fn work(
    organization: OrganizationId,
    id: JobId,
    store: &Store,
    queue: Queue,
) -> anyhow::Result<Job> {
    let jobs = Jobs::new(store.clone(), queue).without_processor();
    jobs.take_over().await?;
    // The end of the process is the only way to stop: what was done by then is kept, and the rest goes on later.
    let (_stop, stopped) = watch::channel(false);
    loop {
        let worked = tokio::select! {
            worked = jobs.run_next(&stopped) => worked?,
            shown = show_progress(organization, id, store) => {
                shown?;
                false
            }
        };
        let job = job(organization, id, store).await?;
        if job.state.is_over() {
            return Ok(job);
        }
        if !worked {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Waits for a job that another process works on.
async fn wait(organization: OrganizationId, id: JobId, store: &Store) -> anyhow::Result<Job> {
    show_progress(organization, id, store).await?;
    job(organization, id, store).await
}

/// Shows how far a job is, until it has ended.
async fn show_progress(
    organization: OrganizationId,
    id: JobId,
    store: &Store,
) -> anyhow::Result<()> {
    let is_shown = std::io::stderr().is_terminal();
    loop {
        let job = job(organization, id, store).await?;
        if is_shown {
            let (state, done, total) = (job.state.name(), job.done, job.total);
            eprint!("\r{state}: {done} of {total} events and transactions ");
        }
        if job.state.is_over() {
            if is_shown {
                eprintln!();
            }
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn job(organization: OrganizationId, id: JobId, store: &Store) -> anyhow::Result<Job> {
    let job = store.job(organization, id).await?;
    job.with_context(|| format!("job {id} is gone"))
}

/// Prints what a job came to; an error if it did not come to its end.
pub(crate) fn report(job: &Job, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", summary(job))?;
    } else {
        write_report(&mut out, job)?;
    }
    match job.state {
        JobState::Failed => bail!(
            "the job failed: {}",
            job.error.as_deref().unwrap_or("nobody knows why")
        ),
        JobState::Cancelled => bail!("the job was cancelled; what it had done by then is done"),
        _ => Ok(()),
    }
}

fn summary(job: &Job) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind.name(),
        "state": job.state.name(),
        "dry_run": job.parameters.dry_run,
        "project": job.project_id,
        "done": job.done,
        "total": job.total,
        "created_at": job.created_at.to_rfc3339(),
        "finished_at": job.finished_at.map(UnixMillis::to_rfc3339),
        "error": job.error,
        "report": serde_json::from_str::<Value>(&job.report).unwrap_or_default(),
    })
}

fn write_report(out: &mut impl std::io::Write, job: &Job) -> anyhow::Result<()> {
    let verb = match (job.kind, job.parameters.dry_run) {
        (JobKind::Erase, true) => "would erase",
        (JobKind::Erase, false) => "erased",
        (JobKind::Rescrub, true) => "would scrub",
        (JobKind::Rescrub, false) => "scrubbed",
    };
    writeln!(out, "{verb}:")?;
    let counts = match job.kind {
        JobKind::Erase => erasure(job).counts(),
        JobKind::Rescrub => {
            let report: RescrubReport = serde_json::from_str(&job.report).unwrap_or_default();
            report.counts()
        }
    };
    for (what, count) in counts {
        writeln!(out, "{count:>10}  {what}")?;
    }
    if job.kind == JobKind::Erase {
        write_rest(out, &erasure(job))?;
    }
    Ok(())
}

fn erasure(job: &Job) -> ErasureReport {
    serde_json::from_str(&job.report).unwrap_or_default()
}

/// What erasing could not do, and who can.
fn write_rest(out: &mut impl std::io::Write, report: &ErasureReport) -> anyhow::Result<()> {
    let queue = &report.queue;
    if queue.waiting > 0 {
        let waiting = queue.waiting;
        writeln!(
            out,
            "{waiting} requests that wait in the queue mention the person: run this again when they are processed"
        )?;
    }
    let named: Vec<&str> = queue
        .aside
        .iter()
        .chain(&queue.damaged)
        .map(String::as_str)
        .collect();
    if !named.is_empty() {
        writeln!(
            out,
            "what was set aside of the queue cannot be edited; to delete what mentions the person: bugle queue drop {}",
            named.join(" ")
        )?;
    }
    if !queue.unknown.is_empty() {
        writeln!(
            out,
            "these files of the queue cannot be read in full, so they may mention the person, too: {}",
            queue.unknown.join(" ")
        )?;
    }
    if report.newer {
        writeln!(
            out,
            "something was stored while this ran: what came in after it began may mention the person still; run this again"
        )?;
    }
    let storage = match report.storage.as_str() {
        "not_compacted" => {
            "the database could not be written anew, mostly for want of room: see the log; what was deleted is overwritten all the same"
        }
        "log_in_use" => {
            "the database's log could not be emptied because it is being read: it is when the server stops"
        }
        "vacuumed" => {
            "PostgreSQL has freed the places; its log and your backups have copies for as long as you keep them"
        }
        "not_vacuumed" => {
            "PostgreSQL did not let this user vacuum, so that was not done; it frees the places by itself later"
        }
        _ => return Ok(()),
    };
    writeln!(out, "{storage}")?;
    Ok(())
}
