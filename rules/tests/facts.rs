//! What conditions find in an event, and what they object to.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;

use bugle_protocol::{Event, UnixMillis};
use bugle_query::{Fields as _, Key, Query, Values};
use bugle_rules::facts::{FIELDS, FieldKind, check};
use bugle_rules::{Facts, Filters, FiltersDocument, Problem, Sender, hints};

/// 2026-11-20T08:38:24Z.
const NOW: UnixMillis = UnixMillis(1_795_163_904_000);

/// A normalised error that has everything.
const ERROR: &str = r#"{
    "event_id": "9f1b0c5d6e7a48f2b3c4d5e6f7a8b9c0", "type": "error", "level": "fatal", "platform": "python",
    "logger": "shop.orders", "environment": "production", "release": "shop@1.2.3-rc.1+45", "dist": "12",
    "transaction": "/checkout/{id}/", "culprit": "orders.views in pay",
    "timestamp": 1795163900.5, "received": 1795163901.0,
    "logentry": {"message": "paying %s failed", "formatted": "paying 42 failed\nsecond line"},
    "exception": {"values": [
        {"type": "OperationalError", "value": "could not connect", "module": "psycopg", "thread_id": 7,
         "mechanism": {"type": "chained", "handled": true},
         "stacktrace": {"frames": [{"filename": "pg.py", "abs_path": "/lib/pg.py", "function": "connect", "module": "psycopg.pg",
                                    "package": "libpq.so", "in_app": false}]}},
        {"type": "PaymentError", "value": "no money", "mechanism": {"type": "django", "handled": false},
         "stacktrace": {"frames": [{"filename": "orders/views.py", "function": "pay", "in_app": true}]}}]},
    "threads": {"values": [{"id": 7, "main": true}, {"id": 8, "main": false}]},
    "request": {"url": "https://shop.example/checkout/42/", "method": "POST", "headers": [
        ["User-Agent", "Mozilla/5.0 Firefox/145.0"], ["Referer", "https://shop.example/cart"], ["X-Forwarded-For", "203.0.113.9"]]},
    "user": {"id": "42", "email": "jane@example.com", "username": "jane", "ip_address": "203.0.113.9", "name": "Jane",
             "geo": {"country_code": "PT", "city": "Lisboa"}, "data": {"plan": "pro"}},
    "sdk": {"name": "sentry.python.django", "version": "2.35.1"},
    "tags": [["server_name", "web-1"], ["retries", "3"], ["handled_by", "nobody"], ["level", "a tag"], ["device.class", "2"]],
    "extra": {"order": {"id": 17, "paid": false}, "a.b": "dotted", "list": ["x", 1, "y"]},
    "csp": {"blocked_uri": "https://evil.example/x.js"},
    "contexts": {
        "trace": {"trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "span_id": "fa90fdead5f74053", "parent_span_id": "b2f0e5c1a0d94f3e",
                  "op": "http.server", "status": "unknown", "sampled": true, "client_sample_rate": 0.25, "data": {"db.system": "postgresql"}},
        "response": {"status_code": 502},
        "os": {"os": "Linux 6.12", "name": "Linux", "version": ">=6.12", "build": "debian"},
        "client_os": {"name": "Windows", "version": "11"},
        "browser": {"browser": "Firefox 145.0", "name": "Firefox", "version": "145.0"},
        "runtime": {"runtime": "CPython 3.13.1", "name": "CPython", "version": "3.13.1"},
        "device": {"family": "iPhone", "model": "iPhone15,2", "simulator": false},
        "app": {"app_name": "Shop", "in_foreground": true},
        "gpu": {"name": "Mali"},
        "state": {"type": "redux"}}
}"#;

/// A normalised transaction.
const TRANSACTION: &str = r#"{
    "event_id": "0000000000000000000000000000000a", "type": "transaction", "level": "info", "transaction": "/api/orders/",
    "transaction_info": {"source": "route"}, "start_timestamp": 1795163900.1, "timestamp": 1795163900.2,
    "contexts": {"trace": {"trace_id": "4c79f60c11214eb38604f4ae0781bfb2", "op": "http.server", "status": "ok"}},
    "measurements": {"lcp": {"value": 2.5, "unit": "second"}, "heap": {"value": 3, "unit": "mebibyte"}, "cls": {"value": 0.1, "unit": "none"}},
    "tags": [["http.status_code", "200"]]
}"#;

fn sender() -> Sender<'static> {
    Sender {
        client_ip: "::ffff:10.1.2.3".parse().ok(),
        user_agent: Some("sentry.python/2.35.1"),
    }
}

