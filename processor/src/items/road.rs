//! The road of everything that has the shape of an event: normalise, filter, sample, tag, scrub.
//!
//! Filters, sampling and tags see what was sent, everything behind the road what is left of it.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{
    DataCategory, DiscardReason, Event, Outcome, RuleHit, RuleName, RuleTopic, UnixMillis,
};
use bugle_rules::tag::Tag;
use bugle_rules::{Draw, Facts, FilterHit, ProjectRules, Sender};

use crate::normalize::{Context, InvalidTransaction, NormalizedEvent, Settings, normalize};
use crate::request::{Arrival, Rules};
use crate::verdict::Refusal;

/// The member of a stored event that says what rules did to it.
const NOTES: &str = "_bugle";

/// How an event goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) settings: Settings,
    /// The type of an event that was made here, where it does not follow from the tree.
    pub(crate) event_type: Option<&'static str>,
    /// Whether it is stored with tags and notes.
    pub(crate) has_tags: bool,
}

/// An event that is to be stored.
#[derive(Debug)]
pub(super) struct Arrived<'a> {
    pub(super) event: NormalizedEvent<'a>,
    /// The share of its like that sampling keeps.
    pub(super) rate: f64,
    /// What rules did.
    pub(super) hits: Vec<RuleHit>,
}

/// What rules decide about a normalised event.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// The filter that drops it; nothing else is asked then.
    pub(crate) filtered: Option<FilterHit>,
    /// What the first sampling rule that holds decides.
    pub(crate) draw: Option<Draw>,
    /// The tags that it gets, if it is kept.
    pub(crate) tags: Vec<(RuleName, Tag)>,
}

/// Walks an event down the road. `Err` says that it ends here, by whom or why.
pub(super) fn walk<'a>(
    arrival: &Arrival<'_>,
    event: Event<'a>,
    way: &Way,
    rules: &Rules<'_>,
) -> Result<Arrived<'a>, Refusal> {
    let mut event = normalized(arrival, event, way)?;
    let now = arrival.head.received_at;
    let decision = decide(
        event.event(),
        arrival.sender(),
        now,
        way.has_tags,
        rules.project,
    );
    let mut hits = decision.hits();
    if let Some(outcome) = decision.outcome() {
        let is_transaction = event.event().event_type() == "transaction";
        return Err(Refusal {
            category: is_transaction.then_some(DataCategory::Transaction),
            hits,
            ..Refusal::of(outcome)
        });
    }
    add_tags(event.event_mut(), &decision.tags);
    hits.extend(scrub(&mut event, rules.project));
    if way.has_tags {
        decision.note(event.event_mut(), rules.project);
    }
    Ok(Arrived {
        event,
        rate: decision.draw.map_or(1.0, |draw| draw.rate),
        hits,
    })
}

/// Brings an event into the one shape.
fn normalized<'a>(
    arrival: &Arrival<'_>,
    mut event: Event<'a>,
    way: &Way,
) -> Result<NormalizedEvent<'a>, Refusal> {
    settle_id(&mut event, arrival);
    let head = arrival.head;
    let context = Context {
        received_at: head.received_at,
        sent_at: arrival.sent_at,
        client_ip: head.client_ip,
        client: head.client.as_deref(),
        user_agent: head.user_agent.as_deref(),
    };
    prepare(event, &context, way, arrival.client_rate).map_err(|error| Refusal {
        // A transaction sent as an event, and one without a duration or a trace.
        category: Some(DataCategory::Transaction),
        ..Refusal::invalid(DiscardReason::InvalidTransaction, error.to_string())
    })
}

