//! How much of what comes in is stored.

use bugle_protocol::RuleTopic;
use bugle_rules::rehearsal::{self, SampledRule, SamplingRehearsal};
use bugle_rules::{Preset, Problem as Fault, Sampling, SamplingDocument};
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
pub(super) struct SamplingRules;

/// The model of the preview.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    head: HeadView,
    rules: Vec<Row>,
    kept: usize,
    dropped: usize,
    untouched: usize,
    /// How many were received in that time, as far as the shares that were applied then tell.
    received: i64,
    /// The share of these that would be stored, and that is stored today, in words and whole percents.
    share: String,
    percent: i64,
    share_today: String,
}

/// What a line would do.
#[derive(Debug, Serialize)]
struct Row {
    effect: EffectView,
    /// `0.1`, or `1 to 0.1` while it decays; empty if it never decides.
    rate: String,
    kept: usize,
    /// The share of what was received of it that would be stored.
    share: String,
}

impl Topic for SamplingRules {
    const TOPIC: RuleTopic = RuleTopic::Sampling;
    const TEMPLATE: &'static str = "sampling.html";
    type Document = SamplingDocument;
    type Form = LinesForm;
    type Beside = LinesBeside;
    type Preview = Preview;

    fn initial(_: &Place) -> SamplingDocument {
        SamplingDocument::default()
    }

    fn fill(document: &SamplingDocument) -> LinesForm {
        LinesForm {
            rules: document.rules.clone(),
        }
    }

    fn typed(fields: &Fields) -> LinesForm {
        LinesForm::typed(fields)
    }

    fn read(form: &LinesForm) -> Result<SamplingDocument, Vec<Fault>> {
        let document = SamplingDocument {
            rules: form.rules.clone(),
        };
        let (_, faults) = Sampling::lenient(&document);
        match faults.is_empty() {
            true => Ok(document),
            false => Err(faults),
        }
    }

    fn text<'f>(form: &'f LinesForm, field: &str) -> Option<&'f str> {
        form.text(field)
    }

    fn press(form: &mut LinesForm, _: &Fields, button: &str) -> Option<Vec<Fault>> {
        lines::press(presets(), &mut form.rules, button)
    }

    fn rules(form: &LinesForm) -> Vec<NamedRule> {
        lines::rules(&form.rules)
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        lines::gone(name)
    }

    async fn beside(_: &Ui, _: &Place, form: &LinesForm) -> Result<LinesBeside, Problem> {
        Ok(LinesBeside::new(presets(), &form.rules))
    }

    async fn preview(
        ui: &Ui,
        place: &Place,
        candidate: SamplingDocument,
    ) -> Result<Preview, Problem> {
        let current = preview::current::<Self>(ui, place).await?;
        let sample = Sample::read(ui, place).await?;
        let (result, sample) = sample
            .try_out(move |bodies, go_on| rehearsal::sampling(&candidate, &current, bodies, go_on))
            .await?;
        Ok(view(&result, &sample))
    }
}

fn presets() -> &'static [Preset] {
    &[]
}

fn view(result: &SamplingRehearsal, sample: &Sample) -> Preview {
    let total = result.looked.total();
    let row = |rule: &SampledRule| Row {
        effect: sample.effect(&rule.effect, total, |_| ""),
        rate: rule.rates.map(rate).unwrap_or_default(),
        kept: rule.kept,
        share: share(rule.expected, rule.received),
    };
    Preview {
        head: sample.head(&result.looked),
        rules: result.rules.iter().map(row).collect(),
        kept: result.kept,
        dropped: result.dropped,
        untouched: result.untouched,
        received: whole(result.received),
        share: share(result.expected, result.received),
        percent: whole(100.0 * result.expected / result.received.max(1.0)),
        share_today: share(result.expected_today, result.received),
    }
}

/// A rate that does not change, or the two ends of one that does.
fn rate((low, high): (f64, f64)) -> String {
    if (high - low).abs() < 5e-4 {
        number(high)
    } else {
        format!("{} to {}", number(high), number(low))
    }
}

/// A rate as it is written in rules, to four digits.
fn number(rate: f64) -> String {
    format!("{rate:.4}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// A part of a whole that was estimated.
fn share(part: f64, of: f64) -> String {
    if of <= 0.0 {
        return "0 %".to_owned();
    }
    let percent = 100.0 * part / of;
    match percent {
        _ if percent <= 0.0 => "0 %".to_owned(),
        _ if percent < 0.1 => "<0.1 %".to_owned(),
        _ if percent < 10.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// Rounds an estimate.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range becomes its end"
)]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_shares_are_short() {
        assert_eq!(rate((0.1, 0.1)), "0.1");
        assert_eq!(rate((0.0, 1.0)), "1 to 0");
        assert_eq!(rate((0.000_04, 0.000_04)), "0");
        for (part, of, words) in [
            (0.0, 0.0, "0 %"),
            (0.0, 5.0, "0 %"),
            (1.0, 1e6, "<0.1 %"),
            (1.0, 16.0, "6.2 %"),
            (2.0, 3.0, "67 %"),
            (3.0, 3.0, "100 %"),
        ] {
            assert_eq!(share(part, of), words);
        }
        assert_eq!(whole(1e300), i64::MAX);
    }
}
