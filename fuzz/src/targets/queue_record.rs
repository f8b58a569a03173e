//! Records of the queue, as a disk may give them back.

use bugle_store::queue::Entry;
use bytes::Bytes;

use crate::captures::Captures;

const HEADS: &[&str] = &[
    r#"{"project_id":1,"key_id":2,"received_at":1795163904106,"kind":"envelope","encoding":"identity","client_ip":"::1","client":"sentry.python/2.75.0","charges":[{"category":"error","quantity":1}],"limited":[{"item":1,"reason":"key_quota"}]}"#,
    r#"{"project_id":1,"key_id":2,"received_at":-1,"kind":"store","encoding":"gzip","event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#,
    r#"{"tally":{"outcomes":[],"rejections":[]}}"#,
];

/// Records as ingest writes them.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let bodies = captures.envelopes.iter().take(20);
    let records = bodies.flat_map(|body| {
        let record = |head: &&str| [head.as_bytes(), b"\n", body].concat();
        HEADS.iter().map(record)
    });
    records.collect()
}

/// Reads a record; what is read is written as it was.
pub fn run(input: &[u8]) {
    if let Some(entry) = Entry::from_bytes(&Bytes::copy_from_slice(input)) {
        let written = Bytes::from(entry.to_bytes());
        assert_eq!(Entry::from_bytes(&written), Some(entry));
    }
}
