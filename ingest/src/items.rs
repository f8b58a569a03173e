//! How many items of a kind an envelope may hold, and how large they may be.

use bugle_protocol::{Item, ItemType};

use crate::Limits;

/// Content types of containers begin so: one item that holds many logs, spans or metrics.
const CONTAINER: &str = "application/vnd.sentry.items.";

/// An envelope holds too much of one kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("envelope exceeded size limits for type '{item_type}' ({limit})")]
pub struct ItemOverflow {
    /// The item's type on the wire.
    pub item_type: String,
    /// The limit it exceeded.
    pub limit: ItemLimit,
}

/// What an item exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemLimit {
    /// So many items.
    #[error("at most {0} per envelope")]
    Items(usize),
    /// So many bytes in one item.
    #[error("at most {0} bytes each")]
    ItemBytes(usize),
    /// So many bytes in all items of the kind.
    #[error("at most {0} bytes together")]
    TotalBytes(usize),
}

/// Kinds of items that are counted together.
#[derive(Clone, Copy)]
enum Group {
    Event,
    Report,
    Attachment,
    UserReport,
    Session,
    ClientReport,
    CheckIn,
    Log,
    StandaloneLog,
    Span,
    StandaloneSpan,
    TraceMetric,
    Metric,
    Profile,
    ProfileChunk,
    ReplayRecording,
    ReplayVideo,
}

/// How many groups there are.
const GROUPS: usize = Group::ReplayVideo as usize + 1;

/// What an envelope may hold of a group.
struct Quota {
    items: usize,
    item_bytes: usize,
    total_bytes: usize,
}

/// What an envelope holds of a group.
#[derive(Clone, Copy, Default)]
struct Tally {
    items: usize,
    bytes: usize,
}

/// Checks the items of an envelope against the limits. Types that are not known are bounded by the envelope alone.
///
/// # Errors
/// [`ItemOverflow`] names the first item that is too much.
pub(crate) fn check_items(items: &[Item<'_>], limits: &Limits) -> Result<(), ItemOverflow> {
    let mut tallies = [Tally::default(); GROUPS];
    for item in items {
        let Some(group) = Group::of(item) else {
            continue;
        };
        let tally = &mut tallies[group as usize];
        tally.items += 1;
        tally.bytes += item.payload.len();
        if let Some(limit) = group.quota(limits).exceeded(*tally, item.payload.len()) {
            let item_type = item.header.item_type.to_string();
            return Err(ItemOverflow { item_type, limit });
        }
    }
    Ok(())
}

impl Quota {
    fn exceeded(&self, tally: Tally, item_bytes: usize) -> Option<ItemLimit> {
        if item_bytes > self.item_bytes {
            return Some(ItemLimit::ItemBytes(self.item_bytes));
        }
        if tally.items > self.items {
            return Some(ItemLimit::Items(self.items));
        }
        (tally.bytes > self.total_bytes).then_some(ItemLimit::TotalBytes(self.total_bytes))
    }
}

impl Group {
    fn of(item: &Item<'_>) -> Option<Self> {
        Some(match item.header.item_type {
            ItemType::Event
            | ItemType::Transaction
            | ItemType::Security
            | ItemType::ReplayEvent
            | ItemType::Feedback
            | ItemType::FormData => Self::Event,
            ItemType::RawSecurity | ItemType::Nel => Self::Report,
            ItemType::Attachment | ItemType::UnrealReport => Self::Attachment,
            ItemType::UserReport => Self::UserReport,
            ItemType::Session | ItemType::Sessions => Self::Session,
            ItemType::ClientReport => Self::ClientReport,
            ItemType::CheckIn => Self::CheckIn,
            ItemType::Log => Self::Log,
            ItemType::OtelLog => Self::StandaloneLog,
            ItemType::Span if is_container(item) => Self::Span,
            ItemType::Span | ItemType::OtelSpan => Self::StandaloneSpan,
            ItemType::TraceMetric => Self::TraceMetric,
            ItemType::Statsd | ItemType::MetricBuckets => Self::Metric,
            ItemType::Profile => Self::Profile,
            ItemType::ProfileChunk => Self::ProfileChunk,
            ItemType::ReplayRecording => Self::ReplayRecording,
            ItemType::ReplayVideo => Self::ReplayVideo,
            ItemType::MetricMeta | ItemType::Unknown(_) => return None,
        })
    }

    fn quota(self, limits: &Limits) -> Quota {
        let (items, item_bytes) = match self {
            Self::Event => (1, limits.max_event_bytes),
            Self::Report => (limits.max_reports, limits.max_event_bytes),
            Self::Attachment => (limits.max_attachments, limits.max_attachment_bytes),
            Self::UserReport => (limits.max_attachments, limits.max_event_bytes),
            Self::Session => (limits.max_sessions, limits.max_session_bytes),
            Self::ClientReport => (limits.max_client_reports, limits.max_client_report_bytes),
            Self::CheckIn => (1, limits.max_check_in_bytes),
            Self::Log | Self::Span | Self::TraceMetric => (1, limits.max_container_bytes),
            Self::StandaloneLog => (limits.max_standalone_logs, limits.max_container_bytes),
            Self::StandaloneSpan => (limits.max_standalone_spans, limits.max_container_bytes),
            Self::Metric => (1, limits.max_statsd_bytes),
            Self::Profile | Self::ProfileChunk => (1, limits.max_profile_bytes),
            Self::ReplayRecording | Self::ReplayVideo => (1, limits.max_replay_bytes),
        };
        let total_bytes = match self {
            Self::Attachment => limits.max_attachments_bytes,
            _ => limits.max_envelope_bytes,
        };
        Quota {
            items,
            item_bytes,
            total_bytes,
        }
    }
}

fn is_container(item: &Item<'_>) -> bool {
    item.header
        .get_str("content_type")
        .is_some_and(|content_type| content_type.starts_with(CONTAINER))
}
