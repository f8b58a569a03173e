//! Spike protection: a project's hour is bounded by a multiple of what its hours usually hold.

use std::collections::HashMap;

use bugle_protocol::{DataCategory, LimitReason, ProjectId, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::{NewQuota, QuotaTarget, Store, StoreError};

const SET: &str = "UPDATE project SET spike_protection = $2 WHERE id = $1";
const PROTECTED: &str = "SELECT id FROM project WHERE spike_protection = TRUE ORDER BY id";

/// The hours that held any events, and the events in them, of each protected project. What a limit refused does not
/// count, so that a spike does not raise its own threshold.
const USUAL: &str = "
    SELECT project_id, COUNT(*), CAST(SUM(events) AS BIGINT) FROM (
        SELECT o.project_id, o.hour, SUM(o.quantity) AS events FROM outcome o
        JOIN project p ON p.id = o.project_id
        WHERE p.spike_protection = TRUE AND o.hour >= $1 AND o.hour < $2 AND o.category IN ('error', 'security')
        AND o.outcome NOT IN ('rate_limited', 'client_discard')
        GROUP BY o.project_id, o.hour
    ) AS hours WHERE events > 0 GROUP BY project_id";

/// The window of a spike's quota.
const HOUR_SECONDS: u64 = 3600;

/// How far back is looked, in milliseconds: seven days.
const HISTORY_MILLIS: i64 = 7 * 24 * 3_600_000;

/// Without so many hours that held any events nobody knows what is usual.
const MIN_HOURS: u64 = 24;

/// How many times the usual hour an hour may hold.
const FACTOR: u64 = 5;

/// What an hour may always hold.
const FLOOR: u64 = 1000;

/// What is counted: errors and the browsers' reports that become events. Transactions come in other numbers: one
/// threshold for both would protect from neither.
const CATEGORIES: [DataCategory; 2] = [DataCategory::Error, DataCategory::Security];

impl Store {
    /// Switches the spike protection of a project on or off. Switched on, it takes hold at once if the project has a
    /// history of 24 hours, else as soon as it has.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such project.
    pub async fn set_spike_protection(
        &self,
        project_id: ProjectId,
        is_on: bool,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let changed = with_writer!(&self.db, |pool| sqlx::query(SET)
            .bind(project_id.0)
            .bind(is_on)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        if changed == 0 {
            let what = format!("project {project_id}");
            return Err(StoreError::NotFound { what });
        }
        self.refresh_spike_quotas(now).await
    }

    /// Computes the thresholds of all protected projects anew, and sets and removes their quotas accordingly. Several
    /// nodes may do so at the same time.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn refresh_spike_quotas(&self, now: UnixMillis) -> Result<(), StoreError> {
        let thresholds = self.spike_thresholds(now).await?;
        for (project_id, quantity) in &thresholds {
            let new = NewQuota {
                target: QuotaTarget::Project(*project_id),
                categories: CATEGORIES.to_vec(),
                quantity: *quantity,
                window_seconds: HOUR_SECONDS,
            };
            self.set_quota_for(&new, LimitReason::SpikeProtection, now)
                .await?;
        }
        for quota in self.all_quotas().await? {
            let is_current = quota
                .project_id
                .is_some_and(|id| thresholds.contains_key(&id));
            if quota.reason == LimitReason::SpikeProtection && !is_current {
                self.remove_quota(quota.id).await?;
            }
        }
        Ok(())
    }

    /// What an hour of each protected project may hold; those without enough of a history are left out.
    async fn spike_thresholds(
        &self,
        now: UnixMillis,
    ) -> Result<HashMap<ProjectId, u64>, StoreError> {
        let until = now.hour().0;
        let (protected, usual): (Vec<i64>, Vec<(i64, i64, i64)>) = with_reader!(&self.db, |pool| {
            let protected = sqlx::query_scalar(PROTECTED).fetch_all(pool).await?;
            let usual = sqlx::query_as(USUAL)
                .bind(until - HISTORY_MILLIS)
                .bind(until)
                .fetch_all(pool)
                .await?;
            (protected, usual)
        });
        let thresholds = usual.into_iter().filter_map(|(project, hours, events)| {
            let hours = u64::try_from(hours).ok()?;
            let events = u64::try_from(events).ok()?;
            Some((ProjectId(project), threshold(hours, events)?))
        });
        let is_protected = |(project, _): &(ProjectId, u64)| protected.contains(&project.0);
        Ok(thresholds.filter(is_protected).collect())
    }
}

/// What an hour may hold after so many hours with so many events; `None` while that is too little to tell.
fn threshold(hours: u64, events: u64) -> Option<u64> {
    (hours >= MIN_HOURS).then(|| FLOOR.max(events.saturating_mul(FACTOR).div_ceil(hours)))
}

#[cfg(test)]
mod tests {
    use super::threshold;

    #[test]
    fn an_hour_may_hold_five_times_the_usual() {
        for (hours, events, expected) in [
            (0, 0, None),
            (23, 1_000_000, None),
            (24, 24, Some(1000)),
            (24, 24 * 200, Some(1000)),
            (24, 24 * 300, Some(1500)),
            (168, 168 * 40_000, Some(200_000)),
            (100, u64::MAX, Some(u64::MAX.div_ceil(100))),
        ] {
            assert_eq!(threshold(hours, events), expected, "{hours} {events}");
        }
    }
}
