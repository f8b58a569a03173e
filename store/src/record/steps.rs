// The statements of `Store::record`, compiled once per database: `Backend` is the one at hand. Both speak this dialect:
// rows of VALUES name their columns `column1`, `column2`, …, and `IN` takes rows.

use std::collections::{HashMap, HashSet};

use bugle_protocol::{IssueId, UnixMillis};
use sqlx::{QueryBuilder, Transaction};

use super::plan::{self, HashKey, resolve};
use super::{Assignment, Batch, Changes, NewEvent, NoticeKind, QueueCursor, Recorded, Recording};
use crate::StoreError;
use crate::issues::{IssueStatus, IssueSubstatus};
use crate::payload::CODEC_ZSTD;

/// Rows per statement: 14 columns of it stay under SQLite's limit of 32,766 values.
const ROWS: usize = 1000;

const MOVE_CURSOR: &str = "
    INSERT INTO queue_cursor (queue_id, position) VALUES ($1, $2)
    ON CONFLICT (queue_id) DO UPDATE SET position = excluded.position WHERE queue_cursor.position < excluded.position";

type Tx = Transaction<'static, Backend>;

/// Writes the batch, and commits it if `commits`; else only the database's answer is of interest.
pub(super) async fn record(
    mut tx: Tx,
    batch: &Batch,
    now: UnixMillis,
    commits: bool,
) -> Result<Recording, StoreError> {
    if let Some(cursor) = &batch.cursor
        && !move_cursor(&mut tx, cursor).await?
    {
        return Ok(Recording::passed(batch));
    }
    let known = known_event_ids(&mut tx, &batch.events).await?;
    let fresh = plan::without_duplicates(batch, &known);
    let events: Vec<&NewEvent> = fresh.iter().flatten().copied().collect();

    let known_hashes = known_hashes(&mut tx, &plan::hash_keys(&events)).await?;
    let assignment = Assignment::new(&events, &known_hashes);
    let issue_ids = make_issues(&mut tx, &assignment.founders).await?;
    let changes = Changes::new(&assignment, &issue_ids);

    insert_hashes(&mut tx, &assignment, &issue_ids).await?;
    let event_rows = insert_events(&mut tx, &assignment, &issue_ids).await?;
    insert_payloads(&mut tx, &assignment, &event_rows).await?;
    count_hours(&mut tx, &changes).await?;
    count_environments(&mut tx, &changes).await?;
    count_releases(&mut tx, &changes).await?;
    let new_users = count_users(&mut tx, &changes).await?;
    let reopened = reopened_issues(&mut tx, &changes).await?;
    change_issues(&mut tx, &changes, &new_users, &reopened, now).await?;
    note_first_events(&mut tx, &changes, now).await?;
    let outcomes = ledger::record(&mut tx, batch, &fresh, now).await?;

    let events = verdicts(&fresh, &assignment, &issue_ids, &reopened);
    write_outbox(&mut tx, &batch.events, &events, now).await?;
    if commits {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    let outcomes = outcomes.by_category();
    Ok(Recording { events, outcomes })
}

/// Says whether the cursor moved; if not, somebody has stored this batch before.
async fn move_cursor(tx: &mut Tx, cursor: &QueueCursor) -> Result<bool, StoreError> {
    let position = i64::try_from(cursor.position).unwrap_or(i64::MAX);
    let done = sqlx::query(MOVE_CURSOR).bind(&cursor.queue_id).bind(position).execute(&mut **tx).await?;
    Ok(done.rows_affected() > 0)
}

async fn known_event_ids(tx: &mut Tx, events: &[NewEvent]) -> Result<HashSet<(i64, Vec<u8>)>, StoreError> {
    let mut known = HashSet::new();
    for chunk in events.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("SELECT project_id, event_id FROM event WHERE (project_id, event_id) IN (");
        query.push_values(chunk, |mut row, event| {
            row.push_bind(event.project_id.0).push_bind(event.event_id.as_bytes().to_vec());
        });
        query.push(")");
        let rows: Vec<(i64, Vec<u8>)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        known.extend(rows);
    }
    Ok(known)
}

