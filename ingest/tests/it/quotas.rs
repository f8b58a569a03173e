//! Quotas: what is taken, what is refused, what clients are told, and what a crash changes of it.

use bugle_protocol::DataCategory::{self, Attachment, Error, Monitor, Security, Session, Span};
use bugle_protocol::{KeyId, LimitReason, UnixMillis};
use bugle_store::queue::{Entry, RequestHead};
use bugle_store::{Batch, IntakeCount, NewQuota, QueueCursor, Quota, QuotaTarget};

use crate::support::{Answer, Bench, authorized};

const ENVELOPE: &str = "/api/1/envelope/";
const HOUR: u64 = 3600;

const EVENT: &str = "{\"type\":\"event\"}\n{}\n";
const SESSION: &str = "{\"type\":\"session\"}\n{}\n";
const REPORT: &str = "{\"type\":\"client_report\"}\n{}\n";
const FILE: &str = "{\"type\":\"attachment\",\"length\":10}\n0123456789\n";

fn envelope(items: &[&str]) -> String {
    format!("{{}}\n{}", items.concat())
}

impl Bench {
    async fn limit(&self, categories: &[DataCategory], quantity: u64, window: u64) -> Quota {
        let target = QuotaTarget::Project(self.project_id);
        self.limit_of(target, categories, quantity, window).await
    }

    async fn limit_of(
        &self,
        target: QuotaTarget,
        categories: &[DataCategory],
        quantity: u64,
        window: u64,
    ) -> Quota {
        let new = NewQuota {
            target,
            categories: categories.to_vec(),
            quantity,
            window_seconds: window,
        };
        let set = self.ingest.store.set_quota(&new, UnixMillis::now()).await;
        set.unwrap()
    }

    async fn used(&self, quota: &Quota) -> u64 {
        let limiter = &self.ingest.limiter;
        limiter.usage(quota, UnixMillis::now()).await.unwrap()
    }
}

/// The entries of the header with the seconds taken out, and the seconds.
fn told(answer: &Answer) -> (Vec<u64>, String) {
    let Some(header) = answer.headers.get("x-sentry-rate-limits") else {
        return (Vec::new(), String::new());
    };
    let entries = header.to_str().unwrap().split(", ");
    let entries = entries.map(|entry| entry.split_once(':').unwrap());
    let (seconds, rest): (Vec<_>, Vec<_>) = entries
        .map(|(seconds, rest)| (seconds.parse::<u64>().unwrap(), rest))
        .unzip();
    (seconds, rest.join(", "))
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_and_both_headers_say_until_when() {
    let mut bench = Bench::open().await;
    bench.limit(&[Error, Security], 2, HOUR).await;
    for _ in 0..2 {
        let answer = bench.post(ENVELOPE, envelope(&[EVENT])).await;
        assert_eq!(
            (answer.status.as_u16(), told(&answer).1.as_str()),
            (200, "")
        );
    }
    for (path, body) in [
        (ENVELOPE, envelope(&[EVENT])),
        ("/api/1/store/", "{}".to_owned()),
        ("/api/store/", "{}".to_owned()),
    ] {
        let answer = bench.post(path, body).await;
        assert_eq!(
            answer.short(),
            (
                429,
                r#"{"detail":"Sentry dropped data due to a quota or internal rate limit being reached"}"#
            )
        );
        let (seconds, rest) = told(&answer);
        assert_eq!(rest, "error;security:project:project_quota");
        assert!((1..=HOUR).contains(&seconds[0]));
        assert_eq!(answer.headers["retry-after"], seconds[0].to_string());
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    // Whatever else the key sends is taken.
    let answer = bench.post(ENVELOPE, envelope(&[FILE])).await;
    assert_eq!(
        (answer.status.as_u16(), told(&answer).1.as_str()),
        (200, "")
    );
    assert_eq!(bench.queued().len(), 3);
}

#[tokio::test]
async fn what_is_left_of_an_envelope_is_taken() {
    let mut bench = Bench::open().await;
    bench.limit(&[Error], 0, HOUR).await;
    let body = envelope(&[FILE, SESSION, EVENT, REPORT]);
    let answer = bench.post(ENVELOPE, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        told(&answer),
        (
            vec![60, 3600],
            "error:project:project_quota, session:organization:unsupported".to_owned()
        )
    );
    assert!(answer.headers.get("retry-after").is_none());
    let head = bench.queued().remove(0).head;
    let limited: Vec<_> = head.limited.iter().map(|l| (l.item, l.reason)).collect();
    let reason = LimitReason::ProjectQuota;
    assert_eq!(limited, [(0, reason), (2, reason)]);
    let charged: Vec<_> = head
        .charges
        .iter()
        .map(|c| (c.category.name(), c.quantity))
        .collect();
    assert_eq!(charged, [("session", 1), ("client_report", 1)]);
}

#[tokio::test]
async fn limits_of_key_project_and_organization_bound_what_they_name() {
    let bench = Bench::open().await;
    let store = &bench.ingest.store;
    let organization = store.organizations().await.unwrap()[0].id;
    let other = |body: String| {
        let path = format!("/api/2/envelope/?sentry_key={}", crate::support::OTHER_KEY);
        bench.send(axum::http::Request::post(path).body(body.into()).unwrap())
    };
    let of_all = QuotaTarget::Organization(organization);
    let of_all = bench.limit_of(of_all, &[], 3, HOUR).await;
    let of_key = QuotaTarget::Key(KeyId(1));
    let of_key = bench.limit_of(of_key, &[Error], 1, HOUR).await;
    let event = || envelope(&[EVENT]);
    assert_eq!(bench.post(ENVELOPE, event()).await.status, 200);
    let answer = bench.post(ENVELOPE, event()).await;
    assert_eq!(answer.status, 429);
    assert_eq!(told(&answer).1, "error:key:key_quota");
    for status in [200, 200, 429] {
        assert_eq!(other(event()).await.status, status);
    }
    let answer = other(event()).await;
    assert_eq!(told(&answer).1, ":organization:org_quota");
    assert_eq!(other(envelope(&[REPORT])).await.status, 200);
    // A change is heeded at once, and keeps what was counted.
    store.remove_quota(of_key.id).await.unwrap();
    let of_all = QuotaTarget::Organization(of_all.organization_id);
    let of_all = bench.limit_of(of_all, &[], 4, HOUR).await;
    assert_eq!(bench.post(ENVELOPE, event()).await.status, 200);
    assert_eq!(bench.post(ENVELOPE, event()).await.status, 429);
    assert_eq!(bench.used(&of_all).await, 4);
}

#[tokio::test]
async fn clients_that_would_try_again_are_told_of_success() {
    let mut bench = Bench::open().await;
    bench.limit(&[], 0, 60).await;
    let check_in = bench.post("/api/1/cron/job/?status=ok", "").await;
    assert_eq!(check_in.status, 202);
    let request = authorized("/api/1/minidump/").header("content-type", "application/x-dmp");
    let dump = bench.send(request.body("MDMP0".into()).unwrap()).await;
    assert_eq!((dump.status.as_u16(), dump.body.len()), (200, 36));
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn what_this_version_does_not_store_is_no_longer_asked_for() {
    let bench = Bench::open().await;
    let span = "{\"type\":\"span\",\"item_count\":3}\n{}\n";
    let answer = bench
        .post(ENVELOPE, envelope(&[span, EVENT, SESSION]))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        told(&answer),
        (
            vec![3600],
            "span;session:organization:unsupported".to_owned()
        )
    );
    let answer = bench.post(ENVELOPE, envelope(&[EVENT, FILE])).await;
    assert_eq!(told(&answer).1, "");
}

#[tokio::test]
async fn what_could_not_be_queued_is_not_charged() {
    let bench = Bench::open().await;
    let quota = bench.limit(&[Error], 5, HOUR).await;
    assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 200);
    bench.ingest.queue.close();
    for _ in 0..7 {
        assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 503);
    }
    assert_eq!(bench.used(&quota).await, 1);
}

