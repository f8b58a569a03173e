//! What became of what was sent, over time.

use bugle_protocol::{
    ClientReason, DataCategory, DiscardReason, FilterReason, KeyId, LimitReason, Outcome,
    ProjectId, UnixMillis,
};
use bugle_store::{Batch, OutcomeCount};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Tenant};

/// 2026-01-02T03:04:05.678Z.
const THEN: UnixMillis = UnixMillis(1_767_323_045_678);

const HOUR: i64 = 3_600_000;

/// An organisation with two days of everything, and another with something.
async fn two_days() -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("other", 2).await;
    let count = |project: ProjectId, hours: i64, category, outcome, quantity| OutcomeCount {
        project_id: project,
        key_id: KeyId(1),
        received_at: UnixMillis(THEN.0 + hours * HOUR),
        category,
        outcome,
        quantity,
    };
    let shop = tenant.project.id;
    use DataCategory::{Attachment, AttachmentItem, Error, Security, Session};
    let limited = Outcome::RateLimited(LimitReason::KeyQuota);
    let invalid = Outcome::Invalid(DiscardReason::InvalidJson);
    let discarded = Outcome::ClientDiscard(ClientReason::SampleRate);
    let outcomes = vec![
        count(shop, 0, Error, Outcome::Accepted, 1),
        count(shop, 0, Security, Outcome::Accepted, 2),
        count(shop, 1, Error, Outcome::Accepted, 4),
        count(shop, 1, Error, limited, 8),
        count(shop, 1, Error, invalid, 16),
        count(
            shop,
            1,
            Error,
            Outcome::Filtered(FilterReason::WebCrawlers),
            32,
        ),
        count(shop, 1, Error, discarded, 64),
        count(shop, 1, Session, Outcome::Unsupported, 128),
        count(shop, 1, Attachment, Outcome::Accepted, 5000),
        count(shop, 1, AttachmentItem, Outcome::Accepted, 256),
        count(shop, 24, Error, Outcome::Accepted, 512),
        count(other.project.id, 1, Error, Outcome::Accepted, 1_000_000),
    ];
    let batch = Batch {
        outcomes,
        ..Batch::default()
    };
    fixture.store_batch(batch).await;
    (fixture, tenant)
}

async fn series(fixture: &Fixture, tenant: &Tenant, query: &str) -> Value {
    let path = format!(
        "/api/0/organizations/acme/stats_v2/?start=2026-01-02T03:04:05&end=2026-01-02T06:00:00Z&{query}"
    );
    let answer = fixture.get(&tenant.token, &path).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.json);
    answer.json
}

/// The groups as `by` and total.
fn totals(series: &Value) -> Vec<(Value, i64)> {
    let groups = series["groups"].as_array().unwrap().iter();
    let total = |group: &Value| group["totals"]["sum(quantity)"].as_i64().unwrap();
    groups
        .map(|group| (group["by"].clone(), total(group)))
        .collect()
}

#[tokio::test]
async fn series_have_sentrys_shape() {
    let (fixture, tenant) = two_days().await;
    let query = "field=sum(quantity)&interval=1h&groupBy=outcome&groupBy=category&project=1";
    assert_json_snapshot!("stats_v2", series(&fixture, &tenant, query).await);
}

#[tokio::test]
async fn groups_and_filters_go_together() {
    let (fixture, tenant) = two_days().await;
    let outcome = |name: &str, total: i64| (json!({"outcome": name}), total);
    for (query, expected) in [
        // Bytes are not added to items.
        ("", vec![(json!({}), 511)]),
        (
            "groupBy=outcome&category=error&field=sum(times_seen)&field=sum(quantity)",
            vec![
                outcome("accepted", 7),
                outcome("client_discard", 64),
                outcome("filtered", 32),
                outcome("invalid", 16),
                outcome("rate_limited", 8),
            ],
        ),
        (
            "groupBy=reason&outcome=invalid&outcome=rate_limited",
            vec![
                (json!({"reason": "invalid_json"}), 16),
                (json!({"reason": "key_quota"}), 8),
            ],
        ),
        ("reason=sample_rate", vec![(json!({}), 64)]),
        (
            "groupBy=category&outcome=accepted",
            vec![
                (json!({"category": "attachment"}), 5000),
                (json!({"category": "attachment_item"}), 256),
                (json!({"category": "error"}), 7),
            ],
        ),
        (
            "groupBy=category&category=security",
            vec![(json!({"category": "security"}), 2)],
        ),
        ("category=attachment", vec![(json!({}), 5000)]),
        ("category=span", vec![(json!({}), 0)]),
        ("category=span&groupBy=outcome", vec![]),
        (
            "groupBy=project&category=default",
            vec![(json!({"project": 1}), 127)],
        ),
    ] {
        let series = series(&fixture, &tenant, query).await;
        assert_eq!(totals(&series), expected, "{query}");
    }
}

