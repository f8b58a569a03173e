//! What became of an item. Every item ends in exactly one outcome, and none ends in silence.

use serde::{Deserialize, Serialize};

/// How an item ended. The names are Sentry's, with `duplicate` and `unsupported` set apart from `invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Stored.
    Accepted,
    /// Dropped by a filter rule.
    Filtered,
    /// Dropped because a limit was reached.
    RateLimited,
    /// Not usable, see the reason.
    Invalid(DiscardReason),
    /// An event whose id the project has already.
    Duplicate,
    /// A kind of item that this version does not store.
    Unsupported,
    /// Dropped by the client itself, which reported it.
    ClientDiscard,
}

impl Outcome {
    /// The name in the database, the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Filtered => "filtered",
            Self::RateLimited => "rate_limited",
            Self::Invalid(_) => "invalid",
            Self::Duplicate => "duplicate",
            Self::Unsupported => "unsupported",
            Self::ClientDiscard => "client_discard",
        }
    }

    /// The reason's name, empty where the outcome says it all.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Invalid(reason) => reason.name(),
            _ => "",
        }
    }
}

/// Why an item was invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiscardReason {
    /// The payload is not JSON.
    InvalidJson,
    /// The payload is JSON but not an object.
    NotAnObject,
    /// The payload is larger than its kind may be.
    TooLarge,
    /// A transaction without a duration or a place in a trace.
    InvalidTransaction,
    /// The item made the processor fail; the bug is ours.
    Internal,
}

impl DiscardReason {
    /// The name in the database, the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::TooLarge => "too_large",
            Self::InvalidTransaction => "invalid_transaction",
            Self::Internal => "internal",
        }
    }
}

/// What an item counts as, in limits and outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the protocol's and say it")]
pub enum DataCategory {
    Error,
    Transaction,
    Span,
    Security,
    Attachment,
    Session,
    Profile,
    ProfileChunk,
    Replay,
    Monitor,
    Feedback,
    LogItem,
    TraceMetric,
    MetricBucket,
    ClientReport,
    Unknown,
}

impl DataCategory {
    /// The name in the database, rate-limit headers, the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Transaction => "transaction",
            Self::Span => "span",
            Self::Security => "security",
            Self::Attachment => "attachment",
            Self::Session => "session",
            Self::Profile => "profile",
            Self::ProfileChunk => "profile_chunk",
            Self::Replay => "replay",
            Self::Monitor => "monitor",
            Self::Feedback => "feedback",
            Self::LogItem => "log_item",
            Self::TraceMetric => "trace_metric",
            Self::MetricBucket => "metric_bucket",
            Self::ClientReport => "client_report",
            Self::Unknown => "unknown",
        }
    }
}
