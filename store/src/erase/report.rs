//! What jobs report, in numbers: nothing in a report names a person.

use serde::{Deserialize, Serialize};

/// What erasing a person found, and erased unless it was a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErasureReport {
    /// Events of the person, with their bodies.
    pub events: u64,
    /// Transactions of the person.
    pub transactions: u64,
    /// Feedback by the person or about one of the events.
    pub feedback: u64,
    /// Attachments of those.
    pub attachments: u64,
    /// Files that were deleted with them; the others are attachments of somebody else, too.
    pub files: u64,
    /// How many times the person was counted as a user of an issue.
    pub users: u64,
    /// Issues all of whose events are gone, and what those said with them.
    pub issues: u64,
    /// Where others' data mentioned the person.
    pub mentions: Mentioned,
    /// Rows of others whose texts hold the identifier as a part of something longer, such as a longer address: they were left.
    pub near: u64,
    /// What still lies in the queue.
    pub queue: QueueReport,
    /// Rows that could not be read, and were left alone.
    pub unreadable: u64,
    /// Whether something was stored after what is stored was looked through for the last time: requests that came while the job
    /// ran, or that waited for too long. Erase once more.
    pub newer: bool,
    /// What was done to the database's files: `cleaned`, `compacted`, or why not. Empty for a dry run.
    pub storage: String,
}

/// How many rows mentioned the person in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mentioned {
    /// Events of others.
    pub events: u64,
    /// Transactions of others.
    pub transactions: u64,
    /// Texts of issues: title, culprit, metadata, releases, and what their hashes were made of.
    pub issues: u64,
    /// Texts of feedback of others.
    pub feedback: u64,
    /// Names of attachments of others.
    pub attachments: u64,
    /// Texts of rejections.
    pub rejections: u64,
    /// Names of environments and releases.
    pub names: u64,
}

/// Requests that mention the person; they cannot be edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueReport {
    /// Requests that wait to be processed.
    pub waiting: u64,
    /// Requests that were set aside or are to be retried, by the ids of `bugle queue ls`.
    pub aside: Vec<String>,
    /// Damaged segments, by the ids of `bugle queue ls`.
    pub damaged: Vec<String>,
    /// Files that could not be read, so that nobody knows.
    pub unknown: Vec<String>,
}

/// What applying the scrubbing rules to what is stored came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RescrubReport {
    /// Events that were looked at.
    pub events: u64,
    /// Those of them that had something to remove.
    pub changed_events: u64,
    /// Transactions that were looked at.
    pub transactions: u64,
    /// Those of them that had something to remove.
    pub changed_transactions: u64,
    /// Texts of issues that changed with their events.
    pub issues: u64,
    /// Events and transactions whose body could not be read, and which were left alone.
    pub unreadable: u64,
}

impl Mentioned {
    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events
            + self.transactions
            + self.issues
            + self.feedback
            + self.attachments
            + self.rejections
            + self.names
    }
}

impl QueueReport {
    /// Whether nothing in the queue mentions the person, as far as that can be known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ErasureReport {
    /// The numbers with what they count, for people to read.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let mentions = &self.mentions;
        vec![
            ("events", self.events),
            ("transactions", self.transactions),
            ("feedback", self.feedback),
            ("attachments", self.attachments),
            ("files of attachments", self.files),
            ("counted as a user of an issue", self.users),
            ("issues without events any more, made nameless", self.issues),
            ("mentions in events of others", mentions.events),
            ("mentions in transactions of others", mentions.transactions),
            ("mentions in texts of issues", mentions.issues),
            ("mentions in feedback of others", mentions.feedback),
            ("mentions in names of attachments", mentions.attachments),
            ("mentions in rejections", mentions.rejections),
            (
                "mentions in names of environments and releases",
                mentions.names,
            ),
            ("near misses, left as they are", self.near),
            ("rows that could not be read", self.unreadable),
        ]
    }
}

impl RescrubReport {
    /// The numbers with what they count, for people to read.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("events looked at", self.events),
            ("events changed", self.changed_events),
            ("transactions looked at", self.transactions),
            ("transactions changed", self.changed_transactions),
            ("texts of issues changed", self.issues),
            ("rows that could not be read", self.unreadable),
        ]
    }
}
