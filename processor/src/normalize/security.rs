//! Reports that browsers send themselves.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::pairs;
use super::request;
use super::scalar::{TEXT, UNSIGNED};
use super::schema::{Schema, field};

/// A breach of a page's content security policy.
pub(super) static CSP: Schema = Schema::new(
    "csp",
    &[
        field("effective_directive", TEXT),
        field("blocked_uri", TEXT),
        field("document_uri", TEXT),
        field("original_policy", TEXT),
        field("referrer", TEXT),
        field("status_code", UNSIGNED),
        field("violated_directive", TEXT),
        field("source_file", TEXT),
        field("line_number", UNSIGNED),
        field("column_number", UNSIGNED),
        field("script_sample", TEXT),
        field("disposition", TEXT),
    ],
)
.open();

/// Completes a report: its logger, and the browser that sent it as a client would name it.
pub(super) fn normalize(event: &mut Object<'_>, user_agent: Option<&str>) {
    if event.get("csp").is_none() {
        return;
    }
    if event.get_str("logger").is_none_or(str::is_empty) {
        event.insert("logger", "csp");
    }
    let Some(user_agent) = user_agent else { return };
    let request = event.get_or_insert_with("request", || Json::Object(Object::new()));
    if let Json::Object(request) = request
        && request::header(request, "User-Agent").is_none()
    {
        let headers = request.get_or_insert_with("headers", || Json::Array(Vec::new()));
        if let Json::Array(headers) = headers {
            headers.push(pairs::pair("User-Agent", user_agent.to_owned()));
        }
    }
}
