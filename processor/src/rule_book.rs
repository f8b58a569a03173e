//! The compiled rules of all projects.

use std::collections::HashMap;
use std::sync::Arc;

use bugle_protocol::{OrganizationId, ProjectId, RuleTopic, RuleVersionId};
use bugle_rules::{Documents, Known, ProjectRules};
use bugle_store::{RuleOwner, RuleVersion};

/// The rules of every project that there was when the book was written. Projects to which the same documents apply share
/// them, and of other projects those topics that are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleBook {
    projects: HashMap<ProjectId, Arc<ProjectRules>>,
    compiled: HashMap<Sources, Arc<ProjectRules>>,
    /// For each topic and its documents, rules in which they are compiled.
    parts: HashMap<Part, Arc<ProjectRules>>,
}

/// A topic, with the documents that it is compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// The organisation's, the project's.
    Scrubbing(Option<RuleVersionId>, Option<RuleVersionId>),
    Filters(Option<RuleVersionId>),
    Sampling(Option<RuleVersionId>),
    Tags(Option<RuleVersionId>),
}

/// Which documents apply to a project: its organisation's on scrubbing and its own of each topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Sources {
    organization_scrubbing: Option<RuleVersionId>,
    scrubbing: Option<RuleVersionId>,
    filters: Option<RuleVersionId>,
    sampling: Option<RuleVersionId>,
    tags: Option<RuleVersionId>,
}

/// The documents that apply, to be found by owner and by version.
struct Library<'v> {
    by_owner: HashMap<(RuleOwner, RuleTopic), RuleVersionId>,
    texts: HashMap<RuleVersionId, &'v str>,
}

impl RuleBook {
    /// Compiles what applies now; what this book has already is taken over.
    pub(crate) fn renewed(
        &self,
        versions: &[RuleVersion],
        projects: &[(ProjectId, OrganizationId)],
    ) -> Self {
        let library = Library::new(versions);
        let mut book = Self::default();
        for (project, organization) in projects {
            let sources = library.sources(*project, *organization);
            let known = book.compiled.get(&sources);
            let rules = match known.or_else(|| self.compiled.get(&sources)) {
                Some(rules) => Arc::clone(rules),
                None => {
                    let known = sources.known(|part| book.part(part).or_else(|| self.part(part)));
                    Arc::new(library.compile(&sources, known, *project))
                }
            };
            book.add(*project, sources, rules);
        }
        book
    }

    fn part(&self, part: Part) -> Option<&ProjectRules> {
        self.parts.get(&part).map(Arc::as_ref)
    }

    fn add(&mut self, project: ProjectId, sources: Sources, rules: Arc<ProjectRules>) {
        for part in sources.parts() {
            let slot = self.parts.entry(part);
            slot.or_insert_with(|| Arc::clone(&rules));
        }
        self.compiled.insert(sources, Arc::clone(&rules));
        self.projects.insert(project, rules);
    }

    /// The rules of a project; `None` if there was no such project when the book was written.
    pub(crate) fn find(&self, project: ProjectId) -> Option<&Arc<ProjectRules>> {
        self.projects.get(&project)
    }

    /// Gives a project that is gone the rules of a new one. Nothing of it will be stored.
    pub(crate) fn add_lost(&mut self, project: ProjectId) {
        let sources = Sources::default();
        let rules = self.compiled.get(&sources).cloned().unwrap_or_default();
        self.add(project, sources, rules);
    }
}

impl Sources {
    fn parts(&self) -> [Part; 4] {
        [
            Part::Scrubbing(self.organization_scrubbing, self.scrubbing),
            Part::Filters(self.filters),
            Part::Sampling(self.sampling),
            Part::Tags(self.tags),
        ]
    }

    /// What of it is compiled already.
    fn known<'r>(&self, find: impl Fn(Part) -> Option<&'r ProjectRules>) -> Known<'r> {
        let [scrubbing, filters, sampling, tags] = self.parts().map(find);
        Known {
            scrubbing,
            filters,
            sampling,
            tags,
        }
    }
}

impl<'v> Library<'v> {
    fn new(versions: &'v [RuleVersion]) -> Self {
        let by_owner = versions.iter().map(|v| ((v.owner, v.topic), v.id));
        let texts = versions.iter().map(|v| (v.id, v.document.as_str()));
        Self {
            by_owner: by_owner.collect(),
            texts: texts.collect(),
        }
    }

    fn sources(&self, project: ProjectId, organization: OrganizationId) -> Sources {
        let find = |owner, topic| self.by_owner.get(&(owner, topic)).copied();
        let own = |topic| find(RuleOwner::Project(organization, project), topic);
        let organization = RuleOwner::Organization(organization);
        Sources {
            organization_scrubbing: find(organization, RuleTopic::Scrubbing),
            scrubbing: own(RuleTopic::Scrubbing),
            filters: own(RuleTopic::Filters),
            sampling: own(RuleTopic::Sampling),
            tags: own(RuleTopic::Tags),
        }
    }

