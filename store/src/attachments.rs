//! Attachments: their rows here, their bytes in the blob folder.

use bugle_protocol::{AttachmentId, EventId, ProjectId, UnixMillis};

use crate::blobs::BlobId;
use crate::db::with_reader;
use crate::events::event_id;
use crate::{Store, StoreError};

const OF_EVENT: &str = "
    SELECT id, project_id, event_id, sha256, name, content_type, attachment_type, size, received_at FROM attachment
    WHERE project_id = $1 AND event_id = $2 ORDER BY id LIMIT $3 OFFSET $4";
const BY_ID: &str = "
    SELECT id, project_id, event_id, sha256, name, content_type, attachment_type, size, received_at FROM attachment
    WHERE project_id = $1 AND id = $2";

/// A file that came with an event, or for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The database id, unique over all projects.
    pub id: AttachmentId,
    /// The project.
    pub project_id: ProjectId,
    /// The event it belongs to, which need not be stored.
    pub event_id: EventId,
    /// The name of its bytes.
    pub blob: BlobId,
    /// The name of the file, as the client chose it: of at most 255 characters, any but NUL.
    pub name: String,
    /// The media type as the client named it.
    pub content_type: Option<String>,
    /// `event.attachment`, `event.minidump` …
    pub attachment_type: String,
    /// Bytes.
    pub size: u64,
    /// When it came in.
    pub received_at: UnixMillis,
}

type Columns = (
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
    String,
    Option<String>,
    String,
    i64,
    i64,
);

fn read(row: Columns) -> Result<Attachment, StoreError> {
    let (id, project_id, event, sha256, name, content_type, attachment_type, size, received_at) =
        row;
    let sha256 = sha256.try_into();
    let sha256 = sha256.map_err(|_| StoreError::Damaged("an attachment's hash has not 32 bytes"));
    Ok(Attachment {
        id: AttachmentId(id),
        project_id: ProjectId(project_id),
        event_id: event_id(&event)?,
        blob: BlobId(sha256?),
        name,
        content_type,
        attachment_type,
        size: u64::try_from(size).unwrap_or(0),
        received_at: UnixMillis(received_at),
    })
}

impl Store {
    /// Some attachments of an event, in the order in which they were stored.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn attachments(
        &self,
        project: ProjectId,
        event_id: EventId,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Attachment>, StoreError> {
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| {
            sqlx::query_as(OF_EVENT)
                .bind(project.0)
                .bind(&event_id.as_bytes()[..])
                .bind(i64::from(limit))
                .bind(i64::from(offset))
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter().map(read).collect()
    }

    /// One attachment of a project.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn attachment(
        &self,
        project: ProjectId,
        id: AttachmentId,
    ) -> Result<Option<Attachment>, StoreError> {
        let row: Option<Columns> = with_reader!(&self.db, |pool| {
            sqlx::query_as(BY_ID)
                .bind(project.0)
                .bind(id.0)
                .fetch_optional(pool)
                .await
        })?;
        row.map(read).transpose()
    }

    /// Opens the bytes of an attachment for reading, as they were sent; `None` if the file is gone.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn open_attachment(
        &self,
        attachment: &Attachment,
    ) -> Result<Option<tokio::fs::File>, StoreError> {
        let (blobs, blob) = (self.blobs.clone(), attachment.blob);
        let opened = tokio::task::spawn_blocking(move || blobs.open(blob)).await;
        let opened = opened.map_err(|error| StoreError::Io {
            path: format!("blob {blob}"),
            source: error.into(),
        })?;
        Ok(opened?.map(tokio::fs::File::from_std))
    }
}
