//! Which rules of a configuration run where: each is compiled once, and shared by all applications that name it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::config::{ConfigError, PiiConfig, RuleKind, RuleSpec};
use super::detect::Detector;
use super::extra::ExtraDetector;
use super::limits::{self, Budget, LeftOut, Scope};
use super::rules::{COMMON, COMMON_FILTER, Cover, Rule, built_in, detector};
use super::selector::Selector;

/// Who wrote a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// People, who may write anything.
    Team,
    /// The settings, whose own limits hold already. Their expression ignores case; a user's says so itself.
    Settings,
}

/// The applications of a configuration that have rules, within the limits.
pub(super) struct Resolved<'c> {
    pub(super) applications: Vec<Application<'c>>,
    /// What cannot run, and why.
    pub(super) errors: Vec<ConfigError>,
}

/// Rules and where they apply.
pub(super) struct Application<'c> {
    pub(super) selector: &'c Selector,
    /// In the order they run: by id, each once.
    pub(super) rules: Vec<Arc<Rule>>,
}

/// A rule as a list names it.
#[derive(Clone, Copy)]
struct Named<'c> {
    id: &'c str,
    /// The id of the rule that hides it.
    cover: Option<&'c str>,
}

/// Compiles what is applied, and checks what is not.
pub(super) fn resolve<'c>(
    config: &'c PiiConfig,
    author: Author,
    scope: Scope,
    extras: &'c BTreeSet<ExtraDetector>,
) -> Resolved<'c> {
    let mut resolver = Resolver::new(config, author, scope, extras);
    let mut applications = Vec::new();
    for (selector, names) in resolver.named_by_applications() {
        let rules = resolver.rules_of(&names);
        if !rules.is_empty() {
            applications.push(Application { selector, rules });
        }
    }
    resolver.check_others();
    Resolved {
        applications,
        errors: resolver.into_errors(),
    }
}

/// Whether there is a rule of this id.
pub(super) fn knows(config: &PiiConfig, id: &str) -> bool {
    config.rules.contains_key(id)
        || matches!(id, "@common" | "@common:filter")
        || built_in(id, &BTreeSet::new()).is_some()
}

struct Resolver<'c> {
    config: &'c PiiConfig,
    author: Author,
    scope: Scope,
    /// What is found beyond Sentry's rules.
    extras: &'c BTreeSet<ExtraDetector>,
    /// The configuration's rules that may be used.
    specs: BTreeMap<&'c str, &'c RuleSpec>,
    /// What the rules that were asked for look for; nothing if that does not compile.
    detectors: BTreeMap<&'c str, Option<Detector>>,
    /// Rules by id and by that of the rule that hides them.
    made: BTreeMap<(&'c str, Option<&'c str>), Arc<Rule>>,
    covers: BTreeMap<&'c str, Cover>,
    budget: Budget,
    errors: Vec<ConfigError>,
    /// What exceeds a limit.
    left_out: Vec<LeftOut>,
    /// Rules whose expressions do not fit beside the others.
    unfit: LeftOut,
}

impl<'c> Resolver<'c> {
    fn new(
        config: &'c PiiConfig,
        author: Author,
        scope: Scope,
        extras: &'c BTreeSet<ExtraDetector>,
    ) -> Self {
        let most = scope.most(limits::MAX_RULES);
        let most_compiled = scope.most(limits::MAX_COMPILED_BYTES);
        let mut excess = LeftOut::new("rules", most);
        let specs = config.rules.iter().enumerate().filter(|(i, (id, _))| {
            let fits = *i < most;
            if !fits {
                excess.add(|| (*id).clone());
            }
            fits
        });
        Self {
            specs: specs.map(|(_, (id, spec))| (id.as_str(), spec)).collect(),
            config,
            author,
            scope,
            extras,
            detectors: BTreeMap::new(),
            made: BTreeMap::new(),
            covers: BTreeMap::new(),
            budget: match author {
                Author::Team => Budget::of_team(scope),
                Author::Settings => Budget::of_settings(scope),
            },
            errors: Vec::new(),
            left_out: vec![excess],
            unfit: LeftOut::new("bytes of compiled expressions", most_compiled),
        }
    }

    /// The applications within the limits, with the rules they name.
    fn named_by_applications(&mut self) -> Vec<(&'c Selector, Vec<Named<'c>>)> {
        let mut applications = Vec::new();
        let most_applications = self.scope.most(limits::MAX_APPLICATIONS);
        let most_items = self.scope.most(limits::MAX_PATH_ITEMS);
        let most_named = self.scope.most(limits::MAX_NAMED);
        let mut excess = LeftOut::new("applications", most_applications);
        let mut too_long = LeftOut::new("path items in selectors", most_items);
        let mut too_many = LeftOut::new("rules named by applications", most_named);
        let (mut items, mut named) = (0, 0);
        for (i, (selector, ids)) in self.config.applications.iter().enumerate() {
            let name = || selector.to_string();
            let own_items = match self.author {
                Author::Team => selector.path_items(),
                Author::Settings => 0,
            };
            if i >= most_applications {
                excess.add(name);
            } else if items + own_items > most_items {
                too_long.add(name);
            } else if let Some((names, steps)) = self.names(ids, most_named - named) {
                items += own_items;
                named += steps;
                applications.push((selector, names));
            } else {
                too_many.add(name);
            }
        }
        self.left_out.extend([excess, too_long, too_many]);
        applications
    }

