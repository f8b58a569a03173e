//! Puts tokens together to statements, from the inside out.

use std::borrow::Cow;
use std::iter::Peekable;

use super::clauses::{Tables, write_statement};
use super::item::{Item, Kind, MANY, Shape, VALUE, write};
use super::keywords::keyword;
use super::lex::{Dialect, Lexer, Token};
use super::logic;
use super::names::without_numbers;

/// What is nested deeper is left out.
const MAX_DEPTH: usize = 64;
/// What every conditional expression is.
const ANY_CASE: &str = "CASE WHEN .. THEN .. END";
/// Words that begin a statement of their own inside parentheses.
const QUERIES: [&str; 6] = ["SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE"];

/// Reads one text.
pub(super) struct Parser<'t> {
    tokens: Peekable<Lexer<'t>>,
    /// The tables found so far.
    pub(super) tables: Tables,
    /// What the first statement does.
    pub(super) verb: Option<&'static str>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self {
            tokens: Lexer::new(text, dialect).peekable(),
            tables: Tables::default(),
            verb: None,
        }
    }

    /// All statements, joined by semicolons.
    pub(super) fn statements(&mut self) -> String {
        let mut out = String::new();
        while self.tokens.peek().is_some() {
            let items = self.sequence(0);
            if self.verb.is_none() {
                self.verb = verb(&items);
            }
            let statement = write_statement(&items, &mut self.tables);
            if !out.is_empty() && !statement.is_empty() {
                out.push_str("; ");
            }
            out.push_str(&statement);
        }
        out
    }

    /// The items up to the end of the statement or of the parentheses.
    fn sequence(&mut self, depth: usize) -> Vec<Item<'t>> {
        let mut sequence = Sequence::default();
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Semicolon if depth == 0 => break,
                Token::Close if depth > 0 => break,
                Token::Semicolon | Token::Close => {}
                Token::Open(_) if depth == MAX_DEPTH => {
                    self.skip_group();
                    sequence.push(Item::done(format!("({MANY})")));
                }
                Token::Open(bracket) => {
                    let inner = self.sequence(depth + 1);
                    self.group(&mut sequence, bracket, inner);
                }
                Token::Cast => self.skip_type(),
                token => sequence.token(token),
            }
        }
        sequence.finish()
    }

    /// Adds something in parentheses.
    fn group(&mut self, sequence: &mut Sequence<'t>, bracket: char, mut inner: Vec<Item<'t>>) {
        if bracket == '[' {
            let text = match shape_of_values(&inner) {
                true if !inner.is_empty() => VALUE.to_owned(),
                _ => write(&inner),
            };
            return sequence.push(Item::new(format!("[{text}]"), Kind::Subscript));
        }
        if sequence.pop_cast() {
            let end = inner.iter().position(|item| item.is_key("AS"));
            inner.truncate(end.unwrap_or(inner.len()));
            if let [_] = inner[..] {
                return inner.into_iter().for_each(|item| sequence.push(item));
            }
        }
        let (text, shape) = self.reduce(&inner);
        sequence.group(text, shape);
    }

    fn reduce(&mut self, inner: &[Item<'t>]) -> (String, Shape) {
        let first = inner.first();
        if first.is_some_and(|item| item.kind == Kind::Key && QUERIES.contains(&&*item.text)) {
            return (write_statement(inner, &mut self.tables), Shape::Query);
        }
        if shape_of_values(inner) {
            return (write(inner), Shape::Values);
        }
        if inner.iter().any(|item| item.kind == Kind::Comma) {
            let parts = inner.split(|item| item.kind == Kind::Comma);
            let parts: Vec<_> = parts.map(logic::condition).collect();
            return (parts.join(", "), Shape::Other);
        }
        let terms = logic::terms(inner);
        (logic::join(&terms), Shape::Terms(terms.0, terms.1))
    }

    /// Goes on behind the parentheses that were just opened.
    fn skip_group(&mut self) {
        let mut open = 1_usize;
        for token in self.tokens.by_ref() {
            match token {
                Token::Open(_) => open += 1,
                Token::Close => open -= 1,
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    /// Goes on behind the type of a cast: `double precision`, `timestamp(3) with time zone`, `numeric(10, 2)[]`.
    fn skip_type(&mut self) {
        const TAILS: [&str; 7] = [
            "precision",
            "varying",
            "with",
            "without",
            "time",
            "local",
            "zone",
        ];
        let mut is_first = true;
        while let Some(token) = self.tokens.peek() {
            let belongs = match token {
                Token::Word(word) => {
                    is_first || TAILS.iter().any(|tail| word.eq_ignore_ascii_case(tail))
                }
                Token::Quoted(_) => is_first,
                Token::Open(_) => !is_first,
                Token::Dot => true,
                _ => false,
            };
            if !belongs {
                return;
            }
            is_first = *token == Token::Dot;
            if let Some(Token::Open(_)) = self.tokens.next() {
                self.skip_group();
            }
        }
    }
}

fn shape_of_values(items: &[Item<'_>]) -> bool {
    items.iter().all(|item| {
        matches!(
            item.kind,
            Kind::Value | Kind::Comma | Kind::Group(Shape::Values)
        )
    })
}

/// What a statement does: its first word, or that behind the queries that it names first.
fn verb(items: &[Item<'_>]) -> Option<&'static str> {
    let first = items.first().filter(|item| item.kind == Kind::Key)?;
    let first = keyword(&first.text)?;
    let follows = |word| items.iter().take(3).any(|item| item.is_key(word));
    match first {
        "WITH" => {
            let mut rest = items.iter().filter(|item| item.kind == Kind::Key);
            let verb = rest.find(|item| item.text != "WITH" && QUERIES.contains(&&*item.text));
            verb.and_then(|item| keyword(&item.text))
        }
        "RELEASE" if follows("SAVEPOINT") => Some("RELEASE SAVEPOINT"),
        "ROLLBACK" if follows("SAVEPOINT") => Some("ROLLBACK TO SAVEPOINT"),
        first => Some(first),
    }
}

/// Items on one level, while they are read.
#[derive(Default)]
struct Sequence<'t> {
    items: Vec<Item<'t>>,
    /// Where each CASE without its END begins.
    cases: Vec<usize>,
    follows_dot: bool,
}

impl<'t> Sequence<'t> {
    fn push(&mut self, item: Item<'t>) {
        self.items.push(item);
    }

    fn last(&self, back: usize) -> Option<&Item<'t>> {
        self.items.iter().rev().nth(back)
    }

    fn follows(&self, back: usize, word: &str) -> bool {
        self.last(back).is_some_and(|item| item.is_key(word))
    }

    fn token(&mut self, token: Token<'t>) {
        let follows_dot = std::mem::take(&mut self.follows_dot);
        if follows_dot {
            self.drop_prefix(token);
        }
        match token {
            Token::Word(word) => match keyword(word).filter(|_| !follows_dot) {
                Some(word) => self.keyword(word),
                None => self.name(word),
            },
            Token::Quoted(name) => self.name(name),
            Token::Value => self.value(),
            Token::Comma => self.push(Item::new(",", Kind::Comma)),
            Token::Dot => self.follows_dot = true,
            Token::Op("*") if follows_dot => self.push(Item::done("*")),
            Token::Op(op) => self.push(Item::new(op, Kind::Op)),
            Token::Open(_) | Token::Close | Token::Cast | Token::Semicolon => {}
        }
    }

    /// Of `schema.table.column` only the last name stays.
    fn drop_prefix(&mut self, token: Token<'t>) {
        match (self.last(0).map(|item| &item.kind), token) {
            // A table may be called like a keyword.
            (Some(Kind::Name | Kind::Key), Token::Word(_) | Token::Quoted(_) | Token::Op("*")) => {
                self.items.pop();
            }
            _ => self.push(Item::new(".", Kind::Op)),
        }
    }

    fn keyword(&mut self, word: &'static str) {
        match word {
            "TRUE" | "FALSE" => self.value(),
            "NULL" if !(self.follows(0, "IS") || self.follows(0, "NOT")) => self.value(),
            "CASE" => {
                self.cases.push(self.items.len());
                self.push(Item::key(word));
            }
            "END" => match self.cases.pop() {
                Some(start) => {
                    self.items.truncate(start);
                    self.push(Item::done(ANY_CASE));
                }
                None => self.push(Item::key(word)),
            },
            word => self.push(Item::key(word)),
        }
    }

    fn name(&mut self, name: &'t str) {
        if self.is_session_name() {
            return self.push(Item::value());
        }
        if self.follows(0, "ROLLBACK") && name.eq_ignore_ascii_case("to") {
            return self.push(Item::done("TO"));
        }
        let name = without_numbers(name);
        self.push(Item::new(name, Kind::Name));
    }

    /// Whether the next name is that of a savepoint or cursor, which clients make up.
    fn is_session_name(&self) -> bool {
        let is_rollback_to =
            self.follows(1, "ROLLBACK") && self.last(0).is_some_and(|item| item.text == "TO");
        let is_fetch = self.items.first().is_some_and(|item| item.is_key("FETCH"));
        ["SAVEPOINT", "RELEASE", "DECLARE", "CLOSE"]
            .iter()
            .any(|word| self.follows(0, word))
            || is_rollback_to
            || (is_fetch && self.follows(0, "FROM"))
    }

    fn value(&mut self) {
        let has_sign = self
            .last(0)
            .is_some_and(|item| item.kind == Kind::Op && matches!(&*item.text, "-" | "+"));
        let starts_operand = self
            .last(1)
            .is_none_or(|item| matches!(item.kind, Kind::Op | Kind::Key | Kind::Comma));
        if has_sign && starts_operand {
            self.items.pop();
        }
        self.push(Item::value());
    }

    /// Whether a cast's parentheses follow; its name goes.
    fn pop_cast(&mut self) -> bool {
        let is_cast = self.last(0).is_some_and(|item| {
            let is = |name| item.text.eq_ignore_ascii_case(name);
            item.kind == Kind::Name && (is("CAST") || is("TRY_CAST"))
        });
        if is_cast {
            self.items.pop();
        }
        is_cast
    }

    fn group(&mut self, text: String, shape: Shape) {
        let text: Cow<'_, str> = match shape {
            Shape::Values if self.follows(0, "IN") => format!("({VALUE})").into(),
            _ => format!("({text})").into(),
        };
        // These are functions too.
        if let Some(item) = self.items.last_mut()
            && ["LEFT", "RIGHT"].iter().any(|word| item.is_key(word))
        {
            item.kind = Kind::Name;
        }
        self.push(Item::new(text, Kind::Group(shape)));
    }

    fn finish(mut self) -> Vec<Item<'t>> {
        if let Some(&start) = self.cases.first() {
            self.items.truncate(start);
            self.push(Item::done(ANY_CASE));
        }
        self.items
    }
}
