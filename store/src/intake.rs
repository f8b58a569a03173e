//! How much was taken in: what quotas are filled again from after a start.

use bugle_protocol::{DataCategory, KeyId, OrganizationId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::{Quota, Store, StoreError};

/// Windows up to this, in seconds, are added up from minutes.
const HOUR_SECONDS: u64 = 3600;

/// How long minutes are kept, in milliseconds: twice the longest window that reads them.
pub(crate) const KEPT_MILLIS: i64 = 2 * 3_600_000;

const OF_MINUTES: &str =
    "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM intake WHERE minute >= ";

/// What was refused for a limit, or never left the client, was not taken in.
const OF_HOURS: &str = "
    SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM outcome
    WHERE outcome NOT IN ('rate_limited', 'client_discard') AND hour >= ";

/// Whose usage is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageScope {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// One of its projects, `None` for all.
    pub project_id: Option<ProjectId>,
    /// One key, `None` for all.
    pub key_id: Option<KeyId>,
}

impl From<&Quota> for UsageScope {
    fn from(quota: &Quota) -> Self {
        Self {
            organization_id: quota.organization_id,
            project_id: quota.project_id,
            key_id: quota.key_id,
        }
    }
}

impl Store {
    /// How much of some categories, together, has been taken in and processed since `since`. What still waits in the
    /// queue is not in it.
    ///
    /// A window of up to an hour counts from the minute of `since`, and sees no further back than two hours; a longer one
    /// counts from the hour of `since`. No category at all means all that are limited and counted in items, as in
    /// [`Quota::categories`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn usage(
        &self,
        scope: UsageScope,
        categories: &[DataCategory],
        since: UnixMillis,
        window_seconds: u64,
    ) -> Result<i64, StoreError> {
        let (sql, since) = if window_seconds <= HOUR_SECONDS {
            (OF_MINUTES, minute(since))
        } else {
            (OF_HOURS, since.hour().0)
        };
        let counted = counted(categories);
        let sum = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(sql);
            query.push_bind(since);
            if let Some(project_id) = scope.project_id {
                query.push(" AND project_id = ").push_bind(project_id.0);
            }
            query
                .push(" AND project_id IN (SELECT id FROM project WHERE organization_id = ")
                .push_bind(scope.organization_id.0)
                .push(")");
            if let Some(key_id) = scope.key_id {
                query.push(" AND key_id = ").push_bind(key_id.0);
            }
            query.push(" AND category IN (");
            let mut names = query.separated(", ");
            for category in &counted {
                names.push_bind(category.name());
            }
            query.push(")");
            query
                .build_query_scalar()
                .persistent(false)
                .fetch_one(pool)
                .await
        })?;
        Ok(sum)
    }

    /// [`Store::usage`] of what a quota counts.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn quota_usage(&self, quota: &Quota, since: UnixMillis) -> Result<i64, StoreError> {
        self.usage(quota.into(), &quota.categories, since, quota.window_seconds)
            .await
    }
}

/// The beginning of the minute.
pub(crate) fn minute(at: UnixMillis) -> i64 {
    at.0 - at.0.rem_euclid(60_000)
}

/// The categories, or those that a limit without any of its own counts.
fn counted(categories: &[DataCategory]) -> Vec<DataCategory> {
    if categories.is_empty() {
        let all = DataCategory::ALL.iter().copied();
        all.filter(|category| category.is_limited() && !category.is_bytes())
            .collect()
    } else {
        categories.to_vec()
    }
}
