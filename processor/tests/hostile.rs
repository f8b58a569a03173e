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

use std::time::{Duration, Instant};

use bugle_processor::normalize::{Context, Settings, normalize};
use bugle_protocol::Event;

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

/// An event with so many wrong items, members and notes, and a text in which a secret begins everywhere.
fn crowded(items: usize) -> String {
    let numbers = vec!["1"; items].join(",");
    let text = "--".repeat(items);
    let members = |value: &str| {
        let members = (0..items / 4).map(|n| format!(r#""{n:06}":{value}"#));
        members.collect::<Vec<_>>().join(",")
    };
    let (values, notes) = (members("1"), members(r#"{"":{"err":["e"],"val":1}}"#));
    format!(
        r#"{{"breadcrumbs":[{numbers}],"exception":[{numbers}],"tags":[{numbers}],"message":"{text}",
        "user":{{{values}}},"extra":{{{values}}},"contexts":{{{values}}},"modules":{{{values}}},
        "_meta":{{"extra":{{{notes}}}}}}}"#
    )
}

/// The shortest of some tries; other tests run at the same time.
fn time(input: &str) -> Duration {
    let tries = (0..5).map(|_| {
        let started = Instant::now();
        event::run(input.as_bytes());
        started.elapsed()
    });
    tries.min().unwrap_or_default()
}

#[test]
fn time_grows_no_faster_than_the_input() {
    let (short, long) = (crowded(4_000), crowded(32_000));
    event::run(short.as_bytes());
    let (short, long) = (time(&short), time(&long));
    assert!(
        long < short * 24,
        "8 times as much took {long:?} instead of {short:?}"
    );
}

#[test]
fn what_is_noted_about_an_event_is_bounded() {
    let input = crowded(40_000);
    let event = Event::parse(input.as_bytes()).expect("it is an event");
    let normalized = normalize(event, &Context::default(), &Settings::default());
    // A number of one digit becomes `null`, and what a client notes is listed among the errors too.
    let stored = normalized.expect("it is no transaction").to_json();
    assert!(
        stored.len() < 3 * input.len(),
        "{} bytes became {}",
        input.len(),
        stored.len()
    );
}
