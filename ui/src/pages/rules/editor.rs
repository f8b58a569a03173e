//! The page on which a topic's rules are edited, tried and saved.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use bugle_protocol::{RuleVersionId, UnixMillis};
use bugle_rules::{Problem as Fault, plain_error};
use bugle_store::{NewRuleVersion, RuleVersion, Saved, StoreError};
use serde::{Deserialize, Serialize};

use super::diff::Diff;
use super::faults;
use super::fields::Fields;
use super::gone;
use super::hits::Hits;
use super::place::{Params, Place};
use super::versions::{self, VersionHead};
use super::view::{Conflict, EditorView};
use super::{Topic, title};
use crate::Ui;
use crate::actor::Actor;
use crate::problem::Problem;

/// Characters of a comment at most.
const LONGEST_COMMENT: usize = 200;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EditorQuery {
    /// The number of the version that was just saved.
    #[serde(default)]
    saved: String,
}

/// What a page shows beside what is stored.
struct Shown<T: Topic> {
    status: StatusCode,
    form: T::Form,
    faults: Vec<Fault>,
    comment: String,
    based_on: i64,
    preview: Option<T::Preview>,
    conflict: Option<Conflict>,
    is_saved: bool,
    is_changed: bool,
}

/// What the page is made of, whatever the form says.
struct Editor<'r, T: Topic> {
    ui: &'r Ui,
    actor: &'r Actor,
    place: Place,
    current: Option<RuleVersion>,
    /// What applies.
    document: T::Document,
    unreadable: Option<String>,
}

/// `GET …/settings/{topic}/`
pub(super) async fn show<T: Topic>(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    path: Option<Path<Params>>,
    Query(query): Query<EditorQuery>,
) -> Result<Response, Problem> {
    let editor = Editor::<T>::open(&ui, &actor, path).await?;
    let mut shown = editor.shown(T::fill(&editor.document));
    shown.is_saved = query.saved.parse() == Ok(editor.current_id()) && editor.current_id() > 0;
    editor.render(shown).await
}

/// `POST …/settings/{topic}/` with the form's fields and `action`: `preview`, `save`, or a button of the topic's own.
pub(super) async fn submit<T: Topic>(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    path: Option<Path<Params>>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let fields = Fields::new(pairs);
    actor.may_administer(fields.get("form_token"))?;
    let editor = Editor::<T>::open(&ui, &actor, path).await?;
    let (form, action) = (T::typed(&fields), fields.get("action"));
    match action {
        "preview" | "save" => {
            let (form, read) = aside(form, |form| T::read(form)).await?;
            let mut shown = editor.shown(form).with(&fields);
            shown.is_changed = read.as_ref() != Ok(&editor.document);
            match read {
                Err(faults) => editor.render(shown.faulty(faults)).await,
                Ok(candidate) if action == "save" => editor.save(shown, candidate).await,
                Ok(candidate) => {
                    shown.preview = Some(T::preview(&ui, &editor.place, candidate).await?);
                    editor.render(shown).await
                }
            }
        }
        button => {
            let (button, sent) = (button.to_owned(), fields.clone());
            let (form, faults) = aside(form, move |form| T::press(form, &sent, &button)).await?;
            let faults = faults.ok_or(Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY))?;
            let mut shown = editor.shown(form).with(&fields);
            shown.is_changed = true;
            editor.render(shown.faulty(faults)).await
        }
    }
}

/// Works on a form on a thread that may take its time: rules are compiled, and people paste thousands of them.
async fn aside<F: Send + 'static, R: Send + 'static>(
    mut form: F,
    work: impl FnOnce(&mut F) -> R + Send + 'static,
) -> Result<(F, R), Problem> {
    let done = tokio::task::spawn_blocking(move || {
        let result = work(&mut form);
        (form, result)
    });
    done.await
        .map_err(|_| Problem::Broken("working on a form of rules panicked"))
}

impl<T: Topic> Shown<T> {
    /// Takes over what every form carries beside the topic's own fields.
    fn with(mut self, fields: &Fields) -> Self {
        self.comment = fields.get("comment").trim().to_owned();
        self.based_on = fields.get("based_on").parse().unwrap_or(self.based_on);
        self
    }

    fn faulty(mut self, faults: Vec<Fault>) -> Self {
        if !faults.is_empty() {
            self.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        self.faults = faults;
        self
    }
}

impl<'r, T: Topic> Editor<'r, T> {
    async fn open(
        ui: &'r Ui,
        actor: &'r Actor,
        path: Option<Path<Params>>,
    ) -> Result<Self, Problem> {
        let (place, _) = Place::find(ui, actor, T::TOPIC, path).await?;
        let current = ui.store.current_rules(place.owner, T::TOPIC).await?;
        let read = current
            .as_ref()
            .map(|version| serde_json::from_str(&version.document));
        let (document, unreadable) = match read {
            None => (T::initial(&place), None),
            Some(Ok(document)) => (document, None),
            Some(Err(error)) => (T::initial(&place), Some(plain_error(&error))),
        };
        Ok(Self {
            ui,
            actor,
            place,
            current,
            document,
            unreadable,
        })
    }

