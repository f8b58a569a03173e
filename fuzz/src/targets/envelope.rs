//! The framing of envelopes, and what their items count for.

use bugle_protocol::{Envelope, charges};

use crate::captures::Captures;

/// Envelopes of real clients.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    captures.envelopes.clone()
}

/// Parses an envelope, asks what a receiver asks, and writes it again.
pub fn run(input: &[u8]) {
    let Ok(envelope) = Envelope::parse(input) else {
        return;
    };
    let header = &envelope.header;
    let _ = (header.event_id(), header.sent_at(), header.get("trace"));
    let _ = header.dsn().map(str::parse::<bugle_protocol::Dsn>);
    let payload_bytes: usize = envelope.items.iter().map(|item| item.payload.len()).sum();
    assert!(payload_bytes <= input.len(), "a payload is counted twice");
    let charges = charges(&envelope.items);
    assert_eq!(charges.len(), envelope.items.len(), "one list per item");
    assert!(charges.iter().flatten().all(|charge| charge.quantity > 0));
    let written = envelope.to_bytes();
    let read = Envelope::parse(&written).expect("what we write we can read");
    assert_eq!(read.items.len(), envelope.items.len());
    for (read, sent) in read.items.iter().zip(&envelope.items) {
        assert_eq!(read.header.item_type, sent.header.item_type);
        assert_eq!(read.payload, sent.payload, "payloads stay untouched");
    }
}
