//! What the pages show of each kind of event.

use std::time::Duration;

use crate::browser::{Browser, Page};
use crate::support;
use axum::http::{StatusCode, header};
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{IssueStatus, Role, Store};
use serde_json::{Value, json};

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    shop: ProjectId,
    browser: Browser,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = support::open(folder.path()).await;
    let shop = support::add_project(&store, "default", "Shop", 1).await;
    support::add_user(&store, "default", "ada@example.com", Role::Member).await;
    let browser = Browser::signed_in(&store, "ada@example.com").await;
    World {
        _folder: folder,
        store,
        shop,
        browser,
    }
}

/// The page of an issue with one event.
async fn page_of(event: Value) -> Page {
    let mut world = world().await;
    support::record(&world.store, world.shop, "a", &event, UnixMillis::now()).await;
    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.words());
    page
}

/// Fails unless the words stand on the page in this order.
fn assert_order(page: &Page, wanted: &[&str]) {
    let words = page.words();
    let mut from = 0;
    for wanted in wanted {
        let at = words[from..].find(wanted);
        from += at.unwrap_or_else(|| panic!("no '{wanted}' behind the others in:\n{words}"));
    }
}

#[tokio::test]
async fn the_list_says_what_is_worth_looking_at() {
    let mut world = world().await;
    let empty = world.browser.get("/bugle/shop/issues/").await;
    empty.assert_shows(&["Waiting for the first event", "Show me how"]);
    let now = UnixMillis::now();
    let crash = json!({"exception": {"values": [{"type": "KeyError", "value": "'x'", "mechanism": {"type": "django", "handled": false}}]},
        "level": "fatal", "transaction": "shop.views.pay", "user": {"id": "1"}});
    support::record(
        &world.store,
        world.shop,
        "a",
        &crash,
        now.before(Duration::from_secs(7200)),
    )
    .await;
    support::record(&world.store, world.shop, "a", &crash, now).await;
    let hello = json!({"logentry": {"formatted": "hello"}, "level": "info"});
    support::record(
        &world.store,
        world.shop,
        "b",
        &hello,
        now.before(Duration::from_secs(60)),
    )
    .await;
    let page = world.browser.get("/bugle/shop/issues/").await;
    page.assert_shows(&[
        "Unresolved 2",
        "Resolved 0",
        "2 events",
        "1 user",
        "2 events in 24 hours",
    ]);
    assert_order(
        &page,
        &[
            "KeyError: 'x'",
            "fatal new unhandled SHOP-1 shop.views.pay",
            "hello",
            "info new SHOP-2",
        ],
    );

    let issue = world
        .store
        .issue_by_short_id(world.shop, 1)
        .await
        .unwrap()
        .unwrap();
    world
        .store
        .set_issue_status(issue.id, IssueStatus::Resolved, now)
        .await
        .unwrap();
    let resolved = world
        .browser
        .get("/bugle/shop/issues/?status=resolved")
        .await;
    resolved.assert_shows(&["Unresolved 1", "Resolved 1", "KeyError: 'x'"]);
    support::record(&world.store, world.shop, "a", &crash, now).await;
    let page = world.browser.get("/bugle/shop/issues/").await;
    page.assert_shows(&["fatal regressed unhandled SHOP-1"]);
}

