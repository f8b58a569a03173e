//! The way of a request: authenticate, receive, decode, check, queue, answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bugle_protocol::{AuthError, Dsn, EnvelopeError, EventId, ProjectId, UnixMillis};
use bugle_store::ProjectKey;
use bugle_store::queue::{Entry, QueuedRequest, RequestHead, RequestKind};

use crate::attempt::{Attempt, announced};
use crate::authenticate::{check_dsn, claimed_auth, text};
use crate::body::{Memory, Received};
use crate::check::{check_envelope, check_store};
use crate::{HoldBack, Ingest, Rejection};

/// The content type that makes a body an envelope where an event is expected.
const ENVELOPE_TYPE: &[u8] = b"application/x-sentry-envelope";

/// Characters kept of a client's name and of a user agent; real ones are far shorter.
const MAX_NAME_CHARS: usize = 1024;

/// Bytes that an envelope may have beside its event while only its own first line says who sends it.
const KEYLESS_EXTRA_BYTES: usize = 1024 * 1024;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) memory: Memory,
}

/// What is answered to an accepted request.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Receipt {
    /// The event's id, `None` if nothing in the request has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<EventId>,
    /// What the client is asked to send no more of.
    #[serde(skip)]
    pub(crate) hold_back: Option<HoldBack>,
}

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        let header = self.hold_back.as_ref().and_then(HoldBack::header);
        let mut response = Json(self).into_response();
        response.headers_mut().extend(header);
        response
    }
}

/// Who sends, as far as that is settled.
pub(crate) struct Sender {
    pub(crate) key: Arc<ProjectKey>,
    /// The client as it names itself.
    pub(crate) client: Option<String>,
}

/// `POST /api/{project_id}/envelope/`.
pub(crate) async fn receive_envelope(
    State(inlet): State<Arc<Inlet>>,
    Path(project_id): Path<String>,
    request: Request,
) -> Result<Receipt, Rejection> {
    let project_id = Some(parse_project_id(&project_id)?);
    let (parts, body) = request.into_parts();
    let taken = inlet.take_envelope(project_id, &parts, body).await;
    answer(project_id, taken)
}

/// `POST /api/{project_id}/store/`.
pub(crate) async fn receive_store(
    State(inlet): State<Arc<Inlet>>,
    Path(project_id): Path<String>,
    request: Request,
) -> Result<Receipt, Rejection> {
    let project_id = Some(parse_project_id(&project_id)?);
    answer(project_id, inlet.take_store(project_id, request).await)
}

/// `POST /api/store/`: the project is the key's.
pub(crate) async fn receive_store_of_key(
    State(inlet): State<Arc<Inlet>>,
    request: Request,
) -> Result<Receipt, Rejection> {
    answer(None, inlet.take_store(None, request).await)
}

pub(crate) fn parse_project_id(text: &str) -> Result<ProjectId, Rejection> {
    text.parse().map_err(|_| Rejection::ProjectShape)
}

fn answer(
    project_id: Option<ProjectId>,
    taken: Result<Receipt, Rejection>,
) -> Result<Receipt, Rejection> {
    taken.inspect_err(|rejection| rejection.log(project_id))
}

impl Inlet {
    pub(crate) fn new(ingest: Arc<Ingest>) -> Self {
        let memory = Memory::new(&ingest.limits);
        Self { ingest, memory }
    }

    /// Takes an envelope. A client that names its key nowhere else may do so in the envelope's header.
    async fn take_envelope(
        &self,
        project_id: Option<ProjectId>,
        parts: &Parts,
        body: Body,
    ) -> Result<Receipt, Rejection> {
        let sender = self.sender(project_id, parts).await?;
        let mut attempt = Attempt::new(RequestKind::Envelope, sender, announced(&body));
        let taken = self
            .try_envelope(&mut attempt, project_id, parts, body)
            .await;
        self.settle(&attempt, taken).await
    }

