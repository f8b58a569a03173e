//! Texts of rules that people enter: scrubbing selectors and configurations, stack trace and fingerprint rules.

use bugle_protocol::{Event, Meta};
use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber, Selector};

use crate::captures::Captures;

const SEEDS: &[&str] = &[
    "$frame.vars.** && !(extra.'a''b' || $error.value) || **.password",
    r#"{"rules":{"r":{"type":"pattern","pattern":"(?P<a>\\d+)-[a-z]{2,9}","redaction":{"method":"replace","text":"[x]"},"replaceGroups":[0]}},"applications":{"$string":["r","@ip"]}}"#,
    r#"{"rules":{"m":{"type":"multiple","rules":["m","@email"],"hide_inner":true}},"applications":{"**":["m"]},"vars":{"hashKey":"k"}}"#,
    r#"{"relayPiiConfig":"{\"applications\":{\"$attachments.*\":[\"@email:mask\",\"@cloudkey\",\"@password:filter\"]}}"}"#,
    r#"{"applications":{"$attachments.'app.log'":["@ip:hash","@creditcard","@phone","@jwt"]}}"#,
    "# Ours\nfamily:javascript,native path:**/shop/** +app\nstack.function:\"handle *\" ^-group -group max-frames=3\n[ function:a ] | function:b +app",
    "error.type:\"Key*\" message:*a* -> {{ default }} {{ error.value }} title=\"x {{ level }}\"",
];

/// An event in which every kind of rule finds something.
const EVENT: &str = r#"{"extra":{"password":"hunter2","a'b":"10.0.0.1"},"user":{"email":"jane@example.com"},
    "exception":{"values":[{"type":"E","value":"card 4111111111111111","stacktrace":{"frames":[
    {"function":"a","module":"shop","vars":{"x":"1"}}]}}]}}"#;

/// Rules as people write them.
pub fn seeds(_: &Captures) -> Vec<Vec<u8>> {
    SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

/// Reads a text as every kind of rules, and applies them.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut event = Event::parse(EVENT.as_bytes()).expect("it is an event");
    if let Ok(selector) = text.parse::<Selector>() {
        let written = selector.to_string();
        assert!(written.parse::<Selector>().is_ok(), "written as {written}");
    }
    if let Ok(config) = PiiConfig::parse(&text) {
        let (scrubber, _) = Scrubber::lenient(&ScrubSettings::default(), &config);
        scrubber.scrub(&mut event, &mut Meta::default());
        let mut file = [EVENT.as_bytes(), input].concat();
        scrubber.scrub_attachment("app.log", &mut file);
        assert_eq!(
            file.len(),
            EVENT.len() + input.len(),
            "files keep their length"
        );
    }
    if let Err(problems) = PiiConfig::paste(&text) {
        assert!(!problems.is_empty(), "a refusal has a reason");
    }
    for (stack, fingerprint) in [(text.as_ref(), ""), ("", text.as_ref())] {
        if let Ok(rules) = bugle_grouping::Rules::new(stack, fingerprint) {
            bugle_grouping::classify(&mut event, &rules);
            assert!(!bugle_grouping::group(&event, &rules).hashes().is_empty());
        }
    }
}
