//! The page of tag rules.

use axum::http::StatusCode;
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_rules::{TagsDocument, named_lines};
use bugle_store::{Role, RuleOwner};
use serde_json::json;

use crate::support;
use crate::world::{World, world};

const PATH: &str = "/bugle/shop/settings/tags/";

async fn saved(world: &World) -> Option<TagsDocument> {
    let project = world.store.project(world.shop).await.unwrap().unwrap();
    let owner = RuleOwner::Project(project.organization_id, project.id);
    let version = world.store.current_rules(owner, RuleTopic::Tags).await;
    let version = version.unwrap()?;
    Some(serde_json::from_str(&version.document).unwrap())
}

#[tokio::test]
async fn rules_are_tried_and_then_saved() {
    let mut world = world().await;
    let event = json!({"type": "error", "level": "error", "environment": "production", "tags": [["kind", "own"]],
        "exception": {"values": [{"type": "KeyError", "value": "<b>'name'</b>"}]}});
    support::record(&world.store, world.shop, "a", &event, UnixMillis::now()).await;
    let rules = "environment:production -> tag tier=critical\nerror.value:*name* -> tag kind=name";
    let token = world.browser.form_token().await;
    let mut form = vec![
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", rules),
        ("action", "preview"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "1 of 1 would get a tag",
        "1 environment:production -> tag tier=critical 1 example",
        "tier critical",
        "environment production",
        "error.value <b>'name'</b>",
        "Tried on 1 event and 0 transactions",
        "Not saved yet",
    ]);
    assert_eq!(saved(&world).await, None);
    form[3].1 = "save";
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(saved(&world).await.unwrap().rules, rules);
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[rules.lines().next().unwrap()]);
    assert!(page.text.contains("no hit in 14 days"));
}

#[tokio::test]
async fn what_was_typed_survives_what_is_wrong_with_it() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        (
            "rules",
            "level:error -> tag a=b\n\n</textarea><b> -> tag no",
        ),
        ("action", "save"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["Line 3: Expected tag key=value"]);
    assert!(page.text.contains("<code>tag key=value</code>"));
    assert!(page.text.contains(
        "\nlevel:error -&gt; tag a=b\n\n&lt;/textarea&gt;&lt;b&gt; -&gt; tag no</textarea>"
    ));
    assert_eq!(saved(&world).await, None);
}

#[tokio::test]
async fn lines_that_are_gone_are_shown_as_they_were() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let (first, second) = ("level:error -> tag was=<b>", "level:error -> tag is=now");
    let mut based_on = "0".to_owned();
    for rules in [first, second] {
        let form = [
            ("form_token", token.as_str()),
            ("based_on", &based_on),
            ("rules", rules),
            ("action", "save"),
        ];
        let done = world.browser.post(PATH, &form).await;
        based_on = done.location().rsplit('=').next().unwrap().to_owned();
    }
    let now = UnixMillis::now();
    let old = &named_lines(first)[0].name.to_string();
    for (name, hits) in [(old.as_str(), 7), ("d2444af968a32182", 5)] {
        let topic = RuleTopic::Tags;
        support::record_hits(&world.store, world.shop, topic, name, hits, now).await;
    }
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "level:error -> tag was=<b> not in use any more",
        "a line that is gone (d2444af968a32182) not in use any more",
    ]);
    assert!(!page.text.contains("was=<b>"), "it is escaped");
}

#[tokio::test]
async fn members_look_and_admins_save() {
    let world = world().await;
    let mut member = world.browser_of(Role::Member).await;
    let page = member.get(PATH).await;
    page.assert_shows(&["Tags of Shop", "Admins and owners can change this"]);
    assert!(page.text.contains("<fieldset class=\"editor\" disabled>"));
    let token = member.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("rules", "level:error -> tag a=b"),
        ("action", "save"),
    ];
    let refused = member.post(PATH, &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(saved(&world).await, None);
}

#[tokio::test]
async fn hints_are_shown_where_they_belong_and_keep_nothing_from_being_saved() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let rules = "level:error -> tag a=b\nerror.typ:KeyError -> tag kind=key";
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("rules", rules),
        ("action", "save"),
    ];
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(saved(&world).await.unwrap().rules, rules);
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "Line 2: There is no field error.typ; did you mean error.type?",
        "error.typ:KeyError -> tag kind=key ^",
    ]);
    assert!(!page.text.contains("cannot be used"));
}
