//! Compiles a search for issues to SQL. Only fixed texts of this file become SQL; what a user wrote is bound as a value.

use bugle_protocol::{Level, UnixMillis};
use bugle_query::glob::{Glob, Piece as GlobPiece};
use bugle_query::{Expr, Key, Literal, Operator, ParseError, Query, Term, Test, Value};

use crate::issues::{IssueFilter, IssueStatus, IssueSubstatus};

/// Terms of a search; SQLite takes no expression that is nested much deeper than a thousand levels.
const MAX_TERMS: usize = 200;

/// A condition as text and values in turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Condition {
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Sql(&'static str),
    Text(String),
    Integer(i64),
}

/// What a search key stands for.
enum Column {
    /// A text column.
    Text(&'static str),
    /// A text column that may be null.
    OptionalText(&'static str),
    /// A count.
    Number(&'static str),
    /// A time.
    Time(&'static str),
    /// A time, asked for by how long ago it is.
    Status,
}

/// The keys a search for issues knows, Sentry's names first.
const KEYS: &str = "is, level, title, transaction, culprit, platform, type, firstSeen, lastSeen, age, timesSeen, \
                    userCount, firstRelease, lastRelease, has";

fn column(key: &Key) -> Option<Column> {
    let Key::Field(name) = key else {
        return None;
    };
    Some(match name.to_ascii_lowercase().as_str() {
        "is" | "status" => Column::Status,
        "level" => Column::Text("i.level"),
        "title" | "message" => Column::Text("i.title"),
        "transaction" | "culprit" | "location" => Column::Text("i.culprit"),
        "platform" | "platform.name" => Column::Text("i.platform"),
        "type" | "event.type" => Column::Text("i.event_type"),
        "firstrelease" | "first_release" => Column::OptionalText("i.first_release"),
        "lastrelease" | "release" => Column::OptionalText("i.last_release"),
        "timesseen" | "times_seen" => Column::Number("i.event_count"),
        "usercount" | "users" | "users_seen" => Column::Number("i.user_count"),
        "firstseen" | "first_seen" | "age" => Column::Time("i.first_seen"),
        "lastseen" | "last_seen" => Column::Time("i.last_seen"),
        _ => return None,
    })
}

impl IssueFilter {
    /// Narrows the filter to issues that a search matches; a blank search changes nothing. Returns whether the search
    /// itself says which status is wanted.
    ///
    /// # Errors
    /// [`ParseError`] with the column of what is wrong: the grammar, a key that issues do not have, a value that its key
    /// cannot take.
    pub fn search(&mut self, source: &str, now: UnixMillis) -> Result<bool, ParseError> {
        // PostgreSQL's texts cannot hold a NUL, and no title has one.
        let source = &source.replace('\0', "\u{fffd}");
        let query = Query::parse(source)?;
        if let Some(term) = query.terms().get(MAX_TERMS) {
            return Err(term.error(source, format!("a search has at most {MAX_TERMS} terms")));
        }
        let Some(root) = query.root() else {
            return Ok(false);
        };
        let mut condition = Condition {
            pieces: vec![Piece::Sql(" AND ")],
        };
        Compiler {
            source,
            now,
            pieces: &mut condition.pieces,
        }
        .expr(root)?;
        self.conditions.push(condition);
        Ok(query
            .terms()
            .iter()
            .filter_map(|term| term.key())
            .any(|key| matches!(column(key), Some(Column::Status))))
    }
}

struct Compiler<'c> {
    source: &'c str,
    now: UnixMillis,
    pieces: &'c mut Vec<Piece>,
}

impl Compiler<'_> {
    fn sql(&mut self, sql: &'static str) -> &mut Self {
        self.pieces.push(Piece::Sql(sql));
        self
    }

    fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    fn integer(&mut self, number: i64) -> &mut Self {
        self.pieces.push(Piece::Integer(number));
        self
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), ParseError> {
        let (parts, between) = match expr {
            Expr::Term(term) => return self.term(term),
            Expr::And(parts) => (parts, " AND "),
            Expr::Or(parts) => (parts, " OR "),
        };
        self.sql("(");
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.sql(between);
            }
            self.expr(part)?;
        }
        self.sql(")");
        Ok(())
    }

