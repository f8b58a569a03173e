//! Dates and times in the forms that programs write.

use super::text::Text;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Longest `datetime.datetime(...)`.
const MAX_PYTHON_DATETIME: usize = 200;

/// A date, a time of day, or both.
pub(super) fn date(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.word_may_start(at) {
        return None;
    }
    let start = Reader { text, at };
    let end = match text.byte(at)? {
        b'0'..=b'9' => [
            Reader::iso,
            Reader::compact,
            Reader::rfc_2822,
            Reader::clock,
        ]
        .into_iter()
        .find_map(|form| start.whole(form)),
        b'd' => start.whole(Reader::python),
        b if b.is_ascii_alphabetic() => [Reader::with_weekday, Reader::american]
            .into_iter()
            .find_map(|form| start.whole(form)),
        _ => None,
    };
    Some(end?.at)
}

/// A place in the text; every method reads something and gives the place behind it.
#[derive(Clone, Copy)]
struct Reader<'t, 'a> {
    text: &'t Text<'a>,
    at: usize,
}

impl Reader<'_, '_> {
    /// Reads `form` if no word goes on behind it.
    fn whole(self, form: fn(Self) -> Option<Self>) -> Option<Self> {
        form(self).filter(|end| end.text.word_may_end(end.at))
    }

    /// Reads `part`, or nothing.
    fn maybe(self, part: impl Fn(Self) -> Option<Self>) -> Self {
        part(self).unwrap_or(self)
    }

    fn literal(self, literal: &str) -> Option<Self> {
        let found = self.text.starts_with(self.at, literal);
        found.then_some(Self {
            at: self.at + literal.len(),
            ..self
        })
    }

    fn any_of(self, literals: &[&str]) -> Option<Self> {
        literals.iter().find_map(|literal| self.literal(literal))
    }

    fn spaces(self) -> Option<Self> {
        let at = self.text.run(self.at, 2, |b| b == b' ');
        (at > self.at).then_some(Self { at, ..self })
    }

    /// Reads a number of `min` to `max` digits that lies in `range`; more digits may not follow.
    fn number(self, min: usize, max: usize, range: std::ops::RangeInclusive<u32>) -> Option<Self> {
        let at = self.text.run(self.at, max + 1, |b| b.is_ascii_digit());
        let digits = self.text.slice(self.at, at);
        let fits = (min..=max).contains(&digits.len()) && range.contains(&digits.parse().ok()?);
        fits.then_some(Self { at, ..self })
    }

    /// Reads exactly `count` digits of a longer run whose value lies in `range`.
    fn digits(self, count: usize, range: std::ops::RangeInclusive<u32>) -> Option<Self> {
        let at = self.text.run(self.at, count, |b| b.is_ascii_digit());
        let digits = self.text.slice(self.at, at);
        let fits = digits.len() == count && range.contains(&digits.parse().ok()?);
        fits.then_some(Self { at, ..self })
    }

    /// Reads one of the names, or a longer word that begins with it, in any case.
    fn name(self, names: &[&str]) -> Option<Self> {
        let at = self.text.run(self.at, 10, |b| b.is_ascii_alphabetic());
        let word = self.text.slice(self.at, at).to_ascii_lowercase();
        let fits = word.len() >= 3 && names.iter().any(|name| word.starts_with(name));
        fits.then_some(Self { at, ..self })
    }

    fn year(self) -> Option<Self> {
        self.number(4, 4, 0..=9999)
    }

    fn day(self) -> Option<Self> {
        self.number(1, 2, 1..=31)
    }

    fn month_name(self) -> Option<Self> {
        self.name(&MONTHS)
    }

    /// `10:20`, `10:20:30`, `10:20:30.5`.
    fn time(self) -> Option<Self> {
        let minutes = self
            .number(1, 2, 0..=23)?
            .literal(":")?
            .number(2, 2, 0..=59)?;
        Some(minutes.maybe(|end| {
            let seconds = end.literal(":")?.number(2, 2, 0..=60)?;
            Some(seconds.maybe(|end| end.literal(".")?.number(1, 9, 0..=u32::MAX)))
        }))
    }

