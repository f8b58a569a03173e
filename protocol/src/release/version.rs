//! Version numbers and their orders.

use std::cmp::Ordering;

/// How many numbers a version may have: major, minor, patch and revision.
pub const MAX_NUMBERS: usize = 4;

/// A version: one to four numbers, perhaps a pre-release behind `-` or with its letters next to the last of several
/// numbers (`1.0rc1`), perhaps a build behind `+`. Numbers may have any length and leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'v> {
    short: &'v str,
    numbers: [Option<&'v str>; MAX_NUMBERS],
    pre_release: Option<&'v str>,
    build: Option<&'v str>,
}

impl<'v> Version<'v> {
    /// Reads a version; `None` if the text is none.
    #[must_use]
    pub fn parse(text: &'v str) -> Option<Self> {
        let (short, build) = match text.split_once('+') {
            Some((short, build)) => (short, Some(build).filter(|build| are_words(build))),
            None => (text, None),
        };
        if build.is_none() && short.len() != text.len() {
            return None;
        }
        let (numbers, rest) = split_numbers(short)?;
        let pre_release = match rest.strip_prefix('-') {
            Some(words) => words,
            None if rest.is_empty() => "",
            None if is_glued(rest) && numbers[1].is_some() => rest,
            None => return None,
        };
        if !pre_release.is_empty() && !are_identifiers(pre_release, rest.starts_with('-')) {
            return None;
        }
        Some(Self {
            short,
            numbers,
            pre_release: Some(pre_release).filter(|pre| !pre.is_empty()),
            build,
        })
    }

    /// The version without its build.
    #[must_use]
    pub fn short(&self) -> &'v str {
        self.short
    }

    /// The numbers as written: major, minor, patch, revision.
    #[must_use]
    pub fn numbers(&self) -> [Option<&'v str>; MAX_NUMBERS] {
        self.numbers
    }

    /// What makes it less than the version of the same numbers, such as `rc.1`.
    #[must_use]
    pub fn pre_release(&self) -> Option<&'v str> {
        self.pre_release
    }

    /// What follows the `+`.
    #[must_use]
    pub fn build(&self) -> Option<&'v str> {
        self.build
    }

    /// The order in which versions are made: missing numbers are zero, a pre-release comes before its version, and its
    /// words count as numbers where they are such. The build does not count.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        self.compare_numbers(other, MAX_NUMBERS)
            .then_with(|| compare_pre_releases(self.pre_release, other.pre_release, compare_words))
    }

    /// The same for <https://semver.org/#spec-item-11>, which knows three numbers and no more.
    #[must_use]
    pub fn compare_semver(&self, other: &Self) -> Ordering {
        self.compare_numbers(other, 3)
            .then_with(|| compare_pre_releases(self.pre_release, other.pre_release, compare_words))
    }

    /// The order in which Sentry lists releases: a pre-release is one text, so that `beta.11` comes before `beta.2`, and
    /// the build counts.
    #[must_use]
    pub fn compare_listed(&self, other: &Self) -> Ordering {
        self.compare_numbers(other, MAX_NUMBERS)
            .then_with(|| compare_pre_releases(self.pre_release, other.pre_release, str::cmp))
            .then_with(|| self.compare_builds(other))
    }

    /// None below all others, two numbers as numbers, others as texts.
    pub(super) fn compare_builds(&self, other: &Self) -> Ordering {
        match (self.build, other.build) {
            (Some(left), Some(right)) if is_number(left) && is_number(right) => {
                compare_digits(left, right)
            }
            (Some(left), Some(right)) => left.cmp(right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        }
    }

    fn compare_numbers(&self, other: &Self, count: usize) -> Ordering {
        let pairs = self.numbers.iter().zip(&other.numbers).take(count);
        pairs.fold(Ordering::Equal, |order, (left, right)| {
            order.then_with(|| compare_digits(left.unwrap_or("0"), right.unwrap_or("0")))
        })
    }
}

/// The numbers at the start, and what follows the last of them.
fn split_numbers(text: &str) -> Option<([Option<&str>; MAX_NUMBERS], &str)> {
    let mut numbers = [None; MAX_NUMBERS];
    let mut rest = text;
    for (index, number) in numbers.iter_mut().enumerate() {
        let tail = if index == 0 {
            rest
        } else {
            match rest.strip_prefix('.') {
                Some(tail) => tail,
                None => break,
            }
        };
        let end = tail.bytes().take_while(u8::is_ascii_digit).count();
        if end == 0 {
            return None;
        }
        *number = Some(&tail[..end]);
        rest = &tail[end..];
    }
    Some((numbers, rest))
}

fn is_glued(pre_release: &str) -> bool {
    pre_release.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Dotted words of letters, digits and `-`.
fn are_words(text: &str) -> bool {
    text.split('.').all(|word| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// Dotted words of which those that are numbers have no leading zero; the first may be empty. A pre-release that is glued
/// to a number has its first letter for itself.
fn are_identifiers(pre_release: &str, is_apart: bool) -> bool {
    let words = if is_apart {
        pre_release
    } else {
        &pre_release[1..]
    };
    let (first, others) = words
        .split_once('.')
        .map_or((words, None), |(first, others)| (first, Some(others)));
    (first.is_empty() || are_words(first))
        && others.is_none_or(are_words)
        && words
            .split('.')
            .all(|word| word.len() < 2 || !word.starts_with('0') || !is_number(word))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

/// Orders two texts of digits as numbers of any length.
fn compare_digits(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn compare_pre_releases(
    left: Option<&str>,
    right: Option<&str>,
    compare: fn(&str, &str) -> Ordering,
) -> Ordering {
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => compare(left, right),
    }
}

/// Word by word: numbers below texts, and the shorter below its continuations.
fn compare_words(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => compare_word(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_word(left: &str, right: &str) -> Ordering {
    match (is_number(left), is_number(right)) {
        (true, true) => compare_digits(left, right),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise() {
        let rising = [
            "0.9",
            "1.0.0-0",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-Alpha",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0rc1",
            "1",
            "1.0.0.1",
            "1.2",
            "1.010",
            "99999999999999999999",
            "100000000000000000000",
        ];
        for pair in rising.windows(2) {
            let [left, right] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert_eq!(left.precedence(&right), Ordering::Less, "{pair:?}");
            assert_eq!(right.precedence(&left), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn each_order_knows_something_else() {
        use Ordering::{Equal, Greater, Less};
        for (left, right, precedence, semver, listed) in [
            ("1.2.3.4", "1.2.3", Greater, Equal, Greater),
            ("1.0-+5", "1", Equal, Equal, Greater),
            ("1+10", "1+9", Equal, Equal, Greater),
            ("1+10", "1+9a", Equal, Equal, Less),
            ("1+2", "1+a", Equal, Equal, Less),
            ("1-beta.2", "1-beta.11", Less, Less, Greater),
            ("1-a.b", "1-a-b", Less, Less, Greater),
        ] {
            let [a, b] = [left, right].map(|text| Version::parse(text).unwrap());
            assert_eq!(a.precedence(&b), precedence, "{left} {right}");
            assert_eq!(a.compare_semver(&b), semver, "{left} {right}");
            assert_eq!(a.compare_listed(&b), listed, "{left} {right}");
        }
    }

    #[test]
    fn other_texts_are_no_versions() {
        for text in [
            "", "x", "v1", "1a", "1.", "1..2", ".1", "-1", "1.0+", "1.0+a..b", "1.0-00", "1.0-é",
            "1.0-a_b", "1.0a01", "1.0A1", "1.0 ", "1.0é", "1.0+é",
        ] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }
}
