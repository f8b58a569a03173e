//! Answers cases about releases and versions.

use bugle_protocol::release::{Release, Version};
use bugle_protocol::{Json, json::Object};

use super::object;

/// Op `release`: the parts of `release`.
pub(super) fn release(case: &Json<'_>) -> Result<Json<'static>, String> {
    let text = case.get_str("release").unwrap_or_default();
    let release = Release::parse(text).map_err(|error| error.to_string())?;
    let parts = object([
        ("package", optional(release.package())),
        ("version_raw", Json::from(release.version_text())),
        (
            "version_parsed",
            release.version().map_or(Json::Null, parts),
        ),
        ("build_hash", optional(release.build_hash())),
        ("description", Json::from(release.description())),
    ]);
    Ok(parts.into_owned())
}

/// Op `version`: the order of `a` and `b`, as lists show it and as semantic versioning does.
pub(super) fn version(case: &Json<'_>) -> Result<Json<'static>, String> {
    let read = |name| {
        let text = case.get_str(name).unwrap_or_default();
        Version::parse(text).ok_or_else(|| format!("`{text}` is not a version"))
    };
    let (a, b) = (read("a")?, read("b")?);
    let order = |order: std::cmp::Ordering| Json::from(order as i64);
    Ok(object([
        ("cmp", order(a.compare_listed(&b))),
        ("semver_cmp", order(a.compare_semver(&b))),
    ]))
}

fn parts(version: Version<'_>) -> Json<'_> {
    let numbers = version.numbers();
    // Numbers that no integer holds are shown as 0, next to what was written.
    let number = |index: usize| numbers[index].and_then(|number| number.parse::<u64>().ok());
    let mut parts = Object::new();
    for (index, name) in ["major", "minor", "patch", "revision"]
        .into_iter()
        .enumerate()
    {
        parts.insert(name, number(index).unwrap_or(0));
    }
    parts.insert("pre", optional(version.pre_release()));
    parts.insert("build_code", optional(version.build()));
    parts.insert("raw_short", version.short());
    parts.insert("components", numbers.iter().flatten().count() as u64);
    parts.insert("raw_quad", Json::Array(numbers.map(optional).to_vec()));
    Json::Object(parts)
}

fn optional(text: Option<&str>) -> Json<'_> {
    text.map_or(Json::Null, Json::from)
}
