//! Versions of rules: every document that was saved, of which the newest applies.

use std::sync::atomic::{AtomicU64, Ordering};

use bugle_protocol::{OrganizationId, ProjectId, RuleTopic, RuleVersionId, UnixMillis, UserId};

use crate::db::{Db, with_reader};
use crate::{Store, StoreError};

/// Bytes of a document at most.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Written only if nobody has saved another version since the one that was changed.
const INSERT: &str = "
    INSERT INTO rule_version (organization_id, project_id, topic, document, comment, user_id, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7 WHERE COALESCE(
        (SELECT MAX(id) FROM rule_version WHERE organization_id = $1 AND COALESCE(project_id, 0) = COALESCE($2, 0)
            AND topic = $3), 0) = $8
    RETURNING id";
const LOCK: &str = "LOCK TABLE rule_version IN SHARE ROW EXCLUSIVE MODE";
const CURRENT: &str = "
    SELECT v.id, v.organization_id, v.project_id, v.topic, v.document, v.comment, u.email, v.created_at
    FROM rule_version v LEFT JOIN user_account u ON u.id = v.user_id
    WHERE v.organization_id = $1 AND COALESCE(v.project_id, 0) = $2 AND v.topic = $3 ORDER BY v.id DESC LIMIT 1";
const PAGE: &str = "
    SELECT v.id, v.organization_id, v.project_id, v.topic, v.document, v.comment, u.email, v.created_at
    FROM rule_version v LEFT JOIN user_account u ON u.id = v.user_id
    WHERE v.organization_id = $1 AND COALESCE(v.project_id, 0) = $2 AND v.topic = $3 AND v.id < $4
    ORDER BY v.id DESC LIMIT $5";
const ONE: &str = "
    SELECT v.id, v.organization_id, v.project_id, v.topic, v.document, v.comment, u.email, v.created_at
    FROM rule_version v LEFT JOIN user_account u ON u.id = v.user_id WHERE v.id = $1";
const ALL_CURRENT: &str = "
    SELECT v.id, v.organization_id, v.project_id, v.topic, v.document, v.comment, u.email, v.created_at
    FROM rule_version v LEFT JOIN user_account u ON u.id = v.user_id
    WHERE v.id IN (SELECT MAX(id) FROM rule_version GROUP BY organization_id, project_id, topic) ORDER BY v.id";
/// Ids are committed in their order, because one saves at a time.
const REVISION: &str = "SELECT COALESCE(MAX(id), 0) FROM rule_version";
const PROJECTS: &str = "SELECT id, organization_id FROM project";
const HITS: &str = "
    SELECT rule, day, hits FROM rule_hit WHERE project_id = $1 AND topic = $2 AND day >= $3 ORDER BY rule, day";

/// Who a document belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleOwner {
    /// It applies to all projects of an organisation.
    Organization(OrganizationId),
    /// It applies to a project.
    Project(OrganizationId, ProjectId),
}

/// A document that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    /// The number of the version, higher than those before it.
    pub id: RuleVersionId,
    /// Whose it is.
    pub owner: RuleOwner,
    /// What it is about.
    pub topic: RuleTopic,
    /// JSON; what it means the crate `rules` knows.
    pub document: String,
    /// What was done, may be empty.
    pub comment: String,
    /// The e-mail address of who saved it; `None` for the command line.
    pub author: Option<String>,
    /// When it was saved.
    pub created_at: UnixMillis,
}

/// A document to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRuleVersion {
    /// Whose it is.
    pub owner: RuleOwner,
    /// What it is about.
    pub topic: RuleTopic,
    /// JSON.
    pub document: String,
    /// What was done.
    pub comment: String,
    /// Who saves it.
    pub author: Option<UserId>,
    /// The version it was made from, `None` if there was none.
    pub based_on: Option<RuleVersionId>,
}

/// What became of a document that was to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It applies now.
    Yes(RuleVersionId),
    /// Somebody saved another version meanwhile.
    Conflict,
}

/// How often a rule did something on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHits {
    /// The name the rule is counted by.
    pub rule: String,
    /// Days since 1970-01-01.
    pub day: i64,
    /// How often.
    pub hits: u64,
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    organization_id: i64,
    project_id: Option<i64>,
    topic: String,
    document: String,
    comment: String,
    email: Option<String>,
    created_at: i64,
}

impl RuleOwner {
    fn ids(self) -> (i64, Option<i64>) {
        match self {
            Self::Organization(organization) => (organization.0, None),
            Self::Project(organization, project) => (organization.0, Some(project.0)),
        }
    }
}

impl TryFrom<Columns> for RuleVersion {
    type Error = StoreError;

    fn try_from(row: Columns) -> Result<Self, StoreError> {
        let organization = OrganizationId(row.organization_id);
        let owner = match row.project_id {
            Some(project) => RuleOwner::Project(organization, ProjectId(project)),
            None => RuleOwner::Organization(organization),
        };
        Ok(Self {
            id: RuleVersionId(row.id),
            owner,
            topic: RuleTopic::from_name(&row.topic).ok_or(StoreError::Damaged(
                "a version of rules has an unknown topic",
            ))?,
            document: row.document,
            comment: row.comment,
            author: row.email,
            created_at: UnixMillis(row.created_at),
        })
    }
}

