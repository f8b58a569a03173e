//! What lies in the queue: one line of JSON that says what it is, then a request's body as it was received.

use std::net::IpAddr;

use bugle_protocol::body::Encoding;
use bugle_protocol::{Charge, EventId, KeyId, LimitReason, ProjectId, UnixMillis};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::record::{NewRejection, OutcomeCount};

/// A record of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A request that is to be processed.
    Request(QueuedRequest),
    /// What became of requests that were not kept.
    Tally(Tally),
}

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
    pub event_id: Option<EventId>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// The client library as `name/version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The request's own `User-Agent`, a browser's if a browser sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What the request was charged: everything in it but the limited items. Added up by category.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// The items that a limit refused. They are still in the body, and only counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited: Vec<LimitedItem>,
    /// The request was set aside before, and counted as [`bugle_protocol::DiscardReason::Internal`]: what becomes of it now takes that back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_retry: bool,
}

/// An item of an envelope that is not to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedItem {
    /// Its place in the envelope, from 0.
    pub item: usize,
    /// The limit that refused it.
    pub reason: LimitReason,
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

/// What became of requests that were answered without being kept, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How their items ended.
    pub outcomes: Vec<OutcomeCount>,
    /// The last of them, for people to look at.
    pub rejections: Vec<NewRejection>,
}

/// The first line of a record.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum FirstLine<R, T> {
    Tally { tally: T },
    Request(R),
}

impl Entry {
    /// The bytes of a record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut bytes = Vec::with_capacity(body.len() + 512);
        self.write_line(&mut bytes);
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Appends the first line of the record, with its end.
    pub(super) fn write_line(&self, bytes: &mut Vec<u8>) {
        let written = match self {
            Self::Request(request) => {
                serde_json::to_writer(&mut *bytes, &FirstLine::<_, &Tally>::Request(&request.head))
            }
            Self::Tally(tally) => {
                serde_json::to_writer(&mut *bytes, &FirstLine::<&RequestHead, _>::Tally { tally })
            }
        };
        written.expect("numbers and strings always have a JSON form");
        bytes.push(b'\n');
    }

    /// What follows the first line.
    pub(super) fn body(&self) -> Bytes {
        match self {
            Self::Request(request) => request.body.clone(),
            Self::Tally(_) => Bytes::new(),
        }
    }

    /// Reads a record; `None` if it is not one of ours.
    #[must_use]
    pub fn from_bytes(bytes: &Bytes) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes)?;
        Some(match serde_json::from_slice(&bytes[..end]).ok()? {
            FirstLine::Request(head) => Self::Request(QueuedRequest {
                head,
                body: bytes.slice(end + 1..),
            }),
            FirstLine::Tally { tally } => Self::Tally(tally),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::{DataCategory, Outcome};

    #[test]
    fn a_request_survives() {
        let request = Entry::Request(QueuedRequest {
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
                charges: vec![Charge {
                    category: DataCategory::Error,
                    quantity: 1,
                }],
                limited: vec![LimitedItem {
                    item: 1,
                    reason: LimitReason::KeyQuota,
                }],
                is_retry: false,
            },
            body: Bytes::from_static(b"\x1f\x8b\n\n"),
        });
        let read = |bytes: Vec<u8>| Entry::from_bytes(&bytes.into());
        assert_eq!(read(request.to_bytes()), Some(request));
        assert_eq!(read(b"{}\n".to_vec()), None);
        assert_eq!(read(b"garbage".to_vec()), None);
    }

    #[test]
    fn a_tally_survives() {
        let tally = Entry::Tally(Tally {
            outcomes: vec![OutcomeCount {
                project_id: ProjectId(1),
                key_id: KeyId(2),
                received_at: UnixMillis(3),
                category: DataCategory::Error,
                outcome: Outcome::RateLimited(LimitReason::KeyQuota),
                quantity: 4,
            }],
            rejections: Vec::new(),
        });
        assert_eq!(Entry::from_bytes(&tally.to_bytes().into()), Some(tally));
    }
}
