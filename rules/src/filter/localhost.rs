//! What comes from a developer's machine.

use std::net::IpAddr;

use crate::facts::Facts;

/// Whether the user's address, the page's URL, the proxies or the host name say that the event never left its machine.
pub(super) fn is_local(facts: &Facts<'_>) -> bool {
    let user_ip = facts.event.user().and_then(|user| user.ip_address());
    if user_ip.is_some_and(is_loopback) {
        return true;
    }
    let Some(request) = facts.event.request() else {
        return false;
    };
    if facts
        .header("X-Forwarded-For")
        .is_some_and(|addresses| is_loopback(addresses.trim()))
    {
        return true;
    }
    match request.url() {
        Some(url) => is_local_url(url),
        None => ["Host", "X-Forwarded-Host"]
            .into_iter()
            .filter_map(|name| facts.header(name))
            .any(|host| is_local_name(without_port(host.trim()))),
    }
}

/// `127.0.0.1` or `::1`, also written as an IPv4 address in IPv6.
fn is_loopback(text: &str) -> bool {
    let address = text.parse::<IpAddr>().map(|ip| ip.to_canonical());
    address.is_ok_and(|ip| {
        ip == IpAddr::from([127, 0, 0, 1]) || ip == IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)
    })
}

fn is_local_url(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    if scheme.eq_ignore_ascii_case("file") {
        return true;
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    is_local_or_below(without_port(host))
}

/// The host of `host:port`; an IPv6 address is in brackets.
fn without_port(host: &str) -> &str {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split_once(']').map_or(host, |(address, _)| address);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// `localhost`, `127.0.0.1` or `::1`.
fn is_local_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "::1" || host == "127.0.0.1" || host.eq_ignore_ascii_case("localhost")
}

/// A local name, or a subdomain of one.
fn is_local_or_below(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_below = |local: &str| {
        let at = host.len().checked_sub(local.len());
        let parts = at.and_then(|at| host.split_at_checked(at));
        parts.is_some_and(|(before, end)| before.ends_with('.') && end.eq_ignore_ascii_case(local))
    };
    is_local_name(host) || is_below("localhost") || is_below("127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::is_local_url;

    #[test]
    fn local_addresses_are_told_from_others() {
        for url in [
            "http://localhost",
            "http://localhost:3000/x",
            "https://LOCALHOST/x",
            "http://shop.localhost:8000/",
            "http://127.0.0.1:8000/?a=b",
            "http://jane:secret@localhost/",
            "http://[::1]:8000/",
            "http://localhost./",
            "file:///home/jane/index.html",
            "FILE:/x",
        ] {
            assert!(is_local_url(url), "{url}");
        }
        for url in [
            "",
            "localhost",
            "https://shop.example/localhost",
            "https://localhost.example/",
            "https://mylocalhost/",
            "https://shop.example/?next=http://localhost/",
            "https://shop.example#@localhost",
            "https://127.0.0.10/",
            "https://127.0.0.1.example/",
            "http://[2001:db8::1]/",
            "profile://x",
            "https://é/",
        ] {
            assert!(!is_local_url(url), "{url}");
        }
    }
}
