//! What each test means for each type of field.

use std::borrow::Cow;
use std::time::Duration;

use bugle_protocol::{Level, UnixMillis};
use bugle_query::{Fields, Key, Query, Values};

/// 2026-11-20T08:38:24Z.
const NOW: UnixMillis = UnixMillis(1_795_163_904_000);

struct Sample;

impl Fields for Sample {
    fn values(&self, key: &Key) -> Values<'_> {
        let name = match key {
            Key::Tag(name) if name == "retries" => return "3".into(),
            Key::Tag(name) if name == "wait" => return "1500ms".into(),
            Key::Tag(name) if name == "level" => return "a tag".into(),
            Key::Tag(name) if name == "since" => return "2026-11-20".into(),
            Key::Tag(name) if name == "app" => return "1.10.3".into(),
            Key::Tag(_) => return Values::None,
            Key::Field(name) => name.as_str(),
        };
        match name {
            "environment" => "Production".into(),
            "empty" => "".into(),
            "error.type" => Values::Texts(Cow::Borrowed(&["OperationalError", "KeyError"])),
            "nothing" => Values::Texts(Cow::Borrowed(&[])),
            "status" => Values::Number(404.0),
            "body" => Values::Number(2048.0),
            "transaction.duration" => Values::Duration(1500.0),
            "age" => Values::Time(NOW.before(Duration::from_secs(3600))),
            "error.handled" => Values::Bool(false),
            "level" => Values::Level(Level::Error),
            "release.version" => Values::Version("1.10.0-rc.1".into()),
            "sender" => Values::Address(std::net::Ipv4Addr::new(10, 1, 2, 3).into()),
            "note" => Option::<&str>::None.into(),
            _ => Values::None,
        }
    }

    fn free_text(&self) -> Values<'_> {
        Values::Texts(Cow::Borrowed(&[
            "OperationalError: could not connect",
            "orders.views in pay",
        ]))
    }

    fn now(&self) -> UnixMillis {
        NOW
    }
}

fn check(expected: bool, conditions: &[&str]) {
    for source in conditions {
        let query = Query::parse(source).unwrap_or_else(|e| panic!("{}", e.render(source)));
        assert_eq!(query.matches(&Sample), expected, "{source}");
        assert_eq!(query.matches(&Sample as &dyn Fields), expected, "{source}");
    }
}

#[test]
fn texts_compare_without_case_and_as_patterns() {
    check(
        true,
        &[
            "environment:production",
            "environment:\"PROD*\"",
            "environment:[dev, *duct*]",
            "!environment:dev",
        ],
    );
    check(
        false,
        &[
            "environment:prod",
            "!environment:production",
            "environment:[dev, staging]",
        ],
    );
}

#[test]
fn one_of_many_texts_is_enough() {
    check(
        true,
        &[
            "error.type:KeyError",
            "error.type:[x, operational*]",
            "!error.type:ValueError",
        ],
    );
    check(false, &["!error.type:KeyError", "error.type:Error"]);
}

#[test]
fn what_is_missing_equals_only_the_empty_value() {
    check(
        true,
        &[
            "!note:x",
            "!has:note",
            "note:\"\"",
            "empty:\"\"",
            "nothing:\"\"",
            "!has:empty",
            "note:[a, \"\"]",
            "!note:>1",
        ],
    );
    check(
        false,
        &[
            "note:*",
            "note:x",
            "has:note",
            "note:>1",
            "environment:\"\"",
            "has:nothing",
            "nothing:*",
        ],
    );
    check(
        true,
        &[
            "has:environment",
            "has:error.type",
            "has:status",
            "has:tags[retries]",
            "!environment:\"\"",
        ],
    );
}

#[test]
fn numbers_compare_by_value_and_match_as_written() {
    check(
        true,
        &[
            "status:404",
            "status:404.0",
            "status:>=404",
            "status:<5e2",
            "status:4*",
            "status:[500, 404]",
            "body:2kib",
            "body:>2kb",
        ],
    );
    check(
        false,
        &[
            "status:>404",
            "status:40",
            "status:5*",
            "status:x",
            "status:>1s",
            "body:>2kib",
        ],
    );
}

