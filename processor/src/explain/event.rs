//! Takes an event down its whole road under any rules, and says what each step made of it.

use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{DiscardReason, Event, Outcome, RuleName, RuleTopic, UnixMillis};
use bugle_rules::sample::seed;
use bugle_rules::{Documents, Problem, ProjectRules, Sender};

use crate::items::road::{self, Decision, Way};
use crate::normalize::{Context, NormalizedEvent};
use crate::request::Rules;

/// The documents that a case may bring: the member of its `settings`.
const DOCUMENTS: [&str; 5] = [
    "organizationScrubbing",
    "scrubbing",
    "filters",
    "sampling",
    "tags",
];

/// Answers one case, `{"id"?, "event", "settings"?}`, with the steps of its road.
///
/// `settings` has any of the documents `organizationScrubbing`, `scrubbing`, `filters`, `sampling` and `tags` as objects,
/// and `clientIp`, `userAgent` and `receivedAt` (seconds or RFC 3339; by default now). The answer has the `id`, `normalized`
/// (the event), `filtered` (`{"reason", "rule"}` or null), `sampled` (`{"rule", "rate", "seed", "kept"}` or null), `tags` (those
/// that rules add), `scrubbed` (the event as it is stored), `rules` (those that did something), `grouping` (as
/// [`super::group`] says it; null for transactions and feedback, which have none), `outcome` (`{"name", "reason"}`) and, if
/// parts of the documents cannot be used, `problems`. What a dropped event would have become is said all the same. A case
/// that cannot be answered has an `error`.
#[must_use]
pub fn event(line: &str) -> String {
    let answer =
        answer(line).unwrap_or_else(|error| Object::from_iter([("error", Json::from(error))]));
    json::to_string(&Json::Object(answer))
}

fn answer(line: &str) -> Result<Object<'static>, String> {
    let case = json::parse_str(line).map_err(|error| format!("invalid JSON: {error}"))?;
    let Some(Json::Object(fields)) = case.get("event").cloned() else {
        return Err("expected the member 'event', an object".to_owned());
    };
    let nothing = Json::Null;
    let settings = Settings::read(case.get("settings").unwrap_or(&nothing))?;
    let mut answer = Object::new();
    if let Some(id) = case.get("id") {
        answer.insert("id", id.clone().into_owned());
    }
    let (project, problems) = settings.rules();
    walk(Event { fields }, &settings, &project, &mut answer)?;
    if !problems.is_empty() {
        answer.insert(
            "problems",
            Json::Array(problems.iter().map(problem).collect()),
        );
    }
    Ok(answer)
}

/// What is known beside the event.
struct Settings<'c> {
    documents: [Option<String>; 5],
    sender: Sender<'c>,
    received_at: UnixMillis,
}

impl<'c> Settings<'c> {
    fn read(settings: &'c Json<'_>) -> Result<Self, String> {
        let mut documents = [const { None }; 5];
        for (slot, name) in documents.iter_mut().zip(DOCUMENTS) {
            *slot = match settings.get(name) {
                None => None,
                Some(Json::Object(document)) => Some(object_text(document)),
                Some(_) => return Err(format!("expected an object in 'settings.{name}'")),
            };
        }
        let client_ip = match settings.get_str("clientIp") {
            None => None,
            Some(address) => Some(address.parse().map_err(|_| {
                "expected an IPv4 or IPv6 address in 'settings.clientIp'".to_owned()
            })?),
        };
        let received_at = match settings.get("receivedAt") {
            None => UnixMillis::now(),
            Some(time) => parse_timestamp(time)
                .map(UnixMillis::from_seconds)
                .ok_or("expected seconds or RFC 3339 in 'settings.receivedAt'")?,
        };
        let user_agent = settings.get_str("userAgent");
        Ok(Self {
            documents,
            sender: Sender {
                client_ip,
                user_agent,
            },
            received_at,
        })
    }

    fn rules(&self) -> (ProjectRules, Vec<Problem>) {
        let [organization_scrubbing, scrubbing, filters, sampling, tags] =
            self.documents.each_ref().map(Option::as_deref);
        ProjectRules::compile(&Documents {
            organization_scrubbing,
            scrubbing,
            filters,
            sampling,
            tags,
        })
    }
}

