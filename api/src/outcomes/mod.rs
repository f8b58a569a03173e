//! What became of what was sent: counts and series from the ledger of outcomes.

mod counts;
mod groups;
mod stats_v2;

pub(crate) use counts::project_counts;
pub(crate) use stats_v2::organization_outcomes;

use bugle_protocol::{DataCategory, ProjectId};
use bugle_store::{OutcomePoint, OutcomeQuery, OutcomeStep};

use crate::range::{DAY_MS, Grid, HOUR_MS};
use crate::{ApiError, Call};

/// How much of the ledger is read at a time, in milliseconds: a long series does not need all its points in memory.
const WINDOW_MS: i64 = 7 * DAY_MS;

/// What Sentry counts as errors.
const ERRORS: [DataCategory; 2] = [DataCategory::Error, DataCategory::Security];

/// Reads the part of the ledger that a grid covers, and gives each point to `take` with the number of its stretch.
async fn read(
    call: &Call,
    projects: &[ProjectId],
    categories: &[DataCategory],
    grid: Grid,
    mut take: impl FnMut(usize, OutcomePoint) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let step = if grid.width() % DAY_MS == 0 {
        OutcomeStep::Day
    } else {
        OutcomeStep::Hour
    };
    let mut query = OutcomeQuery {
        projects: projects.to_vec(),
        from: grid.start(),
        to: grid.start(),
        step,
        categories: categories.to_vec(),
    };
    while query.to < grid.end() {
        query.from = query.to;
        query.to.0 = (query.from.0 + WINDOW_MS).min(grid.end().0);
        for point in call.api.store.outcome_series(&query).await? {
            if let Some(stretch) = grid.index(point.time) {
                take(stretch, point)?;
            }
        }
    }
    Ok(())
}

/// The length of a stretch in milliseconds: whole hours of which a day has a whole number.
fn width(text: &str) -> Result<i64, ApiError> {
    let length = crate::range::parse_period(text);
    let length = length.and_then(|length| i64::try_from(length.as_millis()).ok());
    length
        .filter(|ms| *ms > 0 && ms % HOUR_MS == 0 && DAY_MS % ms == 0)
        .ok_or_else(|| {
            ApiError::Invalid(format!(
                "invalid interval '{}': expected hours that a day is made of, such as 1h, 6h or 1d",
                crate::error::shortened(text)
            ))
        })
}
