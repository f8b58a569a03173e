//! IP addresses in a text.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

use super::{Range, Reach};

static IPV4: LazyLock<Regex> = LazyLock::new(|| {
    let octet = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])";
    super::compile(&format!(r"\b(?:{octet}\.){{3}}{octet}\b"))
});

/// The longest form: eight groups, the last two as IPv4.
const LONGEST_IPV6: usize = 45;

/// The addresses of both kinds, in order.
///
/// IPv6 addresses are found in every form that [`Ipv6Addr`] reads but the bare `::`, and taken as a whole. Sentry's way
/// is to take of a shortened one only one group before the `::` and what follows.
pub(super) fn find(text: &str, reach: Reach) -> Vec<Range> {
    let mut ranges = find_ipv6(text, reach);
    let whole = ranges.len();
    let mut passed = 0;
    for found in IPV4.find_iter(text) {
        while passed < whole && ranges[passed].1 <= found.start() {
            passed += 1;
        }
        // Not the tail of `64:ff9b::192.0.2.1`.
        if passed == whole || found.end() <= ranges[passed].0 {
            ranges.push((found.start(), found.end()));
        }
    }
    ranges.sort_unstable();
    ranges
}

fn find_ipv6(text: &str, reach: Reach) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (i, byte) in text.bytes().chain([b' ']).enumerate() {
        if byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.') {
            continue;
        }
        ranges.extend(address_in(text, start, i).map(|range| part_of(text, range, reach)));
        start = i + 1;
    }
    ranges
}

/// The address that fills `start..end`, but for a colon or full stop of the sentence around it.
fn address_in(text: &str, start: usize, end: usize) -> Option<Range> {
    let word = text.get(start..end)?;
    // A letter next to it makes it part of a name, such as `std::fmt`.
    let bounded = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if word.matches(':').take(2).count() < 2
        || !bounded(text[..start].chars().next_back())
        || !bounded(text[end..].chars().next())
    {
        return None;
    }
    let trimmed = word.trim_end_matches('.');
    let candidates = [Some(trimmed), trimmed.strip_suffix(':')];
    candidates.into_iter().flatten().find_map(|word| {
        let is_address =
            word.len() <= LONGEST_IPV6 && word != "::" && word.parse::<Ipv6Addr>().is_ok();
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
