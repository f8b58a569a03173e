//! The web API over a real store, asked as a client would: by HTTP requests.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of a test for a program"
)]

mod attachments;
mod auth;
mod events;
mod feedback;
mod filters;
mod fixture;
mod issues;
mod keys;
mod organizations;
mod outcomes;
mod paging;
