//! The entry points: what bytes of strangers reach first, each with inputs to start from.

pub mod body;
pub mod conditions;
pub mod envelope;
pub mod event;
pub mod headers;
pub mod msgpack;
pub mod multipart;
pub mod query;
pub mod queue_record;
pub mod queue_segment;
pub mod rules;

use crate::captures::Captures;

/// How inputs of a target are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As bytes.
    Bytes,
    /// Mostly as envelopes of JSON trees, so that the changes get past the framing.
    Envelope,
    /// Mostly as JSON trees, so that the changes get past the parser.
    Json,
}

/// An entry point.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line, also that of the cargo-fuzz target.
    pub name: &'static str,
    /// How its inputs are changed.
    pub shape: Shape,
    /// Its part of a campaign, in thousandths.
    pub share: u64,
    /// Inputs to start from.
    pub seeds: fn(&Captures) -> Vec<Vec<u8>>,
    /// Handles one input; panics if something does not hold that must.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident: $shape:ident, $share:literal;)*) => {
        /// All entry points.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            shape: Shape::$shape,
            share: $share,
            seeds: $name::seeds,
            run: $name::run,
        }),*];
    };
}

targets! {
    headers: Bytes, 100;
    envelope: Envelope, 250;
    body: Bytes, 100;
    event: Json, 200;
    multipart: Bytes, 100;
    msgpack: Bytes, 100;
    query: Bytes, 50;
    conditions: Json, 10;
    rules: Bytes, 10;
    queue_record: Bytes, 79;
    queue_segment: Bytes, 1;
}
