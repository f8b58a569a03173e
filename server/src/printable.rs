//! What clients sent, made harmless for a terminal.

/// Text that does to a terminal what text should: nothing but lines. Control characters, and those that hide or turn
/// around what is beside them, are written as `\u{1b}`.
pub(crate) fn printable(text: &str, keeps_lines: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if keeps_lines => safe.push(c),
            c if c.is_control() || is_invisible(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// Bytes as text; what is not UTF-8 is written as `\xff`.
pub(crate) fn printable_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        safe.push_str(&printable(chunk.valid(), true));
        for byte in chunk.invalid() {
            safe.push_str(&format!("\\x{byte:02x}"));
        }
    }
    safe
}

/// Joiners, direction marks, line and paragraph separators, tags.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_sent_does_nothing_to_a_terminal() {
        for (bytes, text) in [
            (&b"{\"a\":\t1}\n{}"[..], "{\"a\":\t1}\n{}"),
            ("Grüße, 世界".as_bytes(), "Grüße, 世界"),
            (b"\x1b]0;owned\x07", "\\u{1b}]0;owned\\u{7}"),
            (b"a\rb\0", "a\\u{d}b\\u{0}"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
            (b"\xff\xfea", "\\xff\\xfea"),
        ] {
            assert_eq!(printable_bytes(bytes), text);
        }
        assert_eq!(printable("a\tb\nc", false), "a\\u{9}b\\u{a}c");
    }
}
