//! Points in time, as the protocol writes them and as we keep them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::Json;

/// Milliseconds since 1970-01-01 UTC: the one form of time in the database and between the crates.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Asks the system clock. Only the rim (handlers, loops, the command line) calls this; everything else is told the time.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// The time `seconds` after the epoch; what is out of range ends at the nearest representable time.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float to integer casts saturate"
        )]
        Self((seconds * 1000.0).round() as i64)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This time plus `duration`.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This time less `duration`.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The start of this time's hour (UTC).
    #[must_use]
    pub fn hour(self) -> Self {
        Self(self.0 - self.0.rem_euclid(3_600_000))
    }

    /// The number of this time's day (UTC) since 1970-01-01.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// The calendar form, clamped to the years 1 to 9999.
    #[must_use]
    pub fn to_date_time(self) -> OffsetDateTime {
        let clamped = self.0.clamp(-62_135_596_800_000, 253_402_300_799_999);
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(clamped) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Sentry's API form, `2026-01-02T03:04:05.678000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
        );
        self.to_date_time().format(&format).unwrap_or_default()
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Reads a timestamp in any form of the protocol as seconds since the epoch, rounded to microseconds.
///
/// Numbers are seconds; strings are RFC 3339 with `T`, with 0 to 9 digits of fraction, with a zone or without one (UTC).
/// A space for the `T`, a date alone and a number in quotes are invalid, as at Sentry.
#[must_use]
pub fn parse_timestamp(json: &Json<'_>) -> Option<f64> {
    match json {
        Json::Number(number) => Some(number.as_f64())
            .filter(|s| s.abs() < 253_402_300_800.0)
            .map(round_to_micros),
        Json::String(text) => parse_rfc3339(text),
        _ => None,
    }
}

/// Reads an RFC 3339 text as seconds since the epoch; see [`parse_timestamp`].
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<f64> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let time_part = &text[11..];
    let has_zone = time_part.ends_with(['Z', 'z']) || time_part.contains(['+', '-']);
    let parsed = if has_zone {
        OffsetDateTime::parse(text, &Rfc3339)
    } else {
        OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)
    }
    .ok()?;
    Some(round_to_micros(parsed.unix_timestamp_nanos() as f64 / 1e9))
}

fn round_to_micros(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_on_the_wire_is_read() {
        for (text, seconds) in [
            ("2026-11-20T08:38:24.106964Z", 1_795_163_904.106_964),
            ("2026-11-20T08:38:24Z", 1_795_163_904.0),
            ("2026-11-20T08:38:24", 1_795_163_904.0),
            ("2026-11-20T08:38:24.12", 1_795_163_904.12),
            ("2026-11-20T09:38:24.123456789+01:00", 1_795_163_904.123_457),
        ] {
            assert_eq!(parse_rfc3339(text), Some(seconds), "{text}");
        }
        assert_eq!(
            parse_timestamp(&Json::from(1_795_163_904.5)),
            Some(1_795_163_904.5)
        );
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20 08:38:24",
            "1795163904",
            "2026-13-20T08:38:24Z",
            "20261120T0838é4Z",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn api_times_have_six_digits() {
        assert_eq!(
            UnixMillis(1_795_163_904_106).to_rfc3339(),
            "2026-11-20T08:38:24.106000Z"
        );
        assert_eq!(
            UnixMillis(i64::MAX).to_rfc3339(),
            "9999-12-31T23:59:59.999000Z"
        );
    }
}
