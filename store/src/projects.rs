//! Projects and their keys.

use bugle_protocol::{OrganizationId, ProjectId, PublicKey, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

const INSERT_PROJECT: &str = "
    INSERT INTO project (organization_id, slug, name, platform, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id";
const INSERT_KEY: &str = "
    INSERT INTO project_key (project_id, public_key, label, is_active, created_at) VALUES ($1, $2, $3, TRUE, $4)";
const PROJECTS: &str = "
    SELECT id, organization_id, slug, name, platform, spike_protection, first_event_at, created_at
    FROM project WHERE organization_id = $1 ORDER BY slug";
const PROJECT_BY_ID: &str = "
    SELECT id, organization_id, slug, name, platform, spike_protection, first_event_at, created_at FROM project WHERE id = $1";
const PROJECT_BY_SLUG: &str = "
    SELECT id, organization_id, slug, name, platform, spike_protection, first_event_at, created_at
    FROM project WHERE organization_id = $1 AND slug = $2";
/// A project: what one DSN reports to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Project {
    /// The number in the DSN.
    pub id: ProjectId,
    /// The organisation it belongs to.
    pub organization_id: OrganizationId,
    /// The name in URLs and, in capitals, in short ids.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// What the code runs on, such as `python-django`, if somebody said.
    pub platform: Option<String>,
    /// Whether it is bounded to a multiple of what it usually sends.
    pub spike_protection: bool,
    /// When the first event was stored.
    pub first_event_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// What it takes to make a project.
#[derive(Clone, Debug)]
pub struct NewProject<'a> {
    /// The organisation it will belong to.
    pub organization_id: OrganizationId,
    /// The name people read; the slug is made of it, see [`slugify`].
    pub name: &'a str,
    /// What the code runs on.
    pub platform: Option<&'a str>,
    /// The public half of its first key.
    pub public_key: PublicKey,
}

type ProjectColumns = (
    i64,
    i64,
    String,
    String,
    Option<String>,
    bool,
    Option<i64>,
    i64,
);

impl Project {
    fn read(
        (id, organization_id, slug, name, platform, spike_protection, first_event_at, created_at): ProjectColumns,
    ) -> Self {
        Self {
            id: ProjectId(id),
            organization_id: OrganizationId(organization_id),
            slug,
            name,
            platform,
            spike_protection,
            first_event_at: first_event_at.map(UnixMillis),
            created_at: UnixMillis(created_at),
        }
    }
}

impl Store {
    /// Makes a project with one key.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the organisation has a project of that slug.
    pub async fn create_project(
        &self,
        new: &NewProject<'_>,
        now: UnixMillis,
    ) -> Result<Project, StoreError> {
        let slug = slugify(new.name);
        let exists = |e| StoreError::exists_if_unique(e, || format!("project '{slug}'"));
        let id: i64 = with_writer!(&self.db, |pool| {
            let mut tx = pool.begin().await?;
            let id: i64 = sqlx::query_scalar(INSERT_PROJECT)
                .bind(new.organization_id.0)
                .bind(&slug)
                .bind(new.name)
                .bind(new.platform)
                .bind(now.0)
                .fetch_one(&mut *tx)
                .await
                .map_err(exists)?;
            sqlx::query(INSERT_KEY)
                .bind(id)
                .bind(new.public_key.to_string())
                .bind("Default")
                .bind(now.0)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            id
        });
        self.keys.forget_freshness();
        Ok(Project {
            id: ProjectId(id),
            organization_id: new.organization_id,
            slug,
            name: new.name.to_owned(),
            platform: new.platform.map(str::to_owned),
            spike_protection: false,
            first_event_at: None,
            created_at: now,
        })
    }

    /// The projects of an organisation by slug.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn projects(
        &self,
        organization_id: OrganizationId,
    ) -> Result<Vec<Project>, StoreError> {
        let rows: Vec<ProjectColumns> = with_reader!(&self.db, |pool| {
            sqlx::query_as(PROJECTS)
                .bind(organization_id.0)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(Project::read).collect())
    }

    /// One project.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn project(&self, id: ProjectId) -> Result<Option<Project>, StoreError> {
        let row = with_reader!(&self.db, |pool| {
            sqlx::query_as(PROJECT_BY_ID)
                .bind(id.0)
                .fetch_optional(pool)
                .await
        })?;
        Ok(row.map(Project::read))
    }

    /// One project of an organisation by its slug.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn project_by_slug(
        &self,
        organization_id: OrganizationId,
        slug: &str,
    ) -> Result<Option<Project>, StoreError> {
        // No slug has a NUL, and PostgreSQL would refuse to look.
        if slug.contains('\0') {
            return Ok(None);
        }
        let row = with_reader!(&self.db, |pool| {
            sqlx::query_as(PROJECT_BY_SLUG)
                .bind(organization_id.0)
                .bind(slug)
                .fetch_optional(pool)
                .await
        })?;
        Ok(row.map(Project::read))
    }
}

/// Makes a slug of a name: lower-case letters, digits and single dashes, at most 50 characters. A slug is never all
/// digits, because a path takes ids and slugs in the same place.
#[must_use]
pub fn slugify(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 50 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return format!("project-{slug}").trim_end_matches('-').to_owned();
    }
    slug.to_owned()
}

#[cfg(test)]
mod tests {
    use super::slugify;

    #[test]
    fn slugs_are_plain() {
        for (name, slug) in [
            ("Shop", "shop"),
            ("  My  Shop! 2 ", "my-shop-2"),
            ("Ünïcode shop", "n-code-shop"),
            ("42", "project-42"),
            ("магазин", "project"),
            ("", "project"),
        ] {
            assert_eq!(slugify(name), slug);
        }
        assert!(slugify(&"x".repeat(500)).len() <= 50);
    }
}
