//! The short texts of other tables: headlines, what users wrote, names.

use bugle_protocol::{EventId, IssueId, ProjectId};
use sqlx::QueryBuilder;

use super::CountedUser;
use super::columns::{Key, TextColumn};
use crate::db::with_reader;
use crate::events::event_id;
use crate::{Store, StoreError};

/// Rows that are read at once.
const ROWS: i64 = 500;
/// Of those that may have 64 KiB each.
const LARGE_ROWS: i64 = 50;

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
