//! Statements of SQL in the form that all of one kind share: without literals, aliases and lists.
//!
//! There is no grammar of any dialect behind this. A tokenizer that forgets literals is followed by rules for the few
//! clauses that make equal statements look different, so a statement that was cut in the middle, or is of an unknown
//! dialect, comes out as far as it is understood. Time grows with the text.

mod clauses;
mod item;
mod keywords;
mod lex;
mod logic;
mod names;
mod parse;

use clauses::Tables;
use lex::Dialect;
use parse::Parser;

/// Longer statements are cut before they are read.
const MAX_BYTES: usize = 64 * 1024;

/// What a text of SQL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The text without what differs from call to call.
    pub(super) text: String,
    /// What it does, such as `SELECT`.
    pub(super) verb: Option<&'static str>,
    /// Its tables in lower case, sorted, as `,a,b,`.
    pub(super) tables: Option<String>,
}

/// Reads a text, which may hold several statements. `system` is the span's `db.system`.
pub(super) fn normalize(text: &str, system: Option<&str>) -> Statement {
    let text = super::cut(text, MAX_BYTES);
    let mut parser = Parser::new(text, Dialect::of(system));
    let text = parser.statements();
    let Tables { named, own } = parser.tables;
    let tables: Vec<_> = named.difference(&own).map(String::as_str).collect();
    Statement {
        text,
        verb: parser.verb,
        tables: (!tables.is_empty()).then(|| format!(",{},", tables.join(","))),
    }
}
