//! Globs of the two rule languages, compiled once and matched in bounded time.
//!
//! `*`, `?`, `[abc]`, `[!a-z]`; a backslash makes a special character literal. Most patterns of real rules are a literal
//! with a star at one or both ends and become a plain comparison; the others step through the text with the set of all
//! positions that could be reached, so the work never exceeds text times pattern.

use std::borrow::Cow;

use memchr::memmem::Finder;

/// What `*` means and whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Case counts, `*` crosses everything.
    Exact,
    /// Case is ignored, `*` crosses everything.
    IgnoreCase,
    /// Case is ignored, `\` is `/`, `*` stops at `/` and `**` does not; a relative path is also tried with a `/` in front.
    Path,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Glob {
    mode: Mode,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Anything,
    Literal(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    Contains(Box<Finder<'static>>),
    General {
        tokens: Box<[Token]>,
        /// The longest literal in the pattern: most texts lack it and need no closer look.
        literal: Box<Finder<'static>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`; in paths not a slash.
    AnyChar,
    Class {
        negated: bool,
        ranges: Box<[(char, char)]>,
    },
    /// `*` in a path.
    UpToSlash,
    Anything,
}

/// A text prepared for patterns of one mode.
#[derive(Debug)]
pub(crate) struct Subject<'t> {
    text: Cow<'t, str>,
    /// Whether the first byte is a slash that the original lacked.
    slash_added: bool,
}

impl<'t> Subject<'t> {
    /// Folds `text` the way patterns of `mode` expect it.
    pub(crate) fn new(text: &'t str, mode: Mode) -> Self {
        match mode {
            Mode::Exact => Self::plain(Cow::Borrowed(text)),
            Mode::IgnoreCase => Self::plain(Cow::Owned(text.to_lowercase())),
            Mode::Path => Self::path(text),
        }
    }

    fn plain(text: Cow<'t, str>) -> Self {
        Self {
            text,
            slash_added: false,
        }
    }

    fn path(path: &str) -> Self {
        let slash_added = !path.starts_with(['/', '\\']);
        let mut text = String::with_capacity(path.len() + 1);
        if slash_added {
            text.push('/');
        }
        if path.is_ascii() {
            text.push_str(path);
            text.make_ascii_lowercase();
        } else {
            text.push_str(&path.to_lowercase());
        }
        if text.contains('\\') {
            text = text.replace('\\', "/");
        }
        Self {
            text: Cow::Owned(text),
            slash_added,
        }
    }

    /// The folded text; a path begins with a slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Glob {
    /// Compiles a pattern; every text is a valid one (an unclosed `[` is a literal).
    pub(crate) fn new(pattern: &str, mode: Mode) -> Self {
        let folded = Subject::new(pattern, mode);
        let pattern = if folded.slash_added {
            &folded.text[1..]
        } else {
            &folded.text
        };
        Self {
            mode,
            shape: shape_of(tokenize(pattern, mode)),
        }
    }

    /// The mode that subjects must have been prepared for.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// The first byte of every text that can match, where the pattern fixes it. A path that was given a slash starts
    /// with it, so only patterns beginning with a slash fix the first byte of a path.
    pub(crate) fn first_byte(&self) -> Option<u8> {
        let byte = match &self.shape {
            Shape::Literal(text) | Shape::Prefix(text) => *text.as_bytes().first()?,
            Shape::General { tokens, .. } => match tokens.first()? {
                Token::Char(c) if c.is_ascii() => *c as u8,
                _ => return None,
            },
            _ => return None,
        };
        (self.mode != Mode::Path || byte == b'/').then_some(byte)
    }

    /// Whether the pattern matches the whole of a subject of its own mode.
    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        self.matches_text(&subject.text)
            || (subject.slash_added && self.matches_text(&subject.text[1..]))
    }

    fn matches_text(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::Literal(literal) => text == &**literal,
            Shape::Prefix(prefix) => text.starts_with(&**prefix),
            Shape::Suffix(suffix) => text.ends_with(&**suffix),
            Shape::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Shape::General { tokens, literal } => {
                literal.find(text.as_bytes()).is_some()
                    && matches_tokens(tokens, text, self.mode == Mode::Path)
            }
        }
    }
}

fn tokenize(pattern: &str, mode: Mode) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        let token = match c {
            '*' if mode != Mode::Path => Token::Anything,
            '*' if rest.as_str().starts_with('*') => {
                rest.next();
                Token::Anything
            }
            '*' => Token::UpToSlash,
            '?' => Token::AnyChar,
            '[' => class(&mut rest).unwrap_or(Token::Char('[')),
            '\\' => Token::Char(escaped(&mut rest)),
            c => Token::Char(c),
        };
        if token != Token::Anything || tokens.last() != Some(&Token::Anything) {
            tokens.push(token);
        }
    }
    tokens
}

fn escaped(rest: &mut std::str::Chars<'_>) -> char {
    match rest.clone().next() {
        Some(c @ ('*' | '?' | '[' | ']' | '{' | '}' | '!' | '\\')) => {
            rest.next();
            c
        }
        _ => '\\',
    }
}

