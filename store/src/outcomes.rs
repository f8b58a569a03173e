//! The ledger of outcomes: what became of how many items, by the hour.

use bugle_protocol::{ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::{Store, StoreError};

const TOTALS: &str = "
    SELECT category, outcome, reason, CAST(SUM(quantity) AS BIGINT) FROM outcome
    WHERE project_id = $1 AND hour >= $2 GROUP BY category, outcome, reason ORDER BY category, outcome, reason";

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
}
