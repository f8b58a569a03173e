//! The requests and items that were not taken last.

use bugle_protocol::UnixMillis;
use bugle_store::{ProjectKey, Rejection};
use serde::Serialize;

use super::totals::name;
use crate::ledger::{bytes, class, outcome_label, reason_words};
use crate::when::When;

/// How many are shown at once; the others are folded.
const SHOWN: usize = 20;

/// The last ones, newest first.
#[derive(Debug, Serialize)]
pub(super) struct Rejected {
    shown: Vec<Row>,
    folded: Vec<Row>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Row {
    when: When,
    /// The answer's status. The client of an item that was found to be unusable later got a 200.
    status: u16,
    /// `event item`, or `request` for a whole one.
    what: String,
    class: &'static str,
    outcome: String,
    words: String,
    name: String,
    detail: String,
    client: String,
    /// The key's name, where the project has several.
    key: Option<String>,
    size: String,
}

impl Rejected {
    /// Prepares them for reading.
    pub(super) fn new(rejections: &[Rejection], keys: &[ProjectKey], now: UnixMillis) -> Self {
        let row = |rejection: &Rejection| Row::new(rejection, keys, now);
        let mut shown: Vec<Row> = rejections.iter().map(row).collect();
        let folded = shown.split_off(shown.len().min(SHOWN));
        Self { shown, folded }
    }
}

impl Row {
    fn new(rejection: &Rejection, keys: &[ProjectKey], now: UnixMillis) -> Self {
        let (outcome, reason) = (&*rejection.outcome, &*rejection.reason);
        let key = keys.iter().find(|key| key.id == rejection.key_id);
        Self {
            when: When::new(rejection.received_at, now),
            status: rejection.status,
            what: match rejection.item_type.as_str() {
                "" => "request".to_owned(),
                item => format!("{} item", item.replace('_', " ")),
            },
            class: class(outcome),
            outcome: outcome_label(outcome),
            words: reason_words(outcome, reason),
            name: name(outcome, reason),
            detail: rejection.detail.clone(),
            client: rejection.client.clone(),
            key: key.filter(|_| keys.len() > 1).map(|key| key.label.clone()),
            size: bytes(i64::try_from(rejection.size).unwrap_or(i64::MAX)),
        }
    }
}
