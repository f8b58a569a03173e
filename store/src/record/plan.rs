//! What a batch changes, added up in memory: pure, so that the transaction only has to write it down.

use std::collections::{BTreeMap, HashMap, HashSet};

use bugle_protocol::UnixMillis;

use super::{Batch, NewEvent, NewHash};

/// A hash within a project.
pub(super) type HashKey = (i64, [u8; 32]);

/// An issue that exists, or the n-th one that has to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum IssueRef {
    Known(i64),
    New(usize),
}

/// Which event goes to which issue.
#[derive(Debug, Default)]
pub(super) struct Assignment<'b> {
    /// The events that are not known yet, with their issues.
    pub(super) fresh: Vec<(&'b NewEvent, IssueRef)>,
    /// The first event of each issue that has to be made.
    pub(super) founders: Vec<&'b NewEvent>,
    /// The hashes that belong to no issue yet.
    pub(super) hashes: Vec<(&'b NewEvent, &'b NewHash, IssueRef)>,
}

impl<'b> Assignment<'b> {
    /// Gives every fresh event the issue of its first hash that has one, or a new one; hashes without an issue join it.
    pub(super) fn new(fresh: &[&'b NewEvent], known: &HashMap<HashKey, i64>) -> Self {
        let mut issues: HashMap<HashKey, IssueRef> = known
            .iter()
            .map(|(key, id)| (*key, IssueRef::Known(*id)))
            .collect();
        let mut assignment = Self::default();
        for &event in fresh {
            let found = event
                .hashes
                .iter()
                .find_map(|hash| issues.get(&hash_key(event, hash)).copied());
            let issue = found.unwrap_or_else(|| {
                assignment.founders.push(event);
                IssueRef::New(assignment.founders.len() - 1)
            });
            for hash in &event.hashes {
                issues.entry(hash_key(event, hash)).or_insert_with(|| {
                    assignment.hashes.push((event, hash, issue));
                    issue
                });
            }
            assignment.fresh.push((event, issue));
        }
        assignment
    }
}

pub(super) fn hash_key(event: &NewEvent, hash: &NewHash) -> HashKey {
    (event.project_id.0, hash.hash)
}

/// The distinct hashes of the events.
pub(super) fn hash_keys(events: &[&NewEvent]) -> Vec<HashKey> {
    let mut seen = HashSet::new();
    let keys = events
        .iter()
        .flat_map(|event| event.hashes.iter().map(|hash| hash_key(event, hash)));
    keys.filter(|key| seen.insert(*key)).collect()
}

/// The events of the batch that neither the database nor an earlier place of the batch has, in order.
pub(super) fn without_duplicates<'b>(
    batch: &'b Batch,
    known: &HashSet<(i64, Vec<u8>)>,
) -> Vec<Option<&'b NewEvent>> {
    let mut seen = HashSet::new();
    let is_fresh = |event: &&NewEvent| {
        let key = (event.project_id.0, event.event_id.as_bytes().to_vec());
        !known.contains(&key) && seen.insert(key)
    };
    let mut is_fresh = is_fresh;
    batch
        .events
        .iter()
        .map(|event| Some(event).filter(&mut is_fresh))
        .collect()
}

/// What becomes of one issue.
#[derive(Debug)]
pub(super) struct IssueChange<'b> {
    pub(super) project_id: i64,
    pub(super) events: i64,
    pub(super) first_seen: i64,
    pub(super) last_seen: i64,
    /// The newest event, which gives the issue its title, culprit, level and so on.
    pub(super) newest: &'b NewEvent,
    /// When the last of the events came in.
    pub(super) last_received: i64,
    pub(super) first_release: Option<&'b str>,
    pub(super) last_release: Option<&'b str>,
}

/// First and last time of something, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) count: i64,
}

impl Span {
    fn add(slot: &mut Option<Self>, at: UnixMillis) {
        let span = slot.get_or_insert(Self {
            first: at.0,
            last: at.0,
            count: 0,
        });
        span.first = span.first.min(at.0);
        span.last = span.last.max(at.0);
        span.count += 1;
    }
}

/// Everything that a batch adds to rows that many events share. The maps are sorted, so that rows are always written in
/// the same order.
#[derive(Debug, Default)]
pub(super) struct Changes<'b> {
    pub(super) issues: BTreeMap<i64, IssueChange<'b>>,
    pub(super) hours: BTreeMap<(i64, i64, i64), i64>,
    pub(super) users: BTreeMap<(i64, i64, i64), ()>,
    pub(super) environments: BTreeMap<(i64, &'b str), Option<Span>>,
    pub(super) releases: BTreeMap<(i64, &'b str), Option<Span>>,
}

impl<'b> Changes<'b> {
    /// Adds up the fresh events; `issue_ids` says which id each new issue got.
    pub(super) fn new(assignment: &Assignment<'b>, issue_ids: &[i64]) -> Self {
        let mut changes = Self::default();
        for &(event, issue) in &assignment.fresh {
            let issue_id = resolve(issue, issue_ids);
            changes.add(event, issue_id);
        }
        changes
    }

    fn add(&mut self, event: &'b NewEvent, issue_id: i64) {
        let project_id = event.project_id.0;
        let change = self.issues.entry(issue_id).or_insert(IssueChange {
            project_id,
            events: 0,
            first_seen: event.timestamp.0,
            last_seen: event.timestamp.0,
            newest: event,
            last_received: event.received_at.0,
            first_release: None,
            last_release: None,
        });
        change.add(event);
        *self
            .hours
            .entry((project_id, issue_id, event.timestamp.hour().0))
            .or_default() += 1;
        if let Some(user) = &event.user {
            self.users.insert((project_id, issue_id, user.hash), ());
        }
        if let Some(environment) = &event.environment {
            Span::add(
                self.environments
                    .entry((project_id, environment))
                    .or_default(),
                event.timestamp,
            );
        }
        if let Some(release) = &event.release {
            Span::add(
                self.releases.entry((project_id, release)).or_default(),
                event.timestamp,
            );
        }
    }
}

impl<'b> IssueChange<'b> {
    fn add(&mut self, event: &'b NewEvent) {
        self.events += 1;
        self.first_seen = self.first_seen.min(event.timestamp.0);
        self.last_received = self.last_received.max(event.received_at.0);
        if event.timestamp.0 >= self.last_seen {
            self.last_seen = event.timestamp.0;
            self.newest = event;
        }
        if let Some(release) = &event.release {
            self.first_release.get_or_insert(release);
            self.last_release = Some(release);
        }
    }
}

pub(super) fn resolve(issue: IssueRef, issue_ids: &[i64]) -> i64 {
    match issue {
        IssueRef::Known(id) => id,
        IssueRef::New(n) => issue_ids[n],
    }
}
