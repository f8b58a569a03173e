//! What is dropped before it is stored.

mod built_in;
mod form;

use bugle_protocol::{FilterReason, RuleTopic};
use bugle_rules::filter::presets;
use bugle_rules::rehearsal::{self, FilterRehearsal};
use bugle_rules::{FiltersDocument, Problem as Fault};
use serde::Serialize;

use super::Topic;
use super::fields::Fields;
use super::hits::NamedRule;
use super::lines::{self, LinesBeside};
use super::place::Place;
use super::preview::{self, EffectView, HeadView, Sample};
use crate::Ui;
use crate::problem::Problem;

use built_in::{CSP_SOURCES, LEGACY_BROWSERS, LISTS, SWITCHES, title};
use form::{BrowserView, ChoiceView, FiltersForm, ListView};

/// The topic.
pub(super) struct InboundFilters;

/// What the page shows beside the form.
#[derive(Debug, Serialize)]
pub(super) struct Beside {
    switches: Vec<ChoiceView>,
    browsers_title: &'static str,
    browsers_explanation: &'static str,
    browsers_hits: &'static str,
    browsers: Vec<BrowserView>,
    lists: Vec<ListView>,
    lines: LinesBeside,
}

/// The model of the preview.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    head: HeadView,
    dropped: usize,
    newly: usize,
    no_longer: usize,
    share: String,
    rules: Vec<EffectView>,
}

impl Topic for InboundFilters {
    const TOPIC: RuleTopic = RuleTopic::Filters;
    const TEMPLATE: &'static str = "filters.html";
    type Document = FiltersDocument;
    type Form = FiltersForm;
    type Beside = Beside;
    type Preview = Preview;

    fn initial(_: &Place) -> FiltersDocument {
        FiltersDocument::default()
    }

    fn fill(document: &FiltersDocument) -> FiltersForm {
        FiltersForm::fill(document)
    }

    fn typed(fields: &Fields) -> FiltersForm {
        FiltersForm::typed(fields)
    }

    fn read(form: &FiltersForm) -> Result<FiltersDocument, Vec<Fault>> {
        form.read()
    }

    fn text<'f>(form: &'f FiltersForm, field: &str) -> Option<&'f str> {
        form.text(field)
    }

    fn press(form: &mut FiltersForm, _: &Fields, button: &str) -> Option<Vec<Fault>> {
        lines::press(presets(), &mut form.rules, button)
    }

    fn rules(form: &FiltersForm) -> Vec<NamedRule> {
        let on = built_in::all().filter(|own| form.is_on(own.member));
        let built_in = on.map(|own| NamedRule {
            name: own.reason.name().to_owned(),
            line: None,
            label: own.title.to_owned(),
        });
        built_in.chain(lines::rules(&form.rules)).collect()
    }

    fn other_rule(name: &str) -> Option<(String, bool)> {
        match FilterReason::from_name(name) {
            Some(reason) => built_in::of_reason(reason).map(|own| (own.title.to_owned(), true)),
            None => lines::gone(name),
        }
    }

    async fn beside(_: &Ui, _: &Place, form: &FiltersForm) -> Result<Beside, Problem> {
        Ok(Beside {
            switches: SWITCHES.iter().map(|switch| form.choice(switch)).collect(),
            browsers_title: LEGACY_BROWSERS.title,
            browsers_explanation: LEGACY_BROWSERS.explanation,
            browsers_hits: LEGACY_BROWSERS.reason.name(),
            browsers: form.browsers(),
            lists: LISTS
                .iter()
                .chain([&CSP_SOURCES])
                .map(|list| form.list(list))
                .collect(),
            lines: LinesBeside::read(presets(), &form.rules).await?,
        })
    }

    async fn preview(
        ui: &Ui,
        place: &Place,
        candidate: FiltersDocument,
    ) -> Result<Preview, Problem> {
        let current = preview::current::<Self>(ui, place).await?;
        let sample = Sample::read(ui, place).await?;
        let (result, sample) = sample
            .try_out(move |bodies, go_on| rehearsal::filters(&candidate, &current, bodies, go_on))
            .await?;
        Ok(view(&result, &sample))
    }
}

fn view(result: &FilterRehearsal, sample: &Sample) -> Preview {
    let total = result.looked.total();
    let rules = result.rules.iter();
    Preview {
        head: sample.head(&result.looked, result.rules.len()),
        dropped: result.dropped,
        newly: result.newly,
        no_longer: result.no_longer,
        share: preview::share(result.dropped, total),
        rules: rules
            .map(|rule| sample.effect(rule, total, title))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_rules::filter::LegacyBrowser;

    #[test]
    fn a_document_survives_the_form() {
        let everything = FiltersDocument {
            web_crawlers: true,
            localhost: true,
            browser_extensions: true,
            legacy_browsers: LegacyBrowser::ALL.iter().copied().collect(),
            csp_sources: vec!["https://*.example.com".to_owned()],
            addresses: vec!["10.0.0.0/8".to_owned(), "::1".to_owned()],
            releases: vec!["shop@1.*".to_owned()],
            error_messages: vec!["*<b>*".to_owned()],
            rules: "# Ours\nlevel:debug -> drop\n".to_owned(),
            ..FiltersDocument::default()
        };
        let off = FiltersDocument {
            health_checks: false,
            chunk_load_errors: false,
            hydration_errors: false,
            csp_defaults: false,
            ..FiltersDocument::default()
        };
        for document in [everything, FiltersDocument::default(), off] {
            let form = InboundFilters::fill(&document);
            assert_eq!(InboundFilters::read(&form), Ok(document));
        }
    }

    #[test]
    fn every_reason_has_a_title() {
        for reason in FilterReason::ALL {
            let expected = *reason != FilterReason::CustomRule;
            assert_eq!(
                built_in::of_reason(*reason).is_some(),
                expected,
                "{reason:?}"
            );
        }
    }
}
