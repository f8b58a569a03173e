//! Who may ask for what, and how refusals look.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use bugle_store::Scope;

use crate::fixture::{Fixture, event, event_id};

#[tokio::test]
async fn without_a_good_token_everything_is_401() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    for header in [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer sntryu_wrong".to_owned()),
        Some("Bearer é".to_owned()),
        Some(format!("Basic {}", tenant.token)),
    ] {
        for path in ["/api/0/", "/api/0/projects/", "/api/0/issues/1/"] {
            let mut request = Request::get(path);
            if let Some(header) = &header {
                request = request.header("authorization", header);
            }
            let answer = fixture.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(answer.json["detail"].is_string());
        }
    }
}

#[tokio::test]
async fn a_scope_opens_its_paths_and_no_others() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let id = event_id(1);
    fixture
        .record(vec![event(tenant.project.id, 1, 1, fixture.now)])
        .await;
    let paths = [
        ("GET", "organizations/".to_owned(), Scope::OrgRead),
        ("GET", "organizations/acme".to_owned(), Scope::OrgRead),
        (
            "GET",
            "organizations/acme/projects/".to_owned(),
            Scope::ProjectRead,
        ),
        ("GET", "projects".to_owned(), Scope::ProjectRead),
        ("GET", "projects/acme/shop".to_owned(), Scope::ProjectRead),
        (
            "GET",
            "projects/acme/shop/keys/".to_owned(),
            Scope::ProjectRead,
        ),
        (
            "GET",
            "projects/acme/shop/issues/".to_owned(),
            Scope::EventRead,
        ),
        (
            "GET",
            "projects/acme/shop/events".to_owned(),
            Scope::EventRead,
        ),
        (
            "GET",
            format!("projects/acme/shop/events/{id}/"),
            Scope::EventRead,
        ),
        (
            "GET",
            "organizations/acme/issues/".to_owned(),
            Scope::EventRead,
        ),
        (
            "GET",
            "organizations/acme/issues/1/".to_owned(),
            Scope::EventRead,
        ),
        ("GET", "issues/SHOP-1/".to_owned(), Scope::EventRead),
        ("GET", "issues/1/events/".to_owned(), Scope::EventRead),
        (
            "GET",
            "issues/1/events/latest/".to_owned(),
            Scope::EventRead,
        ),
        (
            "GET",
            format!("projects/acme/shop/events/{id}/attachments/"),
            Scope::EventRead,
        ),
        (
            "GET",
            "projects/acme/shop/user-feedback/".to_owned(),
            Scope::ProjectRead,
        ),
        (
            "GET",
            "projects/acme/shop/stats/".to_owned(),
            Scope::ProjectRead,
        ),
        (
            "GET",
            "organizations/acme/stats_v2/".to_owned(),
            Scope::OrgRead,
        ),
        ("PUT", "issues/1/".to_owned(), Scope::EventWrite),
        (
            "PUT",
            "projects/acme/shop/issues/".to_owned(),
            Scope::EventWrite,
        ),
    ];
    for (seed, scope) in (50..).zip(Scope::ALL) {
        let token = fixture.token(tenant.organization, &[scope], seed).await;
        for (method, path, needed) in &paths {
            let path = format!("/api/0/{path}");
            let answer = fixture.call(method, &token, &path, "{}").await;
            if scope == *needed {
                assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
                let detail = format!("the token lacks the scope {}", needed.as_str());
                assert_eq!(answer.json["detail"], detail.as_str());
            }
        }
    }
}

