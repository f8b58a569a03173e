//! Removes personal data and secrets from an event, before anything of it is grouped, indexed or stored.
//!
//! [`ScrubSettings`] are the switches most users stop at; a [`PiiConfig`] holds rules of their own in Sentry's format.
//! Both are compiled into a [`Scrubber`] once; it then walks each event once and changes it in place, noting every change
//! in the event's `_meta`.

mod attachments;
mod chunks;
mod config;
mod detect;
mod extra;
mod fired;
mod graphql;
mod hash;
mod item;
mod limits;
mod matcher;
mod paste;
mod presets;
mod resolve;
mod rules;
mod schema;
mod selector;
mod settings;
mod suggest;
mod text;
mod traits;
mod user;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

use bugle_protocol::json::Json;
use bugle_protocol::{Event, Meta, RuleName};

pub use chunks::with_chunks;
pub use config::{ConfigError, PiiConfig, Redaction, RuleKind, RuleSpec, Vars};
pub use extra::ExtraDetector;
pub use item::ItemKind;
pub use presets::MASKED_KEYS;
pub use schema::ValueType;
pub use selector::{PathItem, Selector, SelectorError};
pub use settings::ScrubSettings;
pub use suggest::{Suggestion, suggest};

use crate::documents::ScrubbingDocument;
use crate::problem::Problem;
use fired::Fired;
use limits::Scope;
use matcher::Matcher;
use resolve::{Application, Author};
use rules::Rule;
use schema::Class;

/// Compiled rules; cheap to share between threads.
#[derive(Clone, Debug)]
pub struct Scrubber {
    /// Run one after the other: a user's own rules come before the settings', and take precedence.
    passes: Vec<Pass>,
    /// A user's own rules about attached files.
    attachments: Option<Pass>,
    /// Whether the default rules are on, of which the one for GraphQL is no matter of selectors.
    defaults: bool,
}

/// The applications of one configuration.
#[derive(Clone, Debug)]
struct Pass {
    matcher: Matcher,
    /// The rules of each of the matcher's selectors.
    applications: Vec<Vec<Arc<Rule>>>,
    /// Whether a list of a text and another value is a pair wherever it stands.
    knows_pairs: bool,
}

/// Scrubs as a new project does: the default rules, no IP addresses.
impl Default for Scrubber {
    fn default() -> Self {
        Self::of_document(&ScrubbingDocument::default()).0
    }
}

impl Scrubber {
    /// Compiles the settings and the advanced rules, which run first, to do exactly what Sentry does with them.
    ///
    /// # Errors
    /// The first [`ConfigError::Pattern`] of a rule whose expression is invalid, used or not.
    pub fn new(settings: &ScrubSettings, advanced: &PiiConfig) -> Result<Self, ConfigError> {
        let (scrubber, errors) = Self::lenient(settings, advanced);
        errors.into_iter().next().map_or(Ok(scrubber), Err)
    }

    /// Compiles what can be compiled, for rules that were stored before they could be checked; returns what could not.
    #[must_use]
    pub fn lenient(settings: &ScrubSettings, advanced: &PiiConfig) -> (Self, Vec<ConfigError>) {
        let document = ScrubbingDocument {
            settings: settings.clone(),
            detectors: BTreeSet::new(),
            advanced: advanced.clone(),
        };
        let (scrubber, errors) = Self::compile(&document, Scope::One);
        (
            scrubber,
            errors.into_iter().map(|(_, error)| error).collect(),
        )
    }

    /// Compiles a document, without what cannot be compiled or is over a limit; returns what that is.
    #[must_use]
    pub fn of_document(document: &ScrubbingDocument) -> (Self, Vec<Problem>) {
        Self::of(document, Scope::One)
    }

    /// Compiles what [`ScrubbingDocument::compose`] made of two documents. It may have twice as much of everything, so that
    /// what each of them may have is in it.
    #[must_use]
    pub fn of_composed(document: &ScrubbingDocument) -> (Self, Vec<Problem>) {
        Self::of(document, Scope::Composed)
    }

    fn of(document: &ScrubbingDocument, scope: Scope) -> (Self, Vec<Problem>) {
        let (scrubber, errors) = Self::compile(document, scope);
        let problem = |(field, error): (&'static str, ConfigError)| Problem {
            field,
            line: None,
            column: None,
            message: error.to_string(),
        };
        (scrubber, errors.into_iter().map(problem).collect())
    }

