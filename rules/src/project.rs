//! The rules of one project, compiled.

use std::collections::BTreeMap;

use bugle_protocol::RuleName;
use serde::de::DeserializeOwned;

use crate::documents::{FiltersDocument, SamplingDocument, ScrubbingDocument, TagsDocument};
use crate::filter::Filters;
use crate::lines::named_lines;
use crate::problem::Problem;
use crate::sample::Sampling;
use crate::scrub::Scrubber;
use crate::tag::Tags;

/// The stored documents that apply to a project; `None` where nothing was ever saved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Documents<'d> {
    /// What the organisation scrubs in all its projects.
    pub organization_scrubbing: Option<&'d str>,
    /// What the project scrubs.
    pub scrubbing: Option<&'d str>,
    /// What it drops.
    pub filters: Option<&'d str>,
    /// What it samples.
    pub sampling: Option<&'d str>,
    /// What it tags.
    pub tags: Option<&'d str>,
}

/// Everything a project has decided, ready to be asked. Cheap to share between threads.
#[derive(Clone, Debug, Default)]
pub struct ProjectRules {
    /// What is removed.
    pub scrubber: Scrubber,
    /// Whether addresses are removed; then none is inferred either.
    pub scrubs_ip_addresses: bool,
    /// What is dropped.
    pub filters: Filters,
    /// What is sampled.
    pub sampling: Sampling,
    /// What is tagged.
    pub tags: Tags,
    /// The lines on sampling and tags, by name, for saying on an event which of them touched it.
    texts: BTreeMap<RuleName, String>,
}

impl ProjectRules {
    /// Compiles documents. What cannot be read or compiled is left out and returned: a rule that was stored by another
    /// version must not switch off the others. A document that is no JSON has its defaults.
    #[must_use]
    pub fn compile(documents: &Documents<'_>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let organization = documents
            .organization_scrubbing
            .map_or_else(ScrubbingDocument::nothing, |text| {
                read(Some(text), "organizationScrubbing", &mut problems)
            });
        let own: ScrubbingDocument = read(documents.scrubbing, "scrubbing", &mut problems);
        let scrubbing = ScrubbingDocument::compose(&organization, &own);
        let filters: FiltersDocument = read(documents.filters, "filters", &mut problems);
        let sampling: SamplingDocument = read(documents.sampling, "sampling", &mut problems);
        let tags: TagsDocument = read(documents.tags, "tags", &mut problems);

        let mut found = |more: Vec<Problem>| problems.extend(more);
        let (scrubber, wrong) = Scrubber::of_document(&scrubbing);
        found(wrong);
        let (filters, wrong) = Filters::lenient(&filters);
        found(wrong);
        let lines = [&sampling.rules, &tags.rules];
        let lines = lines.into_iter().flat_map(|text| named_lines(text));
        let texts = lines.map(|line| (line.name, line.text)).collect();
        let (sampling, wrong) = Sampling::lenient(&sampling);
        found(wrong);
        let (tags, wrong) = Tags::lenient(&tags);
        found(wrong);
        let rules = Self {
            scrubber,
            scrubs_ip_addresses: scrubbing.settings.scrub_ip_addresses,
            filters,
            sampling,
            tags,
            texts,
        };
        (rules, problems)
    }

    /// The line on sampling or tags that is counted under a name.
    #[must_use]
    pub fn rule_text(&self, name: &RuleName) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
}

fn read<D: DeserializeOwned + Default>(
    text: Option<&str>,
    field: &'static str,
    problems: &mut Vec<Problem>,
) -> D {
    let Some(text) = text else {
        return D::default();
    };
    serde_json::from_str(text).unwrap_or_else(|error| {
        problems.push(Problem {
            field,
            line: None,
            column: None,
            message: format!("the stored document cannot be read: {error}"),
        });
        D::default()
    })
}
