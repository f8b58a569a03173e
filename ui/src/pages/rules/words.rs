//! Sentences in which backticks are around what is code.

use serde::Serialize;

/// A part of a sentence, for `words()` in `rules_macros.html`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    text: String,
    is_code: bool,
}

/// The parts of a sentence. One whose backticks are no pairs quotes what somebody typed, and is shown as it is.
pub(super) fn words(sentence: &str) -> Vec<Words> {
    let has_pairs = sentence.matches('`').count().is_multiple_of(2);
    let parts = sentence.split(|c| c == '`' && has_pairs).enumerate();
    let parts = parts.map(|(index, text)| Words {
        text: text.to_owned(),
        is_code: index % 2 == 1,
    });
    parts.filter(|words| !words.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_words() {
        let parts = |sentence| -> Vec<(String, bool)> {
            let words = words(sentence).into_iter();
            words.map(|words| (words.text, words.is_code)).collect()
        };
        let part = |text: &str, is_code| (text.to_owned(), is_code);
        assert_eq!(
            parts("Its `level`."),
            [part("Its ", false), part("level", true), part(".", false)]
        );
        assert_eq!(parts("`a`"), [part("a", true)]);
        assert_eq!(parts("one ` alone"), [part("one ` alone", false)]);
        assert_eq!(parts(""), []);
    }
}
