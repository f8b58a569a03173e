//! Reading words, quotes and single characters.

use super::{Parser, Result};
use crate::ast::{Span, Value};
use crate::error::{ParseError, Problem};

impl<'s> Parser<'s> {
    /// The characters up to what separates the values of a list.
    pub(super) fn list_word(&mut self) -> &'s str {
        self.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | ']'))
    }

    /// A text in quotes, at the first of which the parser stands.
    pub(super) fn quoted(&mut self, in_list: bool) -> Result<Value> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        let inner = self.take_while(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            !ends
        });
        if !self.eat("\"") {
            return Err(self.error_at(start, Problem::UnclosedQuote));
        }
        let span = self.span_from(start);
        self.expect_boundary(in_list)?;
        Ok(Value::new(inner, span))
    }

    /// The characters up to a space or a `)` that closes more than the word itself has opened.
    pub(super) fn word(&mut self) -> Result<&'s str> {
        let start = self.at;
        let mut open = Vec::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            match c {
                '(' => open.push(self.at),
                ')' if open.pop().is_none() => break,
                _ => {}
            }
            self.at += c.len_utf8();
        }
        match open.first() {
            Some(&first) => Err(self.error_at(first, Problem::UnclosedParenthesis)),
            None => Ok(&self.source[start..self.at]),
        }
    }

    /// Checks that a quoted value or a list is followed by what may follow it.
    pub(super) fn expect_boundary(&self, in_list: bool) -> Result<()> {
        match self.peek() {
            None | Some(')') => Ok(()),
            Some(',' | ']') if in_list => Ok(()),
            Some(c) if c.is_whitespace() => Ok(()),
            Some(_) => Err(self.error(Problem::ExpectedSpace)),
        }
    }

    /// Whether `keyword` comes next as a word of its own.
    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        self.rest().strip_prefix(keyword).is_some_and(|after| {
            after
                .chars()
                .next()
                .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ')'))
        })
    }

    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        self.is_keyword(keyword) && self.eat(keyword)
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn take_while(&mut self, mut accept: impl FnMut(char) -> bool) -> &'s str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !accept(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(super) fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.source.len()
    }

    pub(super) fn span_from(&self, start: usize) -> Span {
        Span {
            start,
            end: self.at,
        }
    }

    /// An error at the next character.
    pub(super) fn error(&self, problem: Problem) -> ParseError {
        self.error_at(self.at, problem)
    }

    pub(super) fn error_at(&self, start: usize, problem: Problem) -> ParseError {
        self.error_in(Span { start, end: start }, problem)
    }

    pub(super) fn error_in(&self, span: Span, problem: Problem) -> ParseError {
        ParseError::new(self.source, span, problem)
    }
}
