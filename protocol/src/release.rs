//! Releases: a package's name and a version, `shop@1.2.3-rc.1+77`, or any other text that names what was deployed.

use std::cmp::Ordering;
use std::fmt;

/// The longest release, in bytes.
pub const MAX_RELEASE_BYTES: usize = 200;

/// How many numbers a version may have: major, minor, patch and revision.
pub const MAX_NUMBERS: usize = 4;

/// Lengths of the hashes that build systems use; hex digits in another number are a word.
const HASH_LENGTHS: [usize; 6] = [12, 16, 20, 32, 40, 64];

/// A hash is shown by its first digits.
const SHORT_HASH: usize = 12;

/// A release, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<'r> {
    raw: &'r str,
    package: Option<&'r str>,
    version_text: &'r str,
    version: Option<Version<'r>>,
}

/// Why a text is not a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRelease {
    /// It exceeds the limit.
    #[error("a release is at most {MAX_RELEASE_BYTES} bytes long")]
    TooLong,
    /// It would not fit into a path or onto a line.
    #[error("a release has no slash, backslash, tab, line end or other control character")]
    BadCharacter,
    /// It means something else in paths and links.
    #[error("a release is not `.`, `..` or `latest`")]
    Reserved,
}

impl<'r> Release<'r> {
    /// Reads a release; spaces around it do not count. The empty text is a release without a name.
    ///
    /// Only what follows a package and `@` is read as a version: `1.0` alone may be anything.
    ///
    /// # Errors
    /// [`InvalidRelease`], by the rules of Sentry.
    pub fn parse(text: &'r str) -> Result<Self, InvalidRelease> {
        let raw = text.trim();
        check(raw)?;
        let (package, version_text) = match split_package(raw) {
            Some((package, rest)) => (Some(package), rest),
            None => (None, raw),
        };
        let version = package
            .filter(|_| !is_hash(version_text))
            .and_then(|_| Version::parse(version_text));
        Ok(Self {
            raw,
            package,
            version_text,
            version,
        })
    }

    /// The whole of it.
    #[must_use]
    pub fn as_str(&self) -> &'r str {
        self.raw
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn package(&self) -> Option<&'r str> {
        self.package
    }

    /// What stands behind it, whether it is a version or not; all of a release without a package.
    #[must_use]
    pub fn version_text(&self) -> &'r str {
        self.version_text
    }

    /// The version of a package, if it has the form of one.
    #[must_use]
    pub fn version(&self) -> Option<Version<'r>> {
        self.version
    }

    /// The hash that says what was built: the version's build, or all of the version.
    #[must_use]
    pub fn build_hash(&self) -> Option<&'r str> {
        let build = self.version.and_then(|version| version.build());
        build
            .filter(|build| is_hash(build))
            .or_else(|| Some(self.version_text).filter(|text| is_hash(text)))
    }

    /// What people read in lists: the version and its build, or the beginning of a hash, or all of it.
    #[must_use]
    pub fn description(&self) -> String {
        let hash = self.build_hash().map(|hash| &hash[..SHORT_HASH]);
        match (self.version, hash) {
            (Some(version), hash) => match hash.or(version.build()) {
                Some(build) => format!("{} ({build})", version.short()),
                None => version.short().to_owned(),
            },
            (None, Some(hash)) => hash.to_owned(),
            (None, None) => self.raw.to_owned(),
        }
    }

    /// The order of two releases of the same package that both have a version, by [`Version::precedence`] and then by
    /// build; `None` for all others.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.package != other.package {
            return None;
        }
        let (left, right) = (self.version?, other.version?);
        let order = left.precedence(&right);
        Some(order.then_with(|| compare_builds(left.build, right.build)))
    }
}

impl fmt::Display for Release<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

