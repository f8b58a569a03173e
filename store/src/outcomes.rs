//! The ledger of outcomes: what became of how many items, by the hour.

use bugle_protocol::{DataCategory, KeyId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::{Store, StoreError};

// What a second try took back is nothing, and its row stays.
const TOTALS: &str = "
    SELECT category, outcome, reason, CAST(SUM(quantity) AS BIGINT) FROM outcome
    WHERE project_id = $1 AND hour >= $2 GROUP BY category, outcome, reason HAVING SUM(quantity) <> 0
    ORDER BY category, outcome, reason";
const TOTALS_BY_KEY: &str = "
    SELECT key_id, category, outcome, reason, CAST(SUM(quantity) AS BIGINT) FROM outcome
    WHERE project_id = $1 AND hour >= $2 GROUP BY key_id, category, outcome, reason HAVING SUM(quantity) <> 0
    ORDER BY key_id, category, outcome, reason";

/// How many items of a project ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OutcomeTotal {
    /// What they count as, such as `error`.
    pub category: String,
    /// How they ended, such as `accepted`.
    pub outcome: String,
    /// Why, empty where the outcome says it all.
    pub reason: String,
    /// How many.
    pub quantity: i64,
}

/// How long the stretches of a series are. Both begin in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeStep {
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl OutcomeStep {
    /// The length in milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// When the stretch begins that holds this time.
    #[must_use]
    pub fn start(self, at: UnixMillis) -> UnixMillis {
        UnixMillis(at.0 - at.0.rem_euclid(self.millis()))
    }
}

/// Which part of the ledger a series shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeQuery {
    /// The projects; none means nothing at all.
    pub projects: Vec<ProjectId>,
    /// The first hour, the one that holds this time.
    pub from: UnixMillis,
    /// The end: hours that begin at this time or later are left out.
    pub to: UnixMillis,
    /// The stretches that are added up.
    pub step: OutcomeStep,
    /// Only these categories; none means all.
    pub categories: Vec<DataCategory>,
}

/// How many items of a project ended in one way in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OutcomePoint {
    /// The project.
    pub project_id: ProjectId,
    /// When the stretch begins.
    pub time: UnixMillis,
    /// What they count as, such as `error`.
    pub category: String,
    /// How they ended, such as `accepted`.
    pub outcome: String,
    /// Why, empty where the outcome says it all.
    pub reason: String,
    /// How many.
    pub quantity: i64,
}

impl Store {
    /// The outcomes of a project since the hour of `since`, added up.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn outcome_totals(
        &self,
        project: ProjectId,
        since: UnixMillis,
    ) -> Result<Vec<OutcomeTotal>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(TOTALS)
                .bind(project.0)
                .bind(since.hour().0)
                .fetch_all(pool)
                .await
        })?;
        let read = |(category, outcome, reason, quantity)| OutcomeTotal {
            category,
            outcome,
            reason,
            quantity,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The outcomes of each key of a project since the hour of `since`, added up, by key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn outcome_totals_by_key(
        &self,
        project: ProjectId,
        since: UnixMillis,
    ) -> Result<Vec<(KeyId, OutcomeTotal)>, StoreError> {
        let rows: Vec<(i64, String, String, String, i64)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(TOTALS_BY_KEY)
                .bind(project.0)
                .bind(since.hour().0)
                .fetch_all(pool)
                .await
        })?;
        let read = |(key_id, category, outcome, reason, quantity)| {
            let total = OutcomeTotal {
                category,
                outcome,
                reason,
                quantity,
            };
            (KeyId(key_id), total)
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The outcomes over time, oldest first; what did not happen in a stretch is left out of it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn outcome_series(
        &self,
        series: &OutcomeQuery,
    ) -> Result<Vec<OutcomePoint>, StoreError> {
        if series.projects.is_empty() {
            return Ok(Vec::new());
        }
        let step = series.step.millis();
        let rows: Vec<(i64, i64, String, String, String, i64)> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(format!(
                "SELECT project_id, hour - hour % {step} AS stretch, category, outcome, reason,
                    CAST(SUM(quantity) AS BIGINT) FROM outcome WHERE hour >= "
            ));
            query.push_bind(series.from.hour().0);
            query
                .push(" AND hour < ")
                .push_bind(series.to.0)
                .push(" AND project_id IN (");
            let mut ids = query.separated(", ");
            for project in &series.projects {
                ids.push_bind(project.0);
            }
            query.push(")");
            if !series.categories.is_empty() {
                query.push(" AND category IN (");
                let mut names = query.separated(", ");
                for category in &series.categories {
                    names.push_bind(category.name());
                }
                query.push(")");
            }
            query.push(
                " GROUP BY project_id, stretch, category, outcome, reason HAVING SUM(quantity) <> 0
                  ORDER BY stretch, project_id, category, outcome, reason",
            );
            query
                .build_query_as()
                .persistent(false)
                .fetch_all(pool)
                .await
        })?;
        let read = |(project_id, time, category, outcome, reason, quantity)| OutcomePoint {
            project_id: ProjectId(project_id),
            time: UnixMillis(time),
            category,
            outcome,
            reason,
            quantity,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