/// Normalises, and adds what only the envelope knows.
pub(crate) fn prepare<'a>(
    mut event: Event<'a>,
    context: &Context<'_>,
    way: &Way,
    client_rate: Option<f64>,
) -> Result<NormalizedEvent<'a>, InvalidTransaction> {
    // The client's own would be taken for ours.
    event.fields.remove(NOTES);
    let mut event = normalize(event, context, &way.settings)?;
    let tree = event.event_mut();
    if let Some(event_type) = way.event_type {
        tree.fields.insert("type", event_type);
    }
    if let Some(rate) = client_rate.filter(|_| tree.event_type() == "transaction") {
        let contexts = tree.fields.get_mut("contexts");
        let trace = contexts.and_then(|contexts| contexts.as_object_mut()?.get_mut("trace"));
        if let Some(trace) = trace.and_then(Json::as_object_mut) {
            trace.insert("client_sample_rate", rate);
        }
    }
    Ok(event)
}

/// The envelope's id goes before the payload's; an event without either takes the one that was answered.
fn settle_id(event: &mut Event<'_>, arrival: &Arrival<'_>) {
    let id = arrival
        .event_id
        .or_else(|| event.event_id())
        .or(arrival.head.event_id);
    if let Some(id) = id {
        event.fields.insert("event_id", id.to_string());
    }
}

/// Asks the rules about a normalised event that is not scrubbed yet.
pub(crate) fn decide(
    event: &Event<'_>,
    sender: Sender<'_>,
    now: UnixMillis,
    has_tags: bool,
    rules: &ProjectRules,
) -> Decision {
    let facts = Facts::new(event, sender, now);
    let filtered = rules.filters.first_hit(&facts);
    if filtered.is_some() {
        return Decision {
            filtered,
            ..Decision::default()
        };
    }
    let draw = rules.sampling.draw(&facts);
    let is_kept = draw.as_ref().is_none_or(|draw| draw.is_kept);
    let mut tags: Vec<(RuleName, Tag)> = Vec::new();
    if is_kept && has_tags {
        for (name, tag) in rules.tags.matching(&facts) {
            // What the client sent stays, and so does what a rule before said.
            let is_new = tags.iter().all(|(_, added)| added.key != tag.key);
            if is_new && event.tag(&tag.key).is_none() {
                tags.push((name.clone(), tag.clone()));
            }
        }
    }
    Decision {
        filtered,
        draw,
        tags,
    }
}

/// Adds tags, whose keys the event has none of.
pub(crate) fn add_tags(event: &mut Event<'_>, tags: &[(RuleName, Tag)]) {
    if tags.is_empty() {
        return;
    }
    let list = event
        .fields
        .get_or_insert_with("tags", || Json::Array(Vec::new()));
    if list.as_array().is_none() {
        *list = Json::Array(Vec::new());
    }
    if let Some(list) = list.as_array_mut() {
        list.extend(tags.iter().map(|(_, tag)| {
            let pair = [tag.key.clone(), tag.value.clone()];
            Json::Array(pair.into_iter().map(Json::from).collect())
        }));
    }
}

/// Takes personal data out of an event, and says which rules did.
pub(crate) fn scrub(
    event: &mut NormalizedEvent<'_>,
    rules: &ProjectRules,
) -> impl Iterator<Item = RuleHit> {
    let (tree, meta) = event.parts_mut();
    let identity = sentry_user(tree);
    let fired = rules.scrubber.scrub(tree, meta);
    if !fired.is_empty() {
        follow_identity(tree, identity);
    }
    fired.into_iter().map(|rule| RuleHit {
        topic: RuleTopic::Scrubbing,
        rule,
    })
}

/// The user's identity as normalising wrote it down.
fn sentry_user(event: &Event<'_>) -> Option<String> {
    let user = event.get("user")?;
    user.get_str("sentry_user").map(str::to_owned)
}

/// Lets the identity say what is left of the field it was made of: a rule for that field alone does not see the copy.
fn follow_identity(event: &mut Event<'_>, before: Option<String>) {
    let now = event.user().and_then(|user| user.identity());
    if before.is_none() || before == now || sentry_user(event) != before {
        return;
    }
    let user = event.fields.get_mut("user").and_then(Json::as_object_mut);
    if let Some(user) = user {
        user.remove("sentry_user");
        if let Some(identity) = now {
            user.insert("sentry_user", identity);
        }
    }
}

