//! Resources that a browser loads: host, well-known folders, and the file without its hash.

use url::Url;

use super::http::data_url;
use super::{Description, host, starred};

/// Folders that say what a resource is; others may be anybody's names.
const FOLDERS: [&str; 24] = [
    "_next", "_nuxt", "api", "app", "asset", "assets", "build", "bundles", "chunks", "css", "dist",
    "fonts", "images", "img", "js", "lib", "media", "npm", "public", "scripts", "src", "static",
    "styles", "webpack",
];

const IMAGES: [&str; 10] = [
    "avif", "bmp", "gif", "ico", "jpeg", "jpg", "png", "svg", "tiff", "webp",
];

const MAX_FILE_CHARS: usize = 25;

/// Describes `https://cdn.example.com/static/v2/app.9b2e41aa.js` as `https://*.example.com/static/*/app.*.js`.
pub(super) fn describe(description: &str) -> Option<Description> {
    let text = description.trim();
    if let Some(kind) = data_url(text) {
        return Some(Description::of(kind));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(_) if text.starts_with('/') => {
            let (path, _) = text.split_once(['?', '#']).unwrap_or((text, ""));
            return Some(Description::of(describe_path(path)));
        }
        Err(_) => return None,
    };
    if url.scheme().ends_with("-extension") {
        return Some(Description::of("browser-extension://*"));
    }
    let host = host::of(&url)?;
    let path = describe_path(url.path());
    Some(Description {
        text: Some(format!("{}://{host}{path}", url.scheme())),
        action: None,
        domain: Some(host),
    })
}

fn describe_path(path: &str) -> String {
    let Some((folders, file)) = path.rsplit_once('/') else {
        return describe_file(path);
    };
    let mut out = String::new();
    let mut was_hidden = false;
    for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
        let is_known = FOLDERS.contains(&folder);
        if is_known || !was_hidden {
            out.push('/');
            out.push_str(if is_known { folder } else { "*" });
        }
        was_hidden = !is_known;
    }
    out.push('/');
    out.push_str(&describe_file(file));
    out
}

fn describe_file(file: &str) -> String {
    let Some((name, extension)) = file.rsplit_once('.') else {
        return if file.is_empty() {
            String::new()
        } else {
            "*".to_owned()
        };
    };
    let digits = extension.bytes().filter(u8::is_ascii_digit).count();
    let is_short = (1..=10).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_short || digits > 1 {
        return "*".to_owned();
    }
    if IMAGES.contains(&&*extension.to_ascii_lowercase()) || !is_telling(name) {
        return format!("*.{extension}");
    }
    format!("{}.{extension}", starred(name))
}

/// Whether a file's name looks like one that a person gave it.
fn is_telling(name: &str) -> bool {
    let has_case = |check: fn(&u8) -> bool| name.bytes().any(|byte| check(&byte));
    let is_mixed = has_case(u8::is_ascii_lowercase) && has_case(u8::is_ascii_uppercase);
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !is_mixed && name.len() <= MAX_FILE_CHARS && name.bytes().all(known)
}

#[cfg(test)]
mod tests {
    #[test]
    fn resources_keep_what_is_the_same_for_all() {
        let cases = [
            (
                "https://cdn.example.com/static/v2/x/app.9b2e41aa.js?x=1",
                "https://*.example.com/static/*/app.*.js",
            ),
            (
                "https://example.com/img/bob.png",
                "https://example.com/img/*.png",
            ),
            ("https://example.com/data", "https://example.com/*"),
            ("https://example.com/", "https://example.com/"),
            ("/assets/main-20240101.css#x", "/assets/main-*.css"),
            (
                "https://example.com/js/aVeryMixedName.js",
                "https://example.com/js/*.js",
            ),
            (
                "chrome-extension://abcdef/inject.js",
                "browser-extension://*",
            ),
            ("data:image/png;base64,AA", "data:image/*"),
        ];
        for (description, expected) in cases {
            let described = super::describe(description).unwrap();
            assert_eq!(described.text.as_deref(), Some(expected));
        }
        assert_eq!(super::describe("no url"), None);
    }
}
