//! Who sends: the key that a request names, and whether it may write to the project.

use std::sync::Arc;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use bugle_protocol::{Auth, AuthError, Dsn, ProjectId, PublicKey};
use bugle_store::ProjectKey;

use crate::rejection::HeaderMismatch;
use crate::{Ingest, Rejection};

/// Reads what headers and query say of the sender; `None` if they say nothing, and an envelope's header may.
///
/// Several sources are fine as long as they name the same key. An `Authorization` header that cannot be read counts only
/// if there is nothing else: browsers and proxies set it for reasons of their own.
///
/// # Errors
/// [`AuthError`].
pub(crate) fn claimed_auth(parts: &Parts) -> Result<Option<Auth>, AuthError> {
    let mut claims = values(&parts.headers, "x-sentry-auth")
        .map(|text| Auth::from_header(&text))
        .collect::<Result<Vec<_>, _>>()?;
    let (query, mut unusable) = from_query(&parts.uri)?;
    claims.extend(query);
    for text in values(&parts.headers, header::AUTHORIZATION.as_str()) {
        match Auth::from_authorization(&text) {
            Some(Ok(auth)) => claims.push(auth),
            Some(Err(error)) => unusable = unusable.or(Some(error)),
            None => {}
        }
    }
    agree(claims, unusable)
}

/// The one sender that all claims name.
fn agree(claims: Vec<Auth>, unusable: Option<AuthError>) -> Result<Option<Auth>, AuthError> {
    let mut claims = claims.into_iter();
    let Some(mut auth) = claims.next() else {
        return unusable.map_or(Ok(None), Err);
    };
    for other in claims {
        if other.public_key != auth.public_key {
            return Err(AuthError::Multiple);
        }
        auth.client = auth.client.or(other.client);
    }
    Ok(Some(auth))
}

/// The query's claim. Parameters of ours without a key are an attempt that failed, and that is the second value.
fn from_query(uri: &Uri) -> Result<(Option<Auth>, Option<AuthError>), AuthError> {
    let pairs = match Query::<Vec<(String, String)>>::try_from_uri(uri) {
        Ok(Query(pairs)) => pairs,
        Err(_) => Vec::new(),
    };
    let attempted = pairs.iter().any(|(key, _)| key.starts_with("sentry_"));
    let auth = Auth::from_pairs(pairs.iter().map(|(key, value)| (&**key, &**value)))?;
    let unusable = (attempted && auth.is_none()).then_some(AuthError::Header);
    Ok((auth, unusable))
}

/// The texts of a header. Client names are not always ASCII, so bytes above it are taken as UTF-8.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = String> + 'a {
    headers.get_all(name).iter().map(text)
}

/// A header's value as text.
pub(crate) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Checks that an envelope's own `dsn` names the sender that the request was accepted for.
///
/// # Errors
/// [`Rejection::Mismatch`].
pub(crate) fn check_dsn(dsn: &Dsn, key: &ProjectKey) -> Result<(), Rejection> {
    if dsn.project_id != key.project_id {
        return Err(Rejection::Mismatch(HeaderMismatch("project id")));
    }
    if dsn.public_key != key.public_key {
        return Err(Rejection::Mismatch(HeaderMismatch("public key")));
    }
    Ok(())
}

impl Ingest {
    /// Finds the key and checks that it may write to the project of the path, if the path names one.
    ///
    /// # Errors
    /// [`Rejection::Project`], or [`Rejection::Store`] if the database cannot be asked.
    pub(crate) async fn authenticate(
        &self,
        public_key: PublicKey,
        project_id: Option<ProjectId>,
    ) -> Result<Arc<ProjectKey>, Rejection> {
        let key = self.store.project_key(public_key).await?;
        let may_write = |key: &Arc<ProjectKey>| {
            key.is_active && project_id.is_none_or(|project_id| project_id == key.project_id)
        };
        key.filter(may_write).ok_or(Rejection::Project)
    }
}
