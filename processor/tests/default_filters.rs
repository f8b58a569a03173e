//! What real clients sent is not dropped by the filters of a new project, and answers the fields that rules ask for.

#![expect(
    unreachable_pub,
    reason = "the module belongs to the fuzz crate, which uses all of it"
)]

#[path = "../../fuzz/src/captures.rs"]
mod captures;

use bugle_processor::normalize::{Context, Settings, normalize};
use bugle_protocol::{Envelope, Event, ItemType, UnixMillis};
use bugle_rules::filter::LegacyBrowser;
use bugle_rules::{Facts, Filters, FiltersDocument, Sender};

use captures::Captures;

const RECEIVED: UnixMillis = UnixMillis(1_795_163_904_106);

/// The events and transactions of all captures, as they were sent.
fn payloads(captures: &Captures) -> Vec<&[u8]> {
    let mut payloads: Vec<&[u8]> = captures.stores.iter().map(Vec::as_slice).collect();
    for envelope in captures
        .envelopes
        .iter()
        .filter_map(|e| Envelope::parse(e).ok())
    {
        let events = envelope.items.iter().filter(|item| {
            matches!(
                item.header.item_type,
                ItemType::Event | ItemType::Transaction
            )
        });
        payloads.extend(events.map(|item| item.payload));
    }
    payloads
}

/// Filters of one rule alone.
fn asking(condition: &str) -> Filters {
    let document = FiltersDocument {
        health_checks: false,
        chunk_load_errors: false,
        hydration_errors: false,
        csp_defaults: false,
        rules: format!("{condition} -> drop"),
        ..FiltersDocument::default()
    };
    let (filters, problems) = Filters::lenient(&document);
    assert_eq!(problems, [], "{condition}");
    filters
}

/// How many events there are, and how many of them each of the filters drops.
fn counted(filters: &[Filters]) -> (usize, Vec<usize>) {
    let captures = Captures::read();
    let context = Context {
        received_at: RECEIVED,
        client_ip: "203.0.113.9".parse().ok(),
        ..Context::default()
    };
    let sender = Sender {
        client_ip: context.client_ip,
        user_agent: None,
    };
    let (mut events, mut dropped) = (0, vec![0; filters.len()]);
    for payload in payloads(&captures) {
        let Ok(event) = Event::parse(payload) else {
            continue;
        };
        let Ok(event) = normalize(event, &context, &Settings::default()) else {
            continue;
        };
        let facts = Facts::new(event.event(), sender, RECEIVED);
        events += 1;
        for (count, filters) in dropped.iter_mut().zip(filters) {
            *count += usize::from(filters.first_hit(&facts).is_some());
        }
    }
    (events, dropped)
}

#[test]
fn a_new_project_drops_nothing_that_clients_sent() {
    let conditions = [
        "has:sdk.name",
        "event.type:transaction transaction.duration:>=0ms has:trace",
        "event.type:error error.type:* error.value:*",
        "error.unhandled:true",
        "stack.function:* stack.filename:*",
        "request.url:* request.method:*",
        "request.user_agent:*",
        "sender.address:203.0.113.0/24",
        "platform:[python, node, rust]",
    ];
    let mut filters = vec![Filters::default()];
    filters.extend(conditions.map(asking));
    let (events, dropped) = counted(&filters);
    assert!(events > 100, "only {events} events");
    assert_eq!(dropped[0], 0);
    for (condition, found) in conditions.iter().zip(&dropped[1..]) {
        assert!(*found > 0, "{condition} finds nothing");
    }
}

#[test]
fn switches_drop_what_they_are_for() {
    let document = FiltersDocument {
        web_crawlers: true,
        localhost: true,
        browser_extensions: true,
        legacy_browsers: LegacyBrowser::ALL.iter().copied().collect(),
        ..FiltersDocument::default()
    };
    let (filters, _) = Filters::lenient(&document);
    // The captures were made on one machine, by servers that were asked at 127.0.0.1.
    let local = "request.url:[http://127.0.0.1*, http://localhost*] OR user.ip:127.0.0.1";
    let (events, dropped) = counted(&[filters, asking(local)]);
    assert!(
        dropped[0] >= dropped[1] && dropped[0] < events,
        "{dropped:?} of {events}"
    );
}
