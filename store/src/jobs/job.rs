//! What a job is.

use bugle_protocol::{JobId, OrganizationId, ProjectId, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// It erases everything of one person, see [`crate::ErasureReport`].
    Erase,
    /// It applies the scrubbing rules of today to what is stored, see [`crate::RescrubReport`].
    Rescrub,
}

impl JobKind {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Erase => "erase",
            Self::Rescrub => "rescrub",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Erase, Self::Rescrub]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits for its turn.
    Waiting,
    /// It is being worked on, or the process that did so has died a moment ago.
    Running,
    /// It came to its end.
    Done,
    /// It could not go on.
    Failed,
    /// Somebody stopped it. What it had done by then stays done.
    Cancelled,
}

impl JobState {
    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    fn from_name(name: &str) -> Option<Self> {
        [
            Self::Waiting,
            Self::Running,
            Self::Done,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// What a job is to do, beside its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobParameters {
    /// Whom to erase, as [`crate::Person::parse`] takes it. Emptied when the job ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Leave alone where others' events mention the person.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_only: bool,
    /// Count, and change nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Rewrite the database's files afterwards, so that nothing is left in their unused places either.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub compact: bool,
}

impl JobParameters {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What is kept when the job has ended: nothing that names a person.
    pub(super) fn without_person(&self) -> Self {
        Self {
            person: None,
            ..self.clone()
        }
    }
}

/// A job to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Whose data.
    pub organization_id: OrganizationId,
    /// The project, `None` for all of the organisation.
    pub project_id: Option<ProjectId>,
    /// What it does.
    pub kind: JobKind,
    /// How.
    pub parameters: JobParameters,
    /// Who wants it; `None` for the command line.
    pub author: Option<UserId>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id; rising.
    pub id: JobId,
    /// Whose data.
    pub organization_id: OrganizationId,
    /// The project, `None` for all of the organisation.
    pub project_id: Option<ProjectId>,
    /// What it does.
    pub kind: JobKind,
    /// How.
    pub parameters: JobParameters,
    /// How far it is.
    pub state: JobState,
    /// Where to go on; what it means the runner knows.
    pub position: String,
    /// How many rows there were to look at when it began.
    pub total: u64,
    /// How many it has looked at.
    pub done: u64,
    /// JSON: a [`crate::ErasureReport`] or a [`crate::RescrubReport`].
    pub report: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The e-mail address of who wanted it; `None` for the command line.
    pub author: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
}

/// A job that this process works on. Another may take it over once nothing was heard of this one for 30 seconds.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// The job as it was when it was claimed.
    pub job: Job,
    pub(crate) runner: String,
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where to go on.
    pub position: String,
    /// How many rows there are.
    pub total: u64,
    /// How many were looked at.
    pub done: u64,
    /// JSON.
    pub report: String,
}

/// A row as it lies in the database.
#[derive(sqlx::FromRow)]
pub(super) struct Columns {
    id: i64,
    organization_id: i64,
    project_id: Option<i64>,
    kind: String,
    parameters: String,
    state: String,
    position: String,
    total: i64,
    done: i64,
    report: String,
    error: Option<String>,
    email: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl TryFrom<Columns> for Job {
    type Error = StoreError;

    fn try_from(row: Columns) -> Result<Self, StoreError> {
        let kind = JobKind::from_name(&row.kind);
        let state = JobState::from_name(&row.state);
        Ok(Self {
            id: JobId(row.id),
            organization_id: OrganizationId(row.organization_id),
            project_id: row.project_id.map(ProjectId),
            kind: kind.ok_or(StoreError::Damaged("a job has an unknown kind"))?,
            parameters: serde_json::from_str(&row.parameters)
                .map_err(|_| StoreError::Damaged("a job's parameters cannot be read"))?,
            state: state.ok_or(StoreError::Damaged("a job has an unknown state"))?,
            position: row.position,
            total: u64::try_from(row.total).unwrap_or(0),
            done: u64::try_from(row.done).unwrap_or(0),
            report: row.report,
            error: row.error,
            author: row.email,
            created_at: UnixMillis(row.created_at),
            finished_at: row.finished_at.map(UnixMillis),
        })
    }
}
