//! Breadcrumbs.

use bugle_protocol::json::Object;

use super::note::values_mut;
use super::scalar::{LEVEL, TEXT, TIMESTAMP, UUID};
use super::schema::{Kind, MESSAGE, NAME, SMALL_BAG, Schema, field};

/// Something that happened before the event.
pub(super) static BREADCRUMB: Schema = Schema::new(
    "breadcrumb",
    &[
        field("timestamp", TIMESTAMP),
        field("type", TEXT).limit(NAME),
        field("category", TEXT).limit(NAME),
        field("level", LEVEL),
        field("message", TEXT).limit(MESSAGE),
        field("data", Kind::Map(&Kind::Any)).limit(SMALL_BAG),
        field("event_id", UUID),
        field("origin", TEXT),
    ],
)
.aliases(&[("ty", "type")]);

/// Gives every breadcrumb a type and a level.
pub(super) fn normalize(event: &mut Object<'_>) {
    for breadcrumb in values_mut(event, "breadcrumbs") {
        let Some(breadcrumb) = breadcrumb.as_object_mut() else {
            continue;
        };
        if breadcrumb.get_str("type").is_none_or(str::is_empty) {
            breadcrumb.insert("type", "default");
        }
        if breadcrumb.get("level").is_none() {
            breadcrumb.insert("level", "info");
        }
    }
}
