//! Mutated traffic at every entry point of this crate, a few seconds of what `fuzz/` does for hours.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../fuzz/src/targets/body.rs"]
mod body;
#[path = "../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../fuzz/src/targets/envelope.rs"]
mod envelope;
#[path = "../../fuzz/src/targets/headers.rs"]
mod headers;
#[path = "../../fuzz/src/targets/msgpack.rs"]
mod msgpack;
#[path = "../../fuzz/src/targets/multipart.rs"]
mod multipart;
#[path = "../../fuzz/src/mutate/mod.rs"]
mod mutate;

use captures::Captures;
use mutate::Mutator;

const SEED: u64 = 3;

/// Runs a target over its seeds, changed as bytes.
fn run(seeds: fn(&Captures) -> Vec<Vec<u8>>, count: u64, target: fn(&[u8])) {
    Mutator::of_bytes(seeds(&Captures::read()), SEED).for_each_input(count, target);
}

#[test]
fn lines_of_text_are_read_or_refused() {
    run(headers::seeds, 60_000, headers::run);
}

#[test]
fn envelopes_are_read_or_refused() {
    run(envelope::seeds, 60_000, envelope::run);
}

#[test]
fn bodies_are_unpacked_within_their_bound() {
    run(body::seeds, 40_000, body::run);
}

#[test]
fn forms_are_read_or_refused() {
    run(multipart::seeds, 60_000, multipart::run);
}

#[test]
fn message_pack_is_read_or_refused() {
    run(msgpack::seeds, 40_000, msgpack::run);
}
