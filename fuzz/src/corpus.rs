//! Writes what a cargo-fuzz target starts from.

use std::fs;
use std::path::Path;

use crate::captures::Captures;
use crate::targets::TARGETS;

/// Writes the seeds of a target to the folder that cargo-fuzz reads, before it does. What was found since stays there.
///
/// # Panics
/// If there is no such target, or its folder cannot be written.
pub fn fill(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("the name is in the table");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    fs::create_dir_all(&folder).expect("the corpus folder can be made");
    for (number, seed) in (target.seeds)(&Captures::read()).iter().enumerate() {
        let path = folder.join(format!("seed-{number:03}"));
        fs::write(path, seed).expect("a seed can be written");
    }
}