    fn term(&mut self, term: &Term) -> Result<(), ParseError> {
        self.sql(if term.negated { "NOT (" } else { "(" });
        match &term.test {
            Test::Text(value) => self.free_text(value),
            Test::Has(key) => self.has(term, key)?,
            Test::Is(key, value) => self.is(term, key, value)?,
            Test::In(key, values) => {
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        self.sql(" OR ");
                    }
                    self.is(term, key, value)?;
                }
            }
            Test::Compare(key, operator, value) => self.compare(term, key, *operator, value)?,
        }
        self.sql(")");
        Ok(())
    }

    fn free_text(&mut self, value: &Value) {
        let pattern = format!("%{}%", like_pattern(&value.glob));
        self.like("i.title", pattern.clone())
            .sql(" OR ")
            .like("i.culprit", pattern);
    }

    /// Compares without regard to case as far as the database knows it (SQLite: in ASCII); both sides are folded alike.
    fn like(&mut self, column: &'static str, pattern: String) -> &mut Self {
        self.sql("LOWER(")
            .sql(column)
            .sql(") LIKE LOWER(")
            .text(pattern)
            .sql(r") ESCAPE '\'")
    }

    fn column(&self, term: &Term, key: &Key) -> Result<Column, ParseError> {
        column(key).ok_or_else(|| {
            term.error(
                self.source,
                format!("issues have no '{key}' to search for; there are: {KEYS}"),
            )
        })
    }

    fn has(&mut self, term: &Term, key: &Key) -> Result<(), ParseError> {
        match self.column(term, key)? {
            Column::OptionalText(column) => self.sql(column).sql(" IS NOT NULL"),
            Column::Text(column) => self.sql(column).sql(" <> ''"),
            Column::Number(_) | Column::Time(_) | Column::Status => self.sql("1 = 1"),
        };
        Ok(())
    }

    fn is(&mut self, term: &Term, key: &Key, value: &Value) -> Result<(), ParseError> {
        match self.column(term, key)? {
            Column::Status => self.status(term, value),
            Column::Text("i.level")
                if value
                    .as_text()
                    .is_some_and(|text| Level::parse(text).is_none()) =>
            {
                Err(term.error(
                    self.source,
                    "expected a level: debug, info, warning, error or fatal",
                ))
            }
            Column::Text(column) => {
                self.like(column, like_pattern(&value.glob));
                Ok(())
            }
            Column::OptionalText(column) => {
                // A null compares to nothing, and NOT of that is nothing too.
                self.sql(column)
                    .sql(" IS NOT NULL AND ")
                    .like(column, like_pattern(&value.glob));
                Ok(())
            }
            Column::Number(column) => {
                let number = self.number(term, value)?;
                self.sql(column).sql(" = ").integer(number);
                Ok(())
            }
            Column::Time(column) => self.within(term, column, value),
        }
    }

    fn status(&mut self, term: &Term, value: &Value) -> Result<(), ParseError> {
        let name = value.as_text().unwrap_or_default().to_ascii_lowercase();
        let substatus = match name.as_str() {
            "new" => IssueSubstatus::New,
            "ongoing" => IssueSubstatus::Ongoing,
            "regressed" => IssueSubstatus::Regressed,
            "unhandled" => {
                self.sql("i.is_unhandled");
                return Ok(());
            }
            name => {
                let Ok(status) = name.parse::<IssueStatus>() else {
                    let expected = "expected unresolved, resolved, archived, new, ongoing, regressed or unhandled";
                    return Err(term.error(self.source, expected));
                };
                self.sql("i.status = ").text(status.as_str());
                return Ok(());
            }
        };
        self.sql("i.status = 'unresolved' AND i.substatus = ")
            .text(substatus.as_str());
        Ok(())
    }

    fn number(&self, term: &Term, value: &Value) -> Result<i64, ParseError> {
        let number = value.as_text().and_then(|text| text.parse().ok());
        number.ok_or_else(|| term.error(self.source, "expected a whole number"))
    }

    fn within(
        &mut self,
        term: &Term,
        column: &'static str,
        value: &Value,
    ) -> Result<(), ParseError> {
        let Some(bounds) = value.literal.time_bounds(self.now) else {
            return Err(self.no_time(term));
        };
        self.sql("1 = 1");
        if let Some(from) = bounds.from {
            self.sql(" AND ").sql(column).sql(" >= ").integer(from.0);
        }
        if let Some(until) = bounds.until {
            self.sql(" AND ").sql(column).sql(" < ").integer(until.0);
        }
        Ok(())
    }

    fn no_time(&self, term: &Term) -> ParseError {
        term.error(
            self.source,
            "expected a time, such as 2026-01-31, 2026-01-31T12:00:00, -24h or +7d",
        )
    }

    fn compare(
        &mut self,
        term: &Term,
        key: &Key,
        operator: Operator,
        value: &Value,
    ) -> Result<(), ParseError> {
        let (column, number) = match self.column(term, key)? {
            Column::Number(column) => (column, self.number(term, value)?),
            Column::Time(column) => {
                let moment = match value.literal {
                    Literal::Older(age) => Some(self.now.before(age)),
                    literal => literal.moment(self.now),
                };
                (column, moment.ok_or_else(|| self.no_time(term))?.0)
            }
            Column::Text(_) | Column::OptionalText(_) | Column::Status => {
                return Err(term.error(self.source, format!("'{key}' is a text and has no order")));
            }
        };
        let operator = match operator {
            Operator::Less => " < ",
            Operator::LessOrEqual => " <= ",
            Operator::Greater => " > ",
            Operator::GreaterOrEqual => " >= ",
        };
        self.sql(column).sql(operator).integer(number);
        Ok(())
    }
}

