//! Tags that rules add.

use bugle_protocol::RuleTopic;
use bugle_rules::rehearsal::{self, TaggedRule};
use bugle_rules::{Problem as Fault, Tags, TagsDocument};
use serde::Serialize;

use super::Topic;
use super::fields::Fields;
use super::hits::NamedRule;
use super::lines::{self, LinesBeside, LinesForm};
use super::place::Place;
use super::preview::{self, EffectView, HeadView, Sample};
use crate::Ui;
use crate::problem::Problem;

/// The topic.
pub(super) struct TagRules;

/// The model of the preview.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    head: HeadView,
    /// How many would get a tag.
    tagged: usize,
    rules: Vec<Row>,
}

/// What a line would do.
#[derive(Debug, Serialize)]
struct Row {
    effect: EffectView,
    key: String,
    value: String,
    /// How many have a tag of that key from their sender.
    already: usize,
}

impl Topic for TagRules {
    const TOPIC: RuleTopic = RuleTopic::Tags;
    const TEMPLATE: &'static str = "tags.html";
    type Document = TagsDocument;
    type Form = LinesForm;
    type Beside = LinesBeside;
    type Preview = Preview;

    fn initial(_: &Place) -> TagsDocument {
        TagsDocument::default()
    }

    fn fill(document: &TagsDocument) -> LinesForm {
        LinesForm {
            rules: document.rules.clone(),
        }
    }

    fn typed(fields: &Fields) -> LinesForm {
        LinesForm::typed(fields)
    }

    fn read(form: &LinesForm) -> Result<TagsDocument, Vec<Fault>> {
        let document = TagsDocument {
            rules: form.rules.clone(),
        };
        let (_, faults) = Tags::lenient(&document);
        match faults.is_empty() {
            true => Ok(document),
            false => Err(faults),
        }
    }

    fn text<'f>(form: &'f LinesForm, field: &str) -> Option<&'f str> {
        form.text(field)
    }

    fn rules(form: &LinesForm) -> Vec<NamedRule> {
        lines::rules(&form.rules)
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        lines::gone(name)
    }

    async fn beside(_: &Ui, _: &Place, form: &LinesForm) -> Result<LinesBeside, Problem> {
        LinesBeside::read(&[], &form.rules).await
    }

    async fn preview(ui: &Ui, place: &Place, candidate: TagsDocument) -> Result<Preview, Problem> {
        let current = preview::current::<Self>(ui, place).await?;
        let sample = Sample::read(ui, place).await?;
        let (result, sample) = sample
            .try_out(move |bodies, go_on| rehearsal::tags(&candidate, &current, bodies, go_on))
            .await?;
        let total = result.looked.total();
        let row = |rule: &TaggedRule| Row {
            effect: sample.effect(&rule.effect, total, |_| ""),
            key: rule.tag.key.clone(),
            value: rule.tag.value.clone(),
            already: rule.already,
        };
        Ok(Preview {
            head: sample.head(&result.looked, result.rules.len()),
            tagged: result.tagged,
            rules: result.rules.iter().map(row).collect(),
        })
    }
}
