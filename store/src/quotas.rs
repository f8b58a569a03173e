//! Quotas: how much may be taken in within a window of time.

use bugle_protocol::{
    DataCategory, KeyId, LimitReason, LimitScope, OrganizationId, ProjectId, QuotaId, UnixMillis,
};

use crate::db::{with_reader, with_writer};
use crate::{ProjectKey, Store, StoreError};

/// The shortest window: usage is kept by the minute.
const MIN_WINDOW_SECONDS: u64 = 60;

/// Windows up to this are whole minutes; longer ones are whole hours, because usage is kept by the hour after a while.
const HOUR_SECONDS: u64 = 3600;

/// The longest window: 31 days.
const MAX_WINDOW_SECONDS: u64 = 31 * 24 * HOUR_SECONDS;

/// What becomes an event.
const EVENTS: [DataCategory; 2] = [DataCategory::Error, DataCategory::Security];

const UPSERT: &str = "
    INSERT INTO quota (organization_id, project_id, key_id, categories, quantity, window_seconds, reason, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (organization_id, (COALESCE(project_id, 0)), (COALESCE(key_id, 0)), categories, window_seconds, reason)
    DO UPDATE SET quantity = excluded.quantity
    RETURNING id, organization_id, project_id, key_id, categories, quantity, window_seconds, reason, created_at";
const DELETE: &str = "DELETE FROM quota WHERE id = $1";
const ALL: &str = "
    SELECT id, organization_id, project_id, key_id, categories, quantity, window_seconds, reason, created_at
    FROM quota ORDER BY id";
const OF_ORGANIZATION: &str = "
    SELECT id, organization_id, project_id, key_id, categories, quantity, window_seconds, reason, created_at
    FROM quota WHERE organization_id = $1 ORDER BY id";
pub(crate) const OF_PROJECT: &str = "
    SELECT id, organization_id, project_id, key_id, categories, quantity, window_seconds, reason, created_at
    FROM quota WHERE organization_id = (SELECT organization_id FROM project WHERE id = $1)
    AND (project_id IS NULL OR project_id = $1) ORDER BY id";
const PROJECT_TARGET: &str = "SELECT organization_id FROM project WHERE id = $1";
const KEY_TARGET: &str = "
    SELECT project.organization_id, project.id FROM project_key
    JOIN project ON project.id = project_key.project_id WHERE project_key.id = $1";

/// How much may be taken in of some categories within a window, together.
///
/// Windows are fixed: they begin at the multiples of their length since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quota {
    /// The database id.
    pub id: QuotaId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The one project that it bounds, `None` for all of the organisation.
    pub project_id: Option<ProjectId>,
    /// The one key that it bounds, `None` for all of the project.
    pub key_id: Option<KeyId>,
    /// What is counted, all bytes or all items; empty for everything that counts as items.
    pub categories: Vec<DataCategory>,
    /// How much may come in a window; 0 refuses everything.
    pub quantity: u64,
    /// The window: 60 seconds to 31 days, whole minutes up to an hour and whole hours above.
    pub window_seconds: u64,
    /// What clients and the ledger are told.
    pub reason: LimitReason,
    /// When it was first set.
    pub created_at: UnixMillis,
}

/// What a quota bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaTarget {
    /// All projects of an organisation.
    Organization(OrganizationId),
    /// One project.
    Project(ProjectId),
    /// One key of a project.
    Key(KeyId),
}

/// What it takes to set a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQuota {
    /// What it bounds.
    pub target: QuotaTarget,
    /// See [`Quota::categories`].
    pub categories: Vec<DataCategory>,
    /// See [`Quota::quantity`].
    pub quantity: u64,
    /// See [`Quota::window_seconds`].
    pub window_seconds: u64,
}

impl Quota {
    /// What it adds up over.
    #[must_use]
    pub fn scope(&self) -> LimitScope {
        match (self.project_id, self.key_id) {
            (_, Some(_)) => LimitScope::Key,
            (Some(_), None) => LimitScope::Project,
            (None, None) => LimitScope::Organization,
        }
    }

    /// Whether it is what Sentry calls a key's rate limit.
    #[must_use]
    pub fn is_rate_limit(&self) -> bool {
        self.scope() == LimitScope::Key && self.categories == EVENTS
    }

