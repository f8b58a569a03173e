//! Requests that failed in a browser, by its own report (Network Error Logging): each becomes an event.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{DiscardReason, Item};

use super::json::{object, text};
use super::security::{build, common, formatted};
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Characters kept of a text of a report.
const MAX_TEXT: usize = 4096;

/// Members of a report that are kept as a context.
const MEMBERS: [&str; 5] = [
    "elapsed_time",
    "phase",
    "protocol",
    "sampling_fraction",
    "server_ip",
];

/// Makes an event of one report.
pub(super) fn process(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let mut report = object(item.payload)?;
    let invalid = |detail| Refusal::invalid(DiscardReason::SecurityReport, detail);
    let Some(Json::Object(mut body)) = report.remove("body") else {
        return Err(invalid(
            "expected a report of the type network-error with a body",
        ));
    };
    let error = text(body.get("type"), 64);
    let error = error.ok_or_else(|| invalid("the network error has no type"))?;
    let status = body.get("status_code").and_then(Json::as_i64);
    let status = status.filter(|status| (100..=999).contains(status));

    let mut event = common(arrival, item, Some(&report));
    event.insert("logger", "nel");
    event.insert("logentry", formatted(message(&error, status)));
    event.insert("tags", Object::from_iter([("nel.type", error.clone())]));
    event.insert("request", request(arrival, &report, &body));
    let mut contexts = Object::new();
    if let Some(status) = status {
        contexts.insert("response", Object::from_iter([("status_code", status)]));
    }
    contexts.insert("nel", context(&mut body, error));
    event.insert("contexts", contexts);
    build(arrival, event, Some("nel"), rules)
}

/// What failed, such as `Network error: dns.name_not_resolved`.
fn message(error: &str, status: Option<i64>) -> String {
    match status {
        Some(status) if error == "http.error" => format!("Network error: {error} ({status})"),
        _ => format!("Network error: {error}"),
    }
}

/// The request that failed.
fn request(arrival: &Arrival<'_>, report: &Object<'_>, body: &Object<'_>) -> Object<'static> {
    let mut request = Object::new();
    for (name, value) in [("url", report.get("url")), ("method", body.get("method"))] {
        if let Some(value) = text(value, MAX_TEXT) {
            request.insert(name, value);
        }
    }
    let mut headers = Object::new();
    if let Some(referrer) = text(body.get("referrer"), MAX_TEXT) {
        headers.insert("Referer", referrer);
    }
    let user_agent = text(report.get("user_agent"), MAX_TEXT);
    if let Some(user_agent) = user_agent.or_else(|| arrival.head.user_agent.clone()) {
        headers.insert("User-Agent", user_agent);
    }
    if !headers.is_empty() {
        request.insert("headers", headers);
    }
    request
}

fn context<'a>(body: &mut Object<'a>, error: String) -> Object<'a> {
    let mut context = Object::new();
    for name in MEMBERS {
        if let Some(value) = body.remove(name).filter(|value| !value.is_null()) {
            context.insert(name, value);
        }
    }
    // In a context the member `type` says what the context is.
    context.insert("type", "nel");
    context.insert("error_type", error);
    context
}
