//! Patterns with `*`, matched without regard to case and in time linear in text and pattern.

/// A compiled pattern: literal segments with a `*` between each two of them, perhaps with more at the ends.
///
/// `*` stands for any characters, also none, also `/` and line ends. Written `\*`, `\\` and `\"`, these characters stand
/// for themselves; before any other character a backslash is a backslash. Neighbouring stars are one star.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    segments: Vec<Segment>,
    open_start: bool,
    open_end: bool,
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'g> {
    /// `*`
    Any,
    /// Characters that stand for themselves, without escapes, in their original case.
    Text(&'g str),
}

/// A non-empty literal, prepared for searching by Knuth, Morris and Pratt's method.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    text: String,
    /// What of it is rarest in texts, in lower case, if that is ASCII: without it there is nothing to search.
    rarest: Option<u8>,
    /// In lower case, if it is all ASCII: then bytes are compared and no characters.
    ascii: Option<Vec<u8>>,
    folded: Vec<char>,
    /// For each length of a matched prefix less one: the length of its longest border.
    borders: Vec<usize>,
}

impl Glob {
    /// Compiles a pattern. Every text is a pattern.
    #[must_use]
    pub fn parse(pattern: &str) -> Self {
        let mut texts = vec![String::new()];
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let last = texts.len() - 1;
            match c {
                '*' => texts.push(String::new()),
                '\\' => texts[last].push(chars.next_if(|&c| is_special(c)).unwrap_or('\\')),
                _ => texts[last].push(c),
            }
        }
        let has_star = texts.len() > 1;
        Self {
            open_start: has_star && texts.first().is_some_and(String::is_empty),
            open_end: has_star && texts.last().is_some_and(String::is_empty),
            segments: texts
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(Segment::new)
                .collect(),
        }
    }

    /// The pattern that stands for `text` alone.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let segment = (!text.is_empty()).then(|| Segment::new(text.to_owned()));
        Self {
            segments: segment.into_iter().collect(),
            open_start: false,
            open_end: false,
        }
    }

    /// The text that the pattern stands for; `None` if it has wildcards.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.segments.as_slice() {
            _ if self.open_start || self.open_end => None,
            [] => Some(""),
            [only] => Some(&only.text),
            _ => None,
        }
    }

    /// Whether the pattern describes every text: `*`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.segments.is_empty() && self.open_start
    }

    /// The parts in order, for translation into another language of patterns (SQL `LIKE`).
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::with_capacity(2 * self.segments.len() + 1);
        if self.open_start {
            pieces.push(Piece::Any);
        }
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                pieces.push(Piece::Any);
            }
            pieces.push(Piece::Text(&segment.text));
        }
        if self.open_end && !self.segments.is_empty() {
            pieces.push(Piece::Any);
        }
        pieces
    }

    /// Whether the pattern describes the whole of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.run(text, self.open_start, self.open_end).is_some()
    }

    /// Whether the pattern describes some part of `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.run(text, true, true).is_some()
    }

    /// Fixes the ends, then finds each segment at its leftmost place; with stars alone that is never worse than another.
    fn run(&self, text: &str, open_start: bool, open_end: bool) -> Option<()> {
        let mut rest = text;
        let mut segments = self.segments.iter();
        if !open_start && let Some(first) = segments.next() {
            rest = first.strip_prefix(rest)?;
        }
        if !open_end && let Some(last) = segments.next_back() {
            rest = last.strip_suffix(rest)?;
        } else if !open_end {
            return rest.is_empty().then_some(());
        }
        for segment in segments {
            rest = segment.find(rest)?;
        }
        Some(())
    }
}

impl Segment {
    fn new(text: String) -> Self {
        let folded: Vec<char> = text.chars().map(fold).collect();
        let borders = borders(&folded);
        let bytes = || folded.iter().filter_map(|c| u8::try_from(*c).ok());
        Self {
            text,
            rarest: bytes()
                .filter(u8::is_ascii)
                .max_by_key(|byte| rarity(*byte)),
            ascii: folded.iter().all(char::is_ascii).then(|| bytes().collect()),
            folded,
            borders,
        }
    }