fn walk(
    event: Event<'_>,
    settings: &Settings<'_>,
    project: &ProjectRules,
    answer: &mut Object<'static>,
) -> Result<(), String> {
    let grouping = bugle_grouping::Rules::default();
    let way = Way {
        settings: Rules::new(project, &grouping).normalize,
        event_type: None,
        has_tags: event.event_type() != "feedback",
    };
    let context = Context {
        received_at: settings.received_at,
        client_ip: settings.sender.client_ip,
        user_agent: settings.sender.user_agent,
        ..Context::default()
    };
    let mut event = match road::prepare(event, &context, &way, None) {
        Ok(event) => event,
        Err(error) => {
            let refused = Outcome::Invalid(DiscardReason::InvalidTransaction);
            answer.insert("outcome", outcome(refused));
            answer.insert("detail", error.to_string());
            return Ok(());
        }
    };
    answer.insert("normalized", stored(&event)?);
    let now = settings.received_at;
    let decision = road::decide(event.event(), settings.sender, now, way.has_tags, project);
    answer.insert("filtered", filtered(&decision));
    answer.insert("sampled", sampled(&decision, event.event()));
    answer.insert("tags", tags(&decision));
    road::add_tags(event.event_mut(), &decision.tags);
    let scrubbed_by: Vec<RuleName> = road::scrub(&mut event, project)
        .map(|hit| hit.rule)
        .collect();
    if way.has_tags && decision.outcome().is_none() {
        decision.note(event.event_mut(), project);
    }
    let scrubbed = stored(&event)?;
    answer.insert("grouping", grouped(event.event(), &scrubbed));
    answer.insert("scrubbed", scrubbed);
    answer.insert("rules", rules(&decision, &scrubbed_by, project));
    answer.insert(
        "outcome",
        outcome(decision.outcome().unwrap_or(Outcome::Accepted)),
    );
    Ok(())
}

/// The event as it would be stored.
fn stored(event: &NormalizedEvent<'_>) -> Result<Json<'static>, String> {
    let text = event.to_json();
    let parsed = json::parse_str(&text).map_err(|error| error.to_string())?;
    Ok(parsed.into_owned())
}

fn filtered(decision: &Decision) -> Json<'static> {
    let hit = decision.filtered.as_ref();
    hit.map_or(Json::Null, |hit| {
        object([
            ("reason", Json::from(hit.reason.name())),
            ("rule", name(&hit.rule)),
        ])
    })
}

fn sampled(decision: &Decision, event: &Event<'_>) -> Json<'static> {
    let Some(draw) = &decision.draw else {
        return Json::Null;
    };
    object([
        ("rule", name(&draw.rule)),
        ("rate", Json::from(draw.rate)),
        ("seed", Json::from(seed(event).simple().to_string())),
        ("kept", Json::Bool(draw.is_kept)),
    ])
}

fn tags(decision: &Decision) -> Json<'static> {
    let pair = |tag: &bugle_rules::tag::Tag| {
        let pair = [tag.key.clone(), tag.value.clone()];
        Json::Array(pair.into_iter().map(Json::from).collect())
    };
    Json::Array(decision.tags.iter().map(|(_, tag)| pair(tag)).collect())
}

/// Every rule that did something, in the order of the road.
fn rules(decision: &Decision, scrubbed_by: &[RuleName], project: &ProjectRules) -> Json<'static> {
    let plain = |topic: RuleTopic, rule: &RuleName| {
        object([("topic", Json::from(topic.name())), ("rule", name(rule))])
    };
    let filter = decision.filtered.iter();
    let mut all: Vec<Json<'static>> = filter
        .map(|hit| plain(RuleTopic::Filters, &hit.rule))
        .collect();
    if let Some(Json::Array(notes)) = decision.notes(project) {
        all.extend(notes);
    }
    all.extend(
        scrubbed_by
            .iter()
            .map(|rule| plain(RuleTopic::Scrubbing, rule)),
    );
    Json::Array(all)
}

/// Groups the event that would be stored; transactions and feedback belong to no issue.
fn grouped(event: &Event<'_>, scrubbed: &Json<'static>) -> Json<'static> {
    if matches!(event.event_type(), "transaction" | "feedback") {
        return Json::Null;
    }
    let case = object([("event", scrubbed.clone())]);
    let explained = bugle_grouping::explain::group(&json::to_string(&case), |event| event);
    let Ok(explained) = explained else {
        return Json::Null;
    };
    match json::parse_str(&explained) {
        Ok(Json::Object(mut grouping)) => {
            grouping.remove("name");
            Json::Object(grouping).into_owned()
        }
        _ => Json::Null,
    }
}

