//! What outcomes, reasons and categories are called, and what they mean: the one place that says it.

/// The outcomes in the order in which charts stack them and tables list them.
pub(crate) const OUTCOMES: [&str; 8] = [
    "accepted",
    "filtered",
    "sampled",
    "rate_limited",
    "duplicate",
    "invalid",
    "unsupported",
    "client_discard",
];

/// The name of an outcome. One that this version does not know keeps the name it has.
pub(crate) fn outcome_label(outcome: &str) -> String {
    let label = match outcome {
        "accepted" => "Accepted",
        "filtered" => "Filtered",
        "sampled" => "Sampled",
        "rate_limited" => "Rate limited",
        "duplicate" => "Duplicate",
        "invalid" => "Invalid",
        "unsupported" => "Unsupported",
        "client_discard" => "Client discard",
        other => return other.replace('_', " "),
    };
    label.to_owned()
}

/// What an outcome means, as a sentence; empty for one that this version does not know.
pub(crate) fn outcome_meaning(outcome: &str) -> &'static str {
    match outcome {
        "accepted" => "Taken in and stored.",
        "filtered" => "Dropped by a filter of this project.",
        "sampled" => "Dropped by a sampling rule of this project.",
        "rate_limited" => "Refused because a limit was reached; the SDK was told to hold back.",
        "duplicate" => "Came again after it was stored: nothing is missing.",
        "invalid" => "Could not be used; the reasons are below.",
        "unsupported" => "A kind of item that this version of Bugle does not store.",
        "client_discard" => "Never sent: the SDK dropped it and reported how many.",
        _ => "",
    }
}

/// Why an outcome came about, in plain words. A reason that this version does not know keeps the name it has.
pub(crate) fn reason_words(outcome: &str, reason: &str) -> String {
    let words = match outcome {
        "filtered" => filter_words(reason),
        "rate_limited" => limit_words(reason),
        "invalid" => discard_words(reason),
        "client_discard" => client_words(reason),
        _ => None,
    };
    match words {
        Some(words) => words.to_owned(),
        None if reason.is_empty() => outcome_meaning(outcome).trim_end_matches('.').to_owned(),
        None => reason.replace('_', " "),
    }
}

fn filter_words(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "ip-address" => "Sent from an address on the list",
        "release-version" => "Of a release on the list",
        "error-message" => "With a message on the list",
        "browser-extensions" => "Caused by a browser extension",
        "legacy-browsers" => "From a browser that is too old",
        "localhost" => "From a developer's machine",
        "web-crawlers" => "From a crawler",
        "invalid-csp" => "A security report about something that is not the site's",
        "filtered-transaction" => "A transaction of a health check",
        "chunk-load-error" => "A script of an older deployment was gone",
        "react-hydration-errors" => "A React hydration error",
        "custom-inbound-filter" => "Dropped by a rule of this project",
        _ => return None,
    })
}

fn limit_words(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "key_quota" => "A limit of the key was reached",
        "project_quota" => "A limit of the project was reached",
        "org_quota" => "A limit of the whole organisation was reached",
        "spike_protection" => "Spike protection: many times more came than usual",
        "overload" => "The server could keep no more just then: its queue or its disk was full",
        _ => return None,
    })
}

fn discard_words(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "invalid_json" => "The payload is not JSON",
        "not_an_object" => "The payload is JSON, but not an object",
        "too_large" => "Larger than its kind may be, or too many of its kind",
        "invalid_envelope" => "The envelope's framing is broken, so nobody knows what was in it",
        "invalid_compression" => "Compressed in an unknown way, or the compressed data is broken",
        "invalid_multipart" => "The multipart form is broken",
        "invalid_minidump" => "The upload holds no minidump",
        "invalid_transaction" => "A transaction without a duration or a trace",
        "security_report" => "A browser's report in an unknown form",
        "no_data" => "Something it needs is missing: its text, or the event it belongs to",
        "internal" => "Processing it failed, which is a fault of Bugle: see the server's log",
        _ => return None,
    })
}

