//! Text with marks where a rule changed it.

use bugle_protocol::Json;
use bugle_protocol::json;
use bugle_protocol::meta::{FieldError, Note, Remark, RemarkKind};
use serde::Serialize;

use super::noted::Noted;
use crate::rule_words;

/// The deepest a value is indented; what is deeper stands on one line.
const MAX_INDENT: usize = 40;

/// The most that is said of one value.
const MOST_SENTENCES: usize = 10;

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    /// The text.
    pub(super) text: String,
    /// What happened to it, naming the rule; none if it is as it came.
    pub(super) mark: Option<String>,
}

/// A text, or any other value as indented JSON, with the places marked that rules changed.
pub(super) fn pieces(value: Noted<'_, '_>) -> Vec<Piece> {
    let mut printer = Printer::default();
    match (value.json, note(value)) {
        (Json::String(text), note) => printer.text(text, note, str::to_owned),
        (Json::Null, Some(note)) => printer.marked(absence(note), describe(note)),
        _ => printer.value(value, 0),
    }
    printer.pieces
}

/// What the notes on the value itself say, not those on what is in it.
pub(super) fn words(value: Noted<'_, '_>) -> Option<String> {
    note(value).map(describe).filter(|words| !words.is_empty())
}

/// What stands in the place of a value that is not there.
fn absence(note: &Note) -> &'static str {
    match note.errors.is_empty() {
        true => "removed",
        false => "invalid",
    }
}

/// Any value as indented JSON.
pub(crate) fn pretty(json: &Json<'_>) -> String {
    let mut printer = Printer::default();
    printer.value(Noted { json, meta: None }, 0);
    printer.pieces.into_iter().map(|piece| piece.text).collect()
}

fn note<'t>(value: Noted<'t, '_>) -> Option<&'t Note> {
    value.meta.and_then(|meta| meta.note())
}

#[derive(Default)]
struct Printer {
    pieces: Vec<Piece>,
}

impl Printer {
    /// Appends text as it came, to the piece before if that is unmarked too.
    fn plain(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(last) if last.mark.is_none() => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => self.pieces.push(Piece {
                text: text.to_owned(),
                mark: None,
            }),
        }
    }

    fn marked(&mut self, text: &str, mark: String) {
        self.pieces.push(Piece {
            text: text.to_owned(),
            mark: Some(mark),
        });
    }

    /// Appends a text, marked where its note's remarks say so, else as a whole. `print` makes the form to show of a part.
    fn text(&mut self, text: &str, note: Option<&Note>, print: impl Fn(&str) -> String) {
        let Some(note) = note else {
            return self.plain(&print(text));
        };
        let ranges = ranges(text, note);
        if ranges.is_empty() {
            return self.marked(&print(text), describe(note));
        }
        let mut shown = 0;
        for (start, end, remark) in ranges {
            self.plain(&print(&text[shown..start]));
            self.marked(&print(&text[start..end]), describe_remark(remark, note));
            shown = end;
        }
        self.plain(&print(&text[shown..]));
    }

    fn value(&mut self, value: Noted<'_, '_>, depth: usize) {
        match value.json {
            Json::Array(items) if !items.is_empty() && depth < MAX_INDENT => {
                self.list('[', ']', value.items().map(|item| (None, item)), depth);
            }
            Json::Object(object) if !object.is_empty() && depth < MAX_INDENT => {
                self.list('{', '}', value.members().map(|(k, v)| (Some(k), v)), depth);
            }
            Json::String(text) => {
                self.plain("\"");
                self.text(text, note(value), inside_quotes);
                self.plain("\"");
            }
            scalar => match note(value) {
                Some(note) => self.marked(&json::to_string(scalar), describe(note)),
                None => self.plain(&json::to_string(scalar)),
            },
        }
    }

    fn list<'k, 't: 'k, 'a: 't>(
        &mut self,
        open: char,
        close: char,
        members: impl Iterator<Item = (Option<&'k str>, Noted<'t, 'a>)>,
        depth: usize,
    ) {
        self.plain(open.encode_utf8(&mut [0; 4]));
        for (i, (key, value)) in members.enumerate() {
            self.plain(if i > 0 { ",\n" } else { "\n" });
            self.plain(&"  ".repeat(depth + 1));
            if let Some(key) = key {
                self.plain(&format!("\"{}\": ", inside_quotes(key)));
            }
            self.value(value, depth + 1);
        }
        self.plain("\n");
        self.plain(&"  ".repeat(depth));
        self.plain(close.encode_utf8(&mut [0; 4]));
    }
}

fn inside_quotes(text: &str) -> String {
    let quoted = json::to_string(&Json::from(text));
    quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default()
        .to_owned()
}

/// The remarks that name a part of the text, in order and apart from each other; what a hostile client made up is dropped.
fn ranges<'n>(text: &str, note: &'n Note) -> Vec<(usize, usize, &'n Remark)> {
    let mut ranges: Vec<_> = note
        .remarks
        .iter()
        .filter_map(|remark| {
            let (start, end) = remark.range?;
            text.get(start..end)
                .filter(|part| !part.is_empty())
                .map(|_| (start, end, remark))
        })
        .collect();
    ranges.sort_by_key(|(start, end, _)| (*start, *end));
    let mut shown = 0;
    ranges.retain(|(start, end, _)| {
        let is_apart = *start >= shown;
        if is_apart {
            shown = *end;
        }
        is_apart
    });
    ranges
}