/// The pattern in the language of `LIKE`, with `\` as its escape.
fn like_pattern(glob: &Glob) -> String {
    let mut pattern = String::new();
    for piece in glob.pieces() {
        match piece {
            GlobPiece::Any => pattern.push('%'),
            GlobPiece::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '%' | '_' | '\\') {
                        pattern.push('\\');
                    }
                    pattern.push(c);
                }
            }
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(source: &str) -> Result<String, String> {
        let mut filter = IssueFilter::default();
        filter
            .search(source, UnixMillis(1_000_000_000))
            .map_err(|error| error.to_string())?;
        let pieces = filter
            .conditions
            .iter()
            .flat_map(|condition| &condition.pieces);
        Ok(pieces
            .map(|piece| match piece {
                Piece::Sql(sql) => (*sql).to_owned(),
                Piece::Text(text) => format!("«{text}»"),
                Piece::Integer(number) => format!("«{number}»"),
            })
            .collect())
    }

    #[test]
    fn searches_become_sql_with_bound_values() {
        for (source, expected) in [
            ("", ""),
            ("is:unresolved", " AND (i.status = «unresolved»)"),
            ("!is:ignored", " AND NOT (i.status = «archived»)"),
            (
                "level:[error, fatal]",
                r" AND (LOWER(i.level) LIKE LOWER(«error») ESCAPE '\' OR LOWER(i.level) LIKE LOWER(«fatal») ESCAPE '\')",
            ),
            (
                "100%_done",
                r" AND (LOWER(i.title) LIKE LOWER(«%100\%\_done%») ESCAPE '\' OR LOWER(i.culprit) LIKE LOWER(«%100\%\_done%») ESCAPE '\')",
            ),
            ("timesSeen:>=5", " AND (i.event_count >= «5»)"),
            (
                "firstSeen:-24h",
                " AND (1 = 1 AND i.first_seen >= «913600000»)",
            ),
            (
                "has:release OR is:new",
                " AND ((i.last_release IS NOT NULL) OR (i.status = 'unresolved' AND i.substatus = «new»))",
            ),
        ] {
            assert_eq!(sql(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn errors_point_at_the_term() {
        for (source, column, part) in [
            ("is:unresolved nonsense:1", 15, "issues have no 'nonsense'"),
            ("is:open", 1, "expected unresolved, resolved"),
            ("level:loud", 1, "expected a level"),
            ("timesSeen:many", 1, "expected a whole number"),
            ("lastSeen:soon", 1, "expected a time"),
        ] {
            let error = sql(source).unwrap_err();
            assert!(
                error.starts_with(&format!("column {column}:")) && error.contains(part),
                "{source}: {error}"
            );
        }
    }
}
