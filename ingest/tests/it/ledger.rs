//! The ledger: whatever a known sender sends is counted, taken or not.

use std::collections::BTreeMap;

use axum::body::Body;
use bugle_ingest::Limits;
use bugle_protocol::{DataCategory, Envelope, Outcome, UnixMillis, charges};
use bugle_store::queue::{self, Entry, QueuedRequest, RequestKind, Tally};
use bugle_store::{NewQuota, NewRejection, QuotaTarget};
use proptest::prelude::*;

use crate::support::{Bench, KEY, OTHER_KEY, authorized};

const ENVELOPE: &str = "/api/1/envelope/";
const STORE: &str = "/api/1/store/";
const EVENT: &str = "{}\n{\"type\":\"event\"}\n{}\n";

/// Sums by category.
type Sums = BTreeMap<&'static str, i64>;

fn tallies(entries: Vec<Entry>) -> Tally {
    let mut sum = Tally::default();
    for entry in entries {
        if let Entry::Tally(tally) = entry {
            sum.outcomes.extend(tally.outcomes);
            sum.rejections.extend(tally.rejections);
        }
    }
    sum
}

fn small() -> Limits {
    Limits {
        max_envelope_bytes: 2000,
        max_store_bytes: 2000,
        max_event_bytes: 1000,
        ..Limits::default()
    }
}

impl Bench {
    /// Sends what is to be refused, and returns what was counted for it before the answer.
    async fn refused(
        &mut self,
        path: &str,
        body: impl Into<Body>,
    ) -> (u16, Vec<Counted>, NewRejection) {
        let answer = self.post(path, body).await;
        let tally = tallies(self.entries());
        let counted = tally.outcomes.iter().map(|count| {
            assert_eq!(count.project_id, self.project_id);
            (
                count.category.name(),
                count.outcome.name(),
                count.outcome.reason(),
                count.quantity,
            )
        });
        let mut counted: Vec<_> = counted.collect();
        counted.sort_unstable();
        assert_eq!(tally.rejections.len(), 1, "{path}");
        (answer.status.as_u16(), counted, tally.rejections[0].clone())
    }
}

