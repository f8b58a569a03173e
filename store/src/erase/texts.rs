//! The short texts of other tables: headlines, what users wrote, names.

use bugle_protocol::{EventId, IssueId, ProjectId};
use sqlx::QueryBuilder;

use super::CountedUser;
use crate::db::with_reader;
use crate::events::event_id;
use crate::{Store, StoreError};

/// Rows that are read at once.
const ROWS: i64 = 500;
/// Of those that may have 64 KiB each.
const LARGE_ROWS: i64 = 50;

/// A column whose texts may say something of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextColumn {
    /// The headline of an issue.
    IssueTitle,
    /// Where it happened.
    IssueCulprit,
    /// What the headline was made of, a JSON object.
    IssueMetadata,
    /// The release it was first seen in.
    IssueFirstRelease,
    /// The release it was last seen in.
    IssueLastRelease,
    /// The values a grouping hash was made of, a JSON list.
    HashValues,
    /// Who wrote feedback.
    FeedbackName,
    /// The address of who wrote it.
    FeedbackEmail,
    /// What was written.
    FeedbackMessage,
    /// The page it was written on.
    FeedbackUrl,
    /// What it was written in.
    FeedbackSource,
    /// Its environment.
    FeedbackEnvironment,
    /// Its release.
    FeedbackRelease,
    /// The name of a file that came with an event.
    AttachmentName,
    /// What was wrong with a rejected request.
    RejectionDetail,
    /// The client that sent it.
    RejectionClient,
    /// The name of an environment.
    EnvironmentName,
    /// The version of a release.
    ReleaseVersion,
    /// The media type of a file that came with an event.
    AttachmentContentType,
    /// What such a file is for.
    AttachmentType,
    /// What a transaction did.
    TransactionOp,
}

/// What a row is found by beside its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// The row's own id.
    Id,
    /// The project and a hash.
    Hash,
    /// The project and the text itself.
    Text,
}

/// A text, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextRow {
    /// The row, or the project of a row that has no id.
    pub id: i64,
    /// The hash of [`TextColumn::HashValues`].
    pub hash: Vec<u8>,
    /// The text.
    pub text: String,
}

impl TextColumn {
    /// All of them, in the order in which they are walked over.
    pub const ALL: [Self; 21] = [
        Self::IssueTitle,
        Self::IssueCulprit,
        Self::IssueMetadata,
        Self::IssueFirstRelease,
        Self::IssueLastRelease,
        Self::HashValues,
        Self::FeedbackName,
        Self::FeedbackEmail,
        Self::FeedbackMessage,
        Self::FeedbackUrl,
        Self::FeedbackSource,
        Self::FeedbackEnvironment,
        Self::FeedbackRelease,
        Self::AttachmentName,
        Self::RejectionDetail,
        Self::RejectionClient,
        Self::EnvironmentName,
        Self::ReleaseVersion,
        Self::AttachmentContentType,
        Self::AttachmentType,
        Self::TransactionOp,
    ];

