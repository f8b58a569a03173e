//! A statement's clauses: lists of columns, assignments, rows and conditions, each brought to its shortest form.

use std::collections::BTreeSet;

use super::item::{Item, Kind, MANY, VALUE, write};
use super::logic;

/// Words with which a clause begins, sorted.
const STARTS: [&str; 31] = [
    "CROSS",
    "DELETE",
    "EXCEPT",
    "FETCH",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "JOIN",
    "LEFT",
    "LIMIT",
    "NATURAL",
    "OFFSET",
    "ON",
    "ORDER",
    "RETURNING",
    "RIGHT",
    "SELECT",
    "SET",
    "TABLE",
    "UNION",
    "UPDATE",
    "USING",
    "VALUES",
    "WHERE",
    "WITH",
];

/// The tables that a text names.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) named: BTreeSet<String>,
    /// Names that the text itself gives to queries.
    pub(super) own: BTreeSet<String>,
}

/// Writes a statement, and notes its tables.
pub(super) fn write_statement(items: &[Item<'_>], tables: &mut Tables) -> String {
    let mut out = String::new();
    let mut start = 0;
    while start < items.len() {
        let after = start + 1;
        let length = items[after..]
            .iter()
            .enumerate()
            .position(|(ahead, item)| starts_clause(item, &items[after + ahead - 1]));
        let end = length.map_or(items.len(), |length| after + length);
        let before = start.checked_sub(1).map(|at| &items[at]);
        let clause = write_clause(before, &items[start..end], tables);
        if !out.is_empty() && !clause.is_empty() {
            out.push(' ');
        }
        out.push_str(&clause);
        start = end;
    }
    out
}

fn starts_clause(item: &Item<'_>, before: &Item<'_>) -> bool {
    let is_start = item.kind == Kind::Key && STARTS.binary_search(&&*item.text).is_ok();
    // `a = VALUES(a)` is a call, `DISTINCT ON (a)` belongs to the list.
    let is_call = item.is_key("VALUES") && before.kind == Kind::Op;
    let is_prefix = item.is_key("ON") && before.is_key("DISTINCT");
    is_start && !is_call && !is_prefix
}

fn write_clause(before: Option<&Item<'_>>, clause: &[Item<'_>], tables: &mut Tables) -> String {
    let Some((key, body)) = clause.split_first() else {
        return String::new();
    };
    if key.kind != Kind::Key {
        return write(clause);
    }
    let ends_in_key = before.is_some_and(|item| item.text.eq_ignore_ascii_case("key"));
    match &*key.text {
        "SELECT" | "RETURNING" => with_key(key, &select_list(body)),
        "WHERE" | "HAVING" => with_key(key, &logic::condition(body)),
        "ON" if body.first().is_none_or(|item| item.kind != Kind::Key) => {
            with_key(key, &logic::condition(body))
        }
        "SET" => with_key(key, &assignments(body)),
        // `ON DUPLICATE KEY UPDATE`
        "UPDATE" if ends_in_key => with_key(key, &assignments(body)),
        "VALUES" => with_key(key, &rows(body)),
        "INTO" => {
            note_tables(&body[..body.len().min(1)], tables);
            with_key(key, &target(body))
        }
        "UPDATE" if before.is_some_and(|item| item.is_key("FOR")) => write(clause),
        "FROM" | "JOIN" | "UPDATE" | "TABLE" => {
            note_tables(body, tables);
            write(clause)
        }
        "WITH" => {
            note_own_names(body, tables);
            write(clause)
        }
        _ => write(clause),
    }
}

fn with_key(key: &Item<'_>, body: &str) -> String {
    if body.is_empty() {
        return key.text.to_string();
    }
    format!("{} {body}", key.text)
}

