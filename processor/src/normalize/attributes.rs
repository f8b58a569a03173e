//! Attributes of spans that have been renamed since clients learnt them.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::contexts;
use super::note::object_mut;

/// Old and new names. Source: <https://getsentry.github.io/sentry-conventions/>.
const RENAMED: [(&str, &str); 18] = [
    ("db.name", "db.namespace"),
    ("db.system", "db.system.name"),
    ("http.client_ip", "client.address"),
    ("http.flavor", "network.protocol.version"),
    ("http.method", "http.request.method"),
    ("http.request_content_length", "http.request.body.size"),
    ("http.response_content_length", "http.response.body.size"),
    ("http.response_transfer_size", "http.response.size"),
    ("http.scheme", "url.scheme"),
    ("http.status_code", "http.response.status_code"),
    ("http.status_text", "http.response.status_text"),
    ("http.url", "url.full"),
    ("http.user_agent", "user_agent.original"),
    ("net.host.ip", "network.local.address"),
    ("net.host.name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.ip", "network.peer.address"),
    ("otel.kind", "sentry.kind"),
];

/// Adds the new names beside the old ones, for a transaction and its spans, so that one search finds both.
pub(super) fn normalize(event: &mut Object<'_>) {
    let trace = contexts::all_mut(event).and_then(|contexts| object_mut(contexts, "trace"));
    if let Some(data) = trace.and_then(|trace| object_mut(trace, "data")) {
        add_new_names(data);
    }
    let spans = event.get_mut("spans").and_then(Json::as_array_mut);
    for span in spans.into_iter().flatten().filter_map(Json::as_object_mut) {
        if let Some(data) = object_mut(span, "data") {
            add_new_names(data);
        }
    }
}

fn add_new_names(data: &mut Object<'_>) {
    for (old, new) in RENAMED {
        if let Some(value) = data.get(old).cloned()
            && data.get(new).is_none()
        {
            data.insert(new, value);
        }
    }
}
