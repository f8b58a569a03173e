//! How much of what comes in is stored.

use bugle_protocol::{RuleTopic, UnixMillis};
use bugle_rules::rehearsal::{self, SampledRule, SamplingRehearsal};
use bugle_rules::sample::{new_release_lines, presets, warnings};
use bugle_rules::{Problem as Fault, Sampling, SamplingDocument};
use serde::Serialize;

use super::Topic;
use super::faults::FaultView;
use super::fields::Fields;
use super::hits::NamedRule;
use super::lines::{self, LinesBeside};
use super::place::Place;
use super::preview::{self, EffectView, HeadView, Sample};
use crate::Ui;
use crate::problem::Problem;

/// Characters of a release's name at most, as at Sentry.
const LONGEST_RELEASE: usize = 250;

/// The topic.
pub(super) struct SamplingRules;

/// The form.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SamplingForm {
    rules: String,
    /// A release whose first hour shall be kept, and the share that is kept after it.
    new_release: String,
    new_rate: String,
}

/// What the page shows beside the form.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    lines: LinesBeside,
    /// Lines that can never decide, or not about what they seem to be about.
    warnings: Vec<FaultView>,
}

/// The model of the preview.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    head: HeadView,
    rules: Vec<Row>,
    /// The transactions, and the errors that a rule is about.
    considered: usize,
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
    type Form = SamplingForm;
    type Beside = Beside;
    type Preview = Preview;

    fn initial(_: &Place) -> SamplingDocument {
        SamplingDocument::default()
    }

    fn fill(document: &SamplingDocument) -> SamplingForm {
        SamplingForm {
            rules: document.rules.clone(),
            new_release: String::new(),
            new_rate: "0.1".to_owned(),
        }
    }

    fn typed(fields: &Fields) -> SamplingForm {
        SamplingForm {
            rules: fields.get("rules").to_owned(),
            new_release: fields.get("newRelease").to_owned(),
            new_rate: fields.get("newRate").to_owned(),
        }
    }

    fn read(form: &SamplingForm) -> Result<SamplingDocument, Vec<Fault>> {
        let document = SamplingDocument {
            rules: form.rules.clone(),
        };
        let (_, faults) = Sampling::lenient(&document);
        match faults.is_empty() {
            true => Ok(document),
            false => Err(faults),
        }
    }

    fn text<'f>(form: &'f SamplingForm, field: &str) -> Option<&'f str> {
        (field == "rules").then_some(&form.rules)
    }

    fn press(form: &mut SamplingForm, _: &Fields, button: &str) -> Option<Vec<Fault>> {
        match button {
            "add-release" => Some(add_release(form, UnixMillis::now())),
            _ => lines::press(presets(), &mut form.rules, button),
        }
    }

    fn rules(form: &SamplingForm) -> Vec<NamedRule> {
        lines::rules(&form.rules)
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        lines::gone(name)
    }

    async fn beside(_: &Ui, _: &Place, form: &SamplingForm) -> Result<Beside, Problem> {
        let document = SamplingDocument {
            rules: form.rules.clone(),
        };
        let warnings = warnings(&document, UnixMillis::now());
        let warnings = warnings.iter().map(|fault| FaultView::new(fault, None));
        Ok(Beside {
            lines: LinesBeside::read(presets(), &form.rules).await?,
            warnings: warnings.collect(),
        })
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

/// Puts a line that keeps the first hour of a release above all others.
fn add_release(form: &mut SamplingForm, now: UnixMillis) -> Vec<Fault> {
    let fault = |field, message: &str| Fault {
        field,
        line: None,
        column: None,
        message: message.to_owned(),
    };
    let release = form.new_release.trim();
    let rate = form.new_rate.trim().parse::<f64>().ok();
    let rate = rate.filter(|rate| (0.0..=1.0).contains(rate));
    let mut faults = Vec::new();
    if release.is_empty() || release.chars().count() > LONGEST_RELEASE {
        faults.push(fault("newRelease", "a release has 1 to 250 characters"));
    }
    match rate {
        None => faults.push(fault(
            "newRate",
            "a rate is a number from 0 to 1, such as 0.1",
        )),
        Some(rate) if faults.is_empty() => {
            let lines = new_release_lines(release, now, rate);
            form.rules = format!("{lines}\n{}", form.rules);
            form.new_release.clear();
        }
        Some(_) => {}
    }
    faults
}

fn view(result: &SamplingRehearsal, sample: &Sample) -> Preview {
    let row = |rule: &SampledRule| Row {
        effect: sample.effect(&rule.effect, result.considered, |_| ""),
        rate: rule.rates.map(rate).unwrap_or_default(),
        kept: rule.kept,
        share: share(rule.expected, rule.received),
    };
    Preview {
        head: sample.head(&result.looked, result.rules.len()),
        rules: result.rules.iter().map(row).collect(),
        considered: result.considered,
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
    fn the_first_hour_of_a_release_is_a_line() {
        let mut form = SamplingRules::fill(&SamplingDocument::default());
        form.rules = "transaction:* -> sample 0.1\n".to_owned();
        for (release, rate, fields) in [
            (" ", "0.1", vec!["newRelease"]),
            ("x", "2", vec!["newRate"]),
            ("", "NaN", vec!["newRelease", "newRate"]),
        ] {
            form.new_release = release.to_owned();
            form.new_rate = rate.to_owned();
            let faults = add_release(&mut form, UnixMillis(0));
            let found: Vec<_> = faults.iter().map(|fault| fault.field).collect();
            assert_eq!(found, fields);
            assert_eq!(form.rules, "transaction:* -> sample 0.1\n");
        }
        form.new_release = "shop@1 <b>".to_owned();
        form.new_rate = "0.25".to_owned();
        assert_eq!(add_release(&mut form, UnixMillis(0)), []);
        assert!(
            form.rules
                .contains("sample 1 to 0.25 from 1970-01-01T00:00:00Z")
        );
        assert!(form.rules.ends_with("\n\ntransaction:* -> sample 0.1\n"));
        assert!(SamplingRules::read(&form).is_ok());
    }

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