    /// Whether it counts bytes, not items.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        self.categories.iter().any(|category| category.is_bytes())
    }

    /// Whether it counts this category. Without any of its own it counts all that is limited, in items.
    #[must_use]
    pub fn counts(&self, category: DataCategory) -> bool {
        if self.categories.is_empty() {
            category.is_limited() && !category.is_bytes()
        } else {
            self.categories.contains(&category)
        }
    }

    /// Whether it bounds what comes with this key.
    #[must_use]
    pub fn applies_to(&self, project_id: ProjectId, key_id: KeyId) -> bool {
        self.project_id.is_none_or(|id| id == project_id)
            && self.key_id.is_none_or(|id| id == key_id)
    }

    /// The number of the window that holds this time.
    #[must_use]
    pub fn slot(&self, at: UnixMillis) -> i64 {
        at.0.div_euclid(self.window_millis())
    }

    /// When a window begins.
    #[must_use]
    pub fn slot_start(&self, slot: i64) -> UnixMillis {
        UnixMillis(slot.saturating_mul(self.window_millis()))
    }

    fn window_millis(&self) -> i64 {
        i64::try_from(self.window_seconds.max(1).saturating_mul(1000)).unwrap_or(i64::MAX)
    }
}

impl QuotaTarget {
    fn scope(self) -> LimitScope {
        match self {
            Self::Organization(_) => LimitScope::Organization,
            Self::Project(_) => LimitScope::Project,
            Self::Key(_) => LimitScope::Key,
        }
    }
}

impl NewQuota {
    /// Checks the values and brings the categories into order.
    fn checked(&self) -> Result<(Vec<DataCategory>, i64, i64), StoreError> {
        let invalid = |text: String| Err(StoreError::Invalid(text));
        let window = self.window_seconds;
        check_window(window)?;
        let Ok(quantity) = i64::try_from(self.quantity) else {
            return invalid(format!("a quantity above {} cannot be counted", i64::MAX));
        };
        let mut categories = self.categories.clone();
        categories.sort_unstable();
        categories.dedup();
        if let Some(never) = categories.iter().find(|category| !category.is_limited()) {
            return invalid(format!("the category {} is never limited", never.name()));
        }
        let bytes = categories.iter().find(|category| category.is_bytes());
        let items = categories.iter().find(|category| !category.is_bytes());
        if let (Some(bytes), Some(items)) = (bytes, items) {
            return invalid(format!(
                "{} counts bytes and {} counts items: they need a limit each",
                bytes.name(),
                items.name()
            ));
        }
        Ok((
            categories,
            quantity,
            i64::try_from(window).unwrap_or(i64::MAX),
        ))
    }
}

/// Checks that quotas can have a window of so many seconds.
///
/// # Errors
/// [`StoreError::Invalid`].
pub fn check_window(seconds: u64) -> Result<(), StoreError> {
    let fault = if !(MIN_WINDOW_SECONDS..=MAX_WINDOW_SECONDS).contains(&seconds) {
        format!("is not between {MIN_WINDOW_SECONDS} s and {MAX_WINDOW_SECONDS} s")
    } else if seconds <= HOUR_SECONDS && !seconds.is_multiple_of(60) {
        "is not whole minutes".to_owned()
    } else if seconds > HOUR_SECONDS && !seconds.is_multiple_of(HOUR_SECONDS) {
        "is longer than an hour but not whole hours".to_owned()
    } else {
        return Ok(());
    };
    Err(StoreError::Invalid(format!(
        "a window of {seconds} s {fault}"
    )))
}

/// A quota's columns.
pub(crate) type QuotaColumns = (
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    String,
    i64,
    i64,
    String,
    i64,
);

/// Reads rows. A quota that this version does not understand is left out: it must not cost the events of its keys.
pub(crate) fn read_quotas(rows: Vec<QuotaColumns>) -> Vec<Quota> {
    rows.into_iter()
        .filter_map(|row| {
            let id = row.0;
            let quota = read_quota(row);
            if quota.is_none() {
                tracing::warn!(quota.id = id, "a limit in the database cannot be read");
            }
            quota
        })
        .collect()
}

fn read_quota(
    (id, organization_id, project_id, key_id, categories, quantity, window, reason, created_at): QuotaColumns,
) -> Option<Quota> {
    let names = categories.split(',').filter(|name| !name.is_empty());
    Some(Quota {
        id: QuotaId(id),
        organization_id: OrganizationId(organization_id),
        project_id: project_id.map(ProjectId),
        key_id: key_id.map(KeyId),
        categories: names.map(DataCategory::from_name).collect::<Option<_>>()?,
        quantity: u64::try_from(quantity).ok()?,
        window_seconds: u64::try_from(window).ok().filter(|window| *window > 0)?,
        reason: LimitReason::from_name(&reason)?,
        created_at: UnixMillis(created_at),
    })
}

