//! The order of version numbers, as [`bugle_protocol::release`] knows it.

use std::cmp::Ordering;

use bugle_protocol::Version;

/// Orders two versions by precedence: what follows `+` does not count, and a leading `v` is allowed. `None` if either is no
/// version.
pub(crate) fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(parse(left)?.precedence(&parse(right)?))
}

/// Whether `text` has the form of a version.
pub(crate) fn is_version(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<Version<'_>> {
    Version::parse(text.strip_prefix('v').unwrap_or(text))
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
            "1.0rc2",
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
            "v",
            "unknown",
            "a1b2c3",
            "1..2",
            "1.",
            "5x",
            "1.2.3.4.5",
        ] {
            assert!(!is_version(text), "{text}");
        }
    }
}