#[tokio::test]
async fn searches_find_or_say_what_is_wrong() {
    let mut world = world().await;
    for (group, text) in [("a", "first"), ("b", "second")] {
        let event = json!({"logentry": {"formatted": text}});
        support::record(&world.store, world.shop, group, &event, UnixMillis::now()).await;
    }
    let page = world
        .browser
        .get("/bugle/shop/issues/?query=title%3Asec*")
        .await;
    page.assert_shows(&["second"]);
    assert!(!page.words().contains("first SHOP"));
    let none = world.browser.get("/bugle/shop/issues/?query=nothing").await;
    none.assert_shows(&["No issue matches", "Clear the search"]);
    let wrong = world
        .browser
        .get("/bugle/shop/issues/?query=color%3Ared")
        .await;
    wrong.assert_shows(&["color:red ^^^^^"]);
    assert!(wrong.text.contains("value=\"color:red\""));
    assert_eq!(wrong.status, StatusCode::OK);
    for odd in ["?cursor=x", "?status=x", "?cursor=1:2:0&query=%00%F0%9F"] {
        let page = world
            .browser
            .get(&format!("/bugle/shop/issues/{odd}"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{odd}");
    }
}

#[tokio::test]
async fn long_lists_have_pages() {
    let mut world = world().await;
    let now = UnixMillis::now();
    for i in 0..60_u64 {
        let event = json!({"logentry": {"formatted": format!("issue {i}.")}});
        let at = now.before(Duration::from_secs(i));
        support::record(&world.store, world.shop, &format!("{i}"), &event, at).await;
    }
    let first = world.browser.get("/bugle/shop/issues/").await;
    first.assert_shows(&["issue 49.", "Older"]);
    assert!(!first.words().contains("issue 50.") && !first.words().contains("Newer"));
    let (_, rest) = first.text.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = world.browser.get(&next).await;
    second.assert_shows(&["issue 50.", "issue 59.", "Newer"]);
    assert!(!second.words().contains("Older"));
}

#[tokio::test]
async fn a_chain_is_shown_with_source_and_locals() {
    let page = page_of(json!({
        "platform": "python", "release": "shop@1", "environment": "production",
        "exception": {"values": [
            {"type": "TimeoutError", "value": "slow"},
            {"type": "PaymentError", "module": "shop.errors", "value": "card declined",
             "mechanism": {"type": "django", "handled": false},
             "stacktrace": {"frames": [
                {"module": "gunicorn.app", "function": "run", "in_app": false},
                {"module": "django.core", "function": "call", "in_app": false},
                {"filename": "shop/views.py", "function": "pay", "lineno": 7, "in_app": true,
                 "pre_context": ["def pay():"], "context_line": "    charge(card)", "post_context": ["    return ok"],
                 "vars": {"card": "[Filtered]", "amount": 4999, "items": ["'mug'"], "nothing": null}}]}}]},
        "_meta": {"exception": {"values": {"1": {"stacktrace": {"frames": {"2": {"vars": {"card": {"": {"rem": [["@password:filter", "s", 0, 10]]}}}}}}}}}}
    }))
    .await;
    assert_order(
        &page,
        &[
            "shop.errors.PaymentError",
            "card declined",
            "mechanism django unhandled",
            "shop/views.py:7 in pay",
            "def pay(): charge(card) return ok",
            "4 local variables",
            "amount 4999",
            "2 frames from django, gunicorn",
            "caused by",
            "TimeoutError",
            "slow",
        ],
    );
    assert!(page.text.contains(
        "<mark title=\"Replaced by the built-in rule for passwords and secrets\">[Filtered]</mark>"
    ));
    assert!(page.text.contains("class=\"line hit\" data-n=\"7\""));
    page.assert_shows(&["1 value cut, removed or replaced", "shop@1", "production"]);
}

#[tokio::test]
async fn a_group_is_shown_as_a_tree() {
    let member = |ty: &str, id: i64, parent: Option<i64>| {
        json!({"type": ty, "value": ty, "mechanism": {"type": "chained", "exception_id": id, "parent_id": parent,
            "source": format!("exceptions[{id}]"), "is_exception_group": parent.is_none()}})
    };
    let page = page_of(json!({"exception": {"values": [member("KeyError", 2, Some(0)), member("ValueError", 1, Some(0)), member("ExceptionGroup", 0, None)]}})).await;
    assert_order(
        &page,
        &[
            "ExceptionGroup group",
            "exceptions[1]",
            "ValueError",
            "exceptions[2]",
            "KeyError",
        ],
    );
    assert!(page.text.contains("exception depth-1"));
}

#[tokio::test]
async fn a_message_is_shown_with_its_parameters() {
    let page = page_of(json!({"logentry": {"message": "row %s rejected", "formatted": "row 17 rejected", "params": [17]},
        "threads": {"values": [{"id": 1, "name": "worker"}, {"id": 7, "name": "main", "current": true, "crashed": true, "stacktrace": {"frames": [{"filename": "run.py", "function": "loop", "lineno": 3}]}}]}})).await;
    assert_order(
        &page,
        &[
            "Message",
            "row 17 rejected",
            "Template and 1 parameter",
            "row %s rejected",
            "Threads 2",
            "main 7 crashed current",
            "run.py",
            "worker 1",
        ],
    );
}

#[tokio::test]
async fn minified_javascript_is_shown_without_source() {
    let page = page_of(json!({"platform": "javascript", "exception": {"values": [{"type": "TypeError", "value": "x is undefined",
        "stacktrace": {"frames": [{"filename": "https://x/app.min.js", "function": "t", "lineno": 1, "colno": 48213}]}}]},
        "request": {"url": "https://x/cart", "headers": [["User-Agent", "Safari"]]}}))
    .await;
    page.assert_shows(&[
        "https://x/app.min.js:1:48213 in t",
        "without source lines",
        "Safari",
    ]);
}

#[tokio::test]
async fn everything_else_of_an_event_is_shown() {
    let page = page_of(json!({
        "logentry": {"formatted": "hello"},
        "breadcrumbs": {"values": [{"timestamp": 1_795_163_904.5, "category": "query", "level": "warning", "message": "SELECT 1", "data": {"rows": 3}}]},
        "request": {"method": "POST", "url": "https://shop.example/pay", "query_string": [["a", "it's"]], "headers": [["Accept", "*/*"]],
            "cookies": [["lang", "en"]], "data": {"name": "Ada"}},
        "user": {"id": "4711", "email": "ada@example.com"},
        "tags": [["server_name", "web-3"]],
        "contexts": {"runtime": {"type": "runtime", "name": "CPython"}, "os": {"name": "Linux"}},
        "extra": {"cart": [1, 2]},
        "modules": {"django": "5.2"},
        "sdk": {"name": "sentry.python", "version": "2.0", "integrations": ["django"]},
        "errors": [{"type": "invalid_data", "name": "release", "value": 5, "reason": "expected a text"}]
    }))
    .await;
    page.assert_shows(&[
        "08:38:24.500",
        "SELECT 1",
        "rows 3",
        "a it's",
        "Accept */*",
        "lang en",
        "\"name\": \"Ada\"",
        "id 4711",
        "server_name web-3",
        "Runtime",
        "name CPython",
        "Operating system",
        "cart [ 1, 2 ]",
        "1 package",
        "django 5.2",
        "sentry.python 2.0",
        "Invalid data release",
        "reason expected a text",
        "curl --globoff --request 'POST' 'https://shop.example/pay?a=it%27s'",
        "--data-raw '{\"name\":\"Ada\"}'",
    ]);
    assert!(!page.words().contains("type runtime"));
}

#[tokio::test]
async fn events_lead_to_each_other() {
    let mut world = world().await;
    let now = UnixMillis::now();
    let mut ids = Vec::new();
    for (i, text) in ["one", "two", "three"].iter().enumerate() {
        let at = now.before(Duration::from_secs(60 * (3 - i as u64)));
        let event = json!({"logentry": {"formatted": text}, "tags": [["n", text]]});
        ids.push(
            support::record(&world.store, world.shop, "a", &event, at)
                .await
                .0,
        );
    }
    let events = "/bugle/issues/SHOP-1/events";
    let page = world.browser.get(&format!("{events}/{}/", ids[1])).await;
    for id in [&ids[0], &ids[2]] {
        let link = format!("href=\"{events}/{id}/\"");
        assert!(page.text.contains(&link), "{link}");
    }
    world
        .browser
        .get(&format!("{events}/oldest/"))
        .await
        .assert_shows(&["one"]);
    world
        .browser
        .get(&format!("{events}/latest"))
        .await
        .assert_shows(&["three"]);
    let list = world.browser.get(&format!("{events}/")).await;
    assert_order(&list, &["three", "n three", "two", "n two", "one", "n one"]);
    let json = world
        .browser
        .get(&format!("{events}/{}/json", ids[0]))
        .await;
    let name = format!("inline; filename=\"SHOP-1-{}.json\"", ids[0]);
    assert_eq!(json.headers[header::CONTENT_DISPOSITION], name);
    assert!(
        json.text.starts_with("{\n  \"logentry\": {\n"),
        "{}",
        json.text
    );
    let other = world
        .browser
        .get(&format!("{events}/{}/", "f".repeat(32)))
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn projects_and_their_settings_are_listed() {
    let mut world = world().await;
    support::add_project(&world.store, "default", "Projects", 2).await;
    let event = json!({"logentry": {"formatted": "hello"}});
    support::record(&world.store, world.shop, "a", &event, UnixMillis::now()).await;
    let page = world.browser.get("/bugle/projects/").await;
    page.assert_shows(&[
        "Shop shop first event",
        "1 unresolved",
        "1 error",
        "waiting for the first event",
    ]);
    // A slug that is also a page's name must not hide that page.
    assert!(page.text.contains("href=\"/bugle/2/issues/\""));
    let all = world.browser.get("/bugle/").await;
    all.assert_shows(&["All projects", "hello"]);
    let settings = world.browser.get("/bugle/shop/settings").await;
    settings.assert_shows(&[
        "Settings of Shop",
        "errors.example/bugle/1",
        "Received 1 Accepted 1 Not accepted 0",
        "No limit bounds what may be sent",
    ]);
}

#[tokio::test]
async fn hostile_texts_stay_texts() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`&lt;{{ 7*7 }}{% raw %}";
    let link = "javascript:alert(1)";
    let thing = json!({"k": evil, evil: evil, "list": [evil, {evil: evil}], "url": link});
    let frame = json!({"filename": evil, "abs_path": evil, "function": evil, "module": evil, "package": evil, "lineno": 1, "colno": 1,
        "pre_context": [evil], "context_line": evil, "post_context": [evil], "vars": thing, "in_app": true});
    let foreign = json!({"filename": evil, "module": evil, "function": "f", "in_app": false});
    let stack = json!({"frames": [foreign, {"module": evil, "in_app": false}, frame]});
    let page = page_of(json!({
        "platform": evil, "environment": evil, "release": evil, "transaction": evil, "level": evil,
        "logentry": {"message": evil, "formatted": format!("{evil}!"), "params": [evil, {evil: evil}]},
        "exception": {"values": [{"type": evil, "value": evil, "module": evil, "stacktrace": stack,
            "mechanism": {"type": evil, "source": evil, "handled": false, "exception_id": 0, "is_exception_group": true, "data": thing, "meta": thing}},
            {"type": evil, "value": evil, "mechanism": {"type": evil, "source": evil, "exception_id": 1, "parent_id": 0}}]},
        "stacktrace": stack,
        "threads": {"values": [{"id": evil, "name": evil, "state": evil, "stacktrace": stack}]},
        "breadcrumbs": {"values": [{"timestamp": evil, "type": evil, "category": evil, "level": evil, "message": evil, "data": thing}]},
        "request": {"method": evil, "url": format!("https://x/{evil}"), "query_string": [[evil, evil]], "headers": [[evil, evil]],
            "cookies": [[evil, evil]], "env": thing, "data": thing},
        "user": {"id": evil, "email": evil, evil: evil},
        "tags": [[evil, evil]],
        "contexts": {evil: {evil: evil}, "trace": {"trace_id": evil}},
        "extra": thing, "modules": {evil: evil},
        "sdk": {"name": evil, "version": evil, "integrations": [evil]},
        "errors": [{"type": evil, "name": evil, "value": evil}],
        "_meta": {"user": {"id": {"": {"rem": [[evil, "s", 0, 8]], "err": [[evil, {"reason": evil}]], "val": evil}}}, evil: {"": {"len": 3}}}
    }))
    .await;
    for mark in [
        "<script>alert",
        "<img src=x",
        "onerror=alert(1)>\"",
        "href=\"javascript",
        "49}",
        "href=\"https://x/<",
    ] {
        assert!(!page.text.contains(mark), "{mark}");
    }
    assert!(page.text.matches("&lt;script&gt;").count() > 60);
    assert!(page.text.contains("{{ 7*7 }}"));
}

#[tokio::test]
async fn strange_shapes_are_no_errors() {
    for body in [
        json!({}),
        json!({"exception": 5, "threads": [], "breadcrumbs": "x", "request": [1], "user": "x", "tags": {"a": 1}, "contexts": [], "extra": 1, "sdk": 1, "errors": {}, "_meta": 5, "logentry": "x", "modules": [], "stacktrace": {"frames": [null, 1, {}]}}),
        json!({"exception": [{"type": null, "value": {"a": 1}, "stacktrace": {"frames": [{}]}}, null, 1], "logentry": {"message": null}, "request": {"url": 5, "headers": {"a": "b"}, "query_string": "a=b", "data": null}, "tags": [["a"], [null, "x"], 5]}),
    ] {
        page_of(body).await;
    }
}

#[tokio::test]
async fn every_captured_event_has_a_page() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/suites/processor/captured.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no captured events at {path}");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut world = world().await;
    for (i, case) in cases.iter().enumerate() {
        let event = &case["expected_output"];
        let group = format!("captured {i}");
        support::record(&world.store, world.shop, &group, event, UnixMillis::now()).await;
        let path = format!("/bugle/issues/SHOP-{}/", i + 1);
        let page = world.browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", case["id"]);
        assert!(page.text.contains("class=\"columns\""), "{}", case["id"]);
    }
}
