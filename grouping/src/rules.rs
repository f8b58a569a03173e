//! The rules that steer grouping, compiled once per project.

use std::sync::LazyLock;

use crate::RuleError;
use crate::enhancements::{self, Enhancements};
use crate::fingerprint::{self, FingerprintRules};

/// Compiled stack trace rules and fingerprint rules: the built-in ones and a project's own.
///
/// Compile them once when a project's settings change and share them by `Arc`.
#[derive(Debug, Default)]
pub struct Rules {
    enhancements: Option<Enhancements>,
    fingerprinting: Option<FingerprintRules>,
    without_builtin_enhancements: bool,
}

impl Rules {
    /// Compiles a project's stack trace rules and fingerprint rules, both in Sentry's language, on top of the built-in ones.
    ///
    /// # Errors
    /// [`RuleError`] at the first mistake of either text.
    pub fn new(enhancements: &str, fingerprinting: &str) -> Result<Self, RuleError> {
        Ok(Self {
            enhancements: Some(Enhancements::new(enhancements)?),
            fingerprinting: Some(FingerprintRules::new(fingerprinting)?),
            without_builtin_enhancements: false,
        })
    }

    /// The same rules without the built-in stack trace rules, to try a text alone.
    #[must_use]
    pub fn without_builtin_enhancements(mut self) -> Self {
        self.without_builtin_enhancements = true;
        self
    }

    /// Compiles the built-in rules now instead of with the first event.
    pub fn warm_up() {
        LazyLock::force(&enhancements::BUILTIN);
        LazyLock::force(&fingerprint::BUILTIN);
    }

    /// The stack trace rules in the order in which they run.
    pub(crate) fn enhancements(&self) -> impl Iterator<Item = &Enhancements> {
        let builtin = (!self.without_builtin_enhancements).then(|| &*enhancements::BUILTIN);
        builtin.into_iter().chain(&self.enhancements)
    }

    /// The project's fingerprint rules.
    pub(crate) fn fingerprinting(&self) -> Option<&FingerprintRules> {
        self.fingerprinting.as_ref()
    }
}