fn client_words(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "queue_overflow" => "The SDK's queue was full",
        "cache_overflow" => "The SDK's offline cache was full",
        "buffer_overflow" => "The SDK's buffer was full",
        "ratelimit_backoff" => "The SDK held back, as a limit told it to",
        "network_error" => "The server could not be reached",
        "send_error" => "The server answered with an error",
        "sample_rate" => "Left out by the sample rate of the SDK",
        "before_send" => "Dropped by before_send or a like hook",
        "event_processor" => "Dropped by an event processor of the application",
        "internal_sdk_error" => "The SDK itself failed",
        "insufficient_data" => "There was too little in it to be worth sending",
        "backpressure" => "The SDK sent less because it was under load",
        "ignored" => "Matched an ignore rule of the SDK",
        "invalid" => "The SDK found it invalid",
        "no_parent_span" => "A span without a span to belong to",
        "other" => "Another reason of the SDK",
        _ => return None,
    })
}

/// The name of a category, in the plural. One that this version does not know keeps the name it has.
pub(crate) fn category_label(category: &str) -> String {
    let label = match category {
        "error" => "Errors",
        "transaction" => "Transactions",
        "span" => "Spans",
        "security" => "Security reports",
        "attachment" => "Attachment bytes",
        "attachment_item" => "Attachments",
        "session" => "Sessions",
        "profile" => "Profiles",
        "profile_chunk" => "Profile chunks",
        "profile_chunk_ui" => "UI profile chunks",
        "replay" => "Replays",
        "monitor" => "Check-ins",
        "feedback" => "User feedback",
        "log_item" => "Logs",
        "log_byte" => "Log bytes",
        "trace_metric" => "Metrics",
        "trace_metric_byte" => "Metric bytes",
        "metric_bucket" => "Metric buckets",
        "client_report" => "Client reports",
        "unknown" => "Unknown items",
        other => return other.replace('_', " "),
    };
    label.to_owned()
}

#[cfg(test)]
mod tests {
    use bugle_protocol::{ClientReason, DataCategory, DiscardReason, FilterReason, LimitReason};

    use super::*;

    #[test]
    fn everything_that_can_happen_is_explained() {
        let limits = LimitReason::ALL.iter();
        let limits = limits.map(|reason| ("rate_limited", reason.name()));
        let invalid = DiscardReason::ALL.iter();
        let invalid = invalid.map(|reason| ("invalid", reason.name()));
        let client = ClientReason::ALL.iter();
        let client = client.map(|reason| ("client_discard", reason.name()));
        let filters = FilterReason::ALL.iter();
        let filters = filters.map(|reason| ("filtered", reason.name()));
        for (outcome, reason) in limits.chain(invalid).chain(client).chain(filters) {
            let words = reason_words(outcome, reason);
            assert!(words.contains(' '), "{outcome}/{reason}");
            assert_ne!(words, reason.replace('_', " "), "{outcome}/{reason}");
        }
        for outcome in OUTCOMES {
            assert!(outcome_meaning(outcome).ends_with('.'), "{outcome}");
            assert!(outcome_label(outcome).starts_with(char::is_uppercase));
            assert!(!reason_words(outcome, "").is_empty());
        }
        for category in DataCategory::ALL {
            let label = category_label(category.name());
            assert!(label.starts_with(char::is_uppercase), "{label}");
        }
    }

    #[test]
    fn names_of_other_versions_are_shown_as_they_are() {
        assert_eq!(outcome_label("cardinality_limited"), "cardinality limited");
        assert_eq!(outcome_meaning("cardinality_limited"), "");
        assert_eq!(reason_words("invalid", "too_odd"), "too odd");
        assert_eq!(
            reason_words("filtered", "browser_plugins"),
            "browser plugins"
        );
        assert_eq!(category_label("gpu_minute"), "gpu minute");
    }
}
