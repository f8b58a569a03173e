//! What a transaction did, in the order of its beginning.

use bugle_protocol::{Event, Meta};
use serde::Serialize;

use super::noted::Noted;
use super::rich::{self, Piece};
use crate::problem::Problem;

/// So many are shown; the others are in the JSON.
const SHOWN: usize = 500;

/// The spans of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spans {
    rows: Vec<Span>,
    /// How many are not shown.
    more: usize,
}

/// A span.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Span {
    op: String,
    description: Vec<Piece>,
    /// What the notes on the description say.
    note: Option<String>,
    /// How long after the transaction it began, and how long it took, in words.
    offset: String,
    duration: String,
    #[serde(skip)]
    began: f64,
}

impl Spans {
    /// Reads the spans of a stored body.
    ///
    /// # Errors
    /// [`Problem::Broken`] if the body is not an event.
    pub(crate) fn of_body(body: &[u8]) -> Result<Self, Problem> {
        let event = Event::parse(body)
            .map_err(|_| Problem::Broken("a stored transaction's body is not an event"))?;
        let meta = event.get("_meta").map(Meta::from_json).unwrap_or_default();
        let start = event.get("start_timestamp").and_then(|json| json.as_f64());
        let Some(list) = Noted::field(&event, &meta, "spans") else {
            return Ok(Self::default());
        };
        let spans = list.items().filter_map(|span| Span::new(span, start));
        let mut rows: Vec<Span> = spans.collect();
        rows.sort_by(|a, b| a.began.total_cmp(&b.began));
        let more = rows.len().saturating_sub(SHOWN);
        rows.truncate(SHOWN);
        Ok(Self { rows, more })
    }
}

impl Span {
    fn new(span: Noted<'_, '_>, start: Option<f64>) -> Option<Self> {
        span.object()?;
        let number = |key| span.get(key).and_then(|value| value.json.as_f64());
        let (began, ended) = (number("start_timestamp"), number("timestamp"));
        let between = |from: Option<f64>, to: Option<f64>| {
            let seconds = from.zip(to).map(|(from, to)| to - from);
            seconds.map(duration).unwrap_or_default()
        };
        let description = span.get("description");
        Some(Self {
            op: span.str("op").unwrap_or_default().to_owned(),
            description: description.map(rich::pieces).unwrap_or_default(),
            note: description.and_then(rich::words),
            offset: between(start, began),
            duration: between(began, ended),
            began: began.unwrap_or(f64::MAX),
        })
    }
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    let ms = seconds * 1000.0;
    match ms.abs() {
        0.0..10.0 => format!("{ms:.1} ms"),
        10.0..1000.0 => format!("{ms:.0} ms"),
        _ => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_stand_in_the_order_of_their_beginning() {
        let body = br#"{"type":"transaction","start_timestamp":100.0,"timestamp":103.0,"spans":[
            {"op":"db","description":"SELECT <b>","start_timestamp":101.5,"timestamp":103.0},
            7, {"start_timestamp":100.0,"timestamp":100.004}, {"op":"odd"}]}"#;
        let spans = Spans::of_body(body).unwrap();
        let said = spans.rows.iter();
        let said: Vec<_> = said
            .map(|span| [&*span.op, &*span.offset, &*span.duration])
            .collect();
        assert_eq!(
            said,
            [
                ["", "0.0 ms", "4.0 ms"],
                ["db", "1.50 s", "1.50 s"],
                ["odd", "", ""]
            ]
        );
        assert_eq!(Spans::of_body(b"{}").unwrap(), Spans::default());
    }
}
