//! Password hashes: argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane), as PHC strings.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};

/// The fewest characters a password may have; length is what makes one strong (NIST SP 800-63B).
const MIN_CHARS: usize = 8;

/// The most bytes that are hashed: beyond it somebody wants to keep the server busy.
const MAX_BYTES: usize = 1024;

/// A password's PHC string. Making and checking one takes some 20 ms of a core: call it from a blocking thread.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(crate) String);

/// A password that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("the password must have at least {MIN_CHARS} characters")]
    TooShort,
    /// Too long.
    #[error("the password must have at most {MAX_BYTES} bytes")]
    TooLong,
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It is too short or too long.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The system has no random numbers.
    #[error("could not hash the password: {0}")]
    Hash(String),
}

/// The hash of nobody's password, for accounts that do not exist.
static NOBODY: LazyLock<Option<PasswordHash>> =
    LazyLock::new(|| PasswordHash::new("a password that nobody has").ok());

impl PasswordHash {
    /// Hashes a password with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn new(password: &str) -> Result<Self, PasswordError> {
        if password.chars().count() < MIN_CHARS {
            return Err(WeakPassword::TooShort.into());
        }
        if password.len() > MAX_BYTES {
            return Err(WeakPassword::TooLong.into());
        }
        match argon2id().hash_password(password.as_bytes()) {
            Ok(hash) => Ok(Self(hash.to_string())),
            Err(error) => Err(PasswordError::Hash(error.to_string())),
        }
    }

    /// Whether `password` is the one that was hashed.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        let Ok(hash) = phc::PasswordHash::new(&self.0) else {
            return false;
        };
        password.len() <= MAX_BYTES
            && argon2id()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
    }

    /// Does the work of [`PasswordHash::matches`] for an account that does not exist, so that the time of the answer
    /// does not tell which accounts do.
    pub fn pretend_to_match(password: &str) {
        if let Some(nobody) = &*NOBODY {
            let _ = nobody.matches(password);
        }
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

fn argon2id() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = PasswordHash::new("correct horse").unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        assert!(hash.matches("correct horse"));
        assert!(!hash.matches("correct hors"));
        assert!(!PasswordHash("nonsense".to_owned()).matches("nonsense"));
        assert_eq!(format!("{hash:?}"), "PasswordHash([redacted])");
    }

    #[test]
    fn weak_passwords_are_refused_with_the_limit() {
        assert_eq!(
            PasswordHash::new("1234567").unwrap_err().to_string(),
            "the password must have at least 8 characters"
        );
        assert!(PasswordHash::new(&"x".repeat(2000)).is_err());
        assert!(PasswordHash::new("пароль12").is_ok());
    }
}
