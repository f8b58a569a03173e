//! Inbound filters: listed and switched.

use bugle_protocol::RuleTopic;
use bugle_store::{NewRuleVersion, RuleOwner, Scope};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Tenant};

const FILTERS: &str = "/api/0/projects/acme/shop/filters/";

fn owner(tenant: &Tenant) -> RuleOwner {
    RuleOwner::Project(tenant.organization, tenant.project.id)
}

async fn active(fixture: &Fixture, tenant: &Tenant, id: &str) -> Value {
    let path = format!("{FILTERS}{id}/");
    fixture.get(&tenant.token, &path).await.json["active"].clone()
}

#[tokio::test]
async fn filters_are_listed_and_switched() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let listed = fixture.get(&tenant.token, FILTERS).await;
    assert_eq!(listed.status, 200);
    assert_eq!(
        listed.json,
        json!([
            {"id": "browser-extensions", "active": false},
            {"id": "chunk-load-error", "active": true},
            {"id": "filtered-transaction", "active": true},
            {"id": "legacy-browsers", "active": false},
            {"id": "localhost", "active": false},
            {"id": "react-hydration-errors", "active": true},
            {"id": "web-crawlers", "active": false},
        ])
    );
    for (id, body, expected) in [
        ("web-crawlers", r#"{"active":true}"#, json!(true)),
        ("web-crawlers", r#"{"active":true}"#, json!(true)),
        (
            "filtered-transaction",
            r#"{"active":false,"x":1}"#,
            json!(false),
        ),
        (
            "legacy-browser",
            r#"{"subfilters":["opera_mini","ie_pre_9"]}"#,
            json!(["opera_mini", "ie_pre_9"]),
        ),
        ("legacy-browsers", r#"{"active":false}"#, json!(false)),
        (
            "legacy-browsers",
            r#"{"active":true}"#,
            json!([
                "ie",
                "edge",
                "safari",
                "firefox",
                "chrome",
                "opera",
                "android",
                "opera_mini"
            ]),
        ),
    ] {
        let path = format!("{FILTERS}{id}/");
        let changed = fixture.put(&tenant.token, &path, body).await;
        assert_eq!(changed.status, 204, "{id} {body}");
        assert_eq!(active(&fixture, &tenant, id).await, expected, "{id} {body}");
    }
    // What changes nothing makes no version.
    let store = &fixture.store;
    let versions = store.rule_versions(owner(&tenant), RuleTopic::Filters, None, 100);
    let versions = versions.await.unwrap();
    assert_eq!(versions.len(), 5);
    assert_eq!(versions[0].comment, "web API: legacy-browsers");
    assert_eq!(versions[0].author, None);
}

#[tokio::test]
async fn the_rest_of_a_document_stays() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let save = |document: &str, based_on| NewRuleVersion {
        owner: owner(&tenant),
        topic: RuleTopic::Filters,
        document: document.to_owned(),
        comment: String::new(),
        author: None,
        based_on,
    };
    let document = r#"{"rules":"logger:x -> drop","addresses":["10.0.0.0/8"],"localhost":true}"#;
    let store = &fixture.store;
    store
        .save_rules(&save(document, None), fixture.now)
        .await
        .unwrap();
    let path = format!("{FILTERS}web-crawlers");
    let changed = fixture
        .put(&tenant.token, &path, r#"{"active":true}"#)
        .await;
    assert_eq!(changed.status, 204);
    let version = store
        .current_rules(owner(&tenant), RuleTopic::Filters)
        .await;
    let version = version.unwrap().unwrap();
    let saved: Value = serde_json::from_str(&version.document).unwrap();
    assert_eq!(saved["rules"], "logger:x -> drop");
    assert_eq!(saved["addresses"], json!(["10.0.0.0/8"]));
    assert_eq!(
        (&saved["localhost"], &saved["webCrawlers"]),
        (&json!(true), &json!(true))
    );
    // What cannot be read is not overwritten.
    let broken = save("{\"rules\":7}", Some(version.id));
    store.save_rules(&broken, fixture.now).await.unwrap();
    let refused = fixture
        .put(&tenant.token, &path, r#"{"active":false}"#)
        .await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let fixture = Fixture::new().await;
    let tenant = fixture.tenant("acme", 1).await;
    let other = fixture.tenant("rival", 2).await;
    for (id, body, status) in [
        ("web-crawlers", "", 400),
        ("web-crawlers", "[]", 400),
        ("web-crawlers", "{}", 400),
        ("web-crawlers", r#"{"active":"yes"}"#, 400),
        ("web-crawlers", r#"{"subfilters":["ie"]}"#, 400),
        ("legacy-browsers", "{}", 400),
        ("legacy-browsers", r#"{"subfilters":"ie"}"#, 400),
        ("legacy-browsers", r#"{"subfilters":["netscape"]}"#, 400),
        ("nothing", r#"{"active":true}"#, 404),
    ] {
        let path = format!("{FILTERS}{id}/");
        let refused = fixture.put(&tenant.token, &path, body).await;
        assert_eq!(refused.status, status, "{id} {body}");
        assert!(refused.json["detail"].is_string(), "{id} {body}");
    }
    assert_eq!(
        fixture
            .get(&tenant.token, &format!("{FILTERS}nothing/"))
            .await
            .status,
        404
    );
    assert_eq!(fixture.get(&other.token, FILTERS).await.status, 404);
    let reader = fixture
        .token(tenant.organization, &[Scope::ProjectRead], 9)
        .await;
    let path = format!("{FILTERS}web-crawlers/");
    let refused = fixture.put(&reader, &path, r#"{"active":true}"#).await;
    assert_eq!(refused.status, 403);
    assert_eq!(fixture.get(&reader, &path).await.json["active"], false);
    let versions = fixture
        .store
        .rule_versions(owner(&tenant), RuleTopic::Filters, None, 1);
    assert_eq!(versions.await.unwrap(), []);
}
