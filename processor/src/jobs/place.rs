//! How far erasing is: kept with the job, so that another process can go on.

use std::collections::{BTreeMap, BTreeSet};

use bugle_protocol::{IssueId, ProjectId};
use bugle_store::{Applied, BlobId, CountedUser, ErasureReport, Gone, TextRow};
use serde::{Deserialize, Serialize};

/// What erasing does one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Events: those of the person go, the others no longer mention it.
    #[default]
    Events,
    /// The same for transactions.
    Transactions,
    /// What the person wrote.
    Feedback,
    /// The other texts, column by column.
    Texts(usize),
    /// As whom the person is counted.
    Users,
    /// What waited in the queue when the job began is processed meanwhile.
    Wait,
    /// Files that nobody needs any more.
    Files,
    /// Requests that mention the person.
    Queue,
    /// The database's own files.
    Storage,
}

/// Where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    pub(super) step: Step,
    /// The last row that is done.
    pub(super) after: i64,
    /// What else that row is found by.
    hash: String,
    text: String,
    /// Files that may not be needed any more.
    blobs: Vec<String>,
    /// How the walks over all tables go on.
    pub(super) walks: Walks,
    /// What a dry run has counted, which would be gone otherwise, and must not be counted twice.
    seen: Option<Seen>,
}

/// The walks: all is looked at again if something was stored meanwhile. Each begins with the first row, for SQLite gives the
/// numbers of erased rows to new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Walks {
    /// How many have ended.
    pub(super) ended: u32,
    /// The queue in front of the process that began, and how far it was filled.
    pub(super) queue: String,
    pub(super) until: u64,
    /// See `Store::stored_mark`, when this walk began.
    pub(super) mark: i64,
    /// Whether this walk has found anything.
    pub(super) has_found: bool,
    /// Whether this walk only looks at the events, for users in question.
    pub(super) is_for_users: bool,
    /// As whom the person was counted, and others may be: project, issue, hash. The next walk looks for those others.
    pub(super) suspects: BTreeSet<(i64, i64, i64)>,
    /// Those that this walk looks for, without those it has found.
    pub(super) in_question: BTreeSet<(i64, i64, i64)>,
}

impl Walks {
    pub(super) fn in_question(&self) -> BTreeSet<CountedUser> {
        let user = |(project, issue, user_hash): &(i64, i64, i64)| CountedUser {
            project_id: ProjectId(*project),
            issue_id: IssueId(*issue),
            user_hash: *user_hash,
        };
        self.in_question.iter().map(user).collect()
    }

    pub(super) fn suspect(&mut self, users: &[CountedUser]) {
        self.suspects.extend(users.iter().map(key));
    }

    /// Takes users out of the question who have an event that stays.
    pub(super) fn clear(&mut self, users: &[CountedUser]) {
        for user in users {
            self.in_question.remove(&key(user));
        }
    }
}

fn key(user: &CountedUser) -> (i64, i64, i64) {
    (user.project_id.0, user.issue_id.0, user.user_hash)
}

/// Rows that a dry run has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Seen {
    users: BTreeSet<(i64, i64)>,
    feedback: BTreeSet<i64>,
    attachments: BTreeSet<i64>,
    files: BTreeMap<String, u64>,
    /// How many events of an issue would go: project, issue, number.
    events: BTreeMap<i64, (i64, u64)>,
    /// Issues that would have no event any more.
    issues: BTreeSet<i64>,
}

impl Place {
    pub(super) fn new(is_dry_run: bool) -> Self {
        Self {
            seen: is_dry_run.then(Seen::default),
            ..Self::default()
        }
    }

    /// Begins another step.
    pub(super) fn go_to(&mut self, step: Step) {
        self.step = step;
        self.set_text(&TextRow::default());
    }

    /// The text that was done last.
    pub(super) fn text(&self) -> TextRow {
        TextRow {
            id: self.after,
            hash: from_hex(&self.hash),
            text: self.text.clone(),
        }
    }

    pub(super) fn set_text(&mut self, row: &TextRow) {
        self.after = row.id;
        self.hash = row.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.text.clone_from(&row.text);
    }

