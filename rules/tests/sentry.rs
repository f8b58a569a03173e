//! Sentry's conditions asked about events, and its rules turned into ours.

use bugle_protocol::{Event, UnixMillis, json};
use bugle_rules::sentry::{Condition, OwnEvent, SamplingConfig, decide, to_lines};
use bugle_rules::{Facts, Filters, FiltersDocument, Sampling, SamplingDocument, Sender};

const EVENT: &str = r#"{
  "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "type": "transaction", "level": "error", "release": "shop@1.2.3+77",
  "environment": "production", "transaction": "/api/orders", "platform": "python",
  "start_timestamp": 100.0, "timestamp": 100.25,
  "user": {"id": "7", "email": "ann@example.com", "ip_address": "192.0.2.7"},
  "request": {"url": "https://shop.example/robots.txt", "method": "GET", "headers": [["User-Agent", "curl/8"]]},
  "tags": [["server", "web-1"]], "extra": {"order": {"id": "x"}}, "measurements": {"lcp": {"value": 12.5}},
  "contexts": {"trace": {"trace_id": "7e2cbbe9b1ed3cd705705b59f865cf79", "status": "ok", "sampled": true}},
  "exception": {"values": [{"type": "KeyError", "value": "no"}, {"type": "DisallowedHost", "value": "Invalid HTTP_HOST"}]}
}"#;

