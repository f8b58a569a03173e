//! The older patterns of Sentry, which work on bytes and never fail: what is no pattern matches nothing.

use regex::bytes::{Regex, RegexBuilder};

use super::{MAX_COMPILED_BYTES, MAX_PATTERN_BYTES};

/// How deep braces may be nested.
const MAX_DEPTH: usize = 64;

/// How a pattern is read. By default `*` crosses `/` but no line end, and case counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four switches of Sentry's")]
pub struct Options {
    /// `*`, `?` and sets stop at `/`; `**` does not.
    pub double_star: bool,
    /// Upper and lower case of ASCII letters are the same.
    pub case_insensitive: bool,
    /// Backslashes in pattern and text are slashes.
    pub path_normalize: bool,
    /// `*` and `?` cross line ends.
    pub allow_newline: bool,
}

/// A compiled pattern: `*`, `?`, `[a-z]`, `[!a-z]` or `[^a-z]`, `{a,b}`, `\` before what stands for itself, and `**`
/// between slashes for any number of folders.
#[derive(Clone, Debug)]
pub struct LegacyPattern {
    regex: Option<Regex>,
    slashes: bool,
}

impl LegacyPattern {
    /// Compiles a pattern.
    #[must_use]
    pub fn new(pattern: &str, options: Options) -> Self {
        let slashes = options.path_normalize;
        let regex = if slashes {
            compile(&pattern.replace('\\', "/"), options)
        } else {
            compile(pattern, options)
        };
        Self { regex, slashes }
    }

    /// Whether the pattern describes the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(regex) = &self.regex else {
            return false;
        };
        if self.slashes {
            regex.is_match(text.replace('\\', "/").as_bytes())
        } else {
            regex.is_match(text.as_bytes())
        }
    }
}

fn compile(pattern: &str, options: Options) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut regex = String::from(r"\A");
    match Parser::parse(pattern)?.as_slice() {
        [Token::FoldersBefore] => regex.push_str(".*"),
        tokens => push_tokens(tokens, options, &mut regex),
    }
    regex.push_str(r"\z");
    RegexBuilder::new(&regex)
        .unicode(false)
        .case_insensitive(options.case_insensitive)
        .dot_matches_new_line(options.allow_newline)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .ok()
}

enum Token {
    Literal(char),
    Any,
    Star,
    /// `**/` at the start.
    FoldersBefore,
    /// `/**/`
    FoldersBetween,
    /// `/**` at the end.
    FoldersAfter,
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
    Alternatives(Vec<Vec<Token>>),
}

/// Braces that are not closed yet: the tokens before them, and the branches that are complete.
struct Group {
    before: Vec<Token>,
    branches: Vec<Vec<Token>>,
}

struct Parser<'p> {
    rest: std::str::Chars<'p>,
    previous: Option<char>,
    tokens: Vec<Token>,
    groups: Vec<Group>,
}