    fn strip_prefix<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut chars = text.chars();
        for &expected in &self.folded {
            chars.next().filter(|&c| fold(c) == expected)?;
        }
        Some(chars.as_str())
    }

    fn strip_suffix<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut chars = text.chars();
        for &expected in self.folded.iter().rev() {
            chars.next_back().filter(|&c| fold(c) == expected)?;
        }
        Some(chars.as_str())
    }

    /// What follows the first occurrence.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        if let Some(byte) = self.rarest {
            memchr::memchr2(byte, byte.to_ascii_uppercase(), text.as_bytes())?;
        }
        if let Some(wanted) = &self.ascii {
            return self.find_ascii(wanted, text);
        }
        let mut chars = text.chars();
        let mut matched = 0;
        while matched < self.folded.len() {
            if matched == 0 {
                chars = self.skip_to_first(chars.as_str())?.chars();
            }
            matched = advance(&self.folded, &self.borders, matched, fold(chars.next()?));
        }
        Some(chars.as_str())
    }

    /// The same for bytes: a character that is not ASCII is none of those wanted, nor is a part of it.
    fn find_ascii<'t>(&self, wanted: &[u8], text: &'t str) -> Option<&'t str> {
        let bytes = text.as_bytes();
        let (first, mut matched, mut at) = (wanted[0], 0, 0);
        while matched < wanted.len() {
            if matched == 0 {
                at += memchr::memchr2(first, first.to_ascii_uppercase(), &bytes[at..])?;
            }
            let byte = bytes.get(at)?.to_ascii_lowercase();
            while matched > 0 && wanted[matched] != byte {
                matched = self.borders[matched - 1];
            }
            matched += usize::from(wanted[matched] == byte);
            at += 1;
        }
        Some(&text[at..])
    }

    /// Skips quickly what cannot be the first character, where that is ASCII.
    fn skip_to_first<'t>(&self, text: &'t str) -> Option<&'t str> {
        let first = self.folded[0];
        match u8::try_from(first) {
            Ok(lower) if first.is_ascii() => {
                let at = memchr::memchr2(lower, lower.to_ascii_uppercase(), text.as_bytes())?;
                Some(&text[at..])
            }
            _ => Some(text),
        }
    }
}

fn borders(folded: &[char]) -> Vec<usize> {
    let mut borders = Vec::with_capacity(folded.len());
    let mut matched = 0;
    for (index, &c) in folded.iter().enumerate() {
        if index > 0 {
            matched = advance(folded, &borders, matched, c);
        }
        borders.push(matched);
    }
    borders
}

/// How much of `folded` is matched after `c`, if `matched` characters were before it.
#[inline]
fn advance(folded: &[char], borders: &[usize], mut matched: usize, c: char) -> usize {
    while matched > 0 && folded[matched] != c {
        matched = borders[matched - 1];
    }
    matched + usize::from(folded[matched] == c)
}

/// Letters as often as texts have them, the rarest last; what is no letter is rarer still.
const LETTERS: &[u8] = b"etaoinsrlcdpumhgfbywvkxjqz";

fn rarity(byte: u8) -> usize {
    let place = LETTERS.iter().position(|letter| *letter == byte);
    place.unwrap_or(LETTERS.len())
}

/// Whether a backslash takes the meaning from `c`.
pub(crate) fn is_special(c: char) -> bool {
    matches!(c, '*' | '\\' | '"')
}

/// The lower case of a character, where that is a single character; ASCII is the lower case of nothing but ASCII.
#[inline]
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) if !only.is_ascii() => only,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_describe_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("***", "any\nthing", true),
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("abc", "xabc", false),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("*bot*", "Mozilla GoogleBOT/2.1", true),
            ("*aab*b", "aaab ab", true),
            ("*abab*ac", "ababababac ac", true),
            ("*aab1*", "éaaaAB1é", true),
            ("*ab*", "aéb", false),
            ("*-x*", "é-\u{442}-X", true),
            ("/api/*/x", "/api/a/b/x", true),
            ("a?c", "abc", false),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            (r"c:\*", r"c:*", true),
            (r"c:\\*", r"C:\temp", true),
            (r"c:\temp", r"C:\temp", true),
            (r#"say \"hi\""#, "say \"hi\"", true),
            ("*ОШИБКА*", "Произошла ошибка!", true),
            ("não*", "NÃO encontrado", true),
            ("ß", "SS", false),
            ("İ*", "İstanbul", true),
            // U+212A, the sign of the kelvin, is no `k` at the start of a segment nor inside of one.
            ("*k*", "\u{212a}", false),
            ("*ok*", "o\u{212a}", false),
            ("*b\u{212a}*", "ab\u{212a}c", true),
        ] {
            let glob = Glob::parse(pattern);
            assert_eq!(glob.matches(text), expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn texts_contain_patterns() {
        for (pattern, text, expected) in [
            ("", "a", true),
            ("refused", "Connection REFUSED by peer", true),
            ("conn*peer", "Connection refused by peer", true),
            ("peer*conn", "Connection refused by peer", false),
        ] {
            assert_eq!(
                Glob::parse(pattern).is_in(text),
                expected,
                "{pattern:?} in {text:?}"
            );
        }
    }

    #[test]
    fn pieces_spell_the_pattern() {
        use Piece::{Any, Text};
        for (pattern, pieces) in [
            ("", vec![]),
            ("**", vec![Any]),
            (r"a\*", vec![Text("a*")]),
            ("*A*b*", vec![Any, Text("A"), Any, Text("b"), Any]),
        ] {
            assert_eq!(Glob::parse(pattern).pieces(), pieces, "{pattern:?}");
        }
    }

    #[test]
    fn a_hostile_text_costs_linear_time() {
        let text = "a".repeat(2_000_000);
        let glob = Glob::parse(&format!("*{}b*", "a".repeat(4_000)));
        let start = std::time::Instant::now();
        assert!(!glob.matches(&text));
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    }
}
