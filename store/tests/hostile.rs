//! Mutated records and segments of the queue, a few seconds of what `fuzz/` does for hours.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../fuzz/src/mutate/mod.rs"]
mod mutate;
#[path = "../../fuzz/src/targets/queue_record.rs"]
mod queue_record;
#[path = "../../fuzz/src/targets/queue_segment.rs"]
mod queue_segment;

use captures::Captures;
use mutate::Mutator;

#[test]
fn records_are_read_or_refused() {
    let seeds = queue_record::seeds(&Captures::read());
    Mutator::of_bytes(seeds, 3).for_each_input(20_000, queue_record::run);
}

#[test]
fn segments_are_recovered_whatever_is_in_them() {
    let seeds = queue_segment::seeds(&Captures::read());
    Mutator::of_bytes(seeds, 3).for_each_input(500, queue_segment::run);
}
