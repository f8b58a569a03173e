//! Which tags would have been added.

use super::parts::{Asks, Part, RulePlace, of_lines};
use super::subject::{Subject, each};
use super::tally::{Decider, RuleEffect, Tally};
use super::{Looked, Stored};
use crate::documents::TagsDocument;
use crate::tag::{Tag, Tags};

/// What tag rules would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRehearsal {
    /// What was looked at.
    pub looked: Looked,
    /// The lines in their order. A line decides where it adds its tag: the event has none of that key, and no line before
    /// it adds one.
    pub rules: Vec<TaggedRule>,
    /// How many would get a tag.
    pub tagged: usize,
}

/// What a line would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedRule {
    /// How often it holds.
    pub effect: RuleEffect,
    /// The tag.
    pub tag: Tag,
    /// For how many it holds that have a tag of that key from their sender, which stays.
    pub already: usize,
}

/// Tries tag rules on stored events and transactions, newest first; `current` is what applies today.
#[must_use]
pub fn tags(
    candidate: &TagsDocument,
    current: &TagsDocument,
    bodies: &[Stored<'_>],
    go_on: &mut dyn FnMut() -> bool,
) -> TagRehearsal {
    let (_, problems) = Tags::lenient(candidate);
    let (today, _) = Tags::lenient(current);
    let parts: Vec<Part<Option<Tag>>> = of_lines(&candidate.rules, &problems, tag);
    let mut tally = Tally::new(&parts);
    let mut already = vec![0; parts.len()];
    let mut tagged = 0;
    let looked = each(bodies, go_on, |subject| {
        let mut added: Vec<(&str, RulePlace)> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let (Asks::Condition(condition), Some(tag)) = (&part.asks, &part.rule) else {
                continue;
            };
            if !condition.matches(subject.facts) {
                continue;
            }
            let earlier = added.iter().find(|(key, _)| *key == tag.key);
            let decider = match earlier {
                Some((_, place)) => Decider::Other(*place),
                None if is_taken(subject, tag) => {
                    already[index] += 1;
                    Decider::Sender
                }
                None => {
                    added.push((&tag.key, part.place));
                    let mut before = today.matching(subject.facts);
                    let newly = before.all(|(_, present)| present != tag);
                    Decider::Itself { newly }
                }
            };
            tally.holds(index, subject, decider);
        }
        tagged += usize::from(!added.is_empty());
    });
    let rules = tally.finish().into_iter().zip(&parts).zip(already);
    let rules = rules.filter_map(|((effect, part), already)| {
        let tag = part.rule.clone()?;
        Some(TaggedRule {
            effect,
            tag,
            already,
        })
    });
    TagRehearsal {
        looked,
        rules: rules.collect(),
        tagged,
    }
}

/// The tag of a line.
fn tag(line: &str) -> Option<Tag> {
    let (tags, _) = Tags::lenient(&TagsDocument {
        rules: line.to_owned(),
    });
    tags.all().next().cloned()
}

/// Whether the sender set a tag of that key. One that a rule of ours added is no hindrance.
fn is_taken(subject: &Subject<'_, '_>, tag: &Tag) -> bool {
    let present = subject.event.tag(&tag.key);
    present.is_some_and(|value| !subject.has_own_tag(&tag.key, value))
}
