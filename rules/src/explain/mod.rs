//! Answers questions about rules: a line of JSON in, a line of JSON out.

pub mod scrub;

/// Answers a case of any op about rules, with `{"id", "output"}`; `None` if it is not JSON or of another op.
#[must_use]
pub fn case(line: &str) -> Option<String> {
    scrub::case(line)
}
