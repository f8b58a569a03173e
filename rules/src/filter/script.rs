//! Errors of pages that do not fit their deployment.

use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Facts;

static CHUNK: LazyLock<Regex> = LazyLock::new(|| valid(r"(?is)^(?:Loading|Failed to load) chunk "));
static NAMED_CHUNK: LazyLock<Regex> = LazyLock::new(|| {
    valid(
        r"(?is)^ChunkLoadError: (?:Loading|Failed to load) chunk |^Uncaught \(in promise\): ChunkLoadError",
    )
});
static HYDRATION: LazyLock<Regex> = LazyLock::new(|| {
    valid(
        r"(?i)https://(?:reactjs\.org/docs/error-decoder\.html\?invariant=|react\.dev/errors/)(?:418|419|421|422|423|425)(?:\D|$)",
    )
});

fn valid(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

/// Whether a page asked for a script of a deployment that is gone.
pub(super) fn is_chunk_load_error(facts: &Facts<'_>) -> bool {
    facts.event.exceptions().any(|exception| {
        let (Some(ty), Some(value)) = (exception.ty(), exception.value()) else {
            return false;
        };
        is_chunk_load(ty, value)
    })
}

fn is_chunk_load(ty: &str, value: &str) -> bool {
    if ty.eq_ignore_ascii_case("ChunkLoadError") {
        return CHUNK.is_match(value);
    }
    let promise = value
        .get(.."Uncaught".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("Uncaught"));
    let is_type = if promise {
        ty.eq_ignore_ascii_case("Error")
    } else {
        contains_ignoring_case(ty, "Uncaught ")
    };
    is_type && NAMED_CHUNK.is_match(value)
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether React found other markup than its server had made.
pub(super) fn is_hydration_error(facts: &Facts<'_>) -> bool {
    let values = facts.event.exceptions().filter_map(|e| e.value());
    values.into_iter().any(|value| HYDRATION.is_match(value))
}

#[cfg(test)]
mod tests {
    use super::{HYDRATION, is_chunk_load};

    #[test]
    fn chunk_load_errors_are_told_from_others() {
        for (ty, value, expected) in [
            ("ChunkLoadError", "Loading chunk 3 failed.", true),
            ("chunkloaderror", "FAILED TO LOAD CHUNK 3\nmore", true),
            ("ChunkLoadError", "Loading chunks", false),
            ("ChunkLoadError", "Cannot loading chunk 3", false),
            ("Error", "Loading chunk 3 failed.", false),
            (
                "Error: Uncaught (in promise)",
                "ChunkLoadError: Loading chunk 3",
                true,
            ),
            (
                "uncaught error",
                "ChunkLoadError: Failed to load chunk 3",
                true,
            ),
            ("Uncaught", "ChunkLoadError: Loading chunk 3", false),
            (
                "Error",
                "Uncaught (in promise): ChunkLoadError: Loading chunk 3",
                true,
            ),
            (
                "TypeError",
                "Uncaught (in promise): ChunkLoadError: Loading chunk 3",
                false,
            ),
            ("Error", "ChunkLoadError: Loading chunk 3", false),
            ("Error", "é", false),
        ] {
            assert_eq!(is_chunk_load(ty, value), expected, "{ty}: {value}");
        }
    }

    #[test]
    fn hydration_errors_are_told_from_others() {
        for (value, expected) in [
            (
                "Minified React error #418; visit https://reactjs.org/docs/error-decoder.html?invariant=418 for",
                true,
            ),
            (
                "Minified React error #425; visit https://react.dev/errors/425",
                true,
            ),
            ("see https://react.dev/errors/423?args[]=x", true),
            ("see https://react.dev/errors/420", false),
            ("see https://react.dev/errors/4180", false),
            ("see http://react.dev/errors/418", false),
            ("Hydration failed", false),
        ] {
            assert_eq!(HYDRATION.is_match(value), expected, "{value}");
        }
    }
}