impl Decision {
    /// How the event ends, if it is not kept.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        if let Some(hit) = &self.filtered {
            return Some(Outcome::Filtered(hit.reason));
        }
        let is_dropped = self.draw.as_ref().is_some_and(|draw| !draw.is_kept);
        is_dropped.then_some(Outcome::Sampled)
    }

    /// The rules that did something. A draw counts whether it keeps the event or not.
    fn hits(&self) -> Vec<RuleHit> {
        let hit = |topic, rule: &RuleName| RuleHit {
            topic,
            rule: rule.clone(),
        };
        let filtered = self.filtered.iter();
        let filtered = filtered.map(|found| hit(RuleTopic::Filters, &found.rule));
        let drawn = self.draw.iter();
        let drawn = drawn.map(|draw| hit(RuleTopic::Sampling, &draw.rule));
        let tags = self.tags.iter();
        let tagged = tags.map(|(rule, _)| hit(RuleTopic::Tags, rule));
        filtered.chain(drawn).chain(tagged).collect()
    }

    /// What a stored event says about the rules that did something to it.
    pub(crate) fn notes(&self, rules: &ProjectRules) -> Option<Json<'static>> {
        let note = |topic: RuleTopic, rule: &RuleName| {
            let text = rules.rule_text(rule).unwrap_or_default();
            Object::from_iter([
                ("topic", Json::from(topic.name())),
                ("rule", Json::from(rule.as_str().to_owned())),
                ("text", Json::from(text.to_owned())),
            ])
        };
        let drawn = self.draw.iter().map(|draw| {
            let mut drawn = note(RuleTopic::Sampling, &draw.rule);
            drawn.insert("rate", draw.rate);
            Json::Object(drawn)
        });
        let tags = self.tags.iter();
        let tagged = tags.map(|(rule, _)| Json::Object(note(RuleTopic::Tags, rule)));
        let notes: Vec<Json<'static>> = drawn.chain(tagged).collect();
        (!notes.is_empty()).then_some(Json::Array(notes))
    }

    pub(crate) fn note(&self, event: &mut Event<'_>, rules: &ProjectRules) {
        if let Some(notes) = self.notes(rules) {
            let notes = Object::from_iter([("rules", notes)]);
            event.fields.insert(NOTES, notes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user_after(advanced: &str, user: &str) -> String {
        let scrubbing = format!(r#"{{"scrubIpAddresses":true,"advanced":{advanced}}}"#);
        let documents = bugle_rules::Documents {
            scrubbing: Some(&scrubbing),
            ..bugle_rules::Documents::default()
        };
        let (rules, problems) = ProjectRules::compile(&documents);
        assert!(problems.is_empty(), "{problems:?}");
        let text = format!(r#"{{"user":{user}}}"#);
        let event = Event::parse(text.as_bytes()).unwrap();
        let mut event = normalize(event, &Context::default(), &Settings::default()).unwrap();
        scrub(&mut event, &rules).for_each(drop);
        bugle_protocol::json::to_string(event.event().get("user").unwrap())
    }

    #[test]
    fn nothing_of_a_scrubbed_field_stays_in_the_identity() {
        for (advanced, user, left) in [
            (
                r#"{"applications":{"$user.id":["@anything:remove"]}}"#,
                r#"{"id":"ssn 12-AB-993","email":"a@example.com"}"#,
                r#"{"id":null,"email":"a@example.com","sentry_user":"email:a@example.com"}"#,
            ),
            (
                r#"{"applications":{"$user.email":["@anything:remove"]}}"#,
                r#"{"email":"ada@example.com"}"#,
                r#"{"email":null}"#,
            ),
            ("{}", r#"{"id":"7"}"#, r#"{"id":"7","sentry_user":"id:7"}"#),
        ] {
            assert_eq!(user_after(advanced, user), left);
        }
    }
}