    async fn try_envelope(
        &self,
        attempt: &mut Attempt,
        project_id: Option<ProjectId>,
        parts: &Parts,
        body: Body,
    ) -> Result<Receipt, Rejection> {
        let limits = &self.ingest.limits;
        let max_bytes = match attempt.sender {
            Some(_) => limits.max_envelope_bytes,
            // Nobody answers for it yet: enough for an event and what goes with it.
            None => limits
                .max_envelope_bytes
                .min(limits.max_event_bytes + KEYLESS_EXTRA_BYTES),
        };
        let received = self.memory.receive(&parts.headers, body, max_bytes, limits);
        let received = received.await?;
        attempt.size = received.bytes.len() as u64;
        let ingest = Arc::clone(&self.ingest);
        let checked = self.memory.decode(&received, max_bytes, move |bytes| {
            check_envelope(bytes, &ingest.limits)
        });
        let sender_is_known = attempt.sender.is_some();
        let checked = checked
            .await
            .map_err(|rejection| unknown_sender(rejection, sender_is_known))?;
        attempt.charges = Some(checked.charges);
        self.confirm(attempt, project_id, checked.dsn).await?;
        if let Some(overflow) = checked.overflow {
            return Err(overflow.into());
        }
        self.queue(parts, attempt, checked.event_id, received).await
    }

    /// Takes a bare event, or an envelope if the content type says so.
    pub(crate) async fn take_store(
        &self,
        project_id: Option<ProjectId>,
        request: Request,
    ) -> Result<Receipt, Rejection> {
        let (parts, body) = request.into_parts();
        if is_envelope(&parts) {
            return self.take_envelope(project_id, &parts, body).await;
        }
        let sender = self.sender(project_id, &parts).await?;
        let sender = sender.ok_or(AuthError::Missing)?;
        let mut attempt = Attempt::new(RequestKind::Store, Some(sender), announced(&body));
        let taken = self.try_store(&mut attempt, &parts, body).await;
        self.settle(&attempt, taken).await
    }

    async fn try_store(
        &self,
        attempt: &mut Attempt,
        parts: &Parts,
        body: Body,
    ) -> Result<Receipt, Rejection> {
        let limits = &self.ingest.limits;
        let max_bytes = limits.max_store_bytes;
        let received = self.memory.receive(&parts.headers, body, max_bytes, limits);
        let received = received.await?;
        attempt.size = received.bytes.len() as u64;
        let ingest = Arc::clone(&self.ingest);
        let checked = self.memory.decode(&received, max_bytes, move |bytes| {
            check_store(bytes, &ingest.limits)
        });
        let checked = checked.await?;
        attempt.charges = Some(vec![vec![checked.charge]]);
        self.queue(parts, attempt, Some(checked.event_id), received)
            .await
    }

    /// Takes an envelope that was made here of a request in another form, such as a browser's report or a crash dump.
    /// One that is refused is counted.
    ///
    /// # Errors
    /// [`Rejection::RateLimited`] if nothing of it may be taken: endpoints whose clients would try again answer success then.
    pub(crate) async fn take_made(
        &self,
        parts: &Parts,
        sender: Sender,
        envelope: Vec<u8>,
    ) -> Result<Receipt, Rejection> {
        let size = envelope.len() as u64;
        let mut attempt = Attempt::new(RequestKind::Envelope, Some(sender), size);
        let taken = self.try_made(&mut attempt, parts, envelope).await;
        self.settle(&attempt, taken).await
    }

    async fn try_made(
        &self,
        attempt: &mut Attempt,
        parts: &Parts,
        envelope: Vec<u8>,
    ) -> Result<Receipt, Rejection> {
        let checked = check_envelope(&envelope, &self.ingest.limits)?;
        attempt.charges = Some(checked.charges);
        if let Some(overflow) = checked.overflow {
            return Err(overflow.into());
        }
        let received = Received::made(envelope).await?;
        self.queue(parts, attempt, checked.event_id, received).await
    }