    /// The rules behind `ids`, each once, and how many had to be looked at, if these are not more than `most`. Unknown ids
    /// do nothing.
    fn names(&self, ids: &'c [String], most: usize) -> Option<(Vec<Named<'c>>, usize)> {
        let (mut seen, mut names, mut steps) = (BTreeSet::new(), Vec::new(), 0);
        let ids = ids.iter().rev().take(most + 1);
        let mut open: Vec<_> = ids.map(|id| Named { id, cover: None }).collect();
        while let Some(named) = open.pop() {
            steps += 1;
            if steps + open.len() > most {
                return None;
            }
            // Once only: what names itself in a circle ends here too.
            if !seen.insert(named.id) {
                continue;
            }
            match self.inner(named) {
                Some((inner, cover)) => {
                    open.extend(inner.into_iter().rev().map(|id| Named { id, cover }));
                }
                None => names.push(named),
            }
        }
        Some((names, steps))
    }

    /// The rules that a rule stands for, with what hides them, if it does not look for anything itself.
    fn inner(&self, named: Named<'c>) -> Option<(Vec<&'c str>, Option<&'c str>)> {
        let Some(spec) = self.specs.get(named.id) else {
            return match named.id {
                "@common" => Some((COMMON.to_vec(), named.cover)),
                "@common:filter" => Some((COMMON_FILTER.to_vec(), named.cover)),
                _ => None,
            };
        };
        let covered = |hide: bool| named.cover.or(hide.then_some(named.id));
        match &spec.kind {
            RuleKind::Multiple { rules, hide_inner } => {
                // More than all may name need not be copied to be too many.
                let ids = rules.iter().map(String::as_str);
                let ids = ids.take(self.scope.most(limits::MAX_NAMED) + 1).collect();
                Some((ids, covered(*hide_inner)))
            }
            RuleKind::Alias { rule, hide_inner } => Some((vec![rule], covered(*hide_inner))),
            _ => None,
        }
    }

    fn rules_of(&mut self, names: &[Named<'c>]) -> Vec<Arc<Rule>> {
        let rules = names.iter().filter_map(|named| self.rule(*named));
        let mut rules: Vec<_> = rules.collect();
        // Of rules that are one under two names the first counts, so the sort must be stable.
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules.dedup_by(|next, first| next.id == first.id);
        rules
    }

    fn rule(&mut self, named: Named<'c>) -> Option<Arc<Rule>> {
        let key = (named.id, named.cover);
        if let Some(rule) = self.made.get(&key) {
            return Some(Arc::clone(rule));
        }
        let rule = match (named.cover, self.specs.get(named.id)) {
            (Some(cover), _) => {
                let cover = self.cover(cover)?;
                let bare = Named {
                    cover: None,
                    ..named
                };
                self.rule(bare)?.covered(&cover)
            }
            (None, Some(spec)) => {
                let redaction = spec.redaction.clone();
                Rule::new(named.id, self.detector(named.id)?, redaction)
            }
            (None, None) => built_in(named.id, self.extras)?,
        };
        let rule = Arc::new(rule);
        self.made.insert(key, Arc::clone(&rule));
        Some(rule)
    }

    fn cover(&mut self, id: &'c str) -> Option<Cover> {
        if let Some(known) = self.covers.get(id) {
            return Some(known.clone());
        }
        let cover = Cover {
            origin: id.into(),
            redaction: Arc::new(self.specs.get(id)?.redaction.clone()),
        };
        self.covers.insert(id, cover.clone());
        Some(cover)
    }

    /// What a rule of the configuration looks for.
    fn detector(&mut self, id: &'c str) -> Option<Detector> {
        if let Some(known) = self.detectors.get(id) {
            return known.clone();
        }
        let found = self.compile(id).unwrap_or_else(|error| {
            match self.budget.is_spent(&error) {
                true => self.unfit.add(|| id.to_owned()),
                false => self.note(id, &error),
            }
            None
        });
        self.detectors.insert(id, found.clone());
        found
    }

    fn compile(&mut self, id: &str) -> Result<Option<Detector>, regex::Error> {
        let Some(spec) = self.specs.get(id) else {
            return Ok(None);
        };
        let ignore_case = self.author == Author::Settings;
        let mut compile = |pattern: &str| self.budget.compile(pattern, ignore_case);
        detector(&spec.kind, &mut compile, self.extras)
    }

    /// Looks for mistakes in rules that are not applied, which a team may be about to.
    fn check_others(&mut self) {
        let ids: Vec<_> = self.specs.keys().copied().collect();
        for id in ids {
            if self.errors.len() >= limits::MAX_ERRORS {
                return;
            }
            if !self.detectors.contains_key(id)
                && let Err(error) = self.compile(id)
                && !self.budget.is_spent(&error)
            {
                self.note(id, &error);
            }
        }
    }

    fn note(&mut self, id: &str, error: &regex::Error) {
        if self.errors.len() < limits::MAX_ERRORS {
            self.errors.push(ConfigError::Pattern {
                rule: id.to_owned(),
                reason: error.to_string(),
            });
        }
    }

    fn into_errors(self) -> Vec<ConfigError> {
        let left_out = self.left_out.into_iter().chain([self.unfit]);
        let mut errors: Vec<_> = left_out.filter_map(LeftOut::error).collect();
        errors.extend(self.errors);
        errors
    }
}
