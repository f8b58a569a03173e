//! The rules of one project, compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Rules that were compiled before, by topic: of the same documents as those that are compiled now. They are taken over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'r> {
    /// The same documents on scrubbing, the organisation's and the project's.
    pub scrubbing: Option<&'r ProjectRules>,
    /// The same document on filters.
    pub filters: Option<&'r ProjectRules>,
    /// The same document on sampling.
    pub sampling: Option<&'r ProjectRules>,
    /// The same document on tags.
    pub tags: Option<&'r ProjectRules>,
}

/// Everything a project has decided, ready to be asked. Cheap to share between threads, and each topic between projects.
#[derive(Clone, Debug, Default)]
pub struct ProjectRules {
    /// What is removed.
    pub scrubber: Arc<Scrubber>,
    /// Whether addresses are removed; then none is inferred either.
    pub scrubs_ip_addresses: bool,
    /// What is dropped.
    pub filters: Arc<Filters>,
    /// What is sampled.
    pub sampling: Arc<Sampling>,
    /// What is tagged.
    pub tags: Arc<Tags>,
    /// The lines on sampling and on tags, by name, for saying on an event which of them touched it.
    sampling_texts: Arc<Texts>,
    tag_texts: Arc<Texts>,
}

type Texts = BTreeMap<RuleName, String>;

impl ProjectRules {
    /// Compiles documents. What cannot be read or compiled is left out and returned: a rule that was stored by another
    /// version must not switch off the others. A document that is no JSON has its defaults.
    #[must_use]
    pub fn compile(documents: &Documents<'_>) -> (Self, Vec<Problem>) {
        Self::compile_rest(documents, Known::default())
    }

    /// Compiles those documents that are not known. The problems of known ones are not returned again.
    #[must_use]
    pub fn compile_rest(documents: &Documents<'_>, known: Known<'_>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let found = &mut problems;
        let (scrubber, scrubs_ip_addresses) = match known.scrubbing {
            Some(rules) => (Arc::clone(&rules.scrubber), rules.scrubs_ip_addresses),
            None => scrubbing(documents, found),
        };
        let filters = match known.filters {
            Some(rules) => Arc::clone(&rules.filters),
            None => filters(documents, found),
        };
        let (sampling, sampling_texts) = match known.sampling {
            Some(rules) => (
                Arc::clone(&rules.sampling),
                Arc::clone(&rules.sampling_texts),
            ),
            None => sampling(documents, found),
        };
        let (tags, tag_texts) = match known.tags {
            Some(rules) => (Arc::clone(&rules.tags), Arc::clone(&rules.tag_texts)),
            None => tags(documents, found),
        };
        let rules = Self {
            scrubber,
            scrubs_ip_addresses,
            filters,
            sampling,
            tags,
            sampling_texts,
            tag_texts,
        };
        (rules, problems)
    }

    /// The line on sampling or tags that is counted under a name.
    #[must_use]
    pub fn rule_text(&self, name: &RuleName) -> Option<&str> {
        let text = self.tag_texts.get(name);
        let text = text.or_else(|| self.sampling_texts.get(name));
        text.map(String::as_str)
    }
}

fn scrubbing(documents: &Documents<'_>, found: &mut Vec<Problem>) -> (Arc<Scrubber>, bool) {
    let organization = documents
        .organization_scrubbing
        .map_or_else(ScrubbingDocument::nothing, |text| {
            read(Some(text), "organizationScrubbing", found)
        });
    let own: ScrubbingDocument = read(documents.scrubbing, "scrubbing", found);
    let document = ScrubbingDocument::compose(&organization, &own);
    let (scrubber, wrong) = Scrubber::of_composed(&document);
    found.extend(wrong);
    (Arc::new(scrubber), document.settings.scrub_ip_addresses)
}

fn filters(documents: &Documents<'_>, found: &mut Vec<Problem>) -> Arc<Filters> {
    let document: FiltersDocument = read(documents.filters, "filters", found);
    let (filters, wrong) = Filters::lenient(&document);
    found.extend(wrong);
    Arc::new(filters)
}

fn sampling(documents: &Documents<'_>, found: &mut Vec<Problem>) -> (Arc<Sampling>, Arc<Texts>) {
    let document: SamplingDocument = read(documents.sampling, "sampling", found);
    let (sampling, wrong) = Sampling::lenient(&document);
    found.extend(wrong);
    (Arc::new(sampling), texts(&document.rules))
}

fn tags(documents: &Documents<'_>, found: &mut Vec<Problem>) -> (Arc<Tags>, Arc<Texts>) {
    let document: TagsDocument = read(documents.tags, "tags", found);
    let (tags, wrong) = Tags::lenient(&document);
    found.extend(wrong);
    (Arc::new(tags), texts(&document.rules))
}

fn texts(rules: &str) -> Arc<Texts> {
    let lines = named_lines(rules).into_iter();
    Arc::new(lines.map(|line| (line.name, line.text)).collect())
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
