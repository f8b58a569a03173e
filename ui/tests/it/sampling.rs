//! The page of sampling rules.

use axum::http::StatusCode;
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_rules::SamplingDocument;
use bugle_store::RuleOwner;
use serde_json::json;

use crate::support;
use crate::world::{World, world};

const PATH: &str = "/bugle/shop/settings/sampling/";

async fn saved(world: &World) -> Option<SamplingDocument> {
    let project = world.store.project(world.shop).await.unwrap().unwrap();
    let owner = RuleOwner::Project(project.organization_id, project.id);
    let version = world.store.current_rules(owner, RuleTopic::Sampling).await;
    Some(serde_json::from_str(&version.unwrap()?.document).unwrap())
}

async fn record_transactions(world: &World) {
    for (number, name) in ["/api/x", "/api/x", "/health/", "/admin/<b>"]
        .into_iter()
        .enumerate()
    {
        let mut event = json!({"type": "transaction", "transaction": name, "start_timestamp": 1, "timestamp": 2,
            "contexts": {"trace": {"trace_id": format!("{number:032x}"), "span_id": "0123456789abcdef"}}});
        if name == "/admin/<b>" {
            event["_bugle"] =
                json!({"rules": [{"topic": "sampling", "rule": "x", "text": "x", "rate": 0.25}]});
        }
        let now = UnixMillis::now();
        support::record_transaction(&world.store, world.shop, &event, 1.0, now).await;
    }
}

#[tokio::test]
async fn rules_are_tried_on_what_was_received() {
    let mut world = world().await;
    record_transactions(&world).await;
    let token = world.browser.form_token().await;
    let rules = "transaction:/health/* -> sample 0\ntransaction:/admin/* -> sample 0.5\ntransaction:/admin/<b> -> sample 1";
    let mut form = vec![
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", rules),
        ("action", "preview"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    // Two of /api/, none of /health/, and half of the four that one of /admin/ stands for: 4 of 7.
    page.assert_shows(&[
        "About 57 % of the transactions that come in would be stored; with the present rules it is about 100 %",
        "1 transaction:/health/* -> sample 0",
        "rate 0 holds for 1 25 % decides 1 would keep 0",
        "rate 0.5 holds for 1 25 % decides 1",
        "Decided none of these: line 2 did before.",
        "No rule stored as it is rate 1 keeps 2",
        "about 7 together",
        "/admin/<b>",
        "Tried on 0 events and 4 transactions",
    ]);
    assert_eq!(saved(&world).await, None);
    form[3].1 = "save";
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(saved(&world).await.unwrap().rules, rules);
}

#[tokio::test]
async fn a_preset_goes_where_it_can_decide() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("rules", "transaction:/api/* -> sample 0.5"),
        ("action", "add:keep-slow"),
    ];
    let page = world.browser.post(PATH, &form).await;
    page.assert_shows(&["in your rules", "Not saved yet"]);
    let text = page.text.split("name=\"rules\"").nth(1).unwrap();
    let slow = text.find("transaction.duration:&gt;2s").unwrap();
    assert!(slow < text.find("/api/*").unwrap());
}

#[tokio::test]
async fn a_line_that_cannot_decide_is_pointed_out() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        (
            "rules",
            "has:transaction -> sample 0.1\ntransaction:/api/* -> sample 1",
        ),
        ("action", "preview"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "Line 2: This line never decides: line 1 does before",
        "No transaction is stored yet",
    ]);
}

#[tokio::test]
async fn a_line_about_errors_that_samples_none_is_told() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", "level:error -> sample 0.1"),
        ("action", "save"),
    ];
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "Line 1: This line is about transactions alone, although level is about errors",
    ]);
}

#[tokio::test]
async fn a_rate_that_is_none_is_refused() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", "transaction:/api/* -> sample 2"),
        ("action", "save"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["Line 1: ", "transaction:/api/* -> sample 2"]);
    assert_eq!(saved(&world).await, None);
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_and_kept() {
    let mut world = world().await;
    record_transactions(&world).await;
    let token = world.browser.form_token().await;
    let mut rules: String = (0..1200)
        .map(|line| format!("transaction:/{line}/* -> sample 0.5\n"))
        .collect();
    rules.push_str("transaction:/health/* -> sample 0\n");
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", rules.as_str()),
        ("action", "preview"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["Line 1001", "transaction:/1199/* -> sample 0.5"]);
}
