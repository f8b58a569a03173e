//! What a document would remove from the events that are stored already.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bugle_protocol::{Event, Meta};
use bugle_rules::ScrubbingDocument;
use bugle_rules::scrub::Scrubber;
use bugle_store::StoredBody;
use serde::Serialize;

use super::super::parts::{Part, parts};
use super::super::place::Place;
use super::compare::{Change, changes};
use crate::Ui;
use crate::problem::Problem;
use crate::rule_words;

/// How many events are looked at, and how many transactions.
const EVENTS: u32 = 200;
const TRANSACTIONS: u32 = 100;
/// After this time no further event is looked at.
const MOST_TIME: Duration = Duration::from_secs(2);
/// The most fields that are shown.
const MOST_FIELDS: usize = 40;
/// The most examples of a field.
const MOST_EXAMPLES: usize = 2;
/// The longest path that is told apart from others, in characters.
const LONGEST_PATH: usize = 200;

/// The model of the preview.
#[derive(Debug, Default, Serialize)]
pub(in super::super) struct PreviewView {
    /// How many events were looked at.
    looked_at: usize,
    /// How many events would have been looked at, with more time.
    events: usize,
    /// How many of them would be changed.
    changed: usize,
    /// What each rule would do.
    rules: Vec<RuleCount>,
    /// The fields that would be changed, those of most events first.
    fields: Vec<FieldView>,
    /// How many more fields there are.
    more_fields: usize,
}

/// How many events a rule would change.
#[derive(Debug, Serialize)]
struct RuleCount {
    label: String,
    id: String,
    events: usize,
}

/// A field that would be changed.
#[derive(Debug, Serialize)]
struct FieldView {
    path: String,
    events: usize,
    examples: Vec<Example>,
}

/// A value before and after.
#[derive(Debug, Serialize)]
struct Example {
    before: Vec<Part>,
    /// Empty if it would be deleted.
    after: Vec<Part>,
    /// The rules, in words.
    rules: String,
    /// The event it is of.
    title: String,
    url: Option<String>,
}

/// What is known of a field.
#[derive(Default)]
struct Field {
    events: usize,
    /// The changes, each with the number of its event.
    examples: Vec<(usize, Change)>,
}

/// What was found.
#[derive(Default)]
struct Findings {
    looked_at: usize,
    changed: usize,
    rules: BTreeMap<String, usize>,
    fields: BTreeMap<String, Field>,
}

/// Tries a document on the newest events and transactions of a place.
pub(super) async fn of(
    ui: &Ui,
    place: &Place,
    document: ScrubbingDocument,
) -> Result<PreviewView, Problem> {
    let mut events = super::recent(ui, place, EVENTS).await?;
    events.extend(super::recent_transactions(ui, place, TRANSACTIONS).await?);
    let prefix = ui.site.link("/issues");
    let work = move || {
        let (scrubber, _) = Scrubber::of_composed(&document);
        let until = Instant::now() + MOST_TIME;
        let findings = Findings::of(&scrubber, &events, || Instant::now() >= until);
        findings.into_view(&events, &prefix)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::Broken("a preview panicked"))
}

impl Findings {
    fn of(scrubber: &Scrubber, events: &[StoredBody], is_late: impl Fn() -> bool) -> Self {
        let mut findings = Self::default();
        for (number, stored) in events.iter().enumerate() {
            if is_late() {
                break;
            }
            findings.looked_at += 1;
            if let Some(changes) = try_on(scrubber, &stored.body) {
                findings.add(number, changes);
            }
        }
        findings
    }

    fn add(&mut self, number: usize, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        self.changed += 1;
        let rules = changes.iter().flat_map(|change| &change.rules);
        for rule in rules.collect::<BTreeSet<_>>() {
            *self.rules.entry(rule.clone()).or_default() += 1;
        }
        let mut seen = BTreeSet::new();
        for change in changes {
            let path: String = change.path.chars().take(LONGEST_PATH).collect();
            let field = self.fields.entry(path.clone()).or_default();
            field.events += usize::from(seen.insert(path));
            let is_known = |(_, known): &(usize, Change)| known.before == change.before;
            if field.examples.len() < MOST_EXAMPLES && !field.examples.iter().any(is_known) {
                field.examples.push((number, change));
            }
        }
    }

