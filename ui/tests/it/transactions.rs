//! The pages of transactions.

use axum::http::StatusCode;
use bugle_protocol::UnixMillis;
use serde_json::json;

use crate::support;
use crate::world::world;

const PATH: &str = "/bugle/shop/transactions/";

#[tokio::test]
async fn transactions_are_listed_and_shown_with_their_spans() {
    let mut world = world().await;
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["No transaction is stored"]);
    let event = json!({"type": "transaction", "transaction": "GET /<b>", "start_timestamp": 100.0, "timestamp": 100.12,
        "tags": [["kind", "<i>"]], "user": {"email": "bob@example.com"},
        "request": {"url": "https://shop.example/<u>"},
        "contexts": {"trace": {"trace_id": "0123456789abcdef0123456789abcdef", "span_id": "0123456789abcdef",
            "op": "http.server", "status": "ok"}},
        "spans": [{"op": "db", "description": "SELECT <s> [email]", "start_timestamp": 100.05, "timestamp": 100.1}],
        "_meta": {"spans": {"0": {"description": {"": {"rem": [["@email", "s", 11, 18]]}}}}},
        "_bugle": {"rules": [{"topic": "sampling", "rule": "x", "text": "has:<x> -> sample 0.1", "rate": 0.1}]}});
    let now = UnixMillis::now();
    let id = support::record_transaction(&world.store, world.shop, &event, 0.1, now).await;
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["GET /<b> http.server ok, stands for about 10", "120 ms"]);
    assert!(!page.text.contains("/<b>"), "it is escaped");
    let path = format!("{PATH}{id}/");
    assert!(page.text.contains(&path));
    let page = world.browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "GET /<b>",
        "took 120 ms",
        "rate of rules 0.1",
        "SELECT <s> [email]",
        "50 ms 50 ms",
        "bob@example.com",
        "https://shop.example/<u>",
        "has:<x> -> sample 0.1",
        "Trace",
    ]);
    for tag in ["<i>", "<s>", "<u>", "has:<x>"] {
        assert!(!page.text.contains(tag), "{tag} is escaped");
    }
    let json = world.browser.get(&format!("{path}json")).await;
    assert!(json.text.contains("\"trace_id\": \"0123456789abcdef"));
    for missing in ["nonsense", "00000000000000000000000000000001"] {
        let page = world.browser.get(&format!("{PATH}{missing}/")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    }
}
