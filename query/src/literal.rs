//! Values read as numbers, durations, sizes and times.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_protocol::timestamp::parse_rfc3339;

const SECOND_MS: f64 = 1000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

const DURATION_UNITS: [(&str, f64); 10] = [
    ("ms", 1.0),
    ("s", SECOND_MS),
    ("m", MINUTE_MS),
    ("min", MINUTE_MS),
    ("h", HOUR_MS),
    ("hr", HOUR_MS),
    ("d", DAY_MS),
    ("day", DAY_MS),
    ("w", 7.0 * DAY_MS),
    ("wk", 7.0 * DAY_MS),
];

const SIZE_UNITS: [(&str, f64); 9] = [
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
];

/// What a value's text means beside itself. All numbers are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// Nothing else: a pattern, a word, a version, a level.
    Text,
    /// `404`, `-0.5`, `1e3`. For a duration: milliseconds; for a size: bytes.
    Number(f64),
    /// `500ms`, `2s`, `1.5min`, `2h`, `7d`, `1w`: milliseconds.
    Duration(f64),
    /// `10kb`, `1.5MiB`: bytes; `kb` is 1000, `kib` is 1024.
    Size(f64),
    /// `2026-01-02` or RFC 3339, in UTC if no zone is given: the first millisecond and the one after the last.
    ///
    /// A date lasts a day, a time a second, a time with a fraction a millisecond.
    Time(UnixMillis, UnixMillis),
    /// `-24h`: not longer ago than this; after an operator, the moment itself.
    Newer(Duration),
    /// `+7d`: at least so long ago.
    Older(Duration),
}

/// A stretch of time, open where there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBounds {
    /// The first millisecond.
    pub from: Option<UnixMillis>,
    /// The millisecond after the last.
    pub until: Option<UnixMillis>,
}

impl Literal {
    /// Reads a text; what is nothing special is [`Literal::Text`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        number(text)
            .map(Self::Number)
            .or_else(|| measured(text, &DURATION_UNITS).map(Self::Duration))
            .or_else(|| measured(text, &SIZE_UNITS).map(Self::Size))
            .or_else(|| relative(text))
            .or_else(|| time(text))
            .unwrap_or(Self::Text)
    }

    /// The literal for a field of numbers or of sizes in bytes.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) | Self::Size(number) => Some(number),
            _ => None,
        }
    }

    /// The literal for a field of durations, in milliseconds.
    #[must_use]
    pub fn duration_ms(self) -> Option<f64> {
        match self {
            Self::Number(ms) | Self::Duration(ms) => Some(ms),
            _ => None,
        }
    }

    /// The times that `key:literal` describes; `None` if the literal is not a time.
    #[must_use]
    pub fn time_bounds(self, now: UnixMillis) -> Option<TimeBounds> {
        let (from, until) = match self {
            Self::Time(from, until) => (Some(from), Some(until)),
            Self::Newer(age) => (Some(now.before(age)), None),
            Self::Older(age) => (None, Some(UnixMillis(now.before(age).0.saturating_add(1)))),
            _ => return None,
        };
        Some(TimeBounds { from, until })
    }

    /// The moment with which `key:>literal` compares; `None` if the literal is not one. A date is its midnight.
    #[must_use]
    pub fn moment(self, now: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Time(from, _) => Some(from),
            Self::Newer(age) => Some(now.before(age)),
            _ => None,
        }
    }
}

impl TimeBounds {
    /// Whether `time` lies within.
    #[must_use]
    pub fn contains(self, time: UnixMillis) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// A plain decimal number; `f64`'s parser alone would also take `inf` and `nan`.
fn number(text: &str) -> Option<f64> {
    text.bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
        .then(|| text.parse().ok())?
        .filter(|n: &f64| n.is_finite())
}

fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (digits, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
    let (_, factor) = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    Some(number(digits)? * factor).filter(|n| n.is_finite())
}

fn relative(text: &str) -> Option<Literal> {
    let (sign, age) = text.split_at_checked(1)?;
    let kind = match sign {
        "-" => Literal::Newer,
        "+" => Literal::Older,
        _ => return None,
    };
    let seconds = measured(age, &DURATION_UNITS)? / SECOND_MS;
    Duration::try_from_secs_f64(seconds).ok().map(kind)
}

fn time(text: &str) -> Option<Literal> {
    let seconds = match text.len() {
        10 if text.starts_with(|c: char| c.is_ascii_digit()) => {
            parse_rfc3339(&format!("{text}T00:00:00"))?
        }
        _ => parse_rfc3339(text)?,
    };
    let lasts_ms = match text.len() {
        10 => 86_400_000,
        _ if text.contains('.') => 1,
        _ => 1000,
    };
    let from = UnixMillis::from_seconds(seconds);
    Some(Literal::Time(from, UnixMillis(from.0 + lasts_ms)))
}

#[cfg(test)]
mod tests {
    use super::Literal::{Duration as Ms, Newer, Number, Older, Size, Text, Time};
    use super::*;

    #[test]
    fn texts_are_read_as_what_they_look_like() {
        let hours = |n: u64| Duration::from_secs(n * 3600);
        for (text, literal) in [
            ("404", Number(404.0)),
            ("-0.5", Number(-0.5)),
            ("1e3", Number(1000.0)),
            ("500ms", Ms(500.0)),
            ("2s", Ms(2000.0)),
            ("1.5min", Ms(90_000.0)),
            ("2H", Ms(7_200_000.0)),
            ("7d", Ms(604_800_000.0)),
            ("1w", Ms(604_800_000.0)),
            ("10kb", Size(10_000.0)),
            ("1.5MiB", Size(1_572_864.0)),
            ("-24h", Newer(hours(24))),
            ("+7d", Older(hours(168))),
            (
                "2026-11-20",
                Time(UnixMillis(1_795_132_800_000), UnixMillis(1_795_219_200_000)),
            ),
            (
                "2026-11-20T08:38:24",
                Time(UnixMillis(1_795_163_904_000), UnixMillis(1_795_163_905_000)),
            ),
            (
                "2026-11-20T09:38:24.106+01:00",
                Time(UnixMillis(1_795_163_904_106), UnixMillis(1_795_163_904_107)),
            ),
        ] {
            assert_eq!(Literal::parse(text), literal, "{text}");
        }
    }

    #[test]
    fn other_texts_stay_texts() {
        let huge = format!("{}h", "9".repeat(400));
        for text in [
            "",
            "inf",
            "NaN",
            "1e999",
            "e",
            "+",
            "-",
            "ms",
            "5 s",
            "5x",
            "--5h",
            "1e3s",
            "1.2.3",
            "2026-13-01",
            "2026-1-1",
            "дата",
            "+é",
            &huge,
        ] {
            assert_eq!(Literal::parse(text), Text, "{text}");
        }
    }
}
