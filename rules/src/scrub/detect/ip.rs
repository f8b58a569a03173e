//! IP addresses in a text.

use std::net::Ipv6Addr;

use memchr::memchr_iter;

use super::{Range, Reach};

/// The longest form: eight groups, the last two as IPv4.
const LONGEST_IPV6: usize = 45;

/// `1.1.1.1`.
const SHORTEST_IPV4: usize = 7;

/// The numbers of an IPv4 address.
const OCTETS: usize = 4;

/// The addresses of both kinds, in order.
///
/// IPv6 addresses are found in every form that [`Ipv6Addr`] reads but the bare `::`, and taken as a whole. Sentry's way
/// is to take of a shortened one only one group before the `::` and what follows.
pub(super) fn find(text: &str, reach: Reach) -> Vec<Range> {
    let mut ranges = find_ipv6(text, reach);
    let whole = ranges.len();
    let mut passed = 0;
    find_ipv4(text, |start, end| {
        while passed < whole && ranges[passed].1 <= start {
            passed += 1;
        }
        // Not the tail of `64:ff9b::192.0.2.1`.
        if passed == whole || end <= ranges[passed].0 {
            ranges.push((start, end));
        }
    });
    ranges.sort_unstable();
    ranges
}

/// Calls `found` for each IPv4 address that stands alone. Numbers may have leading zeros.
fn find_ipv4(text: &str, mut found: impl FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut passed = 0;
    for dot in memchr_iter(b'.', bytes) {
        if dot < passed {
            continue;
        }
        let before = bytes[passed..dot].iter().rev();
        let start = dot - before.take_while(|byte| byte.is_ascii_digit()).count();
        let after = bytes[dot..].iter();
        passed = dot
            + after
                .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
                .count();
        if passed - start >= SHORTEST_IPV4 {
            find_in_numbers(text, (start, passed), &mut found);
        }
    }
}

/// Calls `found` for each four neighbours in a run of digits and dots.
fn find_in_numbers(text: &str, (start, end): Range, found: &mut impl FnMut(usize, usize)) {
    let is_cut_before = text[..start].chars().next_back().is_some_and(is_word);
    let is_cut_after = text[end..].chars().next().is_some_and(is_word);
    let (mut octets, mut first, mut at) = (0, start, start);
    for number in text[start..end].split('.') {
        let next = at + number.len();
        let is_whole = !(is_cut_before && at == start || is_cut_after && next == end);
        if octets == 0 {
            first = at;
        }
        octets = if is_whole && is_octet(number) {
            octets + 1
        } else {
            0
        };
        if octets == OCTETS {
            found(first, next);
            octets = 0;
        }
        at = next + 1;
    }
}

fn is_octet(number: &str) -> bool {
    (1..=3).contains(&number.len()) && number.parse::<u8>().is_ok()
}

fn is_word(c: char) -> bool {
    // Not `is_alphanumeric`, to which `²` belongs: an address before a footnote's mark is one.
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

fn find_ipv6(text: &str, reach: Reach) -> Vec<Range> {
    let bytes = text.as_bytes();
    let belongs = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(**byte, b':' | b'.');
    let mut ranges = Vec::new();
    let mut passed = 0;
    for colon in memchr_iter(b':', bytes) {
        if colon < passed {
            continue;
        }
        let before = bytes[passed..colon].iter().rev();
        let start = colon - before.take_while(belongs).count();
        passed = colon + bytes[colon..].iter().take_while(belongs).count();
        let address = address_in(text, start, passed);
        ranges.extend(address.map(|range| part_of(text, range, reach)));
    }
    ranges
}

/// The address that `start..end` begins with, but for a colon or full stop of the sentence around it, or for what follows
/// a full stop, as in the name of a file.
fn address_in(text: &str, start: usize, end: usize) -> Option<Range> {
    let word = text.get(start..end)?;
    // A letter next to it makes it part of a name, such as `std::fmt`.
    let bounded = |c: Option<char>| !c.is_some_and(is_word);
    if word.bytes().filter(|byte| *byte == b':').take(2).count() < 2
        || !bounded(text[..start].chars().next_back())
    {
        return None;
    }
    let trimmed = word.trim_end_matches('.');
    let last_group = word.rfind(':').map_or(0, |colon| colon + 1);
    let stops = word[last_group..].rmatch_indices('.').take(LONGEST_IPV6);
    let cut = stops.map(|(stop, _)| &word[..last_group + stop]);
    let candidates = [Some(trimmed), trimmed.strip_suffix(':')];
    candidates
        .into_iter()
        .flatten()
        .chain(cut)
        .find_map(|word| {
            let is_address = word.len() <= LONGEST_IPV6
                && word != "::"
                && bounded(text[start + word.len()..].chars().next())
                && word.parse::<Ipv6Addr>().is_ok();
            is_address.then_some((start, start + word.len()))
        })
}

/// What is taken of the address in `range`.
///
/// The IPv4 address in `::ffff:192.0.2.1` is left to be found by itself, so that its hash is that of the same address
/// written alone; nothing of it stays.
fn part_of(text: &str, (start, end): Range, reach: Reach) -> Range {
    let address = &text[start..end];
    let end = match address.rfind(':') {
        Some(colon) if address.starts_with("::") && address.contains('.') => start + colon,
        _ => end,
    };
    let start = match address.find("::") {
        Some(gap) if reach == Reach::Sentry => {
            start + address[..gap].rfind(':').map_or(0, |colon| colon + 1)
        }
        _ => start,
    };
    (start, end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn by_expression(text: &str) -> Vec<Range> {
        let octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])";
        let expression = format!(r"\b(?:{octet}\.){{3}}{octet}\b");
        let expression = Regex::new(&expression).unwrap();
        let found = expression.find_iter(text);
        found.map(|found| (found.start(), found.end())).collect()
    }

    fn by_hand(text: &str) -> Vec<Range> {
        let mut ranges = Vec::new();
        find_ipv4(text, |start, end| ranges.push((start, end)));
        ranges
    }

    #[test]
    fn addresses_in_names_of_files_are_found() {
        for (text, expected) in [
            ("host 2001:db8::1e0.dmp", vec!["2001:db8::1e0"]),
            ("2001:db8::1.", vec!["2001:db8::1"]),
            ("fe80::1.2", vec!["fe80::1"]),
            ("64:ff9b::192.0.2.1.csv", vec!["64:ff9b::192.0.2.1"]),
            ("::ffff:192.0.2.1.dmp", vec!["::ffff", "192.0.2.1"]),
            ("64:ff9b::192.0.2.1.log", vec!["64:ff9b::192.0.2.1"]),
            ("64:ff9b::192.0.2.1", vec!["64:ff9b::192.0.2.1"]),
            ("std::fmt.rs", vec![]),
            ("a::b.call", vec!["a::b"]),
            ("12:34:56.789", vec![]),
        ] {
            let found = find(text, Reach::Wide);
            let found: Vec<_> = found.iter().map(|range| &text[range.0..range.1]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_by_hand_is_what_the_expression_finds(
            text in "(x|é|_| |-|\\.|0|1|25|255|256|10\\.0\\.0\\.1|1\\.2\\.3|\\.7){0,12}",
        ) {
            prop_assert_eq!(by_hand(&text), by_expression(&text), "{}", text);
        }
    }
}
