//! The grammar, by recursive descent over the text itself.
//!
//! ```text
//! any   = all ("OR" all)*
//! all   = part ("AND"? part)*
//! part  = "(" any ")" | "!"? test | text
//! test  = "has:" key | key ":" value | key ":" operator value | key ":[" value ("," value)* "]"
//! key   = [A-Za-z_][A-Za-z0-9_.-]* | "tags[" name "]"
//! value = quoted | word                   text = quoted | word+
//! ```

mod scan;

use bugle_protocol::Level;

use crate::ast::{Expr, Key, Operator, Query, Span, Term, Test, Value};
use crate::error::{ParseError, Problem};
use crate::literal::Literal;
use crate::version::is_version;

/// The longest condition, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// How deep parentheses may be nested.
pub const MAX_DEPTH: usize = 32;

/// What separates the condition of a rule from its action.
pub(crate) const ARROW: &str = "->";

type Result<T> = std::result::Result<T, ParseError>;

/// Parses a text that is nothing but a condition.
pub(crate) fn parse(source: &str) -> Result<Query> {
    let mut parser = Parser::new(source)?;
    parser.skip_space();
    if parser.is_at_end() {
        return Ok(Query::default());
    }
    let root = parser.any()?;
    if parser.rest().starts_with(ARROW) {
        return Err(parser.error(Problem::UnexpectedArrow));
    }
    Ok(Query { root: Some(root) })
}

/// Parses the condition of a rule; also answers where the text goes on after the arrow.
pub(crate) fn parse_rule(source: &str) -> Result<(Query, usize)> {
    let mut parser = Parser::new(source)?;
    let root = parser.any()?;
    if !parser.eat(ARROW) {
        return Err(parser.error(Problem::ExpectedArrow));
    }
    Ok((Query { root: Some(root) }, parser.at))
}

struct Parser<'s> {
    source: &'s str,
    /// The next byte; always at a character boundary.
    at: usize,
    /// How many parentheses are open.
    depth: usize,
}

impl<'s> Parser<'s> {
    fn new(source: &'s str) -> Result<Self> {
        let parser = Self {
            source,
            at: 0,
            depth: 0,
        };
        if source.len() > MAX_BYTES {
            let limit_bytes = MAX_BYTES;
            return Err(parser.error_at(MAX_BYTES, Problem::TooLong { limit_bytes }));
        }
        Ok(parser)
    }

    /// Alternatives up to the end, an arrow or the `)` of the group; any other `)` is an error.
    fn any(&mut self) -> Result<Expr> {
        let mut parts = vec![self.all()?];
        while self.eat_keyword("OR") {
            parts.push(self.all()?);
        }
        if self.depth == 0 && self.peek() == Some(')') {
            return Err(self.error(Problem::UnmatchedParenthesis));
        }
        Ok(Expr::any(parts))
    }

    fn all(&mut self) -> Result<Expr> {
        let mut parts = vec![self.part()?];
        loop {
            self.skip_space();
            if !self.eat_keyword("AND") && self.ends_all() {
                return Ok(Expr::all(parts));
            }
            parts.push(self.part()?);
        }
    }

    fn ends_all(&self) -> bool {
        matches!(self.peek(), None | Some(')'))
            || self.is_keyword("OR")
            || self.rest().starts_with(ARROW)
    }

    fn part(&mut self) -> Result<Expr> {
        self.skip_space();
        if self.peek() == Some('(') {
            return self.group();
        }
        if self.is_keyword("AND") || self.ends_all() {
            return Err(self.error(Problem::ExpectedCondition));
        }
        self.term().map(Expr::Term)
    }

