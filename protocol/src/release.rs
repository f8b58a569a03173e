//! Releases: a package's name and a version, `shop@1.2.3-rc.1+77`, or any other text that names what was deployed.

mod version;

use std::cmp::Ordering;
use std::fmt;

pub use version::{MAX_NUMBERS, Version};

/// The longest release, in characters.
pub const MAX_RELEASE_CHARS: usize = 200;

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
    #[error("a release is at most {MAX_RELEASE_CHARS} characters long")]
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
        Some(order.then_with(|| left.compare_builds(&right)))
    }
}

impl fmt::Display for Release<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

fn check(release: &str) -> Result<(), InvalidRelease> {
    let is_bad = |c: char| matches!(c, '/' | '\\') || c.is_ascii_control();
    if release.chars().nth(MAX_RELEASE_CHARS).is_some() {
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
        assert!(Release::parse(&format!("é@{}", "é".repeat(198))).is_ok());
        assert_eq!(Release::parse(&"é".repeat(201)), Err(TooLong));
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
