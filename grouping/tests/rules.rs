//! What stack trace rules and fingerprint rules do, by small tables.

#![expect(clippy::unwrap_used, reason = "a test may fail wherever it likes")]

mod support;

use bugle_grouping::{Grouping, Rules, VariantName, classify, explain, group};
use bugle_protocol::Event;
use bugle_protocol::json::{self, Json};

use support::prepare;

/// Three Python frames: `a` says nothing of `in_app`, `b` is in-app, `c` is not.
const FRAMES: &str = r#"[
    {"function": "a", "module": "m.a", "abs_path": "/srv/a.py"},
    {"function": "b", "module": "m.b", "abs_path": "/srv/lib/b.py", "in_app": true},
    {"function": "c", "module": "m.c", "abs_path": "/srv/lib/c.py", "in_app": false}]"#;

/// What rules without the built-in ones make of frames: for each a letter for `in_app` and for whether it counts in the
/// system variant (capital: yes), with its category behind it.
fn tried(platform: &str, frames: &str, rules: &str) -> String {
    let case = format!(
        r#"{{"name": "x", "rules": {rules:?}, "platform": "{platform}", "frames": {frames}, "builtin_rules": false,
        "exception": {{"type": "KeyError", "value": "'eur'", "mechanism": {{"type": "django"}}}}}}"#
    );
    let answer = explain::enhancements(&case, prepare).unwrap();
    let answer = json::parse_str(&answer).unwrap();
    let classified = answer.get("classified").unwrap().as_array().unwrap();
    let counted = answer
        .at(&["system", "frames"])
        .unwrap()
        .as_array()
        .unwrap();
    let letter = |flag: Option<bool>, name: char| match flag {
        Some(true) => name.to_ascii_uppercase(),
        _ => name,
    };
    let row = |(frame, counts): (&Json<'_>, &Json<'_>)| {
        let in_app = letter(frame.get("in_app").and_then(Json::as_bool), 'a');
        let grouped = letter(counts.as_bool(), 'g');
        format!(
            "{in_app}{grouped}{}",
            frame.get_str("category").unwrap_or_default()
        )
    };
    let rows: Vec<String> = classified.iter().zip(counted).map(row).collect();
    rows.join(" ")
}

#[test]
fn stack_trace_rules_do_what_they_say() {
    for (rules, expected) in [
        ("", "aG AG aG"),
        ("function:b -app", "aG aG aG"),
        ("function:b -group", "aG Ag aG"),
        ("family:all -group\nfunction:c +group", "ag Ag aG"),
        ("function:b ^-group v+app", "AG AG ag"),
        ("function:b v-group", "ag AG aG"),
        ("family:all ^-group", "aG Ag ag"),
        ("family:all v-app +app", "aG aG AG"),
        ("family:all +app ^-app", "AG AG AG"),
        ("function:b -app\nfunction:b +app", "aG AG aG"),
        ("[ function:a ] | function:b -group", "aG Ag aG"),
        ("[ function:z ] | function:a -group", "aG AG aG"),
        ("function:b | [ function:c ] -group", "aG Ag aG"),
        ("category:x -group\nfunction:a category=x", "agx AG aG"),
        ("function:a +app\napp:yes -group", "Ag Ag aG"),
        ("app:maybe -group", "aG AG aG"),
        ("!module:m.b -group", "ag AG ag"),
        ("family:native,other -group", "ag Ag ag"),
        ("path:/srv/* -group", "ag AG aG"),
        ("path:/SRV/** -app", "aG aG aG"),
        ("error.type:Key* error.mechanism:django -group", "ag Ag ag"),
        ("error.value:nope -group", "aG AG aG"),
        ("family:all max-frames=2", "ag AG aG"),
    ] {
        assert_eq!(tried("python", FRAMES, rules), expected, "{rules}");
    }
}

#[test]
fn categories_of_neighbours_are_found_before_they_are_changed() {
    let frames = r#"[{"function": "x1"}, {"function": "x2"}, {"function": "x3"}]"#;
    let rules = "function:x* category=x\n[ category:x ] | category:x category=y";
    assert_eq!(tried("native", frames, rules), "aGx aGy aGy");
}

