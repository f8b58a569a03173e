//! The fields of an event.

use super::Class::{False, Maybe, True};
use super::contexts::CONTEXTS;
use super::spans::SPAN;
use super::{
    Field, Kind, Shape, Types, ValueType, free, image_path, list, object, pairs, shape, typed,
};

/// The members of an event.
pub(in crate::scrub) static EVENT: Shape = shape(
    &[
        "event_id",
        "level",
        "version",
        "type",
        "fingerprint",
        "transaction",
        "transaction_info",
        "time_spent",
        "logger",
        "modules",
        "platform",
        "timestamp",
        "start_timestamp",
        "received",
        "site",
        "release",
        "dist",
        "environment",
        "errors",
        "key_id",
        "project",
        "measurements",
        "breakdowns",
        "grouping_config",
        "ingest_path",
        "scraping_attempts",
        "_metrics",
        "_metrics_summary",
        "_meta",
    ],
    &["culprit"],
    &[
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
    True,
);

static LOGENTRY: Shape = shape(
    &["message"],
    &[],
    &[(
        "formatted",
        Field {
            class: True,
            types: Types::of(ValueType::Message),
            kind: Kind::Free,
        },
    )],
    True,
);

static USER: Shape = shape(
    &["segment"],
    &[],
    &[("geo", object(False, &ALL_FREE))],
    True,
);

static ALL_FREE: Shape = shape(&[], &[], &[], True);

static REQUEST: Shape = shape(
    &[
        "method",
        "protocol",
        "body_size",
        "inferred_content_type",
        "api_target",
    ],
    &["url"],
    &[
        ("query_string", pairs(True)),
        ("cookies", pairs(True)),
        ("headers", pairs(True)),
    ],
    True,
);

static BREADCRUMB: Field = typed(
    False,
    ValueType::Breadcrumb,
    &shape(
        &["timestamp", "type", "category", "level", "event_id"],
        &[],
        &[],
        True,
    ),
);

static EXCEPTION: Field = typed(
    False,
    ValueType::Exception,
    &shape(
        &["type", "module", "thread_id"],
        &[],
        &[
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
        True,
    ),
);

static MECHANISM: Shape = shape(
    &[
        "type",
        "source",
        "synthetic",
        "help_link",
        "handled",
        "is_exception_group",
        "exception_id",
        "parent_id",
        "meta",
    ],
    &[],
    &[],
    True,
);

static STACKTRACE: Shape = shape(
    &[
        "registers",
        "instruction_addr_adjustment",
        "lang",
        "snapshot",
    ],
    &[],
    &[("frames", list(&FRAME))],
    True,
);

static FRAME: Field = typed(
    False,
    ValueType::Frame,
    &shape(
        &[
            "function",
            "raw_function",
            "symbol",
            "package",
            "lineno",
            "colno",
            "platform",
            "pre_context",
            "context_line",
            "post_context",
            "source_link",
            "in_app",
            "data",
            "image_addr",
            "instruction_addr",
            "addr_mode",
            "function_id",
            "symbol_addr",
            "trust",
            "stack_start",
            "lock",
        ],
        &["module"],
        &[("filename", image_path()), ("abs_path", image_path())],
        True,
    ),
);

static THREAD: Field = typed(
    False,
    ValueType::Thread,
    &shape(
        &[
            "id",
            "name",
            "crashed",
            "current",
            "main",
            "state",
            "held_locks",
        ],
        &[],
        &[
            (
                "stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
            (
                "raw_stacktrace",
                typed(False, ValueType::Stacktrace, &STACKTRACE),
            ),
        ],
        True,
    ),
);

static TEMPLATE: Shape = shape(
    &["lineno", "pre_context", "context_line", "post_context"],
    &[],
    &[],
    True,
);

static DEBUG_META: Shape = shape(
    &["sdk_info"],
    &[],
    &[(
        "images",
        list(&object(
            False,
            &shape(
                &[],
                &[],
                &[
                    ("code_file", image_path()),
                    ("debug_file", image_path()),
                    ("name", image_path()),
                ],
                False,
            ),
        )),
    )],
    True,
);

static SDK: Shape = shape(
    &[
        "name",
        "version",
        "integrations",
        "features",
        "packages",
        "settings",
    ],
    &[],
    &[("client_ip", free(True))],
    False,
);

static CSP: Shape = shape(
    &[
        "original_policy",
        "violated_directive",
        "script_sample",
        "status_code",
        "disposition",
        "line_number",
        "column_number",
    ],
    &["source_file"],
    &[],
    True,
);

static REPORT: Shape = shape(&["date_time", "port"], &[], &[], True);
