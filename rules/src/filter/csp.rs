//! Security reports about what is not the site's own.

use crate::facts::Facts;

/// Sentry's list.
const DEFAULTS: [&str; 8] = [
    "about",
    "ms-browser-extension",
    "*.superfish.com",
    "chrome://*",
    "chrome-extension://*",
    "chromeinvokeimmediate://*",
    "chromenull://*",
    "localhost",
];

/// The longest list; what is behind it is left out.
pub(super) const MAX_SOURCES: usize = 1_000;

/// Origins: `scheme://domain:port`, of which each part may be `*` or, but for the domain, missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Vec<Origin>);

/// A pattern, or what a report names; `None` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: Option<String>,
    domain: Option<String>,
    port: Option<String>,
}

impl Origins {
    /// Sentry's list if it is wanted, and the team's own. Returns the places, from 1, of what is no origin.
    pub(super) fn new(with_defaults: bool, sources: &[String]) -> (Self, Vec<usize>) {
        let defaults = DEFAULTS.into_iter().filter(|_| with_defaults);
        let mut origins: Vec<Origin> = defaults.map(Origin::read).collect();
        let mut wrong = Vec::new();
        for (index, source) in sources.iter().take(MAX_SOURCES).enumerate() {
            let source = source.trim();
            if source.contains(|c: char| c.is_whitespace() || c.is_control()) {
                wrong.push(index + 1);
            } else if !source.is_empty() {
                origins.push(Origin::read(source));
            }
        }
        (Self(origins), wrong)
    }

    /// Whether the event is a report whose blocked resource, or the script that asked for it, has such an origin.
    pub(super) fn has_report(&self, facts: &Facts<'_>) -> bool {
        if self.0.is_empty() || facts.event.event_type() != "csp" {
            return false;
        }
        let Some(report) = facts.event.get("csp") else {
            return false;
        };
        ["blocked_uri", "source_file"]
            .into_iter()
            .filter_map(|member| report.get_str(member))
            .filter(|uri| !uri.is_empty())
            .any(|uri| self.contain(uri))
    }

    fn contain(&self, uri: &str) -> bool {
        let found = Origin::read(uri);
        self.0.iter().any(|origin| origin.covers(&found))
    }
}

impl Origin {
    fn read(text: &str) -> Self {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (domain, port) = match authority.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((domain, port)) if !port.ends_with(']') => (domain, Some(port)),
            _ => (authority, None),
        };
        let part = |part: &str| (part != "*").then(|| part.to_ascii_lowercase());
        Self {
            scheme: scheme.and_then(part),
            domain: part(domain),
            port: port.and_then(part),
        }
    }

    fn covers(&self, found: &Self) -> bool {
        // Of what is not loaded from the web, browsers report the scheme alone.
        if self.scheme.is_some() && self.domain.is_none() && found.scheme.is_none() {
            return self.scheme == found.domain;
        }
        let fits = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        fits(&self.scheme, &found.scheme)
            && fits(&self.port, &found.port)
            && match (self.domain.as_deref(), found.domain.as_deref()) {
                (None, _) => true,
                (Some(own), Some(other)) => is_under(own, other),
                (Some(_), None) => false,
            }
    }
}

/// Whether a domain is the one that is meant; `*.shop.example` means `shop.example` too.
fn is_under(pattern: &str, domain: &str) -> bool {
    match pattern.strip_prefix('*') {
        None => pattern == domain,
        Some(suffix) => domain.ends_with(suffix) || Some(domain) == suffix.strip_prefix('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::Origins;

    #[test]
    fn origins_cover_what_they_say() {
        for (pattern, uri, expected) in [
            ("shop.example", "https://shop.example/x.js", true),
            ("shop.example", "https://SHOP.example:8443/x.js", true),
            ("shop.example", "https://cdn.shop.example/x.js", false),
            ("*.shop.example", "https://cdn.shop.example/x.js", true),
            ("*.shop.example", "https://shop.example", true),
            ("*.shop.example", "https://myshop.example", false),
            ("https://shop.example", "http://shop.example", false),
            ("http://*", "http://shop.example:80", true),
            ("*://shop.example:443", "https://shop.example:443/a", true),
            ("*://shop.example:443", "https://shop.example:8443", false),
            ("https://shop.example:*", "https://shop.example:1", true),
            ("*", "data", true),
            ("data", "data", true),
            ("chrome-extension://*", "chrome-extension", true),
            ("chrome-extension://*", "chrome-extension://abc/x.js", true),
            ("chrome-extension://*", "https://chrome-extension", false),
            ("[::1]", "http://[::1]:8000/", true),
            ("shop.example", "inline", false),
        ] {
            let (origins, wrong) = Origins::new(false, &[pattern.to_owned()]);
            assert!(wrong.is_empty());
            assert_eq!(origins.contain(uri), expected, "{pattern} on {uri}");
        }
    }

    #[test]
    fn the_list_knows_extensions_and_local_pages() {
        let (origins, _) = Origins::new(true, &[]);
        for (uri, expected) in [
            ("about", true),
            ("about:blank", true),
            ("ms-browser-extension", true),
            ("https://www.superfish.com/x", true),
            ("chromenull://", true),
            ("http://localhost:3000/x.js", true),
            ("https://shop.example/x.js", false),
            ("eval", false),
            ("inline", false),
        ] {
            assert_eq!(origins.contain(uri), expected, "{uri}");
        }
        let (none, wrong) = Origins::new(false, &["".to_owned(), "a b".to_owned()]);
        assert_eq!(wrong, [2]);
        assert!(!none.contain("about"));
    }
}
