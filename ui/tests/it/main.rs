//! The pages as a browser sees them, over a store on a file.

#![expect(clippy::unwrap_used, reason = "a test stops at the first fault")]

mod access;
mod attached;
mod browser;
mod erasure;
mod filters;
mod limits;
mod pages;
mod sampling;
mod scrubbing;
mod stats;
mod support;
mod tags;
mod transactions;
mod world;
