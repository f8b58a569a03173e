//! The endpoints whose requests are not envelopes: what they answer, and the envelope that is queued.

mod attachments;
mod cron;
mod limited;
mod loader;
mod minidump;
mod paths;
mod properties;
mod reports;
mod store;
mod unreal;

use axum::body::Body;
use axum::http::Request;
use bugle_protocol::body::decode;
use bugle_protocol::{Envelope, EventId};

use crate::support::{Answer, Bench, KEY};

/// An item as it was queued.
#[derive(Debug, PartialEq)]
struct QueuedItem {
    item_type: String,
    /// The named members of its header.
    members: Vec<Option<String>>,
    payload: Vec<u8>,
}

impl QueuedItem {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }

    fn member(&self, index: usize) -> Option<&str> {
        self.members[index].as_deref()
    }
}

/// The items of the one envelope that was queued since the last time, and the event's id in its header.
fn queued(bench: &mut Bench, members: &[&str]) -> (Option<EventId>, Vec<QueuedItem>) {
    let queued = bench.queued();
    let [request] = queued.as_slice() else {
        panic!("expected one request, found {}", queued.len());
    };
    let body = decode(request.head.encoding, &request.body, 1 << 30).unwrap();
    let envelope = Envelope::parse(&body).unwrap();
    let items = envelope.items.iter().map(|item| QueuedItem {
        item_type: item.header.item_type.to_string(),
        members: members
            .iter()
            .map(|name| item.header.get_str(name).map(ToOwned::to_owned))
            .collect(),
        payload: item.payload.to_vec(),
    });
    (envelope.header.event_id(), items.collect())
}

/// Sends a body of this type; the key is in the query.
async fn post_as(bench: &Bench, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
    let sign = if path.contains('?') { '&' } else { '?' };
    let request = Request::post(format!("{path}{sign}sentry_key={KEY}"));
    let request = request.header("content-type", content_type);
    bench.send(request.body(body.into()).unwrap()).await
}

/// What a form consists of: a field, or a file with its name, and the content.
type Field<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// The content type of [`form`].
const FORM: &str = "multipart/form-data; boundary=the-boundary";

fn form(fields: &[Field<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, content) in fields {
        let filename = filename.map(|name| format!("; filename=\"{name}\""));
        let filename = filename.unwrap_or_default();
        let head = format!(
            "--the-boundary\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--the-boundary--\r\n");
    body
}