/// Condition, whether it holds of the event, and the line it becomes; the empty text for what is left out.
const CONDITIONS: [(&str, bool, &str); 32] = [
    (
        r#"{"op":"eq","name":"event.level","value":"error"}"#,
        true,
        "level:error",
    ),
    (
        r#"{"op":"eq","name":"event.level","value":"ERROR","options":{"ignoreCase":true}}"#,
        true,
        "level:ERROR",
    ),
    (
        r#"{"op":"eq","name":"event.release","value":["a","shop@1.2.3+77"]}"#,
        true,
        "release:[a, shop@1.2.3+77]",
    ),
    (
        r#"{"op":"eq","name":"event.dist","value":null}"#,
        true,
        "!has:dist",
    ),
    (
        r#"{"op":"not","inner":{"op":"eq","name":"event.dist","value":null}}"#,
        false,
        "has:dist",
    ),
    (r#"{"op":"eq","name":"event.user.id","value":7}"#, false, ""),
    (
        r#"{"op":"eq","name":"event.contexts.trace.sampled","value":true}"#,
        true,
        "contexts.trace.sampled:true",
    ),
    (
        r#"{"op":"eq","name":"event.release.package","value":"shop"}"#,
        true,
        "release.package:shop",
    ),
    (
        r#"{"op":"eq","name":"event.release.version.short","value":"1.2.3"}"#,
        true,
        "release.version:1.2.3",
    ),
    (
        r#"{"op":"eq","name":"event.release.build","value":"77"}"#,
        true,
        "release.build:77",
    ),
    (
        r#"{"op":"eq","name":"event.tags.server","value":"web-1"}"#,
        true,
        "tags[server]:web-1",
    ),
    (
        r#"{"op":"eq","name":"event.extra.order.id","value":"x"}"#,
        true,
        "extra.order.id:x",
    ),
    (
        r#"{"op":"gt","name":"event.measurements.lcp.value","value":12}"#,
        true,
        "measurements.lcp:>12",
    ),
    (
        r#"{"op":"lt","name":"event.duration","value":100}"#,
        false,
        "transaction.duration:<100ms",
    ),
    (
        r#"{"op":"gte","name":"event.duration","value":250}"#,
        true,
        "transaction.duration:>=250ms",
    ),
    (
        r#"{"op":"lte","name":"event.release","value":"z"}"#,
        true,
        "",
    ),
    (
        r#"{"op":"glob","name":"event.request.headers.User-Agent","value":["*bot*","*curl*"]}"#,
        true,
        "headers.User-Agent:[*bot*, *curl*]",
    ),
    (
        r#"{"op":"glob","name":"event.request.url","value":["*/favicon.ico","*/robots.txt","*.env"]}"#,
        true,
        "request.url:[*/favicon.ico, */robots.txt, *.env]",
    ),
    (
        r#"{"op":"glob","name":"event.transaction","value":["/{api,admin}/*"]}"#,
        true,
        "transaction:[/api/*, /admin/*]",
    ),
    (
        r#"{"op":"glob","name":"event.transaction","value":["[bad", "/api/*"]}"#,
        true,
        "transaction:/api/*",
    ),
    (
        r#"{"op":"glob","name":"event.transaction","value":["/ap?/*"]}"#,
        true,
        "",
    ),
    (
        r#"{"op":"cidr","name":"event.user.ip_address","value":["bad","192.0.2.0/24"]}"#,
        true,
        "user.ip:192.0.2.0/24",
    ),
    (r#"{"op":"or","inner":[]}"#, false, ""),
    (
        r#"{"op":"or","inner":[{"op":"eq","name":"event.level","value":"info"},{"op":"eq","name":"event.platform","value":"python"}]}"#,
        true,
        "level:info OR platform:python",
    ),
    (
        r#"{"op":"not","inner":{"op":"or","inner":[{"op":"eq","name":"event.level","value":"info"},{"op":"eq","name":"event.platform","value":"php"}]}}"#,
        true,
        "!level:info !platform:php",
    ),
    (
        r#"{"op":"not","inner":{"op":"and","inner":[{"op":"eq","name":"event.level","value":"error"},{"op":"gt","name":"event.duration","value":1000}]}}"#,
        true,
        "!level:error OR !transaction.duration:>1000ms",
    ),
    (
        r#"{"op":"and","inner":[{"op":"and","inner":[]},{"op":"eq","name":"event.level","value":"error"}]}"#,
        true,
        "level:error",
    ),
    (
        r#"{"op":"any","name":"event.exception.values","inner":{"op":"glob","name":"ty","value":["Disallowed*","SuspiciousOperation"]}}"#,
        true,
        "error.type:[Disallowed*, SuspiciousOperation]",
    ),
    (
        r#"{"op":"any","name":"event.exception.values","inner":{"op":"and","inner":[{"op":"eq","name":"ty","value":"KeyError"},{"op":"eq","name":"value","value":"Invalid HTTP_HOST"}]}}"#,
        false,
        "",
    ),
    (
        r#"{"op":"all","name":"event.exception.values","inner":{"op":"not","inner":{"op":"eq","name":"ty","value":"OSError"}}}"#,
        true,
        "!error.type:OSError",
    ),
    (
        r#"{"op":"eq","name":"event.no.such","value":"x"}"#,
        false,
        "",
    ),
    (
        r#"{"op":"regex","name":"event.level","value":"x"}"#,
        false,
        "",
    ),
];

#[test]
fn conditions_hold_as_they_do_at_sentry() {
    let event = Event::parse(EVENT.as_bytes()).unwrap();
    for (text, expected, _) in CONDITIONS {
        let condition = Condition::read(&json::parse_str(text).unwrap()).unwrap();
        assert_eq!(condition.matches(&OwnEvent(&event)), expected, "{text}");
    }
}

#[test]
fn filters_become_lines_that_do_the_same() {
    let event = Event::parse(EVENT.as_bytes()).unwrap();
    let facts = Facts::new(&event, Sender::default(), UnixMillis(0));
    for (text, holds, line) in CONDITIONS {
        let filters = format!(
            r#"{{"version":1,"filters":[{{"id":"x","isEnabled":true,"condition":{text}}}]}}"#
        );
        let lines = to_lines(&filters).unwrap();
        if line.is_empty() {
            assert!(lines.starts_with("# x: left out, "), "{lines}");
            assert_eq!(lines.lines().count(), 1, "{lines}");
            continue;
        }
        assert_eq!(lines, format!("# x\n{line} -> drop\n"), "{text}");
        let document = FiltersDocument {
            rules: lines,
            ..FiltersDocument::default()
        };
        let (filters, problems) = Filters::lenient(&document);
        assert_eq!(problems, [], "{line}");
        assert_eq!(filters.first_hit(&facts).is_some(), holds, "{line}");
    }
}

#[test]
fn a_filter_that_is_off_stays_off() {
    let filters = r#"[{"id":"a\nb","isEnabled":false,"condition":{"op":"eq","name":"event.level","value":"info"}},
        {"id":"c","condition":{"op":"and","inner":[]}}, {"id":"d"}, 5,
        {"id":"e","condition":{"op":"eq","name":"event.level","value":"a\nb:c -> drop"}}]"#;
    assert_eq!(
        to_lines(filters).unwrap(),
        "# a b: switched off\n# level:info -> drop\n\
         # c: left out, it drops everything\n\
         # d: left out, it has no condition\n\
         # a filter without an id: left out, it has no condition\n\
         # e: left out, there is no counterpart for a text of several lines\n"
    );
}

const SAMPLING: &str = r#"{"version":2,"rules":[
  {"id":1,"type":"trace","samplingValue":{"type":"sampleRate","value":0},"condition":{"op":"glob","name":"trace.transaction","value":["/health*"]}},
  {"id":2,"type":"trace","samplingValue":{"type":"factor","value":2},"condition":{"op":"eq","name":"trace.environment","value":"dev"}},
  {"id":3,"type":"transaction","samplingValue":{"type":"sampleRate","value":1},"condition":{"op":"gt","name":"event.duration","value":2000},
   "timeRange":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"},"decayingFn":{"type":"linear","decayedValue":0.2}},
  {"id":4,"type":"trace","samplingValue":{"type":"sampleRate","value":0.1},"condition":{"op":"and","inner":[]}}]}"#;

#[test]
fn sampling_rules_become_lines() {
    let lines = to_lines(SAMPLING).unwrap();
    assert_eq!(
        lines,
        "# Rules of traces looked at the transaction in which a trace began. These look at each transaction itself.\n\
         # rule 1\n\
         transaction:/health* -> sample 0\n\
         # rule 2: left out, there is no counterpart for a factor: every line has a rate of its own\n\
         # rule 3\n\
         transaction.duration:>2000ms -> sample 1 to 0.2 from 2026-01-01T00:00:00Z until 2026-01-01T01:00:00Z\n\
         # rule 4\n\
         transaction:* -> sample 0.1\n"
    );
    let (_, problems) = Sampling::lenient(&SamplingDocument { rules: lines });
    assert_eq!(problems, []);
}