#[tokio::test]
async fn series_follow_their_interval() {
    let (fixture, tenant) = two_days().await;
    let get = async |query: &str| {
        let path =
            format!("/api/0/organizations/acme/stats_v2/?category=error&outcome=accepted&{query}");
        fixture.get(&tenant.token, &path).await
    };
    for (query, first, expected) in [
        (
            "start=2026-01-02T03:30:00&end=2026-01-02T05:00:00",
            "2026-01-02T03:00:00.000000Z",
            vec![3, 4],
        ),
        (
            "start=2026-01-01T00:00:00&end=2026-01-03T12:00:00&interval=1d",
            "2026-01-01T00:00:00.000000Z",
            vec![0, 7, 512],
        ),
        (
            "start=2026-01-02T01:00:00&end=2026-01-03T04:00:00&interval=12h",
            "2026-01-02T00:00:00.000000Z",
            vec![7, 0, 512],
        ),
    ] {
        let answer = get(query).await;
        assert_eq!(answer.json["intervals"][0], first, "{query}");
        let series = &answer.json["groups"][0]["series"]["sum(quantity)"];
        assert_eq!(series, &json!(expected), "{query}");
    }
    for (query, intervals) in [
        ("", 24),
        ("statsPeriod=24h", 24),
        ("statsPeriod=90d&interval=1d", 90),
        ("statsPeriod=90d&interval=1h", 2160),
        ("statsPeriod=1h", 1),
    ] {
        let answer = get(query).await;
        let found = answer.json["intervals"].as_array().unwrap();
        assert_eq!(found.len(), intervals, "{query}");
    }
}

#[tokio::test]
async fn what_is_not_kept_is_refused() {
    let (fixture, tenant) = two_days().await;
    for (query, detail) in [
        ("field=count()", "unknown field"),
        ("field=sum(times_seen)", "only kept for categories"),
        ("field=sum(times_seen)&category=attachment", "only kept"),
        ("groupBy=key", "unknown groupBy"),
        ("category=nonsense", "unknown category"),
        ("category=attachment&category=error", "counted in bytes"),
        ("category=attachment&category=log_byte", "counted in bytes"),
        ("outcome=abuse", "unknown outcome"),
        ("interval=5m", "invalid interval"),
        ("interval=7h", "invalid interval"),
        ("interval=0h", "invalid interval"),
        ("statsPeriod=x", "invalid statsPeriod"),
        ("statsPeriod=101d", "at most 2400"),
        ("statsPeriod=4294967295w&interval=1d", "at most 2400"),
        ("statsPeriod=0h", "is empty"),
        ("start=2026-01-02T00:00:00", "both start and end"),
        ("start=x&end=2026-01-02T00:00:00", "invalid time"),
        ("start=2026-01-02T00:00:00&end=2026-01-02T00:00:00", "empty"),
        ("start=0001-01-01T00:00:00&end=9999-12-31T23:59:59", "2400"),
    ] {
        let path = format!("/api/0/organizations/acme/stats_v2/?{query}");
        let answer = fixture.get(&tenant.token, &path).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.json);
        let said = answer.json["detail"].as_str().unwrap();
        assert!(said.contains(detail), "{query}: {said}");
    }
    let theirs = "/api/0/organizations/acme/stats_v2/?project=2";
    assert_eq!(fixture.get(&tenant.token, theirs).await.status, 404);
}

#[tokio::test]
async fn the_older_counts_are_pairs() {
    let (fixture, tenant) = two_days().await;
    let since = THEN.0 / 1000;
    let first = since - since % 3600;
    let get = async |query: &str| {
        let path = format!("/api/0/projects/acme/shop/stats/?{query}");
        fixture.get(&tenant.token, &path).await
    };
    for (stat, expected) in [
        ("", [3, 60]),
        ("stat=received", [3, 60]),
        ("stat=rejected", [0, 24]),
        ("stat=blacklisted", [0, 32]),
        ("stat=generated", [3, 4]),
    ] {
        let until = first + 7200;
        let answer = get(&format!("{stat}&since={since}.5&until={until}")).await;
        let expected = json!([[first, expected[0]], [first + 3600, expected[1]]]);
        assert_eq!(answer.json, expected, "{stat}");
    }
    let days = get(&format!(
        "since={since}&until={}&resolution=1d",
        since + 86_400
    ))
    .await;
    let day = since - since % 86_400;
    assert_eq!(days.json, json!([[day, 63], [day + 86_400, 512]]));
    assert!(matches!(
        get("").await.json.as_array().unwrap().len(),
        24 | 25
    ));
    for bad in [
        "stat=x",
        "resolution=10s",
        "since=x",
        "since=NaN",
        "since=1e300",
        "since=0",
        "until=-1",
        "since=9&until=8",
    ] {
        assert_eq!(get(bad).await.status, 400, "{bad}");
    }
}
