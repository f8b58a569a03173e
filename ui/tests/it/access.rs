//! Who gets in, and what they may do there.

use crate::browser::{BASE, Browser};
use crate::support;
use axum::http::{StatusCode, header};
use bugle_protocol::UnixMillis;
use bugle_store::{IssueStatus, Role};
use serde_json::json;

/// SHA-256 of `one-time`.
const TOKEN_HASH: &str = "e7a4eae34c12ab2c05187399d2955aefc791814675e763426370bceb05dbab4f";

#[tokio::test]
async fn setup_makes_one_owner_and_waits_for_the_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    let shop = support::add_project(&store, "default", "Shop", 1).await;
    store
        .set_setting("setup_token_hash", TOKEN_HASH)
        .await
        .unwrap();
    let mut browser = Browser::new(&store);

    let wrong = browser.get("/bugle/setup/guess").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    wrong.assert_shows(&["bugle user add"]);
    let form = browser.get("/bugle/setup/one-time").await;
    form.assert_shows(&["Welcome to Bugle"]);

    let differing = [
        ("email", "ada@example.com"),
        ("password", "correct horse"),
        ("repeated", "other"),
    ];
    let page = browser.post("/bugle/setup/one-time", &differing).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["The two passwords differ."]);
    let weak = [
        ("email", "ada@example.com"),
        ("password", "short"),
        ("repeated", "short"),
    ];
    let page = browser.post("/bugle/setup/one-time", &weak).await;
    page.assert_shows(&["The password must have at least 8 characters."]);

    let good = [
        ("email", "Ada@Example.com"),
        ("password", "correct horse"),
        ("repeated", "correct horse"),
    ];
    let page = browser.post("/bugle/setup/one-time", &good).await;
    assert_eq!(page.location(), "/bugle/shop/getting-started/");
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-bugle_session="), "{cookie}");
    for attribute in ["; Path=/;", "HttpOnly", "SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let page = browser.get("/bugle/shop/getting-started/").await;
    let dsn = format!("https://{}@errors.example/bugle/{shop}", "01".repeat(16));
    page.assert_shows(&[
        &dsn,
        "Waiting for the first event.",
        "send_default_pii=True",
    ]);
    assert!(page.text.contains("http-equiv=\"refresh\""));

    let again = browser.post("/bugle/setup/one-time", &good).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let organization = store.organizations().await.unwrap().remove(0);
    let users = store.users(organization.id).await.unwrap();
    assert_eq!((users.len(), users[0].role), (1, Role::Owner));

    support::record(
        &store,
        shop,
        "a",
        &json!({"message": "x", "logentry": {"formatted": "hello"}}),
        UnixMillis::now(),
    )
    .await;
    let answer = browser.get("/bugle/shop/getting-started/first-issue").await;
    assert_eq!(
        answer.text,
        r#"{"url":"/bugle/issues/SHOP-1/","title":"hello"}"#
    );
    let page = browser.get("/bugle/shop/getting-started/").await;
    page.assert_shows(&["It works.", "hello"]);
    assert!(!page.text.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn signing_in_and_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Member).await;
    let mut browser = Browser::new(&store);

    let page = browser.get("/bugle/shop/issues/?query=level%3Aerror").await;
    let login = "/bugle/login?next=%2Fbugle%2Fshop%2Fissues%2F%3Fquery%3Dlevel%253Aerror";
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, login)
    );
    browser.get(login).await.assert_shows(&["Sign in"]);

    let mut refusals = Vec::new();
    for email in ["ada@example.com", "nobody@example.com"] {
        let form = [("email", email), ("password", "wrong")];
        let page = browser.post("/bugle/login", &form).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        refusals.push(page.text.replace(email, ""));
    }
    assert_eq!(refusals[0], refusals[1]);

    let next = "/bugle/shop/issues/?query=level%3Aerror";
    let form = [
        ("email", "ADA@example.com "),
        ("password", "correct horse"),
        ("next", next),
    ];
    assert_eq!(browser.post("/bugle/login", &form).await.location(), next);
    assert_eq!(browser.get(next).await.status, StatusCode::OK);
    assert_eq!(
        browser.get("/bugle/").await.location(),
        "/bugle/shop/issues/"
    );
    assert_eq!(browser.get("/bugle/login").await.location(), "/bugle/");

    let session = browser.cookie.clone();
    let stale = browser
        .post("/bugle/logout", &[("form_token", "guess")])
        .await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN);
    let token = browser.form_token().await;
    let out = browser
        .post("/bugle/logout", &[("form_token", &token)])
        .await;
    assert_eq!(out.location(), "/bugle/login");
    browser.cookie = session;
    assert_eq!(
        browser.get("/bugle/projects/").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn signing_in_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Member).await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/bugle//evil.example",
        "/bugle/\\evil",
        "/elsewhere",
        "\t//evil",
    ] {
        let form = [
            ("email", "ada@example.com"),
            ("password", "correct horse"),
            ("next", next),
        ];
        let page = Browser::new(&store).post("/bugle/login", &form).await;
        assert_eq!(page.location(), "/bugle/", "{next}");
    }
}

#[tokio::test]
async fn guessing_gets_slow() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Member).await;
    let mut browser = Browser::new(&store);
    let form = [("email", "ada@example.com"), ("password", "wrong")];
    for _ in 0..5 {
        assert_eq!(
            browser.post("/bugle/login", &form).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let page = browser.post("/bugle/login", &form).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers[header::RETRY_AFTER], "1");
    page.assert_shows(&["Too many attempts. Try again in 1 s."]);
}

