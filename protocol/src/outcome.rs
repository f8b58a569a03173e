//! What became of an item. Every item ends in exactly one outcome, and none ends in silence.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Makes an enum whose variants have a name each, in the database, the API, the metrics and on the wire.
/// An enum of names.
macro_rules! named {
    ($(#[$doc:meta])* $enum:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in the database, the API, the metrics and on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Reads a name; `None` if this version does not know it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Some(match name {
                    $($name => Self::$variant,)*
                    _ => return None,
                })
            }
        }
    };
}

pub(crate) use named;

/// How an item ended. The names are Sentry's, with `duplicate`, `sampled` and `unsupported` set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Stored.
    Accepted,
    /// Dropped by a filter of the project.
    Filtered(FilterReason),
    /// Dropped by a sampling rule.
    Sampled,
    /// Dropped because a limit was reached.
    RateLimited(LimitReason),
    /// Not usable, see the reason.
    Invalid(DiscardReason),
    /// An event whose id the project has already.
    Duplicate,
    /// A kind of item that this version does not store.
    Unsupported,
    /// Dropped by the client itself, which reported it.
    ClientDiscard(ClientReason),
}

impl Outcome {
    /// The name in the database, the API and the metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Filtered(_) => "filtered",
            Self::Sampled => "sampled",
            Self::RateLimited(_) => "rate_limited",
            Self::Invalid(_) => "invalid",
            Self::Duplicate => "duplicate",
            Self::Unsupported => "unsupported",
            Self::ClientDiscard(_) => "client_discard",
        }
    }

    /// The reason's name, empty where the outcome says it all.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Filtered(reason) => reason.name(),
            Self::RateLimited(reason) => reason.name(),
            Self::Invalid(reason) => reason.name(),
            Self::ClientDiscard(reason) => reason.name(),
            Self::Accepted | Self::Sampled | Self::Duplicate | Self::Unsupported => "",
        }
    }

    /// Reads what [`Outcome::name`] and [`Outcome::reason`] wrote.
    #[must_use]
    pub fn from_names(name: &str, reason: &str) -> Option<Self> {
        Some(match name {
            "accepted" => Self::Accepted,
            "filtered" => Self::Filtered(FilterReason::from_name(reason)?),
            "sampled" => Self::Sampled,
            "rate_limited" => Self::RateLimited(LimitReason::from_name(reason)?),
            "invalid" => Self::Invalid(DiscardReason::from_name(reason)?),
            "duplicate" => Self::Duplicate,
            "unsupported" => Self::Unsupported,
            "client_discard" => Self::ClientDiscard(ClientReason::from_name(reason)?),
            _ => return None,
        })
    }
}

/// As a pair of name and reason.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.name(), self.reason()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, reason) = <(String, String)>::deserialize(deserializer)?;
        Self::from_names(&name, &reason)
            .ok_or_else(|| D::Error::custom(format!("unknown outcome {name} {reason}")))
    }
}

named! {
    /// Which filter dropped it. The names are Sentry's.
    FilterReason {
        /// The sender's address is on the project's list.
        IpAddress = "ip-address",
        /// The release is on the project's list.
        ReleaseVersion = "release-version",
        /// The message is on the project's list.
        ErrorMessage = "error-message",
        /// A browser extension failed, not the application.
        BrowserExtensions = "browser-extensions",
        /// The browser is too old.
        LegacyBrowsers = "legacy-browsers",
        /// It happened on a developer's machine.
        Localhost = "localhost",
        /// A crawler sent it.
        WebCrawlers = "web-crawlers",
        /// A content security report about something that is not the site's, such as an extension.
        InvalidCsp = "invalid-csp",
        /// A transaction of a health check.
        FilteredTransaction = "filtered-transaction",
        /// A page of an older deployment asked for a script that is gone.
        ChunkLoadError = "chunk-load-error",
        /// React found other markup than it had expected.
        ReactHydrationErrors = "react-hydration-errors",
        /// A rule that the team wrote; its hits are counted by rule.
        CustomRule = "custom-inbound-filter",
    }
}

named! {
    /// Which limit was reached.
    LimitReason {
        /// A limit of the key.
        KeyQuota = "key_quota",
        /// A limit of the project.
        ProjectQuota = "project_quota",
        /// A limit of the organisation.
        OrganizationQuota = "org_quota",
        /// The project sends many times what it usually does.
        SpikeProtection = "spike_protection",
        /// The server could not keep more at that moment: its queue or its disk was full.
        Overload = "overload",
    }
}

