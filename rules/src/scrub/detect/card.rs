//! Numbers of payment cards.

use std::sync::LazyLock;

use regex::Regex;

use super::{Range, Reach, captured, compile};

/// What Sentry finds: American Express (15 digits), Visa, Mastercard and Discover (16); one blank or dash may stand before
/// each digit after the first group. No checksum: a number with one mistyped digit is as private.
static BY_PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"\b(?:3[47][0-9]|4[0-9]{3}|5[1-5][0-9]{2}|6011|65[0-9]{2})(?:[-\s]?[0-9]){12}\b")
});

/// No card number has less.
pub(super) const FEWEST_DIGITS: usize = 13;

/// What [`BY_PREFIX`] finds has this many or more.
const FEWEST_BY_PREFIX: usize = 15;

/// No card number has more.
const MOST_DIGITS: usize = 19;

/// The first four digits of a network's numbers, from and to, and how many digits they have, from and to.
///
/// From the networks' own publications on issuer identification numbers (ISO/IEC 7812); where these allow lengths that
/// no issuer uses, only those in use.
const NETWORKS: [([u16; 2], [usize; 2]); 22] = [
    // Mir, and Mastercard's second series.
    ([2200, 2204], [16, 19]),
    ([2221, 2720], [16, 16]),
    // Diners Club.
    ([3000, 3059], [14, 14]),
    ([3095, 3095], [14, 14]),
    ([3600, 3699], [14, 14]),
    ([3800, 3999], [14, 14]),
    // American Express.
    ([3400, 3499], [15, 15]),
    ([3700, 3799], [15, 15]),
    // JCB.
    ([3528, 3589], [16, 16]),
    // Visa.
    ([4000, 4999], [13, 13]),
    ([4000, 4999], [16, 16]),
    ([4000, 4999], [19, 19]),
    // Maestro.
    ([5018, 5020], [13, 19]),
    ([5038, 5038], [13, 19]),
    ([6304, 6304], [13, 19]),
    ([6759, 6763], [13, 19]),
    // Mastercard.
    ([5100, 5599], [16, 16]),
    // Discover, and RuPay, which shares its ranges.
    ([6011, 6011], [16, 19]),
    ([6440, 6599], [16, 19]),
    ([6062, 6099], [16, 16]),
    // UnionPay.
    ([6200, 6299], [16, 19]),
    ([8100, 8171], [16, 19]),
];

/// The card numbers in a text, in order.
pub(super) fn find(text: &str, reach: Reach) -> Vec<Range> {
    let bytes = text.as_bytes();
    if !has_digits_in_row(bytes, FEWEST_DIGITS) {
        return Vec::new();
    }
    let by_prefix = match has_digits_in_row(bytes, FEWEST_BY_PREFIX) {
        true => captured(&BY_PREFIX, &[0], text),
        false => Vec::new(),
    };
    match reach {
        Reach::Sentry => by_prefix,
        Reach::Wide => merge(by_prefix, find_by_checksum(bytes)),
    }
}

/// Whether so many digits stand with nothing between them but what may stand in a card number, of which any amount is
/// passed over. Much cheaper than looking for numbers, and spares that for nearly all hashes, dates and lists.
fn has_digits_in_row(text: &[u8], wanted: usize) -> bool {
    let mut from = 0;
    // From its end a window is left as soon as anything else is in it, so that most bytes are not looked at.
    while let Some(window) = text.get(from..from + wanted) {
        if let Some(place) = window.iter().rposition(|byte| !may_be_in_number(*byte)) {
            from += place + 1;
            continue;
        }
        let row = text[from..]
            .iter()
            .take_while(|byte| may_be_in_number(**byte));
        let (mut length, mut digits) = (0, 0);
        for byte in row {
            length += 1;
            digits += usize::from(byte.is_ascii_digit());
        }
        if digits >= wanted {
            return true;
        }
        from += length;
    }
    false
}

/// A digit, a dash, or a blank, of which those beyond ASCII are several bytes.
fn may_be_in_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b' ' | b'-' | b'\t'..=b'\r' | 0x80..)
}

