//! The keys of projects, and the memory of them that spares intake a query per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bugle_protocol::{KeyId, OrganizationId, ProjectId, PublicKey, UnixMillis};
use moka::future::Cache;

use crate::db::{with_reader, with_writer};
use crate::quotas::{self, Quota, QuotaColumns, read_quotas};
use crate::{Store, StoreError};

const INSERT: &str = "
    INSERT INTO project_key (project_id, public_key, label, is_active, created_at) VALUES ($1, $2, $3, TRUE, $4)
    RETURNING id";
const KEY: &str = "
    SELECT k.id, k.project_id, p.organization_id, k.public_key, k.label, k.is_active, k.created_at
    FROM project_key k JOIN project p ON p.id = k.project_id WHERE k.public_key = $1";
const KEYS: &str = "
    SELECT k.id, k.project_id, p.organization_id, k.public_key, k.label, k.is_active, k.created_at
    FROM project_key k JOIN project p ON p.id = k.project_id WHERE k.project_id = $1 ORDER BY k.id";
const UPDATE: &str = "UPDATE project_key SET label = $2, is_active = $3 WHERE id = $1";

/// How many keys, known and unknown ones, are remembered.
const REMEMBERED_KEYS: u64 = 100_000;

/// How long a key in memory is used without asking for changes made by another process.
const FRESH: Duration = Duration::from_secs(4);

/// How long the others go on with what is remembered while one caller asks.
const RELOAD: Duration = Duration::from_secs(1);

/// How long the database may take to say that a key has changed.
const PATIENCE: Duration = Duration::from_millis(900);

/// How long after a failure it is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// Characters of a key's name at most.
const MAX_LABEL_CHARS: usize = 200;

/// A key of a project.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProjectKey {
    /// The database id.
    pub id: KeyId,
    /// The project that the key reports to.
    pub project_id: ProjectId,
    /// The organisation of the project.
    pub organization_id: OrganizationId,
    /// The public half, all that SDKs need.
    #[serde(serialize_with = "as_text")]
    pub public_key: PublicKey,
    /// The name people read.
    pub label: String,
    /// Whether events that carry it are accepted.
    pub is_active: bool,
    /// When it was made.
    pub created_at: UnixMillis,
    /// The quotas that bound what comes with it: its own, its project's, its organisation's; by id.
    pub quotas: Vec<Quota>,
}

fn as_text<S: serde::Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(key)
}

type KeyColumns = (i64, i64, i64, String, String, bool, i64);

impl ProjectKey {
    fn read(
        (id, project_id, organization_id, public_key, label, is_active, created_at): KeyColumns,
        quotas: &[Quota],
    ) -> Result<Self, StoreError> {
        let (id, project_id) = (KeyId(id), ProjectId(project_id));
        let applying = quotas
            .iter()
            .filter(|quota| quota.applies_to(project_id, id));
        Ok(Self {
            id,
            project_id,
            organization_id: OrganizationId(organization_id),
            public_key: public_key
                .parse()
                .map_err(|_| StoreError::Damaged("a project key is not 32 hex digits"))?,
            label,
            is_active,
            created_at: UnixMillis(created_at),
            quotas: applying.cloned().collect(),
        })
    }
}

/// The keys that were asked for lately.
#[derive(Clone, Debug)]
pub(crate) struct KeyCache {
    known: Cache<PublicKey, KnownKey>,
    /// Raised by every change that this process makes: what was read before is asked for again.
    generation: Arc<AtomicU64>,
}

