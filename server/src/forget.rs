//! `bugle forget`: finds, hands over and erases everything of one person.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{ExportCursor, JobKind, JobParameters, NewJob, Person, Store};

use crate::cli::ForgetOptions;
use crate::config::Config;
use crate::jobs;
use crate::limit_commands::find_project;
use crate::setup::first_organization;

/// Exports if a file is named, then erases, or counts in a dry run.
pub(crate) async fn run(
    options: ForgetOptions,
    store: &Store,
    config: &Config,
) -> anyhow::Result<()> {
    let person = Person::parse(&options.user, options.own_only)?;
    let organization = first_organization(store, UnixMillis::now()).await?;
    let project = match &options.project {
        Some(slug) => Some(find_project(store, &organization, slug).await?.id),
        None => None,
    };
    if let Some(file) = &options.export {
        let projects = match project {
            Some(project) => vec![project],
            None => {
                let projects = store.projects(organization.id).await?;
                projects.into_iter().map(|project| project.id).collect()
            }
        };
        let lines = export(store, &projects, &person, file).await?;
        eprintln!("wrote {lines} lines to {}", file.display());
    }
    let new = NewJob {
        organization_id: organization.id,
        project_id: project,
        kind: JobKind::Erase,
        parameters: JobParameters {
            person: Some(person.text().to_owned()),
            own_only: options.own_only,
            dry_run: options.dry_run,
            compact: options.compact,
        },
        author: None,
    };
    let job = jobs::complete(&new, store, config).await?;
    jobs::report(&job, options.json)
}

/// Writes everything of a person to a new file that only this user can read, and has it on disk; returns the number of lines.
async fn export(
    store: &Store,
    projects: &[ProjectId],
    person: &Person,
    path: &Path,
) -> anyhow::Result<usize> {
    let failed = || format!("could not write {}", path.display());
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(failed)?;
    let mut file = BufWriter::new(file);
    let (mut count, mut next) = (0, Some(ExportCursor::START));
    while let Some(at) = next {
        let (lines, cursor) = store.export_person(projects, person, at).await?;
        count += lines.lines().count();
        file.write_all(lines.as_bytes()).with_context(failed)?;
        next = cursor;
    }
    let file = file.into_inner().map_err(|error| error.into_error());
    file.and_then(|file| file.sync_all()).with_context(failed)?;
    Ok(count)
}
