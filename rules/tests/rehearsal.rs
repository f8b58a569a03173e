//! Rules tried on stored events.

use bugle_protocol::{EventId, UnixMillis};
use bugle_rules::rehearsal::{self, RuleEffect, RulePlace, Stored};
use bugle_rules::{FiltersDocument, SamplingDocument, TagsDocument};
use serde_json::{Value, json};

/// A Friday morning.
const NOW: UnixMillis = UnixMillis(1_795_163_904_106);

const TITLES: [&str; 4] = ["one", "two", "three", "four"];

/// Bodies whose ids count from 1.
struct Bodies(Vec<String>);

impl Bodies {
    fn new(bodies: &[Value]) -> Self {
        Self(bodies.iter().map(Value::to_string).collect())
    }

    fn stored(&self) -> Vec<Stored<'_>> {
        let bodies = self.0.iter().enumerate();
        bodies
            .map(|(index, body)| Stored {
                event_id: id(index),
                title: TITLES[index % TITLES.len()],
                received_at: NOW,
                body: body.as_bytes(),
            })
            .collect()
    }
}

fn id(index: usize) -> EventId {
    EventId::from_bytes((index as u128 + 1).to_be_bytes())
}

fn error(ty: &str, value: &str) -> Value {
    json!({"type": "error", "level": "error", "environment": "production",
        "exception": {"values": [{"type": ty, "value": value}]}})
}

fn transaction(name: &str, trace: u32) -> Value {
    json!({"type": "transaction", "transaction": name, "start_timestamp": 1_795_163_900, "timestamp": 1_795_163_904,
        "contexts": {"trace": {"trace_id": format!("{trace:032x}"), "span_id": "0123456789abcdef", "status": "ok"}}})
}

fn filters(rules: &str) -> FiltersDocument {
    FiltersDocument {
        rules: rules.to_owned(),
        ..FiltersDocument::default()
    }
}

fn counts(effect: &RuleEffect) -> (RulePlace, usize, usize, usize) {
    (effect.place, effect.holds, effect.decides, effect.newly)
}

#[test]
fn each_filter_line_says_what_it_would_drop() {
    let bodies = Bodies::new(&[
        error("DisallowedHost", "Invalid HTTP_HOST header"),
        error("KeyError", "'name'"),
        error("DisallowedHost", "another"),
    ]);
    let candidate = filters(
        "# Noise\nerror.type:Disallowed* -> drop\nerror.type:[DisallowedHost, KeyError] level:error -> drop\nlevel:fatal -> drop",
    );
    let result = rehearsal::filters(
        &candidate,
        &filters("error.value:another -> drop"),
        &bodies.stored(),
        &mut || true,
    );
    assert_eq!((result.dropped, result.newly, result.no_longer), (3, 2, 0));
    assert!(result.looked.is_complete);
    assert_eq!((result.looked.events, result.looked.transactions), (3, 0));
    let lines: Vec<_> = result
        .rules
        .iter()
        .filter(|rule| !rule.text.is_empty())
        .collect();
    assert_eq!(
        lines.iter().map(|rule| counts(rule)).collect::<Vec<_>>(),
        [
            (RulePlace::Line(2), 2, 2, 1),
            (RulePlace::Line(3), 3, 1, 1),
            (RulePlace::Line(4), 0, 0, 0),
        ]
    );
    let example = &lines[1].examples[0];
    assert_eq!(example.event_id, id(0));
    assert_eq!(example.decided_by, Some(RulePlace::Line(2)));
    let matched: Vec<_> = example
        .matched
        .iter()
        .map(|matched| (matched.field.as_str(), matched.value.as_deref().unwrap()))
        .collect();
    assert_eq!(
        matched,
        [("error.type", "DisallowedHost"), ("level", "error")]
    );
    let none = rehearsal::filters(
        &FiltersDocument::default(),
        &candidate,
        &bodies.stored(),
        &mut || true,
    );
    assert_eq!((none.dropped, none.no_longer), (0, 3));
}

