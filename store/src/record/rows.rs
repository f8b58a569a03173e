//! What a batch is made of, and what storing makes of its events.

use bugle_protocol::{
    Charge, DataCategory, EventId, IssueId, KeyId, Level, Outcome, ProjectId, RuleHit, UnixMillis,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::blobs::BlobId;

/// What one pull from the queue became.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How far the queue is processed once this batch is stored; without it the batch came from no queue.
    pub cursor: Option<QueueCursor>,
    /// The events in the order of the queue.
    pub events: Vec<NewEvent>,
    /// The attachments.
    pub attachments: Vec<NewAttachment>,
    /// What users wrote.
    pub feedback: Vec<NewFeedback>,
    /// What became of the other items, and of those that were dropped.
    pub outcomes: Vec<OutcomeCount>,
    /// What the requests were charged.
    pub intake: Vec<IntakeCount>,
    /// What was not taken, for people to look at.
    pub rejections: Vec<NewRejection>,
    /// Transactions; one whose id is known already is a duplicate.
    pub transactions: Vec<NewTransaction>,
    /// What rules did.
    pub rule_hits: Vec<RuleHitCount>,
}

/// A place in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    /// Which queue.
    pub queue_id: String,
    /// The last record that is processed.
    pub position: u64,
}

/// An event that is ready to be stored.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// What it counts as: an error, or a browser's security report.
    pub category: DataCategory,
    /// Its id.
    pub event_id: EventId,
    /// When it happened.
    pub timestamp: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Its level.
    pub level: Level,
    /// Its platform.
    pub platform: String,
    /// `error`, `default`, `csp` …
    pub event_type: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// The headline.
    pub title: String,
    /// Whether the headline only says that there is none, so that it must not replace a better one of the issue.
    pub title_is_placeholder: bool,
    /// Where it happened.
    pub culprit: String,
    /// What the title was made of, a JSON object.
    pub metadata: String,
    /// Whether the program did not handle it.
    pub is_unhandled: bool,
    /// Its trace, 32 hex digits.
    pub trace_id: Option<String>,
    /// The user it happened to.
    pub user: Option<NewUser>,
    /// Its tags, a JSON list of pairs.
    pub tags: String,
    /// The algorithm that made the hashes.
    pub grouping_version: &'static str,
    /// The hashes in the order in which issues are looked up; at least one.
    pub hashes: Vec<NewHash>,
    /// The compressed body, see [`crate::compress`].
    pub payload: Vec<u8>,
}

/// A user as far as counting and listing goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// 64 bits of a hash of the identity: two users of one issue meet by chance once in 2^32 users.
    pub hash: i64,
    /// What lists show.
    pub label: String,
}

/// A grouping hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHash {
    /// The hash.
    pub hash: [u8; 32],
    /// The values it was made of, a JSON list.
    pub leaf_values: String,
}

/// A number of items that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutcomeCount {
    /// The project.
    pub project_id: ProjectId,
    /// The key they came with.
    pub key_id: KeyId,
    /// When they came in; only the hour is kept.
    pub received_at: UnixMillis,
    /// What they count as.
    pub category: DataCategory,
    /// How they ended.
    pub outcome: Outcome,
    /// How many. Below zero where a second try takes the outcome of the first one back.
    pub quantity: i64,
}

/// What a request was charged when it was taken in; quotas are filled again from these after a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntakeCount {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in; only the minute is kept.
    pub received_at: UnixMillis,
    /// What, and how much of it.
    pub charge: Charge,
}

/// A request or an item that was not taken, for people to look at. Nothing of its payload is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRejection {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The type of the item on the wire, empty for a whole request.
    pub item_type: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What exactly is wrong, in a sentence that names the limit or the place.
    pub detail: String,
    /// The client library, empty if it did not say.
    pub client: String,
    /// Bytes of the request or the item, as received.
    pub size: u64,
}

/// A file that came with an event, or for one. Its bytes are in the blob folder before the batch is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttachment {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// The event it belongs to, which need not be stored.
    pub event_id: EventId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The name of the file, of at most 255 characters.
    pub name: String,
    /// The media type as the client named it.
    pub content_type: Option<String>,
    /// `event.attachment`, `event.minidump` …
    pub attachment_type: String,
    /// The name of the blob.
    pub blob: BlobId,
    /// Bytes.
    pub size: u64,
}

/// What a user wrote, by itself or about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFeedback {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// Its own event id, or one made of what it says, so that a second delivery is a duplicate.
    pub feedback_id: EventId,
    /// The event it is about.
    pub event_id: Option<EventId>,
    /// The user's name.
    pub name: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    /// What the user wrote.
    pub message: String,
    /// The page it was written on.
    pub url: Option<String>,
    /// What the user wrote it in, such as `widget`.
    pub source: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
}

impl NewFeedback {
    /// The id of feedback about an event that brings none of its own: whoever says the same of the same event says it
    /// once.
    #[must_use]
    pub fn id_of(event_id: EventId, name: &str, email: &str, message: &str) -> EventId {
        let mut hash = Sha256::new();
        hash.update(event_id.as_bytes());
        for text in [name, email, message] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        EventId::from_bytes(id)
    }
}

/// A transaction that is ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTransaction {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// Its id.
    pub event_id: EventId,
    /// Its trace, 32 hex digits.
    pub trace_id: String,
    /// Its own span, 16 hex digits.
    pub span_id: String,
    /// Its name.
    pub name: String,
    /// Its operation, such as `http.server`.
    pub op: String,
    /// How it ended: `ok`, `internal_error` …
    pub status: String,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub timestamp: UnixMillis,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Its platform.
    pub platform: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// The user it happened to, as lists show it.
    pub user_label: Option<String>,
    /// Its tags, a JSON list of pairs.
    pub tags: String,
    /// The share of transactions that the client sends, if it said so.
    pub client_rate: Option<f64>,
    /// The share that sampling rules keep; 1 where none applied.
    pub server_rate: f64,
    /// The compressed body, see [`crate::compress`].
    pub payload: Vec<u8>,
}

/// A number of times that a rule did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHitCount {
    /// The project.
    pub project_id: ProjectId,
    /// When; only the day is kept.
    pub received_at: UnixMillis,
    /// Which rule.
    pub hit: RuleHit,
    /// How often.
    pub quantity: u64,
}

/// What storing made of an event, in the order of [`Batch::events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The project has an event of this id: nothing was stored, nothing counted but the outcome.
    Duplicate,
    /// The first event of a new issue.
    NewIssue(IssueId),
    /// An event of an issue that was resolved and is open again.
    Regression(IssueId),
    /// An event of a known issue.
    Seen(IssueId),
}

/// What storing made of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What became of the events, in the order of [`Batch::events`].
    pub events: Vec<Recorded>,
    /// What was counted; nothing if the batch was stored before.
    pub outcomes: Vec<CategoryCount>,
}

impl Recording {
    /// That of a batch whose cursor was passed before.
    pub(super) fn passed(batch: &Batch) -> Self {
        Self {
            events: vec![Recorded::Duplicate; batch.events.len()],
            outcomes: Vec::new(),
        }
    }
}

/// How much of a category ended in one way, whoever sent it and for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CategoryCount {
    /// The name of the category.
    pub category: &'static str,
    /// The name of the outcome.
    pub outcome: &'static str,
    /// How much of it, see [`OutcomeCount::quantity`].
    pub quantity: i64,
}
