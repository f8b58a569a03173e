//! Lists of issues, single ones, and changes of their status.

use std::time::Duration;

use insta::assert_json_snapshot;
use serde_json::json;

use crate::fixture::{Fixture, Tenant, event};

const LIST: &str = "/api/0/projects/acme/shop/issues/";

/// Three issues, one, two and three hours old, the oldest with two events.
async fn three_issues() -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let ago = |hours: u64| fixture.now.before(Duration::from_secs(hours * 3600));
    let project = tenant.project.id;
    fixture
        .record(vec![
            event(project, 1, 1, ago(30)),
            event(project, 2, 1, ago(3)),
            event(project, 3, 2, ago(2)),
            event(project, 4, 3, ago(1)),
        ])
        .await;
    (fixture, tenant)
}

#[tokio::test]
async fn an_issue_has_sentrys_shape_under_every_name() {
    let (fixture, tenant) = three_issues().await;
    let list = fixture.get(&tenant.token, LIST).await;
    assert_eq!(list.headers["x-hits"], "3");
    assert_eq!(list.column("shortId"), ["SHOP-3", "SHOP-2", "SHOP-1"]);
    let detail = fixture.get(&tenant.token, "/api/0/issues/1/").await;
    assert_json_snapshot!("issue", detail.without(&["firstSeen", "lastSeen", "stats"]));
    for name in [
        "issues/SHOP-1",
        "issues/shop-1/",
        "organizations/acme/issues/1",
        "organizations/1/issues/SHOP-1/",
    ] {
        let same = fixture.get(&tenant.token, &format!("/api/0/{name}")).await;
        assert_eq!(same.json, detail.json, "{name}");
    }
    for (key, value) in list.json[2].as_object().unwrap() {
        assert_eq!(value, &detail.json[key], "{key}");
    }
}

#[tokio::test]
async fn charts_count_events_per_hour_or_day() {
    let (fixture, tenant) = three_issues().await;
    let sum = |points: &serde_json::Value| -> i64 {
        let points = points.as_array().unwrap();
        points.iter().map(|point| point[1].as_i64().unwrap()).sum()
    };
    let list = fixture
        .get(&tenant.token, &format!("{LIST}?statsPeriod=24h"))
        .await;
    let points = &list.json[2]["stats"]["24h"];
    assert_eq!((points.as_array().unwrap().len(), sum(points)), (24, 1));
    assert_eq!(points[23][0], fixture.now.hour().0 / 1000);
    let list = fixture
        .get(&tenant.token, &format!("{LIST}?statsPeriod=14d"))
        .await;
    let points = &list.json[2]["stats"]["14d"];
    assert_eq!((points.as_array().unwrap().len(), sum(points)), (14, 2));
}

