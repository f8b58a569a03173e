//! Endpoints whose requests are not envelopes: each is made into one, and goes the envelopes' way from there.

pub(crate) mod attachments;
pub(crate) mod cron;
mod draft;
mod form;
pub(crate) mod loader;
pub(crate) mod minidump;
mod query;
pub(crate) mod reports;
pub(crate) mod store;
pub(crate) mod unknown;
pub(crate) mod unreal;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bugle_protocol::{AuthError, EventId, ProjectId, PublicKey};

use crate::Rejection;
use crate::attempt::announced;
use crate::authenticate::{claimed_auth, text};
use crate::body::Share;
use crate::receive::{Inlet, Sender, parse_project_id};
use draft::Draft;

/// A request as it came in, and what its endpoint says of it.
struct Arrival<'a> {
    /// The project as the path names it.
    project_id: &'a str,
    /// The key, if the path names one.
    key: Option<&'a str>,
    request: Request,
    /// Bytes of the body, as received and decoded.
    max_bytes: usize,
    /// Whether the client is told of success although a limit was reached: these clients would only send it again.
    hides_limits: bool,
}

/// Receives a body and takes the envelope that `make` makes of it; `make` is given the bytes it may unpack in addition.
/// Returns the id of the envelope's event, if it has one.
async fn take(
    inlet: &Inlet,
    arrival: Arrival<'_>,
    make: impl Fn(&[u8], usize) -> Result<Draft, Rejection> + Send + 'static,
) -> Result<Option<EventId>, Rejection> {
    let project_id = parse_project_id(arrival.project_id)?;
    let (parts, body) = arrival.request.into_parts();
    let sender = find_sender(inlet, project_id, &parts, arrival.key).await;
    let taken = match sender {
        Ok(sender) => take_from(inlet, sender, &parts, body, arrival.max_bytes, make).await,
        Err(rejection) => Err(rejection),
    };
    match taken {
        Err(rejection)
            if arrival.hides_limits && rejection.status() == StatusCode::TOO_MANY_REQUESTS =>
        {
            Ok(None)
        }
        taken => taken.inspect_err(|rejection| rejection.log(Some(project_id))),
    }
}

async fn take_from(
    inlet: &Inlet,
    sender: Sender,
    parts: &Parts,
    body: Body,
    max_bytes: usize,
    make: impl Fn(&[u8], usize) -> Result<Draft, Rejection> + Send + 'static,
) -> Result<Option<EventId>, Rejection> {
    let size = announced(&body);
    let made = receive_and_make(inlet, parts, body, max_bytes, make).await;
    let (draft, _memory) = match made {
        Ok(made) => made,
        Err(rejection) => return Err(inlet.refused(sender, size, rejection).await),
    };
    if draft.is_empty() {
        return Ok(None);
    }
    let receipt = inlet.take_made(parts, sender, draft.into_bytes()).await?;
    Ok(receipt.id)
}

async fn receive_and_make(
    inlet: &Inlet,
    parts: &Parts,
    body: Body,
    max_bytes: usize,
    make: impl Fn(&[u8], usize) -> Result<Draft, Rejection> + Send + 'static,
) -> Result<(Draft, Share), Rejection> {
    let limits = &inlet.ingest.limits;
    let received = inlet
        .memory
        .receive(&parts.headers, body, max_bytes, limits)
        .await?;
    let (draft, memory) = inlet.memory.make(&received, max_bytes, make).await?;
    // The draft has all that is needed of the body, whose memory is free for others.
    drop(received);
    let memory = match memory {
        Some(memory) => memory.shrink_to(draft.footprint()),
        None => inlet.memory.share(draft.footprint())?,
    };
    Ok((draft, memory))
}

/// The sender by the path, or else by headers and query. Where the path names a key, anything else may only repeat it.
async fn find_sender(
    inlet: &Inlet,
    project_id: ProjectId,
    parts: &Parts,
    key: Option<&str>,
) -> Result<Sender, Rejection> {
    let Some(key) = key else {
        let sender = inlet.sender(Some(project_id), parts).await?;
        return Ok(sender.ok_or(AuthError::Missing)?);
    };
    let public_key: PublicKey = key.parse()?;
    let claimed = match claimed_auth(parts) {
        Err(AuthError::Header) => None,
        claimed => claimed?,
    };
    if claimed
        .as_ref()
        .is_some_and(|auth| auth.public_key != public_key)
    {
        return Err(AuthError::Multiple.into());
    }
    let key = inlet.ingest.authenticate(public_key, Some(project_id));
    Ok(Sender {
        key: key.await?,
        client: claimed.and_then(|auth| auth.client),
    })
}

/// The request's content type; empty if it has none.
fn content_type(request: &Request) -> String {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.map(text).unwrap_or_default()
}

/// A content type without its parameters, in lower case.
fn media_type(content_type: &str) -> String {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}
