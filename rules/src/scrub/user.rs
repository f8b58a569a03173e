//! Keeps users apart after their addresses are gone.

use std::net::IpAddr;

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Remark, RemarkKind};
use bugle_protocol::{Event, Meta};

/// What a client sends for "the address you see".
const AUTO: &str = "{{auto}}";

/// Whether the user's address is absent or one.
pub(super) fn has_valid_ip(event: &Event<'_>) -> bool {
    let ip = event
        .get("user")
        .and_then(|user| user.get_str("ip_address"));
    ip.is_none_or(|ip| ip == AUTO || ip.parse::<IpAddr>().is_ok())
}

/// Makes what is left of a user's address the id, if it is no address any more and nothing else names the user.
///
/// So a project that hashes addresses still counts its users.
pub(super) fn keep_hashed_ip(event: &mut Event<'_>, meta: &mut Meta) {
    let Some(Json::Object(user)) = event.fields.get_mut("user") else {
        return;
    };
    let named = ["id", "username", "email"]
        .iter()
        .any(|key| user.get(key).is_some());
    let Some(Json::String(text)) = user.get("ip_address") else {
        return;
    };
    if named || text == AUTO || text.parse::<IpAddr>().is_ok() {
        return;
    }
    move_ip(user, meta.child_mut("user"));
}

fn move_ip(user: &mut Object<'_>, meta: &mut Meta) {
    let text = user
        .get_mut("ip_address")
        .map(Json::take)
        .unwrap_or_default();
    user.insert("id", text);
    let notes = meta.remove_child("ip_address").unwrap_or_default();
    meta.set_child("id", notes);
    let remark = Remark::new("pii:ip_address", RemarkKind::Removed);
    meta.child_mut("ip_address").note_mut().remarks.push(remark);
}