async fn known_hashes(tx: &mut Tx, keys: &[HashKey]) -> Result<HashMap<HashKey, i64>, StoreError> {
    let mut known = HashMap::new();
    for chunk in keys.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("SELECT project_id, hash, issue_id FROM issue_hash WHERE (project_id, hash) IN (");
        query.push_values(chunk, |mut row, (project_id, hash)| {
            row.push_bind(*project_id).push_bind(hash.to_vec());
        });
        query.push(")");
        let rows: Vec<(i64, Vec<u8>, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        for (project_id, hash, issue_id) in rows {
            let hash = hash.try_into().map_err(|_| StoreError::Damaged("a grouping hash has not 32 bytes"))?;
            known.insert((project_id, hash), issue_id);
        }
    }
    Ok(known)
}

/// Makes an issue for each founder, all counts zero, and returns their ids in the same order.
async fn make_issues(tx: &mut Tx, founders: &[&NewEvent]) -> Result<Vec<i64>, StoreError> {
    if founders.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = take_numbers(tx, founders).await?;
    let mut ids = HashMap::new();
    for chunk in founders.iter().zip(&numbers).collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "INSERT INTO issue (project_id, number, status, substatus, level, platform, event_type, title, culprit,
                metadata, is_unhandled, first_seen, last_seen, event_count, user_count, first_release, last_release,
                status_changed_at) ",
        );
        query.push_values(chunk, |mut row, (event, number)| {
            row.push_bind(event.project_id.0)
                .push_bind(**number)
                .push_bind(IssueStatus::Unresolved.as_str())
                .push_bind(IssueSubstatus::New.as_str())
                .push_bind(event.level.as_str())
                .push_bind(&event.platform)
                .push_bind(&event.event_type)
                .push_bind(&event.title)
                .push_bind(&event.culprit)
                .push_bind(&event.metadata)
                .push_bind(event.is_unhandled)
                .push_bind(event.timestamp.0)
                .push_bind(event.timestamp.0)
                .push("0, 0")
                .push_bind(&event.release)
                .push_bind(&event.release)
                .push_bind(event.received_at.0);
        });
        query.push(" RETURNING project_id, number, id");
        let rows: Vec<(i64, i64, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        ids.extend(rows.into_iter().map(|(project_id, number, id)| ((project_id, number), id)));
    }
    let id_of = |(event, number): (&&NewEvent, &i64)| ids.get(&(event.project_id.0, *number)).copied();
    founders.iter().zip(&numbers).map(id_of).collect::<Option<_>>().ok_or(StoreError::Damaged("an issue was not made"))
}