    pub(super) fn blobs(&self) -> Vec<BlobId> {
        let blobs = self.blobs.iter();
        blobs.filter_map(|blob| blob.parse().ok()).collect()
    }

    pub(super) fn set_blobs(&mut self, blobs: &[BlobId]) {
        self.blobs = blobs.iter().map(ToString::to_string).collect();
    }

    /// Counts what changes came to.
    pub(super) fn count(&mut self, applied: &Applied, report: &mut ErasureReport) {
        let Some(seen) = &mut self.seen else {
            report.attachments += applied.attachments.len() as u64;
            report.feedback += applied.feedback.len() as u64;
            report.users += applied.users.len() as u64;
            report.issues += applied.issues.len() as u64;
            let mut blobs = self.blobs();
            blobs.extend(&applied.blobs);
            blobs.sort_unstable();
            blobs.dedup();
            self.set_blobs(&blobs);
            return;
        };
        for (row, blob) in applied.attachments.iter().zip(&applied.blobs) {
            if seen.attachments.insert(*row) {
                report.attachments += 1;
                *seen.files.entry(blob.to_string()).or_default() += 1;
            }
        }
        let feedback = applied.feedback.iter();
        report.feedback += feedback.filter(|row| seen.feedback.insert(**row)).count() as u64;
        let users = applied.users.iter();
        let new = users.filter(|user| seen.users.insert((user.issue_id.0, user.user_hash)));
        report.users += new.count() as u64;
    }

    /// Counts the events that would go in a dry run.
    pub(super) fn count_events(&mut self, gone: &[Gone]) {
        let Some(seen) = &mut self.seen else { return };
        for gone in gone {
            if let Some(issue) = gone.issue_id {
                let (_, count) = seen.events.entry(issue.0).or_insert((gone.project_id.0, 0));
                *count += 1;
            }
        }
    }

    /// The issues of which events would go in a dry run, and how many.
    pub(super) fn counted_events(&self) -> Vec<(ProjectId, IssueId, u64)> {
        let events = self.seen.iter().flat_map(|seen| &seen.events);
        events
            .map(|(issue, (project, count))| (ProjectId(*project), IssueId(*issue), *count))
            .collect()
    }

    /// Notes that an issue would have no event any more.
    pub(super) fn empty_issue(&mut self, issue: IssueId) {
        if let Some(seen) = &mut self.seen {
            seen.issues.insert(issue.0);
        }
    }

    /// The issues that would have no event any more after a dry run.
    pub(super) fn empty_issues(&self) -> Vec<IssueId> {
        let issues = self.seen.iter().flat_map(|seen| &seen.issues);
        issues.copied().map(IssueId).collect()
    }

    /// Whether a dry run has counted this feedback as gone.
    pub(super) fn is_gone_feedback(&self, row: i64) -> bool {
        let seen = self.seen.as_ref();
        seen.is_some_and(|seen| seen.feedback.contains(&row))
    }

    /// Whether a dry run has counted this attachment as gone.
    pub(super) fn is_gone_attachment(&self, row: i64) -> bool {
        let seen = self.seen.as_ref();
        seen.is_some_and(|seen| seen.attachments.contains(&row))
    }

    /// The files of the attachments that a dry run has counted, and how many of them have each.
    pub(super) fn counted_files(&self) -> Vec<(BlobId, u64)> {
        let files = self.seen.iter().flat_map(|seen| &seen.files);
        files
            .filter_map(|(blob, count)| Some((blob.parse().ok()?, *count)))
            .collect()
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.filter_map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives() {
        let mut place = Place::new(true);
        place.go_to(Step::Texts(5));
        place.set_text(&TextRow {
            id: 3,
            hash: vec![0, 255, 16],
            text: "ä".to_owned(),
        });
        place.set_blobs(&[BlobId([7; 32])]);
        let text = serde_json::to_string(&place).unwrap();
        let read: Place = serde_json::from_str(&text).unwrap();
        assert_eq!(read, place);
        assert_eq!(read.text().hash, [0, 255, 16]);
        assert_eq!(read.blobs(), [BlobId([7; 32])]);
    }
}
