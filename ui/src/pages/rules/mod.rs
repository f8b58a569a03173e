//! What a team decides about its events, one page per topic: an editor that tries what was typed before it is saved, and
//! the versions that were saved.
//!
//! A topic says how its document and its form become each other and what a preview shows ([`Topic`]); everything else is
//! the same for all of them.

mod diff;
mod document;
mod editor;
mod faults;
mod fields;
mod filters;
mod gone;
mod hits;
mod lines;
mod parts;
mod place;
mod preview;
mod sampling;
mod scrubbing;
mod tags;
mod versions;
mod view;
mod words;

use std::future::Future;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, get, post};
use bugle_protocol::RuleTopic;
use bugle_rules::Problem as Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Ui;
use crate::problem::Problem;

use fields::Fields;
use filters::InboundFilters;
use hits::NamedRule;
use place::Place;
use sampling::SamplingRules;
use scrubbing::Scrubbing;
use tags::TagRules;

/// A form may carry a document of 1 MiB, of which most bytes may be percent-encoded.
const MAX_FORM_BYTES: usize = 4 * 1024 * 1024;

/// The routes of all topics, without the slash at the end that every page may have.
pub(super) fn routes() -> Vec<(String, MethodRouter<Arc<Ui>>)> {
    let mut routes = Vec::new();
    for base in ["/{project}/settings", "/settings"] {
        routes.extend(routes_of::<Scrubbing>(base));
    }
    routes.extend(routes_of::<InboundFilters>("/{project}/settings"));
    routes.extend(routes_of::<SamplingRules>("/{project}/settings"));
    routes.extend(routes_of::<TagRules>("/{project}/settings"));
    routes
}

fn routes_of<T: Topic>(base: &str) -> [(String, MethodRouter<Arc<Ui>>); 4] {
    let path = format!("{base}/{}", T::TOPIC.name());
    [
        (
            path.clone(),
            get(editor::show::<T>)
                .post(editor::submit::<T>)
                .layer(DefaultBodyLimit::max(MAX_FORM_BYTES)),
        ),
        (format!("{path}/versions"), get(versions::list::<T>)),
        (
            format!("{path}/versions/{{version}}"),
            get(versions::one::<T>),
        ),
        (
            format!("{path}/versions/{{version}}/restore"),
            post(versions::restore::<T>),
        ),
    ]
}

/// What the page of a topic is made of.
trait Topic: Send + Sync + Sized + 'static {
    /// What it is about.
    const TOPIC: RuleTopic;
    /// Its template, which extends `rules.html`.
    const TEMPLATE: &'static str;
    /// What is saved.
    type Document: Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static;
    /// What stands in the form, as it was typed: `v.form` in the template.
    type Form: Serialize + Send + Sync + 'static;
    /// What the page shows besides: `v.beside` in the template.
    type Beside: Serialize + Send;
    /// What a candidate would have done to stored events: `v.preview` in the template.
    type Preview: Serialize + Send;

    /// What applies before anything was saved.
    fn initial(place: &Place) -> Self::Document;

    /// The form for a document.
    fn fill(document: &Self::Document) -> Self::Form;

    /// The form as it was sent; it keeps what was typed, however wrong.
    fn typed(fields: &Fields) -> Self::Form;

    /// The document of a form.
    ///
    /// # Errors
    /// Everything that is wrong, each fault with the name of its field.
    fn read(form: &Self::Form) -> Result<Self::Document, Vec<Fault>>;

    /// The text that was typed into a field, for showing the line that a fault is in.
    fn text<'f>(form: &'f Self::Form, field: &str) -> Option<&'f str>;

    /// Does what a button of the topic's own does to the form, such as filling in a preset; nothing is saved. Returns what
    /// is wrong, or `None` if there is no such button.
    fn press(_form: &mut Self::Form, _fields: &Fields, _button: &str) -> Option<Vec<Fault>> {
        None
    }

    /// The rules of a form, with the names they are counted by.
    fn rules(form: &Self::Form) -> Vec<NamedRule>;

    /// What to call a counted rule that is not among [`Self::rules`], and whether it may still apply; `None` leaves it out.
    fn other_rule(_name: &str) -> Option<(String, bool)> {
        None
    }

    /// Reads what the page shows besides.
    ///
    /// # Errors
    /// [`Problem::Store`].
    fn beside(
        ui: &Ui,
        place: &Place,
        form: &Self::Form,
    ) -> impl Future<Output = Result<Self::Beside, Problem>> + Send;

    /// Tries a candidate on stored events.
    ///
    /// # Errors
    /// [`Problem::Store`].
    fn preview(
        ui: &Ui,
        place: &Place,
        candidate: Self::Document,
    ) -> impl Future<Output = Result<Self::Preview, Problem>> + Send;
}

/// What a topic's page is called.
fn title(topic: RuleTopic) -> &'static str {
    match topic {
        RuleTopic::Scrubbing => "Scrubbing",
        RuleTopic::Filters => "Filters",
        RuleTopic::Sampling => "Sampling",
        RuleTopic::Tags => "Tags",
    }
}
