//! The contexts: those the protocol knows, of which only some members may be reached, and everybody else's.

use super::Class::{False, Maybe, True};
use super::spans::SPAN_DATA;
use super::{Shape, free, object, pairs};

/// The members of `contexts`.
pub(super) static CONTEXTS: Shape = Shape {
    fields: &[
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
        ("feedback", free(False)),
        ("replay", free(False)),
        ("profile", free(False)),
        ("reprocessing", free(False)),
        ("memory_info", object(False, &NOTHING_KNOWN)),
        ("performance_score", object(False, &NOTHING_KNOWN)),
    ],
    rest: free(True),
};

static DEVICE: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("family", free(False)),
        ("model", free(False)),
        ("model_id", free(False)),
        ("arch", free(False)),
        ("battery_level", free(False)),
        ("battery_temperature", free(False)),
        ("orientation", free(False)),
        ("manufacturer", free(False)),
        ("brand", free(False)),
        ("screen_density", free(False)),
        ("screen_dpi", free(False)),
        ("screen_height_pixels", free(False)),
        ("screen_width_pixels", free(False)),
        ("online", free(False)),
        ("charging", free(False)),
        ("low_memory", free(False)),
        ("simulator", free(False)),
        ("memory_size", free(False)),
        ("free_memory", free(False)),
        ("usable_memory", free(False)),
        ("storage_size", free(False)),
        ("free_storage", free(False)),
        ("external_storage_size", free(False)),
        ("external_free_storage", free(False)),
        ("processor_count", free(False)),
        ("processor_frequency", free(False)),
        ("device_type", free(False)),
        ("class", free(False)),
        ("device_unique_identifier", free(True)),
    ],
    rest: free(Maybe),
};

static OS: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("os", free(False)),
        ("name", free(False)),
        ("version", free(False)),
        ("rooted", free(False)),
        ("distribution_version", free(False)),
        ("distribution_pretty_name", free(False)),
    ],
    rest: free(Maybe),
};

static RUNTIME: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("runtime", free(False)),
        ("name", free(False)),
        ("version", free(False)),
    ],
    rest: free(Maybe),
};

static BROWSER: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("browser", free(False)),
        ("name", free(False)),
        ("version", free(False)),
    ],
    rest: free(Maybe),
};

static APP: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("app_identifier", free(False)),
        ("app_name", free(False)),
        ("app_version", free(False)),
        ("app_build", free(False)),
        ("build_type", free(False)),
        ("app_memory", free(False)),
        ("in_foreground", free(False)),
        ("view_names", free(False)),
    ],
    rest: free(Maybe),
};

static GPU: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("id", free(False)),
        ("memory_size", free(False)),
        ("multi_threaded_rendering", free(False)),
    ],
    rest: free(Maybe),
};

static TRACE: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("trace_id", free(False)),
        ("span_id", free(False)),
        ("parent_span_id", free(False)),
        ("op", free(False)),
        ("status", free(False)),
        ("exclusive_time", free(False)),
        ("client_sample_rate", free(False)),
        ("origin", free(False)),
        ("sampled", free(False)),
        ("links", free(False)),
        ("data", object(False, &SPAN_DATA)),
    ],
    rest: free(Maybe),
};

static RESPONSE: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("status_code", free(False)),
        ("body_size", free(False)),
        ("inferred_content_type", free(False)),
        ("cookies", pairs(True)),
        ("headers", pairs(True)),
        ("data", free(True)),
    ],
    rest: free(Maybe),
};

static UNITY: Shape = Shape {
    fields: &[
        ("type", free(False)),
        ("copy_texture_support", free(False)),
        ("editor_version", free(False)),
        ("install_mode", free(False)),
        ("rendering_threading_mode", free(False)),
        ("target_frame_rate", free(False)),
    ],
    rest: free(Maybe),
};

static FLAGS: Shape = Shape {
    fields: &[("type", free(False)), ("values", free(False))],
    rest: free(Maybe),
};

static NOTHING_KNOWN: Shape = Shape {
    fields: &[("type", free(False))],
    rest: free(Maybe),
};
