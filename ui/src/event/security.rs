//! A report that a browser sent itself: a page did what its policy forbids, or a certificate was not as it should be.

use serde::Serialize;

use super::fields::Field;
use super::noted::Noted;
use super::sections::humanize;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SecurityView {
    title: &'static str,
    /// What matters, in the order in which it is read.
    fields: Vec<Field>,
    /// Everything else.
    rest: Vec<Field>,
}

/// The interfaces of reports with their names.
const KINDS: [(&str, &str); 4] = [
    ("csp", "Content security policy report"),
    ("hpkp", "Public key pinning report"),
    ("expectct", "Certificate transparency report"),
    ("expectstaple", "Certificate stapling report"),
];

/// What of a report is shown at once, with the names that people know.
const SHOWN: [(&str, &str); 9] = [
    ("document_uri", "Document"),
    ("violated_directive", "Violated directive"),
    ("effective_directive", "Effective directive"),
    ("blocked_uri", "Blocked"),
    ("source_file", "Source file"),
    ("script_sample", "Sample"),
    ("disposition", "Disposition"),
    ("hostname", "Host"),
    ("port", "Port"),
];

/// The fields that the place in the source file says already.
const PLACE: [&str; 2] = ["line_number", "column_number"];

impl SecurityView {
    /// Reads the first report that an event has.
    pub(super) fn new<'t, 'a: 't>(
        field: impl Fn(&'static str) -> Option<Noted<'t, 'a>>,
    ) -> Option<Self> {
        KINDS.into_iter().find_map(|(key, title)| {
            let report = field(key)?;
            report.object()?;
            Some(Self::of_report(title, report))
        })
    }

    fn of_report(title: &'static str, report: Noted<'_, '_>) -> Self {
        let is_shown = |key: &str| SHOWN.iter().any(|(known, _)| *known == key);
        let fields = SHOWN.into_iter();
        let fields: Vec<Field> = fields
            .filter_map(|(key, name)| Some(Field::new(name, report.get(key)?)))
            .filter(|field| !field.text().is_empty())
            .map(|field| with_place(field, report))
            .collect();
        let rest = report.members().filter(|(key, value)| {
            let is_there = !value.json.is_null() || value.meta.is_some();
            is_there && !is_shown(key) && !(PLACE.contains(key) && has_place(report))
        });
        Self {
            title,
            rest: rest
                .map(|(key, value)| Field::new(&humanize(key), value))
                .collect(),
            fields,
        }
    }
}

/// `app.js` with its line and column, as stack traces have it.
fn with_place(field: Field, report: Noted<'_, '_>) -> Field {
    if field.key != "Source file" || !has_place(report) {
        return field;
    }
    let numbers = PLACE.into_iter().filter_map(|key| report.get(key));
    let numbers = numbers.map(|number| Field::new("", number).text());
    let suffix: String = numbers.map(|number| format!(":{number}")).collect();
    field.with_suffix(&suffix)
}

fn has_place(report: Noted<'_, '_>) -> bool {
    let is_text = report
        .str("source_file")
        .is_some_and(|file| !file.is_empty());
    is_text && report.get("line_number").is_some()
}

#[cfg(test)]
mod tests {
    use bugle_protocol::json::{self, Json};

    use super::*;

    fn view(event: &str) -> Option<SecurityView> {
        let event = json::parse_str(event).unwrap();
        let field = |key: &'static str| {
            let json: &Json<'_> = event.as_object()?.get_raw(key)?;
            Some(Noted { json, meta: None })
        };
        SecurityView::new(field)
    }

    fn rows(fields: &[Field]) -> Vec<(String, String)> {
        let rows = fields.iter();
        rows.map(|field| (field.key.clone(), field.text()))
            .collect()
    }

    #[test]
    fn what_matters_comes_first() {
        let report = r#"{"csp": {"blocked_uri": "https://evil/x.js", "source_file": "https://x/a.js", "line_number": 7,
            "column_number": 3, "document_uri": "https://x/", "violated_directive": "script-src 'self'",
            "original_policy": "script-src 'self'", "referrer": null, "script_sample": ""}}"#;
        let view = view(report).unwrap();
        let row = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            rows(&view.fields),
            [
                row("Document", "https://x/"),
                row("Violated directive", "script-src 'self'"),
                row("Blocked", "https://evil/x.js"),
                row("Source file", "https://x/a.js:7:3"),
            ]
        );
        assert_eq!(
            rows(&view.rest),
            [row("Original policy", "script-src 'self'")]
        );
    }

    #[test]
    fn strange_reports_are_shown_as_far_as_they_go() {
        assert_eq!(view("{}"), None);
        assert_eq!(view(r#"{"csp": "x"}"#), None);
        let odd = view(r#"{"csp": {"line_number": {"a": 1}, "source_file": ["x"]}}"#).unwrap();
        assert_eq!(odd.fields.len() + odd.rest.len(), 2);
        let pins = view(r#"{"hpkp": {"hostname": "x", "known_pins": ["a"]}}"#).unwrap();
        assert_eq!(pins.title, "Public key pinning report");
        assert_eq!(rows(&pins.rest)[0].0, "Known pins");
    }
}