/// Category, outcome, reason, quantity.
type Counted = (&'static str, &'static str, &'static str, i64);

#[tokio::test]
async fn each_refusal_is_counted_before_it_is_answered() {
    let mut bench = Bench::with(small(), Default::default()).await;
    let long = "x".repeat(1001);
    let overflow = format!(
        "{{}}\n{{\"type\":\"event\"}}\n{long}\n{{\"type\":\"log\",\"item_count\":3}}\n12345\n"
    );
    let mismatch =
        format!("{{\"dsn\":\"http://{OTHER_KEY}@h/1\"}}\n{{\"type\":\"session\"}}\n{{}}\n");
    let unknown = |reason| vec![("unknown", "invalid", reason, 1)];
    for (path, body, status, expected, detail) in [
        (
            ENVELOPE,
            "{}\n{\"type\":\"event\",\"length\":9}\n1".to_owned(),
            400,
            unknown("invalid_envelope"),
            "invalid event envelope: unexpected end of file",
        ),
        (
            ENVELOPE,
            "x".repeat(2001),
            413,
            unknown("too_large"),
            "envelope exceeded size limits: more than 2000 bytes",
        ),
        (
            ENVELOPE,
            overflow.clone(),
            413,
            vec![
                ("error", "invalid", "too_large", 1),
                ("log_byte", "invalid", "too_large", 5),
                ("log_item", "invalid", "too_large", 3),
            ],
            "envelope exceeded size limits for type 'event' (at most 1000 bytes each)",
        ),
        (
            ENVELOPE,
            mismatch,
            400,
            vec![("session", "invalid", "invalid_envelope", 1)],
            "invalid event envelope: public key header mismatch between envelope and request",
        ),
        (
            STORE,
            "{".to_owned(),
            400,
            vec![("error", "invalid", "invalid_json", 1)],
            "invalid JSON data: ",
        ),
        (
            STORE,
            "x".repeat(2001),
            413,
            vec![("error", "invalid", "too_large", 1)],
            "envelope exceeded size limits: more than 2000 bytes",
        ),
        (
            "/api/1/cron/job/?status=wat",
            String::new(),
            400,
            unknown("no_data"),
            "missing or invalid 'status': expected ok, error or in_progress",
        ),
    ] {
        let size = body.len() as u64;
        let (got, counted, rejection) = bench.refused(path, body).await;
        assert_eq!((got, counted), (status, expected), "{detail}");
        assert!(rejection.detail.starts_with(detail), "{}", rejection.detail);
        assert_eq!(
            (rejection.status, rejection.client.as_str()),
            (status, "test/1.0")
        );
        assert_eq!(rejection.size, size);
    }
    let coded = authorized(ENVELOPE).header("content-encoding", "gzip");
    let answer = bench.send(coded.body("nonsense".into()).unwrap()).await;
    assert_eq!(answer.status, 400);
    let tally = tallies(bench.entries());
    assert_eq!(tally.outcomes[0].outcome.reason(), "invalid_compression");

    // The sender may be named by the envelope alone.
    let named = overflow.replacen("{}", &format!("{{\"dsn\":\"http://{KEY}@h/1\"}}"), 1);
    let request = axum::http::Request::post(ENVELOPE)
        .body(named.into())
        .unwrap();
    assert_eq!(bench.send(request).await.status, 413);
    assert_eq!(tallies(bench.entries()).outcomes.len(), 3);
}

#[tokio::test]
async fn what_nobody_known_sent_is_not_counted() {
    let mut bench = Bench::open().await;
    for (key, path) in [
        ("e".repeat(32), ENVELOPE),
        (KEY.to_owned(), "/api/2/envelope/"),
    ] {
        let path = format!("{path}?sentry_key={key}");
        let request = axum::http::Request::post(path).body("x".into()).unwrap();
        assert_eq!(bench.send(request).await.status, 403);
    }
    let request = axum::http::Request::post(ENVELOPE)
        .body("x".into())
        .unwrap();
    assert_eq!(bench.send(request).await.status, 401);
    assert!(bench.entries().is_empty());
}

#[tokio::test]
async fn limits_are_counted_by_item_and_reason() {
    let mut bench = Bench::open().await;
    let quota = NewQuota {
        target: QuotaTarget::Project(bench.project_id),
        categories: Vec::new(),
        quantity: 0,
        window_seconds: 60,
    };
    bench
        .ingest
        .store
        .set_quota(&quota, UnixMillis::now())
        .await
        .unwrap();
    let body = format!("{EVENT}{{\"type\":\"attachment\",\"length\":3}}\n123\n");
    let (status, counted, rejection) = bench.refused(ENVELOPE, body).await;
    assert_eq!(status, 429);
    assert_eq!(
        counted,
        [
            ("attachment", "rate_limited", "project_quota", 3),
            ("attachment_item", "rate_limited", "project_quota", 1),
            ("error", "rate_limited", "project_quota", 1),
        ]
    );
    assert_eq!(
        rejection.outcome,
        Outcome::RateLimited(bugle_protocol::LimitReason::ProjectQuota)
    );
    let (status, counted, _) = bench.refused(STORE, "{\"type\":\"transaction\"}").await;
    assert_eq!(status, 429);
    assert_eq!(
        counted,
        [("transaction", "rate_limited", "project_quota", 1)]
    );
}

#[tokio::test]
async fn many_refusals_at_once_share_few_tallies() {
    let mut bench = Bench::open().await;
    let answers = (0..200).map(|_| bench.post(ENVELOPE, "{}\n{"));
    let statuses: Vec<_> = join_all(answers).await;
    assert!(statuses.iter().all(|status| *status == 400));
    let entries = bench.entries();
    // How many depends on how long the disk takes for one, meanwhile the next ones gather.
    assert!(entries.len() < 200, "{} tallies", entries.len());
    let tally = tallies(entries);
    let sum: i64 = tally.outcomes.iter().map(|count| count.quantity).sum();
    assert_eq!(sum, 200);
}

async fn join_all<F>(answers: impl Iterator<Item = F>) -> Vec<u16>
where
    F: Future<Output = crate::support::Answer>,
{
    let mut answers: Vec<_> = answers.map(Box::pin).collect();
    let mut statuses = Vec::new();
    std::future::poll_fn(|context| {
        answers.retain_mut(|answer| match answer.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                statuses.push(answer.status.as_u16());
                false
            }
            std::task::Poll::Pending => true,
        });
        if answers.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    statuses
}

#[tokio::test]
async fn counts_wait_in_memory_for_a_queue_that_is_full() {
    let one_request = queue::Limits {
        max_backlog_bytes: 8 * 1024,
        ..queue::Limits::default()
    };
    let mut bench = Bench::with_queue(Limits::default(), Default::default(), one_request).await;
    let filler = format!("{{}}\n{{\"type\":\"event\"}}\n\"{}\"\n", "x".repeat(9000));
    assert_eq!(bench.post(ENVELOPE, filler).await.status, 200);
    for _ in 0..5 {
        assert_eq!(bench.post(ENVELOPE, EVENT).await.status, 503);
    }
    assert_eq!(tallies(bench.entries()), Tally::default());
    // What is processed makes room, and the ledger ends with one last try.
    let last = bench.ingest.queue.last_position();
    bench.ingest.queue.acknowledge(last);
    while !bench.ingest.queue.is_accepting() {
        tokio::task::yield_now().await;
    }
    bench.ingest.ledger.close().await;
    let tally = tallies(bench.entries());
    assert_eq!(tally.outcomes.len(), 1);
    assert_eq!(tally.outcomes[0].outcome.reason(), "overload");
    assert_eq!(tally.outcomes[0].quantity, 5);
    assert_eq!(tally.rejections.len(), 5);
}

/// A request of a mix, and what it counts for.
#[derive(Clone, Debug)]
struct Sample {
    path: &'static str,
    body: String,
    counts: Sums,
}

fn add(sums: &mut Sums, category: DataCategory, quantity: u64) {
    *sums.entry(category.name()).or_default() += i64::try_from(quantity).unwrap();
}

/// What the items of an envelope count for, all of them or those that `wanted` says.
fn counts_of(body: &[u8], wanted: impl Fn(usize) -> bool) -> Sums {
    let mut sums = Sums::new();
    let envelope = Envelope::parse(body).unwrap();
    for (item, charges) in charges(&envelope.items).iter().enumerate() {
        for charge in charges.iter().filter(|_| wanted(item)) {
            add(&mut sums, charge.category, charge.quantity);
        }
    }
    sums
}

fn any_envelope() -> impl Strategy<Value = Sample> {
    let item = prop::sample::select(vec![
        "{\"type\":\"session\"}\n{}\n",
        "{\"type\":\"attachment\",\"length\":4}\n1234\n",
        "{\"type\":\"span\",\"item_count\":7}\n{}\n",
        "{\"type\":\"client_report\"}\n{}\n",
        "{\"type\":\"novelty\"}\n1\n",
        "{\"type\":\"log\",\"item_count\":2}\n{}\n",
    ]);
    let items = prop::collection::vec(item, 0..4);
    (items, any::<bool>(), 0..8_u8).prop_map(|(items, has_event, fate)| {
        let event = "{\"type\":\"event\"}\n{}\n";
        let mut body = format!(
            "{{}}\n{}{}",
            items.concat(),
            if has_event { event } else { "" }
        );
        let mut counts = counts_of(body.as_bytes(), |_| true);
        match fate {
            // Broken, too large, and an event too many.
            0 => {
                body += "{\"type\":";
                counts = Sums::from([("unknown", 1)]);
            }
            1 => {
                body += &"x".repeat(2000);
                counts = Sums::from([("unknown", 1)]);
            }
            2 => {
                body += &event.repeat(2);
                counts = counts_of(body.as_bytes(), |_| true);
            }
            _ => {}
        }
        Sample {
            path: ENVELOPE,
            body,
            counts,
        }
    })
}

fn any_store() -> impl Strategy<Value = Sample> {
    prop::sample::select(vec!["{}", "[]", "{", "%%%", "{\"message\":\"hello\"}"]).prop_map(|body| {
        Sample {
            path: STORE,
            body: body.to_owned(),
            counts: Sums::from([("error", 1)]),
        }
    })
}

/// What the processor will have counted of a request when it is done with it.
fn counts_of_request(request: &QueuedRequest) -> Sums {
    let mut sums = Sums::new();
    for charge in &request.head.charges {
        add(&mut sums, charge.category, charge.quantity);
    }
    if request.head.kind == RequestKind::Envelope {
        let limited = &request.head.limited;
        let is_limited = |item| limited.iter().any(|limited| limited.item == item);
        for (category, quantity) in counts_of(&request.body, is_limited) {
            *sums.entry(category).or_default() += quantity;
        }
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Items received are the sum of outcomes, whatever mix of good, limited, broken and oversized requests comes.
    #[test]
    fn everything_that_came_is_counted_once(
        samples in prop::collection::vec(prop_oneof![4 => any_envelope(), 1 => any_store()], 1..40),
        quantity in 0..30_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::with(small(), Default::default()).await;
            for categories in [vec![DataCategory::Error], Vec::new()] {
                let quota = NewQuota {
                    target: QuotaTarget::Project(bench.project_id),
                    quantity: if categories.is_empty() { 2 * quantity } else { quantity / 3 },
                    categories,
                    window_seconds: 86_400,
                };
                bench.ingest.store.set_quota(&quota, UnixMillis::now()).await.unwrap();
            }
            let (mut expected, mut found) = (Sums::new(), Sums::new());
            for sample in samples {
                bench.post(sample.path, sample.body).await;
                for (category, quantity) in sample.counts {
                    *expected.entry(category).or_default() += quantity;
                }
            }
            for entry in bench.entries() {
                let counts = match entry {
                    Entry::Request(request) => counts_of_request(&request),
                    Entry::Tally(tally) => tally.outcomes.iter().map(|c| (c.category.name(), c.quantity)).fold(
                        Sums::new(),
                        |mut sums, (category, quantity)| {
                            *sums.entry(category).or_default() += quantity;
                            sums
                        },
                    ),
                };
                for (category, quantity) in counts {
                    *found.entry(category).or_default() += quantity;
                }
            }
            assert_eq!(found, expected);
        });
    }
}