#[test]
fn own_rules_see_the_event_and_come_first() {
    let config = |text: &str| SamplingConfig::read(&json::parse_str(text).unwrap()).unwrap();
    let trace =
        json::parse_str(r#"{"trace_id":"7e2cbbe9b1ed3cd705705b59f865cf79","environment":"dev"}"#)
            .unwrap();
    let event = Event::parse(EVENT.as_bytes()).unwrap();
    let rule = |id: u32, kind: &str, value: &str| {
        format!(
            r#"{{"id":{id},"type":"{kind}","samplingValue":{value},"condition":{{"op":"and","inner":[]}}}}"#
        )
    };
    let decided = |rules: &[String]| {
        let config = config(&format!(r#"{{"rules":[{}]}}"#, rules.join(",")));
        let found = decide(&config, &config, Some(&trace), &event, UnixMillis(0))?;
        Some((found.sample_rate, found.rule_ids, found.seed.to_string()))
    };
    let rate = |rate: f64| format!(r#"{{"type":"sampleRate","value":{rate}}}"#);
    let own = rule(2, "transaction", &rate(0.5));
    let of_trace = rule(1, "trace", &rate(0.1));
    assert_eq!(
        decided(&[of_trace.clone(), own]),
        Some((
            0.5,
            vec![2],
            "9ec79c33-ec99-42ab-8353-589fcb2e04dc".to_owned()
        ))
    );
    let factor = rule(2, "transaction", r#"{"type":"factor","value":3}"#);
    let minimum = rule(3, "trace", r#"{"type":"minimumSampleRate","value":0.25}"#);
    let (all, ids, seed) = decided(&[minimum, of_trace.clone(), factor]).unwrap();
    assert!((all - 0.75).abs() < 1e-12);
    assert_eq!(ids, [2, 3, 1]);
    assert_eq!(seed, "7e2cbbe9-b1ed-3cd7-0570-5b59f865cf79");
    assert_eq!(decided(&[of_trace, rule(9, "bogus", &rate(1.0))]), None);
}

#[test]
fn other_texts_are_refused() {
    for (text, part) in [
        ("", "invalid JSON"),
        ("{}", "expected a list of filters"),
        ("5", "expected a list of filters"),
        (r#"{"filters":{}}"#, "expected a list of filters"),
        (r#"{"rules":[{"id":1}]}"#, "`condition` is missing"),
        (r#"{"rules":{}}"#, "`rules` is not a list of rules"),
    ] {
        let error = to_lines(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let long = format!("[{}]", " ".repeat(600_000));
    assert!(
        to_lines(&long)
            .unwrap_err()
            .to_string()
            .contains("524288 bytes")
    );
}

#[test]
fn explaining_answers_what_a_text_becomes() {
    let case = serde_json::json!({"id": "1", "op": "import", "text": SAMPLING}).to_string();
    let answer = bugle_rules::explain::case(&case, UnixMillis(0)).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["output"]["lines"], to_lines(SAMPLING).unwrap());
    let refused = r#"{"id":"2","op":"import","text":"{}"}"#;
    let answer = bugle_rules::explain::case(refused, UnixMillis(0)).unwrap();
    assert!(answer.starts_with(r#"{"id":"2","output":{"error":"expected a list"#));
}

#[test]
fn a_configuration_must_have_the_form_of_one() {
    let valid = r#"{"id":1,"type":"trace","samplingValue":{"type":"sampleRate","value":1},"condition":{"op":"and","inner":[]}}"#;
    let read = |text: &str| SamplingConfig::read(&json::parse_str(text).unwrap());
    assert!(read(&format!(r#"{{"version":2,"rules":[{valid}]}}"#)).is_ok());
    for (from, to) in [
        (r#""id":1"#, r#""id":1.0"#),
        (r#""id":1"#, r#""id":4294967296"#),
        (r#""id":1,"#, ""),
        (r#""trace""#, "7"),
        (r#""value":1"#, r#""value":"1""#),
        (r#""sampleRate""#, r#""reservoir""#),
        (r#""op":"and","inner":[]"#, r#""op":"and""#),
        (r#""id":1"#, r#""id":1,"timeRange":null"#),
        (
            r#""id":1"#,
            r#""id":1,"timeRange":{"start":"2026-01-01T00:00:00"}"#,
        ),
        (r#""id":1"#, r#""id":1,"decayingFn":{"type":"linear"}"#),
        (r#""id":1"#, r#""id":1,"decayingFn":{"type":"sudden"}"#),
    ] {
        let text = format!(r#"{{"rules":[{}]}}"#, valid.replacen(from, to, 1));
        assert!(read(&text).is_err(), "{text}");
    }
    for text in [
        "5",
        r#"{"version":"2"}"#,
        r#"{"version":-1}"#,
        r#"{"rules":null}"#,
        r#"{"rules":[5]}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}
