//! Contexts: what is known of the device, the system, the runtime, the trace.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::note::{Fault, Notes, Path, object_mut};
use super::read::Reader;
use super::request::HEADERS;
use super::scalar::{BOOL, FLOAT, LENIENT, SIGNED, SPAN_ID, STATUS, TEXT, UNSIGNED, UUID};
use super::schema::{Field, Kind, Limit, Schema, field};
use super::{cookies, device, system};

/// What one context may hold; trimming uses it too.
pub(super) const CONTEXT: Limit = Limit::Bag {
    bytes: 8192,
    depth: 7,
};

const fn context(name: &'static str, fields: &'static [Field]) -> Schema {
    Schema::new(name, fields).open()
}

/// The contexts whose members have types of their own; members that are not known stay in all of them.
static KNOWN: [Schema; 19] = [
    context("device", DEVICE),
    context("os", OS),
    context("client_os", OS),
    context("runtime", RUNTIME),
    context("browser", BROWSER),
    context("app", APP),
    context("gpu", GPU),
    context("trace", TRACE),
    context("response", RESPONSE),
    context("profile", PROFILE),
    context("replay", &[field("replay_id", UUID)]),
    context("culture", CULTURE),
    context("flags", &[field("values", Kind::List(&Kind::Any))]),
    context("feedback", FEEDBACK),
    context("monitor", &[field("id", TEXT), field("slug", TEXT)]),
    context("memory_info", &[]),
    context("threadpool_info", THREADPOOL),
    context("cloud_resource", &[]),
    context("otel", &[]),
];

const DEVICE: &[Field] = &[
    field("name", TEXT),
    field("family", TEXT),
    field("model", TEXT),
    field("model_id", TEXT),
    field("arch", TEXT),
    field("battery_level", FLOAT),
    field("battery_status", TEXT),
    field("orientation", TEXT),
    field("manufacturer", TEXT),
    field("brand", TEXT),
    field("screen_resolution", TEXT),
    field("screen_density", FLOAT),
    field("screen_dpi", UNSIGNED),
    field("simulator", BOOL),
    field("memory_size", UNSIGNED),
    field("free_memory", UNSIGNED),
    field("usable_memory", UNSIGNED),
    field("low_memory", BOOL),
    field("storage_size", UNSIGNED),
    field("free_storage", UNSIGNED),
    field("external_storage_size", UNSIGNED),
    field("external_free_storage", UNSIGNED),
    field("boot_time", TEXT),
    field("online", BOOL),
    field("charging", BOOL),
    field("timezone", TEXT),
    field("locale", TEXT),
    field("processor_count", UNSIGNED),
    field("cpu_description", TEXT),
    field("processor_frequency", UNSIGNED),
    field("device_type", TEXT),
    field("device_unique_identifier", TEXT),
    field("supports_vibration", BOOL),
    field("supports_accelerometer", BOOL),
    field("supports_gyroscope", BOOL),
    field("supports_audio", BOOL),
    field("supports_location_service", BOOL),
];

const OS: &[Field] = &[
    field("name", TEXT),
    field("version", TEXT),
    field("build", LENIENT),
    field("kernel_version", TEXT),
    field("rooted", BOOL),
    field("raw_description", TEXT),
    field("distribution_name", TEXT),
    field("distribution_version", TEXT),
    field("distribution_pretty_name", TEXT),
];

const RUNTIME: &[Field] = &[
    field("name", TEXT),
    field("version", TEXT),
    field("build", LENIENT),
    field("raw_description", TEXT),
];

const BROWSER: &[Field] = &[field("name", TEXT), field("version", TEXT)];

const APP: &[Field] = &[
    field("app_start_time", TEXT),
    field("device_app_hash", TEXT),
    field("build_type", TEXT),
    field("app_identifier", TEXT),
    field("app_name", TEXT),
    field("app_version", TEXT),
    field("app_build", LENIENT),
    field("app_memory", UNSIGNED),
    field("in_foreground", BOOL),
    field("view_names", Kind::List(&TEXT)),
];

const GPU: &[Field] = &[
    field("name", TEXT),
    field("version", TEXT),
    field("id", Kind::Any),
    field("vendor_id", TEXT),
    field("vendor_name", TEXT),
    field("memory_size", UNSIGNED),
    field("api_type", TEXT),
    field("multi_threaded_rendering", BOOL),
    field("npot_support", TEXT),
    field("max_texture_size", UNSIGNED),
    field("graphics_shader_level", TEXT),
    field("supports_draw_call_instancing", BOOL),
    field("supports_ray_tracing", BOOL),
    field("supports_compute_shaders", BOOL),
    field("supports_geometry_shaders", BOOL),
];

