//! Numbers, hashes and identifiers.

use super::text::{Text, is_alphanumeric};

const MAX_HEX: usize = 128;
const MAX_INT: usize = 7;
/// Longer runs of letters and digits are taken for encoded data, not for an identifier.
const MAX_RANDOM_ID: usize = 256;

/// W3C `00-trace-span-flags`, and the ids of AWS X-Ray.
pub(super) fn traceparent(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.word_may_start(at) {
        return None;
    }
    let end = if text.starts_with(at, "00-") {
        let end = hex_groups(text, at + "00-".len(), &[32, 16])?;
        let flags = text.starts_with(end, "-00") || text.starts_with(end, "-01");
        flags.then_some(end + "-00".len())?
    } else if text.starts_with(at, "1-") {
        hex_groups(text, at + "1-".len(), &[8, 24])?
    } else {
        return None;
    };
    text.word_may_end(end).then_some(end)
}

/// A UUID with dashes.
pub(super) fn uuid(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.word_may_start(at) {
        return None;
    }
    let end = hex_groups(text, at, &[8, 4, 4, 4, 12])?;
    text.word_may_end(end).then_some(end)
}

/// The end of groups of exactly so many hex digits with dashes between them.
fn hex_groups(text: &Text<'_>, at: usize, lengths: &[usize]) -> Option<usize> {
    let mut end = at;
    for (i, length) in lengths.iter().enumerate() {
        if i > 0 {
            if text.byte(end) != Some(b'-') {
                return None;
            }
            end += 1;
        }
        let start = end;
        end = text.run(start, *length, |b| b.is_ascii_hexdigit());
        if end - start != *length {
            return None;
        }
    }
    Some(end)
}

/// 40 hex digits.
pub(super) fn sha1(text: &Text<'_>, at: usize) -> Option<usize> {
    digest(text, at, 40)
}

/// 32 hex digits.
pub(super) fn md5(text: &Text<'_>, at: usize) -> Option<usize> {
    digest(text, at, 32)
}

fn digest(text: &Text<'_>, at: usize, length: usize) -> Option<usize> {
    let end = text.run(at, length + 1, |b| b.is_ascii_hexdigit());
    (end - at == length && text.word_may_start(at) && text.word_may_end(end)).then_some(end)
}

/// `12ms`, `1.5s`.
pub(super) fn duration(text: &Text<'_>, at: usize) -> Option<usize> {
    let digits_end = number_run(text, at)?;
    if !text.word_may_start(at) {
        return None;
    }
    let end = fraction(text, digits_end).unwrap_or(digits_end);
    ["ms", "s"]
        .into_iter()
        .filter(|unit| text.starts_with(end, unit))
        .map(|unit| end + unit.len())
        .find(|end| text.word_may_end(*end))
}

fn number_run(text: &Text<'_>, at: usize) -> Option<usize> {
    let end = text.run(at, MAX_HEX, |b| b.is_ascii_digit());
    (end > at).then_some(end)
}

fn fraction(text: &Text<'_>, at: usize) -> Option<usize> {
    match text.byte(at)? {
        b'.' => number_run(text, at + 1),
        _ => None,
    }
}

/// The transaction ids of `OpenStack` Swift: `tx`, 21 hex digits, a dash, 10 hex digits and whatever the server appends.
pub(super) fn swift_transaction_id(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.starts_with(at, "tx") || !text.word_may_start(at) {
        return None;
    }
    let end = hex_groups(text, at + "tx".len(), &[21, 10])?;
    Some(text.run(end, MAX_HEX, |b| is_alphanumeric(b) || b == b'-'))
}

/// Behind a minus that belongs to a number, not between two words; `at` where there is none.
fn behind_sign(text: &Text<'_>, at: usize) -> usize {
    match text.byte(at) {
        Some(b'-') if text.word_may_start(at) => at + 1,
        _ => at,
    }
}

/// `0x..`, 4 to 6 hex digits of one case with letters and digits, or 8 to 128 of one case; with their sign.
pub(super) fn hex(text: &Text<'_>, at: usize) -> Option<usize> {
    let start = behind_sign(text, at);
    if !text.run_may_start(start) {
        return None;
    }
    if text.starts_with(start, "0x") {
        let digits = start + "0x".len();
        let end = text.run(digits, usize::MAX, |b| b.is_ascii_hexdigit());
        return (end > digits && text.run_may_end(end)).then_some(end);
    }
    let end = text.run(start, MAX_HEX + 1, |b| b.is_ascii_hexdigit());
    let run = text.slice(start, end);
    let is_hex = match run.len() {
        4..=6 => is_one_case(run) && has_letter(run) && has_digit(run),
        8..=MAX_HEX => is_one_case(run),
        _ => false,
    };
    (is_hex && text.run_may_end(end)).then_some(end)
}

fn is_one_case(run: &str) -> bool {
    !(run.bytes().any(|b| b.is_ascii_lowercase()) && run.bytes().any(|b| b.is_ascii_uppercase()))
}

fn has_letter(run: &str) -> bool {
    run.bytes().any(|b| b.is_ascii_alphabetic())
}

fn has_digit(run: &str) -> bool {
    run.bytes().any(|b| b.is_ascii_digit())
}

/// Exactly 7 lower-case hex digits with letters and digits.
pub(super) fn git_sha(text: &Text<'_>, at: usize) -> Option<usize> {
    let end = text.run(at, 8, |b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let run = text.slice(at, end);
    let is_sha = run.len() == 7 && has_letter(run) && has_digit(run);
    (is_sha && text.word_may_start(at) && text.word_may_end(end)).then_some(end)
}

/// `-3.14`.
pub(super) fn float(text: &Text<'_>, at: usize) -> Option<usize> {
    let start = behind_sign(text, at);
    let end = fraction(text, number_run(text, start)?)?;
    (text.word_may_start(start) && text.word_may_end(end)).then_some(end)
}

/// 1 to 7 digits with their sign; more are an identifier, see [`hex`].
pub(super) fn int(text: &Text<'_>, at: usize) -> Option<usize> {
    let start = behind_sign(text, at);
    let end = text.run(start, MAX_INT + 1, |b| b.is_ascii_digit());
    let is_int = (1..=MAX_INT).contains(&(end - start));
    (is_int && text.run_may_start(start) && text.run_may_end(end)).then_some(end)
}

/// A run of letters and digits that switches between them at least three times; if it is short, with letters of both cases.
pub(super) fn random_id(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.run_may_start(at) {
        return None;
    }
    let end = text.run(at, MAX_RANDOM_ID + 1, is_alphanumeric);
    let run = text.slice(at, end);
    let is_long_enough = match run.len() {
        4..=5 => !is_one_case(run),
        6..=MAX_RANDOM_ID => true,
        _ => false,
    };
    (is_long_enough && switches(run) >= 3 && text.run_may_end(end)).then_some(end)
}

/// How often letters and digits follow each other.
fn switches(run: &str) -> usize {
    let pairs = run.as_bytes().windows(2);
    pairs
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count()
}
