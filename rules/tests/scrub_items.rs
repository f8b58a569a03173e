//! Scrubbing of what is no event: attached files, logs, spans and check-ins.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use bugle_protocol::json;
use bugle_protocol::{Meta, RuleName};
use bugle_rules::scrub::{ItemKind, PiiConfig, ScrubSettings, Scrubber};
use proptest::prelude::*;

fn scrubber(advanced: &str) -> Scrubber {
    Scrubber::new(
        &ScrubSettings::default(),
        &PiiConfig::parse(advanced).unwrap(),
    )
    .unwrap()
}

/// The rules `ids`, for the files of a selector.
fn for_files(selector: &str, ids: &str) -> Scrubber {
    scrubber(&format!(
        r#"{{"rules": {{"long": {{"type": "email", "redaction": {{"method": "replace", "text": "é[mail address]"}}}},
                        "id": {{"type": "pattern", "pattern": "id=(\\d+)", "replaceGroups": [1], "redaction": {{"method": "mask"}}}}}},
            "applications": {{"{selector}": [{ids}]}}}}"#
    ))
}

fn file(scrubber: &Scrubber, name: &str, bytes: &[u8]) -> (Vec<u8>, Vec<RuleName>) {
    let mut bytes = bytes.to_vec();
    let fired = scrubber.scrub_attachment(name, &mut bytes);
    (bytes, fired)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn files_are_selected_by_name_alone() {
    let secret = b"password=x 4111111111111111 1.2.3.4";
    for (selector, selected) in [
        ("$attachments.'app.log'", true),
        ("$attachments.'APP.LOG'", true),
        ("$attachments.*", true),
        ("$attachments.'other.log'", false),
        ("$attachments.* && !'app.log'", false),
        ("$string", false),
        ("**", false),
        ("'app.log'", false),
        ("$binary", false),
        ("!$attachments.'other.log'", false),
    ] {
        let scrubber = for_files(selector, r#""@ip""#);
        let (bytes, fired) = file(&scrubber, "app.log", secret);
        assert_eq!(bytes != secret, selected, "{selector}");
        assert_eq!(fired.len(), usize::from(selected), "{selector}");
    }
    assert!(!Scrubber::default().has_attachment_rules());
    assert!(!for_files("$string", r#""@ip""#).has_attachment_rules());
    assert!(for_files("$attachments.x", r#""@ip""#).has_attachment_rules());
    assert!(!for_files("$attachments.x", r#""gone""#).has_attachment_rules());
}

#[test]
fn what_is_put_there_has_the_same_length() {
    for (ids, before, after) in [
        (
            r#""@ip""#,
            "from 192.0.2.44, 10.0.0.1:80",
            "from [ip]******, [ip]****:80",
        ),
        (r#""@ip:remove""#, "from 192.0.2.44!", "from **********!"),
        (r#""@ip:mask""#, "from 192.0.2.44!", "from **********!"),
        (r#""@ip:hash""#, "from 1.2.3.4!", "from 452CBFA!"),
        (
            r#""long""#,
            "to a@b.co and jane.doe@example.com",
            "to é[mai and é[mail address]****",
        ),
        (r#""id""#, "id=12345 id=6", "id=***** id=*"),
        (
            r#""@password:filter""#,
            "a=1\npassword=hunter2\nb=2",
            "a=1\n[Filtered]******\nb=2",
        ),
        (
            r#""@pemkey""#,
            "-----BEGIN PRIVATE KEY-----\nMIIEowIBAAK\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n[pemkey]***\n-----END PRIVATE KEY-----",
        ),
        (
            r#""@ip", "@anything:replace""#,
            "from 1.2.3.4!\n",
            "[Filtered]****",
        ),
        (r#""@ip""#, "", ""),
    ] {
        let scrubber = for_files("$attachments.*", ids);
        let (bytes, _) = file(&scrubber, "x", before.as_bytes());
        assert_eq!(String::from_utf8(bytes).unwrap(), after, "{ids}");
        // Wherever it stands in a file of something else, and in UTF-16 at even and odd places.
        if !after.contains('é')
            && !ids.contains("hash")
            && !ids.contains("anything")
            && !after.is_empty()
        {
            let around =
                |middle: Vec<u8>| [&b"\x00\xff\xfe\x01"[..], &middle, b"\x00\x00\x80"].concat();
            let (bytes, _) = file(&scrubber, "x", &around(before.into()));
            assert_eq!(bytes, around(after.into()), "{ids}");
            for prefix in [&b"\x01"[..], b"\x01\x02"] {
                let (bytes, _) = file(&scrubber, "x", &[prefix, &utf16(before)].concat());
                assert_eq!(bytes, [prefix, &utf16(after)].concat(), "{ids}");
            }
        }
    }
}

#[test]
fn a_file_goes_as_a_whole_by_its_name() {
    let scrubber = for_files("$attachments.*", r#""@password:filter""#);
    let (bytes, fired) = file(
        &scrubber,
        "secrets.bin",
        &[0, 1, 2, 255, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    assert_eq!(bytes, b"[Filtered]**");
    assert_eq!(fired, [RuleName("@password:filter".into())]);
}

#[test]
fn short_runs_are_chance() {
    let scrubber = for_files("$attachments.*", r#""id""#);
    assert_eq!(file(&scrubber, "x", b"\x00id=1\x00").0, b"\x00id=1\x00");
    assert_eq!(file(&scrubber, "x", b"\x00id=12\x00").0, b"\x00id=**\x00");
}

fn item(scrubber: &Scrubber, kind: ItemKind, text: &str) -> (String, String) {
    let mut value = json::parse_str(text).unwrap();
    let mut meta = Meta::default();
    scrubber.scrub_item(kind, &mut value, &mut meta);
    (json::to_string(&value), json::to_string(&meta.to_json()))
}

#[test]
fn logs_are_scrubbed_by_their_attributes_names() {
    let log = r#"{"level":"info","body":"the password of a@b.co","attributes":{"user.password":{"value":"x","type":"string"},"pin":{"value":"4111111111111111","type":"string"},"token":{"value":7,"type":"integer"},"client.address":{"value":"1.2.3.4","type":"string"},"server.address":{"value":"password","type":"string"}}}"#;
    let (log, meta) = item(&Scrubber::default(), ItemKind::Log, log);
    assert_eq!(
        log,
        r#"{"level":"info","body":"the password of [email]","attributes":{"user.password":{"value":"[Filtered]","type":"string"},"pin":{"value":"[Filtered]","type":"string"},"token":{"value":null,"type":"integer"},"client.address":{"value":"1.2.3.4","type":"string"},"server.address":{"value":"password","type":"string"}}}"#
    );
    let expected = r#""token":{"value":{"":{"rem":[["@password:filter","x"]]}}}"#;
    assert!(meta.contains(expected), "{meta}");
    let settings = ScrubSettings {
        scrub_ip_addresses: true,
        ..ScrubSettings::off()
    };
    let addresses = Scrubber::new(&settings, &PiiConfig::default()).unwrap();
    let (log, _) = item(
        &addresses,
        ItemKind::Log,
        r#"{"attributes":{"client.address":{"value":"1.2.3.4"}}}"#,
    );
    assert_eq!(log, r#"{"attributes":{"client.address":{"value":null}}}"#);
    let named = scrubber(
        r#"{"applications":{"$log.body":["@anything:mask"],"$log.attributes.'server.address'.value":["@anything"]}}"#,
    );
    let (log, _) = item(
        &named,
        ItemKind::Log,
        r#"{"body":"abc","attributes":{"server.address":{"value":"h"}}}"#,
    );
    assert_eq!(
        log,
        r#"{"body":"***","attributes":{"server.address":{"value":"[Filtered]"}}}"#
    );
}

#[test]
fn spans_and_check_ins_are_scrubbed_as_in_events() {
    let span = r#"{"op":"password","data":{"password":"x","db.system":"secret"},"attributes":{"api_key":{"value":"x"}}}"#;
    let (span, _) = item(&Scrubber::default(), ItemKind::Span, span);
    assert_eq!(
        span,
        r#"{"op":"password","data":{"password":"[Filtered]","db.system":"secret"},"attributes":{"api_key":{"value":"[Filtered]"}}}"#
    );
    let named = scrubber(r#"{"applications":{"$span.description":["@anything"]}}"#);
    let (span, _) = item(&named, ItemKind::Span, r#"{"description":"x"}"#);
    assert_eq!(span, r#"{"description":"[Filtered]"}"#);
    let check_in = r#"{"monitor_slug":"auth","status":"ok","note":"password x","contexts":{"mine":{"token":"x"},"trace":{"op":"auth"}}}"#;
    let (check_in, _) = item(&Scrubber::default(), ItemKind::CheckIn, check_in);
    assert_eq!(
        check_in,
        r#"{"monitor_slug":"auth","status":"ok","note":"[Filtered]","contexts":{"mine":{"token":"[Filtered]"},"trace":{"op":"auth"}}}"#
    );
    assert_eq!(item(&Scrubber::default(), ItemKind::Log, "[1]").0, "[1]");
}

proptest! {
    #[test]
    fn no_bytes_make_a_file_longer_or_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(.|\\PC|id=1|a@b.co|password){0,20}") {
        let scrubber = for_files("$attachments.*", r#""@common", "@common:filter", "long", "id", "@email:hash", "@jwt""#);
        for bytes in [bytes.clone(), [&bytes[..], text.as_bytes()].concat(), [&bytes[..], &utf16(&text), &bytes].concat()] {
            let (after, fired) = file(&scrubber, "x", &bytes);
            prop_assert_eq!(after.len(), bytes.len());
            prop_assert!(after == bytes || !fired.is_empty());
        }
    }
}