static TRACE: &[Field] = &[
    field("trace_id", UUID),
    field("span_id", SPAN_ID),
    field("parent_span_id", SPAN_ID),
    field("op", TEXT),
    field("status", STATUS),
    field("exclusive_time", FLOAT),
    field("client_sample_rate", FLOAT),
    field("origin", TEXT),
    field("sampled", BOOL),
    field("description", TEXT),
    field("data", Kind::Map(&Kind::Any)),
    field("links", Kind::List(&Kind::Struct(&LINK))),
];

static LINK: Schema = context(
    "span link",
    &[
        field("trace_id", UUID),
        field("span_id", SPAN_ID),
        field("sampled", BOOL),
        field("attributes", Kind::Map(&Kind::Any)),
    ],
);

const RESPONSE: &[Field] = &[
    field("cookies", Kind::Custom(cookies::read)),
    field("headers", HEADERS),
    field("status_code", UNSIGNED),
    field("body_size", UNSIGNED),
    field("data", Kind::Any),
    field("inferred_content_type", TEXT),
];

const PROFILE: &[Field] = &[field("profile_id", UUID), field("profiler_id", UUID)];

const CULTURE: &[Field] = &[
    field("calendar", TEXT),
    field("display_name", TEXT),
    field("locale", TEXT),
    field("is_24_hour_format", BOOL),
    field("timezone", TEXT),
];

const FEEDBACK: &[Field] = &[
    field("message", TEXT),
    field("contact_email", TEXT),
    field("name", TEXT),
    field("url", TEXT),
    field("associated_event_id", UUID),
    field("replay_id", UUID),
];

const THREADPOOL: &[Field] = &[
    field("min_worker_threads", SIGNED),
    field("min_completion_port_threads", SIGNED),
    field("max_worker_threads", SIGNED),
    field("max_completion_port_threads", SIGNED),
    field("available_worker_threads", SIGNED),
    field("available_completion_port_threads", SIGNED),
];

/// Reads all contexts in place; each gets a `type`, which is its name unless it says another.
pub(super) fn read(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let Json::Object(contexts) = value else {
        let fault = Fault::invalid("expected an object");
        return reader.notes.reject(path, value, fault);
    };
    for (name, value) in contexts.iter_mut() {
        let path = path.key(name);
        match value {
            Json::Null => {}
            Json::Object(context) => read_context(reader, name, context, &path),
            _ => {
                let fault = Fault::invalid("expected an object");
                reader.notes.reject(&path, value, fault);
            }
        }
    }
}

fn read_context(reader: &mut Reader, name: &str, context: &mut Object<'_>, path: &Path<'_>) {
    let ty = context.get_str("type").unwrap_or(name);
    let schema = schema(ty);
    if let Some(schema) = schema {
        reader.object(schema, context, path);
        drop_nulls(reader, context, path);
    }
    if context.get_str("type").is_some() {
        return;
    }
    match schema {
        Some(schema) => context.insert("type", schema.name),
        None => context.insert("type", name.to_owned()),
    };
}

/// The members of a type of context, if they have types of their own.
pub(super) fn schema(ty: &str) -> Option<&'static Schema> {
    KNOWN.iter().find(|schema| schema.name == ty)
}

fn drop_nulls(reader: &Reader, context: &mut Object<'_>, path: &Path<'_>) {
    context.retain(|key, value| !value.is_null() || reader.notes.has(&path.key(key)));
}

/// Completes the contexts: names and versions out of raw descriptions, one line of both, cookies out of headers.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes) {
    let Some(contexts) = object_mut(event, "contexts") else {
        return;
    };
    let root = Path::ROOT.key("contexts");
    for (name, context) in contexts.iter_mut() {
        let Json::Object(context) = context else {
            continue;
        };
        match context.get_str("type") {
            Some("os" | "client_os") => system::normalize_os(context),
            Some("runtime") => system::normalize_runtime(context),
            Some("browser") => system::describe(context, "browser"),
            Some("device") => device::name(context),
            Some("response") => {
                cookies::adopt_header(context, "Set-Cookie", notes, &root.key(name));
            }
            _ => {}
        }
    }
}

/// The context of a name, if it is an object.
pub(super) fn get<'t, 'a>(event: &'t Object<'a>, name: &str) -> Option<&'t Object<'a>> {
    event.get("contexts")?.get(name)?.as_object()
}

/// All contexts for changing them, made if there are none.
pub(super) fn all_mut<'t, 'a>(event: &'t mut Object<'a>) -> Option<&'t mut Object<'a>> {
    let contexts = event.get_or_insert_with("contexts", || Json::Object(Object::new()));
    if contexts.is_null() {
        *contexts = Json::Object(Object::new());
    }
    contexts.as_object_mut()
}

/// Adds a context, unless there is one of its name.
pub(super) fn add<'a>(event: &mut Object<'a>, name: &'static str, context: Object<'a>) {
    if let Some(contexts) = all_mut(event)
        && contexts.get(name).is_none()
    {
        contexts.insert(name, context);
    }
}
