//! The older counts of one project: errors that were received, rejected or filtered.

use axum::Json;
use bugle_protocol::UnixMillis;
use bugle_store::Scope;

use super::{ERRORS, read, width};
use crate::error::shortened;
use crate::range::Grid;
use crate::{ApiError, Call};

/// How far the counts reach back where nobody says.
const DEFAULT_SECONDS: f64 = 86_400.0;

/// The last second that has a calendar form, of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stat {
    /// All that reached the server.
    Received,
    /// What was refused: for a limit, or because it could not be read.
    Rejected,
    /// What a filter dropped.
    Blacklisted,
    /// What was stored.
    Generated,
}

impl Stat {
    fn named(name: &str) -> Result<Self, ApiError> {
        match name {
            "received" => Ok(Self::Received),
            "rejected" => Ok(Self::Rejected),
            "blacklisted" => Ok(Self::Blacklisted),
            "generated" => Ok(Self::Generated),
            _ => Err(ApiError::Invalid(format!(
                "unknown stat '{}': expected received, rejected, blacklisted or generated",
                shortened(name)
            ))),
        }
    }

    /// Whether an outcome of this name counts.
    fn counts(self, outcome: &str) -> bool {
        match self {
            Self::Received => outcome != "client_discard",
            Self::Rejected => matches!(outcome, "rate_limited" | "invalid"),
            Self::Blacklisted => outcome == "filtered",
            Self::Generated => outcome == "accepted",
        }
    }
}

/// `GET projects/{o}/{p}/stats/`: `[[unix seconds, errors], ...]`, oldest first, nothing left out.
pub(crate) async fn project_counts(call: Call) -> Result<Json<Vec<(i64, i64)>>, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    let given = |key| call.param(key).filter(|text| !text.is_empty());
    let stat = Stat::named(given("stat").unwrap_or("received"))?;
    let width = width(given("resolution").unwrap_or("1h"))?;
    let until = given("until").map_or(Ok(call.now.as_seconds()), seconds)?;
    let since = given("since").map_or(Ok((until - DEFAULT_SECONDS).max(0.0)), seconds)?;
    let [since, until] = [since, until].map(UnixMillis::from_seconds);
    let grid = Grid::new(since, until, width)?;
    let mut counts: Vec<_> = grid.times().map(|time| (time.0 / 1000, 0_i64)).collect();
    read(&call, &[project.id], &ERRORS, grid, |stretch, point| {
        if stat.counts(&point.outcome) {
            counts[stretch].1 += point.quantity;
        }
        Ok(())
    })
    .await?;
    Ok(Json(counts))
}

fn seconds(text: &str) -> Result<f64, ApiError> {
    let seconds = text.parse::<f64>().ok();
    seconds
        .filter(|seconds| (0.0..=LAST_SECOND).contains(seconds))
        .ok_or_else(|| {
            ApiError::Invalid(format!(
                "invalid time '{}': expected seconds since 1970",
                shortened(text)
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_of_this_calendar() {
        assert_eq!(seconds("1795163904.5").unwrap(), 1_795_163_904.5);
        for bad in ["", "-1", "NaN", "inf", "1e300", "2026-01-01", "é"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
