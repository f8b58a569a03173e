//! Which rules touched an event: those that scrubbed it, from its notes, and those that sampled and tagged it.

use std::collections::BTreeMap;

use bugle_protocol::meta::RemarkKind;
use bugle_protocol::{Event, Json, Meta, RuleTopic};
use serde::Serialize;

use crate::rule_words;

/// The most rules that are listed.
const MOST_RULES: usize = 100;
/// The most characters that are shown of a rule.
const LONGEST_RULE: usize = 500;

/// What stands in front of the ids of an organisation's own rules.
const OF_ORGANIZATION: &str = "organization:";

/// A rule that touched an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Touch {
    /// The topic in the path of its settings page, such as `scrubbing`.
    topic: &'static str,
    /// Whether the organisation made it.
    is_organization: bool,
    /// The rule in words, or its line.
    rule: String,
    /// Whether `rule` is a line as it was written.
    is_line: bool,
    /// What it did: `replaced 3 places`.
    deed: String,
}

/// The rules that touched an event, in the order in which they ran.
pub(super) fn of(event: &Event<'_>, meta: &Meta) -> Vec<Touch> {
    let own = event.get("_bugle").and_then(|own| own.get("rules"));
    let own = own.and_then(Json::as_array).unwrap_or_default();
    let lines = own.iter().filter_map(line);
    let mut touches: Vec<Touch> = lines.take(MOST_RULES).collect();
    touches.extend(scrubbing(meta));
    touches.truncate(MOST_RULES);
    touches
}

fn line(rule: &Json<'_>) -> Option<Touch> {
    let topic = RuleTopic::from_name(rule.get_str("topic")?)?;
    let deed = match (topic, rule.get("rate").and_then(Json::as_f64)) {
        (RuleTopic::Sampling, Some(rate)) => sampled(rate),
        (RuleTopic::Tags, _) => "added a tag".to_owned(),
        _ => String::new(),
    };
    Some(Touch {
        topic: topic.name(),
        is_organization: false,
        rule: shortened(rule.get_str("text").or_else(|| rule.get_str("rule"))?),
        is_line: true,
        deed,
    })
}

fn sampled(rate: f64) -> String {
    if rate >= 1.0 {
        return "kept it, like all of its kind".to_owned();
    }
    if rate.is_nan() || rate <= 0.0 {
        return String::new();
    }
    let (percent, others) = (number(rate * 100.0), number(1.0 / rate));
    format!("kept it at {percent} %: it stands for {others}")
}

/// A number with up to two digits after the point.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// The rules that the notes name, with how many values each of them changed.
fn scrubbing(meta: &Meta) -> Vec<Touch> {
    let mut counts: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    meta.for_each_note(&mut |_, note| {
        for remark in &note.remarks {
            // What begins with `!` is a limit, no rule; and clients make notes of their own, so they are bounded.
            let is_rule = !remark.rule_id.starts_with('!');
            let is_room = counts.len() < MOST_RULES || counts.contains_key(&*remark.rule_id);
            if is_rule && is_room {
                let deeds = counts.entry(remark.rule_id.to_string()).or_default();
                *deeds.entry(deed(remark.kind)).or_default() += 1;
            }
        }
    });
    let touch = |(id, deeds): (String, BTreeMap<&'static str, usize>)| Touch {
        topic: RuleTopic::Scrubbing.name(),
        is_organization: id.starts_with(OF_ORGANIZATION),
        rule: shortened(&rule_words::title(&id)),
        is_line: false,
        deed: deeds.iter().map(times).collect::<Vec<_>>().join(", "),
    };
    counts.into_iter().map(touch).collect()
}

fn deed(kind: RemarkKind) -> &'static str {
    match kind {
        RemarkKind::Annotated => "noted",
        RemarkKind::Removed => "removed",
        RemarkKind::Substituted => "replaced",
        RemarkKind::Masked => "masked",
        RemarkKind::Pseudonymized => "hashed",
        RemarkKind::Encrypted => "encrypted",
    }
}

fn times((deed, count): (&&'static str, &usize)) -> String {
    match count {
        1 => format!("{deed} 1 place"),
        _ => format!("{deed} {count} places"),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_RULE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touches(event: &str) -> Vec<(String, String)> {
        let event = Event::parse(event.as_bytes()).unwrap();
        let meta = event.get("_meta").map(Meta::from_json).unwrap_or_default();
        let touches = of(&event, &meta).into_iter();
        touches.map(|touch| (touch.rule, touch.deed)).collect()
    }

    #[test]
    fn every_rule_says_what_it_did() {
        let event = r#"{"_bugle":{"rules":[
                {"topic":"sampling","rule":"x","text":"a -> sample 0.5","rate":0.5},
                {"topic":"tags","rule":"y","text":"a -> tag b=c"},
                {"topic":"nonsense","text":"z"}, 5]},
            "_meta":{"a":{"":{"rem":[["@email","s",0,1],["@email","s",2,3],["!limit","s",4,5]]}},
                "b":{"":{"rem":[["organization:o","x"]]}}}}"#;
        let wanted = [
            ("a -> sample 0.5", "kept it at 50 %: it stands for 2"),
            ("a -> tag b=c", "added a tag"),
            (
                "The built-in rule for e-mail addresses",
                "replaced 2 places",
            ),
            ("The organisation’s rule o", "removed 1 place"),
        ];
        let wanted = wanted.map(|(rule, deed)| (rule.to_owned(), deed.to_owned()));
        assert_eq!(touches(event), wanted);
        assert_eq!(touches("{}"), []);
        assert_eq!(touches(r#"{"_bugle":[],"_meta":{}}"#), []);
    }

    #[test]
    fn rates_are_told_in_words() {
        for (rate, words) in [
            (1.0, "kept it, like all of its kind"),
            (0.1, "kept it at 10 %: it stands for 10"),
            (0.015, "kept it at 1.5 %: it stands for 66.67"),
            (0.0, ""),
            (f64::NAN, ""),
        ] {
            assert_eq!(sampled(rate), words);
        }
    }

    #[test]
    fn made_up_notes_are_bounded() {
        let notes: Vec<String> = (0..1000)
            .map(|i| {
                format!(
                    "\"{i}\":{{\"\":{{\"rem\":[[\"{i}{}\",\"x\"]]}}}}",
                    "é".repeat(900)
                )
            })
            .collect();
        let event = format!("{{\"_meta\":{{{}}}}}", notes.join(","));
        let touches = touches(&event);
        assert_eq!(touches.len(), MOST_RULES);
        assert!(
            touches
                .iter()
                .all(|(rule, _)| rule.chars().count() <= LONGEST_RULE)
        );
    }
}
