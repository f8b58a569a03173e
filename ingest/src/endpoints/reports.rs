//! What browsers report by themselves: violations of a page's security policy, and requests that failed.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bugle_protocol::json::{self, Json};
use bugle_protocol::{EventId, ItemType};

use super::draft::{Draft, shortened_to};
use super::query::Parameters;
use super::{Arrival, content_type, media_type, take};
use crate::receive::Inlet;
use crate::{ItemLimit, ItemOverflow, Rejection};

/// What `/security/` takes.
const SECURITY_TYPES: &str = "application/csp-report, application/json, application/reports+json, \
     application/expect-ct-report, application/expect-ct-report+json, application/expect-staple-report";

/// What `/nel/` takes.
const NEL_TYPES: &str = "application/reports+json, application/json";

/// The type of a report on a failed request, in the lists of the Reporting API.
const NETWORK_ERROR: &str = "network-error";

/// Characters kept of a release and of an environment: every report of a list repeats them.
const MAX_PARAMETER_CHARS: usize = 200;

/// What an endpoint expects.
struct Kind {
    /// What a report is unless it says something else.
    item_type: ItemType<'static>,
    content_types: &'static str,
}

/// `POST /api/{project_id}/security/`, `POST /api/{project_id}/csp-report/`.
pub(crate) async fn receive_security(
    inlet: State<Arc<Inlet>>,
    project_id: Path<String>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let kind = Kind {
        item_type: ItemType::RawSecurity,
        content_types: SECURITY_TYPES,
    };
    receive(kind, inlet, project_id, request).await
}

/// `POST /api/{project_id}/nel/`.
pub(crate) async fn receive_nel(
    inlet: State<Arc<Inlet>>,
    project_id: Path<String>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let kind = Kind {
        item_type: ItemType::Nel,
        content_types: NEL_TYPES,
    };
    receive(kind, inlet, project_id, request).await
}

async fn receive(
    kind: Kind,
    State(inlet): State<Arc<Inlet>>,
    Path(project_id): Path<String>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let media_type = media_type(&content_type(&request));
    let parameters = Parameters::of(request.uri());
    let arrival = Arrival {
        project_id: &project_id,
        key: None,
        request,
        max_bytes: inlet.ingest.limits.max_report_bytes,
        hides_limits: false,
    };
    let max_reports = inlet.ingest.limits.max_reports;
    let make = move |body: &[u8], _| {
        let mut allowed = kind.content_types.split(", ");
        if !allowed.any(|allowed| allowed == media_type) {
            return Err(Rejection::MediaType(kind.content_types));
        }
        draft(&kind, body, &parameters, max_reports)
    };
    take(&inlet, arrival, make).await?;
    Ok(StatusCode::OK)
}

/// Makes an item of each report. Every report becomes an event of its own, and so has its own id in the item's header.
fn draft(
    kind: &Kind,
    body: &[u8],
    parameters: &Parameters,
    max_reports: usize,
) -> Result<Draft, Rejection> {
    let reports = json::parse(body)?;
    // Before anything is made of them: an item is many times as large as the least report.
    if reports
        .as_array()
        .is_some_and(|list| list.len() > max_reports)
    {
        return Err(Rejection::Item(ItemOverflow {
            item_type: kind.item_type.name().to_owned(),
            limit: ItemLimit::Items(max_reports),
        }));
    }
    let [release, environment] = ["sentry_release", "sentry_environment"]
        .map(|name| shortened_to(MAX_PARAMETER_CHARS, parameters.get(name)));
    let mut draft = Draft::new(None);
    let mut push = |report: &Json<'_>, payload: &[u8]| {
        let item_type = match report.get_str("type") {
            Some(NETWORK_ERROR) => ItemType::Nel,
            _ => kind.item_type.clone(),
        };
        let members = [
            ("event_id", EventId::random().to_string().into()),
            ("content_type", "application/json".into()),
            ("sentry_release", release.clone()),
            ("sentry_environment", environment.clone()),
        ];
        draft.push(item_type, members, payload);
    };
    match &reports {
        Json::Object(_) => push(&reports, body),
        Json::Array(list) if list.iter().all(|report| report.as_object().is_some()) => {
            for report in list {
                push(report, json::to_string(report).as_bytes());
            }
        }
        _ => return Err(Rejection::Report),
    }
    Ok(draft)
}
