//! What the waiting requests were charged.

use std::collections::HashMap;

use bugle_protocol::{Charge, DataCategory, KeyId, ProjectId, UnixMillis};

use super::cursor::Cursor;
use super::walk::Walk;
use super::{Entry, RequestHead};
use crate::{IntakeCount, StoreError};

const MINUTE: i64 = 60_000;

/// Charges by what they are kept by: a million requests of one minute are a few numbers.
#[derive(Default)]
struct Sums(HashMap<(ProjectId, KeyId, i64, DataCategory), u64>);

impl Sums {
    fn add(&mut self, head: &RequestHead) {
        let minute = head.received_at.0.div_euclid(MINUTE).saturating_mul(MINUTE);
        for charge in &head.charges {
            let key = (head.project_id, head.key_id, minute, charge.category);
            let sum = self.0.entry(key).or_default();
            *sum = sum.saturating_add(charge.quantity);
        }
    }

    fn into_counts(self) -> Vec<IntakeCount> {
        let count = |((project_id, key_id, minute, category), quantity)| IntakeCount {
            project_id,
            key_id,
            received_at: UnixMillis(minute),
            charge: Charge { category, quantity },
        };
        self.0.into_iter().map(count).collect()
    }
}

/// Adds up the charges of all requests behind the cursor's place. Only their heads are read.
pub(super) fn add_up(mut cursor: Cursor) -> Result<Vec<IntakeCount>, StoreError> {
    let mut sums = Sums::default();
    while let Some((_, line)) = cursor.next(Walk::first_line)? {
        if let Some(Entry::Request(request)) = Entry::from_bytes(&line.into()) {
            sums.add(&request.head);
        }
    }
    Ok(sums.into_counts())
}
