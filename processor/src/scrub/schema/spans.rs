//! Spans of transactions.

use super::Class::{False, Maybe, True};
use super::{Field, Shape, ValueType, free, object, pairs, typed};

/// One span.
pub(super) static SPAN: Field = typed(
    False,
    ValueType::Span,
    &Shape {
        fields: &[
            ("timestamp", free(False)),
            ("start_timestamp", free(False)),
            ("exclusive_time", free(False)),
            ("op", free(False)),
            ("span_id", free(False)),
            ("parent_span_id", free(False)),
            ("trace_id", free(False)),
            ("segment_id", free(False)),
            ("is_segment", free(False)),
            ("is_remote", free(False)),
            ("status", free(False)),
            ("origin", free(False)),
            ("profile_id", free(False)),
            ("kind", free(False)),
            ("links", free(False)),
            ("measurements", free(False)),
            ("platform", free(False)),
            ("received", free(False)),
            ("was_transaction", free(False)),
            ("description", free(Maybe)),
            ("tags", pairs(Maybe)),
            ("sentry_tags", object(False, &SENTRY_TAGS)),
            ("data", object(True, &SPAN_DATA)),
        ],
        rest: free(True),
    },
);

static SENTRY_TAGS: Shape = Shape {
    fields: &[("user.ip", free(True)), ("user.email", free(True))],
    rest: free(Maybe),
};

/// The data of a span, of which the names of the OpenTelemetry conventions are reached only by rules that name them.
pub(super) static SPAN_DATA: Shape = Shape {
    fields: &[],
    rest: free(True),
};
