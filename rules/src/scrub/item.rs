//! Items that are no events.

use super::schema::{CHECK_IN, Field, LOG, SPAN};

/// What is scrubbed on its own, outside an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A span that came without its transaction.
    Span,
    /// A log message, with its `attributes`.
    Log,
    /// A run of a monitor.
    CheckIn,
}

impl ItemKind {
    pub(super) fn field(self) -> &'static Field {
        match self {
            Self::Span => &SPAN,
            Self::Log => &LOG,
            Self::CheckIn => &CHECK_IN,
        }
    }
}