fn assert_all(event: &str, expected: bool, conditions: &[&str]) {
    let event = Event::parse(event.as_bytes()).unwrap();
    let facts = Facts::new(&event, sender(), NOW);
    for source in conditions {
        let query = Query::parse(source).unwrap_or_else(|e| panic!("{}", e.render(source)));
        assert_eq!(query.matches(&facts), expected, "{source}");
        assert_eq!(check(&query), [], "{source}");
    }
}

#[test]
fn an_error_is_found_by_what_it_holds() {
    assert_all(
        ERROR,
        true,
        &[
            "id:9f1b0c5d6e7a48f2b3c4d5e6f7a8b9c0 event.type:error level:fatal level:>=error level:FATAL",
            "platform:python platform.name:py* logger:shop.* environment:PRODUCTION server_name:web-1 dist:12 dist:>11",
            "release:shop@1.2.3-rc.1+45 release.package:shop release.version:1.2.3-rc.1 release.version:<1.2.3 release.version:>=1.2",
            "release.build:45 release.build:>=40 !release.build:>45",
            "error.type:OperationalError error.type:[x, Payment*] error.value:\"*not connect*\" error.module:psycopg",
            "error.mechanism:django error.unhandled:true error.handled:false error.handled:0 error.main_thread:true",
            "stack.filename:*views.py stack.filename:pg.py stack.abs_path:/lib/* stack.function:connect stack.module:psycopg.*",
            "stack.package:libpq* stack.in_app:true",
            "message:\"paying 42*\" message:\"paying %s failed\" message:\"*could not connect*\" title:\"PaymentError: no money\"",
            "transaction:/checkout/* culprit:orders.views*",
            "url:https://shop.example/* request.url:*/42/ http.url:*checkout* request.method:POST http.method:post",
            "request.user_agent:*firefox* user_agent.original:*145* user_agent:Mozilla* http.referer:*/cart request.referer:*/cart",
            "headers.x-forwarded-for:203.0.113.9 request.headers.User-Agent:*Firefox* http.status_code:>=500 http.status_code:5*",
            "sender.address:10.1.2.3 sender.address:10.0.0.0/8 sender.ip:[192.0.2.1, 10.1.0.0/16] request.client_ip:10.1.*",
            "sender.user_agent:sentry.python/*",
            "user:id:42 user.id:42 user.email:*@example.com user.username:jane user.ip:203.0.113.0/24 user.ip_address:203.0.113.9",
            "user.name:Jane user.plan:pro geo.country_code:pt geo.city:Lis* user.geo.country_code:PT",
            "os:\"Linux 6*\" os.name:linux os.version:>6 os.build:debian client_os:\"Windows 11\" client_os.name:Windows",
            "client_os.version:11 browser:\"Firefox 145*\" browser.name:Firefox browser.version:<146 browser.version:>=145.0",
            "runtime:CPython* runtime.name:cpython runtime.version:>=3.13 device:iPhone15* device.family:iPhone device.simulator:false",
            "device.class:2 app.app_name:Shop app.in_foreground:true gpu.name:Mali",
            "sdk.name:sentry.python.* sdk.version:>=2.35 sdk.version:2.35.1",
            "trace:4c79f60c11214eb38604f4ae0781bfb2 trace.span:fa90* trace.parent_span:b2* trace.sampled:true",
            "trace.client_sample_rate:0.25 trace.client_sample_rate:<0.5",
            "extra.order.id:17 extra.order.id:>16 extra.order.paid:false extra.a.b:dotted extra.list:y csp.blocked_uri:*evil*",
            "contexts.state.type:redux contexts.trace.data.db.system:postgresql",
            "retries:3 tags[retries]:>2 handled_by:nobody tags[level]:\"a tag\" tags[environment]:production",
            "handled:no mechanism:django tags[user]:id:42 tags[browser.name]:Firefox",
            "timestamp:2026-11-20 timestamp:-1h received:>2026-11-20T08:38:20Z",
            "has:user.email !has:measurements.lcp !has:extra.nothing !has:somewhere",
            "\"PaymentError: no money\" OperationalError \"paying 42\" checkout AND orders.views",
        ],
    );
    assert_all(
        ERROR,
        false,
        &[
            "has:transaction.duration",
            "has:transaction.op",
            "has:transaction.status",
            "has:transaction.source",
            "transaction.duration:<1h",
            "error.handled:true",
            "error.type:KeyError",
            "sender.address:11.0.0.0/8",
            "level:<error",
            "timestamp:+1h",
            "production",
            "extra.order:17",
            "extra.order:>0",
            "!has:extra.order",
        ],
    );
}

