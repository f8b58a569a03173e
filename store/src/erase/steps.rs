// The statements of `Store::apply_changes`, compiled once per database: `Backend` is the one at hand.

use std::collections::BTreeSet;

use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};
use sqlx::{QueryBuilder, Transaction};

use super::{Applied, Changes, Checkpoint, ClaimedJob, CountedUser, Gone, Rewrite, TextChange};
use crate::{ERASED, StoreError};
use crate::blobs::BlobId;
use crate::jobs::{CHECKPOINT, RENEW, lease};
use crate::payload::CODEC_ZSTD;

/// Rows per statement.
const ROWS: usize = 500;

const REWRITE_EVENT: &str = "
    UPDATE event SET title = $2, user_label = $3, tags = $4, environment = $5, release = $6 WHERE id = $1";
const REWRITE_TRANSACTION: &str = "
    UPDATE transaction_event SET name = $2, user_label = $3, tags = $4, environment = $5, release = $6 WHERE id = $1";
const REWRITE_EVENT_BODY: &str = "
    UPDATE event_payload SET codec = $4, data = $5 WHERE project_id = $1 AND event_row = $2 AND day = $3";
const REWRITE_TRANSACTION_BODY: &str = "
    UPDATE transaction_payload SET codec = $4, data = $5 WHERE project_id = $1 AND transaction_row = $2 AND day = $3";

/// Counts name nobody and stay. A later event of the same kind gives the issue its headline again.
const BLANK_ISSUE: &str = "
    UPDATE issue SET title = $3, culprit = '', metadata = '{}' WHERE id = $1 AND project_id = $2
        AND NOT EXISTS (SELECT 1 FROM event e WHERE e.project_id = $2 AND e.issue_id = $1)";
const BLANK_HASHES: &str = "UPDATE issue_hash SET leaf_values = '[]' WHERE issue_id = $1";

type Tx = Transaction<'static, Backend>;

/// Writes the changes and the progress, and commits; `None` if the job is somebody else's, or over. A dry run takes the
/// changes back.
pub(super) async fn apply(
    mut tx: Tx,
    claimed: &ClaimedJob,
    changes: &Changes,
    now: UnixMillis,
    checkpoint: impl FnOnce(&Applied) -> Checkpoint,
) -> Result<Option<Applied>, StoreError> {
    let renewed = sqlx::query(RENEW).bind(claimed.job.id.0).bind(&claimed.runner).bind(lease(now));
    if renewed.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(None);
    }
    if claimed.job.parameters.dry_run {
        sqlx::query("SAVEPOINT changes").execute(&mut *tx).await?;
    }
    let mut applied = Applied::default();
    remove_events(&mut tx, &changes.gone_events, &mut applied).await?;
    remove_transactions(&mut tx, &changes.gone_transactions, &mut applied).await?;
    remove_feedback(&mut tx, changes, &mut applied).await?;
    remove_users(&mut tx, changes, &mut applied).await?;
    applied.issues = blank_issues(&mut tx, &changes.gone_events).await?;
    rewrite(&mut tx, &changes.events, (REWRITE_EVENT, REWRITE_EVENT_BODY)).await?;
    rewrite(&mut tx, &changes.transactions, (REWRITE_TRANSACTION, REWRITE_TRANSACTION_BODY)).await?;
    for change in &changes.texts {
        applied.texts += change_text(&mut tx, change).await?;
    }
    let checkpoint = checkpoint(&applied);
    if claimed.job.parameters.dry_run {
        sqlx::query("ROLLBACK TO SAVEPOINT changes").execute(&mut *tx).await?;
    }
    sqlx::query(CHECKPOINT)
        .bind(claimed.job.id.0)
        .bind(&claimed.runner)
        .bind(&checkpoint.position)
        .bind(i64::try_from(checkpoint.total).unwrap_or(i64::MAX))
        .bind(i64::try_from(checkpoint.done).unwrap_or(i64::MAX))
        .bind(&checkpoint.report)
        .bind(lease(now))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(applied))
}

async fn remove_events(tx: &mut Tx, gone: &[Gone], applied: &mut Applied) -> Result<(), StoreError> {
    remove_rows(tx, gone, "DELETE FROM event_payload WHERE (project_id, event_row, day) IN (", "DELETE FROM event WHERE id IN (").await?;
    remove_what_belongs(tx, &ids(gone), applied).await
}

async fn remove_transactions(tx: &mut Tx, gone: &[Gone], applied: &mut Applied) -> Result<(), StoreError> {
    remove_rows(
        tx,
        gone,
        "DELETE FROM transaction_payload WHERE (project_id, transaction_row, day) IN (",
        "DELETE FROM transaction_event WHERE id IN (",
    )
    .await?;
    remove_what_belongs(tx, &ids(gone), applied).await
}

fn ids(gone: &[Gone]) -> Vec<(ProjectId, EventId)> {
    gone.iter().map(|gone| (gone.project_id, gone.event_id)).collect()
}