#[test]
fn a_line_below_one_that_says_more_is_shadowed() {
    let bodies = Bodies::new(&[error("KeyError", "'name'")]);
    let candidate = filters("level:error -> drop\nerror.type:KeyError -> drop");
    let result = rehearsal::filters(
        &candidate,
        &FiltersDocument::default(),
        &bodies.stored(),
        &mut || true,
    );
    let shadowed: Vec<_> = result
        .rules
        .iter()
        .filter_map(|rule| rule.shadowed_by)
        .collect();
    assert_eq!(shadowed, [RulePlace::Line(1)]);
}

#[test]
fn switches_and_lists_are_tried_like_lines() {
    let bodies = Bodies::new(&[
        error("ChunkLoadError", "Loading chunk 3 failed"),
        transaction("GET /healthz", 1),
        json!({"type": "error", "release": "shop@1.0", "message": "x", "user": {"ip_address": "10.1.2.3"}}),
    ]);
    let candidate = FiltersDocument {
        releases: vec!["shop@1.*".to_owned()],
        addresses: vec!["10.0.0.0/8".to_owned()],
        ..FiltersDocument::default()
    };
    let off = FiltersDocument {
        chunk_load_errors: false,
        health_checks: false,
        ..FiltersDocument::default()
    };
    let result = rehearsal::filters(&candidate, &off, &bodies.stored(), &mut || true);
    assert_eq!((result.dropped, result.newly), (3, 3));
    let holding: Vec<_> = result
        .rules
        .iter()
        .filter(|rule| rule.holds > 0)
        .map(|rule| (rule.place, rule.holds))
        .collect();
    let mut places: Vec<_> = holding.iter().map(|(place, _)| *place).collect();
    places.sort();
    assert_eq!(
        places,
        ["addresses", "chunkLoadErrors", "healthChecks", "releases"].map(RulePlace::Member)
    );
    assert!(holding.iter().all(|(_, holds)| *holds == 1));
    let decides: usize = result.rules.iter().map(|rule| rule.decides).sum();
    assert_eq!(decides, 3);
}

#[test]
fn sampling_is_estimated_for_what_was_received() {
    let mut bodies: Vec<Value> = (1..=40).map(|trace| transaction("/api/x", trace)).collect();
    for body in &mut bodies[..10] {
        body["_bugle"] =
            json!({"rules": [{"topic": "sampling", "rule": "x", "text": "x", "rate": 0.1}]});
    }
    bodies.push(transaction("/health/", 99));
    bodies.push(error("KeyError", "'name'"));
    let bodies = Bodies::new(&bodies);
    let rules = "transaction:/health/* -> sample 0\ntransaction:/api/* -> sample 0.5\nhas:transaction -> sample 1";
    let candidate = SamplingDocument {
        rules: rules.to_owned(),
    };
    let result = rehearsal::sampling(
        &candidate,
        &SamplingDocument::default(),
        &bodies.stored(),
        &mut || true,
    );
    assert_eq!((result.looked.transactions, result.looked.events), (41, 1));
    assert_eq!(result.considered, 41, "no rule names event.type");
    assert_eq!(result.untouched, 0);
    assert_eq!(result.kept + result.dropped, 41);
    let near = |left: f64, right: f64| (left - right).abs() < 1e-6;
    assert!(
        near(result.received, 10.0 * 10.0 + 30.0 + 1.0),
        "{}",
        result.received
    );
    assert!(near(result.expected, 65.0), "{}", result.expected);
    assert!(
        near(result.expected_today, 131.0),
        "{}",
        result.expected_today
    );
    let [health, api, rest] = &result.rules[..] else {
        panic!("{:?}", result.rules);
    };
    assert_eq!(counts(&health.effect), (RulePlace::Line(1), 1, 1, 1));
    assert_eq!((health.rates, health.kept), (Some((0.0, 0.0)), 0));
    assert_eq!(counts(&api.effect), (RulePlace::Line(2), 40, 40, 40));
    assert!(api.kept > 5 && api.kept < 35, "{}", api.kept);
    assert!(near(api.received, 130.0) && near(api.expected, 65.0));
    assert_eq!((rest.effect.holds, rest.effect.decides), (41, 0));
    assert_eq!(rest.effect.shadowed_by, Some(RulePlace::Line(2)));
}

