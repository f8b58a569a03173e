//! The page of filters.

use axum::http::StatusCode;
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_rules::FiltersDocument;
use bugle_rules::filter::LegacyBrowser;
use bugle_store::{Role, RuleOwner};
use serde_json::json;

use crate::support;
use crate::world::{World, world};

const PATH: &str = "/bugle/shop/settings/filters/";

async fn saved(world: &World) -> Option<FiltersDocument> {
    let project = world.store.project(world.shop).await.unwrap().unwrap();
    let owner = RuleOwner::Project(project.organization_id, project.id);
    let version = world.store.current_rules(owner, RuleTopic::Filters).await;
    Some(serde_json::from_str(&version.unwrap()?.document).unwrap())
}

async fn record_errors(world: &World) {
    for (ty, value) in [
        ("DisallowedHost", "Invalid HTTP_HOST header"),
        ("KeyError", "<i>name</i>"),
    ] {
        let event = json!({"type": "error", "level": "error", "user": {"ip_address": "203.0.113.9"},
            "_meta": {"user": {"email": {"": {"rem": [["@email", "s"]]}}}},
            "exception": {"values": [{"type": ty, "value": value}]}});
        support::record(&world.store, world.shop, ty, &event, UnixMillis::now()).await;
    }
    let health = json!({"type": "transaction", "transaction": "GET /healthz", "start_timestamp": 1, "timestamp": 2,
        "contexts": {"trace": {"trace_id": "0123456789abcdef0123456789abcdef", "span_id": "0123456789abcdef"}}});
    let now = UnixMillis::now();
    support::record_transaction(&world.store, world.shop, &health, 1.0, now).await;
}

#[tokio::test]
async fn the_defaults_are_shown_and_explained() {
    let mut world = world().await;
    let now = UnixMillis::now();
    let topic = RuleTopic::Filters;
    support::record_hits(
        &world.store,
        world.shop,
        topic,
        "filtered-transaction",
        7,
        now,
    )
    .await;
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "Filters of Shop",
        "Web crawlers Errors that search engines",
        "Health checks Transactions such as",
        "Internet Explorer up to 11",
        "Requests for favicon.ico",
        "transaction.duration duration How long a transaction took",
    ]);
    assert!(page.text.contains("value=\"healthChecks\" checked"));
    assert!(page.text.contains("value=\"webCrawlers\">"));
    assert!(page.text.contains("7 hits in 14 days, 7 today"));
}

#[tokio::test]
async fn filters_are_tried_on_what_is_stored() {
    let mut world = world().await;
    record_errors(&world).await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("switch", "healthChecks"),
        ("addresses", "203.0.113.0/24"),
        (
            "rules",
            "error.type:DisallowedHost -> drop\nlevel:error error.type:Disallowed* -> drop",
        ),
        ("action", "preview"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "100 % would be dropped: 3 of 3, 2 of them only by what you changed",
        "1 error.type:DisallowedHost -> drop",
        "error.type DisallowedHost",
        "Decided none of these: line 1 did before.",
        "Addresses",
        "KeyError: <i>name</i>",
        "user.ip 203.0.113.9",
        "Health checks",
        "GET /healthz",
        "Tried on 2 events and 1 transaction",
        "From 2 of them scrubbing had removed something",
    ]);
    assert!(page.text.contains("/bugle/issues/"), "events are linked");
    assert_eq!(saved(&world).await, None);
}

#[tokio::test]
async fn a_preset_is_added_and_removed_without_saving() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let own = "# Ours\nlevel:debug -> drop\n";
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("switch", "localhost"),
        ("rules", own),
        ("action", "add:stray-files"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&["in your rules", "Not saved yet"]);
    assert!(page.text.contains("value=\"remove:stray-files\""));
    assert!(
        page.text.contains("value=\"localhost\" checked"),
        "the rest stays"
    );
    let text = page.text.split("name=\"rules\"").nth(1).unwrap();
    let text = text
        .split_once('>')
        .unwrap()
        .1
        .split("</textarea>")
        .next()
        .unwrap();
    assert!(
        text.contains("favicon.ico") && text.contains("# Ours"),
        "{text}"
    );
    let with = text.trim_start().replace("-&gt;", "->");
    let form = [
        ("form_token", token.as_str()),
        ("rules", with.as_str()),
        ("action", "remove:stray-files"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert!(page.text.contains("value=\"add:stray-files\""));
    assert!(page.text.contains("level:debug -&gt; drop\n</textarea>"));
    assert_eq!(saved(&world).await, None);
    let form = [("form_token", token.as_str()), ("action", "add:nonsense")];
    let refused = world.browser.post(PATH, &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_is_wrong_is_shown_where_it_was_typed() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("legacyBrowsers", "ie"),
        ("addresses", "10.0.0.0/8\n\n300.1.2.3\n"),
        ("rules", "level:[error warning] -> drop"),
        ("action", "save"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&[
        "2 places in this form cannot be used",
        "Line 3: ",
        "300.1.2.3",
        "Line 1: Expected",
    ]);
    assert!(page.text.contains("name=\"addresses\""));
    assert!(page.text.contains("10.0.0.0/8\n\n300.1.2.3\n</textarea>"));
    assert!(page.text.contains("value=\"ie\" checked"));
    assert!(
        page.text.contains("             ^</span>"),
        "the mark is below the column"
    );
    assert_eq!(saved(&world).await, None);
}

#[tokio::test]
async fn a_saved_form_is_the_document() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("switch", "webCrawlers"),
        ("switch", "cspDefaults"),
        ("legacyBrowsers", "ie"),
        ("legacyBrowsers", "ie_pre_9"),
        ("legacyBrowsers", "netscape"),
        ("cspSources", "https://*.example.com"),
        ("releases", "shop@1.*\n  shop@2.0  \n"),
        ("errorMessages", "TypeError*"),
        ("action", "save"),
    ];
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let document = saved(&world).await.unwrap();
    let expected = FiltersDocument {
        web_crawlers: true,
        health_checks: false,
        chunk_load_errors: false,
        hydration_errors: false,
        csp_defaults: true,
        legacy_browsers: [LegacyBrowser::Ie, LegacyBrowser::IePre9].into(),
        csp_sources: vec!["https://*.example.com".to_owned()],
        releases: vec!["shop@1.*".to_owned(), "shop@2.0".to_owned()],
        error_messages: vec!["TypeError*".to_owned()],
        ..FiltersDocument::default()
    };
    assert_eq!(document, expected);
    let page = world.browser.get(PATH).await;
    assert!(
        page.text.contains("value=\"ie_pre_9\" checked"),
        "names of the past are kept"
    );
}

#[tokio::test]
async fn members_look_and_strangers_find_nothing() {
    let mut world = world().await;
    let mut member = world.browser_of(Role::Member).await;
    let page = member.get(PATH).await;
    page.assert_shows(&["Admins and owners can change this"]);
    assert!(
        !page.text.contains("value=\"add:"),
        "no button that does nothing"
    );
    let token = member.form_token().await;
    for action in ["preview", "save", "add:stray-files"] {
        let form = [("form_token", token.as_str()), ("action", action)];
        assert_eq!(member.post(PATH, &form).await.status, StatusCode::FORBIDDEN);
    }
    support::add_project(&world.store, "other", "Theirs", 9).await;
    let page = world.browser.get("/bugle/theirs/settings/filters/").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
