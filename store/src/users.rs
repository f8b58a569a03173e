//! User accounts and their role in the organisation.

use bugle_protocol::{OrganizationId, UnixMillis, UserId};

use crate::db::{with_reader, with_writer};
use crate::password::PasswordHash;
use crate::{Store, StoreError};

const INSERT: &str =
    "INSERT INTO user_account (email, password_hash, created_at) VALUES ($1, $2, $3) RETURNING id";
const INSERT_MEMBERSHIP: &str =
    "INSERT INTO membership (organization_id, user_id, role) VALUES ($1, $2, $3)";
const ALL: &str = "
    SELECT u.id, u.email, m.role, u.created_at, u.last_login_at
    FROM user_account u JOIN membership m ON m.user_id = u.id
    WHERE m.organization_id = $1 ORDER BY u.email";
const BY_ID: &str = "
    SELECT u.id, u.email, m.role, u.created_at, u.last_login_at
    FROM user_account u JOIN membership m ON m.user_id = u.id WHERE u.id = $1";
const CREDENTIALS: &str = "SELECT id, password_hash FROM user_account WHERE email = $1";
const SET_PASSWORD: &str =
    "UPDATE user_account SET password_hash = $2 WHERE email = $1 RETURNING id";
const LOGGED_IN: &str = "UPDATE user_account SET last_login_at = $2 WHERE id = $1";
const END_SESSIONS: &str = "DELETE FROM session WHERE user_id = $1";

/// What a user may do in the organisation, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads and triages.
    Member,
    /// Also changes projects and settings.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// All roles in rising order.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The name in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == name);
        role.ok_or_else(|| {
            format!("unknown role '{name}': expected viewer, member, admin or owner")
        })
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// The database id.
    pub id: UserId,
    /// The address, lower-case; also the name to sign in with.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// When the account was made.
    pub created_at: UnixMillis,
    /// When the user last signed in.
    pub last_login_at: Option<UnixMillis>,
}

type UserColumns = (i64, String, String, i64, Option<i64>);

impl User {
    fn read((id, email, role, created_at, last_login_at): UserColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId(id),
            email,
            role: role
                .parse()
                .map_err(|_| StoreError::Damaged("an unknown role"))?,
            created_at: UnixMillis(created_at),
            last_login_at: last_login_at.map(UnixMillis),
        })
    }
}

impl Store {
    /// Makes an account. The address is the caller's to check; it is stored in lower case.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the address is taken.
    pub async fn create_user(
        &self,
        organization_id: OrganizationId,
        email: &str,
        password: &PasswordHash,
        role: Role,
        now: UnixMillis,
    ) -> Result<UserId, StoreError> {
        let email = email.trim().to_lowercase();
        let exists = |e| StoreError::exists_if_unique(e, || format!("user '{email}'"));
        let id: i64 = with_writer!(&self.db, |pool| {
            let mut tx = pool.begin().await?;
            let id: i64 = sqlx::query_scalar(INSERT)
                .bind(&email)
                .bind(&password.0)
                .bind(now.0)
                .fetch_one(&mut *tx)
                .await
                .map_err(exists)?;
            sqlx::query(INSERT_MEMBERSHIP)
                .bind(organization_id.0)
                .bind(id)
                .bind(role.as_str())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            id
        });
        Ok(UserId(id))
    }

    /// The accounts of an organisation by address.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn users(&self, organization_id: OrganizationId) -> Result<Vec<User>, StoreError> {
        let rows: Vec<UserColumns> = with_reader!(&self.db, |pool| {
            sqlx::query_as(ALL)
                .bind(organization_id.0)
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter().map(User::read).collect()
    }

    /// One account.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row: Option<UserColumns> = with_reader!(&self.db, |pool| sqlx::query_as(BY_ID)
            .bind(id.0)
            .fetch_optional(pool)
            .await)?;
        row.map(User::read).transpose()
    }

    /// What it takes to check a password; the check itself belongs on a blocking thread.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn credentials(
        &self,
        email: &str,
    ) -> Result<Option<(UserId, PasswordHash)>, StoreError> {
        // An address with a NUL is nobody's, and PostgreSQL would not even look.
        let email = email.trim().to_lowercase().replace('\0', "");
        let row: Option<(i64, String)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(CREDENTIALS)
                .bind(&email)
                .fetch_optional(pool)
                .await
        })?;
        Ok(row.map(|(id, hash)| (UserId(id), PasswordHash(hash))))
    }

    /// Sets a new password and ends all sessions of the account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such account.
    pub async fn set_password(
        &self,
        email: &str,
        password: &PasswordHash,
    ) -> Result<(), StoreError> {
        let email = email.trim().to_lowercase();
        with_writer!(&self.db, |pool| {
            let mut tx = pool.begin().await?;
            let id: Option<i64> = sqlx::query_scalar(SET_PASSWORD)
                .bind(&email)
                .bind(&password.0)
                .fetch_optional(&mut *tx)
                .await?;
            let id = id.ok_or_else(|| StoreError::NotFound {
                what: format!("user '{email}'"),
            })?;
            sqlx::query(END_SESSIONS).bind(id).execute(&mut *tx).await?;
            tx.commit().await?;
        });
        Ok(())
    }

    /// Notes that a user signed in.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn touch_login(&self, id: UserId, now: UnixMillis) -> Result<(), StoreError> {
        with_writer!(&self.db, |pool| sqlx::query(LOGGED_IN)
            .bind(id.0)
            .bind(now.0)
            .execute(pool)
            .await
            .map(drop))?;
        Ok(())
    }
}
