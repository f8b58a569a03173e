//! The fields of an event.

use super::Class::{False, Maybe, True};
use super::contexts::CONTEXTS;
use super::spans::SPAN;
use super::{Field, Kind, Shape, Types, ValueType, free, image_path, list, object, pairs, typed};

/// The members of an event.
pub(in crate::scrub) static EVENT: Shape = Shape {
    fields: &[
        ("event_id", free(False)),
        ("level", free(False)),
        ("version", free(False)),
        ("type", free(False)),
        ("fingerprint", free(False)),
        ("culprit", free(Maybe)),
        ("transaction", free(False)),
        ("transaction_info", free(False)),
        ("time_spent", free(False)),
        ("logger", free(False)),
        ("modules", free(False)),
        ("platform", free(False)),
        ("timestamp", free(False)),
        ("start_timestamp", free(False)),
        ("received", free(False)),
        ("site", free(False)),
        ("release", free(False)),
        ("dist", free(False)),
        ("environment", free(False)),
        ("errors", free(False)),
        ("key_id", free(False)),
        ("project", free(False)),
        ("measurements", free(False)),
        ("breakdowns", free(False)),
        ("grouping_config", free(False)),
        ("ingest_path", free(False)),
        ("scraping_attempts", free(False)),
        ("_metrics", free(False)),
        ("_metrics_summary", free(False)),
        ("_meta", free(False)),
        ("logentry", typed(False, ValueType::LogEntry, &LOGENTRY)),
        ("user", typed(False, ValueType::User, &USER)),
        ("request", typed(False, ValueType::Request, &REQUEST)),
        ("contexts", object(False, &CONTEXTS)),
        ("breadcrumbs", list(&BREADCRUMB)),
        ("exception", list(&EXCEPTION)),
        (
            "stacktrace",
            typed(False, ValueType::Stacktrace, &STACKTRACE),
        ),
        ("template", object(False, &TEMPLATE)),
        ("threads", list(&THREAD)),
        ("tags", pairs(Maybe)),
        ("debug_meta", object(False, &DEBUG_META)),
        ("sdk", typed(False, ValueType::Sdk, &SDK)),
        ("csp", object(False, &CSP)),
        ("hpkp", object(False, &REPORT)),
        ("expectct", object(False, &REPORT)),
        ("expectstaple", object(False, &REPORT)),
        ("spans", list(&SPAN)),
    ],
    rest: free(True),
};

static LOGENTRY: Shape = Shape {
    fields: &[
        ("message", free(False)),
        (
            "formatted",
            Field {
                class: True,
                types: Types::of(ValueType::Message),
                kind: Kind::Free,
            },
        ),
    ],
    rest: free(True),
};

static USER: Shape = Shape {
    fields: &[
        ("segment", free(False)),
        ("sentry_user", free(False)),
        ("geo", object(False, &ALL_FREE)),
    ],
    rest: free(True),
};

static ALL_FREE: Shape = Shape {
    fields: &[],
    rest: free(True),
};

static REQUEST: Shape = Shape {
    fields: &[
        ("method", free(False)),
        ("protocol", free(False)),
        ("body_size", free(False)),
        ("inferred_content_type", free(False)),
        ("api_target", free(False)),
        ("url", free(Maybe)),
        ("query_string", pairs(True)),
        ("cookies", pairs(True)),
        ("headers", pairs(True)),
    ],
    rest: free(True),
};

static BREADCRUMB: Field = typed(
    False,
    ValueType::Breadcrumb,
    &Shape {
        fields: &[
            ("timestamp", free(False)),
            ("type", free(False)),
            ("category", free(False)),
            ("level", free(False)),
            ("event_id", free(False)),
        ],
        rest: free(True),
    },
);

static EXCEPTION: Field = typed(
    False,
    ValueType::Exception,
    &Shape {
        fields: &[
            ("type", free(False)),
            ("module", free(False)),
            ("thread_id", free(False)),
            ("mechanism", object(False, &MECHANISM)),
            (
                "stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
            (
                "raw_stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
        ],
        rest: free(True),
    },
);

static MECHANISM: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("source", free(False)),
        ("synthetic", free(False)),
        ("help_link", free(False)),
        ("handled", free(False)),
        ("is_exception_group", free(False)),
        ("exception_id", free(False)),
        ("parent_id", free(False)),
        ("meta", free(False)),
    ],
    rest: free(True),
};

static STACKTRACE: Shape = Shape {
    fields: &[
        ("frames", list(&FRAME)),
        ("registers", free(False)),
        ("instruction_addr_adjustment", free(False)),
        ("lang", free(False)),
        ("snapshot", free(False)),
    ],
    rest: free(True),
};

static FRAME: Field = typed(
    False,
    ValueType::Frame,
    &Shape {
        fields: &[
            ("function", free(False)),
            ("raw_function", free(False)),
            ("symbol", free(False)),
            ("module", free(Maybe)),
            ("package", free(False)),
            ("filename", image_path()),
            ("abs_path", image_path()),
            ("lineno", free(False)),
            ("colno", free(False)),
            ("platform", free(False)),
            ("pre_context", free(False)),
            ("context_line", free(False)),
            ("post_context", free(False)),
            ("source_link", free(False)),
            ("in_app", free(False)),
            ("data", free(False)),
            ("image_addr", free(False)),
            ("instruction_addr", free(False)),
            ("addr_mode", free(False)),
            ("function_id", free(False)),
            ("symbol_addr", free(False)),
            ("trust", free(False)),
            ("stack_start", free(False)),
            ("lock", free(False)),
        ],
        rest: free(True),
    },
);

static THREAD: Field = typed(
    False,
    ValueType::Thread,
    &Shape {
        fields: &[
            ("id", free(False)),
            ("name", free(False)),
            ("crashed", free(False)),
            ("current", free(False)),
            ("main", free(False)),
            ("state", free(False)),
            ("held_locks", free(False)),
            (
                "stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
            (
                "raw_stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
        ],
        rest: free(True),
    },
);

static TEMPLATE: Shape = Shape {
    fields: &[
        ("lineno", free(False)),
        ("pre_context", free(False)),
        ("context_line", free(False)),
        ("post_context", free(False)),
    ],
    rest: free(True),
};

static DEBUG_META: Shape = Shape {
    fields: &[
        ("sdk_info", free(False)),
        (
            "images",
            list(&object(
                False,
                &Shape {
                    fields: &[
                        ("code_file", image_path()),
                        ("debug_file", image_path()),
                        ("name", image_path()),
                    ],
                    rest: free(False),
                },
            )),
        ),
    ],
    rest: free(True),
};

static SDK: Shape = Shape {
    fields: &[
        ("name", free(False)),
        ("version", free(False)),
        ("integrations", free(False)),
        ("features", free(False)),
        ("packages", free(False)),
        ("settings", free(False)),
        ("client_ip", free(True)),
    ],
    rest: free(False),
};

static CSP: Shape = Shape {
    fields: &[
        ("original_policy", free(False)),
        ("violated_directive", free(False)),
        ("script_sample", free(False)),
        ("status_code", free(False)),
        ("disposition", free(False)),
        ("line_number", free(False)),
        ("column_number", free(False)),
        ("source_file", free(Maybe)),
    ],
    rest: free(True),
};

static REPORT: Shape = Shape {
    fields: &[("date_time", free(False)), ("port", free(False))],
    rest: free(True),
};
