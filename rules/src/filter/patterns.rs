//! Lists of patterns, as Sentry's filters have them.

use regex::{Regex, RegexBuilder};

use crate::pattern::Pattern;

/// Compiled patterns, of which one is enough. They describe whole texts, without regard to case; `*` and `?` also stand
/// for `/` and line ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns(Vec<Regex>);

/// The longest list.
const MAX_PATTERNS: usize = 1_000;

/// How many patterns are compiled into one automaton, if it does not become too large.
const CHUNK: usize = 64;

/// What an automaton may take, in bytes.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;

impl Patterns {
    /// Compiles a list, in which blank items are no patterns. Returns what is wrong: the place, from 1, and why.
    pub(super) fn new(list: &[String]) -> (Self, Vec<(usize, String)>) {
        let (mut sources, mut wrong) = (Vec::new(), Vec::new());
        if list.len() > MAX_PATTERNS {
            let problem = format!("a list has at most {MAX_PATTERNS} patterns");
            wrong.push((MAX_PATTERNS + 1, problem));
        }
        for (index, pattern) in list.iter().take(MAX_PATTERNS).enumerate() {
            match compile_one(pattern.trim()) {
                Ok(None) => {}
                Ok(Some(pattern)) => sources.push(pattern),
                Err(problem) => wrong.push((index + 1, problem)),
            }
        }
        let mut compiled = Vec::new();
        for chunk in sources.chunks(CHUNK) {
            let all: Vec<_> = chunk.iter().map(Pattern::source).collect();
            match compile(&all.join("|")) {
                Ok(regex) => compiled.push(regex),
                // Together they are too large; each of them is not.
                Err(_) => compiled.extend(chunk.iter().filter_map(|p| compile(p.source()).ok())),
            }
        }
        wrong.sort_unstable();
        (Self(compiled), wrong)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn match_text(&self, text: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(text))
    }
}

fn compile_one(pattern: &str) -> Result<Option<Pattern>, String> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let compiled = Pattern::new(pattern, true).map_err(|error| error.to_string())?;
    if compiled.is_unclosed() {
        return Err("there is a `{` without `}` in the pattern".to_owned());
    }
    Ok(Some(compiled))
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    #[test]
    fn patterns_describe_whole_texts() {
        for (pattern, text, expected) in [
            (
                "*is not defined*",
                "ReferenceError: x IS NOT DEFINED\nat y",
                true,
            ),
            ("*is not defined", "x is not defined, really", false),
            ("shop@1.*", "shop@1.2.3", true),
            ("shop@1.*", "my-shop@1.2.3", false),
            ("shop@1.?", "shop@1.2", true),
            ("shop@1.?", "shop@1.22", false),
            ("a.c", "abc", false),
            ("v[0-9].[!a-c]", "v3.d", true),
            ("v[0-9].[!a-c]", "v3.a", false),
            ("[a^-]", "^", true),
            ("[a^-]", "-", true),
            ("{debug,dev*}", "DEVELOP", true),
            ("{debug,dev*}", "release", false),
            (r"\*\[x\]", "*[x]", true),
            (r"\*", "x", false),
            ("(a|b)+$", "(a|b)+$", true),
            ("***", "\n", true),
            ("ошибка *", "ОШИБКА 5", true),
            ("", "", false),
            ("  x  ", "x", true),
        ] {
            let (patterns, wrong) = Patterns::new(&[pattern.to_owned()]);
            assert_eq!(wrong, [], "{pattern}");
            assert_eq!(patterns.match_text(text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_reported_and_spoils_no_other() {
        let long = "x".repeat(5_000);
        let list = [
            "[a", "a]", "[z-a]", "{a", "a}", "{a,{b}}", "", "good*", &long, "\\", r"\\",
        ];
        let (patterns, wrong) = Patterns::new(&list.map(str::to_owned));
        let places: Vec<usize> = wrong.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1, 2, 3, 4, 5, 6, 9, 10], "{wrong:?}");
        assert!(patterns.match_text("goods") && patterns.match_text("\\"));
    }

    #[test]
    fn long_lists_and_large_patterns_are_bounded() {
        let many: Vec<String> = (0..900).map(|n| format!("*{n:04}*шум*[а-я]{n}*")).collect();
        let (patterns, wrong) = Patterns::new(&many);
        assert_eq!(wrong, []);
        assert!(patterns.match_text("x 0899 ШУМ я899"));
        assert!(!patterns.match_text("x 0899 ШУМ я898"));
        let stars = "*a?".repeat(300);
        let (patterns, _) = Patterns::new(&[stars]);
        assert!(patterns.match_text(&"ab".repeat(20_000)));
        assert!(!patterns.match_text(&"b".repeat(40_000)));
        let (_, wrong) = Patterns::new(&vec!["x".to_owned(); 2_000]);
        assert_eq!(wrong.len(), 1);
    }
}
