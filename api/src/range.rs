//! Stretches of time that calls ask for, and the grids that series are laid on.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_protocol::timestamp::parse_rfc3339;

use crate::ApiError;
use crate::error::shortened;

/// The most stretches of a series: a hundred days of hours.
const MAX_STRETCHES: i64 = 2400;

/// An hour in milliseconds; the ledger is kept by the hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// A day in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Grafana leaves out the zone and means UTC.
pub(crate) fn time(text: &str) -> Result<UnixMillis, ApiError> {
    parse_rfc3339(text)
        .map(UnixMillis::from_seconds)
        .ok_or_else(|| {
            ApiError::Invalid(format!(
                "invalid time '{}': expected one such as 2026-01-31T12:00:00",
                shortened(text)
            ))
        })
}

/// What a caller hears whose `statsPeriod` is none.
pub(crate) fn bad_period(text: &str) -> ApiError {
    ApiError::Invalid(format!(
        "invalid statsPeriod '{}': expected a number and s, m, h, d or w, such as 24h",
        shortened(text)
    ))
}

/// Reads `statsPeriod`: a number and one of `s`, `m`, `h`, `d`, `w`.
pub(crate) fn parse_period(text: &str) -> Option<Duration> {
    let unit = text.char_indices().next_back()?;
    let seconds = match unit.1 {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: u32 = text[..unit.0].parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}

/// Equal stretches of time one after another, which begin at multiples of their length since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    start: i64,
    width: i64,
    stretches: usize,
}

impl Grid {
    /// The stretches of `width` milliseconds that hold the time from `from` to `to`.
    pub(crate) fn new(from: UnixMillis, to: UnixMillis, width: i64) -> Result<Self, ApiError> {
        if from >= to {
            return Err(ApiError::Invalid(format!(
                "the time from {from} to {to} is empty"
            )));
        }
        let start = from.0.div_euclid(width);
        let stretches = to.0.div_euclid(width) - start + i64::from(to.0.rem_euclid(width) > 0);
        if stretches > MAX_STRETCHES {
            return Err(ApiError::Invalid(format!(
                "the time has {stretches} intervals: ask for at most {MAX_STRETCHES}"
            )));
        }
        Ok(Self {
            start: start * width,
            width,
            stretches: usize::try_from(stretches).unwrap_or(0),
        })
    }

    /// The last stretches until `now`, as many as `period` is long, the one that holds `now` among them.
    pub(crate) fn until(now: UnixMillis, period: Duration, width: i64) -> Result<Self, ApiError> {
        let end = UnixMillis((now.0.div_euclid(width) + 1) * width);
        Self::new(end.before(period), end, width)
    }

    /// When the first stretch begins.
    pub(crate) fn start(self) -> UnixMillis {
        UnixMillis(self.start)
    }

    /// When the last stretch ends.
    pub(crate) fn end(self) -> UnixMillis {
        let stretches = i64::try_from(self.stretches).unwrap_or(0);
        UnixMillis(self.start + self.width * stretches)
    }

    /// How long a stretch is, in milliseconds.
    pub(crate) fn width(self) -> i64 {
        self.width
    }

    /// How many stretches there are.
    pub(crate) fn len(self) -> usize {
        self.stretches
    }

    /// When each stretch begins.
    pub(crate) fn times(self) -> impl Iterator<Item = UnixMillis> {
        (self.start..self.end().0)
            .step_by(usize::try_from(self.width).unwrap_or(usize::MAX))
            .map(UnixMillis)
    }

    /// The number of the stretch that holds a time.
    pub(crate) fn index(self, at: UnixMillis) -> Option<usize> {
        let index = usize::try_from((at.0 - self.start).div_euclid(self.width)).ok()?;
        (index < self.stretches).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_a_number_and_a_unit() {
        assert_eq!(parse_period("24h"), Some(Duration::from_secs(86_400)));
        assert_eq!(parse_period("2w"), Some(Duration::from_secs(1_209_600)));
        for bad in ["", "h", "24", "-1h", "1.5h", "24é", "99999999999d", "1h OR"] {
            assert_eq!(parse_period(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_grid_holds_the_time_that_was_asked_for() {
        let grid = |from, to| Grid::new(UnixMillis(from), UnixMillis(to), 100);
        for (from, to, start, end) in [
            (0, 1, 0, 100),
            (0, 100, 0, 100),
            (99, 101, 0, 200),
            (250, 300, 200, 300),
            (-1, 0, -100, 0),
        ] {
            let grid = grid(from, to).unwrap();
            assert_eq!((grid.start().0, grid.end().0), (start, end));
            assert_eq!(grid.times().count(), grid.len());
            assert_eq!(grid.index(UnixMillis(from)), Some(0));
            assert_eq!(grid.index(UnixMillis(to - 1)), Some(grid.len() - 1));
            assert_eq!(grid.index(UnixMillis(start - 1)), None);
            assert_eq!(grid.index(UnixMillis(end)), None);
        }
        for (from, to) in [(0, 0), (1, 0), (0, 240_001), (i64::MIN, i64::MAX)] {
            assert!(grid(from, to).is_err(), "{from} {to}");
        }
        assert_eq!(grid(0, 240_000).unwrap().len(), 2400);
    }

    #[test]
    fn a_period_ends_with_the_stretch_of_now() {
        let day = Duration::from_secs(86_400);
        let grid = Grid::until(UnixMillis(1_795_163_904_106), day, HOUR_MS).unwrap();
        assert_eq!(grid.len(), 24);
        assert_eq!(grid.index(UnixMillis(1_795_163_904_106)), Some(23));
        let short = Grid::until(UnixMillis(1), Duration::from_secs(1), HOUR_MS).unwrap();
        assert_eq!(short.len(), 1);
    }
}
