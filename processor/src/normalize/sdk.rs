//! The client library.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::note::Fault;
use super::scalar::TEXT;
use super::schema::{Kind, Schema, field};

/// The client library; members that are not known stay.
pub(super) static SDK: Schema = Schema::new(
    "clientsdkinfo",
    &[
        field("name", TEXT).required(),
        field("version", TEXT).required(),
        field("integrations", Kind::List(&TEXT)),
        field("features", Kind::List(&TEXT)),
        field("packages", Kind::List(&Kind::Struct(&PACKAGE))),
        field("client_ip", TEXT),
        field("settings", Kind::Struct(&SETTINGS)),
    ],
)
.open();

static PACKAGE: Schema = Schema::new(
    "clientsdkpackage",
    &[field("name", TEXT), field("version", TEXT)],
);

static SETTINGS: Schema = Schema::new(
    "clientsdksettings",
    &[field("infer_ip", Kind::Scalar(infer_ip))],
);

fn infer_ip(value: &mut Json<'_>) -> Result<(), Fault> {
    match value.as_str() {
        Some("auto" | "never") => Ok(()),
        _ => Err(Fault::of_kind("invalid_data")),
    }
}

/// Names the library after the request's `sentry_client`, such as `raven-js/3.27.0`, where the event does not.
pub(super) fn normalize(event: &mut Object<'_>, client: Option<&str>) {
    if event.get("sdk").is_some() {
        return;
    }
    if let Some((name, version)) = client.and_then(|client| client.split_once('/')) {
        let sdk = [("name", name.to_owned()), ("version", version.to_owned())];
        event.insert("sdk", Object::from_iter(sdk));
    }
}