impl<'p> Parser<'p> {
    fn parse(pattern: &'p str) -> Option<Vec<Token>> {
        let mut parser = Self {
            rest: pattern.chars(),
            previous: None,
            tokens: Vec::new(),
            groups: Vec::new(),
        };
        while let Some(c) = parser.rest.next() {
            parser.one(c)?;
            // What is before the rest, whatever the step has consumed.
            let consumed = pattern.len() - parser.rest.as_str().len();
            parser.previous = pattern[..consumed].chars().next_back();
        }
        parser.groups.is_empty().then_some(parser.tokens)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn one(&mut self, c: char) -> Option<()> {
        let token = match c {
            '*' => self.star(),
            '{' => return self.open(),
            '}' => return self.close(),
            ',' if !self.groups.is_empty() => return self.next_branch(),
            '?' => Token::Any,
            '[' => self.class()?,
            '\\' => Token::Literal(self.rest.next()?),
            _ => Token::Literal(c),
        };
        self.tokens.push(token);
        Some(())
    }

    fn open(&mut self) -> Option<()> {
        if self.groups.len() == MAX_DEPTH {
            return None;
        }
        self.groups.push(Group {
            before: std::mem::take(&mut self.tokens),
            branches: Vec::new(),
        });
        Some(())
    }

    fn next_branch(&mut self) -> Option<()> {
        let branch = std::mem::take(&mut self.tokens);
        self.groups.last_mut()?.branches.push(branch);
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        self.next_branch()?;
        let group = self.groups.pop()?;
        self.tokens = group.before;
        self.tokens.push(Token::Alternatives(group.branches));
        Some(())
    }

    fn star(&mut self) -> Token {
        if self.peek() != Some('*') {
            return Token::Star;
        }
        self.rest.next();
        self.folders().unwrap_or(Token::Star)
    }

    /// What `**` means where it stands between slashes or ends; `None` if it is nothing but a star.
    fn folders(&mut self) -> Option<Token> {
        let next = self.peek();
        if self.tokens.is_empty() {
            if !matches!(next, None | Some('/')) {
                return None;
            }
            self.rest.next();
            return Some(Token::FoldersBefore);
        }
        let is_in_group = !self.groups.is_empty();
        let is_last = match (self.previous, next) {
            (Some('/'), None) => true,
            (Some('/'), Some(',' | '}')) if is_in_group => true,
            (Some('/'), Some('/')) => {
                self.rest.next();
                false
            }
            _ => return None,
        };
        // The slash before belongs to it, or it continues another `**/`.
        Some(match self.tokens.pop() {
            Some(before @ (Token::FoldersBefore | Token::FoldersAfter)) => before,
            _ if is_last => Token::FoldersAfter,
            _ => Token::FoldersBetween,
        })
    }

    /// A set; a `]` or `-` at its start stands for itself, a backslash anywhere.
    fn class(&mut self) -> Option<Token> {
        let is_negated = matches!(self.peek(), Some('!' | '^'));
        if is_negated {
            self.rest.next();
        }
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut is_range = false;
        loop {
            match self.rest.next()? {
                ']' if !ranges.is_empty() => break,
                '-' if !ranges.is_empty() && !is_range => is_range = true,
                c if is_range => {
                    let last = ranges.last_mut()?;
                    last.1 = c;
                    if last.1 < last.0 {
                        return None;
                    }
                    is_range = false;
                }
                c => ranges.push((c, c)),
            }
        }
        if is_range {
            ranges.push(('-', '-'));
        }
        Some(Token::Class { is_negated, ranges })
    }
}

fn push_tokens(tokens: &[Token], options: Options, regex: &mut String) {
    let any = if options.double_star { "[^/]" } else { "." };
    for token in tokens {
        match token {
            Token::Literal(c) => push_bytes(*c, regex),
            Token::Any => regex.push_str(any),
            Token::Star => {
                regex.push_str(any);
                regex.push('*');
            }
            Token::FoldersBefore => regex.push_str("(?:/?|.*/)"),
            Token::FoldersBetween => regex.push_str("(?:/|/.*/)"),
            Token::FoldersAfter => regex.push_str("/.*"),
            Token::Class { is_negated, ranges } => push_class(*is_negated, ranges, regex),
            Token::Alternatives(branches) => push_alternatives(branches, options, regex),
        }
    }
}

fn push_class(is_negated: bool, ranges: &[(char, char)], regex: &mut String) {
    regex.push_str(if is_negated { "[^" } else { "[" });
    for (first, last) in ranges {
        push_bytes(*first, regex);
        if first != last {
            regex.push('-');
            push_bytes(*last, regex);
        }
    }
    regex.push(']');
}

/// Empty branches do not count.
fn push_alternatives(branches: &[Vec<Token>], options: Options, regex: &mut String) {
    let mut separator = "(?:";
    for branch in branches {
        let mut text = String::new();
        push_tokens(branch, options, &mut text);
        if !text.is_empty() {
            regex.push_str(separator);
            regex.push_str(&text);
            separator = "|";
        }
    }
    if separator == "|" {
        regex.push(')');
    }
}

/// Writes a character byte by byte, so that it stands for itself.
fn push_bytes(c: char, regex: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        regex.push_str(&format!("\\x{byte:02x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: Options = Options {
        double_star: true,
        case_insensitive: true,
        path_normalize: false,
        allow_newline: true,
    };

    fn check(options: Options, cases: &[(&str, &str, bool)]) {
        for (pattern, text, expected) in cases {
            let compiled = LegacyPattern::new(pattern, options);
            assert_eq!(compiled.matches(text), *expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn by_default_stars_cross_slashes_and_no_line_ends() {
        let cases = [
            ("", "", true),
            ("*", "a/b", true),
            ("*", "a\nb", false),
            ("a?b", "a/b", true),
            ("a?b", "a\nb", false),
            ("?a", "éa", false),
            ("[^a]", "b", true),
            ("[]]", "]", true),
            ("[[:alpha:]]", ":]", true),
            ("[éà]a", "éa", false),
            ("a]", "a]", true),
            ("{}", "", true),
            ("a{b,}c", "ac", false),
            ("{a{b,c}}", "ac", true),
            ("a/**/b", "a/b", true),
            ("A", "a", false),
            (r"\*", "*", true),
            ("[z-a]", "a", false),
            ("[a", "[a", false),
            ("{a", "a", false),
            ("a}", "a}", false),
            ("a\\", "a\\", false),
        ];
        check(Options::default(), &cases);
    }

    #[test]
    fn with_double_stars_single_ones_stay_within_a_folder() {
        let cases = [
            ("*", "a/b", false),
            ("*", "a\nb", true),
            ("**", "a/b", true),
            ("***", "a/b", false),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("**/b", "b", true),
            ("**/b", "a/a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/**/b", "a/x/y/b", true),
            ("A/?", "a/b", true),
            ("{a/**,b}", "a/x/y", true),
        ];
        check(PATHS, &cases);
    }

    #[test]
    fn backslashes_can_be_slashes() {
        let options = Options {
            path_normalize: true,
            ..Options::default()
        };
        let cases = [
            ("/x/*", "\\x\\y", true),
            ("\\x\\*", "/x/y", true),
            ("/x/*", "x/y", false),
        ];
        check(options, &cases);
    }

    #[test]
    fn deep_nesting_matches_nothing() {
        let deep = format!("{}a{}", "{".repeat(2000), "}".repeat(2000));
        assert!(!LegacyPattern::new(&deep, Options::default()).matches("a"));
    }
}
