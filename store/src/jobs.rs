//! Jobs: what runs in the background, one at a time, and goes on after a restart.

mod job;

use bugle_protocol::{JobId, OrganizationId, UnixMillis};

pub use job::{Checkpoint, ClaimedJob, Job, JobKind, JobParameters, JobState, NewJob};

use crate::db::{Db, with_reader, with_writer};
use crate::{Store, StoreError};
use job::Columns;

/// How long a runner that says nothing is taken for alive, in milliseconds.
const LEASE_MILLIS: i64 = 30_000;

const INSERT: &str = "
    INSERT INTO job (organization_id, project_id, kind, parameters, state, position, lease_until, total, done, report,
        user_id, created_at)
    VALUES ($1, $2, $3, $4, 'waiting', '', 0, 0, 0, '{}', $5, $6) RETURNING id";
/// The oldest job that waits or was left behind, if no other is being worked on. The last line is asked again once another
/// runner has let go of the row.
const CLAIM: &str = "
    UPDATE job SET state = 'running', runner = $1, lease_until = $2
    WHERE id = (SELECT MIN(id) FROM job WHERE state = 'waiting' OR (state = 'running' AND lease_until < $3))
        AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND lease_until >= $3)
        AND (state = 'waiting' OR lease_until < $3)
    RETURNING id";
const FREE: &str = "
    UPDATE job SET state = 'waiting', runner = NULL, lease_until = 0 WHERE state = 'running'";
const RELEASE: &str = "
    UPDATE job SET state = 'waiting', runner = NULL, lease_until = 0 WHERE id = $1 AND runner = $2 AND state = 'running'";
/// Of a job that is running for somebody.
pub(crate) const CHECKPOINT: &str = "
    UPDATE job SET position = $3, total = $4, done = $5, report = $6, lease_until = $7
    WHERE id = $1 AND runner = $2 AND state = 'running'";
/// Takes the row, so that nobody cancels the job before the transaction has ended.
pub(crate) const RENEW: &str =
    "UPDATE job SET lease_until = $3 WHERE id = $1 AND runner = $2 AND state = 'running'";
const FORGET_PERSON: &str =
    "UPDATE job SET parameters = $3 WHERE id = $1 AND runner = $2 AND state = 'running'";
const FINISH: &str = "
    UPDATE job SET state = $3, error = $4, parameters = $5, position = '', runner = NULL, lease_until = 0, finished_at = $6
    WHERE id = $1 AND runner = $2 AND state = 'running'";
const CANCEL: &str = "
    UPDATE job SET state = 'cancelled', parameters = $2, position = '', runner = NULL, lease_until = 0, finished_at = $3
    WHERE id = $1 AND state IN ('waiting', 'running')";
const COLUMNS: &str = "
    SELECT j.id, j.organization_id, j.project_id, j.kind, j.parameters, j.state, j.position, j.total, j.done, j.report,
        j.error, u.email, j.created_at, j.finished_at
    FROM job j LEFT JOIN user_account u ON u.id = j.user_id WHERE ";

/// Until when a runner that speaks now is taken for alive.
pub(crate) fn lease(now: UnixMillis) -> i64 {
    now.0.saturating_add(LEASE_MILLIS)
}