/// Takes the next short numbers of the projects for the founders, in order.
async fn take_numbers(tx: &mut Tx, founders: &[&NewEvent]) -> Result<Vec<i64>, StoreError> {
    let mut wanted: HashMap<i64, i64> = HashMap::new();
    for event in founders {
        *wanted.entry(event.project_id.0).or_default() += 1;
    }
    let mut query: QueryBuilder<Backend> =
        QueryBuilder::new("UPDATE project SET issue_counter = issue_counter + v.column2 FROM (");
    query.push_values(&wanted, |mut row, (project_id, count)| {
        row.push_bind(*project_id).push_bind(*count);
    });
    query.push(") AS v WHERE project.id = v.column1 RETURNING project.id, project.issue_counter");
    let rows: Vec<(i64, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
    let mut next: HashMap<i64, i64> = HashMap::new();
    for (project_id, last) in rows {
        next.insert(project_id, last - wanted.get(&project_id).copied().unwrap_or(0));
    }
    let mut take = |event: &&NewEvent| {
        let number = next.get_mut(&event.project_id.0)?;
        *number += 1;
        Some(*number)
    };
    founders.iter().map(&mut take).collect::<Option<_>>().ok_or(StoreError::Damaged("an event's project is gone"))
}

async fn insert_hashes(tx: &mut Tx, assignment: &Assignment<'_>, issue_ids: &[i64]) -> Result<(), StoreError> {
    for chunk in assignment.hashes.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO issue_hash (project_id, hash, issue_id, grouping_version, leaf_values) ");
        query.push_values(chunk, |mut row, (event, hash, issue)| {
            row.push_bind(event.project_id.0)
                .push_bind(hash.hash.to_vec())
                .push_bind(resolve(*issue, issue_ids))
                .push_bind(event.grouping_version)
                .push_bind(&hash.leaf_values);
        });
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Inserts the fresh events and returns the row of each by its id.
async fn insert_events(
    tx: &mut Tx,
    assignment: &Assignment<'_>,
    issue_ids: &[i64],
) -> Result<HashMap<(i64, Vec<u8>), i64>, StoreError> {
    let mut rows_by_id = HashMap::with_capacity(assignment.fresh.len());
    for chunk in assignment.fresh.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = QueryBuilder::new(
            "INSERT INTO event (project_id, event_id, issue_id, timestamp, received_at, level, platform, environment,
                release, title, trace_id, user_label, tags) ",
        );
        query.push_values(chunk, |mut row, (event, issue)| {
            row.push_bind(event.project_id.0)
                .push_bind(event.event_id.as_bytes().to_vec())
                .push_bind(resolve(*issue, issue_ids))
                .push_bind(event.timestamp.0)
                .push_bind(event.received_at.0)
                .push_bind(event.level.as_str())
                .push_bind(&event.platform)
                .push_bind(&event.environment)
                .push_bind(&event.release)
                .push_bind(&event.title)
                .push_bind(&event.trace_id)
                .push_bind(event.user.as_ref().map(|user| &user.label))
                .push_bind(&event.tags);
        });
        query.push(" RETURNING project_id, event_id, id");
        let rows: Vec<(i64, Vec<u8>, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        rows_by_id.extend(rows.into_iter().map(|(project_id, event_id, row)| ((project_id, event_id), row)));
    }
    Ok(rows_by_id)
}

async fn insert_payloads(
    tx: &mut Tx,
    assignment: &Assignment<'_>,
    event_rows: &HashMap<(i64, Vec<u8>), i64>,
) -> Result<(), StoreError> {
    for chunk in assignment.fresh.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO event_payload (project_id, event_row, day, codec, data) ");
        query.push_values(chunk, |mut row, (event, _)| {
            let key = (event.project_id.0, event.event_id.as_bytes().to_vec());
            row.push_bind(event.project_id.0)
                .push_bind(event_rows.get(&key).copied())
                .push_bind(event.received_at.day())
                .push_bind(CODEC_ZSTD)
                .push_bind(event.payload.as_slice());
        });
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn count_hours(tx: &mut Tx, changes: &Changes<'_>) -> Result<(), StoreError> {
    for chunk in changes.hours.iter().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO issue_hour (project_id, issue_id, hour, event_count) ");
        query.push_values(chunk, |mut row, ((project_id, issue_id, hour), count)| {
            row.push_bind(*project_id).push_bind(*issue_id).push_bind(*hour).push_bind(**count);
        });
        query.push(
            " ON CONFLICT (project_id, issue_id, hour)
              DO UPDATE SET event_count = issue_hour.event_count + excluded.event_count",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn count_environments(tx: &mut Tx, changes: &Changes<'_>) -> Result<(), StoreError> {
    for chunk in changes.environments.iter().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO environment (project_id, name, first_seen, last_seen) ");
        query.push_values(chunk.iter().filter_map(|(key, span)| Some((key, span.as_ref()?))), |mut row, (key, span)| {
            row.push_bind(key.0).push_bind(key.1).push_bind(span.first).push_bind(span.last);
        });
        query.push(
            " ON CONFLICT (project_id, name) DO UPDATE SET
                first_seen = CASE WHEN excluded.first_seen < environment.first_seen
                    THEN excluded.first_seen ELSE environment.first_seen END,
                last_seen = CASE WHEN excluded.last_seen > environment.last_seen
                    THEN excluded.last_seen ELSE environment.last_seen END",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn count_releases(tx: &mut Tx, changes: &Changes<'_>) -> Result<(), StoreError> {
    for chunk in changes.releases.iter().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO release (project_id, version, first_seen, last_seen, event_count) ");
        query.push_values(chunk.iter().filter_map(|(key, span)| Some((key, span.as_ref()?))), |mut row, (key, span)| {
            row.push_bind(key.0).push_bind(key.1).push_bind(span.first).push_bind(span.last).push_bind(span.count);
        });
        query.push(
            " ON CONFLICT (project_id, version) DO UPDATE SET
                first_seen = CASE WHEN excluded.first_seen < release.first_seen
                    THEN excluded.first_seen ELSE release.first_seen END,
                last_seen = CASE WHEN excluded.last_seen > release.last_seen
                    THEN excluded.last_seen ELSE release.last_seen END,
                event_count = release.event_count + excluded.event_count",
        );
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Adds the users and returns how many of them are new to each issue.
async fn count_users(tx: &mut Tx, changes: &Changes<'_>) -> Result<HashMap<i64, i64>, StoreError> {
    let mut new_users: HashMap<i64, i64> = HashMap::new();
    for chunk in changes.users.keys().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO issue_user (project_id, issue_id, user_hash) ");
        query.push_values(chunk, |mut row, (project_id, issue_id, user_hash)| {
            row.push_bind(*project_id).push_bind(*issue_id).push_bind(*user_hash);
        });
        query.push(" ON CONFLICT DO NOTHING RETURNING issue_id");
        let rows: Vec<i64> = query.build_query_scalar().persistent(false).fetch_all(&mut **tx).await?;
        for issue_id in rows {
            *new_users.entry(issue_id).or_default() += 1;
        }
    }
    Ok(new_users)
}

/// Which of the changed issues are about to be reopened: those that were resolved before an event of this batch came in.
/// What came in earlier, and only waited in the queue, is no news to whoever resolved the issue.
async fn reopened_issues(tx: &mut Tx, changes: &Changes<'_>) -> Result<HashSet<i64>, StoreError> {
    let mut reopened = HashSet::new();
    for chunk in changes.issues.keys().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("SELECT id, status, status_changed_at FROM issue WHERE id IN (");
        query.push_values(chunk, |mut row, id| {
            row.push_bind(**id);
        });
        query.push(")").push(LOCK_ROWS);
        let rows: Vec<(i64, String, i64)> = query.build_query_as().persistent(false).fetch_all(&mut **tx).await?;
        for (id, status, since) in rows {
            let came_after = changes.issues.get(&id).is_some_and(|change| change.last_received >= since);
            if status == IssueStatus::Resolved.as_str() && came_after {
                reopened.insert(id);
            }
        }
    }
    Ok(reopened)
}

/// Adds to the counts, takes the headline of newer events over, and reopens what was resolved. A placeholder of a title
/// does not replace a real one.
async fn change_issues(
    tx: &mut Tx,
    changes: &Changes<'_>,
    new_users: &HashMap<i64, i64>,
    reopened: &HashSet<i64>,
    now: UnixMillis,
) -> Result<(), StoreError> {
    for chunk in changes.issues.iter().collect::<Vec<_>>().chunks(ROWS) {
        let mut query: QueryBuilder<Backend> = 
            QueryBuilder::new("UPDATE issue SET status_changed_at = CASE WHEN v.column15 THEN ");
        query.push_bind(now.0);
        query.push(
            " ELSE status_changed_at END,
                substatus = CASE WHEN v.column15 THEN 'regressed' ELSE substatus END,
                status = CASE WHEN v.column15 THEN 'unresolved' ELSE status END,
                event_count = event_count + v.column2,
                user_count = user_count + v.column3,
                first_seen = CASE WHEN v.column4 < first_seen THEN v.column4 ELSE first_seen END,
                level = CASE WHEN v.column5 >= last_seen THEN v.column6 ELSE level END,
                platform = CASE WHEN v.column5 >= last_seen THEN v.column7 ELSE platform END,
                title = CASE WHEN v.column5 >= last_seen AND NOT v.column8 THEN v.column9 ELSE title END,
                metadata = CASE WHEN v.column5 >= last_seen AND NOT v.column8 THEN v.column10 ELSE metadata END,
                culprit = CASE WHEN v.column5 >= last_seen THEN v.column11 ELSE culprit END,
                is_unhandled = CASE WHEN v.column5 >= last_seen THEN v.column12 ELSE is_unhandled END,
                first_release = COALESCE(first_release, v.column13),
                last_release = COALESCE(v.column14, last_release),
                last_seen = CASE WHEN v.column5 > last_seen THEN v.column5 ELSE last_seen END
              FROM (",
        );
        query.push_values(chunk, |mut row, (id, change)| {
            let newest = change.newest;
            row.push_bind(**id)
                .push_bind(change.events)
                .push_bind(new_users.get(*id).copied().unwrap_or(0))
                .push_bind(change.first_seen)
                .push_bind(change.last_seen)
                .push_bind(newest.level.as_str())
                .push_bind(&newest.platform)
                .push_bind(newest.title_is_placeholder)
                .push_bind(&newest.title)
                .push_bind(&newest.metadata)
                .push_bind(&newest.culprit)
                .push_bind(newest.is_unhandled)
                .push_bind(change.first_release)
                .push_bind(change.last_release)
                .push_bind(reopened.contains(*id));
        });
        query.push(") AS v WHERE issue.id = v.column1");
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn note_first_events(tx: &mut Tx, changes: &Changes<'_>, now: UnixMillis) -> Result<(), StoreError> {
    let projects: HashSet<i64> = changes.issues.values().map(|change| change.project_id).collect();
    if projects.is_empty() {
        return Ok(());
    }
    let mut query: QueryBuilder<Backend> = QueryBuilder::new("UPDATE project SET first_event_at = ");
    query.push_bind(now.0).push(" WHERE first_event_at IS NULL AND id IN (");
    query.push_values(&projects, |mut row, id| {
        row.push_bind(*id);
    });
    query.push(")");
    query.build().persistent(false).execute(&mut **tx).await?;
    Ok(())
}

/// What became of each event of the batch.
fn verdicts(
    fresh: &[Option<&NewEvent>],
    assignment: &Assignment<'_>,
    issue_ids: &[i64],
    reopened: &HashSet<i64>,
) -> Vec<Recorded> {
    let mut announced = HashSet::new();
    let mut issues = assignment.fresh.iter();
    let mut verdict = |_: &NewEvent| {
        let &(_, issue) = issues.next()?;
        let id = resolve(issue, issue_ids);
        let is_first = announced.insert(id);
        Some(match issue {
            plan::IssueRef::New(_) if is_first => Recorded::NewIssue(IssueId(id)),
            plan::IssueRef::Known(_) if is_first && reopened.contains(&id) => Recorded::Regression(IssueId(id)),
            _ => Recorded::Seen(IssueId(id)),
        })
    };
    fresh.iter().map(|event| event.and_then(&mut verdict).unwrap_or(Recorded::Duplicate)).collect()
}

async fn write_outbox(
    tx: &mut Tx,
    events: &[NewEvent],
    recorded: &[Recorded],
    now: UnixMillis,
) -> Result<(), StoreError> {
    let notice = |(event, recorded)| match recorded {
        &Recorded::NewIssue(issue) => Some((event, issue, NoticeKind::NewIssue)),
        &Recorded::Regression(issue) => Some((event, issue, NoticeKind::Regression)),
        Recorded::Duplicate | Recorded::Seen(_) => None,
    };
    let notices: Vec<(&NewEvent, IssueId, NoticeKind)> = events.iter().zip(recorded).filter_map(notice).collect();
    for chunk in notices.chunks(ROWS) {
        let mut query: QueryBuilder<Backend> =
            QueryBuilder::new("INSERT INTO outbox (project_id, issue_id, event_id, kind, created_at) ");
        query.push_values(chunk, |mut row, (event, issue, kind)| {
            row.push_bind(event.project_id.0)
                .push_bind(issue.0)
                .push_bind(event.event_id.as_bytes().to_vec())
                .push_bind(kind.as_str())
                .push_bind(now.0);
        });
        query.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}
