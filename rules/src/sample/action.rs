//! What a sampling line does: `sample 0.1`, `sample 50% until 2026-03-01`, `sample 1 to 0.1 from TIME until TIME`.

use bugle_protocol::UnixMillis;
use bugle_query::rules::ActionError;
use bugle_query::{Literal, Span};

/// How much is kept, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Action {
    /// The rate, 0 to 1; where it changes, that of the beginning.
    pub rate: f64,
    /// The rate of the end, if it changes evenly from `from` to `until`; both are there then.
    pub last_rate: Option<f64>,
    /// The first moment at which the line applies.
    pub from: Option<UnixMillis>,
    /// The first moment at which it no longer does.
    pub until: Option<UnixMillis>,
}

impl Action {
    /// The rate at a time; `None` if the line does not apply then.
    #[must_use]
    pub fn rate_at(&self, now: UnixMillis) -> Option<f64> {
        let is_too_early = self.from.is_some_and(|from| now < from);
        let is_over = self.until.is_some_and(|until| now >= until);
        if is_too_early || is_over {
            return None;
        }
        match (self.last_rate, self.from, self.until) {
            (Some(last), Some(from), Some(until)) => {
                Some(linear(self.rate, last, from, until, now))
            }
            _ => Some(self.rate),
        }
    }
}

/// The value on the way from `first` at `from` to `last` at `until`, by whole seconds.
pub(crate) fn linear(
    first: f64,
    last: f64,
    from: UnixMillis,
    until: UnixMillis,
    now: UnixMillis,
) -> f64 {
    let seconds = |end: UnixMillis| (end.0.saturating_sub(from.0) / 1000) as f64;
    let share = (seconds(now) / seconds(until).max(1.0)).clamp(0.0, 1.0);
    first + (last - first) * share
}

/// Reads the part of a line behind the arrow.
///
/// # Errors
/// [`ActionError`] at the word that is wrong.
pub fn parse_action(text: &str) -> Result<Action, ActionError> {
    let mut words = Words::of(text);
    match words.next() {
        Some((_, "sample")) => {}
        other => {
            let span = other.map_or(words.end(), |(span, _)| span);
            return Err(ActionError::new(
                span,
                "expected `sample RATE`, such as `sample 0.5` or `sample 50%`",
            ));
        }
    }
    let mut action = Action {
        rate: words.rate("sample")?,
        last_rate: None,
        from: None,
        until: None,
    };
    while let Some((span, word)) = words.next() {
        let is_new = match word {
            "to" => action.last_rate.replace(words.rate(word)?).is_none(),
            "from" => action.from.replace(words.time(word)?).is_none(),
            "until" => action.until.replace(words.time(word)?).is_none(),
            _ => {
                return Err(ActionError::new(
                    span,
                    "expected `to RATE`, `from TIME`, `until TIME` or the end of the line",
                ));
            }
        };
        if !is_new {
            return Err(ActionError::new(span, format!("there are two `{word}`")));
        }
    }
    check_times(&action, words.whole())?;
    Ok(action)
}

fn check_times(action: &Action, whole: Span) -> Result<(), ActionError> {
    match (action.from, action.until) {
        (Some(from), Some(until)) if until.0.saturating_sub(from.0) < 1000 => {
            Err(ActionError::new(
                whole,
                "the time after `until` must be at least a second later than the one after `from`",
            ))
        }
        (from, until) if action.last_rate.is_some() && (from.is_none() || until.is_none()) => {
            Err(ActionError::new(
                whole,
                "a rate that changes needs both ends: `sample 1 to 0.1 from TIME until TIME`",
            ))
        }
        _ => Ok(()),
    }
}

/// The words of an action and where they stand.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn next(&mut self) -> Option<(Span, &'a str)> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let word = self.text[start..].split_whitespace().next()?;
        let end = start + word.len();
        self.at = end;
        Some((Span { start, end }, word))
    }

    fn end(&self) -> Span {
        Span {
            start: self.text.len(),
            end: self.text.len(),
        }
    }

    fn whole(&self) -> Span {
        Span {
            start: 0,
            end: self.text.len(),
        }
    }

    fn rate(&mut self, after: &str) -> Result<f64, ActionError> {
        let message = || format!("expected a rate after `{after}`: 0 to 1, or 0% to 100%");
        let (span, word) = self
            .next()
            .ok_or_else(|| ActionError::new(self.end(), message()))?;
        parse_rate(word).ok_or_else(|| ActionError::new(span, message()))
    }

    fn time(&mut self, after: &str) -> Result<UnixMillis, ActionError> {
        let message = || {
            format!(
                "expected a time after `{after}`: `2026-01-02`, which is its midnight in UTC, or `2026-01-02T03:04:05Z`"
            )
        };
        let (span, word) = self
            .next()
            .ok_or_else(|| ActionError::new(self.end(), message()))?;
        match Literal::parse(word) {
            Literal::Time(from, _) => Ok(from),
            _ => Err(ActionError::new(span, message())),
        }
    }
}

