//! A request as it lies in the queue: one line of JSON that describes it, then the body as it was received.

use std::net::IpAddr;

use bugle_protocol::body::Encoding;
use bugle_protocol::{KeyId, ProjectId, UnixMillis};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// An accepted request: authenticated, its framing checked, its payloads untouched and still compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRequest {
    /// Everything but the body.
    pub head: RequestHead,
    /// The body as received.
    pub body: Bytes,
}

/// What is known of a request beside its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHead {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// How the body is to be read.
    pub kind: RequestKind,
    /// How the body is compressed.
    #[serde(default)]
    pub encoding: Encoding,
    /// The event id that was answered; a `/store/` body without one takes it, so that a second delivery is a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<bugle_protocol::EventId>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// The client library as `name/version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The request's own `User-Agent`, a browser's if a browser sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// An envelope.
    Envelope,
    /// A bare event, as `/store/` takes it.
    Store,
}

impl QueuedRequest {
    /// The bytes of a record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 384);
        serde_json::to_writer(&mut bytes, &self.head)
            .expect("numbers and strings always have a JSON form");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads a record; `None` if it is not one of ours.
    #[must_use]
    pub fn from_bytes(bytes: &Bytes) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head = serde_json::from_slice(&bytes[..end]).ok()?;
        Some(Self {
            head,
            body: bytes.slice(end + 1..),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives() {
        let request = QueuedRequest {
            head: RequestHead {
                project_id: ProjectId(1),
                key_id: KeyId(2),
                received_at: UnixMillis(3),
                kind: RequestKind::Envelope,
                encoding: Encoding::Gzip,
                event_id: None,
                client_ip: Some("::1".parse().unwrap()),
                client: Some("sentry.python/2".to_owned()),
                user_agent: None,
            },
            body: Bytes::from_static(b"\x1f\x8b\n\n"),
        };
        assert_eq!(
            QueuedRequest::from_bytes(&request.to_bytes().into()),
            Some(request)
        );
        assert_eq!(
            QueuedRequest::from_bytes(&Bytes::from_static(b"{}\n")),
            None
        );
        assert_eq!(
            QueuedRequest::from_bytes(&Bytes::from_static(b"garbage")),
            None
        );
    }
}
