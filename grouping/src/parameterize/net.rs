//! E-mail addresses, URLs, host names and IP addresses.

use std::net::Ipv6Addr;

use super::text::{Text, is_alphanumeric};

const MAX_LOCAL_PART: usize = 64;
const MAX_SCHEME: usize = 32;
const MAX_LABEL: usize = 63;
const MAX_HOST: usize = 253;
/// Longest text that can be an IPv6 address.
const MAX_IPV6: usize = 45;

/// The top-level domains that turn up most, sorted; file extensions among the rarer ones would make hosts of files.
const TOP_LEVEL_DOMAINS: [&str; 98] = [
    "ae", "al", "app", "ar", "at", "au", "be", "bg", "biz", "br", "by", "ca", "cat", "cc", "cf",
    "ch", "cl", "club", "cn", "co", "com", "cz", "de", "dk", "edu", "ee", "es", "eu", "fi", "fm",
    "fr", "ga", "gov", "gq", "gr", "hk", "hr", "hu", "id", "ie", "il", "in", "info", "io", "ir",
    "is", "it", "jobs", "jp", "kr", "kz", "la", "link", "lt", "lv", "ly", "me", "mobi", "ms", "mx",
    "my", "net", "news", "ng", "nl", "no", "nz", "online", "org", "pe", "ph", "pl", "pro", "pt",
    "ro", "ru", "sa", "se", "sg", "si", "site", "sk", "th", "tips", "tk", "to", "tr", "tv", "tw",
    "ua", "ug", "uk", "us", "vn", "wiki", "xxx", "xyz", "za",
];

/// `local@host`.
pub(super) fn email(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.has_at_sign {
        return None;
    }
    let local_end = text.run(at, MAX_LOCAL_PART, |b| {
        is_alphanumeric(b) || b".!#$%&'*+/=?^_`{|}~-".contains(&b)
    });
    if local_end == at || text.byte(local_end) != Some(b'@') {
        return None;
    }
    let mut end = label(text, local_end + 1)?;
    while text.byte(end) == Some(b'.') && end - local_end < MAX_HOST {
        match label(text, end + 1) {
            Some(label_end) => end = label_end,
            None => break,
        }
    }
    Some(end)
}

/// The end of a label of a host name: letters, digits and inner dashes.
fn label(text: &Text<'_>, at: usize) -> Option<usize> {
    let mut end = text.run(at, MAX_LABEL, |b| is_alphanumeric(b) || b == b'-');
    while end > at && text.is_before(end, b'-') {
        end -= 1;
    }
    (end > at && text.byte(at) != Some(b'-')).then_some(end)
}

/// `scheme://` and everything up to the next blank.
pub(super) fn url(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.byte(at)?.is_ascii_alphabetic() || !text.word_may_start(at) {
        return None;
    }
    let scheme_end = text.run(at, MAX_SCHEME, |b| {
        is_alphanumeric(b) || matches!(b, b'+' | b'.' | b'-')
    });
    if !text.starts_with(scheme_end, "://") {
        return None;
    }
    let start = scheme_end + "://".len();
    let rest = text.rest(start);
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    (length > 0).then_some(start + length)
}

/// Dotted labels up to the first that is a well-known top-level domain, written all in lower or all in upper case.
pub(super) fn hostname(text: &Text<'_>, at: usize) -> Option<usize> {
    if !is_alphanumeric(text.byte(at)?) || !text.word_may_start(at) {
        return None;
    }
    let mut end = label(text, at)?;
    while text.byte(end) == Some(b'.') && end - at < MAX_HOST {
        let start = end + 1;
        let word_end = text.run(start, MAX_LABEL, |b| b.is_ascii_alphabetic());
        if is_top_level_domain(text.slice(start, word_end)) && text.word_may_end(word_end) {
            return Some(word_end);
        }
        end = label(text, start)?;
    }
    None
}

fn is_top_level_domain(label: &str) -> bool {
    let one_case = label.bytes().all(|b| b.is_ascii_lowercase())
        || label.bytes().all(|b| b.is_ascii_uppercase());
    one_case
        && TOP_LEVEL_DOMAINS
            .binary_search(&label.to_ascii_lowercase().as_str())
            .is_ok()
}

/// An IPv4 address, or an IPv6 address with its zone and prefix length.
pub(super) fn ip(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.word_may_start(at) {
        return None;
    }
    ipv4(text, at).or_else(|| ipv6(text, at))
}

fn ipv4(text: &Text<'_>, at: usize) -> Option<usize> {
    let mut end = at;
    for part in 0..4 {
        if part > 0 {
            if text.byte(end) != Some(b'.') {
                return None;
            }
            end += 1;
        }
        let start = end;
        end = text.run(start, 4, |b| b.is_ascii_digit());
        text.slice(start, end).parse::<u8>().ok()?;
    }
    text.word_may_end(end).then_some(end)
}

fn ipv6(text: &Text<'_>, at: usize) -> Option<usize> {
    if text.is_before(at, b':')
        || !matches!(text.byte(at)?, b':' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
    {
        return None;
    }
    let mut end = text.run(at, MAX_IPV6 + 1, |b| {
        b.is_ascii_hexdigit() || matches!(b, b':' | b'.')
    });
    if !text.slice(at, end).contains(':') {
        return None;
    }
    // A sentence may go on behind the address: "fe80::1: no route".
    if text.is_before(end, b'.')
        || text.is_before(end, b':') && !text.slice(at, end).ends_with("::")
    {
        end -= 1;
    }
    let candidate = text.slice(at, end);
    if candidate == "::" || !text.word_may_end(end) || candidate.parse::<Ipv6Addr>().is_err() {
        return None;
    }
    Some(prefix_length(text, zone(text, end)))
}

/// Behind `%` and the name of an interface.
fn zone(text: &Text<'_>, end: usize) -> usize {
    match text.byte(end) {
        Some(b'%') => text.run(end + 1, MAX_LABEL, is_alphanumeric),
        _ => end,
    }
}

/// Behind `/` and the bits of a network.
fn prefix_length(text: &Text<'_>, end: usize) -> usize {
    if text.byte(end) != Some(b'/') {
        return end;
    }
    let digits_end = text.run(end + 1, 3, |b| b.is_ascii_digit());
    if digits_end > end + 1 && text.word_may_end(digits_end) {
        digits_end
    } else {
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_domains_are_sorted() {
        assert!(TOP_LEVEL_DOMAINS.is_sorted());
    }
}
