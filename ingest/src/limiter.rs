//! Quotas, applied: what of a request is taken, what is refused, and what the client is told.
//!
//! Windows are fixed; a request is charged to all quotas that count it, or to none. Counters live in memory and are
//! filled at the start with what the database and the queue know, so that a crash gives no quota back.

mod counters;
mod meter;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bugle_protocol::{Charge, OrganizationId, ProjectId, UnixMillis};
use bugle_store::queue::Queue;
use bugle_store::{IntakeCount, ProjectKey, Quota, Store, StoreError};

use counters::Counters;
pub use verdict::HoldBack;
pub(crate) use verdict::Verdict;

/// Applies the quotas that keys carry.
///
/// Each process counts for itself: several nodes with one database share what they have taken in only at their start.
#[derive(Debug)]
pub struct Limiter {
    store: Store,
    queue: Queue,
    counters: Mutex<Counters>,
    /// Held by the one who reads the usage of quotas that are new.
    loading: tokio::sync::Mutex<()>,
}

impl Limiter {
    /// A limiter that reads the usage of a quota when it first meets it. See [`Limiter::restore`] for the start.
    #[must_use]
    pub fn new(store: Store, queue: Queue) -> Self {
        Self {
            store,
            queue,
            counters: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// Fills the counters of all quotas. To be called before the queue is processed: only then what the database has and
    /// what still waits are exactly what was taken in.
    ///
    /// # Errors
    /// [`StoreError`] if database or queue cannot be read.
    pub async fn restore(&self, now: UnixMillis) -> Result<(), StoreError> {
        let quotas = self.store.all_quotas().await?;
        self.load(&quotas, now).await
    }

    /// What a quota has taken in within the window of `now`, queue included.
    ///
    /// # Errors
    /// [`StoreError`] if the quota was not met yet and its usage cannot be read.
    pub async fn usage(&self, quota: &Quota, now: UnixMillis) -> Result<u64, StoreError> {
        if let Some(used) = self.counters().used(quota, now) {
            return Ok(used);
        }
        self.stored_usage(quota, now).await
    }

    /// Decides on a request and charges what is taken. `charges` has a list per item of the request.
    pub(crate) async fn settle(
        &self,
        key: &ProjectKey,
        charges: &[Vec<Charge>],
        now: UnixMillis,
    ) -> Verdict {
        let concerned = |quota: &Quota| {
            let mut all = charges.iter().flatten();
            all.any(|charge| quota.counts(charge.category))
        };
        if !key.quotas.iter().any(concerned) {
            return Verdict::free(charges);
        }
        if let Some(verdict) = self.settle_known(key, charges, now) {
            return verdict;
        }
        self.meet(&key.quotas, now).await;
        // What cannot be read counts from nothing: the limiter never stands in the way of intake.
        self.counters().settle(&key.quotas, charges, now)
    }

    fn settle_known(
        &self,
        key: &ProjectKey,
        charges: &[Vec<Charge>],
        now: UnixMillis,
    ) -> Option<Verdict> {
        let mut counters = self.counters();
        let is_known = counters.know(&key.quotas);
        is_known.then(|| counters.settle(&key.quotas, charges, now))
    }

    /// Gives back what a request was charged that could not be kept.
    pub(crate) fn refund(&self, verdict: &Verdict) {
        self.counters().refund(verdict);
    }

    /// Reads the usage of quotas that appeared while the server runs; the others wait for the first who does.
    async fn meet(&self, quotas: &[Quota], now: UnixMillis) {
        let _loading = self.loading.lock().await;
        let missing: Vec<Quota> = {
            let counters = self.counters();
            counters.missing(quotas).into_iter().cloned().collect()
        };
        if let Err(error) = self.load(&missing, now).await {
            tracing::warn!(%error, "could not read what new limits have taken in: they begin at nothing");
        }
    }

    /// Begins to count quotas with what the database has and what waits in the queue.
    async fn load(&self, quotas: &[Quota], now: UnixMillis) -> Result<(), StoreError> {
        if quotas.is_empty() {
            return Ok(());
        }
        // First the queue, then the database: while the server runs, what is processed in between may count twice, but is not
        // forgotten.
        let queue = self.queue.clone();
        let waiting = tokio::task::spawn_blocking(move || queue.unprocessed_charges());
        // The only way not to join is a panic, and its message is in the log.
        let waiting = waiting.await.unwrap_or_else(|_| Ok(Vec::new()))?;
        let mut projects = HashMap::new();
        for quota in quotas {
            let organization = quota.organization_id;
            if let std::collections::hash_map::Entry::Vacant(unknown) = projects.entry(organization)
            {
                unknown.insert(self.projects(organization).await?);
            }
            let stored = self.stored_usage(quota, now).await?;
            let waiting = waiting_usage(quota, &waiting, &projects[&organization], now);
            let used = stored.saturating_add(waiting);
            self.counters().begin(quota, used, now);
        }
        Ok(())
    }

    async fn stored_usage(&self, quota: &Quota, now: UnixMillis) -> Result<u64, StoreError> {
        let since = quota.slot_start(quota.slot(now));
        let used = self.store.quota_usage(quota, since).await?;
        Ok(u64::try_from(used).unwrap_or(0))
    }

    async fn projects(
        &self,
        organization: OrganizationId,
    ) -> Result<HashSet<ProjectId>, StoreError> {
        let projects = self.store.projects(organization).await?;
        Ok(projects.into_iter().map(|project| project.id).collect())
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of the queue's requests counts for a quota in the window of `now`.
fn waiting_usage(
    quota: &Quota,
    waiting: &[IntakeCount],
    projects: &HashSet<ProjectId>,
    now: UnixMillis,
) -> u64 {
    let counts = waiting.iter().filter(|count| {
        projects.contains(&count.project_id)
            && quota.applies_to(count.project_id, count.key_id)
            && quota.slot(count.received_at) == quota.slot(now)
            && quota.counts(count.charge.category)
    });
    counts.map(|count| count.charge.quantity).sum()
}
