//! Trying rules on what is stored: the bodies they are tried on, and what a table says about each rule.

use std::time::{Duration, Instant};

use bugle_protocol::{ProjectId, UnixMillis};
use bugle_rules::rehearsal::{Example, Looked, MAX_RULES, Matched, RuleEffect, RulePlace, Stored};
use bugle_store::StoredBody;
use serde::Serialize;

use super::Topic;
use super::lines::cut;
use super::place::Place;
use crate::Ui;
use crate::pages::transactions;
use crate::problem::Problem;
use crate::when::When;

/// Events, and transactions, that are looked at.
const BODIES: u32 = 1000;

/// After this time no further one is looked at.
const MOST_TIME: Duration = Duration::from_secs(2);

/// What was looked at: `p.head` in the templates.
#[derive(Debug, Serialize)]
pub(super) struct HeadView {
    events: usize,
    transactions: usize,
    total: usize,
    /// How many of them scrubbing had removed something from.
    scrubbed: usize,
    /// Bodies that could not be read.
    unreadable: usize,
    /// Whether time was up before all were looked at.
    is_cut: bool,
    /// How many rules are listed, if there are more.
    listed: Option<usize>,
    /// When the oldest that was looked at came in.
    since: Option<When>,
}

/// What a rule would do, for `effects()` in `preview_macros.html`.
#[derive(Debug, Serialize)]
pub(super) struct EffectView {
    /// The line, or what the switch is called.
    label: String,
    line: Option<usize>,
    holds: usize,
    decides: usize,
    newly: usize,
    /// The share of all, in words, and in whole percents for a bar.
    share: String,
    percent: usize,
    /// What decides in its place, wherever it holds.
    shadowed_by: Option<String>,
    examples: Vec<ExampleView>,
}

/// An event that a rule holds for.
#[derive(Debug, Serialize)]
struct ExampleView {
    title: String,
    /// Its page.
    url: Option<String>,
    when: When,
    matched: Vec<MatchedView>,
    decided_by: Option<String>,
}

/// A field that a rule looked at.
#[derive(Debug, Serialize)]
struct MatchedView {
    /// Empty for free text.
    field: String,
    value: Option<String>,
}

/// The newest events and transactions of a project, newest first.
pub(super) struct Sample {
    bodies: Vec<StoredBody>,
    issues: String,
    /// The address of the transactions of the project, if it is one.
    transactions: Option<String>,
}

