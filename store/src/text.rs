//! Texts as the database takes them.

use std::borrow::Cow;

/// The first `max_chars` characters, and U+FFFD for every NUL, which PostgreSQL's texts cannot hold.
pub(crate) fn bounded(text: &str, max_chars: usize) -> Cow<'_, str> {
    let end = text.char_indices().nth(max_chars).map(|(end, _)| end);
    let text = &text[..end.unwrap_or(text.len())];
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_lose_their_nuls() {
        for (text, max_chars, expected) in [
            ("", 0, ""),
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "abc"),
            ("a\0b", 3, "a\u{fffd}b"),
            ("éé🦀é", 3, "éé🦀"),
            ("abc\0", 3, "abc"),
        ] {
            assert_eq!(bounded(text, max_chars), expected);
        }
    }
}
