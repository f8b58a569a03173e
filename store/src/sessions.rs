//! Browser sessions: the cookie holds 256 random bits, the database their hash.

use std::time::Duration;

use base64::Engine as _;
use bugle_protocol::{UnixMillis, UserId};
use sha2::{Digest, Sha256};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(14 * 24 * 3600);

/// A session ends this long after signing in, however busy it is.
const ABSOLUTE: Duration = Duration::from_secs(30 * 24 * 3600);

/// How often a busy session's last use is written down.
const TOUCH_EVERY: Duration = Duration::from_secs(300);

const INSERT: &str =
    "INSERT INTO session (token_hash, user_id, created_at, last_seen_at) VALUES ($1, $2, $3, $3)";
const GET: &str = "
    SELECT user_id, created_at, last_seen_at FROM session WHERE token_hash = $1 AND last_seen_at > $2 AND created_at > $3";
const TOUCH: &str = "UPDATE session SET last_seen_at = $2 WHERE token_hash = $1";
const DELETE: &str = "DELETE FROM session WHERE token_hash = $1";
const DELETE_EXPIRED: &str = "DELETE FROM session WHERE last_seen_at <= $1 OR created_at <= $2";

/// The secret of a session, as the cookie holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

/// A session that is still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who signed in.
    pub user_id: UserId,
    /// When.
    pub created_at: UnixMillis,
}

impl SessionToken {
    /// Makes a token of 32 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A token as it came back in a cookie.
    #[must_use]
    pub fn from_cookie(value: &str) -> Self {
        Self(value.to_owned())
    }

    /// The text for the cookie.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken([redacted])")
    }
}

impl Store {
    /// Starts a session, and forgets those that have ended.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn create_session(
        &self,
        token: &SessionToken,
        user_id: UserId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        with_writer!(&self.db, |pool| {
            let mut tx = pool.begin().await?;
            sqlx::query(DELETE_EXPIRED)
                .bind(now.before(IDLE).0)
                .bind(now.before(ABSOLUTE).0)
                .execute(&mut *tx)
                .await?;
            sqlx::query(INSERT)
                .bind(token.hash())
                .bind(user_id.0)
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        });
        Ok(())
    }

    /// The session of a token, if it is still good.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn session(
        &self,
        token: &SessionToken,
        now: UnixMillis,
    ) -> Result<Option<Session>, StoreError> {
        let row: Option<(i64, i64, i64)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(GET)
                .bind(token.hash())
                .bind(now.before(IDLE).0)
                .bind(now.before(ABSOLUTE).0)
                .fetch_optional(pool)
                .await
        })?;
        let Some((user_id, created_at, last_seen_at)) = row else {
            return Ok(None);
        };
        if last_seen_at < now.before(TOUCH_EVERY).0 {
            let touched = with_writer!(&self.db, |pool| {
                sqlx::query(TOUCH)
                    .bind(token.hash())
                    .bind(now.0)
                    .execute(pool)
                    .await
                    .map(drop)
            });
            // A full disk must not lock out who could free it.
            if let Err(error) = touched {
                tracing::warn!(%error, "could not note the use of a session");
            }
        }
        Ok(Some(Session {
            user_id: UserId(user_id),
            created_at: UnixMillis(created_at),
        }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_session(&self, token: &SessionToken) -> Result<(), StoreError> {
        with_writer!(&self.db, |pool| sqlx::query(DELETE)
            .bind(token.hash())
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }
}
