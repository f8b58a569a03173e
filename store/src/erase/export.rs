//! Everything of a person as lines of JSON, for handing it over.

use bugle_protocol::{Event, EventId, ProjectId, UnixMillis};
use serde_json::{Value, json};

use super::{StoredKind, StoredRow};
use crate::{Feedback, Person, Store, StoreError};

/// Attachments and feedback of one event at most.
const MOST: u32 = 1000;

/// A place in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportCursor {
    stage: Stage,
    after: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Stored(StoredKind),
    Feedback,
}

impl ExportCursor {
    /// The beginning.
    pub const START: Self = Self {
        stage: Stage::Stored(StoredKind::Event),
        after: 0,
    };

    fn next_stage(self) -> Option<Self> {
        let stage = match self.stage {
            Stage::Stored(StoredKind::Event) => Stage::Stored(StoredKind::Transaction),
            Stage::Stored(StoredKind::Transaction) => Stage::Feedback,
            Stage::Feedback => return None,
        };
        Some(Self { stage, after: 0 })
    }
}

impl Store {
    /// The next lines of JSON, each with a line feed, and where to go on; `None` at the end. A page may be empty.
    ///
    /// A line is an event or a transaction of the person with its body, the names of its attachments and the feedback about it, or
    /// feedback by the person.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn export_person(
        &self,
        projects: &[ProjectId],
        person: &Person,
        at: ExportCursor,
    ) -> Result<(String, Option<ExportCursor>), StoreError> {
        match at.stage {
            Stage::Stored(kind) => self.export_stored(projects, person, kind, at).await,
            Stage::Feedback => self.export_feedback(projects, person, at).await,
        }
    }

    async fn export_stored(
        &self,
        projects: &[ProjectId],
        person: &Person,
        kind: StoredKind,
        at: ExportCursor,
    ) -> Result<(String, Option<ExportCursor>), StoreError> {
        let rows = self.stored_rows(kind, projects, at.after).await?;
        let Some(last) = rows.last() else {
            return Ok((String::new(), at.next_stage()));
        };
        let next = ExportCursor {
            after: last.row,
            ..at
        };
        let person = person.clone();
        let own = tokio::task::spawn_blocking(move || own_rows(rows, &person)).await;
        let own = own.map_err(|error| StoreError::Io {
            path: "the bodies of stored events".to_owned(),
            source: error.into(),
        })?;
        let mut lines = String::new();
        for (row, body) in own {
            let head = self.head(kind, &row).await?.to_string();
            // The body is JSON text without line feeds already.
            lines.push_str(head.strip_suffix('}').unwrap_or(&head));
            lines.push_str(",\"body\":");
            lines.push_str(&body);
            lines.push_str("}\n");
        }
        Ok((lines, Some(next)))
    }

    /// What is known of a row beside its body.
    async fn head(&self, kind: StoredKind, row: &StoredRow) -> Result<Value, StoreError> {
        let (project, id) = (row.project_id, row.event_id);
        let files = self.attachments(project, id, 0, MOST).await?;
        let files = files.iter().map(|file| {
            json!({ "name": file.name, "bytes": file.size, "content_type": file.content_type })
        });
        let feedback = self.feedback_of_event(project, id, MOST).await?;
        Ok(json!({
            "type": match kind {
                StoredKind::Event => "event",
                StoredKind::Transaction => "transaction",
            },
            "project_id": project,
            "event_id": id,
            "received_at": row.received_at.to_rfc3339(),
            "title": row.title,
            "attachments": files.collect::<Vec<_>>(),
            "feedback": feedback.iter().map(feedback_json).collect::<Vec<_>>(),
        }))
    }

    async fn export_feedback(
        &self,
        projects: &[ProjectId],
        person: &Person,
        at: ExportCursor,
    ) -> Result<(String, Option<ExportCursor>), StoreError> {
        let authors = self.feedback_authors(projects, at.after).await?;
        let Some(last) = authors.last() else {
            return Ok((String::new(), at.next_stage()));
        };
        let next = ExportCursor {
            after: last.0,
            ..at
        };
        let mut lines = String::new();
        for (_, project, id, name, email) in authors {
            if [name, email].iter().flatten().any(|text| person.is(text))
                && let Some(feedback) = self.feedback_by_id(project, id).await?
            {
                let mut line = feedback_json(&feedback);
                line["type"] = json!("feedback");
                line["project_id"] = json!(project);
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
        }
        Ok((lines, Some(next)))
    }
}

/// Those of some rows that are the person's, with their bodies as text. What cannot be read is left out.
fn own_rows(rows: Vec<StoredRow>, person: &Person) -> Vec<(StoredRow, String)> {
    let own = |row: StoredRow| {
        let body = row.body().ok()??;
        let is_own = person.may_be_in(&body)
            && Event::parse(&body).is_ok_and(|event| person.is_user_of(&event));
        if !is_own {
            return None;
        }
        Some((row, String::from_utf8(body).ok()?))
    };
    rows.into_iter().filter_map(own).collect()
}

fn feedback_json(feedback: &Feedback) -> Value {
    let text = |time: UnixMillis| time.to_rfc3339();
    let id = |id: EventId| id.to_string();
    json!({
        "feedback_id": id(feedback.feedback_id),
        "event_id": feedback.event_id.map(id),
        "name": feedback.name,
        "email": feedback.email,
        "message": feedback.message,
        "url": feedback.url,
        "created_at": text(feedback.created_at),
    })
}
