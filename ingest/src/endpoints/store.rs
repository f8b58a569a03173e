//! `GET …/store/?sentry_data=…`: an event in the address of an image, for pages that can send nothing else.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::IntoResponse;

use super::query::Parameters;
use crate::Rejection;
use crate::receive::{Inlet, parse_project_id};

/// A transparent image of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";

/// `GET /api/{project_id}/store/`.
pub(crate) async fn receive_image(
    State(inlet): State<Arc<Inlet>>,
    Path(project_id): Path<String>,
    request: Request,
) -> Result<impl IntoResponse, Rejection> {
    let project_id = Some(parse_project_id(&project_id)?);
    let request = as_post(request)?;
    let taken = inlet.take_store(project_id, request).await;
    taken.inspect_err(|rejection| rejection.log(project_id))?;
    Ok(image())
}

/// `GET /api/store/`: the project is the key's.
pub(crate) async fn receive_image_of_key(
    State(inlet): State<Arc<Inlet>>,
    request: Request,
) -> Result<impl IntoResponse, Rejection> {
    let request = as_post(request)?;
    let taken = inlet.take_store(None, request).await;
    taken.inspect_err(|rejection| rejection.log(None))?;
    Ok(image())
}

/// The same request with the event in its body.
fn as_post(request: Request) -> Result<Request, Rejection> {
    let event = Parameters::of(request.uri())
        .get("sentry_data")
        .map(in_body)
        .ok_or(Rejection::Parameter {
            name: "sentry_data",
            expected: "an event as JSON in base64",
        })?;
    let (mut parts, _) = request.into_parts();
    // They describe the body that the request does not have.
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.remove(header::CONTENT_TYPE);
    Ok(Request::from_parts(parts, Body::from(event)))
}

/// The event as the body of a `POST` would hold it: in an address, base64 uses other signs, and a plus means a blank.
fn in_body(data: &str) -> String {
    if data.starts_with('{') {
        return data.to_owned();
    }
    let sign = |c| match c {
        '-' | ' ' => '+',
        '_' => '/',
        other => other,
    };
    data.chars().map(sign).collect()
}

fn image() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "image/gif"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, PIXEL)
}