    /// Compiles a document; an error comes with the member that it is in.
    fn compile(
        document: &ScrubbingDocument,
        scope: Scope,
    ) -> (Self, Vec<(&'static str, ConfigError)>) {
        let extras = &document.detectors;
        let settings = &document.settings;
        let mut derived = settings.to_config_of(scope);
        settings::apply_extras(&mut derived, settings, scope, extras);
        let own = resolve::resolve(&document.advanced, Author::Team, scope, extras);
        let of_settings = resolve::resolve(&derived, Author::Settings, scope, extras);
        let all = |_: &Selector| true;
        let passes = [&own.applications, &of_settings.applications].into_iter();
        let scrubber = Self {
            passes: passes
                .filter_map(|rules| Pass::new(rules, extras, all))
                .collect(),
            attachments: Pass::new(&own.applications, extras, |selector| {
                selector.asks_for(ValueType::Attachments)
            }),
            defaults: settings.scrub_data && settings.scrub_defaults,
        };
        let named =
            |field, errors: Vec<ConfigError>| errors.into_iter().map(move |error| (field, error));
        // All rules of the settings are built in, but for the words of the sensitive fields.
        let errors = named("advanced", own.errors)
            .chain(named("sensitiveFields", of_settings.errors))
            .chain(settings.over_limits(scope));
        let errors = errors.collect();
        (scrubber, errors)
    }

    /// Whether there is nothing to do for any event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty() && !self.defaults
    }

    /// Changes the event in place and notes in `meta` what was done.
    ///
    /// `meta` holds the notes of clients and of normalising: texts they mark as redacted are opaque to the rules, and
    /// original values they keep are scrubbed like the fields they are of.
    ///
    /// Returns the ids of the rules that changed anything, as remarks have them, each once and in order.
    pub fn scrub(&self, event: &mut Event<'_>, meta: &mut Meta) -> Vec<RuleName> {
        let mut fired = Fired::default();
        for pass in &self.passes {
            walk::run(pass, event, meta, &mut fired);
        }
        if self.defaults && graphql::scrub(event, meta) {
            fired.note_id(graphql::RULE);
        }
        fired.into_names()
    }

    /// Changes an item that is no event in place, as [`Self::scrub`] does events; what is not a JSON object stays.
    ///
    /// `meta` takes the notes. Returns the ids of the rules that changed anything.
    pub fn scrub_item(
        &self,
        kind: ItemKind,
        item: &mut Json<'_>,
        meta: &mut Meta,
    ) -> Vec<RuleName> {
        let mut fired = Fired::default();
        for pass in &self.passes {
            walk::run_item(pass, item, kind.field(), meta, &mut fired);
        }
        fired.into_names()
    }

    /// Whether there are rules about attached files at all; if not they need not be read.
    #[must_use]
    pub fn has_attachment_rules(&self) -> bool {
        self.attachments.is_some()
    }

    /// Changes an attached file in place, which keeps its length. Only advanced rules that select it by name apply, such as
    /// those of `$attachments.'app.log'`; they see runs of five and more characters in UTF-8 and UTF-16 (little-endian).
    ///
    /// Returns the ids of the rules that found anything.
    pub fn scrub_attachment(&self, name: &str, bytes: &mut [u8]) -> Vec<RuleName> {
        match &self.attachments {
            Some(pass) => attachments::scrub(pass, name, bytes),
            None => Vec::new(),
        }
    }
}

impl Pass {
    /// Compiles the applications whose selectors are `wanted`, if there are any.
    fn new(
        all: &[Application<'_>],
        extras: &BTreeSet<ExtraDetector>,
        wanted: impl Fn(&Selector) -> bool,
    ) -> Option<Self> {
        let applications = all
            .iter()
            .filter(|application| wanted(application.selector));
        let applications: Vec<_> = applications.collect();
        if applications.is_empty() {
            return None;
        }
        let rules = applications
            .iter()
            .map(|application| application.rules.clone());
        Some(Self {
            matcher: Matcher::new(applications.iter().map(|application| application.selector)),
            applications: rules.collect(),
            knows_pairs: extras.contains(&ExtraDetector::Pair),
        })
    }

    /// The rules for a value of this state and class, in the order they run.
    fn rules<'p>(&'p self, state: &[u64], class: Class) -> impl Iterator<Item = &'p Rule> {
        self.applications
            .iter()
            .enumerate()
            .filter(move |(i, _)| self.matcher.matches(*i, state, class))
            .flat_map(|(_, rules)| rules.iter().map(Arc::as_ref))
    }
}
