//! Scores normalising against the recorded answers of the reference, where the suite is present.
//!
//! `norm_client_ip` was recorded with an older reference that gave events no trace, so the trace is not compared there. All
//! other differences are in `docs/normalisation.md`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::PathBuf;

use bugle_processor::explain;
use serde_json::{Map, Value};

/// File, and how many of its cases have to be answered alike: without notes and errors, and in full.
const FLOORS: [(&str, usize, usize); 15] = [
    ("norm_breadcrumbs", 14, 13),
    ("norm_client_ip", 35, 34),
    ("norm_contexts", 91, 89),
    ("norm_events", 26, 26),
    ("norm_exception", 79, 79),
    ("norm_fields", 196, 193),
    ("norm_logentry", 25, 25),
    ("norm_request", 60, 59),
    ("norm_security", 14, 14),
    ("norm_tags", 55, 52),
    ("norm_transactions", 107, 106),
    ("norm_trimming", 144, 144),
    ("norm_user", 21, 21),
    ("captured", 62, 62),
    ("pipeline", 21, 19),
];

#[test]
fn cases_are_answered_like_the_reference() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/suites/processor");
    let folder = PathBuf::from(folder);
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    for (file, values_floor, strict_floor) in FLOORS {
        let text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        let count = |strict| cases.iter().filter(|case| is_alike(case, strict)).count();
        let (values, strict) = (count(false), count(true));
        println!(
            "{file:20} values {values:4}, strict {strict:4} of {:4}",
            cases.len()
        );
        assert!(
            values >= values_floor,
            "{file}: values {values} < {values_floor}"
        );
        assert!(
            strict >= strict_floor,
            "{file}: strict {strict} < {strict_floor}"
        );
    }
}

fn is_alike(case: &Value, strict: bool) -> bool {
    let answer = explain::case(&case.to_string());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let mut got = answer["output"].clone();
    let mut wanted = case["expected_output"].clone();
    if wanted.get("__oracle_error__").is_some() {
        return got.get("error").is_some();
    }
    for path in case["volatile"].as_array().into_iter().flatten() {
        drop_at(&mut wanted, path.as_str().unwrap());
        drop_at(&mut got, path.as_str().unwrap());
    }
    if wanted
        .get("contexts")
        .is_none_or(|contexts| contexts.get("trace").is_none())
    {
        drop_at(&mut got, "contexts/trace");
    }
    clean(&mut wanted, strict, true);
    clean(&mut got, strict, true);
    same(&wanted, &got)
}

fn drop_at(document: &mut Value, path: &str) {
    let (parents, last) = path.rsplit_once('/').unwrap_or(("", path));
    let parents = parents.split('/').filter(|key| !key.is_empty());
    let parent = parents
        .into_iter()
        .try_fold(document, |value, key| value.get_mut(key));
    if let Some(object) = parent.and_then(Value::as_object_mut) {
        object.remove(last);
    }
}

/// Leaves out what the mode does not compare: notes and errors, and what is as good as absent.
fn clean(value: &mut Value, strict: bool, is_top: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, strict, false)),
        Value::Object(object) => {
            object
                .values_mut()
                .for_each(|member| clean(member, strict, false));
            object.retain(|key, member| {
                let is_note = is_top && matches!(key.as_str(), "_meta" | "errors");
                let is_empty = member.is_null() || *member == Value::Object(Map::new());
                strict || !(is_note || is_empty)
            });
            if object
                .get("contexts")
                .is_some_and(|contexts| *contexts == Value::Object(Map::new()))
            {
                object.remove("contexts");
            }
        }
        _ => {}
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-6 * (a.abs() * 1e-6).max(1.0)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(key, value): (&String, &Value)| {
                b.get(key).is_some_and(|other| same(value, other))
            };
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}