#[test]
fn durations_have_units_and_count_milliseconds_without() {
    let name = "transaction.duration";
    for (test, expected) in [
        (">1s", true),
        (">1499", true),
        ("<0.1min", true),
        (">=1.5s", true),
        ("1500ms", true),
        ("1500", true),
        ("<100ms", false),
        (">2s", false),
        (">1kb", false),
        ("2s", false),
    ] {
        check(expected, &[&format!("{name}:{test}")]);
    }
}

#[test]
fn times_are_absolute_or_relative() {
    check(
        true,
        &[
            "age:-24h",
            "age:+30m",
            "age:>-2h",
            "age:<=-1h",
            "age:+1h",
            "age:2026-11-20",
            "age:2026-11-20T07:38:24",
            "age:>=2026-11-20T07:38:24Z",
            "age:>2026-11-20",
            "age:2026-11-20T07*",
        ],
    );
    check(
        false,
        &[
            "age:-30m",
            "age:+2h",
            "age:>-1h",
            "age:2026-11-19",
            "age:2026-11-20T07:38:25",
            "age:<2026-11-20",
            "age:>5",
            "age:soon",
            "age:-99999999999d age:<-99999999999d",
        ],
    );
}

#[test]
fn truths_levels_and_versions_have_their_own_readings() {
    check(
        true,
        &[
            "error.handled:false",
            "error.handled:0",
            "!error.handled:true",
            "level:error",
            "level:err*",
            "level:>=warning",
            "level:<critical",
            "level:[fatal, error]",
        ],
    );
    check(
        false,
        &[
            "error.handled:yes",
            "error.handled:>0",
            "level:>error",
            "level:warning",
            "level:>1",
        ],
    );
    check(
        true,
        &[
            "release.version:>1.2",
            "release.version:<1.10",
            "release.version:1.10.*",
            "release.version:>=1.10.0-rc.1",
        ],
    );
    check(false, &["release.version:>1.10", "release.version:1.10"]);
}

#[test]
fn tags_are_texts_that_comparisons_read() {
    check(
        true,
        &[
            "tags[retries]:3",
            "tags[retries]:>2",
            "tags[wait]:>1s",
            "tags[wait]:<=1.5s",
            "tags[level]:\"a tag\"",
            "tags[since]:<-1h",
            "tags[app]:>1.9.9",
            "tags[app]:>1.2",
        ],
    );
    check(
        false,
        &[
            "tags[retries]:>10",
            "tags[wait]:>1000",
            "tags[level]:>2",
            "tags[environment]:production",
            "tags[app]:>1.11",
        ],
    );
}

#[test]
fn free_text_is_contained_in_one_of_the_texts() {
    check(
        true,
        &[
            "COULD NOT",
            "\"operational*connect\"",
            "could level:error pay",
            "orders.views",
            "",
        ],
    );
    check(false, &["connect pay", "missing", "could AND missing"]);
}

#[test]
fn and_binds_tighter_than_or() {
    check(
        true,
        &[
            "level:error OR status:1 status:2",
            "(level:error OR status:1) status:404",
        ],
    );
    check(
        false,
        &[
            "(level:error OR status:1) status:2",
            "status:1 OR level:error status:2",
        ],
    );
}

#[test]
fn each_term_can_be_explained() {
    let query = Query::parse("level:fatal OR (status:404 !has:note x)").unwrap();
    let matched: Vec<_> = query
        .terms()
        .iter()
        .map(|term| term.matches(&Sample))
        .collect();
    assert_eq!(matched, [false, true, true, false]);
}

#[test]
fn addresses_belong_to_networks() {
    check(
        true,
        &[
            "sender:10.1.2.3",
            "sender:10.0.0.0/8",
            "sender:\"::ffff:10.1.2.3\"",
            "sender:[192.0.2.0/24, 10.1.0.0/16]",
            "sender:10.1.*",
            "!sender:2001:db8::/32",
            "has:sender",
        ],
    );
    check(
        false,
        &[
            "sender:10.1.2.30",
            "sender:11.0.0.0/8",
            "sender:10.0.0.0/99",
            "sender:somewhere",
            "sender:>5",
            "sender:\"\"",
        ],
    );
}
