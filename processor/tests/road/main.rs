//! The road from the queue to the store, on real requests: exactly once, whatever happens on the way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crashes;
mod events;
mod failures;
mod hostile;
mod jobs;
mod ledger;
mod reports;
mod rules;
mod support;
mod transactions;
mod words;
