//! Which values the kinds of events are hashed by, and how they are shown, by small tables.

#![expect(clippy::unwrap_used, reason = "a test may fail wherever it likes")]

mod support;

use bugle_grouping::{Grouping, Rules, classify, group};
use bugle_protocol::Event;

use support::prepare;

fn grouped(text: &str) -> Grouping {
    let rules = Rules::default();
    let mut event = prepare(Event::parse(text.as_bytes()).unwrap());
    classify(&mut event, &rules);
    group(&event, &rules)
}

/// The contributing variants: `app: type|value; system: ..`.
fn values(grouping: &Grouping) -> String {
    let contributing = grouping.variants.iter().filter(|v| v.contributes());
    let rows = contributing.map(|variant| {
        let leaves: Vec<&str> = variant
            .values
            .iter()
            .map(|leaf| leaf.value.as_str())
            .collect();
        format!("{}: {}", variant.name.as_str(), leaves.join("|"))
    });
    rows.collect::<Vec<_>>().join("; ")
}

#[test]
fn events_are_hashed_by_the_most_specific_thing_they_have() {
    let frames = r#"{"frames": [{"function": "f", "module": "m", "in_app": true}]}"#;
    for (event, expected) in [
        ("{}".to_owned(), "fallback: "),
        (r#"{"message": "order 12 failed"}"#.to_owned(), "default: order <int> failed"),
        (r#"{"logentry": {"message": "order %s", "formatted": "order 12"}}"#.to_owned(), "default: order %s"),
        (r#"{"template": {"filename": "a.html", "context_line": " {{ x }}"}, "message": "x"}"#.to_owned(), "default: a.html| {{ x }}"),
        (format!(r#"{{"stacktrace": {frames}, "message": "x"}}"#), "app: m|f"),
        (format!(r#"{{"threads": [{{"crashed": true, "stacktrace": {frames}}}, {{"id": 2}}], "message": "x"}}"#), "app: m|f"),
        (format!(r#"{{"threads": [{{"stacktrace": {frames}}}, {{"id": 2}}], "message": "x"}}"#), "default: x"),
        (r#"{"exception": [{"type": "E", "value": "no 5"}], "message": "x"}"#.to_owned(), "app: E|no <int>"),
        (format!(r#"{{"exception": [{{"type": "E", "value": "no 5", "stacktrace": {frames}}}]}}"#), "app: E|m|f"),
        (format!(r#"{{"exception": [{{"type": "E", "mechanism": {{"synthetic": true}}, "stacktrace": {frames}}}]}}"#), "app: m|f"),
        (r#"{"exception": [{"type": "E", "value": "v", "mechanism": {"meta": {"ns_error": {"domain": "D", "code": 3}}}}]}"#.to_owned(), "app: E|D|3"),
        (r#"{"checksum": "Abc", "message": "x"}"#.to_owned(), "hashed_checksum: Abc"),
        (r#"{"message": "x", "fingerprint": ["a", "{{ default }}"]}"#.to_owned(), "default: x"),
        (r#"{"message": "x", "fingerprint": ["a"]}"#.to_owned(), "custom_client_fingerprint: a"),
        (r#"{"csp": {"effective_directive": "img-src", "blocked_uri": "https://cdn.example/x.png"}}"#.to_owned(), "default: img-src|cdn.example"),
        (r#"{"csp": {"effective_directive": "script-src", "violated_directive": "script-src 'unsafe-inline'", "blocked_uri": ""}}"#.to_owned(), "default: script-src|'unsafe-inline'"),
        (r#"{"hpkp": {"hostname": "shop.example"}}"#.to_owned(), "default: hpkp|shop.example"),
    ] {
        assert_eq!(values(&grouped(&event)), expected, "{event}");
    }
}

/// Exceptions of a group: `(type, value, id, parent, is group)`, in payload order.
fn exception_group(members: &[(&str, &str, i64, Option<i64>, bool)]) -> String {
    let exceptions = members.iter().map(|(ty, value, id, parent, is_group)| {
        let parent = parent.map_or(String::new(), |parent| format!(r#""parent_id": {parent}, "#));
        format!(
            r#"{{"type": "{ty}", "value": "{value}", "mechanism": {{{parent}"exception_id": {id}, "is_exception_group": {is_group}}}}}"#
        )
    });
    format!(
        r#"{{"exception": [{}]}}"#,
        exceptions.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn exception_groups_are_reduced_to_what_differs() {
    let group = ("Group", "many", 0, None, true);
    for (members, expected, title) in [
        (
            vec![
                ("A", "no 1", 2, Some(0), false),
                ("A", "no 2", 1, Some(0), false),
                group,
            ],
            "app: A|no <int>",
            "A: no 2",
        ),
        (
            vec![
                ("A", "x", 2, Some(0), false),
                ("B", "y", 1, Some(0), false),
                group,
            ],
            "app: B|y|A|x|Group|many",
            "Group: many",
        ),
        (
            vec![
                ("A", "cause", 2, Some(1), false),
                ("B", "y", 1, Some(0), false),
                group,
            ],
            "app: B|y|A|cause",
            "B: y",
        ),
        (
            vec![("A", "x", 1, Some(1), false), group],
            "app: A|x|Group|many",
            "Group: many",
        ),
        (
            vec![("A", "x", 1, Some(0), true), group],
            "app: A|x|Group|many",
            "Group: many",
        ),
        (
            vec![
                ("A", "cause", 1, Some(0), false),
                ("B", "y", 0, None, false),
            ],
            "app: B|y|A|cause",
            "B: y",
        ),
    ] {
        let grouping = grouped(&exception_group(&members));
        assert_eq!(values(&grouping), expected);
        assert_eq!(grouping.title, title);
    }
}

#[test]
fn frames_are_hashed_without_what_changes_between_builds() {
    for (platform, frame, expected) in [
        (
            "python",
            r#""filename": "C:\\app\\Jobs.py", "function": "main", "context_line": "  a   =\t1 ""#,
            "jobs.py|main|a = 1",
        ),
        (
            "python",
            r#""module": "m", "filename": "m.py", "function": "f""#,
            "m|f",
        ),
        (
            "ruby",
            r#""filename": "a.rb", "function": "block (2 levels) in run""#,
            "a.rb|block",
        ),
        (
            "ruby",
            r#""filename": "a.erb", "function": "_show_html_erb__31415_70123""#,
            "a.erb|_show_html_erb",
        ),
        (
            "php",
            r#""filename": "a.php", "function": "class@anonymous::run""#,
            "a.php|run",
        ),
        (
            "java",
            r#""module": "a.B$$EnhancerByGuice$$ae46b1bf", "function": "lambda$run$0""#,
            "a.B$$EnhancerByGuice$$<auto>",
        ),
        (
            "javascript",
            r#""abs_path": "https://x.example/a.js", "filename": "/a.js", "function": "Cart.add""#,
            "add",
        ),
        (
            "javascript",
            r#""abs_path": "app:///a.js?v=1", "filename": "/a.js?v=1", "function": "add""#,
            "a.js|add",
        ),
        (
            "javascript",
            r#""module": "m", "function": "f", "context_line": "go()", "data": {"sourcemap": "x"}"#,
            "m|go()",
        ),
        (
            "csharp",
            r#""module": "M", "function": "Total (System.String b)""#,
            "M|Total (System.String b)",
        ),
        (
            "native",
            r#""function": "std::vector<int>::push_back(int const&)""#,
            "std::vector<T>::push_back",
        ),
    ] {
        let event = format!(
            r#"{{"platform": "{platform}", "stacktrace": {{"frames": [{{"in_app": true, {frame}}}, {{"in_app": true, {frame}}}]}}}}"#
        );
        let grouping = grouped(&event);
        let (_, found) = values(&grouping)
            .split_once(": ")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(found, expected, "{platform} {frame}");
    }
}

#[test]
fn titles_and_culprits_say_what_and_where() {
    for (event, title, culprit) in [
        (r#"{"message": "line one\nline two"}"#, "line one", ""),
        (r#"{"message": "  "}"#, "<unlabeled event>", ""),
        (
            r#"{"exception": [{"type": "E", "value": "a\nb"}], "transaction": "/x/"}"#,
            "E: a",
            "/x/",
        ),
        (
            r#"{"exception": [{"value": "b"}], "request": {"url": "http://x.example/"}}"#,
            "Error: b",
            "http://x.example/",
        ),
        (
            r#"{"platform": "node", "exception": [{"type": "E", "stacktrace": {"frames": [{"function": "f", "module": "m", "in_app": true}, {"function": "g", "filename": "x.js"}]}}]}"#,
            "E",
            "f(m)",
        ),
        (
            r#"{"platform": "python", "exception": [{"type": "E", "mechanism": {"synthetic": true}, "stacktrace": {"frames": [{"function": "f", "module": "m"}]}}]}"#,
            "f",
            "",
        ),
        (
            r#"{"csp": {"effective_directive": "img-src"}}"#,
            "<untitled>",
            "",
        ),
        (
            r#"{"nel": {"body": {}}, "message": "network / timeout", "request": {"url": "https://x.example/"}}"#,
            "network / timeout",
            "https://x.example/",
        ),
    ] {
        let grouping = grouped(event);
        assert_eq!(
            (grouping.title.as_str(), grouping.culprit.as_str()),
            (title, culprit),
            "{event}"
        );
    }
    let long = format!(
        r#"{{"message": "{}", "transaction": "{}"}}"#,
        "é".repeat(300),
        "é".repeat(300)
    );
    let grouping = grouped(&long);
    assert_eq!(grouping.title.chars().count(), 100);
    assert_eq!(grouping.culprit.chars().count(), 200);
}
