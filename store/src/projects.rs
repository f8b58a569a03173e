//! Projects and their keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bugle_protocol::{KeyId, OrganizationId, ProjectId, PublicKey, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

const INSERT_PROJECT: &str = "
    INSERT INTO project (organization_id, slug, name, platform, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id";
const INSERT_KEY: &str = "
    INSERT INTO project_key (project_id, public_key, label, is_active, created_at) VALUES ($1, $2, $3, TRUE, $4)";
const PROJECTS: &str = "
    SELECT id, organization_id, slug, name, platform, first_event_at, created_at
    FROM project WHERE organization_id = $1 ORDER BY slug";
const PROJECT_BY_ID: &str = "
    SELECT id, organization_id, slug, name, platform, first_event_at, created_at FROM project WHERE id = $1";
const PROJECT_BY_SLUG: &str = "
    SELECT id, organization_id, slug, name, platform, first_event_at, created_at
    FROM project WHERE organization_id = $1 AND slug = $2";
const KEY: &str = "
    SELECT id, project_id, public_key, label, is_active, created_at FROM project_key WHERE public_key = $1";
const KEYS: &str = "
    SELECT id, project_id, public_key, label, is_active, created_at FROM project_key WHERE project_id = $1 ORDER BY id";

/// How long a key in memory is used without asking for changes made elsewhere, in this or another process.
const KEY_FRESH: Duration = Duration::from_secs(5);

/// How long the database may take to say that a key has changed, and how long after a failure it is asked again.
const KEY_RETRY: Duration = Duration::from_secs(1);

/// What is remembered of a public key; `None` if no project has it.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    key: Option<Arc<ProjectKey>>,
    fresh_until: Instant,
}

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

/// A key of a project.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProjectKey {
    /// The database id.
    pub id: KeyId,
    /// The project that the key reports to.
    pub project_id: ProjectId,
    /// The public half, all that SDKs need.
    #[serde(serialize_with = "as_text")]
    pub public_key: PublicKey,
    /// The name people read.
    pub label: String,
    /// Whether events that carry it are accepted.
    pub is_active: bool,
    /// When it was made.
    pub created_at: UnixMillis,
}

fn as_text<S: serde::Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

type ProjectColumns = (i64, i64, String, String, Option<String>, Option<i64>, i64);

impl Project {
    fn read(
        (id, organization_id, slug, name, platform, first_event_at, created_at): ProjectColumns,
    ) -> Self {
        Self {
            id: ProjectId(id),
            organization_id: OrganizationId(organization_id),
            slug,
            name,
            platform,
            first_event_at: first_event_at.map(UnixMillis),
            created_at: UnixMillis(created_at),
        }
    }
}

type KeyColumns = (i64, i64, String, String, bool, i64);

impl ProjectKey {
    fn read(
        (id, project_id, public_key, label, is_active, created_at): KeyColumns,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId(id),
            project_id: ProjectId(project_id),
            public_key: public_key
                .parse()
                .map_err(|_| StoreError::Damaged("a project key is not 32 hex digits"))?,
            label,
            is_active,
            created_at: UnixMillis(created_at),
        })
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
        self.keys.invalidate(&new.public_key).await;
        Ok(Project {
            id: ProjectId(id),
            organization_id: new.organization_id,
            slug,
            name: new.name.to_owned(),
            platform: new.platform.map(str::to_owned),
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

    /// Looks a key up, from memory if it was asked for within the last seconds; unknown keys are remembered too, so
    /// that a client with an old DSN costs no query per request. While the database is away, known keys stay good:
    /// events are accepted and wait in the queue.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the key is not in memory; errors are not remembered.
    pub async fn project_key(
        &self,
        public_key: PublicKey,
    ) -> Result<Option<Arc<ProjectKey>>, StoreError> {
        let known = self.keys.get(&public_key).await;
        let now = Instant::now();
        if let Some(known) = known.as_ref().filter(|known| now < known.fresh_until) {
            return Ok(known.key.clone());
        }
        let remembered = known.and_then(|known| known.key);
        let (key, fresh_for) = match (self.load_key(public_key, &remembered).await, remembered) {
            (Ok(key), _) => (key, KEY_FRESH),
            (Err(StoreError::Database(_)), Some(key)) => (Some(key), KEY_RETRY),
            (Err(error), _) => return Err(error),
        };
        let fresh_until = Instant::now() + fresh_for;
        let key = KnownKey { key, fresh_until };
        self.keys.insert(public_key, key.clone()).await;
        Ok(key.key)
    }

    /// Reads a key from the database. Who remembers one does not wait long for a newer state of it.
    async fn load_key(
        &self,
        public_key: PublicKey,
        remembered: &Option<Arc<ProjectKey>>,
    ) -> Result<Option<Arc<ProjectKey>>, StoreError> {
        let query = async {
            let row: Result<Option<KeyColumns>, sqlx::Error> =
                with_reader!(&self.db, |pool| sqlx::query_as(KEY)
                    .bind(public_key.to_string())
                    .fetch_optional(pool)
                    .await);
            row
        };
        let row = if remembered.is_some() {
            let answer = tokio::time::timeout(KEY_RETRY, query).await;
            answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
        } else {
            query.await
        }?;
        Ok(row.map(ProjectKey::read).transpose()?.map(Arc::new))
    }

    /// The keys of a project, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn project_keys(&self, project_id: ProjectId) -> Result<Vec<ProjectKey>, StoreError> {
        let rows: Vec<KeyColumns> = with_reader!(&self.db, |pool| sqlx::query_as(KEYS)
            .bind(project_id.0)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(ProjectKey::read).collect()
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
