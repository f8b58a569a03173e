//! The page that shows what became of what was sent.

use std::time::Duration;

use crate::browser::Page;
use crate::world::{World, world};
use axum::http::StatusCode;
use bugle_protocol::{
    ClientReason, DataCategory, DiscardReason, KeyId, LimitReason, Outcome, UnixMillis,
};
use bugle_store::{Batch, NewQuota, NewRejection, OutcomeCount, QuotaTarget};

const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`";

fn count(world: &World, category: DataCategory, outcome: Outcome, quantity: i64) -> OutcomeCount {
    OutcomeCount {
        project_id: world.shop,
        key_id: KeyId(1),
        received_at: UnixMillis::now(),
        category,
        outcome,
        quantity,
    }
}

async fn record(world: &World, outcomes: Vec<OutcomeCount>, rejections: Vec<NewRejection>) {
    let batch = Batch {
        outcomes,
        rejections,
        ..Batch::default()
    };
    world.store.record(&batch, UnixMillis::now()).await.unwrap();
}

async fn some_traffic(world: &World) {
    use DataCategory::{Attachment, AttachmentItem, Error, Session};
    let outcomes = vec![
        count(world, Error, Outcome::Accepted, 1200),
        count(world, Error, Outcome::Invalid(DiscardReason::TooLarge), 3),
        count(
            world,
            Error,
            Outcome::RateLimited(LimitReason::KeyQuota),
            40,
        ),
        count(
            world,
            Error,
            Outcome::ClientDiscard(ClientReason::BeforeSend),
            7,
        ),
        count(world, Attachment, Outcome::Accepted, 2_500_000),
        count(world, AttachmentItem, Outcome::Accepted, 2),
        count(world, Session, Outcome::Unsupported, 5),
        OutcomeCount {
            received_at: UnixMillis::now().before(Duration::from_secs(3 * 86_400)),
            ..count(world, Error, Outcome::Duplicate, 90)
        },
    ];
    record(world, outcomes, Vec::new()).await;
}

async fn page(world: &mut World, query: &str) -> Page {
    let page = world
        .browser
        .get(&format!("/bugle/shop/stats/{query}"))
        .await;
    assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.words());
    page
}

#[tokio::test]
async fn a_project_that_got_nothing_says_so() {
    let mut world = world().await;
    let page = page(&mut world, "").await;
    page.assert_shows(&[
        "Stats of Shop",
        "Nothing of this kind was sent.",
        "How to send events",
        "Nothing was rejected so far.",
    ]);
    assert!(!page.text.contains("<svg viewBox"), "an empty chart");
    // The way there.
    let issues = world.browser.get("/bugle/shop/issues/").await;
    assert!(issues.text.contains("href=\"/bugle/shop/stats/\""));
}

#[tokio::test]
async fn what_was_sent_is_shown_by_outcome_category_reason_and_key() {
    let mut world = world().await;
    some_traffic(&world).await;
    let all = page(&mut world, "").await;
    all.assert_shows(&[
        "All items, the last 24 hours",
        "Errors 1 250",
        "Attachment bytes 2.5 MB",
        "Accepted 1 202",
        "Rate limited 40",
        "Larger than its kind may be, or too many of its kind invalid/too_large Errors 3",
        "A limit of the key was reached rate_limited/key_quota Errors 40",
        "Dropped by before_send or a like hook",
        "A kind of item that this version of Bugle does not store unsupported Sessions 5",
        "Default 1 250 1 202 48 7",
    ]);
    assert!(!all.words().contains("Duplicate"));
    for part in [
        "<title id=\"chart-title\">",
        "<desc id=\"chart-summary\">",
        "class=\"part-invalid\"",
    ] {
        assert!(all.text.contains(part), "{part}");
    }
    let week = page(&mut world, "?period=7d&category=error").await;
    week.assert_shows(&[
        "Errors, the last 7 days",
        "Duplicate 90",
        "one bar is 6 hours",
    ]);
    assert!(
        week.text
            .contains("href=\"/bugle/shop/stats/?category=error\"")
    );
    let bytes = page(&mut world, "?period=30d&category=attachment").await;
    bytes.assert_shows(&[
        "Attachment bytes, the last 30 days",
        "Accepted 2.5 MB",
        "1.5 MB",
    ]);
    assert!(bytes.text.contains("2\u{202f}500\u{202f}000 bytes"));
    for odd in [
        "?period=1y",
        "?category=nonsense",
        "?period=%00&category=%F0%9F",
        "?category=gpu",
    ] {
        page(&mut world, odd).await;
    }
}

#[tokio::test]
async fn the_last_rejected_are_listed_with_their_reasons() {
    let mut world = world().await;
    let rejection = |n: u64, status, item_type: &str, outcome| NewRejection {
        project_id: world.shop,
        key_id: KeyId(1),
        received_at: UnixMillis::now(),
        status,
        item_type: item_type.to_owned(),
        outcome,
        detail: format!("detail {n}. {EVIL}"),
        client: EVIL.to_owned(),
        size: 1000 * n,
    };
    let limited = Outcome::RateLimited(LimitReason::Overload);
    let invalid = Outcome::Invalid(DiscardReason::InvalidJson);
    for chunk in 0..3 {
        let some = (1..=10).map(|n| rejection(chunk * 10 + n, 503, "", limited));
        record(&world, Vec::new(), some.collect()).await;
    }
    record(
        &world,
        Vec::new(),
        vec![rejection(31, 200, "user_report", invalid)],
    )
    .await;
    let page = page(&mut world, "").await;
    page.assert_shows(&[
        "200 user report item Invalid The payload is not JSON detail 31.",
        "503 request Rate limited The server could keep no more just then",
        "detail 30.",
        "31 KB",
        "11 older",
    ]);
    for mark in ["<script>alert", "<img src=x"] {
        assert!(!page.text.contains(mark), "{mark}");
    }
}

#[tokio::test]
async fn a_limit_that_refuses_is_announced() {
    let mut world = world().await;
    let limit = |categories: Vec<DataCategory>, quantity| NewQuota {
        target: QuotaTarget::Project(world.shop),
        categories,
        quantity,
        window_seconds: 86_400,
    };
    let now = UnixMillis::now();
    for new in [
        limit(vec![DataCategory::Error], 1000),
        limit(vec![DataCategory::Replay], 0),
        limit(vec![DataCategory::Span], 10),
    ] {
        world.store.set_quota(&new, now).await.unwrap();
    }
    let calm = page(&mut world, "").await;
    calm.assert_shows(&["A limit refuses replays right now: This project may send none at all."]);
    assert!(!calm.words().contains("refuses errors"));
    some_traffic(&world).await;
    let page = page(&mut world, "").await;
    page.assert_shows(&[
        "A limit refuses errors right now: This project may send 1 000 per day, and that is used up. More is taken in",
    ]);
    assert!(!page.words().contains("refuses spans"));
}
