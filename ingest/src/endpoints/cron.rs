//! Check-ins by plain addresses, for jobs that have `curl` and no SDK.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bugle_protocol::ItemType;
use bugle_protocol::json::{self, Json, Object, ParseError};

use super::draft::Draft;
use super::query::Parameters;
use super::{Arrival, content_type, media_type, take};
use crate::Rejection;
use crate::receive::Inlet;

/// The id of a check-in that means the latest one of its monitor that is still in progress.
const LATEST: &str = "00000000000000000000000000000000";

/// What a job may say of itself.
const STATUSES: [&str; 3] = ["ok", "error", "in_progress"];

/// `GET` and `POST /api/{project_id}/cron/{slug}/`.
pub(crate) async fn receive_check_in(
    State(inlet): State<Arc<Inlet>>,
    Path((project_id, slug)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    receive(&inlet, &project_id, slug, None, request).await
}

/// `GET` and `POST /api/{project_id}/cron/{slug}/{key}/`.
pub(crate) async fn receive_check_in_by_key(
    State(inlet): State<Arc<Inlet>>,
    Path((project_id, slug, key)): Path<(String, String, String)>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    receive(&inlet, &project_id, slug, Some(&key), request).await
}

async fn receive(
    inlet: &Inlet,
    project_id: &str,
    slug: String,
    key: Option<&str>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let parameters = Parameters::of(request.uri());
    let is_json = media_type(&content_type(&request)) == "application/json";
    let arrival = Arrival {
        project_id,
        key,
        request,
        max_bytes: inlet.ingest.limits.max_check_in_bytes,
        hides_limits: true,
    };
    let make = move |body: &[u8], _| {
        // What else `curl -d` may send is of no concern: the query says it all.
        let body = body.trim_ascii();
        let mut check_in = match body.first() {
            Some(b'{') => of_body(body)?,
            Some(_) if is_json => of_body(body)?,
            _ => Object::new(),
        };
        add_query(&mut check_in, &parameters)?;
        draft(check_in, &slug)
    };
    take(inlet, arrival, make).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Checks what every check-in needs, and adds the monitor.
fn draft(mut check_in: Object<'_>, slug: &str) -> Result<Draft, Rejection> {
    let status = check_in.get_str("status");
    if !status.is_some_and(|status| STATUSES.contains(&status)) {
        return Err(Rejection::Parameter {
            name: "status",
            expected: "ok, error or in_progress",
        });
    }
    if check_in.get("check_in_id").is_none() {
        check_in.insert("check_in_id", LATEST);
    }
    check_in.insert("monitor_slug", slug.to_owned());
    let payload = json::to_string(&check_in.into());
    let mut draft = Draft::new(None);
    let members = [("content_type", "application/json".into())];
    draft.push(ItemType::CheckIn, members, payload.as_bytes());
    Ok(draft)
}

/// Adds what the query says and the body does not.
fn add_query(check_in: &mut Object<'_>, parameters: &Parameters) -> Result<(), Rejection> {
    for name in ["check_in_id", "status", "environment", "duration"] {
        let Some(value) = parameters.get(name) else {
            continue;
        };
        if check_in.get(name).is_some() {
            continue;
        }
        let value = match name {
            "duration" => seconds(value)?.into(),
            "check_in_id" => check_id(value)?.to_owned().into(),
            _ => Json::from(value.to_owned()),
        };
        check_in.insert(name, value);
    }
    Ok(())
}

fn of_body(body: &[u8]) -> Result<Object<'_>, Rejection> {
    match json::parse(body)? {
        Json::Object(check_in) => Ok(check_in),
        _ => Err(ParseError {
            reason: "expected an object",
            offset: 0,
        }
        .into()),
    }
}

/// A UUID in any form, the one that is all zero included.
fn check_id(text: &str) -> Result<&str, Rejection> {
    let digits = text.bytes().filter(|&byte| byte != b'-');
    let is_id = matches!(text.len(), 32 | 36)
        && digits.clone().count() == 32
        && digits.clone().all(|digit| digit.is_ascii_hexdigit());
    let invalid = Rejection::Parameter {
        name: "check_in_id",
        expected: "32 hex digits or a dashed UUID",
    };
    is_id.then_some(text).ok_or(invalid)
}

fn seconds(text: &str) -> Result<f64, Rejection> {
    let seconds = text.parse().ok();
    let seconds = seconds.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0);
    seconds.ok_or(Rejection::Parameter {
        name: "duration",
        expected: "a number of seconds",
    })
}