/// What is remembered of a public key; `None` if no project has it.
#[derive(Clone, Debug)]
struct KnownKey {
    key: Option<Arc<ProjectKey>>,
    fresh_until: Instant,
    generation: u64,
    /// Somebody asks the database whether it has changed.
    is_reloading: Arc<AtomicBool>,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self {
            known: Cache::new(REMEMBERED_KEYS),
            generation: Arc::default(),
        }
    }

    /// Keys or quotas were changed here: the next use of each key sees it.
    pub(crate) fn forget_freshness(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl KnownKey {
    /// Whether it may be used as it is. Of those who find it old, one is told no and asks; the others go on meanwhile.
    fn is_usable(&self, now: Instant, generation: u64) -> bool {
        self.generation == generation
            && (now < self.fresh_until
                || now < self.fresh_until + RELOAD
                    && self.is_reloading.swap(true, Ordering::AcqRel))
    }
}

/// Lets another caller ask, also when this one goes away before it has an answer.
struct Reloading(Arc<AtomicBool>);

impl Drop for Reloading {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Store {
    /// Looks a key up, from memory if it was asked for within the last seconds; unknown keys are remembered too, so
    /// that a client with an old DSN costs no query per request. While the database is away, known keys stay good:
    /// events are accepted and wait in the queue.
    ///
    /// Changes of keys and quotas are seen at once if this process made them, else within 5 seconds.
    ///
    /// # Errors
    /// [`StoreError::Database`] if the key is not in memory; errors are not remembered.
    pub async fn project_key(
        &self,
        public_key: PublicKey,
    ) -> Result<Option<Arc<ProjectKey>>, StoreError> {
        let known = self.keys.known.get(&public_key).await;
        let generation = self.keys.generation.load(Ordering::Acquire);
        let (mut remembered, mut _reloading) = (None, None);
        if let Some(known) = known {
            if known.is_usable(Instant::now(), generation) {
                return Ok(known.key);
            }
            _reloading = Some(Reloading(known.is_reloading));
            remembered = known.key;
        }
        let loaded = self.load_key(public_key, remembered.is_some()).await;
        let (key, fresh_for) = match (loaded, remembered) {
            (Ok(key), _) => (key, FRESH),
            (Err(StoreError::Database(_)), Some(key)) => (Some(key), RETRY),
            (Err(error), _) => return Err(error),
        };
        let known = KnownKey {
            key: key.clone(),
            fresh_until: Instant::now() + fresh_for,
            generation,
            is_reloading: Arc::default(),
        };
        self.keys.known.insert(public_key, known).await;
        Ok(key)
    }

    /// Reads a key and its quotas from the database. Who remembers one does not wait long for a newer state of it.
    async fn load_key(
        &self,
        public_key: PublicKey,
        is_remembered: bool,
    ) -> Result<Option<Arc<ProjectKey>>, StoreError> {
        let query = self.query_key(public_key);
        let found = if is_remembered {
            let answer = tokio::time::timeout(PATIENCE, query).await;
            answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))
        } else {
            query.await
        };
        let Some((row, quotas)) = found? else {
            return Ok(None);
        };
        let key = ProjectKey::read(row, &read_quotas(quotas))?;
        Ok(Some(Arc::new(key)))
    }

    async fn query_key(
        &self,
        public_key: PublicKey,
    ) -> Result<Option<(KeyColumns, Vec<QuotaColumns>)>, sqlx::Error> {
        with_reader!(&self.db, |pool| {
            let key: Option<KeyColumns> = sqlx::query_as(KEY)
                .bind(public_key.to_string())
                .fetch_optional(pool)
                .await?;
            let Some(key) = key else {
                return Ok(None);
            };
            let quotas = sqlx::query_as(quotas::OF_PROJECT)
                .bind(key.1)
                .fetch_all(pool)
                .await?;
            Ok(Some((key, quotas)))
        })
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
        let quotas = self.quotas_of_project(project_id).await?;
        rows.into_iter()
            .map(|row| ProjectKey::read(row, &quotas))
            .collect()
    }

    /// Makes a key for a project that exists.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if another key has the same public half; [`StoreError::Database`].
    pub async fn create_key(
        &self,
        project_id: ProjectId,
        label: &str,
        public_key: PublicKey,
        now: UnixMillis,
    ) -> Result<KeyId, StoreError> {
        let id = with_writer!(&self.db, |pool| {
            sqlx::query_scalar(INSERT)
                .bind(project_id.0)
                .bind(public_key.to_string())
                .bind(tidy_label(label))
                .bind(now.0)
                .fetch_one(pool)
                .await
        });
        self.keys.forget_freshness();
        id.map(KeyId)
            .map_err(|e| StoreError::exists_if_unique(e, || format!("key '{public_key}'")))
    }

    /// Names a key, and switches it on or off. Events that carry a key that is off are refused. Keys are never deleted:
    /// what was counted by them would belong to nobody.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such key.
    pub async fn update_key(
        &self,
        id: KeyId,
        label: &str,
        is_active: bool,
    ) -> Result<(), StoreError> {
        let changed = with_writer!(&self.db, |pool| sqlx::query(UPDATE)
            .bind(id.0)
            .bind(tidy_label(label))
            .bind(is_active)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))?;
        self.keys.forget_freshness();
        if changed == 0 {
            let what = format!("key {id}");
            return Err(StoreError::NotFound { what });
        }
        Ok(())
    }
}

/// PostgreSQL takes no NUL, and lists no novels.
fn tidy_label(label: &str) -> String {
    let label = label.trim().replace('\0', "");
    label.chars().take(MAX_LABEL_CHARS).collect()
}