/// What a note says, in a sentence or more.
pub(super) fn describe(note: &Note) -> String {
    let remarks = note
        .remarks
        .iter()
        .map(|remark| describe_remark(remark, note));
    let errors = note.errors.iter().map(describe_error);
    let mut sentences: Vec<String> = Vec::new();
    for sentence in remarks.chain(errors) {
        // Clients make notes of their own, of any length.
        if sentences.len() < MOST_SENTENCES && !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    if sentences.is_empty()
        && let Some(length) = note.original_length
    {
        sentences.push(format!("Shortened, {length} entries were sent"));
    }
    if let Some(value) = &note.original_value {
        let value = json::to_string(value);
        let value: String = value.chars().take(200).collect();
        sentences.push(format!("Originally: {value}"));
    }
    sentences.join(". ")
}

fn describe_remark(remark: &Remark, note: &Note) -> String {
    let rule = &remark.rule_id;
    if rule == "!limit" {
        return match note.original_length {
            Some(length) => format!("Cut here, originally {length} characters long"),
            None => "Cut here, it was too long".to_owned(),
        };
    }
    let deed = match remark.kind {
        RemarkKind::Annotated => "Noted",
        RemarkKind::Removed => "Removed",
        RemarkKind::Substituted => "Replaced",
        RemarkKind::Masked => "Masked",
        RemarkKind::Pseudonymized => "Hashed",
        RemarkKind::Encrypted => "Encrypted",
    };
    format!("{deed} by {}", rule_words::of(rule))
}

fn describe_error(error: &FieldError) -> String {
    let kind = super::sections::humanize(&error.kind);
    match error.data.get_str("reason") {
        Some(reason) => format!("{kind}: {reason}"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::Meta;

    fn shown(value: &str, meta: &str) -> Vec<(String, Option<String>)> {
        let json = json::parse_str(value).unwrap();
        let meta = Meta::from_json(&json::parse_str(meta).unwrap());
        let value = Noted {
            json: &json,
            meta: Some(&meta),
        };
        let pieces = pieces(value).into_iter();
        pieces.map(|piece| (piece.text, piece.mark)).collect()
    }

    fn plain(text: &str) -> (String, Option<String>) {
        (text.to_owned(), None)
    }

    fn marked(text: &str, mark: &str) -> (String, Option<String>) {
        (text.to_owned(), Some(mark.to_owned()))
    }

    #[test]
    fn what_a_rule_replaced_is_marked_in_place() {
        let meta = r#"{"":{"rem":[["@email","s",5,12]]}}"#;
        assert_eq!(
            shown(r#""user [email] left""#, meta),
            [
                plain("user "),
                marked(
                    "[email]",
                    "Replaced by the built-in rule for e-mail addresses"
                ),
                plain(" left")
            ]
        );
        let meta = r#"{"":{"rem":[["@password:filter","s"]]}}"#;
        let all = marked(
            "[Filtered]",
            "Replaced by the built-in rule for passwords and secrets",
        );
        assert_eq!(shown(r#""[Filtered]""#, meta), [all]);
    }

    #[test]
    fn marks_reach_into_containers() {
        let meta = r#"{"a":{"0":{"":{"rem":[["@ip:remove","x"]]}}}}"#;
        assert_eq!(
            shown(r#"{"a":[null],"b":{}}"#, meta),
            [
                plain("{\n  \"a\": [\n    "),
                marked("null", "Removed by the built-in rule for IP addresses"),
                plain("\n  ],\n  \"b\": {}\n}")
            ]
        );
    }

    #[test]
    fn an_absent_value_says_why() {
        let words = "Removed by the project’s rule 0";
        let meta = r#"{"":{"rem":[["project:0","x"],["project:0","x"]]}}"#;
        assert_eq!(shown("null", meta), [marked("removed", words)]);
        let meta =
            r#"{"":{"err":[["invalid_data",{"reason":"expected a number"}]],"val":"maybe"}}"#;
        let words = "Invalid data: expected a number. Originally: \"maybe\"";
        assert_eq!(shown("null", meta), [marked("invalid", words)]);
    }

    #[test]
    fn made_up_ranges_do_no_harm() {
        let meta = r#"{"":{"rem":[["a","s",1,2],["b","s",9,99],["c","s",3,1],["d","s",0,2]]}}"#;
        assert_eq!(shown("\"éa\"", meta)[0].0, "é");
        assert_eq!(shown("\"é\"", r#"{"":{"rem":[["a","s",1,2]]}}"#).len(), 1);
    }

    #[test]
    fn values_are_indented() {
        let json = json::parse_str(r#"{"a":[1,"x\n",{}],"b":null}"#).unwrap();
        let text = "{\n  \"a\": [\n    1,\n    \"x\\n\",\n    {}\n  ],\n  \"b\": null\n}";
        assert_eq!(pretty(&json), text);
    }
}
