//! Mutated traffic down the whole road: whatever is in it, every item ends once, and nothing fails.

#![expect(
    unreachable_pub,
    dead_code,
    reason = "the modules belong to the fuzz crate, which uses all of them"
)]

#[path = "../../../fuzz/src/captures.rs"]
mod captures;
#[path = "../../../fuzz/src/mutate/mod.rs"]
mod mutate;

use bugle_protocol::{Envelope, charges};
use bugle_store::queue::RequestHead;

use crate::support::{Road, event_id};
use captures::Captures;
use mutate::Mutator;

const REQUESTS: u64 = 1_000;

/// So many are on their way at most: other tests run at the same time.
const AT_ONCE: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn items_of_mutated_envelopes_end_once_each() {
    let mut road = Road::new().await;
    let mutator = Mutator::of_envelopes(Captures::read().envelopes, 3);
    let mut charged = 0;
    let mut pushed = 0;
    for number in 0..REQUESTS {
        let body = mutator.input(number);
        // Ingest queues no other.
        let Ok(envelope) = Envelope::parse(&body) else {
            continue;
        };
        let charges = charges(&envelope.items);
        charged += charges
            .iter()
            .flatten()
            .map(|charge| charge.quantity)
            .sum::<u64>();
        pushed += 1;
        let head = RequestHead {
            event_id: Some(event_id(u8::try_from(1 + number % 255).unwrap())),
            ..road.head()
        };
        road.push_with(head, body).await;
        if pushed % AT_ONCE == 0 {
            road.drain().await;
        }
    }
    assert!(pushed > REQUESTS / 2, "most of them are envelopes still");
    road.drain().await;
    assert_eq!(road.set_aside(), [], "nothing makes the processor panic");
    let outcomes = road.outcomes().await;
    // What clients report to have dropped themselves was never among the items.
    let ended = outcomes
        .iter()
        .filter(|(_, outcome, ..)| outcome != "client_discard");
    let ended: i64 = ended.map(|(.., quantity)| quantity).sum();
    assert_eq!(u64::try_from(ended).unwrap(), charged, "{outcomes:?}");
}