named! {
    /// Why an item was invalid.
    DiscardReason {
        /// The payload is not JSON.
        InvalidJson = "invalid_json",
        /// The payload is JSON but not an object.
        NotAnObject = "not_an_object",
        /// The payload is larger than its kind may be, or there are too many of its kind.
        TooLarge = "too_large",
        /// The envelope's framing is broken, so that nobody knows what was in it.
        InvalidEnvelope = "invalid_envelope",
        /// The body's compression is unknown or its stream broken.
        InvalidCompression = "invalid_compression",
        /// The form of several parts is broken.
        InvalidMultipart = "invalid_multipart",
        /// The upload holds no minidump.
        InvalidMinidump = "invalid_minidump",
        /// A transaction without a duration or a place in a trace.
        InvalidTransaction = "invalid_transaction",
        /// A browser's report in a form that is not known.
        SecurityReport = "security_report",
        /// What the item needs to be of use is missing, such as the event that an attachment belongs to.
        NoData = "no_data",
        /// The item made the processor fail; the bug is ours.
        Internal = "internal",
    }
}

named! {
    /// Why a client dropped something, by its own report.
    #[expect(missing_docs, reason = "the names are the protocol's and say it")]
    ClientReason {
        QueueOverflow = "queue_overflow",
        CacheOverflow = "cache_overflow",
        BufferOverflow = "buffer_overflow",
        RateLimitBackoff = "ratelimit_backoff",
        NetworkError = "network_error",
        SendError = "send_error",
        SampleRate = "sample_rate",
        BeforeSend = "before_send",
        EventProcessor = "event_processor",
        InternalSdkError = "internal_sdk_error",
        InsufficientData = "insufficient_data",
        Backpressure = "backpressure",
        Ignored = "ignored",
        Invalid = "invalid",
        NoParentSpan = "no_parent_span",
        Other = "other",
    }
}

named! {
    /// What an item counts as, in limits and outcomes. An item may count as several.
    #[expect(missing_docs, reason = "the names are the protocol's and say it")]
    DataCategory {
        Error = "error",
        Transaction = "transaction",
        Span = "span",
        Security = "security",
        /// In bytes.
        Attachment = "attachment",
        AttachmentItem = "attachment_item",
        Session = "session",
        Profile = "profile",
        ProfileChunk = "profile_chunk",
        ProfileChunkUi = "profile_chunk_ui",
        Replay = "replay",
        Monitor = "monitor",
        Feedback = "feedback",
        LogItem = "log_item",
        LogByte = "log_byte",
        TraceMetric = "trace_metric",
        TraceMetricByte = "trace_metric_byte",
        MetricBucket = "metric_bucket",
        /// Not in the protocol: a client report is counted as received, but never limited.
        ClientReport = "client_report",
        /// Not in the protocol: what this version does not know, or could not read.
        Unknown = "unknown",
    }
}

impl DataCategory {
    /// Whether its quantity is bytes, not items.
    #[must_use]
    pub fn is_bytes(self) -> bool {
        matches!(
            self,
            Self::Attachment | Self::LogByte | Self::TraceMetricByte
        )
    }

    /// Whether limits apply to it. What a client reports of its losses has to come through.
    #[must_use]
    pub fn is_limited(self) -> bool {
        self != Self::ClientReport
    }
}

impl Serialize for DataCategory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DataCategory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::from_name(&name).unwrap_or(Self::Unknown))
    }
}

impl Serialize for LimitReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LimitReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom(format!("unknown limit {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let limited = LimitReason::ALL.iter().map(|r| Outcome::RateLimited(*r));
        let invalid = DiscardReason::ALL.iter().map(|r| Outcome::Invalid(*r));
        let client = ClientReason::ALL.iter().map(|r| Outcome::ClientDiscard(*r));
        let plain = [
            Outcome::Accepted,
            Outcome::Sampled,
            Outcome::Duplicate,
            Outcome::Unsupported,
        ];
        let filtered = FilterReason::ALL.iter().map(|r| Outcome::Filtered(*r));
        let reasons = limited.chain(invalid).chain(client).chain(filtered);
        for outcome in reasons.chain(plain) {
            let text = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
        }
        for category in DataCategory::ALL {
            assert_eq!(DataCategory::from_name(category.name()), Some(*category));
        }
        assert_eq!(Outcome::from_names("rate_limited", "nonsense"), None);
    }
}