/// Reads a character class behind its `[`; leaves `rest` alone if it never ends.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let mut ahead = rest.clone();
    let negated = ahead.as_str().starts_with(['!', '^']);
    if negated {
        ahead.next();
    }
    let mut ranges = Vec::new();
    loop {
        let low = ahead.next()?;
        if low == ']' && !ranges.is_empty() {
            break;
        }
        let mut peek = ahead.clone();
        let high = match (peek.next(), peek.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                ahead.nth(1);
                high
            }
            _ => low,
        };
        ranges.push((low, high));
    }
    *rest = ahead;
    Some(Token::Class {
        negated,
        ranges: ranges.into(),
    })
}

fn shape_of(tokens: Vec<Token>) -> Shape {
    let open_start = tokens.first() == Some(&Token::Anything);
    let open_end = tokens.last() == Some(&Token::Anything);
    if tokens == [Token::Anything] {
        return Shape::Anything;
    }
    let inner = &tokens[usize::from(open_start)..tokens.len() - usize::from(open_end)];
    let literal: Option<String> = inner
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(*c),
            _ => None,
        })
        .collect();
    match (literal, open_start, open_end) {
        (None, ..) => Shape::General {
            literal: finder(&longest_literal(&tokens)),
            tokens: tokens.into(),
        },
        (Some(text), false, false) => Shape::Literal(text.into()),
        (Some(text), false, true) => Shape::Prefix(text.into()),
        (Some(text), true, false) => Shape::Suffix(text.into()),
        (Some(text), true, true) => Shape::Contains(finder(&text)),
    }
}

fn finder(literal: &str) -> Box<Finder<'static>> {
    Box::new(Finder::new(literal).into_owned())
}

fn longest_literal(tokens: &[Token]) -> String {
    let literals = tokens.split(|token| !matches!(token, Token::Char(_)));
    let longest = literals
        .max_by_key(|literal| literal.len())
        .unwrap_or_default();
    let chars = longest.iter().filter_map(|token| match token {
        Token::Char(c) => Some(*c),
        _ => None,
    });
    chars.collect()
}

/// Steps token by token with the set of positions in `text` that the tokens so far can reach.
fn matches_tokens(tokens: &[Token], text: &str, is_path: bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        match token {
            Token::Anything => spread(&mut reached, |_| true),
            Token::UpToSlash => spread(&mut reached, |i| text[i] != '/'),
            token => {
                for i in (0..text.len()).rev() {
                    reached[i + 1] = reached[i] && token.accepts(text[i], is_path);
                }
                reached[0] = false;
            }
        }
    }
    reached[text.len()]
}

fn spread(reached: &mut [bool], may_cross: impl Fn(usize) -> bool) {
    for i in 1..reached.len() {
        reached[i] |= reached[i - 1] && may_cross(i - 1);
    }
}

impl Token {
    fn accepts(&self, c: char, is_path: bool) -> bool {
        match self {
            Self::Char(literal) => c == *literal,
            Self::AnyChar => !is_path || c != '/',
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
            Self::UpToSlash | Self::Anything => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str, mode: Mode) -> bool {
        Glob::new(pattern, mode).matches(&Subject::new(text, mode))
    }

    #[test]
    fn patterns_match_what_the_reference_says() {
        for (pattern, text, mode, expected) in [
            ("*a", "m.a", Mode::Exact, true),
            ("M.A", "m.a", Mode::Exact, false),
            ("[!ab]", "c", Mode::Exact, true),
            ("[!ab]", "a", Mode::Exact, false),
            ("[a-c]x", "bx", Mode::Exact, true),
            ("[", "[", Mode::Exact, true),
            ("?", "é", Mode::Exact, true),
            ("a*c*e", "abcde", Mode::Exact, true),
            ("a*c*e", "abde", Mode::Exact, false),
            (r"\{\[\*\?\]\}", "{[*?]}", Mode::IgnoreCase, true),
            ("*LOVE*", "no love lost", Mode::IgnoreCase, true),
            ("/srv/*.py", "/srv/app/a.py", Mode::Path, false),
            ("/srv/*.py", "/srv/a.py", Mode::Path, true),
            ("/SRV/**", r"\srv\app\a.py", Mode::Path, true),
            ("**/b.py", "b.py", Mode::Path, true),
            ("/b.py", "b.py", Mode::Path, true),
            ("b.py", "/b.py", Mode::Path, false),
            ("b.py", "b.py", Mode::Path, true),
            ("**/x*/y/**", "/a/b/x1/y/z/w", Mode::Path, true),
            ("c:/usr/**", r"C:\Usr\Lib\z.dll", Mode::Path, true),
            ("", "", Mode::Exact, true),
        ] {
            assert_eq!(matches(pattern, text, mode), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_and_text_never_panic(pattern in r"[a\[\]!*?/\\é{}-]{0,12}", text in r"[a/\\é\]*-]{0,12}") {
            for mode in [Mode::Exact, Mode::IgnoreCase, Mode::Path] {
                matches(&pattern, &text, mode);
            }
        }

        #[test]
        fn every_text_matches_itself_between_stars(text in "[a-z/]{0,12}") {
            let pattern = format!("**{text}**");
            prop_assert!(matches(&pattern, &text, Mode::Path));
            prop_assert!(matches(&pattern, &text, Mode::Exact));
        }
    }
}