    /// `Z`, `+02:00`, `-0700`, `GMT+0200 (EET)`, `UTC`.
    fn zone(self) -> Option<Self> {
        let offset = |at: Self| {
            let hours = at.any_of(&["+", "-"])?.digits(2, 0..=14)?;
            Some(hours.maybe(|end| end.maybe(|end| end.literal(":")).digits(2, 0..=59)))
        };
        if let Some(end) = self.any_of(&[
            "GMT", "UTC", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "UT",
        ]) {
            return Some(end.maybe(offset).maybe(Self::zone_name));
        }
        offset(self)
    }

    /// `(Eastern European Time)`.
    fn zone_name(self) -> Option<Self> {
        let open = self.literal(" (")?;
        let at = self
            .text
            .run(open.at, 40, |b| b.is_ascii_alphabetic() || b == b' ');
        Self { at, ..self }.literal(")")
    }

    fn spaced_zone(self) -> Option<Self> {
        self.maybe(Self::spaces).zone()
    }

    /// `2025-11-03`, with a time behind `T` or a space.
    fn iso(self) -> Option<Self> {
        let month = self.year()?.literal("-")?.number(2, 2, 1..=12)?;
        let day = month.literal("-")?.digits(2, 1..=31)?;
        let with_time = |end: Self| {
            let time = end.any_of(&["T", "t", " "])?.time()?;
            Some(time.maybe(Self::spaced_zone))
        };
        let end = day.maybe(|end| with_time(end).filter(|end| end.text.word_may_end(end.at)));
        Some(end)
    }

    /// `20251103T102030Z`, `20251103 102030`.
    fn compact(self) -> Option<Self> {
        let day = self
            .digits(4, 1000..=9999)?
            .digits(2, 1..=12)?
            .digits(2, 1..=31)?;
        let hour = day.any_of(&["T", " "])?.digits(2, 0..=23)?;
        let second = hour.digits(2, 0..=59)?.digits(2, 0..=60)?;
        Some(second.maybe(Self::zone))
    }

    /// `03 Nov 2025 10:20:30 +0000`, also with dashes and two digits of the year.
    fn rfc_2822(self) -> Option<Self> {
        let day = self.day()?;
        let year = if let Some(dash) = day.literal("-") {
            let month = dash.month_name()?.literal("-")?;
            month.number(2, 4, 0..=9999)?
        } else {
            day.spaces()?
                .month_name()?
                .spaces()?
                .number(2, 4, 0..=9999)?
        };
        let time = year.spaces()?.time()?;
        Some(time.maybe(Self::spaced_zone))
    }

    /// `10:20`, `9:05 PM`.
    fn clock(self) -> Option<Self> {
        let half = |end: Self| {
            let end = end.maybe(|end| end.literal(" "));
            end.any_of(&["AM", "PM", "am", "pm", "a.m.", "p.m."])
                .filter(|end| end.text.word_may_end(end.at))
        };
        Some(self.time()?.maybe(half))
    }

    /// `Mon, 03 Nov 2025 ..`, `Mon Nov 03 2025 ..`, `Mon Nov  3 10:20:30 2025`.
    fn with_weekday(self) -> Option<Self> {
        let day = self.name(&DAYS)?;
        if let Some(comma) = day.literal(",") {
            return comma.spaces()?.rfc_2822();
        }
        let date = day.spaces()?.month_name()?.spaces()?.day()?.spaces()?;
        if let Some(year) = date.year() {
            let with_time = |end: Self| {
                let time = end.spaces()?.time()?;
                Some(time.maybe(Self::spaced_zone))
            };
            return Some(year.maybe(with_time));
        }
        date.time()?.spaces()?.year()
    }

    /// `Jan 18, 2019`.
    fn american(self) -> Option<Self> {
        self.month_name()?
            .spaces()?
            .day()?
            .literal(",")?
            .spaces()?
            .year()
    }

    /// `datetime.datetime(2023, 5, 2, 23, 46, tzinfo=datetime.timezone.utc)`.
    fn python(self) -> Option<Self> {
        let open = self.literal("datetime.datetime(")?;
        let length = memchr::memchr(b')', self.text.ahead(open.at, MAX_PYTHON_DATETIME))?;
        Some(Self {
            at: open.at + length + 1,
            ..self
        })
    }
}
