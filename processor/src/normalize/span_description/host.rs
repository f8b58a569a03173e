//! Hosts without what is made up for one customer: `api.eu.example.com` becomes `*.example.com`.

use url::{Host, Url};

/// Second labels under which countries give out names: `example.co.uk`.
const COUNTRY_SUFFIXES: [&str; 10] = [
    "ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org",
];

/// Domains below which each name has another owner.
const HOSTING: [&str; 18] = [
    "appspot.com",
    "azurewebsites.net",
    "cloudfront.net",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "run.app",
    "s3.amazonaws.com",
    "supabase.co",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// The host and port of a URL, as they are counted; `None` for a URL without a host.
pub(super) fn of(url: &Url) -> Option<String> {
    let host = match url.host()? {
        Host::Domain(name) => domain(name),
        Host::Ipv4(address) if address.is_loopback() => address.to_string(),
        Host::Ipv4(_) => "*.*.*.*".to_owned(),
        Host::Ipv6(address) if address.is_loopback() => "[::1]".to_owned(),
        Host::Ipv6(_) => "[*:*:*:*:*:*:*:*]".to_owned(),
    };
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// Keeps the labels that name an owner; those before are one `*`.
fn domain(name: &str) -> String {
    let name = name.trim_end_matches('.');
    let owner = owner(name);
    if owner.len() == name.len() {
        return name.to_owned();
    }
    format!("*.{owner}")
}

fn owner(name: &str) -> &str {
    let mut starts = name
        .rmatch_indices('.')
        .map(|(dot, _)| dot + 1)
        .chain([0])
        .map(|start| &name[start..]);
    let (Some(top), Some(second)) = (starts.next(), starts.next()) else {
        return name;
    };
    let label = second.split('.').next().unwrap_or_default();
    let is_country = top.len() == 2 && COUNTRY_SUFFIXES.contains(&label);
    if is_country || HOSTING.contains(&second) {
        return starts.next().unwrap_or(second);
    }
    match starts.next() {
        Some(third) if HOSTING.contains(&third) => starts.next().unwrap_or(third),
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    #[test]
    fn hosts_keep_their_owner() {
        let cases = [
            ("https://example.com/a", "example.com"),
            ("https://api.eu.example.com:8443/a", "*.example.com:8443"),
            ("https://www.example.co.uk", "*.example.co.uk"),
            ("https://bob.github.io/x", "bob.github.io"),
            ("https://bucket.s3.amazonaws.com", "bucket.s3.amazonaws.com"),
            (
                "https://a.bucket.s3.amazonaws.com",
                "*.bucket.s3.amazonaws.com",
            ),
            ("http://localhost:3000", "localhost:3000"),
            ("http://127.0.0.1/", "127.0.0.1"),
            ("http://10.1.2.3/", "*.*.*.*"),
            ("http://[::1]:80/", "[::1]"),
            ("http://[2001:db8::1]/", "[*:*:*:*:*:*:*:*]"),
        ];
        for (url, expected) in cases {
            let url = Url::parse(url).unwrap();
            assert_eq!(super::of(&url).as_deref(), Some(expected));
        }
        assert_eq!(super::of(&Url::parse("data:x").unwrap()), None);
    }
}