fn check(release: &str) -> Result<(), InvalidRelease> {
    let is_bad = |c: char| matches!(c, '/' | '\\') || c.is_ascii_control();
    if release.len() > MAX_RELEASE_BYTES {
        Err(InvalidRelease::TooLong)
    } else if release.contains(is_bad) {
        Err(InvalidRelease::BadCharacter)
    } else if matches!(release, "." | "..") || release.eq_ignore_ascii_case("latest") {
        Err(InvalidRelease::Reserved)
    } else {
        Ok(())
    }
}

/// Splits at the first `@` that has something on both sides; the package itself may begin with one (`@scope`).
fn split_package(release: &str) -> Option<(&str, &str)> {
    let scope = usize::from(release.starts_with('@'));
    let at = scope + release[scope..].find('@')?;
    let (package, version) = (&release[..at], &release[at + 1..]);
    (at > scope && !version.is_empty()).then_some((package, version))
}

fn is_hash(text: &str) -> bool {
    HASH_LENGTHS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

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
            .then_with(|| compare_builds(self.build, other.build))
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

/// None below all others, two numbers as numbers, others as texts.
fn compare_builds(left: Option<&str>, right: Option<&str>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) if is_number(left) && is_number(right) => {
            compare_digits(left, right)
        }
        (Some(left), Some(right)) => left.cmp(right),
        _ => left.is_some().cmp(&right.is_some()),
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
    fn releases_are_taken_apart() {
        for (text, package, version, description) in [
            ("shop@1.2.3", Some("shop"), Some("1.2.3"), "1.2.3"),
            (
                " shop@1.2.3-rc.1+77 ",
                Some("shop"),
                Some("1.2.3-rc.1"),
                "1.2.3-rc.1 (77)",
            ),
            ("@shop@1.0rc1", Some("@shop"), Some("1.0rc1"), "1.0rc1"),
            ("shop@v1.0", Some("shop"), None, "shop@v1.0"),
            ("shop@1.2.3.4.5", Some("shop"), None, "shop@1.2.3.4.5"),
            ("a@b@1", Some("a"), None, "a@b@1"),
            ("1.0.0", None, None, "1.0.0"),
            ("shop@", None, None, "shop@"),
            ("@", None, None, "@"),
            ("@1.0", None, None, "@1.0"),
            ("", None, None, ""),
            ("...", None, None, "..."),
            (
                "0123456789abcdef0123456789abcdef01234567",
                None,
                None,
                "0123456789ab",
            ),
            ("shop@123456789012", Some("shop"), None, "123456789012"),
            (
                "shop@1.0+ABCDEF1234567890",
                Some("shop"),
                Some("1.0"),
                "1.0 (ABCDEF123456)",
            ),
        ] {
            let release = Release::parse(text).unwrap();
            assert_eq!(release.package(), package, "{text}");
            assert_eq!(release.version().map(|v| v.short()), version, "{text}");
            assert_eq!(release.description(), description, "{text}");
        }
    }

    #[test]
    fn what_no_path_could_hold_is_no_release() {
        use InvalidRelease::{BadCharacter, Reserved, TooLong};
        for (text, error) in [
            ("a/b", BadCharacter),
            ("a\\b", BadCharacter),
            ("a\nb", BadCharacter),
            ("a\0b", BadCharacter),
            (".", Reserved),
            (" .. ", Reserved),
            ("Latest", Reserved),
        ] {
            assert_eq!(Release::parse(text), Err(error), "{text:?}");
        }
        assert!(Release::parse(&"x".repeat(200)).is_ok());
        assert_eq!(Release::parse(&"x".repeat(201)), Err(TooLong));
    }

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

    #[test]
    fn releases_of_different_packages_have_no_order() {
        let release = |text| Release::parse(text).unwrap();
        let (old, new) = (release("shop@1.9"), release("shop@1.10"));
        assert_eq!(old.compare(&new), Some(Ordering::Less));
        assert_eq!(old.compare(&release("cart@1.0")), None);
        assert_eq!(old.compare(&release("shop@1.9+1")), Some(Ordering::Less));
        assert_eq!(old.compare(&release("shop@main")), None);
    }
}
