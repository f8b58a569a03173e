//! Which time the page shows, and in what steps.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::OutcomeStep;

use crate::when;

/// One hour, in milliseconds.
const HOUR: i64 = 3_600_000;
/// One day, in milliseconds.
const DAY: i64 = 24 * HOUR;

/// A time up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Day,
    Week,
    Month,
}

impl Range {
    pub(super) const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The one of this name; a day if there is none.
    pub(super) fn named(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|range| range.name() == name);
        found.unwrap_or(Self::Day)
    }

    /// The name in the address.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// The name in sentences.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Day => "the last 24 hours",
            Self::Week => "the last 7 days",
            Self::Month => "the last 30 days",
        }
    }

    /// The name of a bar.
    pub(super) fn step_words(self) -> &'static str {
        match self {
            Self::Day => "an hour",
            Self::Week => "6 hours",
            Self::Month => "a day",
        }
    }

    /// The steps in which the ledger is read; a bar has one of them or more.
    pub(super) fn step(self) -> OutcomeStep {
        match self {
            Self::Day | Self::Week => OutcomeStep::Hour,
            Self::Month => OutcomeStep::Day,
        }
    }

    /// How long a bar is in milliseconds, and how many there are.
    fn bars(self) -> (i64, usize) {
        match self {
            Self::Day => (HOUR, 24),
            Self::Week => (6 * HOUR, 28),
            Self::Month => (DAY, 30),
        }
    }

    /// When the first bar begins; the last one holds `now`.
    pub(super) fn from(self, now: UnixMillis) -> UnixMillis {
        let (millis, count) = self.bars();
        let last = UnixMillis(now.0 - now.0.rem_euclid(millis));
        let before = u64::try_from(millis).unwrap_or(0) * (count as u64 - 1);
        last.before(Duration::from_millis(before))
    }

    /// The bars' labels, oldest first.
    pub(super) fn labels(self, now: UnixMillis) -> Vec<String> {
        let (millis, count) = self.bars();
        let from = self.from(now).0;
        let times = (0..count).map(|i| UnixMillis(from + millis * i64::try_from(i).unwrap_or(0)));
        match self {
            Self::Month => times.map(when::day_name).collect(),
            Self::Day | Self::Week => times.map(when::minute_name).collect(),
        }
    }

    /// Which bar a time belongs to.
    pub(super) fn index(self, time: UnixMillis, now: UnixMillis) -> Option<usize> {
        let (millis, count) = self.bars();
        let index = (time.0 - self.from(now).0).div_euclid(millis);
        usize::try_from(index).ok().filter(|index| *index < count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bar_holds_now() {
        let now = UnixMillis(1_795_163_904_000); // 2026-11-20 08:38:24
        for (range, first, last, count) in [
            (Range::Day, "2026-11-19 09:00", "2026-11-20 08:00", 24),
            (Range::Week, "2026-11-13 12:00", "2026-11-20 06:00", 28),
            (Range::Month, "2026-10-22", "2026-11-20", 30),
        ] {
            let labels = range.labels(now);
            assert_eq!(labels.first().unwrap(), first);
            assert_eq!(labels.last().unwrap(), last);
            assert_eq!(labels.len(), count);
            assert_eq!(range.index(now, now), Some(count - 1));
            assert_eq!(range.index(range.from(now), now), Some(0));
            assert_eq!(range.index(UnixMillis(range.from(now).0 - 1), now), None);
            assert_eq!(Range::named(range.name()), range);
        }
        assert_eq!(Range::named("1y"), Range::Day);
    }
}
