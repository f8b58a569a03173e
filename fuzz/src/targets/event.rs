//! The road of an event: parse, normalise, scrub, classify, group, write back.

use std::sync::LazyLock;

use bugle_processor::Rules;
use bugle_processor::normalize::{Context, NormalizedEvent, Settings, normalize};
use bugle_protocol::{Envelope, Event, ItemType, UnixMillis};
use bugle_rules::scrub;
use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber};

use crate::captures::Captures;

const RECEIVED: UnixMillis = UnixMillis(1_795_163_904_106);

/// Rules that reach everywhere and do everything.
const PII_CONFIG: &str = r#"{"applications": {
    "$string": ["@ip:replace", "@creditcard:mask", "@email:hash", "@urlauth", "@password:remove"],
    "$frame.vars.**": ["@anything:mask"],
    "$http.headers || extra.** && !extra.safe": ["@anything:replace"],
    "$minidump": ["@anything:remove"]
}}"#;

/// A running server's rules, and a strict project's.
static RULES: LazyLock<[Rules; 2]> = LazyLock::new(|| {
    let config = PiiConfig::parse(PII_CONFIG).expect("the rules are valid");
    let grouping = bugle_grouping::Rules::new(
        "family:native -app\nstack.function:handle_* ^-group -group\npath:**/lib/** max-frames=3 category=lib",
        "error.type:KeyError message:\"*a*\" -> {{ default }} {{ error.value }} title=\"{{ transaction }}\"",
    );
    [
        Rules::default(),
        Rules {
            scrubber: Scrubber::lenient(&ScrubSettings::default(), &config).0,
            grouping: grouping.expect("the rules are valid"),
            ..Rules::default()
        },
    ]
});

/// The captured events and transactions.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let mut seeds = captures.stores.clone();
    for bytes in &captures.envelopes {
        let Ok(envelope) = Envelope::parse(bytes) else {
            continue;
        };
        for item in &envelope.items {
            if matches!(
                item.header.item_type,
                ItemType::Event | ItemType::Transaction
            ) {
                seeds.push(item.payload.to_vec());
            }
        }
    }
    seeds
}

/// Takes a payload down the whole road, under the rules that its length chooses.
pub fn run(input: &[u8]) {
    let Ok(event) = Event::parse(input) else {
        return;
    };
    let rules = &RULES[input.len() % RULES.len()];
    let context = Context {
        received_at: RECEIVED,
        sent_at: Some(UnixMillis(RECEIVED.0 - 3_600_000)),
        client_ip: "203.0.113.9".parse().ok(),
        client: Some("sentry.python/2.75.0"),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"),
    };
    let Ok(mut event) = normalize(event, &context, &Settings::default()) else {
        return;
    };
    let (tree, meta) = event.parts_mut();
    rules.scrubber.scrub(tree, meta);
    bugle_grouping::classify(tree, &rules.grouping);
    let grouping = bugle_grouping::group(tree, &rules.grouping);
    assert!(
        !grouping.hashes().is_empty(),
        "every event belongs somewhere"
    );
    assert!(grouping.culprit.chars().count() <= 200);
    assert_is_stored(&event);
    let _ = scrub::suggest(event.event());
}

/// What is stored comes back as it was.
fn assert_is_stored(event: &NormalizedEvent<'_>) {
    let text = event.to_json();
    let mut stored = Event::parse(text.as_bytes()).expect("what we write we can read");
    stored.fields.remove("_meta");
    stored.fields.remove("errors");
    let mut kept = event.event().clone();
    kept.fields.remove("errors");
    assert_eq!(stored, kept, "the stored event is another");
    let _ = stored.exceptions().chain(kept.exceptions()).count();
    let _ = (
        stored.tags().count(),
        stored.breadcrumbs().count(),
        stored.threads().count(),
    );
}
