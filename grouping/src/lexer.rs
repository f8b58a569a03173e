//! What the two rule languages share: errors that point at the place, and words that may be quoted.

/// Why a rule text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct RuleError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What was wrong.
    pub message: String,
}

/// Reads one line of a rule text from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the first column of `text`, which is line number `line`.
    pub(crate) fn new(text: &'a str, line: usize) -> Self {
        Self { text, at: 0, line }
    }

    /// The lines of a rule text that hold rules: neither blank nor comments.
    pub(crate) fn rule_lines(text: &'a str) -> impl Iterator<Item = Self> {
        text.lines()
            .enumerate()
            .map(|(i, line)| Self::new(line, i + 1))
            .filter(|lexer| !lexer.text.trim().is_empty() && !lexer.text.trim().starts_with('#'))
    }

    /// The line's text without blanks at its ends.
    pub(crate) fn source(&self) -> &'a str {
        self.text.trim()
    }

    /// What is still unread.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips blanks; says whether there were any.
    pub(crate) fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at > before
    }

    /// Reads `token` if it is next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Whether nothing but blanks and a comment is left.
    pub(crate) fn at_end(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    /// Reads characters as long as `accepts` says so.
    pub(crate) fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accepts(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Reads a quoted string, in which `\"` and `\\` stand for `"` and `\`, or a bare word of characters that `accepts`
    /// lets through.
    ///
    /// # Errors
    /// [`RuleError`] if the quote never ends or the word is empty; `what` names it.
    pub(crate) fn word(
        &mut self,
        what: &str,
        accepts: impl Fn(char) -> bool,
    ) -> Result<String, RuleError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let start = self.clone();
        let word = self.take_while(accepts);
        if word.is_empty() {
            return Err(start.error(format!("expected {what}")));
        }
        Ok(word.to_owned())
    }

    fn quoted(&mut self) -> Result<String, RuleError> {
        let start = self.clone();
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += i + 1;
                    return Ok(out);
                }
                '\\' => match chars.clone().next() {
                    Some((_, escaped @ ('"' | '\\'))) => {
                        chars.next();
                        out.push(escaped);
                    }
                    _ => out.push('\\'),
                },
                c => out.push(c),
            }
        }
        Err(start.error("this quote is never closed"))
    }

    /// An error at the current place.
    pub(crate) fn error(&self, message: impl Into<String>) -> RuleError {
        RuleError {
            line: self.line,
            column: self.text[..self.at].chars().count() + 1,
            message: message.into(),
        }
    }
}