    fn current_id(&self) -> i64 {
        self.current.as_ref().map_or(0, |version| version.id.0)
    }

    fn shown(&self, form: T::Form) -> Shown<T> {
        Shown {
            status: StatusCode::OK,
            form,
            faults: Vec::new(),
            comment: String::new(),
            based_on: self.current_id(),
            preview: None,
            conflict: None,
            is_saved: false,
            is_changed: false,
        }
    }

    async fn save(&self, mut shown: Shown<T>, document: T::Document) -> Result<Response, Problem> {
        if shown.comment.chars().count() > LONGEST_COMMENT {
            let message = format!("the comment exceeds {LONGEST_COMMENT} characters");
            let faults = vec![fault("comment", message)];
            return self.render(shown.faulty(faults)).await;
        }
        if !shown.is_changed && self.unreadable.is_none() && self.current.is_some() {
            return Ok(Redirect::to(&self.place.url).into_response());
        }
        let new = NewRuleVersion {
            owner: self.place.owner,
            topic: T::TOPIC,
            document: text_of(&document)?,
            comment: shown.comment.clone(),
            author: Some(self.actor.user.id),
            based_on: Some(RuleVersionId(shown.based_on)).filter(|version| version.0 > 0),
        };
        match self.ui.store.save_rules(&new, UnixMillis::now()).await {
            Ok(Saved::Yes(id)) => {
                let url = format!("{}?saved={id}", self.place.url);
                Ok(Redirect::to(&url).into_response())
            }
            Ok(Saved::Conflict) => {
                shown.conflict = self.conflict(&new).await?;
                shown.status = StatusCode::CONFLICT;
                // Whoever has seen what the others did may save over it.
                shown.based_on = self.current_id();
                self.render(shown).await
            }
            Err(StoreError::Invalid(message)) => {
                self.render(shown.faulty(vec![fault("", message)])).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Compares what the form was made from, what was saved meanwhile, and the form.
    async fn conflict(&self, own: &NewRuleVersion) -> Result<Option<Conflict>, Problem> {
        let Some(theirs) = &self.current else {
            return Ok(None);
        };
        let base = match own.based_on {
            Some(id) => self.ui.store.rule_version(id).await?,
            None => None,
        };
        // A number that a request made up must not show another owner's rules.
        let is_own =
            |version: &RuleVersion| (version.owner, version.topic) == (own.owner, own.topic);
        let base = match base.filter(is_own) {
            Some(version) => versions::lines::<T>(&version.document),
            None => versions::lines::<T>(&text_of(&T::initial(&self.place))?),
        };
        let (now, mine) = (
            versions::lines::<T>(&theirs.document),
            versions::lines::<T>(&own.document),
        );
        Ok(Some(Conflict {
            theirs: VersionHead::new(&self.place, theirs, UnixMillis::now()),
            diff: Diff::of(&base, &now),
            own: Diff::of(&now, &mine),
        }))
    }

    async fn render(&self, shown: Shown<T>) -> Result<Response, Problem> {
        let (ui, now) = (self.ui, UnixMillis::now());
        let hits = match &self.place.project {
            Some(project) => Hits::of_project(ui, project.id, T::TOPIC, now).await?,
            None => Hits::default(),
        };
        let gone = gone::labels::<T>(ui, &self.place, hits.gone::<T>(&shown.form)).await?;
        let view = EditorView::<T> {
            topic: T::TOPIC.name(),
            title: title(T::TOPIC),
            name: &self.place.name,
            url: &self.place.url,
            settings_url: &self.place.settings_url,
            is_organization: self.place.project.is_none(),
            can_administer: self.actor.can_administer(),
            faults: faults::of::<T>(&shown.form, shown.faults),
            preview: shown.preview,
            beside: T::beside(ui, &self.place, &shown.form).await?,
            rules: hits.rows::<T>(&shown.form, &gone),
            hits: hits.by_name::<T>(&shown.form),
            comment: &shown.comment,
            based_on: shown.based_on,
            current: self
                .current
                .as_ref()
                .map(|version| VersionHead::new(&self.place, version, now)),
            is_saved: shown.is_saved,
            is_changed: shown.is_changed,
            conflict: shown.conflict,
            unreadable: self.unreadable.clone(),
            form: &shown.form,
        };
        let chrome = self.place.chrome(ui, self.actor).await?;
        let html = ui.templates.page(ui, T::TEMPLATE, &chrome, &view)?;
        Ok((shown.status, html).into_response())
    }
}

fn fault(field: &'static str, message: String) -> Fault {
    Fault {
        field,
        line: None,
        column: None,
        message,
    }
}

/// A document as it is stored.
pub(super) fn text_of(document: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(document).map_err(|_| Problem::Broken("a document is no JSON"))
}