#[test]
fn a_transaction_is_found_by_what_it_holds() {
    assert_all(
        TRANSACTION,
        true,
        &[
            "event.type:transaction transaction:/api/* title:/api/orders/ culprit:/api/*",
            "transaction.duration:100ms transaction.duration:>=100 transaction.duration:<=0.1s !transaction.duration:<100ms",
            "transaction.op:http.server transaction.status:ok transaction.source:route",
            "measurements.lcp:>2s measurements.lcp:2500 measurements.heap:>=3mib measurements.cls:<0.2",
            "http.status_code:200 http.status_code:<300",
            "!has:error.handled !has:error.unhandled !has:error.type !has:stack.in_app !has:user !has:release.version",
            "!error.type:KeyError",
            "orders",
        ],
    );
}

#[test]
fn a_message_is_found_by_its_text() {
    let event = r#"{"type": "default", "logentry": {"formatted": "\n\nInvalid HTTP_HOST header: 'x'.\nmore"},
                    "threads": [{"stacktrace": {"frames": [{"function": "run", "in_app": null}]}}],
                    "user": {"ip_address": "{{auto}}"}, "release": "1.10.2"}"#;
    assert_all(
        event,
        true,
        &[
            "message:\"*HTTP_HOST*\" title:\"Invalid HTTP_HOST header: 'x'.\" stack.function:run stack.in_app:false",
            "level:error has:user.ip user.ip:{{*}} release.version:>1.9 !has:release.package !has:release.build",
        ],
    );
}

#[test]
fn what_has_members_is_there_and_lists_are_all_of_their_items() {
    let event = r#"{"extra": {"order": {"id": 5}, "l": [1, 2.5, "x", true, null, {"a": 1}], "deep": [[1]], "o": {}, "e": [],
        "n": null, "blank": [""], "nulls": [null], "times": ["500ms"]}, "contexts": {"state": {"value": {"cart": {}}}}}"#;
    assert_all(
        event,
        true,
        &[
            "has:extra.order extra.order:* !extra.order:5 !extra.order:\"\" has:contexts.state.value has:contexts.state",
            "has:extra.l extra.l:1 extra.l:2.5 extra.l:x extra.l:true extra.l:[7, 2*] extra.l:>2 extra.l:<2 extra.l:*",
            "!extra.l:3 !extra.l:>3 !extra.l:\"\" has:extra.deep !extra.deep:1 extra.times:>400ms",
            "!has:extra.o !has:extra.e !has:extra.n !has:extra.blank !has:extra.nulls extra.e:\"\" extra.o:\"\"",
        ],
    );
}

