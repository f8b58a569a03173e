//! Bars of events per hour, drawn on the server.

use std::fmt::Write as _;
use std::time::Duration;

use bugle_protocol::UnixMillis;
use serde::Serialize;

use crate::when::hour_name;

/// How many hours a chart shows, the current one included.
const HOURS: usize = 24;
/// One hour.
const HOUR: Duration = Duration::from_secs(3600);
/// The width of a bar and the gap behind it, in the units of the view box.
const STEP: usize = 4;
/// The height of the tallest bar.
const HEIGHT: i64 = 24;

/// Events per hour of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Chart {
    /// All bars as one SVG path, for a sparkline. Empty without events.
    pub(crate) path: String,
    /// The bars one by one, oldest first.
    pub(crate) bars: Vec<Bar>,
    /// All events of the day.
    pub(crate) total: i64,
    /// The busiest hour's events.
    pub(crate) peak: i64,
    /// What the chart shows, in words.
    pub(crate) label: String,
}

/// One hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    /// The left edge.
    x: usize,
    /// The height; an hour with events is never invisible.
    height: i64,
    /// Events.
    count: i64,
    /// The hour's beginning, `13:00`.
    hour: String,
}

/// The first hour of a chart that ends now.
pub(crate) fn since(now: UnixMillis) -> UnixMillis {
    let hours = u32::try_from(HOURS - 1).unwrap_or_default();
    now.hour().before(HOUR * hours)
}

impl Chart {
    /// Draws the counts of single hours; hours without events may be missing.
    pub(crate) fn new(hours: &[(UnixMillis, i64)], now: UnixMillis) -> Self {
        let mut counts = [0_i64; HOURS];
        let first = since(now);
        for (hour, count) in hours {
            let index = (hour.0 - first.0).div_euclid(3_600_000);
            if let Some(slot) = usize::try_from(index).ok().and_then(|i| counts.get_mut(i)) {
                *slot += count;
            }
        }
        let peak = counts.iter().copied().max().unwrap_or_default();
        let total = counts.iter().sum();
        let bars = bars(&counts, peak, first);
        Self {
            path: path(&bars),
            label: label(&bars, total),
            bars,
            total,
            peak,
        }
    }
}

fn bars(counts: &[i64], peak: i64, first: UnixMillis) -> Vec<Bar> {
    let mut hour = first;
    let mut bars = Vec::with_capacity(counts.len());
    for (i, &count) in counts.iter().enumerate() {
        let height = if count > 0 {
            (count * HEIGHT / peak).max(2)
        } else {
            0
        };
        bars.push(Bar {
            x: i * STEP,
            height,
            count,
            hour: hour_name(hour),
        });
        hour = hour.after(HOUR);
    }
    bars
}

fn path(bars: &[Bar]) -> String {
    let mut path = String::new();
    for bar in bars.iter().filter(|bar| bar.height > 0) {
        // Writing to a String cannot fail.
        let _ = write!(
            path,
            "M{} {HEIGHT}v-{}h3v{}z",
            bar.x, bar.height, bar.height
        );
    }
    path
}

fn label(bars: &[Bar], total: i64) -> String {
    match bars.iter().max_by_key(|bar| bar.count) {
        Some(bar) if total > 0 => format!(
            "{total} event{} in 24 hours, most at {} UTC: {}",
            if total == 1 { "" } else { "s" },
            bar.hour,
            bar.count
        ),
        _ => "no events in 24 hours".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_land_in_their_bars() {
        let now = UnixMillis(1_795_163_904_000);
        let hours = [
            (now.hour(), 10),
            (since(now), 1),
            (UnixMillis(0), 99),
            (now.after(HOUR * 9), 99),
        ];
        let chart = Chart::new(&hours, now);
        assert_eq!((chart.total, chart.peak, chart.bars.len()), (11, 10, 24));
        assert_eq!(chart.path, "M0 24v-2h3v2zM92 24v-24h3v24z");
        assert_eq!(chart.label, "11 events in 24 hours, most at 08:00 UTC: 10");
        assert_eq!(Chart::new(&[], now).path, "");
    }
}
