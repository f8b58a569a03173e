//! Points in time as people read them.

use bugle_protocol::UnixMillis;
use serde::Serialize;
use time::macros::format_description;

/// A time for a `<time>` element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct When {
    /// For machines: `2026-01-02T03:04:05Z`.
    pub(crate) iso: String,
    /// In full: `2026-01-02 03:04:05 UTC`.
    pub(crate) full: String,
    /// In short, from now: `5 min ago`.
    pub(crate) ago: String,
}

impl When {
    /// `time` as seen at `now`.
    pub(crate) fn new(time: UnixMillis, now: UnixMillis) -> Self {
        Self {
            iso: format(time, 'T', "Z"),
            full: format(time, ' ', " UTC"),
            ago: ago(time, now),
        }
    }
}

fn format(time: UnixMillis, separator: char, zone: &str) -> String {
    let date = format_description!("[year]-[month]-[day]");
    let clock = format_description!("[hour]:[minute]:[second]");
    let time = time.to_date_time();
    let part = |text: Result<String, _>| text.unwrap_or_default();
    format!(
        "{}{separator}{}{zone}",
        part(time.format(&date)),
        part(time.format(&clock))
    )
}

/// `13:04:05.678`, for lists whose date is known.
pub(crate) fn clock(time: UnixMillis) -> String {
    let format = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
    time.to_date_time().format(&format).unwrap_or_default()
}

/// `13:00`, the name of an hour.
pub(crate) fn hour_name(time: UnixMillis) -> String {
    let format = format_description!("[hour]:[minute]");
    time.to_date_time().format(&format).unwrap_or_default()
}

/// `2026-11-20 13:00`, the name of a part of a day.
pub(crate) fn minute_name(time: UnixMillis) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    time.to_date_time().format(&format).unwrap_or_default()
}

/// `2026-11-20`, the name of a day.
pub(crate) fn day_name(time: UnixMillis) -> String {
    let format = format_description!("[year]-[month]-[day]");
    time.to_date_time().format(&format).unwrap_or_default()
}

fn ago(time: UnixMillis, now: UnixMillis) -> String {
    let seconds = now.0.saturating_sub(time.0) / 1000;
    let span = span(seconds.saturating_abs());
    match span {
        None => "just now".to_owned(),
        Some(span) if seconds < 0 => format!("in {span}"),
        Some(span) => format!("{span} ago"),
    }
}

/// A duration in its largest unit; none for less than a few seconds, which clocks do not agree about.
fn span(seconds: i64) -> Option<String> {
    let (amount, unit) = match seconds {
        0..5 => return None,
        5..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..86_400 => (seconds / 3600, "h"),
        86_400..2_592_000 => (seconds / 86_400, "d"),
        2_592_000..31_536_000 => (seconds / 2_592_000, "mo"),
        _ => (seconds / 31_536_000, "y"),
    };
    Some(format!("{amount} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let now = UnixMillis(1_795_163_904_000);
        for (seconds, text) in [
            (0, "just now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7200, "2 h ago"),
            (86_400 * 3, "3 d ago"),
            (86_400 * 65, "2 mo ago"),
            (86_400 * 800, "2 y ago"),
            (-120, "in 2 min"),
        ] {
            assert_eq!(ago(UnixMillis(now.0 - seconds * 1000), now), text);
        }
        let when = When::new(UnixMillis(i64::MIN), UnixMillis(i64::MAX));
        assert!(when.ago.ends_with("y ago"), "{}", when.ago);
        let when = When::new(now, now);
        assert_eq!(when.full, "2026-11-20 08:38:24 UTC");
        assert_eq!(when.iso, "2026-11-20T08:38:24Z");
    }
}
