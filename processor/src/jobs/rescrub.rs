//! Applies the scrubbing rules of today to what is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bugle_protocol::json::{Json, parse_str, to_string};
use bugle_protocol::{IssueId, UnixMillis};
use bugle_store::{
    Changes, Checkpoint, RescrubReport, Rewrite, StoreError, StoredKind, StoredRow, TextChange,
    TextColumn, TextRow, compress,
};
use serde::{Deserialize, Serialize};

use super::work::{End, Rhythm, Work, aside};
use crate::items::derived::Derived;
use crate::items::road;
use crate::normalize::NormalizedEvent;
use crate::rule_book::RuleBook;

/// What stands for a value that has gone from the values of a hash.
const GONE: &str = "[Filtered]";

/// The member of a stored event that says what rules did when it came; it holds nothing of the event.
const NOTES: &str = "_bugle";

/// Where to go on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Place {
    /// Whether the events are done.
    transactions: bool,
    after: i64,
}

/// What becomes of some rows.
#[derive(Debug, Default)]
struct Judgement {
    rows: Vec<Rewrite>,
    /// Texts of issues that were those of their events.
    headlines: BTreeSet<(i64, u8, String, String)>,
    /// Values that hashes were made of, and what they are now.
    values: BTreeMap<IssueId, HashMap<String, String>>,
    unreadable: u64,
}

/// Works on the job to its end.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn run(work: &Work<'_>) -> Result<End, StoreError> {
    let mut rescrub = Rescrub::new(work).await?;
    loop {
        if work.is_stopped() {
            return Ok(End::Stopped);
        }
        if let Some(end) = rescrub.step().await? {
            return Ok(end);
        }
    }
}

/// Scrubbing, and how far it is.
struct Rescrub<'w> {
    work: &'w Work<'w>,
    /// What applies: rules that are saved while the job runs wait for the next one.
    book: Arc<RuleBook>,
    grouping: Arc<bugle_grouping::Rules>,
    place: Place,
    report: RescrubReport,
    done: u64,
    total: u64,
    rhythm: Rhythm,
}

impl<'w> Rescrub<'w> {
    async fn new(work: &'w Work<'w>) -> Result<Self, StoreError> {
        let job = &work.claimed.job;
        let versions = work.store.all_current_rules().await?;
        let organization = job.organization_id;
        let projects: Vec<_> = work.projects.iter().map(|id| (*id, organization)).collect();
        let total = work.total().await;
        let book = aside(move || RuleBook::default().renewed(&versions, &projects)).await?;
        Ok(Self {
            work,
            book: Arc::new(book),
            grouping: Arc::default(),
            place: match job.position.as_str() {
                "" => Place::default(),
                text => serde_json::from_str(text)
                    .map_err(|_| StoreError::Damaged("a job's position cannot be read"))?,
            },
            report: serde_json::from_str(&job.report).unwrap_or_default(),
            done: job.done,
            total,
            rhythm: Rhythm::new(),
        })
    }

    /// Does the next page; says how it ended if there is nothing more to do.
    async fn step(&mut self) -> Result<Option<End>, StoreError> {
        let kind = match self.place.transactions {
            false => StoredKind::Event,
            true => StoredKind::Transaction,
        };
        let projects = &self.work.projects;
        let rows = self
            .work
            .store
            .stored_rows(kind, projects, self.place.after);
        let rows = rows.await?;
        let Some(last) = rows.last() else {
            return self.turn().await;
        };
        self.place.after = last.row;
        let count = rows.len() as u64;
        self.done += count;
        let (book, grouping) = (Arc::clone(&self.book), Arc::clone(&self.grouping));
        let judged = aside(move || judge(kind, &rows, &book, &grouping)).await?;
        let judgement = judged?;
        self.report.unreadable += judgement.unreadable;
        let changed = judgement.rows.len() as u64;
        match kind {
            StoredKind::Event => {
                self.report.events += count;
                self.report.changed_events += changed;
            }
            StoredKind::Transaction => {
                self.report.transactions += count;
                self.report.changed_transactions += changed;
            }
        }
        let changes = self.changes(kind, judgement).await?;
        self.apply(&changes).await
    }

    /// Goes from events to transactions, and from those to the end.
    async fn turn(&mut self) -> Result<Option<End>, StoreError> {
        if !self.place.transactions {
            self.place = Place {
                transactions: true,
                after: 0,
            };
            return Ok((!self.note().await?).then_some(End::Lost));
        }
        self.done = self.done.max(self.total);
        if !self.note().await? {
            return Ok(Some(End::Lost));
        }
        if !self.work.is_dry_run() {
            let now = UnixMillis::now();
            let cleaned = self.work.store.clean_files(&self.work.claimed, false, now);
            cleaned.await?;
        }
        Ok(Some(End::Done))
    }

