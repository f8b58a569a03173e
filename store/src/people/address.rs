//! How an identifier may be written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address as the one it is: an IPv4 address that is written as one of IPv6 is the same.
pub(super) fn parse_ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok()?;
    Some(ip.to_canonical())
}

/// The ways in which an identifier may be written, apart from its case: as it is, as in addresses (also twice), forms and HTML.
/// An IP address is also found however it is written, but not in addresses.
pub(super) fn spellings(text: &str, ip: Option<IpAddr>) -> Vec<String> {
    let mut plain = vec![text.to_owned()];
    match ip {
        Some(IpAddr::V6(ip)) => plain.extend(spellings_of_v6(ip)),
        Some(IpAddr::V4(ip)) => plain.extend(spellings_of_v4(ip)),
        None => {}
    }
    let mut all = plain.clone();
    for one in &plain {
        let encoded = percent_encoded(one);
        // An escaped `%` is an escape itself.
        all.push(encoded.replace('%', "%25"));
        all.push(encoded.replace("%20", "+"));
        all.push(encoded);
        all.push(one.replace(' ', "+"));
    }
    for sign in ["&#64;", "&#x40;", "&commat;", "\\u0040"] {
        all.push(text.replace('@', sign));
    }
    all
}

fn spellings_of_v4(ip: Ipv4Addr) -> [String; 2] {
    [ip.to_string(), ip.to_ipv6_mapped().to_string()]
}

/// With and without leading zeros, and with the longest run of zeros left out.
fn spellings_of_v6(ip: Ipv6Addr) -> [String; 3] {
    let groups = ip.segments();
    let join = |group: &dyn Fn(&u16) -> String| {
        let groups: Vec<_> = groups.iter().map(group).collect();
        groups.join(":")
    };
    [
        ip.to_string(),
        join(&|group| format!("{group:x}")),
        join(&|group| format!("{group:04x}")),
    ]
}

/// As it is written in an address.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
