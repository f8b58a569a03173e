//! Limits, spike protection and the switches of keys.

use std::time::Duration;

use crate::support;
use crate::world::{World, world};
use axum::http::StatusCode;
use bugle_protocol::{Charge, DataCategory, KeyId, LimitReason, Outcome, UnixMillis};
use bugle_store::{Batch, IntakeCount, NewQuota, OutcomeCount, Quota, QuotaTarget, Role};

const PATH: &str = "/bugle/shop/settings/limits/";

async fn quotas(world: &World) -> Vec<Quota> {
    world.store.quotas_of_project(world.shop).await.unwrap()
}

async fn set(world: &World, target: QuotaTarget, quantity: u64) -> Quota {
    let new = NewQuota {
        target,
        categories: vec![DataCategory::Error, DataCategory::Span],
        quantity,
        window_seconds: 7200,
    };
    world
        .store
        .set_quota(&new, UnixMillis::now())
        .await
        .unwrap()
}

#[tokio::test]
async fn limits_are_set_changed_and_removed() {
    let mut world = world().await;
    let empty = world.browser.get(PATH).await;
    empty.assert_shows(&[
        "Limits of Shop",
        "everything that comes with an active key is taken",
    ]);
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("scope", "key:1"),
        ("category", "attachment"),
        ("quantity", "500 MB"),
        ("window", "86400"),
    ];
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, PATH)
    );
    let [limit] = &quotas(&world).await[..] else {
        panic!("no limit");
    };
    assert_eq!(
        (limit.key_id, limit.quantity),
        (Some(KeyId(1)), 500_000_000)
    );
    let list = world.browser.get(PATH).await;
    list.assert_shows(&[
        "Key Default 500 MB per day attachment bytes",
        "0 B of 500 MB",
    ]);

    let change = world
        .browser
        .get(&format!("{PATH}?change={}", limit.id))
        .await;
    change.assert_shows(&["Change a limit"]);
    assert!(
        change.text.contains("value=\"500 MB\"")
            && change.text.contains("value=\"attachment\" checked")
    );
    let replaced = limit.id.to_string();
    let form = [
        ("form_token", token.as_str()),
        ("replaces", &replaced),
        ("scope", "project"),
        ("quantity", "1 000"),
        ("window", "60"),
    ];
    assert_eq!(
        world.browser.post(PATH, &form).await.status,
        StatusCode::SEE_OTHER
    );
    let [limit] = &quotas(&world).await[..] else {
        panic!("the limit was not replaced");
    };
    assert_eq!((limit.quantity, limit.window_seconds), (1000, 60));
    assert!(limit.categories.is_empty());
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["This project 1 000 per minute all items together"]);

    let path = format!("{PATH}{}/remove", limit.id);
    let form = [("form_token", token.as_str())];
    assert_eq!(world.browser.post(&path, &form).await.location(), PATH);
    assert!(quotas(&world).await.is_empty());
    assert_eq!(
        world.browser.post(&path, &form).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_form_that_cannot_be_used_says_why_and_keeps_what_was_typed() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("scope", "key:99"),
        ("category", "error"),
        ("category", "log_byte"),
        ("quantity", "<b>many</b>"),
        ("window", "86400"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&[
        "Choose whom the limit is for.",
        "This is not a whole number, such as 1000.",
        "Bytes and items cannot be added up",
    ]);
    for kept in [
        "value=\"&lt;b&gt;many&lt;/b&gt;\"",
        "value=\"log_byte\" checked",
        "value=\"86400\" selected",
        "aria-invalid=\"true\" aria-describedby=\"error-quantity\"",
    ] {
        assert!(page.text.contains(kept), "{kept}");
    }
    let odd_window = [
        ("form_token", token.as_str()),
        ("scope", "project"),
        ("quantity", "1"),
        ("window", "61"),
    ];
    let page = world.browser.post(PATH, &odd_window).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["A window of 61 s is not whole minutes."]);
    let nothing = world.browser.post(PATH, &[("form_token", &token)]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(quotas(&world).await.is_empty());
}

