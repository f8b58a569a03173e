//! What clients see of ingestion, driven through its router, and what the queue holds afterwards.

mod answers;
mod authentication;
mod support;
