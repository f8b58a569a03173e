//! The little chart of an issue: how many events per hour or day.

use std::collections::HashMap;

use bugle_protocol::{IssueId, UnixMillis};
use bugle_store::Issue;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{ApiError, Call};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Events of an issue in hours that have any.
type Hours = Vec<(UnixMillis, i64)>;

/// How far a chart reaches back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// 24 hours, a point for each.
    Day,
    /// 14 days, a point for each.
    Fortnight,
}

/// A chart: `{"24h": [[unix seconds, events], ...]}`, oldest first, nothing left out.
#[derive(Debug)]
pub(crate) struct Stats {
    span: Span,
    points: Vec<(i64, i64)>,
}

impl Span {
    /// The span that `statsPeriod` or `groupStatsPeriod` asks for; Sentry has charts of two lengths only.
    pub(crate) fn of(period: Option<&str>) -> Self {
        match period {
            Some("14d") => Self::Fortnight,
            _ => Self::Day,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Fortnight => "14d",
        }
    }

    /// The length of a point's stretch of time and the number of points.
    fn grid(self) -> (i64, i64) {
        match self {
            Self::Day => (HOUR_MS, 24),
            Self::Fortnight => (DAY_MS, 14),
        }
    }

    /// The beginning of the first point; the last one is the hour or day of `now`.
    fn start(self, now: UnixMillis) -> i64 {
        let (width, points) = self.grid();
        now.0 - now.0.rem_euclid(width) - width * (points - 1)
    }

    /// The chart of an issue's hours.
    pub(crate) fn stats(self, hours: Option<&Hours>, now: UnixMillis) -> Stats {
        let ((width, count), start) = (self.grid(), self.start(now));
        let mut points: Vec<_> = (0..count)
            .map(|i| ((start + i * width) / 1000, 0))
            .collect();
        for (hour, events) in hours.into_iter().flatten() {
            let index = usize::try_from((hour.0 - start).div_euclid(width));
            if let Some(point) = index.ok().and_then(|i| points.get_mut(i)) {
                point.1 += events;
            }
        }
        Stats { span: self, points }
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.span.name(), &self.points)?;
        map.end()
    }
}

/// The hours of some issues as far as a chart needs them, all in one query.
pub(crate) async fn hours_of(
    call: &Call,
    issues: &[Issue],
    span: Span,
) -> Result<HashMap<IssueId, Hours>, ApiError> {
    let ids: Vec<_> = issues.iter().map(|i| (i.project_id, i.id)).collect();
    let since = UnixMillis(span.start(call.now));
    Ok(call.api.store.issue_hours(&ids, since).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_a_point_for_every_hour_or_day() {
        let now = UnixMillis(1_795_163_904_106);
        let hours = vec![
            (UnixMillis(now.hour().0 - 25 * HOUR_MS), 9),
            (UnixMillis(now.hour().0 - 23 * HOUR_MS), 2),
            (now.hour(), 5),
        ];
        let day = Span::Day.stats(Some(&hours), now).points;
        assert_eq!(day.len(), 24);
        assert_eq!((day[0].1, day[23]), (2, (now.hour().0 / 1000, 5)));
        let fortnight = Span::Fortnight.stats(Some(&hours), now).points;
        assert_eq!(fortnight.len(), 14);
        assert_eq!(fortnight.iter().map(|point| point.1).sum::<i64>(), 16);
        assert_eq!(fortnight[13].0 % 86_400, 0);
    }
}
