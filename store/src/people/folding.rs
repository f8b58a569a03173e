//! Finds texts whatever the case of their letters.

/// Where bytes are next, whatever the case of the letters of ASCII.
pub(super) fn find_ignoring_case(text: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let first = *needle.first()?;
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        at += memchr::memchr2(first, first.to_ascii_uppercase(), rest)?;
        let candidate = text.get(at..at + needle.len())?;
        if candidate.eq_ignore_ascii_case(needle) {
            return Some(at);
        }
        at += 1;
    }
}

/// Where a text that was folded is next, whatever the case of its letters.
pub(super) fn find_folded(text: &[u8], needle: &str, from: usize) -> Option<(usize, usize)> {
    // Far cheaper: without what is ASCII at its end it is nowhere. The sign of Kelvin folds to a `k`.
    let tail = needle.trim_start_matches(|one: char| one != '@');
    if !tail.is_empty() && tail.is_ascii() && !tail.contains('k') {
        find_ignoring_case(text, tail.as_bytes(), from)?;
    }
    (from..text.len()).find_map(|at| Some((at, match_folded(text, needle, at)?)))
}

/// Where a needle ends that begins here.
fn match_folded(text: &[u8], needle: &str, mut at: usize) -> Option<usize> {
    let mut rest = needle;
    while !rest.is_empty() {
        let one = first_char(text.get(at..)?)?;
        for folded in fold_char(one) {
            rest = rest.strip_prefix(folded)?;
        }
        at += one.len_utf8();
    }
    Some(at)
}

fn first_char(bytes: &[u8]) -> Option<char> {
    let chunk = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(chunk) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&chunk[..error.valid_up_to()]).ok()?,
    };
    valid.chars().next()
}

/// Without case, letter by letter.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(fold_char).collect()
}

fn fold_char(one: char) -> impl Iterator<Item = char> {
    // The small sigma at the end of a word is the same letter.
    let same = if one == 'ς' { 'σ' } else { one };
    same.to_lowercase()
}
