//! Mutated events and rules, a few seconds of what `fuzz/` does for hours.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../fuzz/src/targets/event.rs"]
mod event;
#[path = "../../fuzz/src/mutate/mod.rs"]
mod mutate;
#[path = "../../fuzz/src/targets/rules.rs"]
mod rules;

use captures::Captures;
use mutate::Mutator;

#[test]
fn events_go_all_the_way_whatever_is_in_them() {
    let seeds = event::seeds(&Captures::read());
    Mutator::of_json(seeds, 3).for_each_input(6_000, event::run);
}

#[test]
fn texts_are_rules_or_errors() {
    let seeds = rules::seeds(&Captures::default());
    Mutator::of_bytes(seeds, 3).for_each_input(1_000, rules::run);
}