#[tokio::test]
async fn a_token_cannot_tell_another_tenants_things_from_nothing() {
    let fixture = Fixture::new().await;
    let acme = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("other", 2).await;
    let foreign = event_id(2);
    fixture
        .record(vec![
            event(acme.project.id, 1, 1, fixture.now),
            event(other.project.id, 2, 2, fixture.now),
        ])
        .await;
    let issue = fixture.get(&other.token, "/api/0/issues/SHOP-1/").await;
    let issue = issue.json["id"].as_str().unwrap().to_owned();
    for (theirs, nothing) in [
        ("organizations/other/".to_owned(), "organizations/none/"),
        (
            "organizations/2/issues/".to_owned(),
            "organizations/9/issues/",
        ),
        ("projects/other/shop/".to_owned(), "projects/none/shop/"),
        ("projects/acme/2/keys/".to_owned(), "projects/acme/9/keys/"),
        (
            "organizations/acme/issues/?project=2".to_owned(),
            "organizations/acme/issues/?project=9",
        ),
        (format!("issues/{issue}/"), "issues/9/"),
        (
            format!("issues/{issue}/events/latest/"),
            "issues/9/events/latest/",
        ),
        (
            format!("organizations/acme/issues/{issue}/"),
            "organizations/acme/issues/9/",
        ),
        (
            format!("issues/1/events/{foreign}/"),
            "issues/1/events/09090909090909090909090909090909/",
        ),
        (
            format!("projects/acme/shop/events/{foreign}/"),
            "projects/acme/shop/events/09090909090909090909090909090909/",
        ),
    ] {
        let theirs = fixture.get(&acme.token, &format!("/api/0/{theirs}")).await;
        let nothing = fixture.get(&acme.token, &format!("/api/0/{nothing}")).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{}", theirs.json);
        assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{}", nothing.json);
    }
    for path in ["organizations/", "projects/", "organizations/acme/issues/"] {
        let answer = fixture.get(&acme.token, &format!("/api/0/{path}")).await;
        assert_eq!(answer.json.as_array().unwrap().len(), 1, "{path}");
    }
    for path in [
        format!("issues/{issue}/"),
        format!("projects/acme/shop/issues/?id=1&id={issue}"),
        format!("projects/other/shop/issues/?id={issue}"),
    ] {
        let path = format!("/api/0/{path}");
        let answer = fixture
            .put(&acme.token, &path, r#"{"status":"resolved"}"#)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for token in [&acme.token, &other.token] {
        let mine = fixture.get(token, "/api/0/issues/SHOP-1/").await;
        assert_eq!(mine.json["status"], "unresolved");
    }
}

#[tokio::test]
async fn every_error_is_json() {
    let fixture = Fixture::new().await;
    let token = fixture.tenant("acme", 1).await.token;
    for (method, path, status) in [
        ("GET", "/api/0/nonsense/", 404),
        ("GET", "/api/0/users/me/regions/", 404),
        ("POST", "/api/0/nonsense/%FF", 404),
        ("POST", "/api/0/organizations/", 405),
        ("DELETE", "/api/0/issues/1/", 405),
        ("GET", "/api/0/issues/%FF/", 400),
        ("GET", "/api/0/issues/%00/", 404),
        ("GET", "/api/0/issues/shop-99999999999999999999/", 404),
        ("GET", "/api/0/projects/acme/shop/events/xyz/", 400),
        ("GET", "/api/0/projects/acme/%C3%A9/", 404),
        ("GET", "/api/0/projects/acme/shop/issues/?query=%FF", 200),
    ] {
        let answer = fixture.call(method, &token, path, "").await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.json["detail"].is_string(), status != 200);
    }
}

#[tokio::test]
async fn the_api_stands_beside_paths_that_begin_alike() {
    let fixture = Fixture::new().await;
    let token = fixture.tenant("acme", 1).await.token;
    let ingest = axum::Router::new()
        .route(
            "/api/{project_id}/envelope/",
            axum::routing::post(|| async { "1" }),
        )
        .route(
            "/api/{project_id}/store/",
            axum::routing::post(|| async { "1" }),
        )
        .fallback(|| async { "none" });
    let fixture = fixture.merged_into(ingest);
    for (method, path, status) in [
        ("GET", "/api/0/projects/", 200),
        ("GET", "/api/0/x", 404),
        ("POST", "/api/0/store/", 404),
    ] {
        let answer = fixture.call(method, &token, path, "").await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
    }
}
