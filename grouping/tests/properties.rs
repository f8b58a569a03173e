//! What must hold for every event: no panic, and no hash that depends on what changes from event to event.

mod support;

use bugle_grouping::{GroupHash, Grouping, Rules, classify, group};
use bugle_protocol::Event;
use bugle_protocol::json::{Json, Object};
use proptest::prelude::*;

use support::prepare;

const KEYS: &[&str] = &[
    "exception",
    "values",
    "type",
    "value",
    "stacktrace",
    "frames",
    "function",
    "raw_function",
    "module",
    "filename",
    "abs_path",
    "package",
    "context_line",
    "platform",
    "in_app",
    "data",
    "category",
    "orig_in_app",
    "mechanism",
    "synthetic",
    "exception_id",
    "parent_id",
    "is_exception_group",
    "meta",
    "ns_error",
    "code",
    "threads",
    "crashed",
    "current",
    "logentry",
    "message",
    "formatted",
    "template",
    "csp",
    "blocked_uri",
    "violated_directive",
    "hpkp",
    "hostname",
    "fingerprint",
    "checksum",
    "tags",
    "level",
    "logger",
    "transaction",
    "culprit",
    "request",
    "url",
    "sdk",
    "name",
    "version",
];

/// Texts that somewhere mean something.
const TEXTS: &[&str] = &[
    "",
    "native",
    "javascript",
    "java",
    "python",
    "csharp",
    "php",
    "ruby",
    "{{ default }}",
    "{{ type }}",
    "KeyError",
    "order 12 failed",
    "https://example.org/a.js?x=1",
    "<unknown>",
    "std::f<int>(char const*)",
    "a/b.py",
    "é\u{1f980}",
    "0123456789abcdef0123456789abcdef",
    "é::h0011223344556677",
    "self",
    "data:x",
    "\n\n",
    "a\nb\nc",
];

fn any_json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-2_i64..4).prop_map(Json::from),
        prop::sample::select(TEXTS).prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(7, 120, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            members(inner).prop_map(Json::from),
        ]
    })
}

fn members(value: impl Strategy<Value = Json<'static>>) -> impl Strategy<Value = Object<'static>> {
    prop::collection::vec((prop::sample::select(KEYS), value), 0..8).prop_map(Object::from_iter)
}

fn grouped(mut event: Event<'static>) -> Grouping {
    let rules = Rules::default();
    classify(&mut event, &rules);
    group(&event, &rules)
}

fn hashes_of(text: &str) -> Vec<GroupHash> {
    let event = Event::parse(text.as_bytes()).map(|event| Event {
        fields: match Json::from(event.fields).into_owned() {
            Json::Object(fields) => fields,
            _ => Object::new(),
        },
    });
    grouped(prepare(event.unwrap_or_default())).hashes()
}

/// A Python error of two frames in which everything that must not matter can be chosen.
fn event(
    line: u32,
    address: u64,
    digits: u32,
    tags: &str,
    order: bool,
    recursion: usize,
) -> String {
    let frame = |function: &str, line: u32| {
        format!(
            r#"{{"function":"{function}","module":"shop.views","lineno":{line},"in_app":true,
            "vars":{{"self":"<Cart at {address:#x}>"}},"instruction_addr":"{address:#x}"}}"#
        )
    };
    let walk = vec![frame("walk", line + 1); recursion].join(",");
    let frames = format!("{},{walk}", frame("checkout", line));
    let (a, b) = (
        "\"release\":\"1.2\"",
        format!("\"tags\":{tags},\"server_name\":\"web-{digits}\""),
    );
    let (first, second) = if order {
        (a, b.as_str())
    } else {
        (b.as_str(), a)
    };
    format!(
        r#"{{{first},{second},"platform":"python","exception":{{"values":[
        {{"type":"IOError","value":"lost order {digits} at {address:#x}"}},
        {{"type":"KeyError","value":"x","stacktrace":{{"frames":[{frames}]}}}}]}}}}"#
    )
}

proptest! {
    #[test]
    fn any_json_is_grouped(fields in members(any_json())) {
        let grouping = grouped(Event { fields });
        prop_assert!(!grouping.hashes().is_empty());
        prop_assert!(grouping.culprit.chars().count() <= 200);
    }

    #[test]
    fn classifying_twice_changes_nothing(fields in members(any_json())) {
        let rules = Rules::default();
        let mut once = Event { fields };
        classify(&mut once, &rules);
        let mut twice = once.clone();
        classify(&mut twice, &rules);
        prop_assert_eq!(group(&once, &rules), group(&twice, &rules));
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_changes_from_event_to_event_never_changes_a_hash(
        line in 1_u32..9000,
        address in 0x1000_u64..0xffff_ffff_ffff,
        digits in 0_u32..9_999_999,
        tags in prop::sample::select(&["[]", r#"[["a","1"],["b","2"]]"#, r#"[["b","2"],["a","1"]]"#][..]),
        order in any::<bool>(),
        recursion in 1_usize..6,
    ) {
        let changed = event(line, address, digits, tags, order, recursion);
        let hashes = hashes_of(&changed);
        prop_assert_eq!(hashes.len(), 2);
        prop_assert_eq!(hashes, hashes_of(&event(7, 0x7f3c, 12, "[]", true, 1)));
    }
}
