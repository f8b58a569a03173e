//! Who makes a request: the session cookie, the account behind it, and what it may do and see.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{Issue, Organization, Project, Role, SessionToken, Store, User};
use sha2::{Digest, Sha256};

use crate::Ui;
use crate::assets::hex;
use crate::problem::Problem;
use crate::site::Site;

/// Cookies live as long as sessions do at most.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Actor {
    /// The account.
    pub(crate) user: User,
    /// The organisation whose projects the account sees.
    pub(crate) organization: Organization,
    /// The token that this session's forms carry.
    pub(crate) form_token: String,
}

impl FromRequestParts<Arc<Ui>> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ui: &Arc<Ui>) -> Result<Self, Problem> {
        let signed_out = || Problem::SignIn {
            next: next_of(parts, &ui.site),
        };
        let token = session_cookie(&parts.headers, &ui.site).ok_or_else(signed_out)?;
        let session = ui.store.session(&token, UnixMillis::now()).await?;
        let session = session.ok_or_else(signed_out)?;
        let membership = membership(&ui.store, session.user_id).await?;
        let (organization, user) = membership.ok_or_else(signed_out)?;
        Ok(Self {
            user,
            organization,
            form_token: form_token(&token),
        })
    }
}

/// The page to come back to after signing in; a form that was sent too late is not sent again.
fn next_of(parts: &Parts, site: &Site) -> String {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if parts.method.is_safe() && path != "/" {
        site.link(path)
    } else {
        String::new()
    }
}

/// The organisation of an account, and the account with its role there.
async fn membership(
    store: &Store,
    user_id: bugle_protocol::UserId,
) -> Result<Option<(Organization, User)>, Problem> {
    for organization in store.organizations().await? {
        let mut users = store.users(organization.id).await?.into_iter();
        if let Some(user) = users.find(|user| user.id == user_id) {
            return Ok(Some((organization, user)));
        }
    }
    Ok(None)
}

impl Actor {
    /// Lets everybody pass who may change things, with a form of this session.
    ///
    /// # Errors
    /// [`Problem::StaleForm`], [`Problem::Forbidden`].
    pub(crate) fn may_change(&self, form_token: &str) -> Result<(), Problem> {
        self.owns_form(form_token)?;
        if self.can_change() {
            Ok(())
        } else {
            Err(Problem::Forbidden)
        }
    }

    /// Lets everybody pass who may change projects and their settings, with a form of this session.
    ///
    /// # Errors
    /// [`Problem::StaleForm`], [`Problem::NotAdmin`].
    pub(crate) fn may_administer(&self, form_token: &str) -> Result<(), Problem> {
        self.owns_form(form_token)?;
        if self.can_administer() {
            Ok(())
        } else {
            Err(Problem::NotAdmin)
        }
    }

    /// Whether the role may change projects and their settings.
    pub(crate) fn can_administer(&self) -> bool {
        self.user.role >= Role::Admin
    }

    /// Whether the role may change things.
    pub(crate) fn can_change(&self) -> bool {
        self.user.role >= Role::Member
    }

    /// Checks that a form was made for this session.
    ///
    /// # Errors
    /// [`Problem::StaleForm`].
    pub(crate) fn owns_form(&self, form_token: &str) -> Result<(), Problem> {
        // Compared as hashes, so that the time does not tell how much of a guess is right.
        if Sha256::digest(form_token) == Sha256::digest(&self.form_token) {
            Ok(())
        } else {
            Err(Problem::StaleForm)
        }
    }

    /// A project of the actor's organisation by slug or id.
    ///
    /// # Errors
    /// [`Problem::NotFound`], also for the projects of others.
    pub(crate) async fn project(&self, ui: &Ui, name: &str) -> Result<Project, Problem> {
        let project = match name.parse() {
            Ok(id) => ui.store.project(ProjectId(id)).await?,
            Err(_) => {
                let slug = name.to_lowercase();
                ui.store
                    .project_by_slug(self.organization.id, &slug)
                    .await?
            }
        };
        project
            .filter(|project| project.organization_id == self.organization.id)
            .ok_or(Problem::NotFound("project"))
    }

    /// An issue of the actor's organisation by short id (`SHOP-12`, in any case) or id, with its project.
    ///
    /// # Errors
    /// [`Problem::NotFound`], also for the issues of others.
    pub(crate) async fn issue(&self, ui: &Ui, name: &str) -> Result<(Project, Issue), Problem> {
        const MISSING: Problem = Problem::NotFound("issue");
        let short_id = name
            .rsplit_once('-')
            .and_then(|(slug, number)| Some((slug, number.parse().ok()?)));
        if let Some((slug, number)) = short_id {
            let project = self.project(ui, slug).await.map_err(missing_issue)?;
            let issue = ui.store.issue_by_short_id(project.id, number).await?;
            return issue.map(|issue| (project, issue)).ok_or(MISSING);
        }
        let id = name.parse().map_err(|_| MISSING)?;
        let issue = ui.store.issue(id).await?.ok_or(MISSING)?;
        let project = self.project(ui, &issue.project_id.to_string()).await;
        Ok((project.map_err(missing_issue)?, issue))
    }
}

fn missing_issue(problem: Problem) -> Problem {
    match problem {
        Problem::NotFound(_) => Problem::NotFound("issue"),
        other => other,
    }
}

/// Derives the form token from the session's secret, which it does not reveal.
fn form_token(token: &SessionToken) -> String {
    let hash = Sha256::new()
        .chain_update("bugle form token:")
        .chain_update(token.as_str());
    hex(&hash.finalize()[..16])
}

/// `__Host-` binds the cookie to this very host and to TLS, but browsers take it only over TLS.
fn cookie_name(site: &Site) -> &'static str {
    if site.is_https {
        "__Host-bugle_session"
    } else {
        "bugle_session"
    }
}

/// The session token that a request carries.
pub(crate) fn session_cookie(headers: &HeaderMap, site: &Site) -> Option<SessionToken> {
    let name = cookie_name(site);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| SessionToken::from_cookie(value))
}

/// A new session's secret.
///
/// # Errors
/// [`Problem::Broken`] if the system has no random numbers.
pub(crate) fn new_session_token() -> Result<SessionToken, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Problem::Broken("no random numbers"))?;
    Ok(SessionToken::from_random(bytes))
}

/// The `Set-Cookie` value that starts a session, or ends it without a token.
///
/// # Errors
/// [`Problem::Broken`], which no token of ours causes.
pub(crate) fn set_cookie(
    site: &Site,
    token: Option<&SessionToken>,
) -> Result<HeaderValue, Problem> {
    let (value, seconds) = token.map_or(("", 0), |token| (token.as_str(), COOKIE_SECONDS));
    let secure = if site.is_https { "; Secure" } else { "" };
    let cookie = format!(
        "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(site)
    );
    HeaderValue::try_from(cookie).map_err(|_| Problem::Broken("a session token is not ASCII"))
}
