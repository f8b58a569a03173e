//! Data scrubbing against the suite of observed answers; skipped where the suite is not at hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bugle_rules::explain;
use bugle_rules::scrub::ExtraDetector;
use serde_json::Value;

/// File, and how many of its cases must agree: all of the output, and only the texts in it.
///
/// This is without detectors beyond Sentry's. What is missing to the number of cases is listed in `docs/scrubbing-differences.md`.
const FLOORS: [(&str, usize, usize); 14] = [
    ("captured", 15, 15),
    ("scrub_builtin", 126, 126),
    ("scrub_compose", 31, 31),
    ("scrub_default_keys", 101, 101),
    ("scrub_events", 108, 111),
    ("scrub_fields", 92, 92),
    ("scrub_ip", 43, 43),
    ("scrub_meta", 91, 92),
    ("scrub_methods", 126, 126),
    ("scrub_pattern", 35, 35),
    ("scrub_random", 144, 144),
    ("scrub_selectors", 293, 293),
    ("selector_suggestions", 11, 11),
    ("selector_syntax", 184, 184),
];

#[test]
fn the_suite_agrees() {
    let Some(folder) = suite() else {
        return;
    };
    for (file, strict, redacted) in FLOORS {
        let cases = cases(folder, file);
        let answers: Vec<(Value, Value)> = cases.iter().filter_map(answer).collect();
        let failed = |agree: fn(&Value, &Value) -> bool| -> Vec<&str> {
            let pairs = answers
                .iter()
                .filter(|(case, got)| !agree(&case["expected_output"], got));
            pairs.filter_map(|(case, _)| case["id"].as_str()).collect()
        };
        let (differ, leak) = (failed(same), failed(same_texts));
        assert!(answers.len() - differ.len() >= strict, "{file}: {differ:?}");
        assert!(answers.len() - leak.len() >= redacted, "{file}: {leak:?}");
    }
}

#[test]
fn whatever_differs_is_listed() {
    let Some(folder) = suite() else {
        return;
    };
    let listed = listed();
    let names: Vec<&str> = ExtraDetector::defaults()
        .into_iter()
        .map(ExtraDetector::name)
        .collect();
    let mut differing = BTreeSet::new();
    for (file, ..) in FLOORS {
        for mut case in cases(folder, file) {
            if let Some(config) = case["config"].as_object_mut() {
                config.insert("detectors".to_owned(), Value::from(names.clone()));
            }
            let answer = answer(&case).filter(|(case, got)| !same(&case["expected_output"], got));
            differing.extend(answer.and_then(|(case, _)| case["id"].as_str().map(str::to_owned)));
        }
    }
    assert_eq!(differing, listed);
}

/// The cases that the list of differences names, as `file/0001, 0002; other/0003`.
fn listed() -> BTreeSet<String> {
    let list = include_str!("../../docs/scrubbing-differences.md");
    let (mut ids, mut file) = (BTreeSet::new(), "");
    for word in list.split(|c: char| c.is_whitespace() || ",;()".contains(c)) {
        let number = match word.split_once('/') {
            Some((name, number)) => {
                file = name;
                number
            }
            None => word,
        };
        if number.len() == 4 && number.parse::<u16>().is_ok() && file.contains('_') {
            ids.insert(format!("{file}/{number}"));
        }
    }
    ids
}

/// The folder of the suite, if it is at hand.
fn suite() -> Option<&'static Path> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/suites/processor"
    ));
    if !folder.exists() {
        eprintln!("skipped: no suite in {}", folder.display());
        return None;
    }
    Some(folder)
}

fn cases(folder: &Path, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The case and our output, if it is about scrubbing.
fn answer(case: &Value) -> Option<(Value, Value)> {
    let answer = explain::scrub::case(&case.to_string())?;
    let mut answer: Value = serde_json::from_str(&answer).unwrap();
    Some((case.clone(), answer["output"].take()))
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
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-6 * (a.abs() * 1e-6).max(1.0)
        }
        _ => want == got,
    }
}

fn same_texts(want: &Value, got: &Value) -> bool {
    if ["__oracle_error__", "valid"]
        .iter()
        .any(|key| want.get(key).is_some())
    {
        return same(want, got);
    }
    let texts = |value: &Value| {
        let mut texts = Vec::new();
        collect_texts(value, &mut String::new(), &mut texts);
        texts.sort();
        texts
    };
    texts(want) == texts(got)
}

fn collect_texts(value: &Value, path: &mut String, texts: &mut Vec<(String, String)>) {
    let mut enter = |key: &str, value: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(key);
        if path != "/_meta" && path != "/errors" {
            collect_texts(value, path, texts);
        }
        path.truncate(length);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| enter(key, value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, value)| enter(&i.to_string(), value)),
        Value::String(text) => texts.push((path.clone(), text.clone())),
        _ => {}
    }
}
