//! Organisations: who owns projects and users.

use bugle_protocol::{OrganizationId, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

const INSERT: &str =
    "INSERT INTO organization (slug, name, created_at) VALUES ($1, $2, $3) RETURNING id";
const ALL: &str = "SELECT id, slug, name, created_at FROM organization ORDER BY id";

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Organization {
    /// The database id.
    pub id: OrganizationId,
    /// The name in URLs.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// When it was made.
    pub created_at: UnixMillis,
}

impl Store {
    /// Makes an organisation.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the slug is taken.
    pub async fn create_organization(
        &self,
        slug: &str,
        name: &str,
        now: UnixMillis,
    ) -> Result<OrganizationId, StoreError> {
        let id = with_writer!(&self.db, |pool| {
            sqlx::query_scalar(INSERT)
                .bind(slug)
                .bind(name)
                .bind(now.0)
                .fetch_one(pool)
                .await
        });
        id.map(OrganizationId)
            .map_err(|e| StoreError::exists_if_unique(e, || format!("organization '{slug}'")))
    }

    /// All organisations, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn organizations(&self) -> Result<Vec<Organization>, StoreError> {
        let rows: Vec<(i64, String, String, i64)> =
            with_reader!(&self.db, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
        let read = |(id, slug, name, created_at)| Organization {
            id: OrganizationId(id),
            slug,
            name,
            created_at: UnixMillis(created_at),
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
