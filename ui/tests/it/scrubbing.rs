//! The pages of scrubbing: editing, trying, saving, versions, and what an event says of it.

use axum::http::StatusCode;
use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_store::{NewRuleVersion, Role, RuleOwner, RuleVersion, Saved};
use serde_json::json;

use crate::support;
use crate::world::{World, world};

const PATH: &str = "/bugle/shop/settings/scrubbing/";
const VERSIONS: &str = "/bugle/shop/settings/scrubbing/versions/";
const OF_ALL: &str = "/bugle/settings/scrubbing/";

async fn owners(world: &World) -> (RuleOwner, RuleOwner) {
    let organization = world.store.organizations().await.unwrap()[0].id;
    (
        RuleOwner::Project(organization, world.shop),
        RuleOwner::Organization(organization),
    )
}

async fn current(world: &World) -> Option<RuleVersion> {
    let owner = owners(world).await.0;
    let topic = RuleTopic::Scrubbing;
    world.store.current_rules(owner, topic).await.unwrap()
}

/// Saves a document behind the pages' back.
async fn save(world: &World, document: &str, comment: &str) {
    let based_on = current(world).await.map(|version| version.id);
    let new = NewRuleVersion {
        owner: owners(world).await.0,
        topic: RuleTopic::Scrubbing,
        document: document.to_owned(),
        comment: comment.to_owned(),
        author: None,
        based_on,
    };
    let saved = world.store.save_rules(&new, UnixMillis::now()).await;
    assert!(matches!(saved.unwrap(), Saved::Yes(_)));
}

async fn record_letter(world: &World) {
    let event = json!({"level": "error", "exception": {"values": [{"type": "Refused", "value": "no card of ada@x.org <b>"}]},
        "extra": {"pin": "1234", "password": "[Filtered]"}});
    let now = UnixMillis::now();
    support::record(&world.store, world.shop, "a", &event, now).await;
}

const MASK_EMAIL: &str = r#"{"rules":{"0":{"type":"email","redaction":{"method":"mask"}}},"applications":{"$error.value":["0"]}}"#;

