//! Sampling: which line decides, and that it decides evenly and the same for everybody.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use bugle_protocol::{Event, UnixMillis};
use bugle_rules::sample::{Draw, random, seed};
use bugle_rules::{Facts, Sampling, SamplingDocument, Sender};
use uuid::Uuid;

const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

const BY_PATH: &str = "
transaction.duration:>2s -> sample 1
has:transaction.status !transaction.status:[ok, cancelled, unknown] -> sample 1
transaction:[/health/*, /readiness/*] -> sample 0
transaction:/api/* -> sample 50%
transaction:* -> sample 0.1
";

fn sampling(rules: &str) -> Sampling {
    let document = SamplingDocument {
        rules: rules.to_owned(),
    };
    let (sampling, problems) = Sampling::lenient(&document);
    assert_eq!(problems, [], "{rules}");
    sampling
}

fn draw(rules: &Sampling, json: &str) -> Option<Draw> {
    draw_at(rules, json, NOW)
}

fn draw_at(rules: &Sampling, json: &str, now: UnixMillis) -> Option<Draw> {
    let event = Event::parse(json.as_bytes()).unwrap();
    rules.draw(&Facts::new(&event, Sender::default(), now))
}

/// A transaction of 100 ms in a trace.
fn transaction(name: &str, trace: &str, status: &str, end: f64) -> String {
    format!(
        r#"{{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","type":"transaction","transaction":"{name}",
        "start_timestamp":1767225599.0,"timestamp":{end},
        "contexts":{{"trace":{{"trace_id":"{trace}","span_id":"b0e6f15b45c36b12","status":"{status}"}}}}}}"#
    )
}

const TRACE: &str = "7e2cbbe9b1ed3cd705705b59f865cf79";

#[test]
fn the_first_line_that_holds_decides() {
    let rules = sampling(BY_PATH);
    for (name, status, end, rate) in [
        ("/health/", "ok", 1_767_225_599.1, 0.0),
        ("/api/orders", "ok", 1_767_225_599.1, 0.5),
        ("/API/orders", "unknown", 1_767_225_599.1, 0.5),
        ("/admin/", "ok", 1_767_225_599.1, 0.1),
        ("/admin/", "internal_error", 1_767_225_599.1, 1.0),
        ("/health/", "ok", 1_767_225_602.0, 1.0),
    ] {
        let drawn = draw(&rules, &transaction(name, TRACE, status, end)).unwrap();
        assert!((drawn.rate - rate).abs() < 1e-12, "{name} {status} {end}");
    }
}

#[test]
fn nothing_and_everything_are_exact() {
    let (none, all) = (
        sampling("transaction:* -> sample 0"),
        sampling("transaction:* -> sample 1"),
    );
    for number in 0..1000_u128 {
        let trace = Uuid::from_u128(number << 64 | number).simple().to_string();
        let event = transaction("/x", &trace, "ok", 1_767_225_599.1);
        assert!(!draw(&none, &event).unwrap().is_kept);
        assert!(draw(&all, &event).unwrap().is_kept);
    }
}

#[test]
fn errors_are_kept_unless_a_line_names_their_type() {
    let error = r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","type":"error","transaction":"/x","level":"error"}"#;
    for (rules, rate) in [
        ("transaction:* -> sample 0", None),
        ("level:error -> sample 0", None),
        ("event.type:error level:error -> sample 0.25", Some(0.25)),
        ("!event.type:transaction -> sample 0", Some(0.0)),
        ("has:event.type -> sample 0", Some(0.0)),
        (
            "event.type:[error, default] OR transaction:/y -> sample 0",
            Some(0.0),
        ),
        ("tags[event.type]:x OR level:error -> sample 0", None),
        ("", None),
    ] {
        let drawn = draw(&sampling(rules), error);
        assert_eq!(drawn.map(|draw| draw.rate), rate, "{rules}");
    }
}

#[test]
fn of_alternatives_those_that_name_the_type_decide_about_errors() {
    let rules = [
        "transaction:/api/* OR event.type:csp -> sample 0",
        "(transaction:/api/* OR event.type:csp) level:error -> sample 0",
        "(event.type:csp logger:x) OR (transaction:/api/* has:level) -> sample 0",
        "has:level (transaction:/api/* OR (level:error event.type:[csp, nel])) -> sample 0",
    ];
    let event = |ty: &str, name: &str| {
        format!(
            r#"{{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","type":"{ty}","transaction":"{name}","level":"error","logger":"x"}}"#
        )
    };
    for text in rules {
        let rules = sampling(text);
        for (ty, name, decides) in [
            ("error", "/api/x", false),
            ("default", "/api/x", false),
            ("error", "/x", false),
            ("csp", "/x", true),
            ("csp", "/api/x", true),
            ("transaction", "/api/x", true),
            ("transaction", "/x", false),
        ] {
            let drawn = draw(&rules, &event(ty, name));
            assert_eq!(drawn.is_some(), decides, "{text}: {ty} {name}");
        }
    }
    // What is said against transactions is said about the type, too.
    let all = sampling("!event.type:transaction transaction:/api/* -> sample 0");
    assert!(draw(&all, &event("error", "/api/x")).is_some());
    assert!(draw(&all, &event("transaction", "/api/x")).is_none());
}

#[test]
fn a_line_out_of_its_time_leaves_the_decision_to_the_next() {
    let rules = sampling(
        "transaction:* -> sample 1 to 0.1 from 2026-01-01 until 2026-01-01T01:00:00Z\ntransaction:* -> sample 0.1",
    );
    let event = transaction("/x", TRACE, "ok", 1_767_225_599.1);
    for (seconds, rate) in [(-1, 0.1), (0, 1.0), (1800, 0.55), (3600, 0.1)] {
        let now = UnixMillis(NOW.0 + seconds * 1000);
        let drawn = draw_at(&rules, &event, now).unwrap();
        assert!((drawn.rate - rate).abs() < 1e-12, "after {seconds} s");
    }
    let names = [0, 3600].map(|seconds| {
        let now = UnixMillis(NOW.0 + seconds * 1000);
        draw_at(&rules, &event, now).unwrap().rule
    });
    assert_ne!(names[0], names[1]);
}

#[test]
fn services_of_one_trace_decide_alike() {
    let (front, back) = (
        sampling("transaction:* -> sample 0.3"),
        sampling("transaction:/checkout -> sample 0.3"),
    );
    for number in 1..2000_u128 {
        let trace = Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let (dashed, simple) = (trace.to_string(), trace.simple().to_string());
        let a = draw(&front, &transaction("/", &simple, "ok", 1_767_225_599.1)).unwrap();
        let checkout = transaction("/checkout", &dashed, "ok", 1_767_225_599.9)
            .replace("9ec79c33", "00000001");
        let b = draw(&back, &checkout).unwrap();
        assert_eq!(a.is_kept, b.is_kept, "{trace}");
    }
}

#[test]
fn the_share_that_is_kept_is_the_rate() {
    let count = 100_000_u32;
    // Ids of three kinds: spread over all bits, counted up, and with a time at the front.
    let kinds: [fn(u128) -> u128; 3] = [
        |n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        |n| n,
        |n| (0x019a_0000_0000 + n) << 80 | 0x7000_8000_0000_0000_0000,
    ];
    for kind in kinds {
        for rate in [0.01, 0.1, 0.5, 0.9] {
            let numbers = (1..=u128::from(count)).map(|n| random(Uuid::from_u128(kind(n))));
            let kept = numbers.filter(|number| *number < rate).count();
            let share = kept as f64 / f64::from(count);
            assert!((share - rate).abs() < 0.01, "{share} of {rate}");
        }
    }
}

#[test]
fn random_numbers_are_those_of_the_published_generator() {
    // Drawn with the crates `rand` 0.8 and `rand_pcg` 0.3.
    for (id, number) in [
        ("00000000000000000000000000000000", 0.217_230_146_493_197_83),
        ("3adc6bdcad1df02f9dcef8d1061b00bf", 0.368_542_688_075_500_3),
        ("7c2ac2f76da9e62375d2fc6780e59f80", 0.015_958_927_695_206_57),
    ] {
        assert!((random(id.parse().unwrap()) - number).abs() < 1e-15, "{id}");
    }
}

#[test]
fn the_seed_is_the_trace_or_else_the_event() {
    let event_id = "9ec79c33-ec99-42ab-8353-589fcb2e04dc";
    let of = |json: &str| seed(&Event::parse(json.as_bytes()).unwrap()).to_string();
    let event = transaction("/x", TRACE, "ok", 1_767_225_599.1);
    assert_eq!(of(&event), "7e2cbbe9-b1ed-3cd7-0570-5b59f865cf79");
    assert_eq!(of(&event.replace(TRACE, "nonsense")), event_id);
    assert_eq!(
        of(&event.replace(r#""transaction","tr"#, r#""error","tr"#)),
        event_id
    );
    assert_eq!(of("{}"), Uuid::nil().to_string());
}

#[test]
fn a_wrong_line_switches_off_itself_alone() {
    let document = SamplingDocument {
        rules: "transaction:/a -> sample 2\ntransaction:* -> sample 0.5".to_owned(),
    };
    let (rules, problems) = Sampling::lenient(&document);
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!((problem.line, problem.column), (Some(1), Some(26)));
    let drawn = draw(&rules, &transaction("/a", TRACE, "ok", 1_767_225_599.1)).unwrap();
    assert!((drawn.rate - 0.5).abs() < 1e-12);
}
