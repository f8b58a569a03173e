//! Switching keys on and off.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use serde::Deserialize;

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::project_url;
use crate::problem::Problem;

/// The switch of a key.
#[derive(Debug, Deserialize)]
pub(super) struct KeyForm {
    form_token: String,
    /// `on` or `off`.
    state: String,
}

/// `POST /{project}/settings/keys/{key}`
pub(super) async fn switch(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, key)): Path<(String, String)>,
    Form(form): Form<KeyForm>,
) -> Result<Redirect, Problem> {
    actor.may_administer(&form.form_token)?;
    let project = actor.project(&ui, &name).await?;
    let is_active = match form.state.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let keys = ui.store.project_keys(project.id).await?.into_iter();
    let key = { keys }.find(|known| known.id.to_string() == key);
    let key = key.ok_or(Problem::NotFound("key"))?;
    ui.store.update_key(key.id, &key.label, is_active).await?;
    let url = format!("{}settings/#keys", project_url(&ui, &project));
    Ok(Redirect::to(&url))
}