/// Saves a version on whichever connection; `None` if it was made from one that is not the newest any more.
macro_rules! insert {
    ($new:expr, $now:expr, $connection:expr) => {{
        let (organization, project) = $new.owner.ids();
        let id: Option<i64> = sqlx::query_scalar(INSERT)
            .bind(organization)
            .bind(project)
            .bind($new.topic.name())
            .bind(&$new.document)
            .bind(&$new.comment)
            .bind($new.author.map(|user| user.0))
            .bind($now.0)
            .bind($new.based_on.map_or(0, |version| version.0))
            .fetch_optional($connection)
            .await?;
        id
    }};
}

/// Counts the changes that this process makes, so that its processor need not wait until it asks the database again.
#[derive(Debug, Default)]
pub(crate) struct RuleChanges(AtomicU64);

impl Store {
    /// Saves a document, which applies from then on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is too long.
    pub async fn save_rules(
        &self,
        new: &NewRuleVersion,
        now: UnixMillis,
    ) -> Result<Saved, StoreError> {
        if new.document.len() > MAX_DOCUMENT_BYTES {
            return Err(StoreError::Invalid(format!(
                "the rules exceed {MAX_DOCUMENT_BYTES} bytes"
            )));
        }
        let id = match &self.db {
            Db::Sqlite { write, .. } => insert!(new, now, write),
            // Of two that look at the same moment, neither would see what the other one saves.
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(LOCK).execute(&mut *tx).await?;
                let id = insert!(new, now, &mut *tx);
                tx.commit().await?;
                id
            }
        };
        self.rule_changes.0.fetch_add(1, Ordering::Release);
        Ok(id.map_or(Saved::Conflict, |id| Saved::Yes(RuleVersionId(id))))
    }

    /// The version that applies; `None` if nothing was ever saved.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn current_rules(
        &self,
        owner: RuleOwner,
        topic: RuleTopic,
    ) -> Result<Option<RuleVersion>, StoreError> {
        let (organization, project) = owner.ids();
        let row: Option<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(CURRENT)
            .bind(organization)
            .bind(project.unwrap_or(0))
            .bind(topic.name())
            .fetch_optional(pool)
            .await)?;
        row.map(TryInto::try_into).transpose()
    }

    /// Versions before one, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rule_versions(
        &self,
        owner: RuleOwner,
        topic: RuleTopic,
        before: Option<RuleVersionId>,
        limit: u32,
    ) -> Result<Vec<RuleVersion>, StoreError> {
        let (organization, project) = owner.ids();
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(PAGE)
            .bind(organization)
            .bind(project.unwrap_or(0))
            .bind(topic.name())
            .bind(before.map_or(i64::MAX, |version| version.0))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One version, whoever owns it: the caller checks that.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rule_version(&self, id: RuleVersionId) -> Result<Option<RuleVersion>, StoreError> {
        let row: Option<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(ONE)
            .bind(id.0)
            .fetch_optional(pool)
            .await)?;
        row.map(TryInto::try_into).transpose()
    }

    /// The versions that apply, of all owners and topics.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn all_current_rules(&self) -> Result<Vec<RuleVersion>, StoreError> {
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(ALL_CURRENT)
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// All projects, each with its organisation, whose rules apply to it too.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn project_organizations(
        &self,
    ) -> Result<Vec<(ProjectId, OrganizationId)>, StoreError> {
        let rows: Vec<(i64, i64)> = with_reader!(&self.db, |pool| sqlx::query_as(PROJECTS)
            .fetch_all(pool)
            .await)?;
        let ids = |(project, organization)| (ProjectId(project), OrganizationId(organization));
        Ok(rows.into_iter().map(ids).collect())
    }

    /// A number that grows with every version that is saved, by whatever process.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rule_revision(&self) -> Result<i64, StoreError> {
        Ok(with_reader!(&self.db, |pool| sqlx::query_scalar(REVISION)
            .fetch_one(pool)
            .await)?)
    }

    /// A number that grows with every version that this process saves; costs nothing to ask.
    #[must_use]
    pub fn rule_changes(&self) -> u64 {
        self.rule_changes.0.load(Ordering::Acquire)
    }

    /// How often the rules of a topic did something since a day.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rule_hits(
        &self,
        project_id: ProjectId,
        topic: RuleTopic,
        since_day: i64,
    ) -> Result<Vec<RuleHits>, StoreError> {
        let rows: Vec<(String, i64, i64)> = with_reader!(&self.db, |pool| sqlx::query_as(HITS)
            .bind(project_id.0)
            .bind(topic.name())
            .bind(since_day)
            .fetch_all(pool)
            .await)?;
        let hits = |(rule, day, hits): (String, i64, i64)| RuleHits {
            rule,
            day,
            hits: u64::try_from(hits).unwrap_or(0),
        };
        Ok(rows.into_iter().map(hits).collect())
    }
}