#[tokio::test]
async fn rules_are_tried_saved_and_undone() {
    let mut world = world().await;
    record_letter(&world).await;
    let empty = world.browser.get(PATH).await;
    empty.assert_shows(&[
        "Scrubbing of Shop",
        "Nothing was ever saved here: the defaults apply.",
    ]);
    assert!(
        empty
            .text
            .contains("name=\"scrub_defaults\" value=\"on\" checked")
    );
    assert!(
        empty
            .text
            .contains("<option value=\"extra.pin\">1234</option>")
    );

    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("based_on", "0"),
        ("scrub_data", "on"),
        ("scrub_defaults", "on"),
        ("sensitive_fields", "pin\r\n\r\n"),
        ("advanced", MASK_EMAIL),
        ("comment", "hide <b>pins</b>"),
    ];
    let preview = [&form[..], &[("action", "preview")]].concat();
    let page = world.browser.post(PATH, &preview).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "Of the 1 newest stored events and transactions, this would still change 1.",
        "Rule 0: e-mail addresses, mask with stars",
        "extra.pin 1 event Before 1234 After, by the sensitive fields [Filtered]",
        "Not saved yet.",
    ]);
    let masked = "<del>ada@x.org</del> &lt;b&gt;</pre>";
    assert!(page.text.contains(masked), "{}", page.words());
    assert!(page.text.contains("no card of <mark>*********</mark>"));
    assert_eq!(current(&world).await, None);

    let saving = [&form[..], &[("action", "save")]].concat();
    let done = world.browser.post(PATH, &saving).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let saved = world.browser.get(done.location()).await;
    saved.assert_shows(&[
        "Saved. It applies to everything that comes in from now on.",
        "Saved last by ada@example.com just now : hide <b>pins</b>.",
    ]);
    assert!(!saved.text.contains("Not saved yet"));
    let version = current(&world).await.unwrap();
    let document: serde_json::Value = serde_json::from_str(&version.document).unwrap();
    assert_eq!(document["sensitiveFields"], json!(["pin"]));
    let id = version.id.to_string();
    let unchanged = [&form[..], &[("action", "save")]].concat();
    let page = world.browser.post(PATH, &unchanged).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, PATH)
    );
    assert_eq!(current(&world).await.unwrap().id, version.id);

    let list = world.browser.get(VERSIONS).await;
    list.assert_shows(&[
        &format!("Version {id}: hide <b>pins</b> applies ada@example.com just now"),
        "Undo",
    ]);
    assert!(list.text.contains("<ins>  pin</ins>"));
    let one = world.browser.get(&format!("{VERSIONS}{id}/")).await;
    one.assert_shows(&["What it changed of the version before", "The whole version"]);
    let undo = format!("{VERSIONS}0/restore");
    let form = [("form_token", token.as_str()), ("based_on", &id)];
    let done = world.browser.post(&undo, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let undone = current(&world).await.unwrap();
    assert_eq!(undone.comment, format!("undid version {id}"));
    assert!(undone.document.contains("\"sensitiveFields\":[]"));

    let again = format!("{VERSIONS}{id}/restore");
    let based_on = undone.id.to_string();
    let form = [("form_token", token.as_str()), ("based_on", &based_on)];
    world.browser.post(&again, &form).await;
    let back = current(&world).await.unwrap();
    assert_eq!(back.comment, format!("undid version {based_on}"));
    assert_eq!(back.document, version.document);
    // A form of before changes nothing.
    let late = world.browser.post(&undo, &form).await;
    let page = world.browser.get(late.location()).await;
    page.assert_shows(&["Somebody saved another version meanwhile, so nothing was changed."]);
    assert_eq!(current(&world).await.unwrap().id, back.id);
}

#[tokio::test]
async fn a_form_that_cannot_be_used_says_where_and_keeps_what_was_typed() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let broken = "{\"rules\": {},\n \"applications\": {\"$string && \": []}}</textarea><b>";
    let form = [
        ("form_token", token.as_str()),
        ("action", "save"),
        ("sensitive_fields", "<i>\nb"),
        ("detector", "jwt"),
        ("advanced", broken),
        ("comment", "x"),
    ];
    for (advanced, line) in [(broken, "Line 2: "), ("{\n\"rules\": 5}", "Line 2: ")] {
        let form = form.map(|(name, value)| match name {
            "advanced" => (name, advanced),
            _ => (name, value),
        });
        let page = world.browser.post(PATH, &form).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.assert_shows(&["in this form cannot be used. Nothing was saved.", line]);
        for kept in [
            "\n&lt;i&gt;\nb</textarea>",
            "value=\"jwt\" checked",
            "name=\"comment\" value=\"x\"",
            "<span aria-hidden=\"true\">",
        ] {
            assert!(page.text.contains(kept), "{kept}");
        }
        assert!(
            page.text
                .contains(&advanced.replace('<', "&lt;").replace('"', "&quot;")[..12])
        );
    }
    let long = "x".repeat(201);
    let long = [
        ("form_token", token.as_str()),
        ("action", "save"),
        ("comment", &long),
    ];
    let page = world.browser.post(PATH, &long).await;
    page.assert_shows(&["The comment exceeds 200 characters."]);
    let odd = [("form_token", token.as_str()), ("action", "burn")];
    let page = world.browser.post(PATH, &odd).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(current(&world).await, None);
}

#[tokio::test]
async fn safe_fields_that_are_no_selectors_are_pointed_out() {
    let mut world = world().await;
    let document = r#"{"excludeFields":["author","$strin && ("]}"#;
    save(&world, document, "").await;
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "\"$strin && (\" is no selector and protects only keys of this very name: unknown type $strin.",
    ]);
}

