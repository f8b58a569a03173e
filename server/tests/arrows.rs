//! The arrows between the rooms: who may name whom. ARCHITECTURE.md shows the same as a picture.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each room may depend on, apart from `protocol`, which all may.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("query", &[]),
    ("rules", &["query"]),
    ("grouping", &["query"]),
    ("store", &["query"]),
    ("ingest", &["store"]),
    ("processor", &["grouping", "rules", "store"]),
    ("alerts", &["query", "store"]),
    ("api", &["query", "rules", "store"]),
    ("ui", &["query", "rules", "store"]),
    (
        "server",
        &[
            "alerts",
            "api",
            "grouping",
            "ingest",
            "processor",
            "query",
            "rules",
            "store",
            "ui",
        ],
    ),
    ("bench", &["grouping", "processor", "rules", "store"]),
];

/// Libraries that only some rooms may name.
const KEPT_APART: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    (
        "tokio",
        &[
            "alerts",
            "api",
            "bench",
            "ingest",
            "processor",
            "server",
            "store",
            "ui",
        ],
    ),
    ("axum", &["api", "ingest", "server", "ui"]),
    ("minijinja", &["ui"]),
    ("clap", &["bench", "server"]),
];

/// What cargo knows of the workspace.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The dependencies of each room, those for tests left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let room = |name: &Value| {
        name.as_str()
            .unwrap()
            .trim_start_matches("bugle-")
            .to_owned()
    };
    let of = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies
            .filter(|d| d["kind"] != "dev")
            .map(|d| d["name"].as_str().unwrap().to_owned())
            .collect()
    };
    packages
        .iter()
        .map(|package| (room(&package["name"]), of(package)))
        .collect()
}

#[test]
fn cargo_run_starts_the_server() {
    let metadata = metadata();
    let default = metadata["workspace_default_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages
        .filter(|package| default.contains(&package["id"]))
        .flat_map(|package| package["targets"].as_array().unwrap());
    let binaries: Vec<_> = targets
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap())
        .collect();
    assert_eq!(binaries, ["bugle"]);
}

#[test]
fn rooms_only_name_those_they_may() {
    let dependencies = dependencies();
    let known: BTreeSet<_> = ARROWS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(
        dependencies.keys().cloned().collect::<BTreeSet<_>>(),
        known,
        "a room was added or removed"
    );
    for (room, allowed) in ARROWS {
        for dependency in &dependencies[*room] {
            let Some(other) = dependency.strip_prefix("bugle-") else {
                continue;
            };
            assert!(
                other == "protocol" || allowed.contains(&other),
                "{room} must not depend on {other}"
            );
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (room, dependencies) in dependencies() {
        for (library, rooms) in KEPT_APART {
            assert!(
                !dependencies.contains(*library) || rooms.contains(&room.as_str()),
                "{room} must not depend on {library}"
            );
        }
    }
}
