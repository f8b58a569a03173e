//! The newest events of a project. Events are indexed by issue, so the issues' lists are merged: each is sorted, and an
//! issue whose last event is older than everything wanted is never opened.

use std::collections::BinaryHeap;

use bugle_protocol::{IssueId, ProjectId, UnixMillis};
use bugle_store::{EventRow, Store};

use crate::ApiError;
use crate::issues::all_issues;
use crate::paging::Stretch;

/// The last row that can be reached: beyond, an issue's own list is the way.
const MAX_OFFSET: u32 = 1000;

/// How many events of an issue are read at a time.
const CHUNK: u32 = 20;

/// An issue's next event, or an issue that is not opened yet and has its newest event at `time`.
#[derive(PartialEq, Eq)]
struct Head {
    time: UnixMillis,
    issue: IssueId,
    /// How many of the issue's events are behind already.
    read: u32,
    /// What was read ahead, the next one last.
    chunk: Vec<EventRow>,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.issue).cmp(&(other.time, other.issue))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The rows of a stretch and one more, newest first.
pub(crate) async fn recent_events(
    store: &Store,
    project: ProjectId,
    stretch: Stretch,
) -> Result<Vec<EventRow>, ApiError> {
    if stretch.offset > MAX_OFFSET {
        return Err(ApiError::Invalid(format!(
            "only the newest {MAX_OFFSET} events of a project are listed: ask for an issue's events"
        )));
    }
    let wanted = usize::try_from(stretch.offset + stretch.limit_and_one()).unwrap_or(usize::MAX);
    let mut heads = newest_issues(store, project, wanted).await?;
    let mut rows = Vec::new();
    while rows.len() < wanted
        && let Some(mut head) = heads.pop()
    {
        if let Some(row) = head.chunk.pop() {
            rows.push(row);
        }
        if head.chunk.is_empty() {
            let chunk = store
                .issue_events(project, head.issue, head.read, CHUNK)
                .await?;
            head.read += CHUNK;
            head.chunk = chunk;
            head.chunk.reverse();
        }
        if let Some(next) = head.chunk.last() {
            head.time = next.timestamp;
            heads.push(head);
        }
    }
    let skipped = usize::try_from(stretch.offset).unwrap_or(usize::MAX);
    Ok(rows.into_iter().skip(skipped).collect())
}

/// As many issues as there could be events, each with its last event's time.
async fn newest_issues(
    store: &Store,
    project: ProjectId,
    wanted: usize,
) -> Result<BinaryHeap<Head>, ApiError> {
    let mut filter = all_issues(vec![project]);
    let mut heads = BinaryHeap::new();
    loop {
        let page = store.issues(&filter).await?;
        heads.extend(page.issues.iter().map(|issue| Head {
            time: issue.last_seen,
            issue: issue.id,
            read: 0,
            chunk: Vec::new(),
        }));
        if page.next.is_none() || heads.len() >= wanted {
            return Ok(heads);
        }
        filter.cursor = page.next;
    }
}