#[tokio::test]
async fn only_admins_and_owners_change_limits_and_keys() {
    let mut world = world().await;
    let limit = set(&world, QuotaTarget::Project(world.shop), 5).await;
    let remove = format!("{PATH}{}/remove", limit.id);
    for role in [Role::Viewer, Role::Member] {
        let mut browser = world.browser_of(role).await;
        let page = browser.get(PATH).await;
        page.assert_shows(&[
            "5 per 2 hours errors, spans",
            "Admins and owners can set limits.",
        ]);
        assert!(!page.text.contains("<select") && !page.text.contains(">Remove"));
        let token = browser.form_token().await;
        for (path, field) in [
            (PATH.to_owned(), ("scope", "project")),
            (remove.clone(), ("x", "")),
            (format!("{PATH}spike-protection"), ("state", "on")),
            ("/bugle/shop/settings/keys/1".to_owned(), ("state", "off")),
        ] {
            let form = [("form_token", token.as_str()), field];
            let page = browser.post(&path, &form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            page.assert_shows(&["Only admins and owners"]);
        }
    }
    let token = world.browser.form_token().await;
    let form = [("form_token", token.as_str()), ("state", "on")];
    for path in [
        PATH,
        &remove,
        "/bugle/shop/settings/limits/spike-protection",
    ] {
        let stale = world
            .browser
            .post(path, &[("form_token", "x"), ("state", "on")])
            .await;
        assert_eq!(stale.status, StatusCode::FORBIDDEN);
        let foreign = world.browser.post_from_elsewhere(path, &form).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(quotas(&world).await.len(), 1);
    let mut admin = world.browser_of(Role::Admin).await;
    let token = admin.form_token().await;
    let done = admin.post(&remove, &[("form_token", &token)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn limits_of_others_are_not_there() {
    let mut world = world().await;
    let secret = support::add_project(&world.store, "other", "Secret", 2).await;
    let theirs = set(&world, QuotaTarget::Project(secret), 5).await;
    let token = world.browser.form_token().await;
    for path in [
        format!("{PATH}{}/remove", theirs.id),
        format!("{PATH}x/remove"),
        "/bugle/secret/settings/limits/".to_owned(),
        "/bugle/shop/settings/keys/2".to_owned(),
    ] {
        let form = [("form_token", token.as_str()), ("state", "off")];
        let page = world.browser.post(&path, &form).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = world
        .browser
        .get(&format!("{PATH}?change={}", theirs.id))
        .await;
    page.assert_shows(&["Set a limit"]);
    for path in [
        "/bugle/secret/settings/limits/",
        "/bugle/secret/stats/",
        "/bugle/secret/feedback/",
    ] {
        assert_eq!(world.browser.get(path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(world.store.all_quotas().await.unwrap(), [theirs]);
}

#[tokio::test]
async fn spike_protection_and_keys_are_switched() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let spike = format!("{PATH}spike-protection");
    for (state, shown) in [
        ("on", "It waits until it knows what is usual"),
        ("off", "Switch on"),
    ] {
        let form = [("form_token", token.as_str()), ("state", state)];
        assert_eq!(world.browser.post(&spike, &form).await.location(), PATH);
        world.browser.get(PATH).await.assert_shows(&[shown]);
    }
    let odd = [("form_token", token.as_str()), ("state", "maybe")];
    for path in [spike.as_str(), "/bugle/shop/settings/keys/1"] {
        let page = world.browser.post(path, &odd).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let settings = "/bugle/shop/settings/";
    for (state, is_active) in [("off", false), ("on", true)] {
        let form = [("form_token", token.as_str()), ("state", state)];
        let done = world
            .browser
            .post("/bugle/shop/settings/keys/1", &form)
            .await;
        assert_eq!(done.location(), "/bugle/shop/settings/#keys");
        let keys = world.store.project_keys(world.shop).await.unwrap();
        assert_eq!(
            (keys[0].is_active, keys[0].label.as_str()),
            (is_active, "Default")
        );
        let page = world.browser.get(settings).await;
        assert_eq!(
            page.words().contains("What comes with it is refused."),
            !is_active
        );
    }
}

/// Thirty hours with ten errors each, and many more of them within this hour.
fn a_spike(world: &World) -> Batch {
    let now = UnixMillis::now();
    let hours = (1..=30).map(|hour| OutcomeCount {
        project_id: world.shop,
        key_id: KeyId(1),
        received_at: now.before(Duration::from_secs(3600 * hour)),
        category: DataCategory::Error,
        outcome: Outcome::Accepted,
        quantity: 10,
    });
    let charge = Charge {
        category: DataCategory::Error,
        quantity: 1000,
    };
    Batch {
        outcomes: hours.collect(),
        intake: vec![IntakeCount {
            project_id: world.shop,
            key_id: KeyId(1),
            received_at: now,
            charge,
        }],
        ..Batch::default()
    }
}

#[tokio::test]
async fn the_limit_of_spike_protection_is_its_own() {
    let mut world = world().await;
    let spike = a_spike(&world);
    world.store.record(&spike, UnixMillis::now()).await.unwrap();
    let token = world.browser.form_token().await;
    let form = [("form_token", token.as_str()), ("state", "on")];
    let path = format!("{PATH}spike-protection");
    assert_eq!(world.browser.post(&path, &form).await.location(), PATH);
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "Right now an hour may have 1 000",
        "1 000 of 1 000 refusing now",
    ]);
    let [limit] = &quotas(&world).await[..] else {
        panic!("no limit of spike protection");
    };
    assert_eq!(limit.reason, LimitReason::SpikeProtection);
    assert!(!page.text.contains(">Remove"));
    let path = format!("{PATH}{}/remove", limit.id);
    let page = world.browser.post(&path, &form).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let stats = world.browser.get("/bugle/shop/stats/").await;
    stats.assert_shows(&["Spike protection refuses errors, security reports right now: this hour may have 1 000, and that is used up."]);
}
