//! Client keys: made, named, limited, switched off.

use bugle_store::Scope;

use crate::fixture::Fixture;

const KEYS: &str = "/api/0/projects/acme/shop/keys/";

#[tokio::test]
async fn a_key_is_made_changed_and_switched_off() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let token = &tenant.token;
    let body = r#"{"name":"Web","rateLimit":{"window":60,"count":100}}"#;
    let made = fixture.call("POST", token, KEYS, body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json["name"], "Web");
    assert_eq!(made.json["isActive"], true);
    let limit = serde_json::json!({"window": 60, "count": 100});
    assert_eq!(made.json["rateLimit"], limit);
    let public = made.json["public"].as_str().unwrap();
    assert_eq!(made.json["id"], public);
    assert!(
        made.json["dsn"]["public"]
            .as_str()
            .unwrap()
            .contains(public)
    );

    let path = format!("{KEYS}{public}/");
    assert_eq!(fixture.get(token, &path).await.json, made.json);
    for (body, name, is_active, limit) in [
        (r#"{"name":"Shop"}"#, "Shop", true, limit),
        (
            r#"{"isActive":false,"rateLimit":{"count":5,"window":3600}}"#,
            "Shop",
            false,
            serde_json::json!({"window": 3600, "count": 5}),
        ),
        (
            r#"{"rateLimit":null}"#,
            "Shop",
            false,
            serde_json::Value::Null,
        ),
        (
            r#"{"isActive":true}"#,
            "Shop",
            true,
            serde_json::Value::Null,
        ),
    ] {
        let changed = fixture.put(token, &path, body).await;
        assert_eq!(changed.status, 200, "{body}");
        assert_eq!(changed.json["name"], name, "{body}");
        assert_eq!(changed.json["isActive"], is_active, "{body}");
        assert_eq!(changed.json["rateLimit"], limit, "{body}");
        assert_eq!(fixture.get(token, &path).await.json, changed.json);
    }
    let removed = fixture.call("DELETE", token, &path, "").await;
    assert_eq!(removed.status, 204);
    for (status, names) in [
        ("", &["Default", "Shop"][..]),
        ("?status=active", &["Default"]),
        ("?status=inactive", &["Shop"]),
    ] {
        let listed = fixture.get(token, &format!("{KEYS}{status}")).await;
        assert_eq!(listed.column("name"), names, "{status}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("rival", 2).await;
    let path = format!("{KEYS}{}/", "01".repeat(16));
    let before = fixture.get(&tenant.token, &path).await;
    let body = r#"{"name":"New","rateLimit":{"window":90,"count":1}}"#;
    let refused = fixture.put(&tenant.token, &path, body).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json["detail"],
        "invalid rateLimit: a window of 90 s is not whole minutes"
    );
    let refused = fixture.call("POST", &tenant.token, KEYS, body).await;
    assert_eq!(refused.status, 400);
    let listed = fixture.get(&tenant.token, KEYS).await;
    assert_eq!(listed.json, serde_json::json!([before.json]));

    // Nobody sees, or changes, a key of somebody else's.
    let foreign = format!("/api/0/projects/rival/shop/keys/{}/", "01".repeat(16));
    for method in ["GET", "PUT", "DELETE"] {
        let answer = fixture.call(method, &other.token, &foreign, "{}").await;
        assert_eq!(answer.status, 404, "{method}");
    }
    let reader = [Scope::ProjectRead];
    let reader = fixture.token(tenant.organization, &reader, 9).await;
    for (method, path) in [("POST", KEYS), ("PUT", path.as_str()), ("DELETE", &path)] {
        let answer = fixture.call(method, &reader, path, "{}").await;
        assert_eq!(answer.status, 403, "{method}");
    }
}