    fn into_view(self, events: &[StoredBody], prefix: &str) -> PreviewView {
        let mut rules: Vec<RuleCount> = self
            .rules
            .into_iter()
            .map(|(id, events)| RuleCount {
                label: rule_words::title(&id),
                id,
                events,
            })
            .collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.events));
        let mut fields: Vec<(String, Field)> = self.fields.into_iter().collect();
        fields.sort_by_key(|(_, field)| std::cmp::Reverse(field.events));
        let more_fields = fields.len().saturating_sub(MOST_FIELDS);
        fields.truncate(MOST_FIELDS);
        let field = |(path, field): (String, Field)| FieldView {
            path,
            events: field.events,
            examples: field
                .examples
                .into_iter()
                .map(|(number, change)| Example::new(change, &events[number], prefix))
                .collect(),
        };
        PreviewView {
            looked_at: self.looked_at,
            events: events.len(),
            changed: self.changed,
            rules,
            fields: fields.into_iter().map(field).collect(),
            more_fields,
        }
    }
}

/// What a scrubber would still change of a stored event; nothing of a body that is no event.
fn try_on(scrubber: &Scrubber, body: &[u8]) -> Option<Vec<Change>> {
    let mut before = Event::parse(body).ok()?;
    let old = before.fields.remove("_meta");
    let old = old.as_ref().map(Meta::from_json).unwrap_or_default();
    // What is ours in the body is no data of the client's.
    before.fields.remove("_bugle");
    let (mut after, mut new) = (before.clone(), old.clone());
    scrubber.scrub(&mut after, &mut new);
    Some(changes(&before, &after, &old, &new))
}

impl Example {
    fn new(change: Change, event: &StoredBody, prefix: &str) -> Self {
        let (before, after) = match &change.after {
            Some(after) => parts(&change.before, after),
            None => (parts(&change.before, "").0, Vec::new()),
        };
        let rules = change.rules.iter().map(|rule| rule_words::of(rule));
        Self {
            before,
            after,
            rules: rules.collect::<Vec<_>>().join(", "),
            title: event.title.chars().take(80).collect(),
            url: event
                .issue
                .map(|issue| format!("{prefix}/{issue}/events/{}/", event.event_id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::{EventId, IssueId, UnixMillis};
    use bugle_rules::scrub::{PiiConfig, ScrubSettings};

    fn stored(body: &str) -> StoredBody {
        StoredBody {
            event_id: EventId::random(),
            received_at: UnixMillis(0),
            title: "Error".to_owned(),
            issue: Some(IssueId(7)),
            body: body.as_bytes().to_vec(),
        }
    }

    fn scrubber() -> Scrubber {
        let rules = r#"{"rules":{"a":{"type":"email","redaction":{"method":"mask"}}},"applications":{"$error.value":["a"]}}"#;
        let advanced = PiiConfig::parse(rules).unwrap();
        Scrubber::new(&ScrubSettings::default(), &advanced).unwrap()
    }

    #[test]
    fn events_are_counted_by_rule_and_by_field() {
        let events = [
            stored(
                r#"{"exception":{"values":[{"type":"E","value":"for a@b.de"},{"value":"c@d.de"}]}}"#,
            ),
            stored(r#"{"exception":{"values":[{"type":"E","value":"for a@b.de"}]}}"#),
            stored(
                r#"{"exception":{"values":[{"type":"E","value":"fine"}]},"extra":{"password":"[Filtered]"}}"#,
            ),
            stored("no json"),
        ];
        let findings = Findings::of(&scrubber(), &events, || false);
        let view = findings.into_view(&events, "/bugle/issues");
        assert_eq!((view.looked_at, view.events, view.changed), (4, 4, 2));
        assert_eq!((view.rules.len(), view.rules[0].id.as_str()), (1, "a"));
        assert_eq!(view.rules[0].events, 2);
        let field = &view.fields[0];
        assert_eq!(
            (field.path.as_str(), field.events),
            ("exception.values.*.value", 2)
        );
        assert_eq!(field.examples.len(), 2);
        let url = field.examples[0].url.as_deref().unwrap();
        assert!(url.starts_with("/bugle/issues/7/events/"), "{url}");
    }

    #[test]
    fn time_is_bounded() {
        let events = vec![stored("{}"); 9];
        let left = std::cell::Cell::new(3);
        let is_late = || {
            left.set(left.get() - 1);
            left.get() < 0
        };
        let findings = Findings::of(&scrubber(), &events, is_late);
        let view = findings.into_view(&events, "");
        assert_eq!((view.looked_at, view.events), (3, 9));
    }
}
