//! What is stored beside events: logs and check-ins.

use super::Class::{False, Maybe, True};
use super::contexts::CONTEXTS;
use super::spans::SPAN_DATA;
use super::{Field, Kind, Types, ValueType, free, object, shape, typed};

/// One log message. Its body is prose: only rules that name it reach it, and the settings' rules for prose do.
pub(in crate::scrub) static LOG: Field = typed(
    False,
    ValueType::Log,
    &shape(
        &[
            "timestamp",
            "observed_timestamp_nanos",
            "trace_id",
            "span_id",
            "level",
            "severity_number",
            "severity_text",
        ],
        &[],
        &[
            ("body", free(Maybe)),
            (
                "attributes",
                Field {
                    class: False,
                    types: Types::NONE,
                    kind: Kind::Attributes(&SPAN_DATA),
                },
            ),
        ],
        True,
    ),
);

/// One run of a monitor.
pub(in crate::scrub) static CHECK_IN: Field = object(
    False,
    &shape(
        &[
            "check_in_id",
            "monitor_slug",
            "status",
            "duration",
            "release",
            "environment",
            "trace_id",
            "monitor_config",
        ],
        &[],
        &[("contexts", object(False, &CONTEXTS))],
        True,
    ),
);