impl Store {
    /// Sets a quota; one of the same target, categories and window is changed and keeps its id and its usage. This process
    /// heeds it at once, others within 5 seconds.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for values that make no sense, [`StoreError::NotFound`] if there is no such project or key.
    pub async fn set_quota(&self, new: &NewQuota, now: UnixMillis) -> Result<Quota, StoreError> {
        self.set_quota_for(new, new.target.scope().reason(), now)
            .await
    }

    /// Sets a quota with a reason of its own.
    pub(crate) async fn set_quota_for(
        &self,
        new: &NewQuota,
        reason: LimitReason,
        now: UnixMillis,
    ) -> Result<Quota, StoreError> {
        let (categories, quantity, window) = new.checked()?;
        let (organization_id, project_id, key_id) = self.quota_target(new.target).await?;
        let names: Vec<_> = categories.iter().map(|category| category.name()).collect();
        let row: Result<QuotaColumns, sqlx::Error> = with_writer!(&self.db, |pool| {
            sqlx::query_as(UPSERT)
                .bind(organization_id)
                .bind(project_id)
                .bind(key_id)
                .bind(names.join(","))
                .bind(quantity)
                .bind(window)
                .bind(reason.name())
                .bind(now.0)
                .fetch_one(pool)
                .await
        });
        self.keys.forget_freshness();
        read_quota(row?).ok_or(StoreError::Damaged("a limit that was just set"))
    }

    /// The ids of organisation, project and key that a target stands for.
    async fn quota_target(
        &self,
        target: QuotaTarget,
    ) -> Result<(i64, Option<i64>, Option<i64>), StoreError> {
        match target {
            QuotaTarget::Organization(id) => Ok((id.0, None, None)),
            QuotaTarget::Project(id) => {
                let found: Option<i64> =
                    with_reader!(&self.db, |pool| sqlx::query_scalar(PROJECT_TARGET)
                        .bind(id.0)
                        .fetch_optional(pool)
                        .await)?;
                let organization = found.ok_or_else(|| missing("project", id.0))?;
                Ok((organization, Some(id.0), None))
            }
            QuotaTarget::Key(id) => {
                let found: Option<(i64, i64)> =
                    with_reader!(&self.db, |pool| sqlx::query_as(KEY_TARGET)
                        .bind(id.0)
                        .fetch_optional(pool)
                        .await)?;
                let (organization, project) = found.ok_or_else(|| missing("key", id.0))?;
                Ok((organization, Some(project), Some(id.0)))
            }
        }
    }

    /// Sets or removes the one limit of a key on its events, which is what Sentry calls a key's rate limit: how many in how
    /// many seconds. Other limits of the key are left alone.
    ///
    /// # Errors
    /// As of [`Store::set_quota`].
    pub async fn set_key_rate_limit(
        &self,
        key: &ProjectKey,
        limit: Option<(u64, u64)>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut kept = None;
        if let Some((quantity, window_seconds)) = limit {
            let new = NewQuota {
                target: QuotaTarget::Key(key.id),
                categories: EVENTS.to_vec(),
                quantity,
                window_seconds,
            };
            kept = Some(self.set_quota(&new, now).await?.id);
        }
        let old = key.quotas.iter().filter(|quota| quota.is_rate_limit());
        for quota in old.filter(|quota| Some(quota.id) != kept) {
            self.remove_quota(quota.id).await?;
        }
        Ok(())
    }

    /// Removes a quota; `false` if there was none of that id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_quota(&self, id: QuotaId) -> Result<bool, StoreError> {
        let removed = with_writer!(&self.db, |pool| sqlx::query(DELETE)
            .bind(id.0)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        self.keys.forget_freshness();
        Ok(removed > 0)
    }

    /// All quotas of all organisations, by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn all_quotas(&self) -> Result<Vec<Quota>, StoreError> {
        let rows = with_reader!(&self.db, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        Ok(read_quotas(rows))
    }

    /// The quotas of an organisation, of its projects and of their keys, by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn quotas(&self, organization_id: OrganizationId) -> Result<Vec<Quota>, StoreError> {
        let rows = with_reader!(&self.db, |pool| sqlx::query_as(OF_ORGANIZATION)
            .bind(organization_id.0)
            .fetch_all(pool)
            .await)?;
        Ok(read_quotas(rows))
    }

    /// The quotas that bound a project: its own, its keys', and its organisation's; by id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn quotas_of_project(&self, project_id: ProjectId) -> Result<Vec<Quota>, StoreError> {
        let rows = with_reader!(&self.db, |pool| sqlx::query_as(OF_PROJECT)
            .bind(project_id.0)
            .fetch_all(pool)
            .await)?;
        Ok(read_quotas(rows))
    }
}

fn missing(kind: &str, id: i64) -> StoreError {
    StoreError::NotFound {
        what: format!("{kind} {id}"),
    }
}
