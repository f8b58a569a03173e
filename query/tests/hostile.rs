//! Mutated conditions and rules, a few seconds of what `fuzz/` does for hours.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../fuzz/src/targets/query.rs"]
mod condition;
#[path = "../../fuzz/src/mutate/mod.rs"]
mod mutate;

use captures::Captures;
use mutate::Mutator;

#[test]
fn texts_are_conditions_or_errors_that_show_a_place() {
    let seeds = condition::seeds(&Captures::default());
    Mutator::of_bytes(seeds, 3).for_each_input(20_000, condition::run);
}
