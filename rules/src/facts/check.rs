//! Whether a condition asks for what events have.

use bugle_protocol::Level;
use bugle_query::{Key, Literal, Network, Query, Span, Term, Test, Value};

use super::fields::{self, FIELDS, FieldKind};

/// What is wrong with a term of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Where, in bytes of the text that was parsed.
    pub span: Span,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether the term cannot mean anything; else it is only likely to be a slip of the pen.
    pub is_error: bool,
}

/// Objects to values that a field never has (`level:>5`, `transaction.duration:fast`), and to names that are nearly
/// those of fields or mean one elsewhere (`type`). What is no field is a tag; `tags[name]` says so, and is not objected to.
#[must_use]
pub fn check(query: &Query) -> Vec<Objection> {
    query.terms().into_iter().filter_map(check_term).collect()
}

fn check_term(term: &Term) -> Option<Objection> {
    let Some(Key::Field(name)) = term.key() else {
        return None;
    };
    let Some(found) = fields::find(name) else {
        return misspelt(name).map(|right| Objection {
            span: key_span(term, name),
            message: format!(
                "there is no field `{name}`; did you mean `{right}`? A tag of this name is `tags[{name}]`"
            ),
            is_error: false,
        });
    };
    let kind = found.field.kind;
    let (value, problem) = match &term.test {
        Test::Text(_) | Test::Has(_) => return None,
        Test::Is(_, value) => (value, wrong_value(kind, value)?),
        Test::In(_, values) => values
            .iter()
            .find_map(|value| Some((value, wrong_value(kind, value)?)))?,
        Test::Compare(_, _, value) => (value, wrong_order(kind, value)?),
    };
    Some(Objection {
        span: value.span,
        message: format!("`{name}` is {problem}"),
        is_error: true,
    })
}

/// Where the key stands in the term.
fn key_span(term: &Term, name: &str) -> Span {
    let has = if matches!(term.test, Test::Has(_)) {
        "has:".len()
    } else {
        0
    };
    let start = term.span.start + usize::from(term.negated) + has;
    Span {
        start,
        end: start + name.len(),
    }
}

const LEVELS: &str = "a level: `debug`, `info`, `warning`, `error` or `fatal`";
const DURATION: &str = "a duration, such as `500ms` or `2s`";
const NUMBER: &str = "a number, such as `404`, or a size, such as `10kb`";
const TIME: &str =
    "a time, such as `2026-01-02`, `2026-01-02T03:04:05` or `-24h` for a day ago and later";
const ADDRESS: &str = "an address: `192.0.2.7`, or a network such as `10.0.0.0/8`";

/// What a field is, if it can never be the value. Patterns can be anything, and an empty value stands for an absent one.
fn wrong_value(kind: FieldKind, value: &Value) -> Option<&'static str> {
    let text = value.as_text()?;
    if text.is_empty() {
        return None;
    }
    let is = |word: &str| value.glob.matches(word);
    let (problem, fits) = match kind {
        FieldKind::Text | FieldKind::Version | FieldKind::Any => return None,
        FieldKind::Number => (NUMBER, value.literal.number().is_some()),
        FieldKind::Duration => (DURATION, value.literal.duration_ms().is_some()),
        FieldKind::Time => (TIME, is_time(value.literal)),
        FieldKind::Bool => (
            "`true` or `false`",
            is("true") || is("false") || text == "1" || text == "0",
        ),
        FieldKind::Level => (
            LEVELS,
            Level::parse(text).is_some() || Level::ALL.iter().any(|level| is(level.as_str())),
        ),
        FieldKind::Address => (ADDRESS, text.parse::<Network>().is_ok()),
    };
    (!fits).then_some(problem)
}

/// What a field is, if it has no order relative to the value.
fn wrong_order(kind: FieldKind, value: &Value) -> Option<&'static str> {
    let text = value.as_text()?;
    let (problem, fits) = match kind {
        FieldKind::Any => return None,
        FieldKind::Text => (
            "a text, which has no order; `*` stands for any characters",
            false,
        ),
        FieldKind::Bool => ("`true` or `false`, which have no order", false),
        FieldKind::Address => (
            "an address, which has no order; a network is `10.0.0.0/8`",
            false,
        ),
        FieldKind::Level => (LEVELS, Level::parse(text).is_some()),
        FieldKind::Number => (NUMBER, value.literal.number().is_some()),
        FieldKind::Duration => (DURATION, value.literal.duration_ms().is_some()),
        FieldKind::Time => (TIME, is_time(value.literal)),
        FieldKind::Version => ("a version, such as `1.2` or `2.0.0-rc.1`", is_version(text)),
    };
    (!fits).then_some(problem)
}

fn is_time(literal: Literal) -> bool {
    matches!(
        literal,
        Literal::Time(..) | Literal::Newer(_) | Literal::Older(_)
    )
}

/// Whether a text begins as versions do. What it goes on with is looked at when it is compared.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// What other languages of rules call fields.
const FOREIGN: [(&str, &str); 7] = [
    ("type", "error.type"),
    ("duration", "transaction.duration"),
    ("email", "user.email"),
    ("ip", "user.ip"),
    ("function", "stack.function"),
    ("filename", "stack.filename"),
    ("module", "stack.module"),
];

/// The field that somebody may have meant by a name.
fn misspelt(name: &str) -> Option<&'static str> {
    if let Some((_, field)) = FOREIGN.into_iter().find(|(foreign, _)| *foreign == name) {
        return Some(field);
    }
    // Short names and their neighbours are words of their own.
    if name.len() < 5 || name.len() > 40 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let names = || {
        FIELDS
            .iter()
            .filter(|field| !field.is_group())
            .flat_map(fields::Field::names)
    };
    let same = names().find(|known| *known == lower);
    same.or_else(|| names().find(|known| is_one_slip(&lower, known)))
}

/// Whether one text becomes the other by one letter more, less or other, or by two that change places.
///
/// `user_id` is not taken for `user.id`: it is what people call their tags.
fn is_one_slip(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same_start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[same_start..], &b[same_start..]);
    let is_separator = |byte: &u8| matches!(byte, b'.' | b'_' | b'-');
    match (rest_a, rest_b) {
        ([_, tail @ ..], []) | ([], [_, tail @ ..]) => tail.is_empty(),
        ([x, after_x @ ..], [y, after_y @ ..]) => {
            (after_x == after_y && !(is_separator(x) && is_separator(y)))
                || after_x == rest_b
                || rest_a == after_y
                || matches!((after_x, after_y), ([x2, tail_x @ ..], [y2, tail_y @ ..])
                    if x == y2 && y == x2 && tail_x == tail_y)
        }
        ([], []) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen() {
        for (wrong, right) in [
            ("error.typ", Some("error.type")),
            ("errors.type", Some("error.type")),
            ("eror.type", Some("error.type")),
            ("error.tyep", Some("error.type")),
            ("Error.Type", Some("error.type")),
            ("realease", Some("release")),
            ("enviroment", Some("environment")),
            ("transaction.duratoin", Some("transaction.duration")),
            ("stack.filenam", Some("stack.filename")),
            ("user_id", None),
            ("error_type", None),
            ("customer", None),
            ("tier", None),
            ("dists", Some("dist")),
            ("urls", None),
            ("type", Some("error.type")),
            ("duration", Some("transaction.duration")),
        ] {
            assert_eq!(misspelt(wrong), right, "{wrong}");
        }
    }
}