    /// Whether the text is JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(self, Self::IssueMetadata | Self::HashValues)
    }

    /// Whether the text is one of a project's own words, such as the name of an environment, in which a user name that is a
    /// mere word means nobody.
    #[must_use]
    pub fn is_vocabulary(self) -> bool {
        matches!(
            self,
            Self::IssueFirstRelease
                | Self::IssueLastRelease
                | Self::FeedbackSource
                | Self::FeedbackEnvironment
                | Self::FeedbackRelease
                | Self::RejectionClient
                | Self::EnvironmentName
                | Self::ReleaseVersion
                | Self::AttachmentContentType
                | Self::AttachmentType
                | Self::TransactionOp
        )
    }

    fn key(self) -> Key {
        match self {
            Self::HashValues => Key::Hash,
            Self::EnvironmentName | Self::ReleaseVersion => Key::Text,
            _ => Key::Id,
        }
    }

    pub(super) fn has_hash_key(self) -> bool {
        self.key() == Key::Hash
    }

    /// A page: the rows behind `$1`, of the projects that follow.
    fn select(self) -> &'static str {
        macro_rules! of {
            ($table:literal, $column:literal) => {
                concat!(
                    "SELECT id, ",
                    $column,
                    " FROM ",
                    $table,
                    " WHERE ",
                    $column,
                    " IS NOT NULL AND id > "
                )
            };
        }
        match self {
            Self::IssueTitle => of!("issue", "title"),
            Self::IssueCulprit => of!("issue", "culprit"),
            Self::IssueMetadata => of!("issue", "metadata"),
            Self::IssueFirstRelease => of!("issue", "first_release"),
            Self::IssueLastRelease => of!("issue", "last_release"),
            Self::HashValues => {
                "SELECT project_id, hash, leaf_values FROM issue_hash WHERE (project_id, hash) > ("
            }
            Self::FeedbackName => of!("feedback", "name"),
            Self::FeedbackEmail => of!("feedback", "email"),
            Self::FeedbackMessage => of!("feedback", "message"),
            Self::FeedbackUrl => of!("feedback", "url"),
            Self::FeedbackSource => of!("feedback", "source"),
            Self::FeedbackEnvironment => of!("feedback", "environment"),
            Self::FeedbackRelease => of!("feedback", "release"),
            Self::AttachmentName => of!("attachment", "name"),
            Self::AttachmentContentType => of!("attachment", "content_type"),
            Self::AttachmentType => of!("attachment", "attachment_type"),
            Self::TransactionOp => of!("transaction_event", "op"),
            Self::RejectionDetail => of!("rejection", "detail"),
            Self::RejectionClient => of!("rejection", "client"),
            Self::EnvironmentName => {
                "SELECT project_id, name FROM environment WHERE (project_id, name) > ("
            }
            Self::ReleaseVersion => {
                "SELECT project_id, version FROM release WHERE (project_id, version) > ("
            }
        }
    }

    /// Sets the text to `$1` if it is `$2` still, in the row `$3`.
    pub(super) fn update(self) -> &'static str {
        macro_rules! of {
            ($table:literal, $column:literal) => {
                concat!(
                    "UPDATE ",
                    $table,
                    " SET ",
                    $column,
                    " = $1 WHERE id = $3 AND ",
                    $column,
                    " = $2"
                )
            };
        }
        match self {
            Self::IssueTitle => of!("issue", "title"),
            Self::IssueCulprit => of!("issue", "culprit"),
            Self::IssueMetadata => of!("issue", "metadata"),
            Self::IssueFirstRelease => of!("issue", "first_release"),
            Self::IssueLastRelease => of!("issue", "last_release"),
            Self::HashValues => {
                "UPDATE issue_hash SET leaf_values = $1 WHERE leaf_values = $2 AND project_id = $3 AND hash = $4"
            }
            Self::FeedbackName => of!("feedback", "name"),
            Self::FeedbackEmail => of!("feedback", "email"),
            Self::FeedbackMessage => of!("feedback", "message"),
            Self::FeedbackUrl => of!("feedback", "url"),
            Self::FeedbackSource => of!("feedback", "source"),
            Self::FeedbackEnvironment => of!("feedback", "environment"),
            Self::FeedbackRelease => of!("feedback", "release"),
            Self::AttachmentName => {
                "UPDATE attachment SET name = $1 WHERE id = $3 AND name = $2 AND NOT EXISTS (SELECT 1 FROM attachment o
                    WHERE o.project_id = attachment.project_id AND o.event_id = attachment.event_id
                        AND o.sha256 = attachment.sha256 AND o.name = $1)"
            }
            Self::AttachmentContentType => of!("attachment", "content_type"),
            Self::AttachmentType => of!("attachment", "attachment_type"),
            Self::TransactionOp => of!("transaction_event", "op"),
            Self::RejectionDetail => of!("rejection", "detail"),
            Self::RejectionClient => of!("rejection", "client"),
            Self::EnvironmentName => {
                "UPDATE environment SET name = $1 WHERE name = $2 AND project_id = $3
                    AND NOT EXISTS (SELECT 1 FROM environment o WHERE o.project_id = $3 AND o.name = $1)"
            }
            Self::ReleaseVersion => {
                "UPDATE release SET version = $1 WHERE version = $2 AND project_id = $3
                    AND NOT EXISTS (SELECT 1 FROM release o WHERE o.project_id = $3 AND o.version = $1)"
            }
        }
    }

    /// What is done where another row has the new text already, and may have it only once: the text `$1` goes, of the row
    /// `$2`.
    pub(super) fn remove(self) -> Option<&'static str> {
        match self {
            Self::AttachmentName => Some("DELETE FROM attachment WHERE name = $1 AND id = $2"),
            Self::EnvironmentName => {
                Some("DELETE FROM environment WHERE name = $1 AND project_id = $2")
            }
            Self::ReleaseVersion => {
                Some("DELETE FROM release WHERE version = $1 AND project_id = $2")
            }
            _ => None,
        }
    }
}

