//! Serves the pages over sample events, everybody signed in, to look at the design: `preview EVENTS.jsonl [PORT]`.
//!
//! Each line of the file is a normalised event or transaction.

#![expect(
    clippy::unwrap_used,
    reason = "a developer's tool stops at the first fault"
)]

#[path = "../tests/it/support.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_store::{Role, SessionToken};
use bugle_ui::{Ui, router};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().expect("a file of events");
    let port = arguments.next().unwrap_or_else(|| "9100".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let store = support::open(folder.path()).await;
    let shop = support::add_project(&store, "default", "Shop", 1).await;
    support::add_project(&store, "default", "Billing service", 2).await;
    support::add_user(&store, "default", "ada@example.com", Role::Owner).await;
    let token = SessionToken::from_random([7; 32]);
    let now = UnixMillis::now();
    let user = store.credentials("ada@example.com").await.expect("a store");
    let user = user.expect("an account").0;
    store
        .create_session(&token, user, now)
        .await
        .expect("a session");
    let text = std::fs::read_to_string(events).expect("a readable file");
    for (line, event) in text.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
        for repeat in 0..(line * 7 % 11 + 1) {
            let minutes = u64::try_from(line * 3 + repeat * (repeat + line % 3) * 17).unwrap_or(0);
            let at = now.before(Duration::from_secs(minutes * 60));
            if event["type"] == "transaction" {
                support::record_transaction(&store, shop, &event, 1.0, at).await;
            } else {
                support::record(&store, shop, &format!("{line}"), &event, at).await;
            }
        }
    }
    for day in 0..14 {
        let at = now.before(Duration::from_secs(day * 86_400));
        let hits = (day * 7 + 3) % 11;
        for rule in ["filtered-transaction", "web-crawlers", "6e5a9c2f00b4d711"] {
            support::record_hits(&store, shop, RuleTopic::Filters, rule, hits, at).await;
        }
    }
    let cookie = HeaderValue::try_from(format!("bugle_session={}", token.as_str()));
    let cookie = cookie.expect("an ASCII token");
    let sign_in = from_fn(move |mut request: Request, next: Next| {
        let cookie = cookie.clone();
        async move {
            if !request.uri().path().starts_with("/login") {
                request.headers_mut().insert(header::COOKIE, cookie);
            }
            next.run(request).await
        }
    });
    let base_url = format!("http://127.0.0.1:{port}");
    let app = router(Arc::new(Ui::new(store, &base_url))).layer(sign_in);
    let address = format!("127.0.0.1:{port}");
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .expect("a port");
    println!("{base_url}");
    axum::serve(listener, app).await.expect("a server");
}