impl Store {
    /// Makes a job, which runs when those before it have ended.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn create_job(&self, new: &NewJob, now: UnixMillis) -> Result<JobId, StoreError> {
        let id: i64 = with_writer!(&self.db, |pool| sqlx::query_scalar(INSERT)
            .bind(new.organization_id.0)
            .bind(new.project_id.map(|project| project.0))
            .bind(new.kind.name())
            .bind(new.parameters.to_json())
            .bind(new.author.map(|user| user.0))
            .bind(now.0)
            .fetch_one(pool)
            .await)?;
        self.jobs.notify_one();
        Ok(JobId(id))
    }

    /// Waits until this process makes a job. One waiter is woken, also by a job that was made before it waited.
    pub async fn job_created(&self) {
        self.jobs.notified().await;
    }

    /// Takes the oldest job that waits, or whose runner has died; `None` if there is none, or one is being worked on.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Io`] if the system has no random numbers.
    pub async fn claim_job(&self, now: UnixMillis) -> Result<Option<ClaimedJob>, StoreError> {
        if !self.has_open_jobs().await? {
            return Ok(None);
        }
        let runner = random_name()?;
        let id: Option<i64> = with_writer!(&self.db, |pool| sqlx::query_scalar(CLAIM)
            .bind(&runner)
            .bind(lease(now))
            .bind(now.0)
            .fetch_optional(pool)
            .await)?;
        let Some(id) = id else { return Ok(None) };
        let job = self.any_job(id).await?;
        Ok(job.map(|job| ClaimedJob { job, runner }))
    }

    /// Gives back what a process that has died was working on, and returns how many jobs that were. Only for the one process
    /// that has the queue's folder: on SQLite it is alone, so that whoever worked on a job before is dead. On PostgreSQL others
    /// may live, and nothing is done.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn free_jobs_of_the_dead(&self) -> Result<u64, StoreError> {
        match &self.db {
            Db::Sqlite { write, .. } => Ok(sqlx::query(FREE).execute(write).await?.rows_affected()),
            Db::Postgres(_) => Ok(0),
        }
    }

    /// Whether a job waits or runs. Reads an index only, so it can be asked often.
    async fn has_open_jobs(&self) -> Result<bool, StoreError> {
        const ANY: &str = "SELECT id FROM job WHERE state IN ('waiting', 'running') LIMIT 1";
        let any: Option<i64> = with_reader!(&self.db, |pool| sqlx::query_scalar(ANY)
            .fetch_optional(pool)
            .await)?;
        Ok(any.is_some())
    }

    /// Notes how far a job has come. `false` if it is not this process's any more: it was cancelled, or taken over.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn checkpoint_job(
        &self,
        claimed: &ClaimedJob,
        checkpoint: &Checkpoint,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let done = with_writer!(&self.db, |pool| sqlx::query(CHECKPOINT)
            .bind(claimed.job.id.0)
            .bind(&claimed.runner)
            .bind(&checkpoint.position)
            .bind(i64::try_from(checkpoint.total).unwrap_or(i64::MAX))
            .bind(i64::try_from(checkpoint.done).unwrap_or(i64::MAX))
            .bind(&checkpoint.report)
            .bind(lease(now))
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(done > 0)
    }

    /// Says that the runner lives until `until`, for what takes long. `false` as with [`Store::checkpoint_job`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn renew_job(
        &self,
        claimed: &ClaimedJob,
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let done = with_writer!(&self.db, |pool| sqlx::query(RENEW)
            .bind(claimed.job.id.0)
            .bind(&claimed.runner)
            .bind(until.0)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(done > 0)
    }

    /// Takes what names a person out of a job that goes on without it. `false` as with [`Store::checkpoint_job`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_person_of_job(&self, claimed: &ClaimedJob) -> Result<bool, StoreError> {
        let done = with_writer!(&self.db, |pool| sqlx::query(FORGET_PERSON)
            .bind(claimed.job.id.0)
            .bind(&claimed.runner)
            .bind(claimed.job.parameters.without_person().to_json())
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(done > 0)
    }

    /// Ends a job: `failure` says why it could not go on.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn finish_job(
        &self,
        claimed: &ClaimedJob,
        failure: Option<&str>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let state = failure.map_or(JobState::Done, |_| JobState::Failed);
        with_writer!(&self.db, |pool| sqlx::query(FINISH)
            .bind(claimed.job.id.0)
            .bind(&claimed.runner)
            .bind(state.name())
            .bind(failure)
            .bind(claimed.job.parameters.without_person().to_json())
            .bind(now.0)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Gives a job back, so that the next process that looks goes on with it at once.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn release_job(&self, claimed: &ClaimedJob) -> Result<(), StoreError> {
        with_writer!(&self.db, |pool| sqlx::query(RELEASE)
            .bind(claimed.job.id.0)
            .bind(&claimed.runner)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Stops a job of an organisation that is not over; says whether there was one. Its runner notices before it writes again.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn cancel_job(
        &self,
        organization: OrganizationId,
        id: JobId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(job) = self.job(organization, id).await? else {
            return Ok(false);
        };
        let done = with_writer!(&self.db, |pool| sqlx::query(CANCEL)
            .bind(id.0)
            .bind(job.parameters.without_person().to_json())
            .bind(now.0)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(done > 0)
    }

    /// A job of an organisation.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn job(
        &self,
        organization: OrganizationId,
        id: JobId,
    ) -> Result<Option<Job>, StoreError> {
        let job = self.any_job(id.0).await?;
        Ok(job.filter(|job| job.organization_id == organization))
    }

    async fn any_job(&self, id: i64) -> Result<Option<Job>, StoreError> {
        let row: Option<Columns> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(COLUMNS);
            query.push("j.id = ").push_bind(id);
            query.build_query_as().fetch_optional(pool).await
        })?;
        row.map(Job::try_from).transpose()
    }

    /// The newest jobs of an organisation, the last one first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn jobs(
        &self,
        organization: OrganizationId,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(COLUMNS);
            query
                .push("j.organization_id = ")
                .push_bind(organization.0)
                .push(" ORDER BY j.id DESC LIMIT ")
                .push_bind(i64::from(limit));
            query.build_query_as().fetch_all(pool).await
        })?;
        rows.into_iter().map(Job::try_from).collect()
    }
}

/// 32 hex digits that no other runner has.
fn random_name() -> Result<String, StoreError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| StoreError::Io {
        path: "the system's random numbers".to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(random
        .iter()
        .fold(String::new(), |name, byte| name + &format!("{byte:02x}")))
}
