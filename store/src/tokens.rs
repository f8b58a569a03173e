//! Tokens for the web API: `sntryu_` and 64 hex digits, the form that sentry-cli knows; the database holds the hash.

use std::str::FromStr;
use std::time::Duration;

use bugle_protocol::{OrganizationId, UnixMillis};
use sha2::{Digest, Sha256};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

/// How often the last use of a busy token is written down.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

const INSERT: &str = "
    INSERT INTO api_token (organization_id, name, token_hash, last_characters, scopes, created_at)
    VALUES ($1, $2, $3, $4, $5, $6)";
const GET: &str = "
    SELECT id, organization_id, name, scopes, last_used_at FROM api_token WHERE token_hash = $1";
const TOUCH: &str = "UPDATE api_token SET last_used_at = $2 WHERE id = $1";

/// What a token may do, by Sentry's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scope {
    OrgRead,
    ProjectRead,
    ProjectWrite,
    EventRead,
    EventWrite,
}

impl Scope {
    /// All scopes, which is what a token gets if none is named.
    pub const ALL: [Self; 5] = [
        Self::OrgRead,
        Self::ProjectRead,
        Self::ProjectWrite,
        Self::EventRead,
        Self::EventWrite,
    ];

    /// Sentry's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrgRead => "org:read",
            Self::ProjectRead => "project:read",
            Self::ProjectWrite => "project:write",
            Self::EventRead => "event:read",
            Self::EventWrite => "event:write",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == name)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                format!("unknown scope '{name}': expected one of {known}")
            })
    }
}

/// A token's row, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// The organisation it speaks for.
    pub organization_id: OrganizationId,
    /// The name people gave it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl Store {
    /// Makes a token of 32 random bytes and returns its text, which is shown once and kept nowhere.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn create_token(
        &self,
        organization_id: OrganizationId,
        name: &str,
        scopes: &[Scope],
        random: [u8; 32],
        now: UnixMillis,
    ) -> Result<String, StoreError> {
        let text = random.iter().fold("sntryu_".to_owned(), |text, byte| {
            text + &format!("{byte:02x}")
        });
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        with_writer!(&self.db, |pool| {
            sqlx::query(INSERT)
                .bind(organization_id.0)
                .bind(name)
                .bind(hash(&text))
                .bind(&text[text.len() - 4..])
                .bind(scopes.join(" "))
                .bind(now.0)
                .execute(pool)
                .await
                .map(drop)
        })?;
        Ok(text)
    }

    /// The token of a text.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn token(&self, text: &str, now: UnixMillis) -> Result<Option<ApiToken>, StoreError> {
        let row: Option<(i64, i64, String, String, Option<i64>)> =
            with_reader!(&self.db, |pool| sqlx::query_as(GET)
                .bind(hash(text))
                .fetch_optional(pool)
                .await)?;
        let Some((id, organization_id, name, scopes, last_used_at)) = row else {
            return Ok(None);
        };
        if last_used_at.is_none_or(|at| at < now.before(TOUCH_EVERY).0) {
            let touched = with_writer!(&self.db, |pool| sqlx::query(TOUCH)
                .bind(id)
                .bind(now.0)
                .execute(pool)
                .await
                .map(drop));
            if let Err(error) = touched {
                tracing::warn!(%error, "could not note the use of a token");
            }
        }
        let scopes = scopes
            .split_whitespace()
            .filter_map(|scope| scope.parse().ok())
            .collect();
        Ok(Some(ApiToken {
            organization_id: OrganizationId(organization_id),
            name,
            scopes,
        }))
    }
}

fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
