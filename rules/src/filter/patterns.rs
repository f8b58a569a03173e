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

/// Bytes of the patterns in one automaton, so that few are tried that become too large.
const CHUNK_BYTES: usize = 4 * 1024;

/// What an automaton may take in bytes: the first of these that suffices is what it is counted with.
const COMPILED_BYTES: [usize; 3] = [64 * 1024, 256 * 1024, 1024 * 1024];

/// What all automata of a document may take, in bytes.
const MAX_COMPILED_BYTES: usize = 16 * 1024 * 1024;

/// A pattern that can be compiled: its place in the list, from 1, and the regular expression that means the same.
type Source = (usize, String);

/// What the lists of a document may still take.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: MAX_COMPILED_BYTES,
        }
    }
}

impl Patterns {
    /// Compiles a list, in which blank items are no patterns. Returns what is wrong: the place, from 1, and why.
    pub(super) fn new(list: &[String], budget: &mut Budget) -> (Self, Vec<(usize, String)>) {
        let (mut sources, mut wrong) = (Vec::new(), Vec::new());
        if list.len() > MAX_PATTERNS {
            let problem =
                format!("a list has at most {MAX_PATTERNS} patterns: the rest is left out");
            wrong.push((MAX_PATTERNS + 1, problem));
        }
        for (index, pattern) in list.iter().take(MAX_PATTERNS).enumerate() {
            match source(pattern.trim()) {
                Ok(None) => {}
                Ok(Some(source)) => sources.push((index + 1, source)),
                Err(problem) => wrong.push((index + 1, problem)),
            }
        }
        let mut compiler = Compiler {
            budget,
            compiled: Vec::new(),
            left_out: Vec::new(),
        };
        for chunk in chunks(&sources) {
            compiler.add(chunk);
        }
        wrong.extend(compiler.problem());
        wrong.sort_unstable();
        (Self(compiler.compiled), wrong)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn match_text(&self, text: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(text))
    }
}

fn source(pattern: &str) -> Result<Option<String>, String> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let source = Pattern::source(pattern).map_err(|error| error.to_string())?;
    let unclosed = || "there is a `{` without `}` in the pattern".to_owned();
    source.map(Some).ok_or_else(unclosed)
}

/// Neighbours that are compiled together.
fn chunks(sources: &[Source]) -> Vec<&[Source]> {
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, (_, source)) in sources.iter().enumerate() {
        let is_full = index - start == CHUNK || bytes + source.len() > CHUNK_BYTES;
        if is_full && index > start {
            chunks.push(&sources[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += source.len();
    }
    chunks.push(&sources[start..]);
    chunks
}

/// Compiles what the budget has room for.
struct Compiler<'b> {
    budget: &'b mut Budget,
    compiled: Vec<Regex>,
    /// The places of the patterns that there was no room for.
    left_out: Vec<usize>,
}

impl Compiler<'_> {
    /// Compiles patterns together, or where they are too large together, each half by itself.
    fn add(&mut self, sources: &[Source]) {
        if sources.is_empty() {
            return;
        }
        let all: Vec<&str> = sources.iter().map(|(_, source)| source.as_str()).collect();
        let all = all.join("|");
        let room = self.budget.bytes;
        let mut limits = COMPILED_BYTES.into_iter().filter(|limit| *limit <= room);
        let found = limits.find_map(|limit| Some((compile(&all, limit)?, limit)));
        match (found, sources) {
            (Some((regex, limit)), _) => {
                self.compiled.push(regex);
                self.budget.bytes -= limit;
            }
            (None, [(place, _)]) => {
                self.left_out.push(*place);
                // What was tried in vain has cost time: a list of nothing else ends soon, too.
                let largest = COMPILED_BYTES[COMPILED_BYTES.len() - 1];
                self.budget.bytes = room.saturating_sub(largest);
            }
            (None, _) if room < COMPILED_BYTES[0] => {
                self.left_out.extend(sources.iter().map(|(place, _)| place));
            }
            (None, _) => {
                let (first, second) = sources.split_at(sources.len() / 2);
                self.add(first);
                self.add(second);
            }
        }
    }

    /// What there was no room for, told at the first of them.
    fn problem(&self) -> Option<(usize, String)> {
        let first = *self.left_out.first()?;
        let more = match self.left_out.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} below"),
        };
        let largest = COMPILED_BYTES[COMPILED_BYTES.len() - 1];
        let problem = format!(
            "there is no room for this pattern{more}: compiled, one takes at most {largest} bytes and all of a document \
             {MAX_COMPILED_BYTES}"
        );
        Some((first, problem))
    }
}