fn parse_rate(word: &str) -> Option<f64> {
    let (number, unit) = match word.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (word, 1.0),
    };
    match Literal::parse(number) {
        Literal::Number(number) => Some(number / unit).filter(|rate| (0.0..=1.0).contains(rate)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: UnixMillis = UnixMillis(1_767_225_600_000);

    fn after(seconds: i64) -> UnixMillis {
        UnixMillis(NEW_YEAR.0 + seconds * 1000)
    }

    #[test]
    fn rates_are_read_in_every_form() {
        for (text, rate) in [
            ("sample 0", 0.0),
            ("sample 1", 1.0),
            ("sample  0.25", 0.25),
            ("sample 50%", 0.5),
            ("sample 0.1%", 0.001),
            ("sample 1e-3", 0.001),
        ] {
            let action = parse_action(text).unwrap();
            assert!((action.rate - rate).abs() < 1e-12, "{text}");
            assert_eq!(action.rate_at(NEW_YEAR), Some(action.rate));
        }
    }

    #[test]
    fn a_line_applies_from_its_first_moment_to_before_its_last() {
        let action = parse_action("sample 1 from 2026-01-01 until 2026-01-01T00:01:00Z").unwrap();
        assert_eq!(action.rate_at(UnixMillis(NEW_YEAR.0 - 1)), None);
        assert_eq!(action.rate_at(NEW_YEAR), Some(1.0));
        assert_eq!(action.rate_at(UnixMillis(NEW_YEAR.0 + 59_999)), Some(1.0));
        assert_eq!(action.rate_at(after(60)), None);
        let open = parse_action("sample 0.5 until 2026-01-01").unwrap();
        assert_eq!(open.rate_at(UnixMillis(0)), Some(0.5));
        assert_eq!(open.rate_at(NEW_YEAR), None);
    }

    #[test]
    fn a_rate_changes_evenly_by_whole_seconds() {
        let text = "sample 1 to 0.1 from 2026-01-01 until 2026-01-01T01:00:00Z";
        let action = parse_action(text).unwrap();
        let rate = |millis: i64| action.rate_at(UnixMillis(NEW_YEAR.0 + millis)).unwrap();
        assert!((rate(0) - 1.0).abs() < 1e-12);
        assert!((rate(999) - 1.0).abs() < 1e-12);
        assert!((rate(1_800_000) - 0.55).abs() < 1e-12);
        assert!((rate(3_599_000) - 0.10025).abs() < 1e-12);
        let rising = parse_action(&text.replace("1 to 0.1", "0 to 1")).unwrap();
        assert!((rising.rate_at(after(900)).unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn errors_point_at_the_word() {
        for (text, start, end, part) in [
            ("drop", 0, 4, "expected `sample RATE`"),
            ("sample", 6, 6, "a rate after `sample`"),
            ("sample 2", 7, 8, "0 to 1"),
            ("sample -1", 7, 9, "0 to 1"),
            ("sample 101%", 7, 11, "0% to 100%"),
            ("sample NaN", 7, 10, "0 to 1"),
            ("sample 5s", 7, 9, "0 to 1"),
            ("sample 0.5 please", 11, 17, "`from TIME`"),
            ("sample 0.5 from", 15, 15, "a time after `from`"),
            ("sample 0.5 until noon", 17, 21, "2026-01-02"),
            ("sample 0.5 until -24h", 17, 21, "2026-01-02"),
            (
                "sample 0 from 2026-01-01 from 2026-01-01",
                25,
                29,
                "two `from`",
            ),
            (
                "sample 0 from 2026-01-02 until 2026-01-01",
                0,
                41,
                "at least a second later",
            ),
            ("sample 1 to 0.1", 0, 15, "needs both ends"),
            ("sample 1 to 0.1 until 2026-01-01", 0, 32, "needs both ends"),
        ] {
            let error = parse_action(text).unwrap_err();
            assert_eq!(error.span, Span { start, end }, "{text}");
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
    }
}
