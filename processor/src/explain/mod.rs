//! Answers questions about what processing would do, for users who try rules and for the suites: a line of JSON in, a
//! line of JSON out.

mod event;
mod grouping;
pub mod normalize;

use bugle_protocol::UnixMillis;
use bugle_protocol::json::{self, Json, Object};

pub use event::event;
pub use grouping::{enhancements, fingerprint, group, message};

/// Answers a case of any op that normalising or scrubbing knows, with `{"id", "output"}`; what cannot be answered has
/// `{"error": text}` as its output.
#[must_use]
pub fn case(line: &str) -> String {
    normalize::case(line)
        .or_else(|| bugle_rules::explain::case(line, UnixMillis::now()))
        .unwrap_or_else(|| no_answer(line))
}

fn no_answer(line: &str) -> String {
    let (id, error) = match json::parse_str(line) {
        Ok(case) => {
            let op = case.get_str("op").unwrap_or_default();
            let id = case.get("id").cloned().unwrap_or_default();
            (id.into_owned(), format!("unknown op '{op}'"))
        }
        Err(error) => (Json::Null, format!("invalid JSON: {error}")),
    };
    let output = Object::from_iter([("error", Json::from(error))]);
    json::to_string(&Json::Object(Object::from_iter([
        ("id", id),
        ("output", Json::Object(output)),
    ])))
}
