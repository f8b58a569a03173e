//! The road of an event: parse, normalise, filter, sample, tag, scrub, classify, group, write back.

use std::sync::LazyLock;

use bugle_processor::normalize::{Context, NormalizedEvent, Settings, normalize};
use bugle_protocol::{Envelope, Event, ItemType, UnixMillis};
use bugle_rules::{Documents, Facts, ProjectRules, Sender, scrub};

use crate::captures::Captures;

const RECEIVED: UnixMillis = UnixMillis(1_795_163_904_106);

/// Scrubbing that reaches everywhere and does everything.
const SCRUBBING: &str = r#"{"scrubIpAddresses": true, "advanced": {"applications": {
    "$string": ["@ip:replace", "@creditcard:mask", "@email:hash", "@urlauth", "@password:remove"],
    "$frame.vars.**": ["@anything:mask"],
    "$http.headers || extra.** && !extra.safe": ["@anything:replace"],
    "$minidump": ["@anything:remove"]
}}}"#;

/// Filters that are all on, and lines that ask for much.
const FILTERS: &str = r#"{"webCrawlers": true, "localhost": true, "browserExtensions": true,
    "cspSources": ["*.example.com"], "addresses": ["203.0.113.0/24"], "releases": ["*beta*"],
    "errorMessages": ["*a*b*c*d*"], "rules": "error.type:[*Error*, a*b*c] !has:user -> drop"}"#;

const SAMPLING: &str =
    r#"{"rules": "transaction.duration:>2s -> sample 1\nevent.type:error -> sample 0.5"}"#;

const TAGS: &str = r#"{"rules": "\"*e*\" -> tag free=text\nstack.function:*a* -> tag frame=yes"}"#;

/// What a project has decided.
struct Decided {
    project: ProjectRules,
    grouping: bugle_grouping::Rules,
}

/// A new project's rules, and a strict one's.
static RULES: LazyLock<[Decided; 2]> = LazyLock::new(|| {
    let grouping = bugle_grouping::Rules::new(
        "family:native -app\nstack.function:handle_* ^-group -group\npath:**/lib/** max-frames=3 category=lib",
        "error.type:KeyError message:\"*a*\" -> {{ default }} {{ error.value }} title=\"{{ transaction }}\"",
    );
    let documents = Documents {
        organization_scrubbing: None,
        scrubbing: Some(SCRUBBING),
        filters: Some(FILTERS),
        sampling: Some(SAMPLING),
        tags: Some(TAGS),
    };
    let (strict, problems) = ProjectRules::compile(&documents);
    assert_eq!(problems, [], "the rules are valid");
    [
        Decided {
            project: ProjectRules::default(),
            grouping: bugle_grouping::Rules::default(),
        },
        Decided {
            project: strict,
            grouping: grouping.expect("the rules are valid"),
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
    ask(&rules.project, event.event(), &context);
    let (tree, meta) = event.parts_mut();
    rules.project.scrubber.scrub(tree, meta);
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

/// Asks every rule, also those that the road does not come to.
fn ask(rules: &ProjectRules, event: &Event<'_>, context: &Context<'_>) {
    let sender = Sender {
        client_ip: context.client_ip,
        user_agent: context.user_agent,
    };
    let facts = Facts::new(event, sender, context.received_at);
    let _ = rules.filters.first_hit(&facts);
    if let Some(draw) = rules.sampling.draw(&facts) {
        assert!((0.0..=1.0).contains(&draw.rate), "{draw:?}");
    }
    let _ = rules.tags.matching(&facts).count();
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