fn outcome(outcome: Outcome) -> Json<'static> {
    object([
        ("name", Json::from(outcome.name())),
        ("reason", Json::from(outcome.reason())),
    ])
}

fn problem(problem: &Problem) -> Json<'static> {
    let number =
        |number: Option<usize>| number.map_or(Json::Null, |number| Json::from(number as u64));
    object([
        ("field", Json::from(problem.field)),
        ("line", number(problem.line)),
        ("column", number(problem.column)),
        ("message", Json::from(problem.message.clone())),
    ])
}

fn name(rule: &RuleName) -> Json<'static> {
    Json::from(rule.as_str().to_owned())
}

fn object_text(object: &Object<'_>) -> String {
    let mut text = String::new();
    json::write_object(object, &mut text);
    text
}

fn object<const N: usize>(members: [(&'static str, Json<'static>); N]) -> Json<'static> {
    Json::Object(Object::from_iter(members))
}

#[cfg(test)]
mod tests {

    const RULES: &str = r#""filters":{"rules":"error.type:Gone -> drop"},
        "sampling":{"rules":"event.type:error message:rare -> sample 0"},
        "tags":{"rules":"level:error -> tag tier=critical"},"receivedAt":1795163904"#;

    fn answer_to(event: &str, settings: &str) -> serde_json::Value {
        let line =
            format!(r#"{{"id":7,"event":{event},"settings":{{{settings}}}}}"#).replace('\n', " ");
        let answer = super::event(&line);
        serde_json::from_str(&answer).unwrap()
    }

    fn error(ty: &str, value: &str) -> String {
        format!(
            r#"{{"exception":[{{"type":"{ty}","value":"{value}"}}],"extra":{{"password":"hunter2"}}}}"#
        )
    }

    #[test]
    fn every_step_is_told() {
        let answer = answer_to(&error("Odd", "x"), RULES);
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["outcome"]["name"], "accepted");
        assert_eq!(answer["normalized"]["extra"]["password"], "hunter2");
        assert_eq!(answer["scrubbed"]["extra"]["password"], "[Filtered]");
        assert_eq!(answer["tags"][0][1], "critical");
        assert_eq!(answer["scrubbed"]["tags"][0][0], "tier");
        assert_eq!(answer["grouping"]["title"], "Odd: x");
        let rules: Vec<_> = answer["rules"].as_array().unwrap().iter().collect();
        assert_eq!(rules[0]["text"], "level:error -> tag tier=critical");
        assert_eq!(rules[0], &answer["scrubbed"]["_bugle"]["rules"][0]);
        assert_eq!(rules[1]["rule"], "@password:filter");
        assert!(answer["filtered"].is_null() && answer["sampled"].is_null());
    }

    #[test]
    fn who_drops_it_is_told() {
        let answer = answer_to(&error("Gone", "x"), RULES);
        assert_eq!(answer["outcome"]["reason"], "custom-inbound-filter");
        assert_eq!(answer["filtered"]["reason"], "custom-inbound-filter");
        assert_eq!(answer["rules"][0]["topic"], "filters");
        assert!(answer["scrubbed"]["_bugle"].is_null());

        let answer = answer_to(&error("Odd", "rare"), RULES);
        assert_eq!(answer["outcome"]["name"], "sampled");
        assert_eq!(answer["sampled"]["rate"], 0.0);
        assert_eq!(answer["sampled"]["kept"], false);
        assert_eq!(answer["sampled"]["seed"], answer["normalized"]["event_id"]);

        let answer = answer_to(r#"{"type":"transaction"}"#, RULES);
        assert_eq!(answer["outcome"]["reason"], "invalid_transaction");
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let answer = answer_to("{}", r#""tags":{"rules":"(( -> tag a=b"}"#);
        assert_eq!(answer["problems"][0]["line"], 1);
        for (line, error) in [
            ("nonsense", "invalid JSON: expected a value at byte 0"),
            ("{}", "expected the member 'event', an object"),
            (
                r#"{"event":{},"settings":{"tags":7}}"#,
                "expected an object in 'settings.tags'",
            ),
            (
                r#"{"event":{},"settings":{"clientIp":"x"}}"#,
                "expected an IPv4 or IPv6 address in 'settings.clientIp'",
            ),
        ] {
            let answer: serde_json::Value = serde_json::from_str(&super::event(line)).unwrap();
            assert_eq!(answer["error"], error);
        }
    }
}
