//! Who may read the metrics.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_protocol::UnixMillis;
use bugle_store::{Scope, Store};
use sha2::{Digest as _, Sha256};

use crate::config::Secret;

/// What a token must be allowed to do.
const SCOPE: Scope = Scope::OrgRead;

/// The tokens that open the metrics.
#[derive(Debug)]
pub(super) struct Access {
    store: Store,
    /// The hash of the configured token. Comparing hashes takes no time that would tell how much of a guess is right.
    token: Option<[u8; 32]>,
}

/// Why the metrics are not shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("metrics need a token: Authorization: Bearer TOKEN")]
    NoToken,
    #[error("invalid token")]
    UnknownToken,
    #[error("the token lacks the scope {}", SCOPE.as_str())]
    Scope,
    #[error(
        "the token cannot be looked up while the database is away; the one of metrics-token can"
    )]
    Away,
}

impl Access {
    pub(super) fn new(store: Store, token: Option<&Secret>) -> Self {
        let token = token.map(|token| hash(&token.0));
        Self { store, token }
    }

    /// Passes a request with the configured token, or with one of the API's that may read the organisation.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let token = bearer(headers).ok_or(Refusal::NoToken)?;
        if self.token == Some(hash(token)) {
            return Ok(());
        }
        match self.store.token(token, UnixMillis::now()).await {
            Ok(Some(token)) if token.scopes.contains(&SCOPE) => Ok(()),
            Ok(Some(_)) => Err(Refusal::Scope),
            Ok(None) => Err(Refusal::UnknownToken),
            Err(_) => Err(Refusal::Away),
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

#[derive(serde::Serialize)]
struct Detail {
    detail: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::Scope => StatusCode::FORBIDDEN,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
        };
        let detail = self.to_string();
        let mut response = (status, Json(Detail { detail })).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_store::Options;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let options = Options {
            database_url: format!("sqlite:{}", folder.path().join("bugle.db").display()),
            blob_folder: folder.path().join("blobs"),
        };
        let store = Store::open(&options).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    fn bearing(value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).unwrap();
        [(header::AUTHORIZATION, value)].into_iter().collect()
    }

    #[tokio::test]
    async fn tokens_open_by_their_scope_and_the_configured_one_always() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let now = UnixMillis::now();
        let organization = store
            .create_organization("acme", "Acme", now)
            .await
            .unwrap();
        let make = async |scope, random| {
            let scopes = [scope];
            let token = store.create_token(organization, "x", &scopes, [random; 32], now);
            token.await.unwrap()
        };
        let reads = make(Scope::OrgRead, 1).await;
        let writes = make(Scope::EventWrite, 2).await;
        let secret = Secret("0123456789abcdef".to_owned());
        let access = Access::new(store.clone(), Some(&secret));
        for (value, expected) in [
            (format!("Bearer {reads}"), Ok(())),
            (format!("bearer  {reads} "), Ok(())),
            ("Bearer 0123456789abcdef".to_owned(), Ok(())),
            (format!("Bearer {writes}"), Err(Refusal::Scope)),
            (
                "Bearer 0123456789abcdee".to_owned(),
                Err(Refusal::UnknownToken),
            ),
            ("Bearer ".to_owned(), Err(Refusal::NoToken)),
            ("Basic 0123456789abcdef".to_owned(), Err(Refusal::NoToken)),
        ] {
            assert_eq!(access.check(&bearing(&value)).await, expected, "{value}");
        }
        assert_eq!(access.check(&HeaderMap::new()).await, Err(Refusal::NoToken));

        store.close().await;
        let away = access.check(&bearing("Bearer 0123456789abcdef")).await;
        assert_eq!(away, Ok(()));
        let away = access.check(&bearing(&format!("Bearer {reads}"))).await;
        assert_eq!(away, Err(Refusal::Away));
    }
}
