//! Calls over HTTP: method and host.

use url::Url;

use super::Description;
use super::host;

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// Describes `GET https://api.example.com/users/1?x=2` as `GET https://*.example.com`. Without a known method there is
/// nothing to say.
pub(super) fn describe(description: &str) -> Option<Description> {
    let (method, target) = description.trim().split_once(' ')?;
    let target = target.trim_start();
    let method = method.to_ascii_uppercase();
    if !METHODS.contains(&&*method) || target.is_empty() {
        return None;
    }
    let domain = Url::parse(target).ok().and_then(|url| {
        let host = host::of(&url)?;
        Some((format!("{}://{host}", url.scheme()), host))
    });
    let (target, domain) = match domain {
        Some((origin, host)) => (origin, Some(host)),
        None => (data_url(target).unwrap_or("*").to_owned(), None),
    };
    Some(Description {
        text: Some(format!("{method} {target}")),
        action: Some(method),
        domain,
    })
}

/// The kind of data that a `data:` URL holds.
pub(super) fn data_url(url: &str) -> Option<&'static str> {
    let kind = url.strip_prefix("data:")?;
    Some(if kind.starts_with("image/") {
        "data:image/*"
    } else {
        "data:*"
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn calls_keep_method_and_host() {
        let cases = [
            (
                "GET https://api.example.com/users/1?x=2",
                "GET https://*.example.com",
            ),
            ("post http://10.0.0.1:8000/", "POST http://*.*.*.*:8000"),
            ("GET /users/1", "GET *"),
            ("GET data:image/png;base64,AAAA", "GET data:image/*"),
        ];
        for (description, expected) in cases {
            let described = super::describe(description).unwrap();
            assert_eq!(described.text.as_deref(), Some(expected));
        }
        for nothing in ["", "GET", "https://example.com", "FROB https://example.com"] {
            assert_eq!(super::describe(nothing), None, "{nothing}");
        }
    }
}