#[test]
fn the_built_in_rules_know_the_common_places() {
    for (platform, frame, expected) in [
        (
            "python",
            r#"{"function": "f", "abs_path": "/v/lib/python3.12/site-packages/x.py"}"#,
            false,
        ),
        (
            "python",
            r#"{"function": "f", "abs_path": "/srv/app/x.py"}"#,
            true,
        ),
        (
            "php",
            r#"{"function": "f", "abs_path": "/srv/vendor/acme/x.php"}"#,
            false,
        ),
        (
            "javascript",
            r#"{"function": "f", "abs_path": "webpack:///node_modules/x.js"}"#,
            false,
        ),
        (
            "javascript",
            r#"{"function": "f", "module": "tslib/tslib.es6"}"#,
            false,
        ),
        (
            "java",
            r#"{"function": "f", "module": "org.springframework.web.X"}"#,
            false,
        ),
        ("java", r#"{"function": "f", "module": "com.shop.X"}"#, true),
        (
            "go",
            r#"{"function": "f", "abs_path": "/home/b/go/pkg/mod/github.com/a/b.go"}"#,
            false,
        ),
        ("native", r#"{"function": "std::rt::lang_start"}"#, false),
        (
            "native",
            r#"{"function": "shop::main", "package": "/srv/bin/shopd"}"#,
            true,
        ),
        (
            "cocoa",
            r#"{"function": "f", "package": "/System/Library/Frameworks/UIKit.framework/UIKit"}"#,
            false,
        ),
    ] {
        let text = format!(
            r#"{{"platform": "{platform}", "stacktrace": {{"frames": [{}]}}}}"#,
            frame.replacen('{', r#"{"in_app": true, "#, 1)
        );
        let mut event = prepare(Event::parse(text.as_bytes()).unwrap());
        classify(&mut event, &Rules::default());
        let in_app = event
            .stacktrace()
            .unwrap()
            .frames()
            .next()
            .unwrap()
            .in_app();
        assert_eq!(in_app, Some(expected), "{platform} {frame}");
    }
}

const DJANGO_ERROR: &str = r#"{"platform": "python", "level": "fatal", "logger": "shop.pay", "release": "shop@1.2.3",
    "transaction": "/checkout/", "tags": [["region", "eu"]], "sdk": {"name": "sentry.python.django"},
    "exception": {"values": [{"type": "KeyError", "value": "'EUR' 5", "stacktrace": {"frames": [
        {"function": "inner", "module": "django.core", "abs_path": "/v/site-packages/django/core.py"},
        {"function": "checkout", "module": "shop.views", "abs_path": "/srv/app/shop/views.py", "in_app": true}]}}]}}"#;

fn with_rules(fingerprinting: &str) -> Grouping {
    let rules = Rules::new("", fingerprinting).unwrap();
    let mut event = prepare(Event::parse(DJANGO_ERROR.as_bytes()).unwrap());
    classify(&mut event, &rules);
    group(&event, &rules)
}

#[test]
fn fingerprint_rules_match_what_they_say() {
    for (matchers, expected) in [
        ("type:Key*", true),
        ("!type:KeyError", false),
        ("value:\"*eur*\"", true),
        ("message:*EUR*", true),
        ("level:FATAL logger:shop.*", true),
        ("level:error logger:shop.*", false),
        ("release:SHOP@1.*", true),
        ("tags.region:eu tags.transaction:/checkout/", true),
        ("function:inner module:django.core", true),
        ("function:inner module:shop.views", false),
        ("app:yes function:checkout", true),
        ("app:no function:checkout", false),
        ("path:/srv/*.py", false),
        ("path:/SRV/**", true),
        ("sdk:sentry.python", true),
        ("sdk:sentry.python.django", false),
        ("family:native,other", true),
        ("type:KeyError function:nope", false),
    ] {
        let grouping = with_rules(&format!("{matchers} -> hit"));
        assert_eq!(grouping.fingerprint_rule.is_some(), expected, "{matchers}");
        let name = grouping.primary().map(|variant| variant.name);
        let expected_name = if expected {
            VariantName::CustomServerFingerprint
        } else {
            VariantName::App
        };
        assert_eq!(name, Some(expected_name), "{matchers}");
    }
}

#[test]
fn variables_are_filled_in() {
    for (values, expected) in [
        ("{{ type }}, {{function}}", &["KeyError", "checkout"][..]),
        ("{{ message }}", &["'EUR' <int>"]),
        ("\"'EUR' 5\"", &["'EUR' <int>"]),
        ("x={{type}}", &["x={{type}}"]),
        (
            "{{ module }} {{ path }} {{ package }}",
            &["shop.views", "/srv/app/shop/views.py", "<no-package>"],
        ),
        (
            "{{ tags.region }} {{ tags.no }} {{ nope }}",
            &[
                "eu",
                "<no-value-for-tag-no>",
                "<unrecognized-variable-nope>",
            ],
        ),
        (
            "{{ level }} {{ logger }} {{ transaction }}",
            &["fatal", "shop.pay", "/checkout/"],
        ),
    ] {
        let grouping = with_rules(&format!("type:* -> {values}"));
        let leaves = &grouping.primary().unwrap().values;
        let found: Vec<&str> = leaves.iter().map(|leaf| leaf.value.as_str()).collect();
        assert_eq!(found, expected, "{values}");
    }
    let grouping =
        with_rules("type:* -> {{ default }} x title=\"{{ type }} of {{ tags.region }}\"");
    assert_eq!(grouping.title, "KeyError of eu");
    assert_eq!(grouping.hashes().len(), 2);
    assert_ne!(grouping.hashes(), with_rules("").hashes());
}

#[test]
fn a_mistake_in_either_text_is_refused_with_its_place() {
    let error = Rules::new("function:a -app\nfunction:b", "").unwrap_err();
    assert_eq!((error.line, error.column), (2, 11));
    let error = Rules::new("", "type:A->b").unwrap_err();
    assert_eq!((error.line, error.column), (1, 10));
}