#[test]
fn a_tag_of_the_sender_stays() {
    let mut taken = error("KeyError", "a");
    taken["tags"] = json!([["tier", "own"]]);
    let mut ours = error("KeyError", "b");
    ours["tags"] = json!([["tier", "critical"]]);
    ours["_bugle"] = json!({"rules": [{"topic": "tags", "rule": "x",
        "text": "environment:production -> tag tier=critical"}]});
    let bodies = Bodies::new(&[taken, ours, error("ValueError", "c")]);
    let candidate = TagsDocument {
        rules:
            "environment:production -> tag tier=critical\nerror.type:ValueError -> tag tier=low\n\
            error.type:ValueError -> tag kind=value"
                .to_owned(),
    };
    let result = rehearsal::tags(
        &candidate,
        &TagsDocument {
            rules: "environment:production -> tag tier=critical".to_owned(),
        },
        &bodies.stored(),
        &mut || true,
    );
    let [tier, low, kind] = &result.rules[..] else {
        panic!("{:?}", result.rules);
    };
    assert_eq!(
        (tier.effect.holds, tier.effect.decides, tier.already),
        (3, 2, 1)
    );
    assert_eq!(tier.effect.newly, 0);
    assert_eq!(tier.effect.examples.len(), 3);
    assert_eq!(low.effect.shadowed_by, Some(RulePlace::Line(1)));
    assert_eq!((kind.effect.decides, kind.effect.newly), (1, 1));
    assert_eq!(
        (kind.tag.key.as_str(), kind.tag.value.as_str()),
        ("kind", "value")
    );
    assert_eq!(result.tagged, 2);
}

#[test]
fn work_ends_when_the_caller_says_so() {
    let bodies = Bodies::new(&vec![error("KeyError", "x"); 100]);
    let mut left = 10;
    let result = rehearsal::filters(
        &filters("level:error -> drop"),
        &FiltersDocument::default(),
        &bodies.stored(),
        &mut || {
            left -= 1;
            left >= 0
        },
    );
    assert_eq!(
        (result.looked.total(), result.looked.is_complete),
        (10, false)
    );
    assert_eq!(result.dropped, 10);
    let line = result.rules.iter().find(|rule| rule.holds == 10).unwrap();
    assert_eq!(line.examples.len(), TITLES.len(), "one of each title");
}

#[test]
fn damaged_bodies_and_lines_stop_nothing() {
    let mut scrubbed = error("KeyError", "x");
    scrubbed["_meta"] = json!({"user": {"email": {"": {"rem": [["@email", "s", 0, 7]]}}}});
    let mut cut = error("KeyError", "x");
    cut["_meta"] = json!({"message": {"": {"rem": [["!limit", "s", 0, 7]], "len": 9000}}});
    let mut bodies = Bodies::new(&[scrubbed, cut]);
    bodies.0.push("[1, 2".to_owned());
    bodies.0.push("7".to_owned());
    let result = rehearsal::filters(
        &filters("level: -> \nerror.type:KeyError -> keep\n-> drop\nerror.type:KeyError -> drop"),
        &FiltersDocument::default(),
        &bodies.stored(),
        &mut || true,
    );
    assert_eq!((result.looked.unreadable, result.looked.scrubbed), (2, 1));
    let lines: Vec<_> = result
        .rules
        .iter()
        .filter(|rule| !rule.text.is_empty())
        .map(counts)
        .collect();
    assert_eq!(lines, [(RulePlace::Line(4), 2, 2, 2)]);
}
