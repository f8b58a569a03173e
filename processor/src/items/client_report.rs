//! What a client dropped by itself, so that the ledger shows it: counted, nothing is stored.

use std::collections::BTreeMap;

use bugle_protocol::json::Json;
use bugle_protocol::{ClientReason, DataCategory, Outcome};

use super::json::object;
use crate::verdict::{Kept, Refusal};

/// More than this in one entry is a mistake of the client.
const MAX_QUANTITY: u64 = 1_000_000_000;

/// Adds up the entries of `discarded_events`. Entries that are not understood are left out: the report may be of a newer
/// client.
pub(super) fn process(payload: &[u8]) -> Result<Kept, Refusal> {
    let report = object(payload)?;
    let discarded = report.get("discarded_events").and_then(Json::as_array);
    let mut totals: BTreeMap<(DataCategory, ClientReason), i64> = BTreeMap::new();
    for (key, quantity) in discarded.unwrap_or_default().iter().filter_map(entry) {
        let total = totals.entry(key).or_default();
        *total = total.saturating_add(quantity);
    }
    let reported = totals
        .into_iter()
        .map(|((category, reason), quantity)| (category, Outcome::ClientDiscard(reason), quantity));
    Ok(Kept {
        reported: reported.collect(),
        ..Kept::default()
    })
}

fn entry(entry: &Json<'_>) -> Option<((DataCategory, ClientReason), i64)> {
    let category = category(entry.get_str("category")?);
    let reason = entry.get_str("reason").and_then(ClientReason::from_name);
    let quantity = match entry.get("quantity") {
        Some(quantity) => quantity.as_number()?.as_u64()?,
        None => 1,
    };
    let quantity = quantity.min(MAX_QUANTITY).cast_signed();
    (quantity > 0).then_some(((category, reason.unwrap_or(ClientReason::Other)), quantity))
}

/// Reads a category as clients name it, some of them by names that only they have.
fn category(name: &str) -> DataCategory {
    match name {
        "default" => DataCategory::Error,
        "user_report" | "user_report_v2" => DataCategory::Feedback,
        name => DataCategory::from_name(name).unwrap_or(DataCategory::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(payload: &str) -> Result<Vec<(&'static str, &'static str, i64)>, String> {
        let kept = process(payload.as_bytes()).map_err(|refusal| refusal.detail)?;
        let named = |(category, outcome, quantity): (DataCategory, Outcome, i64)| {
            (category.name(), outcome.reason(), quantity)
        };
        Ok(kept.reported.into_iter().map(named).collect())
    }

    #[test]
    fn entries_are_counted_by_category_and_reason() {
        for (entries, expected) in [
            ("", vec![]),
            (
                r#"{"reason":"sample_rate","category":"error","quantity":3},{"reason":"sample_rate","category":"error","quantity":2}"#,
                vec![("error", "sample_rate", 5)],
            ),
            (
                r#"{"reason":"bad_weather","category":"dream","quantity":1}"#,
                vec![("unknown", "other", 1)],
            ),
            (r#"{"category":"default"}"#, vec![("error", "other", 1)]),
            (
                r#"{"reason":"before_send","category":"error","quantity":18446744073709551615}"#,
                vec![("error", "before_send", 1_000_000_000)],
            ),
            (
                r#"{"reason":"before_send","category":"error","quantity":0},{"category":"error","quantity":-4},
                   {"category":"error","quantity":1.5},{"category":7},{},[],null,"error""#,
                vec![],
            ),
        ] {
            let payload = format!(r#"{{"timestamp":1.5,"discarded_events":[{entries}]}}"#);
            assert_eq!(reported(&payload).as_ref(), Ok(&expected), "{entries}");
        }
        assert_eq!(reported("{}"), Ok(Vec::new()));
        assert_eq!(reported(r#"{"discarded_events":7}"#), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let error = "invalid JSON: expected a value at byte 0";
        assert_eq!(reported("nonsense"), Err(error.to_owned()));
        assert_eq!(reported("[]"), Err("expected an object".to_owned()));
    }
}
