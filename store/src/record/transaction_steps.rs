// The statements of `Store::record` for transactions and for what rules did, compiled once per database like `steps.rs`.
// Whatever is empty costs no statement.

use std::collections::{HashMap, HashSet};

use sqlx::QueryBuilder;

use super::super::NewTransaction;
use super::super::ledger::{RuleHitKey, RuleHits, TransactionKey, transaction_key};
use super::{Backend, ROWS, Tx};
use crate::StoreError;
use crate::payload::CODEC_ZSTD;

/// Inserts the transactions whose ids are new, with their bodies, and returns their keys.
pub(super) async fn insert(tx: &mut Tx, new: &[NewTransaction]) -> Result<HashSet<TransactionKey>, StoreError> {
    let mut stored = HashSet::new();
    for chunk in new.chunks(ROWS) {
        let mut rows = insert_rows(tx, chunk).await?;
        stored.extend(rows.keys().cloned());
        // Where an id comes twice, the first is the one that was stored.
        let with_row = chunk.iter().filter_map(|new| Some((new, rows.remove(&transaction_key(new))?)));
        let fresh: Vec<(&NewTransaction, i64)> = with_row.collect();
        insert_payloads(tx, &fresh).await?;
    }
    Ok(stored)
}

/// Returns the row of each transaction that was new.
async fn insert_rows(tx: &mut Tx, chunk: &[NewTransaction]) -> Result<HashMap<TransactionKey, i64>, StoreError> {
    let mut query: QueryBuilder<Backend> = QueryBuilder::new(
        "INSERT INTO transaction_event (project_id, event_id, trace_id, span_id, name, op, status, started_at, timestamp,
            duration_us, received_at, platform, environment, release, user_label, tags, client_rate, server_rate) ",
    );
    query.push_values(chunk, |mut row, new| {
        row.push_bind(new.project_id.0)
            .push_bind(new.event_id.as_bytes().to_vec())
            .push_bind(&new.trace_id)
            .push_bind(&new.span_id)
            .push_bind(&new.name)
            .push_bind(&new.op)
            .push_bind(&new.status)
            .push_bind(new.started_at.0)
            .push_bind(new.timestamp.0)
            .push_bind(i64::try_from(new.duration_us).unwrap_or(i64::MAX))
            .push_bind(new.received_at.0)
            .push_bind(&new.platform)
            .push_bind(&new.environment)
            .push_bind(&new.release)
            .push_bind(&new.user_label)
            .push_bind(&new.tags)
            .push_bind(new.client_rate)
            .push_bind(new.server_rate);
    });
    query.push(" ON CONFLICT DO NOTHING RETURNING project_id, event_id, id");
    let rows: Vec<(i64, Vec<u8>, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
    Ok(rows.into_iter().map(|(project_id, event_id, row)| ((project_id, event_id), row)).collect())
}

async fn insert_payloads(tx: &mut Tx, fresh: &[(&NewTransaction, i64)]) -> Result<(), StoreError> {
    if fresh.is_empty() {
        return Ok(());
    }
    let mut query: QueryBuilder<Backend> =
        QueryBuilder::new("INSERT INTO transaction_payload (project_id, transaction_row, day, codec, data) ");
    query.push_values(fresh, |mut row, (new, id)| {
        row.push_bind(new.project_id.0)
            .push_bind(*id)
            .push_bind(new.received_at.day())
            .push_bind(CODEC_ZSTD)
            .push_bind(new.payload.as_slice());
    });
    query.build().persistent(false).execute(&mut **tx).await?;
    Ok(())
}

/// Adds to the days of the rules.
pub(super) async fn count_hits(tx: &mut Tx, hits: &RuleHits<'_>) -> Result<(), StoreError> {
    for chunk in hits.iter().collect::<Vec<(&RuleHitKey<'_>, &i64)>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO rule_hit (project_id, topic, rule, day, hits) ");
        query.push_values(chunk, |mut row, ((project_id, topic, rule, day), hits)| {
            row.push_bind(*project_id).push_bind(*topic).push_bind(&**rule).push_bind(*day).push_bind(**hits);
        });
        query.push(
            " ON CONFLICT (project_id, topic, rule, day) DO UPDATE SET hits = rule_hit.hits + excluded.hits",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}