#[test]
fn what_no_rule_has_time_for_is_not_looked_at() {
    let long = format!("{}END", "é".repeat(20_000));
    let frames: Vec<String> = (0..3_000)
        .map(|n| format!(r#"{{"function": "f", "filename": "{n:0>200}"}}"#))
        .collect();
    let event = format!(
        r#"{{"exception": [{{"type": "E", "value": "{long}", "stacktrace": {{"frames": [{}]}}}}],
            "extra": {{"text": "{long}", "list": ["{long}", "{long}", "{long}", "y"]}}, "tags": [["t", "{long}"]]}}"#,
        frames.join(",")
    );
    assert_all(
        &event,
        true,
        &[
            "stack.filename:*0000 stack.filename:*00300 !stack.filename:*00400 stack.function:f",
            "error.value:é* !error.value:*END !extra.text:*END !extra.list:y !tags[t]:*END has:tags[t]",
        ],
    );
    // As long as messages can be.
    let message = format!("{}END", "\u{1f980}".repeat(8_189));
    let event =
        format!(r#"{{"logentry": {{"formatted": "{message}"}}, "extra": {{"a": "{message}"}}}}"#);
    assert_all(&event, true, &["message:*END END extra.a:*END"]);
}

#[test]
fn every_field_is_answered() {
    let events = [ERROR, TRANSACTION].map(|event| Event::parse(event.as_bytes()).unwrap());
    for field in FIELDS {
        let inner = match field.name {
            "headers.*" => "headers.referer",
            "geo.*" => "geo.city",
            "user.*" => "user.plan",
            "os.*" => "os.build",
            "device.*" => "device.family",
            "app.*" => "app.app_name",
            "gpu.*" => "gpu.name",
            "csp.*" => "csp.blocked_uri",
            "measurements.*" => "measurements.lcp",
            "extra.*" => "extra.order.id",
            "contexts.*" => "contexts.state.type",
            name => {
                assert!(!field.is_group(), "no example of {name}");
                name
            }
        };
        let key = Key::Field(inner.to_owned());
        let answered = events.iter().any(|event| {
            let facts = Facts::new(event, sender(), NOW);
            let values = facts.values(&key);
            values.is_present() && is_of_kind(&values, field.kind)
        });
        assert!(answered, "{inner}");
        for alias in field.aliases {
            let name = alias.trim_end_matches('*');
            assert!(FIELDS.iter().all(|other| other.name != *alias), "{alias}");
            assert!(Query::parse(&format!("has:{name}x")).is_ok(), "{alias}");
        }
    }
    let names: BTreeSet<_> = FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(names.len(), FIELDS.len(), "a field stands there twice");
}

fn is_of_kind(values: &Values<'_>, kind: FieldKind) -> bool {
    match kind {
        FieldKind::Text => matches!(values, Values::Text(_) | Values::Texts(_)),
        FieldKind::Number => matches!(values, Values::Number(_)),
        FieldKind::Duration => matches!(values, Values::Duration(_)),
        FieldKind::Time => matches!(values, Values::Time(_)),
        FieldKind::Bool => matches!(values, Values::Bool(_)),
        FieldKind::Level => matches!(values, Values::Level(_)),
        FieldKind::Version => matches!(values, Values::Version(_)),
        FieldKind::Address => matches!(values, Values::Address(_)),
        FieldKind::Any => true,
    }
}

#[test]
fn the_documentation_lists_every_field() {
    let page = include_str!("../../docs/conditions.md");
    for field in FIELDS {
        let row = format!("| `{}`", field.name);
        assert!(
            page.lines()
                .any(|line| line.starts_with(&row) && line.contains(field.kind.name())),
            "docs/conditions.md lacks {row} with its kind {}",
            field.kind.name()
        );
    }
}

/// Line, column and the beginning of what is said.
fn problems(rules: &str) -> Vec<(usize, usize, String)> {
    let document = FiltersDocument {
        rules: rules.to_owned(),
        ..FiltersDocument::default()
    };
    let (_, problems) = Filters::lenient(&document);
    places(problems)
}

fn places(problems: Vec<Problem>) -> Vec<(usize, usize, String)> {
    let place = |problem: Problem| {
        assert_eq!(problem.field, "rules");
        let (line, column) = (problem.line.unwrap(), problem.column.unwrap());
        (line, column, problem.message)
    };
    problems.into_iter().map(place).collect()
}

#[test]
fn values_that_no_event_has_are_reported_where_they_stand() {
    for (rule, column, words) in [
        ("level:>5 -> drop", 8, "`level` is a level"),
        ("level:eror -> drop", 7, "`level` is a level"),
        ("é level:[error, wanring] -> drop", 17, "`level` is a level"),
        (
            "transaction.duration:abc -> drop",
            22,
            "`transaction.duration` is a duration",
        ),
        (
            "!transaction.duration:>10kb -> drop",
            24,
            "`transaction.duration` is a duration",
        ),
        (
            "a:b (timestamp:yesterday OR c:d) -> drop",
            16,
            "`timestamp` is a time",
        ),
        ("timestamp:>5 -> drop", 12, "`timestamp` is a time"),
        (
            "error.unhandled:yes -> drop",
            17,
            "`error.unhandled` is `true` or `false`",
        ),
        (
            "error.unhandled:>1 -> drop",
            18,
            "`error.unhandled` is `true` or `false`",
        ),
        (
            "http.status_code:ok -> drop",
            18,
            "`http.status_code` is a number",
        ),
        ("message:>5 -> drop", 10, "`message` is a text"),
        (
            "release.version:>warning -> drop",
            18,
            "`release.version` is a version",
        ),
        (
            "sender.address:10.0.0.0/33 -> drop",
            16,
            "`sender.address` is an address",
        ),
        ("user.ip:>5 -> drop", 10, "`user.ip` is an address"),
    ] {
        let text = format!("# a comment\n\n{rule}");
        assert_eq!(hints(&text), [], "{rule}");
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        assert_eq!((found[0].0, found[0].1), (3, column), "{rule}: {found:?}");
        assert!(found[0].2.starts_with(words), "{rule}: {found:?}");
    }
}

#[test]
fn names_that_are_nearly_those_of_fields_are_hints_and_no_problems() {
    for (rule, column, words) in [
        (
            "!has:error.typ -> drop",
            6,
            "there is no field `error.typ`; did you mean `error.type`?",
        ),
        (
            "a:b !error.tpye:KeyError -> drop",
            6,
            "there is no field `error.tpye`",
        ),
        ("type:checkout -> drop", 1, "there is no field `type`"),
    ] {
        let text = format!("# a comment\n(\n{rule}");
        let found = places(hints(&text));
        assert_eq!(found.len(), 1, "{rule}: {found:?}");
        assert_eq!((found[0].0, found[0].1), (3, column), "{rule}: {found:?}");
        assert!(found[0].2.starts_with(words), "{rule}: {found:?}");
        assert_eq!(problems(rule), [], "{rule}");
    }
    // They do not take the room of what is wrong.
    let text = format!("{}level:>5 -> drop", "type:x -> drop\n".repeat(100));
    assert_eq!((hints(&text).len(), problems(&text).len()), (50, 1));
}

#[test]
fn a_text_compares_with_so_many_values_and_no_more() {
    let ids: Vec<String> = (0..999).map(|n| n.to_string()).collect();
    let line = format!("a:x customer:[{}] -> drop\n", ids.join(","));
    assert_eq!(problems(&line.repeat(5)), []);
    let text = format!("{}logger:y -> drop\nlogger:z -> drop", line.repeat(5));
    let found = problems(&text);
    assert_eq!((found.len(), found[0].0), (1, 6), "{found:?}");
    assert!(found[0].2.contains("more than 5000 values"), "{found:?}");
    let document = FiltersDocument {
        rules: text,
        ..FiltersDocument::default()
    };
    let (filters, _) = Filters::lenient(&document);
    for (event, expected) in [
        (r#"{"tags": [["a", "x"], ["customer", "998"]]}"#, true),
        (r#"{"logger": "y"}"#, false),
        (r#"{"logger": "z"}"#, false),
    ] {
        let event = Event::parse(event.as_bytes()).unwrap();
        let facts = Facts::new(&event, Sender::default(), NOW);
        assert_eq!(filters.first_hit(&facts).is_some(), expected);
    }
}

#[test]
fn what_is_right_is_not_objected_to() {
    for rule in [
        "level:[warn*, critical] !level:\"\" -> drop",
        "transaction.duration:[500ms, 2s, 30] -> drop",
        "timestamp:[2026-01-02, -24h, +7d, 2026*] timestamp:>-2h -> drop",
        "error.unhandled:[TRUE, 0] http.status_code:[404, 5*] -> drop",
        "tags[error.typ]:x tags[level]:>5 extra.count:>5 customer:>5 user_id:7 -> drop",
        "sender.address:[10.0.0.1, 2001:db8::/32, 192.168.*] has:level -> drop",
        "some words \"level:>5\" -> drop",
    ] {
        assert_eq!((problems(rule), hints(rule)), (vec![], vec![]), "{rule}");
    }
}

#[test]
fn wrong_lines_switch_off_no_other_however_many_they_are() {
    for wrong in [1, 49, 50, 51, 2_000] {
        let text = format!("{}logger:spam -> drop\n", "level:[ -> drop\n".repeat(wrong));
        assert_eq!(problems(&text).len(), wrong.min(50));
        let document = FiltersDocument {
            rules: text,
            ..FiltersDocument::default()
        };
        let (filters, _) = Filters::lenient(&document);
        let event = Event::parse(br#"{"logger": "spam"}"#).unwrap();
        let facts = Facts::new(&event, Sender::default(), NOW);
        assert!(filters.first_hit(&facts).is_some(), "{wrong}");
    }
}

#[test]
fn problems_come_in_order_and_spoil_no_other_line() {
    let text = "level:>5 -> drop\nlogger:x -> explode\nerror.typ:KeyError -> drop\n!level:>5 -> drop\nlogger:spam -> drop";
    let found = problems(text);
    let lines: Vec<usize> = found.iter().map(|found| found.0).collect();
    assert_eq!(lines, [1, 2, 4], "{found:?}");
    let document = FiltersDocument {
        rules: text.to_owned(),
        ..FiltersDocument::default()
    };
    let (filters, _) = Filters::lenient(&document);
    for (event, expected) in [
        (r#"{"logger": "spam"}"#, true),
        (r#"{"logger": "x"}"#, false),
        // A line with a hint alone still does what it says.
        (r#"{"tags": [["error.typ", "KeyError"]]}"#, true),
    ] {
        let event = Event::parse(event.as_bytes()).unwrap();
        let facts = Facts::new(&event, Sender::default(), NOW);
        assert_eq!(filters.first_hit(&facts).is_some(), expected);
    }
}