/// Adds to some ranges in order those of `more`, which are in order too, that overlap none.
fn merge(ranges: Vec<Range>, more: Vec<Range>) -> Vec<Range> {
    let mut more = more.into_iter().peekable();
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        while let Some(other) = more.next_if(|other| other.0 < range.1) {
            if other.1 <= range.0 {
                merged.push(other);
            }
        }
        merged.push(range);
    }
    merged.extend(more);
    merged
}

/// The numbers of any network whose checksum is right.
fn find_by_checksum(text: &[u8]) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(start) = (at..text.len()).find(|&i| text[i].is_ascii_digit()) {
        at = match card_at(text, start) {
            Some(end) => {
                ranges.push((start, end));
                end
            }
            None => digits_end(text, start),
        };
    }
    ranges
}

/// The end of the card number that begins at `start`, the first of some digits.
///
/// On paper a number stands in groups, the first of four digits, with a blank or a dash between them.
fn card_at(text: &[u8], start: usize) -> Option<usize> {
    if !is_free(text[..start].iter().rev()) {
        return None;
    }
    let mut number = Vec::with_capacity(MOST_DIGITS);
    let (mut at, mut found, mut separator) = (start, None, None);
    loop {
        let end = digits_end(text, at);
        if number.len() + (end - at) > MOST_DIGITS {
            return found;
        }
        number.extend_from_slice(&text[at..end]);
        if is_card(&number) && is_free(text[end..].iter()) {
            found = Some(end);
        }
        let next = text.get(end).copied();
        let goes_on = match separator {
            None => number.len() == 4 && matches!(next, Some(b' ' | b'-')),
            Some(_) => next == separator,
        };
        separator = next;
        at = end + 1;
        if !goes_on || !(3..=6).contains(&(digits_end(text, at) - at)) {
            return found;
        }
    }
}

/// The end of the digits that `start` is in.
fn digits_end(text: &[u8], start: usize) -> usize {
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    start + digits.count()
}

/// Whether what stands next to a number does not make it a part of a name or another number: `a4222…`, `0.4222…`,
/// `17-4222…`. Letters beyond ASCII count as such.
fn is_free<'t>(mut next: impl Iterator<Item = &'t u8>) -> bool {
    match next.next() {
        None => true,
        Some(b'.' | b'-') => !next.next().is_some_and(u8::is_ascii_digit),
        Some(byte) => byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'_',
    }
}

/// Whether a network gives out such numbers and the checksum is right.
fn is_card(digits: &[u8]) -> bool {
    let Some(first) = digits.get(..4) else {
        return false;
    };
    let first = first
        .iter()
        .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    let known = NETWORKS.iter().any(|([from, to], [shortest, longest])| {
        (*from..=*to).contains(&first) && (*shortest..=*longest).contains(&digits.len())
    });
    known && has_luhn_checksum(digits)
}

/// Luhn's sum: of every second digit from the right its double counts, and of what is over nine the sum of its digits.
fn has_luhn_checksum(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(
            |(place, digit)| match (u32::from(digit - b'0'), place % 2) {
                (digit, 0) => digit,
                (digit, _) if digit > 4 => digit * 2 - 9,
                (digit, _) => digit * 2,
            },
        )
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn without_counting(text: &str) -> [Vec<Range>; 2] {
        let by_prefix = captured(&BY_PREFIX, &[0], text);
        let merged = merge(by_prefix.clone(), find_by_checksum(text.as_bytes()));
        [by_prefix, merged]
    }

    proptest! {
        #[test]
        fn counting_digits_first_changes_nothing(
            text in "(4111|1111|4|2|0{9}|30|36|34|37[0-9]|5018|22223|6011|[0-9]{1,4}|[-\\s\u{a0}\u{2003}\u{3000}é.x:]){0,24}",
        ) {
            let found = [Reach::Sentry, Reach::Wide].map(|reach| find(&text, reach));
            prop_assert_eq!(found, without_counting(&text), "{:?}", text);
        }

        #[test]
        fn numbers_in_groups_are_found_as_without_counting(
            text in "[x ]?4[0-9]{3}([-\\s\u{85}\u{2028}]?[0-9]){8,15}[x ]?",
        ) {
            let found = [Reach::Sentry, Reach::Wide].map(|reach| find(&text, reach));
            prop_assert_eq!(found, without_counting(&text), "{:?}", text);
        }
    }
}
