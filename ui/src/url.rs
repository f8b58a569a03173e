//! The little that the pages need to know about URLs.

use std::fmt::Write as _;

/// `path?key=value&…`, pairs with empty values left out.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    let mut separator = '?';
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        url.push(separator);
        encode(key, &mut url);
        url.push('=');
        encode(value, &mut url);
        separator = '&';
    }
    url
}

/// Appends `text` with everything but unreserved characters percent-encoded.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// `text` if it may become a link: an absolute `http` or `https` URL without blanks. Anything else in an event stays text.
pub(crate) fn as_link(text: &str) -> Option<&str> {
    let scheme_end = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let is_web = scheme_end.starts_with("https://") || scheme_end.starts_with("http://");
    let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_plain && text.len() <= 2048).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        let pairs = [("query", "a b&c=é"), ("cursor", ""), ("status", "open")];
        assert_eq!(
            with_query("/x/", &pairs),
            "/x/?query=a%20b%26c%3D%C3%A9&status=open"
        );
        assert_eq!(with_query("/x/", &[]), "/x/");
    }

    #[test]
    fn only_web_addresses_become_links() {
        for good in ["http://x", "HTTPS://x/y?z=<script>"] {
            assert_eq!(as_link(good), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "//x",
            "http:/x",
            "",
            "ftp://x",
            "http://x y",
            "http://x\n",
            "ähttp://",
        ] {
            assert_eq!(as_link(bad), None, "{bad}");
        }
    }
}