/// The first name of each part between commas, unless it is a call.
fn note_tables(body: &[Item<'_>], tables: &mut Tables) {
    for part in body.split(|item| item.kind == Kind::Comma) {
        if let [name, rest @ ..] = part
            && name.kind == Kind::Name
            && !rest.first().is_some_and(Item::is_group)
        {
            tables.named.insert(name.text.to_lowercase());
        }
    }
}

fn note_own_names(body: &[Item<'_>], tables: &mut Tables) {
    for part in body.split(|item| item.kind == Kind::Comma) {
        let name = part.iter().find(|item| item.kind == Kind::Name);
        tables.own.extend(name.map(|name| name.text.to_lowercase()));
    }
}

/// The items of a list, neighbours that are all alike as one.
fn collapsed<'i, 't: 'i>(
    body: &'i [Item<'t>],
    is_plain: impl Fn(&[Item<'t>]) -> bool,
    trim: impl Fn(&'i [Item<'t>]) -> &'i [Item<'t>],
) -> String {
    let mut parts: Vec<(bool, String)> = Vec::new();
    for part in body.split(|item| item.kind == Kind::Comma) {
        let part = trim(part);
        let plain = is_plain(part);
        match parts.last_mut() {
            Some((true, text)) if plain => MANY.clone_into(text),
            _ => parts.push((plain, write(part))),
        }
    }
    let texts: Vec<_> = parts.into_iter().map(|(_, text)| text).collect();
    texts.join(", ")
}

fn select_list(body: &[Item<'_>]) -> String {
    let (prefix, list) = body.split_at(prefix_length(body));
    let list = collapsed(
        list,
        |item| matches!(item, [name] if name.kind == Kind::Name),
        without_alias,
    );
    match prefix {
        [] => list,
        prefix if list.is_empty() => write(prefix),
        prefix => format!("{} {list}", write(prefix)),
    }
}

/// The items of `DISTINCT`, `DISTINCT ON (...)`, `ALL` and `TOP 10`.
fn prefix_length(body: &[Item<'_>]) -> usize {
    let Some(first) = body.first() else { return 0 };
    match &*first.text {
        "DISTINCT" if body.get(1).is_some_and(|item| item.is_key("ON")) => 3.min(body.len()),
        "TOP" => 2.min(body.len()),
        "DISTINCT" | "ALL" if first.kind == Kind::Key => 1,
        _ => 0,
    }
}

fn without_alias<'i, 't>(item: &'i [Item<'t>]) -> &'i [Item<'t>] {
    if let Some(at) = item.iter().position(|item| item.is_key("AS")) {
        return &item[..at];
    }
    match item {
        [rest @ .., before, last]
            if last.kind == Kind::Name && !matches!(before.kind, Kind::Op | Kind::Key) =>
        {
            &item[..=rest.len()]
        }
        item => item,
    }
}

fn assignments(body: &[Item<'_>]) -> String {
    let is_literal = |item: &[Item<'_>]| {
        matches!(item, [name, equals, value]
            if name.kind == Kind::Name && equals.text == "=" && value.kind == Kind::Value)
    };
    collapsed(body, is_literal, |item| item)
}

/// The rows behind VALUES as one.
fn rows(body: &[Item<'_>]) -> String {
    let is_row =
        |item: &Item<'_>| item.is_group() || matches!(item.kind, Kind::Value | Kind::Comma);
    let end = body.iter().position(|item| !is_row(item));
    let (rows, rest) = body.split_at(end.unwrap_or(body.len()));
    let mut items = Vec::with_capacity(rest.len() + 1);
    if !rows.is_empty() {
        items.push(Item::done(format!("({VALUE})")));
    }
    items.extend_from_slice(rest);
    write(&items)
}

/// A table with its columns: `t (..)`.
fn target(body: &[Item<'_>]) -> String {
    let mut items = body.to_vec();
    if let [name, columns, ..] = &mut items[..]
        && name.kind == Kind::Name
        && columns.is_group()
    {
        *columns = Item::done(format!("({MANY})"));
    }
    write(&items)
}
