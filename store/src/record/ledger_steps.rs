// The statements of `Store::record` for what is no event, compiled once per database like `steps.rs`. Whatever is empty
// costs no statement.

use std::collections::HashSet;

use bugle_protocol::UnixMillis;
use sqlx::QueryBuilder;

use super::super::ledger::{
    self, AttachmentKey, AttachmentRow, FeedbackKey, FeedbackRow, IntakeKey, OutcomeKey, Outcomes, RejectionRow,
};
use super::super::{Batch, NewEvent};
use super::{Backend, ROWS, Tx, transactions};
use crate::StoreError;
use crate::rejections::KEPT_PER_PROJECT;

/// Writes down what the batch has beside its events, and what became of all of it, which is returned.
pub(super) async fn record(
    tx: &mut Tx,
    batch: &Batch,
    fresh: &[Option<&NewEvent>],
    now: UnixMillis,
) -> Result<Outcomes, StoreError> {
    let mut outcomes = Outcomes::new(&batch.outcomes);
    outcomes.add_events(&batch.events, fresh);
    let attachments: Vec<_> = batch.attachments.iter().map(AttachmentRow::new).collect();
    outcomes.add_attachments(&attachments, insert_attachments(tx, &attachments).await?);
    let feedback: Vec<_> = batch.feedback.iter().map(FeedbackRow::new).collect();
    outcomes.add_feedback(&feedback, insert_feedback(tx, &feedback).await?);
    outcomes.add_transactions(&batch.transactions, transactions::insert(tx, &batch.transactions).await?);
    transactions::count_hits(tx, &ledger::rule_hits(batch)).await?;
    count_outcomes(tx, &outcomes).await?;
    count_intake(tx, batch, now).await?;
    keep_rejections(tx, &ledger::rejections(batch)).await?;
    Ok(outcomes)
}

/// Inserts the attachments that are new and returns their keys.
async fn insert_attachments(tx: &mut Tx, rows: &[AttachmentRow<'_>]) -> Result<HashSet<AttachmentKey>, StoreError> {
    let mut stored = HashSet::new();
    for chunk in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "INSERT INTO attachment (project_id, event_id, sha256, name, content_type, attachment_type, size,
                received_at) ",
        );
        query.push_values(chunk, |mut row, attachment| {
            row.push_bind(attachment.new.project_id.0)
                .push_bind(attachment.new.event_id.as_bytes().to_vec())
                .push_bind(attachment.new.blob.0.to_vec())
                .push_bind(&*attachment.name)
                .push_bind(attachment.content_type.as_deref())
                .push_bind(&*attachment.attachment_type)
                .push_bind(attachment.size)
                .push_bind(attachment.new.received_at.0);
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING project_id, event_id, sha256, name");
        let rows: Vec<AttachmentKey> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        stored.extend(rows);
    }
    Ok(stored)
}

/// Inserts the feedback that is new and returns its keys.
async fn insert_feedback(tx: &mut Tx, rows: &[FeedbackRow<'_>]) -> Result<HashSet<FeedbackKey>, StoreError> {
    let mut stored = HashSet::new();
    for chunk in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "INSERT INTO feedback (project_id, feedback_id, event_id, name, email, message, url, source, environment,
                release, created_at, received_at) ",
        );
        query.push_values(chunk, |mut row, feedback| {
            row.push_bind(feedback.new.project_id.0)
                .push_bind(feedback.new.feedback_id.as_bytes().to_vec())
                .push_bind(feedback.new.event_id.map(|id| id.as_bytes().to_vec()))
                .push_bind(feedback.name.as_deref())
                .push_bind(feedback.email.as_deref())
                .push_bind(&*feedback.message)
                .push_bind(feedback.url.as_deref())
                .push_bind(feedback.source.as_deref())
                .push_bind(feedback.environment.as_deref())
                .push_bind(feedback.release.as_deref())
                .push_bind(feedback.new.created_at.0)
                .push_bind(feedback.new.received_at.0);
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING project_id, feedback_id");
        let rows: Vec<FeedbackKey> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        stored.extend(rows);
    }
    Ok(stored)
}

async fn count_outcomes(tx: &mut Tx, outcomes: &Outcomes) -> Result<(), StoreError> {
    // A second try takes the first one's outcome back, and may end in the same again.
    let changed: Vec<(&OutcomeKey, &i64)> = outcomes.0.iter().filter(|(_, quantity)| **quantity != 0).collect();
    for chunk in changed.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO outcome (project_id, key_id, hour, category, outcome, reason, quantity) ");
        query.push_values(chunk, |mut row, (key, quantity)| {
            row.push_bind(key.0)
                .push_bind(key.1)
                .push_bind(key.2)
                .push_bind(key.3)
                .push_bind(key.4)
                .push_bind(key.5)
                .push_bind(**quantity);
        });
        query.push(
            " ON CONFLICT (project_id, key_id, hour, category, outcome, reason)
              DO UPDATE SET quantity = outcome.quantity + excluded.quantity",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Adds to the minutes, and forgets the old ones: they are found by their index, mostly none.
async fn count_intake(tx: &mut Tx, batch: &Batch, now: UnixMillis) -> Result<(), StoreError> {
    if batch.intake.is_empty() {
        return Ok(());
    }
    let totals = ledger::intake(batch, now);
    for chunk in totals.iter().collect::<Vec<(&IntakeKey, &i64)>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO intake (project_id, key_id, minute, category, quantity) ");
        query.push_values(chunk, |mut row, (key, quantity)| {
            row.push_bind(key.0).push_bind(key.1).push_bind(key.2).push_bind(key.3).push_bind(**quantity);
        });
        query.push(
            " ON CONFLICT (project_id, key_id, minute, category)
              DO UPDATE SET quantity = intake.quantity + excluded.quantity",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    sqlx::query("DELETE FROM intake WHERE minute < $1").bind(ledger::oldest_minute(now)).execute(&mut **tx).await?;
    Ok(())
}

/// Inserts the rejections, and removes what is no longer among the newest of its project.
async fn keep_rejections(tx: &mut Tx, rows: &[RejectionRow<'_>]) -> Result<(), StoreError> {
    for chunk in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "INSERT INTO rejection (project_id, key_id, received_at, status, item_type, outcome, reason, detail, client,
                size) ",
        );
        query.push_values(chunk, |mut row, rejection| {
            row.push_bind(rejection.new.project_id.0)
                .push_bind(rejection.new.key_id.0)
                .push_bind(rejection.new.received_at.0)
                .push_bind(i64::from(rejection.new.status))
                .push_bind(&*rejection.item_type)
                .push_bind(rejection.new.outcome.name())
                .push_bind(rejection.new.outcome.reason())
                .push_bind(&*rejection.detail)
                .push_bind(&*rejection.client)
                .push_bind(rejection.size);
        });
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    let projects: HashSet<i64> = rows.iter().map(|row| row.new.project_id.0).collect();
    for chunk in projects.iter().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "DELETE FROM rejection WHERE id IN (SELECT id FROM (
                SELECT id, ROW_NUMBER() OVER (PARTITION BY project_id ORDER BY id DESC) AS place
                FROM rejection WHERE project_id IN (",
        );
        query.push_values(chunk, |mut row, id| {
            row.push_bind(**id);
        });
        query.push(")) AS placed WHERE place > ").push_bind(KEPT_PER_PROJECT).push(")");
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}
