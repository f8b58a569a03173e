//! Where the pages are mounted, as browsers see it.

/// The parts of the public URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Scheme, host and port, as browsers send them in `Origin`.
    pub(crate) origin: String,
    /// The path in front of every link: empty, or `/bugle`.
    pub(crate) prefix: String,
    /// Whether cookies can be bound to TLS.
    pub(crate) is_https: bool,
}

impl Site {
    /// Splits `scheme://host[:port][/path]`.
    pub(crate) fn of(base_url: &str) -> Self {
        let host_start = base_url.find("://").map_or(0, |at| at + 3);
        let path_start = base_url[host_start..]
            .find('/')
            .map_or(base_url.len(), |at| host_start + at);
        let (origin, path) = base_url.split_at(path_start);
        let origin = origin.to_ascii_lowercase();
        Self {
            is_https: origin.starts_with("https://"),
            origin: without_default_port(origin),
            prefix: path.trim_end_matches('/').to_owned(),
        }
    }

    /// The link to `path`, which begins with a slash.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// `target` if it is a page of ours, so that a link to the sign-in page cannot lead people elsewhere afterwards.
    pub(crate) fn own_page<'t>(&self, target: &'t str) -> Option<&'t str> {
        let path = target.strip_prefix(self.prefix.as_str())?;
        // Browsers read `//host` and `/\host` as another site, and drop tabs and line ends before they look.
        let is_local = path.starts_with('/') && !path.starts_with("//") && !target.contains('\\');
        let is_plain = target.bytes().all(|b| b.is_ascii_graphic()) && !target.starts_with("//");
        (is_local && is_plain).then_some(target)
    }
}

/// Browsers leave the scheme's own port out of `Origin`.
fn without_default_port(origin: String) -> String {
    let port = if origin.starts_with("https://") {
        ":443"
    } else {
        ":80"
    };
    match origin.strip_suffix(port) {
        Some(short) => short.to_owned(),
        None => origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_an_origin_and_a_prefix() {
        for (url, origin, prefix, is_https) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000", "", false),
            ("https://X.example/", "https://x.example", "", true),
            ("https://x:443/bugle/", "https://x", "/bugle", true),
            ("http://[::1]:80/a/b", "http://[::1]", "/a/b", false),
        ] {
            let site = Site::of(url);
            let seen = (site.origin.as_str(), site.prefix.as_str(), site.is_https);
            assert_eq!(seen, (origin, prefix, is_https), "{url}");
        }
    }

    #[test]
    fn only_own_pages_are_redirect_targets() {
        let site = Site::of("https://x/bugle");
        assert_eq!(
            site.own_page("/bugle/issues/?a=b"),
            Some("/bugle/issues/?a=b")
        );
        for foreign in [
            "//evil",
            "/bugle//evil",
            "/bugle/\\evil",
            "/\\evil",
            "https://evil",
            "/other",
            "/bugleevil",
            "/bugle/\n/x",
            "javascript:x",
            "",
        ] {
            assert_eq!(site.own_page(foreign), None, "{foreign}");
        }
        assert_eq!(Site::of("https://x").own_page("//evil"), None);
        assert_eq!(Site::of("https://x").own_page("/\t/evil"), None);
    }
}