    async fn changes(&self, kind: StoredKind, judgement: Judgement) -> Result<Changes, StoreError> {
        let mut texts: Vec<TextChange> = judgement.headlines.into_iter().map(headline).collect();
        let issues: Vec<IssueId> = judgement.values.keys().copied().collect();
        for (issue, row) in self.work.store.hash_values_of_issues(&issues).await? {
            let new = judgement.values.get(&issue);
            let new = new.and_then(|values| renewed_values(&row.text, values));
            texts.extend(new.map(|new| TextChange {
                column: TextColumn::HashValues,
                row,
                new,
            }));
        }
        let mut changes = Changes {
            texts,
            ..Changes::default()
        };
        match kind {
            StoredKind::Event => changes.events = judgement.rows,
            StoredKind::Transaction => changes.transactions = judgement.rows,
        }
        Ok(changes)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: serde_json::to_string(&self.place).unwrap_or_default(),
            report: serde_json::to_string(&self.report).unwrap_or_default(),
            total: self.total.max(self.done),
            done: self.done,
        }
    }

    async fn note(&mut self) -> Result<bool, StoreError> {
        self.work.note(&self.checkpoint()).await
    }

    async fn apply(&mut self, changes: &Changes) -> Result<Option<End>, StoreError> {
        if changes.is_empty() {
            let is_ours = !self.rhythm.is_due() || self.note().await?;
            return Ok((!is_ours).then_some(End::Lost));
        }
        let work = self.work;
        let applied = work.apply(changes, |applied| {
            self.report.issues += applied.texts;
            self.checkpoint()
        });
        let applied = applied.await?;
        Ok(applied.is_none().then_some(End::Lost))
    }
}

const HEADLINES: [TextColumn; 3] = [
    TextColumn::IssueTitle,
    TextColumn::IssueCulprit,
    TextColumn::IssueMetadata,
];

fn headline((issue, column, old, new): (i64, u8, String, String)) -> TextChange {
    TextChange {
        column: HEADLINES[usize::from(column) % HEADLINES.len()],
        row: TextRow {
            id: issue,
            text: old,
            ..TextRow::default()
        },
        new,
    }
}

/// The values of a hash with those replaced that rules changed; `None` if they changed none. The hash itself stays.
fn renewed_values(text: &str, values: &HashMap<String, String>) -> Option<String> {
    let Ok(Json::Array(mut leaves)) = parse_str(text) else {
        return None;
    };
    let mut changed = false;
    for leaf in &mut leaves {
        if let Some([_, value]) = leaf.as_array_mut().map(Vec::as_mut_slice)
            && let Some(new) = value.as_str().and_then(|old| values.get(old))
        {
            *value = Json::from(new.clone());
            changed = true;
        }
    }
    changed.then(|| to_string(&Json::Array(leaves)))
}

fn judge(
    kind: StoredKind,
    rows: &[StoredRow],
    book: &RuleBook,
    grouping: &bugle_grouping::Rules,
) -> Result<Judgement, StoreError> {
    let mut judgement = Judgement::default();
    for row in rows {
        let Ok(body) = row.body() else {
            judgement.unreadable += 1;
            continue;
        };
        let Some(body) = body else { continue };
        let (Some(mut event), Some(rules)) = (
            NormalizedEvent::from_stored(&body),
            book.find(row.project_id),
        ) else {
            judgement.unreadable += 1;
            continue;
        };
        let derive = |event: &NormalizedEvent<'_>| match kind {
            StoredKind::Event => Derived::of_event(event.event(), grouping),
            StoredKind::Transaction => Derived::of_transaction(event.event()),
        };
        let notes = event.event_mut().fields.remove(NOTES);
        let before = event.event().clone();
        let old = derive(&event);
        drop(road::scrub(&mut event, rules));
        if *event.event() == before {
            continue;
        }
        let new = derive(&event);
        if let Some(notes) = notes {
            event.event_mut().fields.insert(NOTES, notes);
        }
        judgement.rows.push(rewrite(row, &event, &old, &new)?);
        if let Some(issue) = row.issue_id {
            judgement.note(issue, old, new);
        }
    }
    Ok(judgement)
}

fn rewrite(
    row: &StoredRow,
    event: &NormalizedEvent<'_>,
    old: &Derived,
    new: &Derived,
) -> Result<Rewrite, StoreError> {
    // What was derived in another way than today's stays, unless rules changed what it was derived from.
    let pick =
        |kept: &String, old: &String, new: &String| if old == new { kept } else { new }.clone();
    Ok(Rewrite {
        row: row.row,
        project_id: row.project_id,
        received_at: row.received_at,
        title: pick(&row.title, &old.title, &new.title),
        user_label: match old.user_label == new.user_label {
            true => row.user_label.clone(),
            false => new.user_label.clone(),
        },
        tags: pick(&row.tags, &old.tags, &new.tags),
        environment: row.environment.clone(),
        release: row.release.clone(),
        payload: Some(compress(event.to_json().as_bytes())?),
    })
}

impl Judgement {
    /// Notes what the issue of a changed event may say of it.
    fn note(&mut self, issue: IssueId, old: Derived, new: Derived) {
        let pairs = [
            (old.title, new.title),
            (old.culprit, new.culprit),
            (old.metadata, new.metadata),
        ];
        for (column, (old, new)) in (0_u8..).zip(pairs) {
            if old != new {
                self.headlines.insert((issue.0, column, old, new));
            }
        }
        let mut changed = HashMap::new();
        for (number, old) in old.values.into_iter().enumerate() {
            let new = new
                .values
                .get(number)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let is_parallel = new.len() == old.len();
            for (place, value) in old.into_iter().enumerate() {
                let now = match is_parallel {
                    true => new.get(place).cloned(),
                    false => new.contains(&value).then(|| value.clone()),
                };
                let now = now.unwrap_or_else(|| GONE.to_owned());
                if now != value {
                    changed.insert(value, now);
                }
            }
        }
        if !changed.is_empty() {
            self.values.entry(issue).or_default().extend(changed);
        }
    }
}