    fn group(&mut self) -> Result<Expr> {
        let open = self.at;
        if self.depth == MAX_DEPTH {
            return Err(self.error(Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.at += 1;
        self.depth += 1;
        let inner = self.any()?;
        self.depth -= 1;
        if !self.eat(")") {
            return Err(self.error_at(open, Problem::UnclosedParenthesis));
        }
        Ok(inner)
    }

    fn term(&mut self) -> Result<Term> {
        let start = self.at;
        let negated = self.eat("!");
        let test = match self.key()? {
            Some(Key::Field(name)) if name == "has" => self.has()?,
            Some(key) => self.test(key)?,
            None if negated => return Err(self.error(Problem::ExpectedKey { after: "!" })),
            None => Test::Text(self.text()?),
        };
        Ok(Term {
            span: self.span_from(start),
            negated,
            test,
        })
    }

    /// Takes a key and its colon, or nothing.
    ///
    /// `http://host` and `Foo::Bar` are no keys: people paste addresses and names of classes.
    fn key(&mut self) -> Result<Option<Key>> {
        let start = self.at;
        let key = self.key_name()?;
        let separates = match key {
            Some(Key::Tag(_)) => true,
            Some(Key::Field(_)) => !["::", "://"].iter().any(|s| self.rest().starts_with(s)),
            None => false,
        };
        if separates && self.eat(":") {
            return Ok(key);
        }
        self.at = start;
        Ok(None)
    }

    fn key_name(&mut self) -> Result<Option<Key>> {
        if self.eat("tags[") {
            let start = self.at;
            let name = self
                .take_while(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '[' | ']'));
            if name.is_empty() || !self.eat("]") {
                return Err(self.error_at(start, Problem::ExpectedTag));
            }
            return Ok(Some(Key::Tag(name.to_owned())));
        }
        if !self
            .peek()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        {
            return Ok(None);
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        Ok(Some(Key::Field(name.to_owned())))
    }

    fn has(&mut self) -> Result<Test> {
        let key = self
            .key_name()?
            .ok_or_else(|| self.error(Problem::ExpectedKey { after: "has:" }))?;
        self.expect_boundary(false)?;
        Ok(Test::Has(key))
    }

    fn test(&mut self, key: Key) -> Result<Test> {
        if self.peek() == Some('[') {
            return Ok(Test::In(key, self.list()?));
        }
        if self.peek() == Some('(') {
            let key = key.to_string();
            return Err(self.error(Problem::GroupAsValue { key }));
        }
        let operator = self.operator();
        let symbol = operator.map_or("", Operator::as_str);
        let missing = || Problem::ExpectedValue {
            after: format!("{key}:{symbol}"),
        };
        let value = self.value(false, missing)?;
        match operator {
            None => Ok(Test::Is(key, value)),
            Some(operator) if is_comparable(&value) => Ok(Test::Compare(key, operator, value)),
            Some(_) => {
                let problem = Problem::ExpectedComparable { operator: symbol };
                Err(self.error_in(value.span, problem))
            }
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        use Operator::{Greater, GreaterOrEqual, Less, LessOrEqual};
        [GreaterOrEqual, LessOrEqual, Greater, Less]
            .into_iter()
            .find(|operator| self.eat(operator.as_str()))
    }

    fn list(&mut self) -> Result<Vec<Value>> {
        let open = self.at;
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_space();
            if self.is_at_end() {
                return Err(self.error_at(open, Problem::UnclosedList));
            }
            values.push(self.value(true, || Problem::ExpectedItem)?);
            self.skip_space();
            if self.eat("]") {
                self.expect_boundary(false)?;
                return Ok(values);
            }
            if !self.eat(",") && !self.is_at_end() {
                let start = self.at;
                self.list_word();
                return Err(self.error_in(self.span_from(start), Problem::ExpectedSeparator));
            }
        }
    }

    /// A quoted value or a word; `missing` says what to answer if there is none.
    fn value(&mut self, in_list: bool, missing: impl Fn() -> Problem) -> Result<Value> {
        let start = self.at;
        if self.peek() == Some('"') {
            return self.quoted(in_list);
        }
        let word = if in_list {
            self.list_word()
        } else {
            self.word()?
        };
        if word.is_empty() {
            return Err(self.error(missing()));
        }
        Ok(Value::new(word, self.span_from(start)))
    }

    /// A quoted text, or neighbouring words as one text with single spaces.
    fn text(&mut self) -> Result<Value> {
        let start = self.at;
        if self.peek() == Some('"') {
            let value = self.quoted(false)?;
            return match value.as_text() {
                Some("") => Err(self.error_in(value.span, Problem::EmptyText)),
                _ => Ok(value),
            };
        }
        let mut joined = self.word()?.to_owned();
        let mut end = self.at;
        while self.skips_to_word()? {
            joined.push(' ');
            joined.push_str(self.word()?);
            end = self.at;
        }
        self.at = end;
        Ok(Value::new(&joined, Span { start, end }))
    }

    /// Whether a word of free text comes after some space.
    fn skips_to_word(&mut self) -> Result<bool> {
        self.skip_space();
        if self.ends_all() || self.is_keyword("AND") || matches!(self.peek(), Some('(' | '"' | '!'))
        {
            return Ok(false);
        }
        let start = self.at;
        let is_key = self.key()?.is_some();
        self.at = start;
        Ok(!is_key)
    }
}

/// Whether an operator can order anything by this value.
///
/// `+7d` is left out: "later than at least seven days ago" says nothing.
fn is_comparable(value: &Value) -> bool {
    match value.literal {
        Literal::Older(_) => false,
        Literal::Text => value
            .as_text()
            .is_some_and(|text| is_version(text) || Level::parse(text).is_some()),
        _ => true,
    }
}
