//! Lists to their end and back, by the links alone.

use std::time::Duration;

use crate::fixture::{Fixture, Tenant, event};

async fn seven(issues: u16) -> (Fixture, Tenant) {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let at = |minutes: u16| {
        fixture
            .now
            .before(Duration::from_secs(60 * u64::from(minutes)))
    };
    let events = (1..=7).map(|n| event(tenant.project.id, n, n % issues, at(n)));
    fixture.record(events.collect()).await;
    (fixture, tenant)
}

/// Follows `next` to the end and `previous` to the beginning; returns what each page shows in `key`.
async fn walk(fixture: &Fixture, token: &str, path: &str, key: &str) -> [Vec<String>; 2] {
    let mut there = Vec::new();
    let mut page = fixture.get(token, path).await;
    assert_eq!(page.link("previous"), None);
    there.push(page.column(key).join(" "));
    while let Some(next) = page.link("next") {
        page = fixture.get(token, &next).await;
        there.push(page.column(key).join(" "));
    }
    let mut back = vec![page.column(key).join(" ")];
    while let Some(previous) = page.link("previous") {
        page = fixture.get(token, &previous).await;
        back.insert(0, page.column(key).join(" "));
    }
    [there, back]
}

#[tokio::test]
async fn issues_are_walked_to_the_end_and_back() {
    let (fixture, tenant) = seven(7).await;
    for path in ["projects/acme/shop/issues/", "organizations/acme/issues"] {
        let path = format!("/api/0/{path}?query=%22happened%22+%3A%29%22%22&limit=3")
            .replace("+%3A%29%22%22", "");
        let [there, back] = walk(&fixture, &tenant.token, &path, "shortId").await;
        assert_eq!(
            there,
            ["SHOP-1 SHOP-2 SHOP-3", "SHOP-4 SHOP-5 SHOP-6", "SHOP-7"]
        );
        assert_eq!(back, there);
    }
}

#[tokio::test]
async fn events_are_walked_to_the_end_and_back() {
    let (fixture, tenant) = seven(1).await;
    let (many, several) = (seven(1).await, seven(3).await);
    let [there, back] = walk(
        &many.0,
        &many.1.token,
        "/api/0/issues/1/events/?per_page=3",
        "eventID",
    )
    .await;
    assert_eq!(there.len(), 3);
    assert_eq!(back, there);
    for (fixture, tenant) in [(&fixture, &tenant), (&several.0, &several.1)] {
        let path = "/api/0/projects/acme/shop/events/?per_page=3";
        let [merged, back] = walk(fixture, &tenant.token, path, "eventID").await;
        assert_eq!(merged, there);
        assert_eq!(back, merged);
    }
    let far = fixture
        .get(
            &tenant.token,
            "/api/0/projects/acme/shop/events/?cursor=0:5000:0",
        )
        .await;
    assert_eq!(far.status, 400);
}

#[tokio::test]
async fn the_link_header_leads_to_the_public_address_and_keeps_the_parameters() {
    let (fixture, tenant) = seven(7).await;
    let path = "/api/0/projects/acme/shop/issues/?query=is%3Aunresolved&limit=7&cursor=";
    let answer = fixture.get(&tenant.token, path).await;
    let link = answer.headers["link"].to_str().unwrap();
    let address = "<https://bugs.example.com/bugle/api/0/projects/acme/shop/issues/?query=is%3Aunresolved&limit=7&cursor=";
    assert_eq!(link.matches(address).count(), 2, "{link}");
    assert_eq!(link.matches("results=\"false\"").count(), 2, "{link}");
    assert_eq!(
        answer.headers["access-control-expose-headers"],
        "Link, X-Hits"
    );
}

#[tokio::test]
async fn the_previous_cursor_of_the_first_page_finds_what_is_new() {
    let (fixture, tenant) = seven(7).await;
    let answer = fixture
        .get(&tenant.token, "/api/0/projects/acme/shop/issues/")
        .await;
    let link = answer.headers["link"].to_str().unwrap();
    let (url, _) = link
        .strip_prefix("<https://bugs.example.com/bugle")
        .unwrap()
        .split_once('>')
        .unwrap();
    assert!(
        fixture
            .get(&tenant.token, url)
            .await
            .json
            .as_array()
            .unwrap()
            .is_empty()
    );
    fixture
        .record(vec![event(tenant.project.id, 8, 8, fixture.now)])
        .await;
    assert_eq!(
        fixture.get(&tenant.token, url).await.column("shortId"),
        ["SHOP-8"]
    );
}
