//! What clients see of ingestion, driven through its router, and what the queue holds afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "what a helper of a test cannot do fails the test"
)]

mod answers;
mod authentication;
mod captures;
mod encodings;
mod endpoints;
mod framing;
mod ledger;
mod limits;
mod packing;
mod properties;
mod quotas;
mod support;
mod wire;
