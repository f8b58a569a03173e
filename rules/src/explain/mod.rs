//! Answers questions about rules: a line of JSON in, a line of JSON out.

mod patterns;
mod releases;
mod sampling;
pub mod scrub;
mod tables;

use bugle_protocol::UnixMillis;
use bugle_protocol::json::{self, Json, Object};

/// Answers a case of any op about rules, with `{"id", "output"}`; `None` if it is not JSON or of another op.
///
/// Beside those of [`scrub::case`] the ops are: `release` (`release`) and `version` (`a`, `b`); `pattern` (with `ci`), `glob`
/// (with its switches) and `codeowners` (`pattern`, `haystacks`); `condition` and `sampling_config` (`text`), answered with
/// `{"valid","message"?}`; `sampling` (`project`, `root`, `dsc`, `event`, `now`?) and `seed` (`uuid`); `import` (`text`, rules of
/// Sentry's) answered with `{"lines"}`; `categories`, the protocol's tables. What cannot be answered is `{"error": text}`. `now` is when it is asked.
#[must_use]
pub fn case(line: &str, now: UnixMillis) -> Option<String> {
    scrub::case(line).or_else(|| {
        let case = json::parse_str(line).ok()?;
        let output = answer(&case, now)?;
        let output = output.unwrap_or_else(|error| object([("error", Json::from(error))]));
        let id = Json::from(case.get_str("id").unwrap_or_default());
        Some(json::to_string(&object([("id", id), ("output", output)])))
    })
}

fn answer(case: &Json<'_>, now: UnixMillis) -> Option<Result<Json<'static>, String>> {
    Some(match case.get_str("op")? {
        "release" => releases::release(case),
        "version" => releases::version(case),
        "pattern" => patterns::pattern(case),
        "glob" => Ok(patterns::glob(case)),
        "codeowners" => Ok(patterns::codeowners(case)),
        "condition" => Ok(sampling::condition(case)),
        "sampling_config" => Ok(sampling::config(case)),
        "sampling" => sampling::sampling(case, now),
        "seed" => sampling::seed(case),
        "import" => sampling::import(case),
        "categories" => Ok(tables::categories()),
        _ => return None,
    })
}

fn object<'a, const N: usize>(members: [(&'static str, Json<'a>); N]) -> Json<'a> {
    Json::Object(Object::from_iter(members))
}

fn verdict(checked: Result<(), String>) -> Json<'static> {
    match checked {
        Ok(()) => object([("valid", Json::Bool(true))]),
        Err(message) => object([
            ("valid", Json::Bool(false)),
            ("message", Json::from(message)),
        ]),
    }
}