fn intake(head: &RequestHead) -> impl Iterator<Item = IntakeCount> {
    head.charges.iter().map(|charge| IntakeCount {
        project_id: head.project_id,
        key_id: head.key_id,
        received_at: head.received_at,
        charge: *charge,
    })
}

#[tokio::test]
async fn a_crash_gives_no_quota_back() {
    let mut bench = Bench::open().await;
    let events = bench.limit(&[Error], 7, HOUR).await;
    let files = bench.limit(&[Attachment], 1000, HOUR).await;
    let all = bench.limit_of(
        QuotaTarget::Organization(events.organization_id),
        &[],
        1000,
        HOUR,
    );
    let all = all.await;
    for _ in 0..6 {
        let body = envelope(&[EVENT, FILE, REPORT]);
        assert_eq!(bench.post(ENVELOPE, body).await.status, 200);
    }
    // Two of them are processed, the others wait in the queue.
    let entries = bench.entries();
    let heads = entries.iter().map(|entry| match entry {
        Entry::Request(request) => &request.head,
        Entry::Tally(_) => panic!("nothing was refused"),
    });
    let batch = Batch {
        cursor: Some(QueueCursor {
            queue_id: bench.ingest.queue.id().to_owned(),
            position: 2,
        }),
        intake: heads.take(2).flat_map(intake).collect(),
        ..Batch::default()
    };
    let store = &bench.ingest.store;
    store.record(&batch, UnixMillis::now()).await.unwrap();

    let bench = bench.restarted(2).await;
    assert_eq!(bench.used(&events).await, 6);
    assert_eq!(bench.used(&files).await, 60);
    assert_eq!(bench.used(&all).await, 12);
    let body = envelope(&[EVENT, REPORT]);
    assert_eq!(bench.post(ENVELOPE, body).await.status, 200);
    assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 429);
    assert_eq!(bench.post("/api/1/store/", "{}").await.status, 429);
}

#[tokio::test]
async fn a_limit_that_appears_begins_with_what_was_taken_before() {
    let bench = Bench::open().await;
    for _ in 0..3 {
        assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 200);
    }
    bench.limit(&[Error, Span, Monitor, Session], 4, HOUR).await;
    assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 200);
    assert_eq!(bench.post(ENVELOPE, envelope(&[EVENT])).await.status, 429);
}
