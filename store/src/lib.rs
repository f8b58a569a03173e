#![doc = include_str!("../README.md")]

mod attachments;
mod blobs;
mod db;
mod download;
mod durably;
mod erase;
mod error;
mod events;
mod feedback;
mod intake;
mod issues;
mod jobs;
mod keys;
mod migrate;
mod organizations;
mod outbox;
mod outcomes;
mod password;
mod payload;
mod people;
mod projects;
pub mod queue;
mod quotas;
mod recent;
pub mod record;
mod rejections;
mod rules;
mod search;
mod sessions;
mod settings;
mod spikes;
mod text;
mod tokens;
mod transactions;
mod usage;
mod users;

pub use attachments::Attachment;
pub use blobs::{BlobId, Blobs};
pub use db::{Options, Store};
pub use durably::make_private_folder;
pub use erase::{
    Applied, Changes, Cleaned, CountedUser, ErasureReport, ExportCursor, Gone, Mentioned,
    QueueReport, RemovedBlobs, RescrubReport, Rewrite, StoredKind, StoredRow, TextChange,
    TextColumn, TextRow,
};
pub use error::StoreError;
pub use events::{EventNeighbours, EventRow, IssueOfEvent, StoredEvent};
pub use feedback::{Feedback, FeedbackCursor, FeedbackPage};
pub use intake::UsageScope;
pub use issues::{
    Cursor, Issue, IssueFilter, IssuePage, IssueStatus, IssueSubstatus, StatusCounts,
};
pub use jobs::{Checkpoint, ClaimedJob, Job, JobKind, JobParameters, JobState, NewJob};
pub use keys::ProjectKey;
pub use organizations::Organization;
pub use outbox::{Notice, NoticeKind};
pub use outcomes::{OutcomePoint, OutcomeQuery, OutcomeStep, OutcomeTotal};
pub use password::{PasswordError, PasswordHash, WeakPassword};
pub use payload::{compress, decompress};
pub use people::{ERASED, Mentions, Person, PersonError, user_hash};
pub use projects::{NewProject, Project, slugify};
pub use quotas::{NewQuota, Quota, QuotaTarget, check_window};
pub use recent::StoredBody;
pub use record::{
    Batch, CategoryCount, IntakeCount, NewAttachment, NewEvent, NewFeedback, NewHash, NewRejection,
    NewTransaction, NewUser, OutcomeCount, QueueCursor, Recorded, Recording, RuleHitCount,
};
pub use rejections::Rejection;
pub use rules::{NewRuleVersion, RuleHits, RuleOwner, RuleVersion, Saved};
pub use sessions::{Session, SessionToken};
pub use tokens::{ApiToken, Scope};
pub use transactions::{StoredTransaction, TransactionRow};
pub use usage::Connections;
pub use users::{Role, User};
