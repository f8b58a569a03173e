//! Points in time, as the protocol writes them and as we keep them.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
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

/// Why a value is not a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It is neither a number nor a string.
    #[error("expected a timestamp")]
    NotATimestamp,
    /// It is a number that no calendar reaches.
    #[error("timestamp out of range")]
    OutOfRange,
    /// The text ends too early; also a date with a blank before its time and no zone behind.
    #[error("premature end of input")]
    TooShort,
    /// The text has a character where it should not be.
    #[error("input contains invalid characters")]
    InvalidCharacter,
    /// The text names a month, day, hour, minute or second that does not exist.
    #[error("input is out of range")]
    NoSuchTime,
}

/// Reads a timestamp in any form of the protocol as seconds since the epoch, rounded to microseconds.
///
/// Numbers are seconds; strings are RFC 3339, see [`parse_rfc3339`]. A date alone and a number in quotes are invalid,
/// as at Sentry.
///
/// # Errors
/// [`TimestampError`] says what is wrong, in the words that Sentry shows.
pub fn read_timestamp(json: &Json<'_>) -> Result<f64, TimestampError> {
    match json {
        Json::Number(number) => Some(number.as_f64())
            .filter(|s| s.abs() < 253_402_300_800.0)
            .map(round_to_micros)
            .ok_or(TimestampError::OutOfRange),
        Json::String(text) => read_rfc3339(text.as_bytes()),
        _ => Err(TimestampError::NotATimestamp),
    }
}

/// Rounds the fraction alone: times are so large that multiplied as a whole they would be rounded twice.
fn round_to_micros(seconds: f64) -> f64 {
    let micros = (seconds.fract() * 1e6).round();
    (seconds.trunc() * 1e6 + micros) / 1e6
}

/// Reads a timestamp in any form of the protocol; see [`read_timestamp`].
#[must_use]
pub fn parse_timestamp(json: &Json<'_>) -> Option<f64> {
    read_timestamp(json).ok()
}

/// Reads an RFC 3339 text as seconds since the epoch, rounded to microseconds.
///
/// The fraction may have any number of digits, the zone may be missing (UTC) or lack its colon, and a leap second is
/// the first second of the next minute. A blank may stand for the `T` where a zone follows.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<f64> {
    read_rfc3339(text.as_bytes()).ok()
}

/// What is left to read of a timestamp's text. The general parser of `time` costs ten times as much, and an event can
/// have hundreds of timestamps.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn number(&mut self, digits: usize) -> Result<i64, TimestampError> {
        let length = self.0.len().min(digits);
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        let value = head.iter().try_fold(0, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + i64::from(byte - b'0'))
        });
        match value {
            None => Err(TimestampError::InvalidCharacter),
            Some(_) if length < digits => Err(TimestampError::TooShort),
            Some(value) => Ok(value),
        }
    }

    fn in_range(&mut self, digits: usize, low: i64, high: i64) -> Result<i64, TimestampError> {
        let value = self.number(digits)?;
        if (low..=high).contains(&value) {
            Ok(value)
        } else {
            Err(TimestampError::NoSuchTime)
        }
    }

    fn byte(&mut self, accepted: &[u8]) -> Result<u8, TimestampError> {
        let (&byte, rest) = self.0.split_first().ok_or(TimestampError::TooShort)?;
        self.0 = rest;
        if accepted.contains(&byte) {
            Ok(byte)
        } else {
            Err(TimestampError::InvalidCharacter)
        }
    }

    /// The fraction of a second in microseconds, 0 where there is none.
    fn micros(&mut self) -> Result<i64, TimestampError> {
        if self.0.first() != Some(&b'.') {
            return Ok(0);
        }
        let digits = self.0[1..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits == 0 {
            return Err(TimestampError::InvalidCharacter);
        }
        let (fraction, rest) = self.0[1..].split_at(digits);
        self.0 = rest;
        let digit = |i: usize| fraction.get(i).map_or(0, |b| i64::from(b - b'0'));
        let micros = (0..6).fold(0, |micros, i| micros * 10 + digit(i));
        Ok(micros + i64::from(digit(6) >= 5))
    }

    /// The zone's offset in seconds, 0 where there is none.
    fn offset(&mut self) -> Result<i64, TimestampError> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let sign = match self.byte(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Ok(0),
        };
        let hours = self.in_range(2, 0, 23)?;
        if self.0.first() == Some(&b':') {
            self.0 = &self.0[1..];
        }
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.in_range(2, 0, 59)?
        };
        Ok(sign * (hours * 3600 + minutes * 60))
    }
}

fn read_rfc3339(text: &[u8]) -> Result<f64, TimestampError> {
    let mut rest = Cursor(text);
    let year = rest.number(4)?;
    rest.byte(b"-")?;
    let month = rest.in_range(2, 1, 12)?;
    rest.byte(b"-")?;
    let day = rest.in_range(2, 1, days_in_month(year, month))?;
    let separator = rest.byte(b"Tt ")?;
    let hour = rest.in_range(2, 0, 23)?;
    rest.byte(b":")?;
    let minute = rest.in_range(2, 0, 59)?;
    rest.byte(b":")?;
    let second = rest.in_range(2, 0, 60)?;
    let micros = rest.micros()?;
    if separator == b' ' && rest.0.is_empty() {
        return Err(TimestampError::TooShort);
    }
    let offset = rest.offset()?;
    if !rest.0.is_empty() {
        return Err(TimestampError::InvalidCharacter);
    }
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Ok(((seconds - offset) * 1_000_000 + micros) as f64 / 1e6)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 719_469
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
            ("2026-11-20T08:38:24-0000", 1_795_163_904.0),
            ("2026-11-20 08:38:24Z", 1_795_163_904.0),
            ("2026-11-20T08:37:60Z", 1_795_163_880.0),
            ("2024-02-29T23:59:59.9999999Z", 1_709_251_200.0),
            ("1969-12-31T23:59:59Z", -1.0),
            ("0001-01-01T00:00:00Z", -62_135_596_800.0),
            ("2026-11-20T09:38:24.123456789+01:00", 1_795_163_904.123_457),
        ] {
            assert_eq!(parse_rfc3339(text), Some(seconds), "{text}");
        }
        assert_eq!(
            parse_timestamp(&Json::from(1_795_163_904.5)),
            Some(1_795_163_904.5)
        );
        assert_eq!(
            parse_timestamp(&Json::from(1_795_163_384.335_275_4)),
            Some(1_795_163_384.335_275)
        );
        for bad in [
            "",
            "2026-11-20",
            "2026-11-20 08:38:24",
            "1795163904",
            "2026-13-20T08:38:24Z",
            "2026-02-29T08:38:24Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T08:38:24.Z",
            "2026-11-20T08:38:24+1",
            "2026-11-20T08:38:24Zx",
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
