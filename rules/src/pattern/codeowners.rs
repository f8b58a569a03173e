//! Paths of CODEOWNERS files, which follow those of `.gitignore`.

use regex::{Regex, RegexBuilder};

use super::{MAX_COMPILED_BYTES, MAX_PATTERN_BYTES, push_literal};

/// A compiled path. With a slash anywhere but at its end it counts from the root, otherwise it may stand at any depth.
///
/// `*` and `?` stay within a folder, `**` between slashes stands for any number of folders; `docs/` is all that is in such a
/// folder, `docs/*` only what is directly in it. A path names a folder with all that is in it, too. A backslash at the
/// start is a file named `\`; braces and brackets have no meaning.
#[derive(Clone, Debug)]
pub struct OwnedPath {
    regex: Option<Regex>,
}

impl OwnedPath {
    /// Compiles a path; the empty one and one beyond [`MAX_PATTERN_BYTES`] match nothing.
    #[must_use]
    pub fn new(path: &str) -> Self {
        let is_usable = !path.is_empty() && path.len() <= MAX_PATTERN_BYTES;
        let compile = || {
            let regex = translate(path);
            let mut builder = RegexBuilder::new(&regex);
            builder.size_limit(MAX_COMPILED_BYTES).build().ok()
        };
        Self {
            regex: is_usable.then(compile).flatten(),
        }
    }

    /// Whether the file at `path` is among those that are meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let regex = self.regex.as_ref();
        regex.is_some_and(|regex| regex.is_match(path))
    }
}

fn translate(path: &str) -> String {
    if path.starts_with('\\') {
        return r"\\(?:\z|/)".to_owned();
    }
    let is_anchored = path.find('/').is_some_and(|at| at + 1 < path.len());
    let is_folder = path.ends_with('/');
    let path = path.trim_end_matches('/');
    let end = if is_folder {
        "/"
    } else if path.ends_with("/*") {
        r"\z"
    } else {
        r"(?:\z|/)"
    };
    let start = match (is_anchored, path.starts_with('/')) {
        (true, true) => r"\A/?",
        (true, false) => r"\A",
        (false, _) => r"(?:\A|/)",
    };
    let inner = if is_anchored {
        path.strip_prefix('/').unwrap_or(path)
    } else {
        path
    };
    let mut regex = String::from(start);
    push_path(inner, &mut regex);
    regex.push_str(end);
    regex
}

fn push_path(path: &str, regex: &mut String) {
    let mut rest = path;
    let mut is_after_slash = true;
    while let Some(c) = rest.chars().next() {
        if is_after_slash && let Some(tail) = after_folders(rest) {
            regex.push_str(".*");
            rest = tail;
            continue;
        }
        match c {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            _ => push_literal(c, regex),
        }
        is_after_slash = c == '/';
        rest = &rest[c.len_utf8()..];
    }
}

/// What follows `**/`, or `**` at the end.
fn after_folders(path: &str) -> Option<&str> {
    let tail = path.strip_prefix("**")?;
    if tail.is_empty() {
        Some(tail)
    } else {
        tail.strip_prefix('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_where_git_would() {
        for (path, yes, no) in [
            ("*", &["a", "a/b"][..], &[][..]),
            ("*.py", &["a.py", "x/a.py"], &["a.pyc"]),
            ("logs", &["logs", "a/logs/x"], &["mylogs"]),
            ("/logs", &["logs", "logs/x", "/logs"], &["a/logs"]),
            ("docs/", &["docs/a", "x/docs/a/b"], &["docs"]),
            ("docs/*", &["docs/a"], &["docs/a/b", "x/docs/a"]),
            ("/docs/**", &["docs/a", "docs/a/b"], &["x/docs/a"]),
            ("**/logs", &["logs", "a/b/logs", "a/logs/x"], &["a"]),
            ("a/**/z", &["a/z", "a/b/c/z"], &["b/z"]),
            ("a?c", &["abc", "abc/d"], &["a/c"]),
            ("x.{py,js}", &["x.{py,js}"], &["x.py"]),
            ("a b", &["a b"], &["a"]),
            ("\\x", &["a\\"], &["x"]),
            ("", &[], &["", "a"]),
            ("/", &["/a"], &["a"]),
        ] {
            let compiled = OwnedPath::new(path);
            for file in yes {
                assert!(compiled.matches(file), "{path:?} on {file:?}");
            }
            for file in no {
                assert!(!compiled.matches(file), "{path:?} on {file:?}");
            }
        }
    }
}