#[tokio::test]
async fn searches_choose_issues_and_say_where_they_are_wrong() {
    let (fixture, tenant) = three_issues().await;
    fixture
        .put(
            &tenant.token,
            "/api/0/issues/SHOP-2/",
            r#"{"status":"resolved"}"#,
        )
        .await;
    for (query, expected) in [
        ("", vec!["SHOP-3", "SHOP-1"]),
        ("?query=", vec!["SHOP-3", "SHOP-2", "SHOP-1"]),
        ("?query=is:resolved", vec!["SHOP-2"]),
        ("?query=timesSeen:%3E1", vec!["SHOP-1"]),
        ("?query=%22issue%203%22", vec!["SHOP-3"]),
        ("?query=lastSeen:-90m&sort=date", vec!["SHOP-3"]),
        ("?query=is:ignored", vec![]),
    ] {
        let answer = fixture.get(&tenant.token, &format!("{LIST}{query}")).await;
        assert_eq!(answer.column("shortId"), expected, "{query}");
    }
    for (query, detail) in [
        (
            "?query=is:resolved%20nonsense:1",
            "invalid query: column 13: issues have no 'nonsense'",
        ),
        (
            "?query=is:odd",
            "invalid query: column 1: expected unresolved, resolved",
        ),
        ("?cursor=x", "invalid cursor 'x'"),
        ("?cursor=1:2", "invalid cursor '1:2'"),
        ("?limit=0", "invalid limit '0'"),
        ("?per_page=many", "invalid limit 'many'"),
        ("?statsPeriod=soon", "invalid statsPeriod 'soon'"),
        ("?sort=freq", "issues can only be sorted by date"),
        (
            "?environment=production",
            "issues cannot be filtered by environment",
        ),
    ] {
        let answer = fixture.get(&tenant.token, &format!("{LIST}{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let text = answer.json["detail"].as_str().unwrap();
        assert!(text.starts_with(detail), "{query}: {text}");
    }
}

#[tokio::test]
async fn an_organizations_list_is_narrowed_by_project_and_time() {
    let (fixture, tenant) = three_issues().await;
    let hour_ago = fixture.now.before(Duration::from_secs(5400)).to_rfc3339();
    let zoneless = hour_ago.trim_end_matches('Z');
    for (query, expected) in [
        ("?project=1".to_owned(), vec!["SHOP-3", "SHOP-2", "SHOP-1"]),
        (
            "?project=-1&project=shop".to_owned(),
            vec!["SHOP-3", "SHOP-2", "SHOP-1"],
        ),
        ("?statsPeriod=90m".to_owned(), vec!["SHOP-3"]),
        (format!("?start={zoneless}"), vec!["SHOP-3"]),
        (
            format!("?end={zoneless}&limit=10000"),
            vec!["SHOP-2", "SHOP-1"],
        ),
    ] {
        let path = format!("/api/0/organizations/acme/issues/{query}");
        let answer = fixture.get(&tenant.token, &path).await;
        assert_eq!(answer.column("shortId"), expected, "{query}");
    }
    for query in ["?start=yesterday", "?statsPeriod=1", "?project=none"] {
        let path = format!("/api/0/organizations/acme/issues/{query}");
        let answer = fixture.get(&tenant.token, &path).await;
        assert!(answer.status.is_client_error() && answer.json["detail"].is_string());
    }
}

#[tokio::test]
async fn a_status_can_be_changed_and_other_fields_are_passed_over() {
    let (fixture, tenant) = three_issues().await;
    for (body, status, substatus) in [
        (
            r#"{"status":"resolved","statusDetails":{"inRelease":"1"}}"#,
            "resolved",
            json!(null),
        ),
        (
            r#"{"status":"archived","snoozeDuration":null}"#,
            "ignored",
            json!("archived_forever"),
        ),
        (r#"{"hasSeen":true}"#, "ignored", json!("archived_forever")),
        (r#"{"status":"unresolved"}"#, "unresolved", json!("ongoing")),
        (
            r#"{"status":"ignored"}"#,
            "ignored",
            json!("archived_forever"),
        ),
    ] {
        let answer = fixture.put(&tenant.token, "/api/0/issues/1/", body).await;
        assert_eq!(answer.status, 200);
        let found = (&answer.json["status"], &answer.json["substatus"]);
        assert_eq!(found, (&json!(status), &substatus), "{body}");
    }
    for body in [
        "",
        "[]",
        "nonsense",
        r#"{"status":"closed"}"#,
        r#"{"status":7}"#,
    ] {
        let answer = fixture.put(&tenant.token, "/api/0/issues/1/", body).await;
        let detail = answer.json["detail"].as_str().unwrap();
        assert!(
            answer.status == 400 && detail.contains("resolved"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn many_issues_are_changed_by_id_by_status_or_all() {
    let (fixture, tenant) = three_issues().await;
    let statuses = async || {
        let list = fixture.get(&tenant.token, &format!("{LIST}?query=")).await;
        list.column("status").join(" ")
    };
    let put = async |query: &str, body: &str| {
        fixture
            .put(&tenant.token, &format!("{LIST}{query}"), body)
            .await
    };
    let answer = put("?id=1&id=2", r#"{"status":"resolved"}"#).await;
    assert_eq!(
        answer.json,
        json!({"status": "resolved", "statusDetails": {}})
    );
    assert_eq!(statuses().await, "unresolved resolved resolved");
    put("?status=unresolved", r#"{"status":"ignored"}"#).await;
    assert_eq!(statuses().await, "ignored resolved resolved");
    put("?query=%22issue%202%22", r#"{"status":"unresolved"}"#).await;
    assert_eq!(statuses().await, "ignored unresolved resolved");
    put("", r#"{"status":"resolved"}"#).await;
    assert_eq!(statuses().await, "resolved resolved resolved");
    for (query, status) in [
        ("?id=1&id=99", 404),
        ("?id=x", 404),
        ("?status=open", 400),
        ("?query=%28", 400),
    ] {
        let answer = put(query, r#"{"status":"unresolved"}"#).await;
        assert_eq!(answer.status, status, "{query}");
    }
    assert_eq!(statuses().await, "resolved resolved resolved");
}

#[tokio::test]
async fn a_call_that_would_change_too_many_issues_changes_none() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let issues = (1..=1001).map(|n| event(tenant.project.id, n, n, fixture.now));
    fixture.record(issues.collect()).await;
    let resolve = r#"{"status":"resolved"}"#;
    let refused = fixture.put(&tenant.token, LIST, resolve).await;
    assert_eq!(refused.status, 400);
    let path = format!("{LIST}?query=%22issue%207%20%22");
    let changed = fixture.put(&tenant.token, &path, resolve).await;
    assert_eq!(changed.status, 200);
    let left = fixture.get(&tenant.token, LIST).await;
    assert_eq!(left.headers["x-hits"], "1000");
}
