//! Crash dumps: an event is made of what comes with them.

use bugle_protocol::Level;
use serde_json::json;

use crate::support::{Road, envelope, event_id, outcome};

const DUMP: &str = r#"{"type":"attachment","attachment_type":"event.minidump","filename":"crash.dmp","content_type":"application/x-dmp"}"#;
const PAYLOAD: &str =
    r#"{"type":"attachment","attachment_type":"event.payload","filename":"__sentry-event"}"#;
const CRUMBS: &str = r#"{"type":"attachment","attachment_type":"event.breadcrumbs"}"#;
const FORM: &str = r#"{"type":"form_data"}"#;
const LOG: &str = r#"{"type":"attachment","filename":"game.log"}"#;

/// `{"release":"game@1","level":"info","extra":{"password":"hunter2"}}`.
const EVENT: &[u8] =
    b"\x83\xa7release\xa6game@1\xa5level\xa4info\xa5extra\x81\xa8password\xa7hunter2";

#[tokio::test(flavor = "multi_thread")]
async fn a_minidump_becomes_an_event_with_all_that_came_with_it() {
    let mut road = Road::new().await;
    let crumb = b"\x82\xa7message\xa5start\xa9timestamp\xce\x6b\x00\x00\x00";
    let form = br#"[["sentry","{\"tags\":{\"map\":\"de_dust\"},\"platform\":\"c\"}"],["ptype","browser"]]"#;
    let items: [(&str, &[u8]); 5] = [
        (PAYLOAD, EVENT),
        (LOG, b"log"),
        (DUMP, b"MDMP1234"),
        (CRUMBS, crumb),
        (FORM, form),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    let (event, body) = road.event(event_id(1)).await;
    assert!(
        event
            .row
            .title
            .starts_with("Minidump: The crash dump is kept")
    );
    assert_eq!(event.row.level, Level::Fatal);
    assert_eq!(event.row.platform, "c");
    assert_eq!(event.row.release.as_deref(), Some("game@1"));
    let tags = [
        ("map", "de_dust"),
        ("handled", "no"),
        ("mechanism", "minidump"),
    ];
    for (key, value) in tags {
        let tag = (key.to_owned(), value.to_owned());
        assert!(event.row.tags.contains(&tag), "{tag:?}");
    }
    assert_eq!(body["extra"]["ptype"], "browser");
    assert_eq!(body["extra"]["password"], "[Filtered]");
    assert_eq!(body["breadcrumbs"]["values"][0]["message"], "start");
    let mechanism = json!({"type": "minidump", "handled": false});
    assert_eq!(body["exception"]["values"][0]["mechanism"], mechanism);
    // What the event was made of is in it, scrubbed; the files are the dump and the log.
    let files = road
        .store
        .attachments(road.project.id, event_id(1), 0, 10)
        .await;
    let names: Vec<_> = files.unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["crash.dmp", "game.log"]);
    let bytes = [EVENT.len(), 3, 8, crumb.len()].iter().sum::<usize>();
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", i64::try_from(bytes).unwrap()),
            outcome("attachment_item", "accepted", "", 4),
            outcome("error", "accepted", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_crash_reports_say_what_they_are() {
    let mut road = Road::new().await;
    let apple = r#"{"type":"attachment","attachment_type":"event.applecrashreport"}"#;
    let unreal = r#"{"type":"unreal_report","user_id":"7"}"#;
    for (id, header, title, file) in [
        (1, apple, "AppleCrashReport: ", "Unnamed Attachment"),
        (2, unreal, "UnrealCrash: ", "unreal_report.uecrash"),
        (3, DUMP, "Minidump: ", "crash.dmp"),
    ] {
        let items: [(&str, &[u8]); 2] = [(header, b"crash"), (FORM, b"{broken")];
        road.push_envelope(envelope(Some(event_id(id)), &items))
            .await;
        road.drain().await;
        let (event, _) = road.event(event_id(id)).await;
        assert!(event.row.title.starts_with(title), "{}", event.row.title);
        assert_eq!(event.row.platform, "native");
        let files = road.store.attachments(road.project.id, event_id(id), 0, 10);
        assert_eq!(files.await.unwrap()[0].name, file);
    }
    let (event, _) = road.event(event_id(2)).await;
    assert_eq!(event.row.user_label.as_deref(), Some("7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_its_own_goes_before_the_dump() {
    let mut road = Road::new().await;
    let items: [(&str, &[u8]); 2] = [
        (DUMP, b"MDMP"),
        (r#"{"type":"event"}"#, br#"{"message":"it crashed"}"#),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    assert_eq!(road.event(event_id(1)).await.0.row.title, "it crashed");
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 4),
            outcome("attachment_item", "accepted", "", 1),
            outcome("error", "accepted", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_as_the_sdk_wrote_it_needs_no_dump_but_has_to_be_one() {
    let mut road = Road::new().await;
    let whole: [(&str, &[u8]); 1] = [(PAYLOAD, EVENT)];
    road.push_envelope(envelope(Some(event_id(1)), &whole))
        .await;
    let broken: [(&str, &[u8]); 2] = [(PAYLOAD, b"\x81\xa1"), (CRUMBS, b"\xc1")];
    road.push_envelope(envelope(Some(event_id(2)), &broken))
        .await;
    let with_dump: [(&str, &[u8]); 2] = [(PAYLOAD, b"\xc1"), (DUMP, b"MDMP")];
    road.push_envelope(envelope(Some(event_id(3)), &with_dump))
        .await;
    road.drain().await;
    let (event, body) = road.event(event_id(1)).await;
    assert_eq!(event.row.level, Level::Info);
    assert!(body.get("exception").is_none());
    assert_eq!(road.event(event_id(3)).await.0.row.level, Level::Fatal);
    let rejections = road.rejections().await;
    assert_eq!(rejections.len(), 1);
    let detail = "invalid MessagePack: unexpected end at byte 1";
    assert_eq!(rejections[0].detail, detail);
    let stored: Vec<_> = road.outcomes().await;
    assert!(stored.contains(&outcome("error", "accepted", "", 2)));
    assert!(stored.contains(&outcome("error", "invalid", "invalid_json", 1)));
    assert!(stored.contains(&outcome("attachment_item", "invalid", "invalid_json", 2)));
}