impl Sample {
    /// Reads them.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub(super) async fn read(ui: &Ui, place: &Place) -> Result<Self, Problem> {
        let project = place.project.as_ref().map_or(ProjectId(0), |own| own.id);
        let mut bodies = ui.store.recent_events(project, BODIES).await?;
        bodies.extend(ui.store.recent_transactions(project, BODIES).await?);
        // If time ends early, both kinds were looked at.
        bodies.sort_by_key(|body| std::cmp::Reverse(body.received_at));
        Ok(Self {
            bodies,
            issues: ui.site.link("/issues"),
            transactions: place.project.as_ref().map(|own| transactions::url(ui, own)),
        })
    }

    /// Tries something on them, for two seconds at most.
    ///
    /// # Errors
    /// [`Problem::Broken`] if that panics.
    pub(super) async fn try_out<R: Send + 'static>(
        self,
        work: impl FnOnce(&[Stored<'_>], &mut dyn FnMut() -> bool) -> R + Send + 'static,
    ) -> Result<(R, Self), Problem> {
        let done = tokio::task::spawn_blocking(move || {
            let stored: Vec<Stored<'_>> = self.bodies.iter().map(stored).collect();
            let until = Instant::now() + MOST_TIME;
            let result = work(&stored, &mut || Instant::now() < until);
            (result, self)
        });
        done.await
            .map_err(|_| Problem::Broken("a preview panicked"))
    }

    /// What was looked at, and whether so many rules are not all of them.
    pub(super) fn head(&self, looked: &Looked, rules: usize) -> HeadView {
        let count = looked.total() + looked.unreadable;
        let oldest = count.checked_sub(1).and_then(|last| self.bodies.get(last));
        HeadView {
            events: looked.events,
            transactions: looked.transactions,
            total: looked.total(),
            scrubbed: looked.scrubbed,
            unreadable: looked.unreadable,
            is_cut: !looked.is_complete,
            listed: (rules >= MAX_RULES).then_some(MAX_RULES),
            since: oldest.map(|oldest| When::new(oldest.received_at, UnixMillis::now())),
        }
    }

    /// What a rule would do; `member` says what a switch is called.
    pub(super) fn effect(
        &self,
        effect: &RuleEffect,
        total: usize,
        member: fn(&str) -> &'static str,
    ) -> EffectView {
        let examples = effect.examples.iter();
        EffectView {
            label: match effect.place {
                RulePlace::Member(name) => member(name).to_owned(),
                RulePlace::Line(_) => cut(&effect.text),
            },
            line: match effect.place {
                RulePlace::Member(_) => None,
                RulePlace::Line(line) => Some(line),
            },
            holds: effect.holds,
            decides: effect.decides,
            newly: effect.newly,
            share: share(effect.holds, total),
            percent: percent(effect.holds, total),
            shadowed_by: effect.shadowed_by.map(|place| name_of(place, member)),
            examples: examples
                .map(|example| self.example(example, member))
                .collect(),
        }
    }

    fn example(&self, example: &Example, member: fn(&str) -> &'static str) -> ExampleView {
        let mut bodies = self.bodies.iter();
        let stored = bodies.find(|body| body.event_id == example.event_id);
        let id = example.event_id;
        let url = stored.and_then(|body| match body.issue {
            Some(issue) => Some(format!("{}/{issue}/events/{id}/", self.issues)),
            None => Some(format!("{}{id}/", self.transactions.as_deref()?)),
        });
        ExampleView {
            title: example.title.clone(),
            url,
            when: When::new(example.received_at, UnixMillis::now()),
            matched: example.matched.iter().map(matched).collect(),
            decided_by: example.decided_by.map(|place| name_of(place, member)),
        }
    }
}

/// The document that applies.
///
/// # Errors
/// [`Problem::Store`].
pub(super) async fn current<T: Topic>(ui: &Ui, place: &Place) -> Result<T::Document, Problem> {
    let version = ui.store.current_rules(place.owner, T::TOPIC).await?;
    let document = version.and_then(|version| serde_json::from_str(&version.document).ok());
    Ok(document.unwrap_or_else(|| T::initial(place)))
}

/// A part of a whole as people say it.
pub(super) fn share(part: usize, whole: usize) -> String {
    match (part, percent(part, whole)) {
        (0, _) => "0 %".to_owned(),
        (_, 0) => "<1 %".to_owned(),
        (part, 100) if part < whole => ">99 %".to_owned(),
        (_, percent) => format!("{percent} %"),
    }
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}

fn name_of(place: RulePlace, member: fn(&str) -> &'static str) -> String {
    match place {
        RulePlace::Member(name) => format!("“{}”", member(name)),
        RulePlace::Line(line) => format!("line {line}"),
    }
}

fn stored(body: &StoredBody) -> Stored<'_> {
    Stored {
        event_id: body.event_id,
        title: &body.title,
        received_at: body.received_at,
        body: &body.body,
    }
}

fn matched(matched: &Matched) -> MatchedView {
    MatchedView {
        field: matched.field.clone(),
        value: matched.value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_nothing_or_all_by_rounding() {
        for (part, whole, words) in [
            (0, 0, "0 %"),
            (0, 7, "0 %"),
            (1, 1000, "<1 %"),
            (1, 3, "33 %"),
            (999, 1000, ">99 %"),
            (7, 7, "100 %"),
        ] {
            assert_eq!(share(part, whole), words, "{part} of {whole}");
        }
    }
}