#[tokio::test]
async fn buttons_write_rules_into_the_form() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("add_method", "mask"),
        ("add_type", "pattern"),
        ("add_pattern", "(unclosed"),
        ("add_selector", "$string"),
        ("preset_keys", "pin, token"),
        ("preset_selector", "$http.data"),
        ("preset_text", "***"),
    ];
    let add = [&form[..], &[("action", "add-rule")]].concat();
    let page = world.browser.post(PATH, &add).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["Rule \"new\": unclosed group"]);
    let preset = [&form[..], &[("action", "add-preset")]].concat();
    let page = world.browser.post(PATH, &preset).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_shows(&[
        "\"keyPattern\": \"(?i)pin|token\"",
        "Not saved yet.",
        "Rule 0: keys (?i)pin|token",
    ]);
    assert_eq!(current(&world).await, None);
}

#[tokio::test]
async fn nobody_overwrites_what_others_saved_meanwhile() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    save(
        &world,
        r#"{"scrubData":true,"sensitiveFields":["theirs"]}"#,
        "their change",
    )
    .await;
    let form = [
        ("form_token", token.as_str()),
        ("action", "save"),
        ("based_on", "0"),
        ("sensitive_fields", "mine"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.assert_shows(&[
        "Somebody saved another version meanwhile",
        "the command line just now : their change",
        "Save over theirs",
    ]);
    for shown in [
        "<ins>  theirs</ins>",
        "<del>  theirs</del>",
        "<ins>  mine</ins>",
        "mine</textarea>",
    ] {
        assert!(page.text.contains(shown), "{shown}");
    }
    let theirs = current(&world).await.unwrap();
    assert_eq!(theirs.comment, "their change");
    let based_on = theirs.id.to_string();
    assert!(
        page.text
            .contains(&format!("name=\"based_on\" value=\"{based_on}\""))
    );
    let form = form.map(|(name, value)| match name {
        "based_on" => (name, based_on.as_str()),
        _ => (name, value),
    });
    let done = world.browser.post(PATH, &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(current(&world).await.unwrap().document.contains("mine"));
}

#[tokio::test]
async fn only_admins_and_owners_change_rules() {
    let mut world = world().await;
    save(&world, "{}", "first").await;
    for role in [Role::Viewer, Role::Member] {
        let mut browser = world.browser_of(role).await;
        let token = browser.form_token().await;
        for path in [PATH, OF_ALL] {
            let page = browser.get(path).await;
            page.assert_shows(&["Admins and owners can change this."]);
            assert!(page.text.contains("<fieldset class=\"editor\" disabled>"));
            for action in ["save", "preview", "add-rule"] {
                let form = [("form_token", token.as_str()), ("action", action)];
                let page = browser.post(path, &form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {action}");
            }
        }
        let form = [("form_token", token.as_str()), ("based_on", "1")];
        let page = browser.post(&format!("{VERSIONS}0/restore"), &form).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(!browser.get(VERSIONS).await.text.contains("<button>Undo"));
    }
    let stale = [("form_token", "x"), ("action", "save")];
    assert_eq!(
        world.browser.post(PATH, &stale).await.status,
        StatusCode::FORBIDDEN
    );
    let token = world.browser.form_token().await;
    let form = [("form_token", token.as_str()), ("action", "save")];
    let page = world.browser.post_from_elsewhere(PATH, &form).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(current(&world).await.unwrap().comment, "first");
}

#[tokio::test]
async fn rules_of_others_are_not_there() {
    let mut world = world().await;
    let secret = support::add_project(&world.store, "other", "Secret", 2).await;
    let organizations = world.store.organizations().await.unwrap();
    let other = organizations.iter().find(|o| o.slug == "other").unwrap();
    let new = NewRuleVersion {
        owner: RuleOwner::Project(other.id, secret),
        topic: RuleTopic::Scrubbing,
        document: "{\"sensitiveFields\":[\"covert\"]}".to_owned(),
        comment: String::new(),
        author: None,
        based_on: None,
    };
    let saved = world.store.save_rules(&new, UnixMillis::now()).await;
    let Saved::Yes(theirs) = saved.unwrap() else {
        panic!("not saved");
    };
    save(&world, "{}", "").await;
    let token = world.browser.form_token().await;
    for path in [
        "/bugle/secret/settings/scrubbing/".to_owned(),
        "/bugle/secret/settings/scrubbing/versions/".to_owned(),
        format!("{VERSIONS}{theirs}/"),
        format!("{VERSIONS}x/"),
        format!("{OF_ALL}versions/{theirs}/"),
        "/bugle/settings/filters/".to_owned(),
    ] {
        let page = world.browser.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    let form = [("form_token", token.as_str()), ("based_on", "1")];
    let page = world
        .browser
        .post(&format!("{VERSIONS}{theirs}/restore"), &form)
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    // A conflict compares with nobody else's text.
    let theirs = theirs.to_string();
    let form = [
        ("form_token", token.as_str()),
        ("action", "save"),
        ("based_on", &theirs),
        ("sensitive_fields", "mine"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(!page.text.contains("covert"));
}

#[tokio::test]
async fn what_an_organisation_removes_is_removed_from_all_projects() {
    let mut world = world().await;
    record_letter(&world).await;
    let projects = world.browser.get("/bugle/projects/").await;
    assert!(
        projects
            .text
            .contains("href=\"/bugle/settings/scrubbing/\"")
    );
    let page = world.browser.get(OF_ALL).await;
    page.assert_shows(&[
        "Scrubbing of all projects",
        "from the events of every project",
    ]);
    assert!(
        !page
            .text
            .contains("name=\"scrub_data\" value=\"on\" checked")
    );
    let token = world.browser.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("scrub_data", "on"),
        ("sensitive_fields", "pin"),
        ("advanced", MASK_EMAIL),
    ];
    let preview = [&form[..], &[("action", "preview")]].concat();
    let page = world.browser.post(OF_ALL, &preview).await;
    page.assert_shows(&[
        "this would still change 1",
        "After, by the organisation’s rule 0",
    ]);
    let saving = [&form[..], &[("action", "save")]].concat();
    let done = world.browser.post(OF_ALL, &saving).await;
    assert!(done.location().starts_with(&format!("{OF_ALL}?saved=")));
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "The organisation default already removes from all projects: data, sensitive fields, advanced rules",
    ]);
    let form = [("form_token", token.as_str()), ("action", "preview")];
    let page = world.browser.post(PATH, &form).await;
    page.assert_shows(&["The organisation’s rule 0 organization:0 1"]);
    let list = world.browser.get(&format!("{OF_ALL}versions/")).await;
    list.assert_shows(&["Versions: Scrubbing of all projects", "applies"]);
}

#[tokio::test]
async fn each_rule_shows_its_hits() {
    let mut world = world().await;
    let document = json!({"scrubData": true, "advanced": serde_json::from_str::<serde_json::Value>(MASK_EMAIL).unwrap()});
    save(&world, &document.to_string(), "").await;
    let now = UnixMillis::now();
    for (rule, hits) in [
        ("project:0", 1234),
        ("@password:filter", 5),
        ("project:gone", 1),
    ] {
        let topic = RuleTopic::Scrubbing;
        support::record_hits(&world.store, world.shop, topic, rule, hits, now).await;
    }
    let page = world.browser.get(PATH).await;
    page.assert_shows(&[
        "Rule 0: e-mail addresses, mask with stars 1 234",
        "The built-in rule for passwords and secrets 5",
        "The project’s rule gone not in use any more 1",
    ]);
    assert!(
        page.text
            .contains("1\u{202f}234 hits in 14 days, 1\u{202f}234 today")
    );
}

#[tokio::test]
async fn versions_have_pages_and_survive_what_cannot_be_read() {
    let mut world = world().await;
    for i in 0..25 {
        save(
            &world,
            &format!("{{\"sensitiveFields\":[\"word{i}\"]}}"),
            &format!("step {i}."),
        )
        .await;
    }
    save(&world, "no json", "broken").await;
    let page = world.browser.get(PATH).await;
    page.assert_shows(&["What was saved last cannot be read, so the form shows the defaults"]);
    let first = world.browser.get(VERSIONS).await;
    first.assert_shows(&["broken", "step 24.", "step 6.", "Older →"]);
    assert!(!first.words().contains("step 5."));
    let (_, rest) = first.text.split_once("rel=\"next\" href=\"").unwrap();
    let older = rest.split('"').next().unwrap().to_owned();
    let second = world.browser.get(&older).await;
    second.assert_shows(&["step 5.", "step 0.", "Newest"]);
    assert!(!second.text.contains("Older →") && !second.words().contains("step 6."));
    assert!(second.text.contains("<del>  word4</del>"));
}

#[tokio::test]
async fn forms_of_rules_may_be_long_but_not_endless() {
    let mut world = world().await;
    let token = world.browser.form_token().await;
    let long = "word\n".repeat(40_000);
    let mut form = vec![
        ("form_token", token.as_str()),
        ("action", "add-preset"),
        ("sensitive_fields", &long),
        ("preset_keys", "x"),
        ("preset_selector", "$string"),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::OK);
    let too_long = "x".repeat(5 << 20);
    form[2].1 = &too_long;
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let document = ["x", "y"].map(|letter| letter.repeat(600_000)).join("\n");
    let form = [
        ("form_token", token.as_str()),
        ("action", "save"),
        ("safe_fields", &document),
    ];
    let page = world.browser.post(PATH, &form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_shows(&["The rules exceed 1048576 bytes."]);
}

#[tokio::test]
async fn an_event_says_which_rules_touched_it() {
    let mut world = world().await;
    let event = json!({"level": "error", "exception": {"values": [{"type": "E", "value": "cut..."}]},
        "extra": {"password": "[Filtered]", "count": null, "<b>": null, "fine": "as it came"},
        "_bugle": {"rules": [
            {"topic": "tags", "rule": "0123456789abcdef", "text": "level:error -> tag a=<b>"},
            {"topic": "sampling", "rule": "0123456789abcdef", "text": "event.type:error -> sample 0.5", "rate": 0.5}]},
        "_meta": {"exception": {"values": {"0": {"value": {"": {"rem": [["!limit", "s", 3, 6]], "len": 9000}}}}},
            "extra": {"password": {"": {"rem": [["@password:filter", "s", 0, 10]]}},
                "count": {"": {"err": [["invalid_data", {"reason": "expected a number"}]], "val": "many"}},
                "<b>": {"": {"rem": [["organization:0", "x"]]}}}}});
    support::record(&world.store, world.shop, "a", &event, UnixMillis::now()).await;
    let page = world.browser.get("/bugle/issues/SHOP-1/").await;
    page.assert_shows(&[
        "cut... Cut here, originally 9000 characters long",
        "password [Filtered] Replaced by the built-in rule for passwords and secrets",
        "count invalid Invalid data: expected a number. Originally: \"many\"",
        "<b> removed Removed by the organisation’s rule 0",
        "level:error -> tag a=<b> added a tag Tags",
        "event.type:error -> sample 0.5 kept it at 50 %: it stands for 2 Sampling",
        "The built-in rule for passwords and secrets replaced 1 place Scrubbing",
    ]);
    for link in [
        "href=\"/bugle/shop/settings/scrubbing/\"",
        "href=\"/bugle/settings/scrubbing/\"",
        "href=\"/bugle/shop/settings/tags/\"",
    ] {
        assert!(page.text.contains(link), "{link}");
    }
    assert!(
        page.text
            .contains("<span class=\"value value-text\">as it came</span>\n</td>")
    );
}
