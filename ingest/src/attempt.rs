//! A request on its way: what is known of it so far, so that it can be counted where it is refused.

use axum::body::{Body, HttpBody};
use bugle_protocol::{Charge, DataCategory, Outcome, UnixMillis};
use bugle_store::NewRejection;
use bugle_store::queue::{LimitedItem, RequestKind};

use crate::ledger::Refusal;
use crate::receive::{Inlet, Sender};
use crate::{Ledger, Rejection};

/// Characters kept of a client's name with a rejection.
const MAX_CLIENT_CHARS: usize = 200;

/// What is known of a request.
pub(crate) struct Attempt {
    /// What the body is.
    pub(crate) kind: RequestKind,
    /// Who sends, once that is settled.
    pub(crate) sender: Option<Sender>,
    /// Bytes as received, or as announced before that.
    pub(crate) size: u64,
    /// What each item counts for, once the framing is read.
    pub(crate) charges: Option<Vec<Vec<Charge>>>,
    /// The items that limits refuse.
    pub(crate) limited: Vec<LimitedItem>,
}

impl Attempt {
    pub(crate) fn new(kind: RequestKind, sender: Option<Sender>, size: u64) -> Self {
        Self {
            kind,
            sender,
            size,
            charges: None,
            limited: Vec::new(),
        }
    }

    /// How the items of the request end that `rejection` refuses. Where nobody knows what was in it, it counts as one.
    fn counts(&self, rejection: &Rejection) -> Vec<(DataCategory, Outcome, u64)> {
        let Some(charges) = &self.charges else {
            let category = match self.kind {
                RequestKind::Store => DataCategory::Error,
                RequestKind::Envelope => DataCategory::Unknown,
            };
            return vec![(category, rejection.outcome(), 1)];
        };
        let is_limit = matches!(rejection, Rejection::RateLimited(_));
        let outcome_of = |item: usize| {
            let limited = self.limited.iter().find(|limited| limited.item == item);
            limited
                .filter(|_| is_limit)
                .map_or(rejection.outcome(), |l| Outcome::RateLimited(l.reason))
        };
        let items = charges.iter().enumerate();
        items
            .flat_map(|(item, charges)| {
                let outcome = outcome_of(item);
                let count = move |c: &Charge| (c.category, outcome, c.quantity);
                charges.iter().map(count)
            })
            .collect()
    }

    async fn count(&self, sender: &Sender, ledger: &Ledger, rejection: &Rejection) {
        let counts = self.counts(rejection);
        let outcome = counts.first().map_or(rejection.outcome(), |count| count.1);
        let client = sender.client.as_deref().unwrap_or_default();
        let rejection = NewRejection {
            project_id: sender.key.project_id,
            key_id: sender.key.id,
            received_at: UnixMillis::now(),
            status: rejection.status().as_u16(),
            item_type: String::new(),
            outcome,
            detail: rejection.detail(),
            client: client.chars().take(MAX_CLIENT_CHARS).collect(),
            size: self.size,
        };
        ledger.count(Refusal { counts, rejection }).await;
    }
}

/// The length that a body announces, at least.
pub(crate) fn announced(body: &Body) -> u64 {
    body.size_hint().lower()
}

impl Inlet {
    /// Ends an attempt. One that was refused is counted, if its sender is known, before anybody is told.
    pub(crate) async fn settle<T>(
        &self,
        attempt: &Attempt,
        taken: Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        if let (Err(rejection), Some(sender)) = (&taken, &attempt.sender) {
            attempt.count(sender, &self.ingest.ledger, rejection).await;
        }
        taken
    }

    /// Counts a request that was refused before there was an envelope of it, and returns why. `size` is that of the body as
    /// received, or as announced.
    pub(crate) async fn refused(
        &self,
        sender: Sender,
        size: u64,
        rejection: Rejection,
    ) -> Rejection {
        let attempt = Attempt::new(RequestKind::Envelope, Some(sender), size);
        if let Some(sender) = &attempt.sender {
            attempt.count(sender, &self.ingest.ledger, &rejection).await;
        }
        rejection
    }
}
