//! Scores the crate against the grouping suite with the suite's own scorer, and holds what was reached.
//!
//! The suite lies beside the repository, not in it; without it these tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a test may fail wherever it likes")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bugle_grouping::explain;
use bugle_protocol::json::{self, Json, Object};

use support::prepare;

fn suite() -> Option<PathBuf> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/suites/grouping");
    let suite = Path::new(path);
    if suite.is_dir() {
        return Some(suite.to_owned());
    }
    println!("skipped: {path} is not there");
    None
}

/// Runs the scorer and reads the shares it prints: `some label   12/13   0.9231`.
fn score(suite: &Path, arguments: &[&str]) -> HashMap<String, f64> {
    let output = Command::new("python3")
        .arg(suite.join("score_grouping.py"))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
    let mut shares = HashMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let slash = words.iter().position(|word| {
            word.split_once('/')
                .is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok())
        });
        if let Some(at) = slash
            && let Some(share) = words.get(at + 1).and_then(|word| word.parse().ok())
        {
            shares.insert(words[..at].join(" "), share);
        }
        if let Some((label, facts)) = line.split_once(": events=")
            && let Some(f1) = facts.split(" f1=").nth(1)
        {
            let f1 = f1.split(' ').next().unwrap().parse().unwrap();
            shares.insert(format!("{label} f1"), f1);
        }
    }
    shares
}

fn assert_floors(shares: &HashMap<String, f64>, floors: &[(&str, f64)]) {
    for (label, floor) in floors {
        let share = shares
            .get(*label)
            .unwrap_or_else(|| panic!("the scorer said nothing of '{label}': {shares:?}"));
        assert!(share >= floor, "{label}: {share} is below {floor}");
    }
}

fn output_file(name: &str, lines: &[String]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn read_json(path: &Path) -> Json<'static> {
    json::parse(&fs::read(path).unwrap()).unwrap().into_owned()
}

fn cases<'t>(file: &'t Json<'static>, key: &str) -> impl Iterator<Item = String> + use<'t> {
    file.get(key)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(json::to_string)
}

fn group_folder(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let answer = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let event = read_json(path);
        let case = Object::from_iter([("name", Json::from(name)), ("event", event)]);
        explain::group(&json::to_string(&case.into()), prepare).unwrap()
    };
    paths.iter().map(answer).collect()
}

#[test]
fn events_are_grouped_as_expected() {
    let Some(suite) = suite() else { return };
    let mutated = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutated");
    fs::create_dir_all(&mutated).unwrap();
    score(&suite, &["materialise", mutated.to_str().unwrap()]);
    let mut answers = group_folder(&suite.join("inputs"));
    answers.extend(group_folder(&mutated));
    let file = output_file("grouping.jsonl", &answers);
    let shares = score(
        &suite,
        &["grouping", &file, "--split", "open", "--list", "200"],
    );
    assert_floors(
        &shares,
        &[
            ("all primary leaf values", 1.0),
            ("all all variants exact", 1.0),
            ("all title", 1.0),
            ("all culprit", 1.0),
            ("all type", 1.0),
            ("mutation vs its base, right decision:", 1.0),
            ("inputs only f1", 1.0),
            ("inputs + mutations f1", 1.0),
        ],
    );
}

#[test]
fn messages_are_parameterised_as_expected() {
    let Some(suite) = suite() else { return };
    let file = read_json(&suite.join("message-cases.json"));
    let with_mode = |case: String| case.replacen('{', r#"{"mode":"normalise","#, 1);
    let answers: Vec<String> = cases(&file, "parameterize")
        .chain(cases(&file, "normalise_two_lines").map(with_mode))
        .map(|case| explain::message(&case).unwrap())
        .collect();
    let shares = score(
        &suite,
        &["messages", &output_file("messages.jsonl", &answers)],
    );
    assert_floors(
        &shares,
        &[("parameterize all", 1.0), ("normalise_two_lines all", 1.0)],
    );
}

#[test]
fn stack_trace_rules_work_as_expected() {
    let Some(suite) = suite() else { return };
    let file = read_json(&suite.join("enhancement-cases.json"));
    let answers: Vec<String> = cases(&file, "cases")
        .map(|case| explain::enhancements(&case, prepare).unwrap())
        .collect();
    let shares = score(
        &suite,
        &["enhancements", &output_file("enhancements.jsonl", &answers)],
    );
    let labels = ["valid", "in_app", "category", "app", "system"];
    assert_floors(&shares, &labels.map(|label| (label, 1.0)));
}

#[test]
fn fingerprint_rules_work_as_expected() {
    let Some(suite) = suite() else { return };
    let file = read_json(&suite.join("fingerprint-cases.json"));
    let answers: Vec<String> = cases(&file, "events")
        .map(|case| explain::fingerprint(&case, prepare).unwrap())
        .collect();
    let shares = score(
        &suite,
        &["fingerprints", &output_file("fingerprints.jsonl", &answers)],
    );
    let labels = ["matched_rule", "title", "variants"];
    assert_floors(&shares, &labels.map(|label| (label, 1.0)));
}

/// Facts on Unity's binaries that are newer than the other cases: package and source of a frame, and whether it is in-app.
#[test]
fn frames_of_unity_are_in_app_where_the_source_is_the_projects() {
    let Some(suite) = suite() else { return };
    let file = read_json(&suite.join("enhancement-cases.json"));
    for fact in file.get("unity_in_app_2026").unwrap().as_array().unwrap() {
        let mut frame = fact.as_object().unwrap().clone();
        let expected = frame.remove("in_app").unwrap();
        let name = frame.remove("name").unwrap();
        frame.insert("function", "Cart_Total_m1F");
        let case = Object::from_iter([
            ("name", name.clone()),
            ("rules", Json::from("")),
            ("platform", Json::from("native")),
            ("frames", Json::from(vec![Json::from(frame)])),
        ]);
        let answer = explain::enhancements(&json::to_string(&case.into()), prepare).unwrap();
        let answer = json::parse_str(&answer).unwrap();
        let classified = answer.get("classified").unwrap().as_array().unwrap();
        assert_eq!(classified[0].get("in_app"), Some(&expected), "{name:?}");
    }
}