fn compile(source: &str, limit: usize) -> Option<Regex> {
    let mut builder = RegexBuilder::new(source);
    builder
        .case_insensitive(true)
        .dot_matches_new_line(true)
        .size_limit(limit);
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Budget, MAX_COMPILED_BYTES, Patterns};

    fn compiled(list: &[String]) -> (Patterns, Vec<(usize, String)>) {
        Patterns::new(list, &mut Budget::default())
    }

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
            let (patterns, wrong) = compiled(&[pattern.to_owned()]);
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
        let (patterns, wrong) = compiled(&list.map(str::to_owned));
        let places: Vec<usize> = wrong.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1, 2, 3, 4, 5, 6, 9, 10], "{wrong:?}");
        assert!(patterns.match_text("goods") && patterns.match_text("\\"));
    }

    #[test]
    fn long_lists_and_large_patterns_are_bounded() {
        let many: Vec<String> = (0..900).map(|n| format!("*{n:04}*шум*[а-я]{n}*")).collect();
        let (patterns, wrong) = compiled(&many);
        assert_eq!(wrong, []);
        assert!(patterns.match_text("x 0899 ШУМ я899"));
        assert!(!patterns.match_text("x 0899 ШУМ я898"));
        let stars = "*a?".repeat(300);
        let (patterns, _) = compiled(&[stars]);
        assert!(patterns.match_text(&"ab".repeat(20_000)));
        assert!(!patterns.match_text(&"b".repeat(40_000)));
        let (_, wrong) = compiled(&vec!["x".to_owned(); 2_000]);
        assert_eq!(wrong.len(), 1);
    }

    #[test]
    fn what_patterns_take_has_a_total_for_a_document() {
        let started = Instant::now();
        for (pattern, is_usable) in [
            ("?".repeat(1_024), true),
            ("?".repeat(4_000), false),
            ("[!é]".repeat(600), true),
            (format!("[{}]", "a-zа-я".repeat(300)), true),
        ] {
            let list: Vec<String> = (0..1_000).map(|n| format!("{n}{pattern}")).collect();
            let mut budget = Budget::default();
            let (mut patterns, mut wrong) = Patterns::new(&list, &mut budget);
            assert!(patterns.0.len() <= MAX_COMPILED_BYTES / (64 * 1024));
            assert_eq!(patterns.is_empty(), !is_usable, "{}", wrong[0].1);
            assert_eq!(wrong.len(), 1);
            assert!(
                wrong[0].1.contains("all of a document 16777216"),
                "{wrong:?}"
            );
            // The next list has what is left.
            (patterns, wrong) = Patterns::new(&["x".to_owned()], &mut budget);
            assert_eq!(patterns.match_text("x"), wrong.is_empty());
        }
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn one_pattern_that_is_too_large_leaves_the_others() {
        let mut list: Vec<String> = (0..900).map(|n| format!("*word {n}*")).collect();
        list[10] = "?".repeat(4_000);
        let (patterns, wrong) = compiled(&list);
        let places: Vec<usize> = wrong.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [11], "{wrong:?}");
        for n in (0..900).filter(|n| *n != 10) {
            assert!(patterns.match_text(&format!("a WORD {n}.")), "{n}");
        }
    }
}
