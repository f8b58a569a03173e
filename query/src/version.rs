//! The order of version numbers.

use std::cmp::Ordering;

/// Orders two versions as <https://semver.org/#spec-item-11> does, for any number of numeric components.
///
/// Missing components are zero, what follows `+` does not count, a leading `v` is allowed. `None` if either is no version.
pub(crate) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, left_suffix) = split(left);
    let (right, right_suffix) = split(right);
    let core = compare_cores(left, right)?;
    Some(core.then_with(|| match (left_suffix, right_suffix) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        _ => compare_suffixes(left_suffix, right_suffix),
    }))
}

/// Whether `text` has the form of a version.
pub(crate) fn is_version(text: &str) -> bool {
    compare(text, text).is_some()
}

/// The dotted numbers and the pre-release suffix, which may be empty.
fn split(version: &str) -> (&str, &str) {
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(head, _)| head);
    version.split_once('-').unwrap_or((version, ""))
}

fn compare_cores(left: &str, right: &str) -> Option<Ordering> {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    let mut ordering = Ordering::Equal;
    loop {
        let (l, r) = match (left.next(), right.next()) {
            (None, None) => return Some(ordering),
            (l, r) => (l.unwrap_or("0"), r.unwrap_or("0")),
        };
        let (l, r): (u64, u64) = (l.parse().ok()?, r.parse().ok()?);
        ordering = ordering.then(l.cmp(&r));
    }
}

/// Identifier by identifier: numbers below words, and a suffix below its continuations.
fn compare_suffixes(left: &str, right: &str) -> Ordering {
    let rank = |part: &str| part.parse::<u64>().map_or((1, 0), |n| (0, n));
    left.split('.')
        .map(|part| (rank(part), part))
        .cmp(right.split('.').map(|part| (rank(part), part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise() {
        let rising = [
            "0.9",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-alpha.2",
            "1.0-alpha.10",
            "1.0-alpha.beta",
            "1.0-rc.1",
            "1.0",
            "1.2",
            "1.10",
            "1.10.0.1",
            "v2",
        ];
        for pair in rising.windows(2) {
            assert_eq!(
                compare(pair[0], pair[1]),
                Some(Ordering::Less),
                "{} < {}",
                pair[0],
                pair[1]
            );
        }
        assert_eq!(compare("1.2", "v1.2.0+build.7"), Some(Ordering::Equal));
    }

    #[test]
    fn hashes_and_words_are_no_versions() {
        for text in [
            "",
            "unknown",
            "a1b2c3",
            "1..2",
            "1.x",
            "99999999999999999999",
        ] {
            assert!(!is_version(text), "{text}");
        }
    }
}
