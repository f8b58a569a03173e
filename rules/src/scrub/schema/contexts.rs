//! The contexts: those the protocol knows, of which only some members may be reached, and everybody else's.

use super::Class::{False, Maybe, True};
use super::spans::SPAN_DATA;
use super::{Shape, free, object, pairs, shape};

/// The members of `contexts`.
pub(super) static CONTEXTS: Shape = shape(
    &["feedback", "replay", "profile", "reprocessing"],
    &[],
    &[
        ("device", object(False, &DEVICE)),
        ("os", object(False, &OS)),
        ("runtime", object(False, &RUNTIME)),
        ("client_os", object(False, &OS)),
        ("browser", object(False, &BROWSER)),
        ("app", object(False, &APP)),
        ("gpu", object(False, &GPU)),
        ("trace", object(False, &TRACE)),
        ("response", object(False, &RESPONSE)),
        ("culture", object(False, &NOTHING_KNOWN)),
        ("monitor", object(False, &NOTHING_KNOWN)),
        ("otel", object(False, &NOTHING_KNOWN)),
        ("unity", object(False, &UNITY)),
        ("flags", object(False, &FLAGS)),
        ("memory_info", object(False, &NOTHING_KNOWN)),
        ("performance_score", object(False, &NOTHING_KNOWN)),
    ],
    True,
);

static DEVICE: Shape = shape(
    &[
        "type",
        "family",
        "model",
        "model_id",
        "arch",
        "battery_level",
        "battery_temperature",
        "orientation",
        "manufacturer",
        "brand",
        "screen_density",
        "screen_dpi",
        "screen_height_pixels",
        "screen_width_pixels",
        "online",
        "charging",
        "low_memory",
        "simulator",
        "memory_size",
        "free_memory",
        "usable_memory",
        "storage_size",
        "free_storage",
        "external_storage_size",
        "external_free_storage",
        "processor_count",
        "processor_frequency",
        "device_type",
        "class",
    ],
    &[],
    &[("device_unique_identifier", free(True))],
    Maybe,
);

static OS: Shape = shape(
    &[
        "type",
        "os",
        "name",
        "version",
        "rooted",
        "distribution_version",
        "distribution_pretty_name",
    ],
    &[],
    &[],
    Maybe,
);

static RUNTIME: Shape = shape(&["type", "runtime", "name", "version"], &[], &[], Maybe);

static BROWSER: Shape = shape(&["type", "browser", "name", "version"], &[], &[], Maybe);

static APP: Shape = shape(
    &[
        "type",
        "app_identifier",
        "app_name",
        "app_version",
        "app_build",
        "build_type",
        "app_memory",
        "in_foreground",
        "view_names",
    ],
    &[],
    &[],
    Maybe,
);

static GPU: Shape = shape(
    &["type", "id", "memory_size", "multi_threaded_rendering"],
    &[],
    &[],
    Maybe,
);

static TRACE: Shape = shape(
    &[
        "type",
        "trace_id",
        "span_id",
        "parent_span_id",
        "op",
        "status",
        "exclusive_time",
        "client_sample_rate",
        "origin",
        "sampled",
        "links",
    ],
    &[],
    &[("data", object(False, &SPAN_DATA))],
    Maybe,
);

static RESPONSE: Shape = shape(
    &["type", "status_code", "body_size", "inferred_content_type"],
    &[],
    &[
        ("cookies", pairs(True)),
        ("headers", pairs(True)),
        ("data", free(True)),
    ],
    Maybe,
);

static UNITY: Shape = shape(
    &[
        "type",
        "copy_texture_support",
        "editor_version",
        "install_mode",
        "rendering_threading_mode",
        "target_frame_rate",
    ],
    &[],
    &[],
    Maybe,
);

static FLAGS: Shape = shape(&["type", "values"], &[], &[], Maybe);

static NOTHING_KNOWN: Shape = shape(&["type"], &[], &[], Maybe);