    /// Says once what could not be compiled: whoever saved it was told, but another version of this program may differ.
    fn compile(&self, sources: &Sources, known: Known<'_>, project: ProjectId) -> ProjectRules {
        let text = |id: Option<RuleVersionId>| self.texts.get(&id?).copied();
        let documents = Documents {
            organization_scrubbing: text(sources.organization_scrubbing),
            scrubbing: text(sources.scrubbing),
            filters: text(sources.filters),
            sampling: text(sources.sampling),
            tags: text(sources.tags),
        };
        let (rules, problems) = ProjectRules::compile_rest(&documents, known);
        for problem in problems {
            tracing::warn!(
                project.id = project.0,
                field = problem.field,
                line = problem.line,
                problem = problem.message,
                "a part of the project's rules cannot be used and is left out"
            );
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::UnixMillis;

    const ACME: OrganizationId = OrganizationId(1);
    const OTHER: OrganizationId = OrganizationId(2);
    const PROJECTS: [(ProjectId, OrganizationId); 4] = [
        (ProjectId(1), ACME),
        (ProjectId(2), ACME),
        (ProjectId(3), ACME),
        (ProjectId(4), OTHER),
    ];

    fn version(id: i64, owner: RuleOwner, topic: RuleTopic, document: &str) -> RuleVersion {
        RuleVersion {
            id: RuleVersionId(id),
            owner,
            topic,
            document: document.to_owned(),
            comment: String::new(),
            author: None,
            created_at: UnixMillis(0),
        }
    }

    fn shares(book: &RuleBook, a: i64, b: i64) -> bool {
        let find = |id| book.find(ProjectId(id)).unwrap();
        Arc::ptr_eq(find(a), find(b))
    }

    #[test]
    fn projects_share_what_is_the_same_and_only_what_changed_is_compiled() {
        let own = RuleOwner::Project(ACME, ProjectId(1));
        let ip = r#"{"scrubIpAddresses":true}"#;
        let mut versions = vec![
            version(1, RuleOwner::Organization(ACME), RuleTopic::Scrubbing, ip),
            version(2, own, RuleTopic::Tags, r#"{"rules":"has:x -> tag a=b"}"#),
        ];
        let book = RuleBook::default().renewed(&versions, &PROJECTS);
        assert!(shares(&book, 2, 3) && !shares(&book, 1, 2) && !shares(&book, 2, 4));
        let scrubs_ip = |id| book.find(ProjectId(id)).unwrap().scrubs_ip_addresses;
        assert!(scrubs_ip(1) && scrubs_ip(2) && !scrubs_ip(4));
        assert!(!book.find(ProjectId(1)).unwrap().tags.is_empty());

        versions[1] = version(3, own, RuleTopic::Tags, "{}");
        let renewed = book.renewed(&versions, &PROJECTS[..3]);
        let same = |id| {
            let find = |book: &RuleBook| Arc::clone(book.find(ProjectId(id)).unwrap());
            Arc::ptr_eq(&find(&book), &find(&renewed))
        };
        assert!(same(2) && same(3) && !same(1));
        assert!(renewed.find(ProjectId(1)).unwrap().tags.is_empty());
        assert!(renewed.find(ProjectId(4)).is_none());
    }

    #[test]
    fn a_topic_whose_document_is_the_same_is_not_compiled_again() {
        let own = RuleOwner::Project(ACME, ProjectId(1));
        let tags = r#"{"rules":"has:x -> tag a=b"}"#;
        let mut versions = vec![
            version(1, RuleOwner::Organization(ACME), RuleTopic::Scrubbing, "{}"),
            version(2, own, RuleTopic::Tags, tags),
            version(3, own, RuleTopic::Filters, r#"{"webCrawlers":true}"#),
        ];
        let book = RuleBook::default().renewed(&versions, &PROJECTS);
        let ip = r#"{"scrubIpAddresses":true}"#;
        versions[0] = version(4, RuleOwner::Organization(ACME), RuleTopic::Scrubbing, ip);
        let renewed = book.renewed(&versions, &PROJECTS);
        let find = |book: &RuleBook, id| Arc::clone(book.find(ProjectId(id)).unwrap());
        let (old, new) = (find(&book, 1), find(&renewed, 1));
        assert!(!Arc::ptr_eq(&old.scrubber, &new.scrubber) && new.scrubs_ip_addresses);
        assert!(Arc::ptr_eq(&old.filters, &new.filters));
        assert!(Arc::ptr_eq(&old.sampling, &new.sampling));
        assert!(Arc::ptr_eq(&old.tags, &new.tags) && !new.tags.is_empty());
        let line = bugle_rules::named_lines("has:x -> tag a=b").remove(0);
        assert_eq!(new.rule_text(&line.name), Some("has:x -> tag a=b"));
        // Projects without a document of their own on scrubbing share what the organisation's comes to.
        let (one, two) = (find(&renewed, 1), find(&renewed, 2));
        assert!(Arc::ptr_eq(&one.scrubber, &two.scrubber));
        assert!(!Arc::ptr_eq(&one.filters, &two.filters));
    }

    #[test]
    fn a_document_that_cannot_be_read_leaves_the_defaults() {
        let own = RuleOwner::Project(ACME, ProjectId(1));
        let versions = [version(1, own, RuleTopic::Scrubbing, "nonsense")];
        let book = RuleBook::default().renewed(&versions, &PROJECTS);
        assert!(!book.find(ProjectId(1)).unwrap().scrubber.is_empty());
    }

    #[test]
    fn a_lost_project_has_the_rules_of_a_new_one() {
        let mut book = RuleBook::default();
        assert!(book.find(ProjectId(9)).is_none());
        book.add_lost(ProjectId(9));
        assert!(!book.find(ProjectId(9)).unwrap().scrubber.is_empty());
    }
}
