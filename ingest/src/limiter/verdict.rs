//! What becomes of a request, and what its client is told.

use axum::http::{HeaderName, HeaderValue};
use bugle_protocol::rate_limit::{RATE_LIMITS_HEADER, rate_limits_header};
use bugle_protocol::{Charge, DataCategory, LimitScope, QuotaId, RateLimit, UnixMillis};
use bugle_store::queue::LimitedItem;

/// What this version counts but does not store. Clients are asked not to send it, which saves them the work.
const UNSUPPORTED: [DataCategory; 10] = [
    DataCategory::Span,
    DataCategory::Session,
    DataCategory::LogItem,
    DataCategory::TraceMetric,
    DataCategory::Profile,
    DataCategory::ProfileChunk,
    DataCategory::ProfileChunkUi,
    DataCategory::Replay,
    DataCategory::Monitor,
    DataCategory::MetricBucket,
];

/// How long clients hold back what is not supported; after an upgrade they go on within this time.
const UNSUPPORTED_SECONDS: u64 = 3600;

/// The reason that clients are told.
const UNSUPPORTED_REASON: &str = "unsupported";

/// The namespace of the metrics that clients make themselves; the header names it where it names metrics.
const METRICS_NAMESPACE: &str = "custom";

/// A quota's id and when it was made.
pub(super) type CounterId = (QuotaId, UnixMillis);

/// What becomes of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What it is charged, by category.
    pub(crate) charged: Vec<Charge>,
    /// The items that are not taken, in the order of the envelope.
    pub(crate) limited: Vec<LimitedItem>,
    /// The quotas that count what is in the request and refuse some of it, or have refused something and are still full.
    pub(super) active: Vec<RateLimit>,
    /// What each quota was charged.
    pub(super) shares: Vec<Share>,
}

/// What a quota was charged, to be given back if the request cannot be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) counter: CounterId,
    pub(super) slot: i64,
    pub(super) quantity: u64,
}

/// What a client is told to hold back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldBack {
    /// The value of `X-Sentry-Rate-Limits`.
    pub rate_limits: String,
    /// The value of `Retry-After`: the longest of the limits, in seconds.
    pub retry_after_seconds: u64,
}

impl Verdict {
    /// The verdict where nothing is limited.
    pub(super) fn free(charges: &[Vec<Charge>]) -> Self {
        let mut verdict = Self::default();
        charges
            .iter()
            .for_each(|charges| add_all(&mut verdict.charged, charges));
        verdict
    }

    /// Whether nothing that counts is left of the request.
    pub(crate) fn refuses_all(&self) -> bool {
        self.charged.is_empty() && !self.limited.is_empty()
    }

    /// What the answer to a request that was kept says: the limits, and what the server has no use for.
    pub(crate) fn hold_back(mut self) -> Option<HoldBack> {
        self.active.extend(unsupported(&self.charged));
        HoldBack::new(&self.active)
    }

    /// What the answer to a request says of which nothing was kept.
    pub(crate) fn refusal(&self) -> HoldBack {
        HoldBack::new(&self.active).unwrap_or(HoldBack {
            rate_limits: String::new(),
            retry_after_seconds: UNSUPPORTED_SECONDS,
        })
    }
}

impl HoldBack {
    fn new(limits: &[RateLimit]) -> Option<Self> {
        let longest = limits.iter().map(|limit| limit.seconds).max()?;
        Some(Self {
            rate_limits: rate_limits_header(limits),
            retry_after_seconds: longest,
        })
    }

    /// The header of the answer.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        // Names and numbers are always a header's value.
        let value = HeaderValue::from_str(&self.rate_limits).ok()?;
        Some((HeaderName::from_static(RATE_LIMITS_HEADER), value))
    }
}

/// The entries for what a request holds of kinds that are not stored; metrics have one of their own.
fn unsupported(charged: &[Charge]) -> impl Iterator<Item = RateLimit> {
    let is_charged = |category: &DataCategory| charged.iter().any(|c| c.category == *category);
    let found = UNSUPPORTED.into_iter().filter(is_charged);
    let (metrics, others): (Vec<_>, Vec<_>) =
        found.partition(|category| *category == DataCategory::MetricBucket);
    let entry = |categories: Vec<_>, namespace| RateLimit {
        seconds: UNSUPPORTED_SECONDS,
        categories,
        scope: LimitScope::Organization,
        reason: UNSUPPORTED_REASON,
        namespace,
    };
    let entries = [entry(others, None), entry(metrics, Some(METRICS_NAMESPACE))];
    entries
        .into_iter()
        .filter(|entry| !entry.categories.is_empty())
}

/// Adds charges up by category.
pub(crate) fn add_all(sums: &mut Vec<Charge>, charges: &[Charge]) {
    for charge in charges {
        match sums.iter_mut().find(|sum| sum.category == charge.category) {
            Some(sum) => sum.quantity = sum.quantity.saturating_add(charge.quantity),
            None => sums.push(*charge),
        }
    }
}
