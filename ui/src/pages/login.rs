//! Signing in and out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use bugle_protocol::{UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use crate::actor::{Actor, new_session_token, session_cookie, set_cookie};
use crate::problem::Problem;
use crate::throttle::Guesser;
use crate::{Ui, password};

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    next: String,
}

/// The form.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The form of the button.
#[derive(Debug, Deserialize)]
pub(super) struct LogoutForm {
    form_token: String,
}

/// The model of `login.html`.
#[derive(Debug, Default, Serialize)]
struct LoginView {
    email: String,
    next: String,
    error: Option<String>,
}

/// `GET /login`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Result<Actor, Problem>,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Problem> {
    if actor.is_ok() {
        return Ok(go_on(&ui, &query.next).into_response());
    }
    let view = LoginView {
        next: query.next,
        ..LoginView::default()
    };
    let page = ui.templates.plain(&ui, "login.html", &view)?;
    Ok(page.into_response())
}

/// `POST /login`
pub(super) async fn submit(
    State(ui): State<Arc<Ui>>,
    client: Option<Extension<ConnectInfo<SocketAddr>>>,
    Form(form): Form<LoginForm>,
) -> Result<Response, Problem> {
    let now = UnixMillis::now();
    let mut guessers = vec![Guesser::account(&form.email)];
    guessers.extend(client.map(|Extension(client)| Guesser::Address(client.0.ip().to_string())));
    if let Err(wait) = ui.throttle.begin(&guessers, now) {
        return too_many(&ui, form, wait);
    }
    match check(&ui, &form.email, form.password.clone()).await? {
        Some(user) => {
            ui.throttle.succeed(&guessers);
            let next = go_on(&ui, &form.next);
            Ok((start_session(&ui, user, now).await?, next).into_response())
        }
        None => refused(&ui, form),
    }
}

async fn check(ui: &Ui, email: &str, given: String) -> Result<Option<UserId>, Problem> {
    let (user, hash) = ui.store.credentials(email).await?.unzip();
    let is_right = password::matches(&ui.hashing, hash, given).await?;
    Ok(user.filter(|_| is_right))
}

fn refused(ui: &Ui, form: LoginForm) -> Result<Response, Problem> {
    let error = "The address or the password is wrong.".to_owned();
    let page = again(ui, form, error)?;
    Ok((StatusCode::UNAUTHORIZED, page).into_response())
}

fn too_many(ui: &Ui, form: LoginForm, wait: Duration) -> Result<Response, Problem> {
    let seconds = wait.as_millis().div_ceil(1000).to_string();
    let error = format!("Too many attempts. Try again in {seconds} s.");
    let page = again(ui, form, error)?;
    let headers = [(header::RETRY_AFTER, seconds)];
    Ok((StatusCode::TOO_MANY_REQUESTS, headers, page).into_response())
}

fn again(ui: &Ui, form: LoginForm, error: String) -> Result<impl IntoResponse, Problem> {
    let view = LoginView {
        email: form.email,
        next: form.next,
        error: Some(error),
    };
    ui.templates.plain(ui, "login.html", &view)
}

/// Starts a session and returns its cookie.
///
/// # Errors
/// [`Problem::Store`], [`Problem::Broken`].
pub(super) async fn start_session(
    ui: &Ui,
    user: UserId,
    now: UnixMillis,
) -> Result<[(header::HeaderName, HeaderValue); 1], Problem> {
    let token = new_session_token()?;
    ui.store.create_session(&token, user, now).await?;
    ui.store.touch_login(user, now).await?;
    Ok([(header::SET_COOKIE, set_cookie(&ui.site, Some(&token))?)])
}

fn go_on(ui: &Ui, next: &str) -> Redirect {
    let start = ui.site.link("/");
    Redirect::to(ui.site.own_page(next).unwrap_or(&start))
}

/// `POST /logout`
pub(super) async fn sign_out(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    headers: HeaderMap,
    Form(form): Form<LogoutForm>,
) -> Result<impl IntoResponse, Problem> {
    actor.owns_form(&form.form_token)?;
    if let Some(token) = session_cookie(&headers, &ui.site) {
        ui.store.delete_session(&token).await?;
    }
    let cookie = [(header::SET_COOKIE, set_cookie(&ui.site, None)?)];
    Ok((cookie, Redirect::to(&ui.site.link("/login"))))
}
