//! Releases, patterns, Sentry's conditions and sampling against the suite of observed answers; skipped where the suite is
//! not at hand. All cases must agree.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::Path;

use bugle_protocol::UnixMillis;
use bugle_rules::explain;
use serde_json::Value;

/// File, and how many cases it has at least.
const FILES: [(&str, usize); 6] = [
    ("conditions", 43),
    ("globs", 197),
    ("releases", 278),
    ("sampling", 122),
    ("sampling_seed", 48),
    ("tables", 1),
];

/// Some configurations have rules for a time: this one lies between those that are over and those that are not.
const NOW: UnixMillis = UnixMillis(1_795_000_000_000);

#[test]
fn the_suite_agrees() {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/suites/processor"
    ));
    if !folder.exists() {
        eprintln!("skipped: no suite in {}", folder.display());
        return;
    }
    for (file, count) in FILES {
        let text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert!(cases.len() >= count, "{file} has {} cases", cases.len());
        let failed = cases.iter().filter(|case| !agrees(case));
        let failed: Vec<_> = failed.filter_map(|case| case["id"].as_str()).collect();
        assert!(failed.is_empty(), "{file}: {failed:?}");
    }
}

fn agrees(case: &Value) -> bool {
    let answer = explain::case(&case.to_string(), NOW).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["id"], case["id"]);
    same(&case["expected_output"], &answer["output"])
}

fn same(want: &Value, got: &Value) -> bool {
    match (want, got) {
        // A refusal must be one, and a verdict agree, in whatever words.
        (Value::Object(object), _) if object.contains_key("__oracle_error__") => {
            got.get("error").is_some()
        }
        (Value::Object(object), _) if object.get("valid").is_some_and(Value::is_boolean) => {
            object["valid"] == got["valid"]
        }
        (Value::Object(a), Value::Object(b)) => {
            let equal = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(equal)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() <= 1e-6
        }
        _ => want == got,
    }
}