impl Store {
    /// The next texts of a column in some projects, behind `after`; none at the end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn texts(
        &self,
        column: TextColumn,
        projects: &[ProjectId],
        after: &TextRow,
    ) -> Result<Vec<TextRow>, StoreError> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        with_reader!(&self.db, |pool| {
            let mut query = QueryBuilder::new(column.select());
            query.push_bind(after.id);
            match column.key() {
                Key::Id => {}
                Key::Hash => {
                    query.push(", ").push_bind(after.hash.clone()).push(")");
                }
                Key::Text => {
                    query.push(", ").push_bind(after.text.clone()).push(")");
                }
            }
            query.push(" AND project_id IN (");
            query.push_values(projects, |mut row, project| {
                row.push_bind(project.0);
            });
            query.push(match column.key() {
                Key::Id => ") ORDER BY id LIMIT ",
                Key::Hash => ") ORDER BY project_id, hash LIMIT ",
                Key::Text => ") ORDER BY 1, 2 LIMIT ",
            });
            if column.has_hash_key() {
                query.push_bind(LARGE_ROWS);
                let query = query.build_query_as().persistent(false);
                let rows: Vec<(i64, Vec<u8>, String)> = query.fetch_all(pool).await?;
                let read = |(id, hash, text)| TextRow { id, hash, text };
                return Ok(rows.into_iter().map(read).collect());
            }
            query.push_bind(ROWS);
            let query = query.build_query_as().persistent(false);
            let rows: Vec<(i64, String)> = query.fetch_all(pool).await?;
            let read = |(id, text)| TextRow {
                id,
                hash: Vec::new(),
                text,
            };
            Ok(rows.into_iter().map(read).collect())
        })
    }

    /// The values that the hashes of some issues were made of, see [`TextColumn::HashValues`].
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn hash_values_of_issues(
        &self,
        issues: &[IssueId],
    ) -> Result<Vec<(IssueId, TextRow)>, StoreError> {
        const OF_ISSUES: &str =
            "SELECT issue_id, project_id, hash, leaf_values FROM issue_hash WHERE issue_id IN (";
        if issues.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, i64, Vec<u8>, String)> = with_reader!(&self.db, |pool| {
            let mut query = QueryBuilder::new(OF_ISSUES);
            query.push_values(issues, |mut row, issue| {
                row.push_bind(issue.0);
            });
            query.push(")");
            let query = query.build_query_as().persistent(false);
            query.fetch_all(pool).await
        })?;
        let read = |(issue, id, hash, text)| (IssueId(issue), TextRow { id, hash, text });
        Ok(rows.into_iter().map(read).collect())
    }

    /// Who wrote the feedback of some projects behind the row `after`: row, project, its own id, name and address.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    #[expect(
        clippy::type_complexity,
        reason = "five columns of one table, used once"
    )]
    pub async fn feedback_authors(
        &self,
        projects: &[ProjectId],
        after: i64,
    ) -> Result<Vec<(i64, ProjectId, EventId, Option<String>, Option<String>)>, StoreError> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        const AUTHORS: &str =
            "SELECT id, project_id, feedback_id, name, email FROM feedback WHERE id > ";
        let rows: Vec<(i64, i64, Vec<u8>, Option<String>, Option<String>)> =
            with_reader!(&self.db, |pool| {
                let mut query = QueryBuilder::new(AUTHORS);
                query.push_bind(after).push(" AND project_id IN (");
                query.push_values(projects, |mut row, project| {
                    row.push_bind(project.0);
                });
                query.push(") ORDER BY id LIMIT ").push_bind(ROWS);
                let query = query.build_query_as().persistent(false);
                query.fetch_all(pool).await
            })?;
        let read = |(id, project, feedback, name, email): (i64, i64, Vec<u8>, _, _)| {
            // Feedback whose id is damaged can be erased all the same; nothing else is found by that id.
            let feedback = event_id(&feedback).unwrap_or(EventId::from_bytes([0; 16]));
            (id, ProjectId(project), feedback, name, email)
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// For which issues of some projects users of these hashes are counted. Reads the whole set of the projects.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn counted_users(
        &self,
        projects: &[ProjectId],
        user_hashes: &[i64],
    ) -> Result<Vec<CountedUser>, StoreError> {
        const COUNTED: &str = "
            SELECT project_id, issue_id, user_hash FROM issue_user WHERE project_id IN (";
        if projects.is_empty() || user_hashes.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, i64, i64)> = with_reader!(&self.db, |pool| {
            let mut query = QueryBuilder::new(COUNTED);
            query.push_values(projects, |mut row, project| {
                row.push_bind(project.0);
            });
            query.push(") AND user_hash IN (");
            query.push_values(user_hashes, |mut row, hash| {
                row.push_bind(*hash);
            });
            query.push(") ORDER BY issue_id, user_hash");
            let query = query.build_query_as().persistent(false);
            query.fetch_all(pool).await
        })?;
        let read = |(project, issue, user_hash)| CountedUser {
            project_id: ProjectId(project),
            issue_id: IssueId(issue),
            user_hash,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