async fn remove_rows(tx: &mut Tx, gone: &[Gone], bodies: &'static str, rows: &'static str) -> Result<(), StoreError> {
    for chunk in gone.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(bodies);
        query.push_values(chunk, |mut row, gone| {
            row.push_bind(gone.project_id.0).push_bind(gone.row).push_bind(gone.received_at.day());
        });
        query.push(")");
        query.build().persistent(false).execute(&mut **tx).await?;
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(rows);
        query.push_values(chunk, |mut row, gone| {
            row.push_bind(gone.row);
        });
        query.push(")");
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Removes the files that came with events, and what users wrote about them with the files that came with that.
async fn remove_what_belongs(
    tx: &mut Tx,
    events: &[(ProjectId, EventId)],
    applied: &mut Applied,
) -> Result<(), StoreError> {
    remove_attachments(tx, events, applied).await?;
    let mut feedback = Vec::new();
    for chunk in events.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("DELETE FROM feedback WHERE (project_id, event_id) IN (");
        push_ids(&mut query, chunk);
        query.push(") RETURNING id, project_id, feedback_id");
        let rows: Vec<(i64, i64, Vec<u8>)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        for (row, project, id) in rows {
            applied.feedback.push(row);
            // No attachment is found by a damaged id.
            feedback.extend(crate::events::event_id(&id).ok().map(|id| (ProjectId(project), id)));
        }
    }
    remove_attachments(tx, &feedback, applied).await
}

async fn remove_attachments(
    tx: &mut Tx,
    events: &[(ProjectId, EventId)],
    applied: &mut Applied,
) -> Result<(), StoreError> {
    for chunk in events.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("DELETE FROM attachment WHERE (project_id, event_id) IN (");
        push_ids(&mut query, chunk);
        query.push(") RETURNING id, sha256");
        let rows: Vec<(i64, Vec<u8>)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        for (row, hash) in rows {
            applied.attachments.push(row);
            applied.blobs.extend(hash.try_into().ok().map(BlobId));
        }
    }
    Ok(())
}

fn push_ids(query: &mut QueryBuilder<Backend>, events: &[(ProjectId, EventId)]) {
    query.push_values(events, |mut row, (project, event)| {
        row.push_bind(project.0).push_bind(event.as_bytes().to_vec());
    });
}

async fn remove_feedback(tx: &mut Tx, changes: &Changes, applied: &mut Applied) -> Result<(), StoreError> {
    for chunk in changes.gone_feedback.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new("DELETE FROM feedback WHERE id IN (");
        query.push_values(chunk, |mut row, (id, _, _)| {
            row.push_bind(*id);
        });
        query.push(") RETURNING id");
        let rows: Vec<i64> = query.build_query_scalar().persistent(false).fetch_all(&mut **tx).await?;
        applied.feedback.extend(rows);
    }
    let ids: Vec<_> = changes.gone_feedback.iter().map(|(_, project, id)| (*project, *id)).collect();
    remove_attachments(tx, &ids, applied).await
}

/// Takes users out of the issues' sets, and corrects the counts.
async fn remove_users(tx: &mut Tx, changes: &Changes, applied: &mut Applied) -> Result<(), StoreError> {
    let of_event = |gone: &Gone| {
        let (project_id, issue_id, user_hash) = (gone.project_id, gone.issue_id?, gone.user_hash?);
        Some(CountedUser { project_id, issue_id, user_hash })
    };
    let users: BTreeSet<CountedUser> =
        changes.gone_events.iter().filter_map(of_event).chain(changes.gone_users.iter().copied()).collect();
    for user in users {
        let removed = sqlx::query("DELETE FROM issue_user WHERE project_id = $1 AND issue_id = $2 AND user_hash = $3")
            .bind(user.project_id.0)
            .bind(user.issue_id.0)
            .bind(user.user_hash)
            .execute(&mut **tx)
            .await?
            .rows_affected();
        if removed > 0 {
            applied.users.push(user);
            sqlx::query("UPDATE issue SET user_count = user_count - 1 WHERE id = $1 AND user_count > 0")
                .bind(user.issue_id.0)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Takes what events said out of those of their issues that have no event any more; returns which ones.
async fn blank_issues(tx: &mut Tx, gone: &[Gone]) -> Result<Vec<IssueId>, StoreError> {
    let issues: BTreeSet<(ProjectId, IssueId)> =
        gone.iter().filter_map(|gone| Some((gone.project_id, gone.issue_id?))).collect();
    let mut blanked = Vec::new();
    for (project, issue) in issues {
        let changed = sqlx::query(BLANK_ISSUE).bind(issue.0).bind(project.0).bind(ERASED).execute(&mut **tx).await?;
        if changed.rows_affected() > 0 {
            sqlx::query(BLANK_HASHES).bind(issue.0).execute(&mut **tx).await?;
            blanked.push(issue);
        }
    }
    Ok(blanked)
}

async fn rewrite(tx: &mut Tx, rewrites: &[Rewrite], (row, body): (&'static str, &'static str)) -> Result<(), StoreError> {
    for rewrite in rewrites {
        sqlx::query(row)
            .bind(rewrite.row)
            .bind(&rewrite.title)
            .bind(&rewrite.user_label)
            .bind(&rewrite.tags)
            .bind(&rewrite.environment)
            .bind(&rewrite.release)
            .execute(&mut **tx)
            .await?;
        if let Some(payload) = &rewrite.payload {
            sqlx::query(body)
                .bind(rewrite.project_id.0)
                .bind(rewrite.row)
                .bind(rewrite.received_at.day())
                .bind(CODEC_ZSTD)
                .bind(payload.as_slice())
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Says how many rows that were: none if somebody changed the text since it was read.
async fn change_text(tx: &mut Tx, change: &TextChange) -> Result<u64, StoreError> {
    let (column, row) = (change.column, &change.row);
    let query = sqlx::query(column.update()).bind(&change.new).bind(&row.text).bind(row.id);
    let query = match column.has_hash_key() {
        true => query.bind(row.hash.as_slice()),
        false => query,
    };
    let changed = query.execute(&mut **tx).await?.rows_affected();
    match column.remove() {
        Some(remove) if changed == 0 => {
            Ok(sqlx::query(remove).bind(&row.text).bind(row.id).execute(&mut **tx).await?.rows_affected())
        }
        _ => Ok(changed),
    }
}
