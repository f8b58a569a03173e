//! Notices of changed issues, written in the transaction that made the change and removed when they are delivered.

use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::{Store, StoreError};

const NEXT: &str = "
    SELECT o.id, o.project_id, o.issue_id, o.event_id, o.kind, o.created_at FROM outbox o ORDER BY o.id LIMIT $1";
const REMOVE: &str = "DELETE FROM outbox WHERE id = $1";

/// What happened to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// It was seen for the first time.
    NewIssue,
    /// It was resolved, and came back.
    Regression,
}

impl NoticeKind {
    /// The name in the database and the logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewIssue => "new_issue",
            Self::Regression => "regression",
        }
    }
}

/// A change of an issue that somebody may want to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The notice's own id; rising.
    pub id: i64,
    /// The project.
    pub project_id: ProjectId,
    /// The issue.
    pub issue_id: IssueId,
    /// The event that made the change.
    pub event_id: EventId,
    /// What happened.
    pub kind: NoticeKind,
    /// When.
    pub created_at: UnixMillis,
}

impl Store {
    /// Waits until a batch of this process writes notices. One waiter is woken, also by what was written before it waited.
    pub async fn outbox_written(&self) {
        self.outbox.notified().await;
    }

    /// The oldest notices that are not delivered yet.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn notices(&self, limit: u32) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<(i64, i64, i64, Vec<u8>, String, i64)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(NEXT)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        let read =
            |(id, project, issue, event_id, kind, at): (i64, i64, i64, Vec<u8>, String, i64)| {
                let event_id = event_id
                    .try_into()
                    .map_err(|_| StoreError::Damaged("a notice's event id"))?;
                let kind = [NoticeKind::NewIssue, NoticeKind::Regression]
                    .into_iter()
                    .find(|k| k.as_str() == kind);
                Ok(Notice {
                    id,
                    project_id: ProjectId(project),
                    issue_id: IssueId(issue),
                    event_id: EventId::from_bytes(event_id),
                    kind: kind.ok_or(StoreError::Damaged("a notice's kind"))?,
                    created_at: UnixMillis(at),
                })
            };
        rows.into_iter().map(read).collect()
    }

    /// Removes a notice that was delivered; says whether it was still there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn remove_notice(&self, id: i64) -> Result<bool, StoreError> {
        let removed = with_writer!(&self.db, |pool| {
            sqlx::query(REMOVE)
                .bind(id)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(removed > 0)
    }
}
