//! Mutated events and conditions, a few seconds of what `fuzz/` does for hours.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../fuzz/src/targets/conditions.rs"]
mod conditions;
#[path = "../../fuzz/src/mutate/mod.rs"]
mod mutate;

use std::time::Instant;

use bugle_protocol::{Event, UnixMillis};
use bugle_rules::{Facts, Filters, FiltersDocument, Sender};

use captures::Captures;
use mutate::Mutator;

#[test]
fn conditions_are_answered_whatever_is_in_an_event() {
    let seeds = conditions::seeds(&Captures::default());
    for seed in &seeds {
        assert!(Event::parse(seed).is_ok(), "a seed is no event");
        conditions::run(seed);
    }
    Mutator::of_json(seeds, 3).for_each_input(4_000, conditions::run);
}

#[test]
fn many_patterns_and_a_large_event_take_a_moment() {
    let rules = (0..1_000).map(|n| format!("stack.filename:*aaab{n}* -> drop\n"));
    let document = FiltersDocument {
        rules: rules.collect(),
        ..FiltersDocument::default()
    };
    let (filters, problems) = Filters::lenient(&document);
    assert_eq!(problems, []);
    let frame = |n: usize| format!(r#"{{"filename":"{}{n}b"}}"#, "a".repeat(400));
    let frames: Vec<String> = (0..2_000).map(frame).collect();
    let event = format!(
        r#"{{"exception":[{{"type":"E","stacktrace":{{"frames":[{}]}}}}]}}"#,
        frames.join(",")
    );
    let event = Event::parse(event.as_bytes()).expect("it is an event");
    let started = Instant::now();
    let facts = Facts::new(&event, Sender::default(), UnixMillis(0));
    assert_eq!(filters.first_hit(&facts), None);
    assert!(started.elapsed().as_secs() < 4, "{:?}", started.elapsed());
}

#[test]
fn what_takes_a_walk_through_the_event_is_looked_up_once() {
    let fields = [
        "error.main_thread:true",
        "stack.in_app:true",
        "error.handled:false",
        "tags[handled]:x",
    ];
    let line = |n: usize| format!("{} dist:{n} -> drop\n", fields[n % fields.len()]);
    let document = FiltersDocument {
        rules: (0..1_000).map(line).collect(),
        ..FiltersDocument::default()
    };
    let (filters, _) = Filters::lenient(&document);
    let exception = r#"{"type":"E","thread_id":1,"stacktrace":{"frames":[{"in_app":false}]}}"#;
    let threads: Vec<String> = (2..3_000)
        .map(|n| format!(r#"{{"id":{n},"main":false}}"#))
        .collect();
    let event = format!(
        r#"{{"exception":[{}],"threads":[{}]}}"#,
        vec![exception; 2_000].join(","),
        threads.join(",")
    );
    let event = Event::parse(event.as_bytes()).expect("it is an event");
    let started = Instant::now();
    let facts = Facts::new(&event, Sender::default(), UnixMillis(0));
    assert_eq!(filters.first_hit(&facts), None);
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
}

#[test]
fn many_rules_and_a_crowded_event_take_bounded_time() {
    let line = |n: usize| {
        format!(
            "stack.function:*a*b{n} OR message:*x*y{n}* OR \"some {n}\" OR extra.a.a.a.a:{n} -> drop\n"
        )
    };
    let document = FiltersDocument {
        rules: (0..1_000).map(line).collect(),
        error_messages: (0..1_000).map(|n| format!("*a*{n}*b*")).collect(),
        ..FiltersDocument::default()
    };
    let (filters, problems) = Filters::lenient(&document);
    assert_eq!(problems, []);
    let frame = r#"{"function":"aaaaaaaaaaaaaaaa"}"#;
    let exception = format!(
        r#"{{"type":"E","value":"{}","stacktrace":{{"frames":[{}]}}}}"#,
        "a".repeat(100),
        vec![frame; 20].join(",")
    );
    let event = format!(r#"{{"exception":[{}]}}"#, vec![exception; 20_000].join(","));
    let event = Event::parse(event.as_bytes()).expect("it is an event");
    let started = Instant::now();
    let facts = Facts::new(&event, Sender::default(), UnixMillis(0));
    assert_eq!(filters.first_hit(&facts), None);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
