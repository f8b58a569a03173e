//! Every method of the store, on SQLite and on a real PostgreSQL.
//!
//! SQLite lives in a temporary file. PostgreSQL is the server of `BUGLE_TEST_POSTGRES_URL`, in which every test makes a
//! database of its own; without it those tests fail under CI and say so elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod attachments;
mod backend;
mod erase;
mod feedback;
mod intake;
mod issues;
mod jobs;
mod outcomes;
mod projects;
mod quotas;
mod recent;
mod record;
mod rejections;
mod rules;
mod samples;
mod schema;
mod transactions;
mod usage;
