#![doc = include_str!("../README.md")]

pub mod auth;
pub mod body;
pub mod charge;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod ids;
pub mod json;
pub mod level;
pub mod meta;
pub mod msgpack;
pub mod multipart;
pub mod outcome;
pub mod rate_limit;
pub mod release;
pub mod rule;
pub mod timestamp;

pub use auth::{Auth, AuthError, PublicKey};
pub use charge::{Charge, charges};
pub use dsn::Dsn;
pub use envelope::{Envelope, EnvelopeError, EnvelopeHeader, Item, ItemHeader, ItemType};
pub use event::Event;
pub use ids::{
    AttachmentId, EventId, IssueId, JobId, KeyId, OrganizationId, ProjectId, QuotaId,
    RuleVersionId, UserId,
};
pub use json::Json;
pub use level::Level;
pub use meta::Meta;
pub use outcome::{ClientReason, DataCategory, DiscardReason, FilterReason, LimitReason, Outcome};
pub use rate_limit::{LimitScope, RateLimit};
pub use release::{InvalidRelease, Release, Version};
pub use rule::{RuleHit, RuleName, RuleTopic};
pub use timestamp::UnixMillis;
