//! Making the first account, with the one-time link that the server printed.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bugle_protocol::{OrganizationId, UnixMillis, UserId};
use bugle_store::{PasswordError, PasswordHash, Role, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::login::start_session;
use crate::assets::hex;
use crate::chrome::project_url;
use crate::problem::Problem;
use crate::{Ui, password};

/// The setting that holds the hex SHA-256 of the token, until the link is used.
const SETTING: &str = "setup_token_hash";
/// The longest address that mail can be sent to (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// The form.
#[derive(Deserialize)]
pub(super) struct SetupForm {
    email: String,
    password: String,
    repeated: String,
}

/// The model of `setup.html`.
#[derive(Debug, Default, Serialize)]
struct SetupView {
    email: String,
    error: Option<String>,
}

/// `GET /setup/{token}`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    Path(token): Path<String>,
) -> Result<Html<String>, Problem> {
    check_token(&ui, &token).await?;
    ui.templates.plain(&ui, "setup.html", &SetupView::default())
}

/// `POST /setup/{token}`
pub(super) async fn submit(
    State(ui): State<Arc<Ui>>,
    Path(token): Path<String>,
    Form(form): Form<SetupForm>,
) -> Result<Response, Problem> {
    check_token(&ui, &token).await?;
    let email = form.email.trim().to_owned();
    if let Some(error) = complaint(&email, &form) {
        return again(&ui, email, error);
    }
    match password::hash(&ui.hashing, form.password).await? {
        Ok(hash) => make_owner(&ui, &token, email, &hash).await,
        Err(PasswordError::Weak(weak)) => again(&ui, email, sentence(&weak.to_string())),
        Err(PasswordError::Hash(_)) => Err(Problem::Broken("a password could not be hashed")),
    }
}

/// # Errors
/// [`Problem::SetupLink`] if the link was used or never was one.
async fn check_token(ui: &Ui, token: &str) -> Result<(), Problem> {
    let expected = ui.store.setting(SETTING).await?;
    if expected.is_some_and(|hash| hash == token_hash(token)) {
        Ok(())
    } else {
        Err(Problem::SetupLink)
    }
}

fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// What is wrong with the form, before the password is looked at.
fn complaint(email: &str, form: &SetupForm) -> Option<String> {
    let is_plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let has_parts = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if !is_plain || !has_parts || email.len() > LONGEST_EMAIL {
        return Some("This is not an e-mail address.".to_owned());
    }
    (form.password != form.repeated).then(|| "The two passwords differ.".to_owned())
}

fn again(ui: &Ui, email: String, error: String) -> Result<Response, Problem> {
    let view = SetupView {
        email,
        error: Some(error),
    };
    let page = ui.templates.plain(ui, "setup.html", &view)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// `the password must …` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).chain(['.']).collect()
}

async fn make_owner(
    ui: &Ui,
    token: &str,
    email: String,
    hash: &PasswordHash,
) -> Result<Response, Problem> {
    let organizations = ui.store.organizations().await?;
    let organization = organizations
        .first()
        .ok_or(Problem::NotFound("organisation"))?;
    // Whoever removes the token makes the account: a link opened twice makes one owner.
    if !ui.store.remove_setting(SETTING).await? {
        return Err(Problem::SetupLink);
    }
    let now = UnixMillis::now();
    match create(ui, organization.id, &email, hash, now).await {
        Ok(user) => {
            let url = first_page(ui, organization.id).await?;
            Ok((start_session(ui, user, now).await?, Redirect::to(&url)).into_response())
        }
        Err(error) => {
            // Nothing came of it, so the link stays good.
            ui.store.set_setting(SETTING, &token_hash(token)).await?;
            match error {
                StoreError::Exists { .. } => again(
                    ui,
                    email,
                    "There is an account of this address already.".to_owned(),
                ),
                error => Err(error.into()),
            }
        }
    }
}

async fn create(
    ui: &Ui,
    organization: OrganizationId,
    email: &str,
    hash: &PasswordHash,
    now: UnixMillis,
) -> Result<UserId, StoreError> {
    ui.store
        .create_user(organization, email, hash, Role::Owner, now)
        .await
}

/// The waiting page of the first project.
async fn first_page(ui: &Ui, organization: OrganizationId) -> Result<String, Problem> {
    let projects = ui.store.projects(organization).await?;
    let first = projects.iter().min_by_key(|project| project.id);
    Ok(first.map_or_else(
        || ui.site.link("/projects/"),
        |project| format!("{}getting-started/", project_url(ui, project)),
    ))
}
