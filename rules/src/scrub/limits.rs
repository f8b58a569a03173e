//! How much a document may ask for, so that none can exhaust memory or slow every event down.

use regex::{Regex, RegexBuilder};

use super::config::ConfigError;

/// Advanced rules that can be used.
pub(super) const MAX_RULES: usize = 500;

/// Applications of advanced rules that can be used.
pub(super) const MAX_APPLICATIONS: usize = 500;

/// Rules that all applications together may name, directly and through other rules.
pub(super) const MAX_NAMED: usize = 5_000;

/// Path items in the selectors of all applications together, and as many in all safe fields: each costs every value of
/// every event.
pub(super) const MAX_PATH_ITEMS: usize = 2_000;

/// Safe fields that can be used.
pub(super) const MAX_SAFE_FIELDS: usize = 200;

/// Sensitive fields that can be used.
pub(super) const MAX_SENSITIVE_FIELDS: usize = 1_000;

/// Bytes of all sensitive fields together.
pub(super) const MAX_SENSITIVE_BYTES: usize = 32 * 1024;

/// Bytes of one compiled expression.
const MAX_PATTERN_BYTES: usize = 256 * 1024;

/// Bytes of all compiled expressions of the advanced rules.
pub(super) const MAX_COMPILED_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the one expression that the sensitive fields are compiled into; what they may have fits.
const MAX_WORDS_BYTES: usize = 16 * 1024 * 1024;

/// What is wrong is told up to this many times; it is left out all the same.
pub(super) const MAX_ERRORS: usize = 100;

/// The smallest size an expression is counted with.
const SMALLEST_PATTERN: usize = 4 * 1024;

/// Whose rules the limits are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of one document.
    One,
    /// Those of an organisation and of a project: as each was held to the limits, neither can take the other's place.
    Composed,
}

impl Scope {
    /// A limit of one document for all of them.
    pub(super) fn most(self, limit: usize) -> usize {
        match self {
            Self::One => limit,
            Self::Composed => 2 * limit,
        }
    }
}

/// What does not fit into one limit.
#[derive(Debug)]
pub(super) struct LeftOut {
    what: &'static str,
    limit: usize,
    count: usize,
    first: String,
}

impl LeftOut {
    pub(super) fn new(what: &'static str, limit: usize) -> Self {
        Self {
            what,
            limit,
            count: 0,
            first: String::new(),
        }
    }

    /// Notes one more thing that is left out.
    pub(super) fn add(&mut self, name: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = name();
        }
        self.count += 1;
    }

    pub(super) fn error(self) -> Option<ConfigError> {
        (self.count > 0).then_some(ConfigError::Limit {
            what: self.what,
            limit: self.limit,
            count: self.count,
            first: self.first,
        })
    }
}

/// The bytes that expressions may still be compiled into.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    most_of_one: usize,
}

impl Budget {
    /// For the expressions of a team.
    pub(super) fn of_team(scope: Scope) -> Self {
        Self {
            left: scope.most(MAX_COMPILED_BYTES),
            most_of_one: MAX_PATTERN_BYTES,
        }
    }

    /// For the one expression of the sensitive fields.
    pub(super) fn of_settings(scope: Scope) -> Self {
        Self {
            left: scope.most(MAX_WORDS_BYTES),
            most_of_one: scope.most(MAX_WORDS_BYTES),
        }
    }

    /// Compiles an expression and counts what it takes: the smallest size, of four times the one before, that holds it, as an
    /// expression does not tell its own.
    pub(super) fn compile(
        &mut self,
        pattern: &str,
        ignore_case: bool,
    ) -> Result<Regex, regex::Error> {
        let most = self.most_of_one.min(self.left);
        let mut size = SMALLEST_PATTERN.min(most);
        loop {
            let mut builder = RegexBuilder::new(pattern);
            match builder
                .case_insensitive(ignore_case)
                .size_limit(size)
                .build()
            {
                Err(regex::Error::CompiledTooBig(_)) if size < most => size = most.min(size * 4),
                Err(error) => return Err(error),
                Ok(regex) => {
                    self.left -= size;
                    return Ok(regex);
                }
            }
        }
    }

    /// Whether an expression was too big only because of those before it.
    pub(super) fn is_spent(&self, error: &regex::Error) -> bool {
        matches!(error, regex::Error::CompiledTooBig(_)) && self.left < self.most_of_one
    }
}
