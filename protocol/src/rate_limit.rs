//! What a client is told to hold back: the `X-Sentry-Rate-Limits` header.

use std::fmt;

use crate::outcome::{DataCategory, LimitReason};

/// The name of the header.
pub const RATE_LIMITS_HEADER: &str = "x-sentry-rate-limits";

/// One entry of the header: for so long, send nothing of these categories.
///
/// Written as `seconds:category;category:scope:reason[:namespace]`, entries separated by a comma and a blank; see protocol.md section 3
/// and <https://develop.sentry.dev/sdk/expected-features/rate-limiting/>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Seconds from now.
    pub seconds: u64,
    /// What is limited; everything if empty.
    pub categories: Vec<DataCategory>,
    /// Whose limit it is.
    pub scope: LimitScope,
    /// The reason's name, an identifier such as `key_quota`.
    pub reason: &'static str,
    /// Which metrics are limited; only for [`DataCategory::MetricBucket`].
    pub namespace: Option<&'static str>,
}

/// What a limit adds up over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// All projects of an organisation.
    Organization,
    /// One project.
    Project,
    /// One key of a project.
    Key,
}

impl LimitScope {
    /// The name in the header and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Key => "key",
        }
    }

    /// The reason of limits with this scope.
    #[must_use]
    pub fn reason(self) -> LimitReason {
        match self {
            Self::Organization => LimitReason::OrganizationQuota,
            Self::Project => LimitReason::ProjectQuota,
            Self::Key => LimitReason::KeyQuota,
        }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seconds)?;
        for (i, category) in self.categories.iter().enumerate() {
            let separator = if i == 0 { "" } else { ";" };
            write!(f, "{separator}{}", category.name())?;
        }
        write!(f, ":{}:{}", self.scope.name(), self.reason)?;
        match self.namespace {
            Some(namespace) => write!(f, ":{namespace}"),
            None => Ok(()),
        }
    }
}

/// The value of the header for several limits.
#[must_use]
pub fn rate_limits_header(limits: &[RateLimit]) -> String {
    let entries: Vec<String> = limits.iter().map(ToString::to_string).collect();
    entries.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_written_as_clients_read_it() {
        let limits = [
            RateLimit {
                seconds: 60,
                categories: vec![DataCategory::Error, DataCategory::Transaction],
                scope: LimitScope::Organization,
                reason: "org_quota",
                namespace: None,
            },
            RateLimit {
                seconds: 2700,
                categories: Vec::new(),
                scope: LimitScope::Key,
                reason: "key_quota",
                namespace: None,
            },
            RateLimit {
                seconds: 1,
                categories: vec![DataCategory::MetricBucket],
                scope: LimitScope::Project,
                reason: "project_quota",
                namespace: Some("custom"),
            },
        ];
        assert_eq!(
            rate_limits_header(&limits),
            "60:error;transaction:organization:org_quota, 2700::key:key_quota, \
             1:metric_bucket:project:project_quota:custom"
        );
    }
}
