//! The text that is scanned, and the questions that all kinds ask of it.

/// A message and its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Whether there is an `@` anywhere; without it no place needs to be looked at for e-mail addresses.
    pub(super) has_at_sign: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            has_at_sign: memchr::memchr(b'@', text.as_bytes()).is_some(),
        }
    }

    /// The next place at which data may begin: not inside a word, unless that may be an e-mail address.
    pub(super) fn next_place(&self, at: usize) -> usize {
        let mut next = self.after_char(at);
        if self.has_at_sign {
            return next;
        }
        while self.is_alphanumeric_before(next) && self.byte(next).is_some_and(is_alphanumeric) {
            next += 1;
        }
        next
    }

    /// Whether the byte at `at` is one that data of any kind can begin with.
    pub(super) fn may_start_data(&self, at: usize) -> bool {
        match self.bytes[at] {
            b'-' | b':' | b'\'' | b'"' => true,
            byte => byte.is_ascii_alphanumeric() || (self.has_at_sign && byte.is_ascii_graphic()),
        }
    }

    fn after_char(&self, at: usize) -> usize {
        let length = self.text[at..].chars().next().map_or(1, char::len_utf8);
        at + length
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn starts_with(&self, at: usize, prefix: &str) -> bool {
        self.bytes[at..].starts_with(prefix.as_bytes())
    }

    /// The text from `start` to `end`, both at character boundaries.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        &self.text[start..end]
    }

    /// The text from `start`, which is at a character boundary.
    pub(super) fn rest(&self, start: usize) -> &'a str {
        &self.text[start..]
    }

    /// The rest of the bytes, at most `limit` of them.
    pub(super) fn ahead(&self, at: usize, limit: usize) -> &'a [u8] {
        &self.bytes[at.min(self.bytes.len())..self.bytes.len().min(at.saturating_add(limit))]
    }

    /// The end of the run of bytes that `accepts` lets through, at most `limit` long.
    pub(super) fn run(&self, at: usize, limit: usize, accepts: impl Fn(u8) -> bool) -> usize {
        let run = self.ahead(at, limit).iter().take_while(|b| accepts(**b));
        at + run.count()
    }

    fn char_before(&self, at: usize) -> Option<char> {
        self.text[..at].chars().next_back()
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text[at..].chars().next()
    }

    pub(super) fn is_alphanumeric_before(&self, at: usize) -> bool {
        self.char_before(at).is_some_and(char::is_alphanumeric)
    }

    /// Whether neither letter, digit nor underscore stands before `at`.
    pub(super) fn word_may_start(&self, at: usize) -> bool {
        !self.char_before(at).is_some_and(is_word_char)
    }

    /// Whether neither letter, digit nor underscore stands at `at`.
    pub(super) fn word_may_end(&self, at: usize) -> bool {
        !self.char_at(at).is_some_and(is_word_char)
    }

    /// Whether a run of letters and digits may start at `at`; an underscore before it does not matter.
    pub(super) fn run_may_start(&self, at: usize) -> bool {
        !self.is_alphanumeric_before(at)
    }

    /// Whether a run of letters and digits may end at `at`; an underscore behind it does not matter.
    pub(super) fn run_may_end(&self, at: usize) -> bool {
        !self.char_at(at).is_some_and(char::is_alphanumeric)
    }

    pub(super) fn is_before(&self, at: usize, byte: u8) -> bool {
        at > 0 && self.bytes[at - 1] == byte
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Longest quoted string that is taken for one value.
const MAX_QUOTED: usize = 8192;

/// A quoted string directly behind `=`.
pub(super) fn quoted_string(text: &Text<'_>, at: usize) -> Option<usize> {
    let quote = text.byte(at).filter(|b| matches!(b, b'\'' | b'"'))?;
    if !text.is_before(at, b'=') {
        return None;
    }
    let length = memchr::memchr(quote, text.ahead(at + 1, MAX_QUOTED))?;
    Some(at + 1 + length + 1)
}

/// `true` or `false` directly behind `=`.
pub(super) fn boolean(text: &Text<'_>, at: usize) -> Option<usize> {
    if !text.is_before(at, b'=') {
        return None;
    }
    ["true", "True", "TRUE", "false", "False", "FALSE"]
        .into_iter()
        .filter(|word| text.starts_with(at, word))
        .map(|word| at + word.len())
        .find(|end| text.word_may_end(*end))
}