    /// The sender by headers and query; `None` if they name none.
    pub(crate) async fn sender(
        &self,
        project_id: Option<ProjectId>,
        parts: &Parts,
    ) -> Result<Option<Sender>, Rejection> {
        let Some(auth) = claimed_auth(parts)? else {
            return Ok(None);
        };
        let key = self.ingest.authenticate(auth.public_key, project_id);
        let key = key.await?;
        let client = auth.client;
        Ok(Some(Sender { key, client }))
    }

    /// Settles the sender by all that the request and the envelope say.
    async fn confirm(
        &self,
        attempt: &mut Attempt,
        project_id: Option<ProjectId>,
        dsn: Option<Dsn>,
    ) -> Result<(), Rejection> {
        let sender = match (attempt.sender.take(), &dsn) {
            (Some(sender), _) => sender,
            (None, Some(dsn)) => Sender {
                key: self.ingest.authenticate(dsn.public_key, project_id).await?,
                client: None,
            },
            (None, None) => return Err(AuthError::Missing.into()),
        };
        let sender = attempt.sender.insert(sender);
        match &dsn {
            Some(dsn) => check_dsn(dsn, &sender.key),
            None => Ok(()),
        }
    }

    /// Asks the limits, and puts the bytes as they were received into the queue; they are on disk when this returns. The
    /// items that a limit refuses stay in the body: the head names them.
    async fn queue(
        &self,
        parts: &Parts,
        attempt: &mut Attempt,
        event_id: Option<EventId>,
        received: Received,
    ) -> Result<Receipt, Rejection> {
        let sender = attempt.sender.as_ref().ok_or(AuthError::Missing)?;
        let charges = attempt.charges.as_deref().unwrap_or_default();
        if charges.is_empty() {
            let hold_back = None;
            return Ok(Receipt {
                id: event_id,
                hold_back,
            });
        }
        let limiter = &self.ingest.limiter;
        let received_at = UnixMillis::now();
        let verdict = limiter.settle(&sender.key, charges, received_at).await;
        if verdict.refuses_all() {
            let refusal = verdict.refusal();
            attempt.limited = verdict.limited;
            return Err(Rejection::RateLimited(refusal));
        }
        let mut head = self.head(parts, sender, attempt.kind, &received);
        head.received_at = received_at;
        head.event_id = event_id;
        head.charges.clone_from(&verdict.charged);
        head.limited.clone_from(&verdict.limited);
        let body = received.bytes.clone();
        let request = Entry::Request(QueuedRequest { head, body });
        if let Err(error) = self.ingest.queue.push(&request).await {
            limiter.refund(&verdict);
            return Err(error.into());
        }
        Ok(Receipt {
            id: event_id,
            hold_back: verdict.hold_back(),
        })
    }

    /// What the queue is told of a request, as far as the request itself says it.
    fn head(
        &self,
        parts: &Parts,
        sender: &Sender,
        kind: RequestKind,
        received: &Received,
    ) -> RequestHead {
        let headers = &parts.headers;
        let user_agent = headers.get(header::USER_AGENT).map(text).map(shorten);
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip());
        let client = sender.client.clone().map(shorten);
        RequestHead {
            project_id: sender.key.project_id,
            key_id: sender.key.id,
            received_at: UnixMillis::default(),
            kind,
            encoding: received.encoding,
            event_id: None,
            client_ip: self.ingest.trusted_proxies.client_ip(peer, headers),
            client: client.or_else(|| user_agent.clone()),
            user_agent,
            charges: Vec::new(),
            limited: Vec::new(),
            is_retry: false,
        }
    }
}

/// An envelope whose first line cannot be read is, if only that line could name the sender, a fault of authentication.
fn unknown_sender(rejection: Rejection, sender_is_known: bool) -> Rejection {
    match rejection {
        Rejection::Envelope(EnvelopeError::MissingHeader | EnvelopeError::InvalidHeader)
            if !sender_is_known =>
        {
            Rejection::EnvelopeAuth
        }
        other => other,
    }
}

fn is_envelope(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let start = value.as_bytes().get(..ENVELOPE_TYPE.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(ENVELOPE_TYPE))
    })
}

fn shorten(text: String) -> String {
    text.chars().take(MAX_NAME_CHARS).collect()
}