#[tokio::test]
async fn only_own_forms_of_members_change_anything() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    let shop = support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Member).await;
    support::add_user(&store, "default", "eve@example.com", Role::Viewer).await;
    let event = json!({"logentry": {"formatted": "hello"}});
    support::record(&store, shop, "a", &event, UnixMillis::now()).await;
    support::record(&store, shop, "b", &event, UnixMillis::now()).await;
    let status = async |number| {
        let issue = store.issue_by_short_id(shop, number).await.unwrap();
        issue.unwrap().status
    };

    let mut ada = Browser::signed_in(&store, "ada@example.com").await;
    let token = ada.form_token().await;
    let form = [("form_token", token.as_str()), ("status", "resolved")];
    let path = "/bugle/issues/SHOP-1/status";
    let page = ada.post_from_elsewhere(path, &form).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.assert_shows(&["Request refused", BASE]);
    let stale = ada
        .post(path, &[("form_token", "0"), ("status", "resolved")])
        .await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN);
    let unknown = ada
        .post(path, &[("form_token", &token), ("status", "gone")])
        .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    unknown.assert_shows(&["Request not understood"]);
    let half = ada.post(path, &[("form_token", &token)]).await;
    assert_eq!(half.status, StatusCode::UNPROCESSABLE_ENTITY);
    half.assert_shows(&["Request not understood"]);
    assert_eq!(status(1).await, IssueStatus::Unresolved);

    let mut eve = Browser::signed_in(&store, "eve@example.com").await;
    let eves_token = eve.form_token().await;
    let page = eve
        .post(path, &[("form_token", &eves_token), ("status", "resolved")])
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.assert_shows(&["Your role is viewer"]);
    let list = eve.get("/bugle/shop/issues/").await;
    assert!(!list.text.contains("checkbox") && !list.text.contains(">Resolve<"));
    assert!(
        !eve.get("/bugle/issues/SHOP-1/")
            .await
            .text
            .contains(">Resolve<")
    );
    assert_eq!(status(1).await, IssueStatus::Unresolved);

    assert_eq!(
        ada.post(path, &form).await.location(),
        "/bugle/issues/SHOP-1/"
    );
    assert_eq!(status(1).await, IssueStatus::Resolved);
    ada.get("/bugle/issues/shop-1")
        .await
        .assert_shows(&["resolved", "Reopen"]);

    let bulk = [
        ("form_token", token.as_str()),
        ("status", "archived"),
        ("issue", "1"),
        ("issue", "2"),
        ("back", "/bugle/shop/issues/?status=resolved"),
    ];
    let page = ada.post("/bugle/issues/status", &bulk).await;
    assert_eq!(page.location(), "/bugle/shop/issues/?status=resolved");
    assert_eq!(
        (status(1).await, status(2).await),
        (IssueStatus::Archived, IssueStatus::Archived)
    );
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    support::add_project(&store, "default", "Shop", 1).await;
    let secret = support::add_project(&store, "other", "Secret", 2).await;
    support::add_user(&store, "default", "ada@example.com", Role::Owner).await;
    let event = json!({"logentry": {"formatted": "hidden words"}});
    let (id, _) = support::record(&store, secret, "a", &event, UnixMillis::now()).await;
    let mut ada = Browser::signed_in(&store, "ada@example.com").await;
    let token = ada.form_token().await;
    for path in [
        "/bugle/secret/".to_owned(),
        "/bugle/secret/issues/".to_owned(),
        format!("/bugle/{secret}/settings/"),
        "/bugle/issues/SECRET-1/".to_owned(),
        "/bugle/issues/1/".to_owned(),
        "/bugle/issues/1/events/".to_owned(),
        format!("/bugle/issues/1/events/{id}/"),
        format!("/bugle/issues/1/events/{id}/json"),
        "/bugle/issues/x/".to_owned(),
        "/bugle/issues/SHOP-99999999999999999999/".to_owned(),
        "/bugle/no/such/page".to_owned(),
    ] {
        let page = ada.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.assert_shows(&["Not found"]);
        assert!(!page.text.contains("hidden words"));
    }
    let form = [
        ("form_token", token.as_str()),
        ("status", "resolved"),
        ("issue", "1"),
    ];
    for path in ["/bugle/issues/1/status", "/bugle/issues/status"] {
        assert_eq!(ada.post(path, &form).await.status, StatusCode::NOT_FOUND);
    }
    assert!(
        !ada.get("/bugle/?status=unresolved")
            .await
            .text
            .contains("hidden words")
    );
}

#[tokio::test]
async fn every_answer_is_guarded_and_only_files_are_cached() {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    let mut browser = Browser::new(&store);
    let login = browser.get("/bugle/login").await;
    let (_, rest) = login.text.split_once("href=\"/bugle/static/").unwrap();
    let version = rest.split('/').next().unwrap();
    for (path, caching) in [
        ("/bugle/login".to_owned(), "no-store"),
        ("/bugle/projects/".to_owned(), "no-store"),
        ("/bugle/setup/x".to_owned(), "no-store"),
        (
            format!("/bugle/static/{version}/bugle.css"),
            "public, max-age=31536000, immutable",
        ),
        ("/bugle/static/old/bugle.js".to_owned(), "no-cache"),
        ("/bugle/static/old/nothing".to_owned(), "no-store"),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.headers[header::CACHE_CONTROL], caching, "{path}");
        assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(page.headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(page.headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(
            page.headers[header::CONTENT_SECURITY_POLICY],
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
    }
    assert_eq!(
        browser.post("/bugle/projects/", &[]).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    store.close().await;
    let broken = browser
        .post("/bugle/login", &[("email", "a"), ("password", "b")])
        .await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    broken.assert_shows(&["Something broke on our side", "Id: "]);
}
