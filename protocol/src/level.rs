//! Severity levels.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Json;

/// An event's severity, in rising order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Of interest to developers only.
    Debug,
    /// Normal operation.
    Info,
    /// Something that deserves attention.
    Warning,
    /// A failure; what an event without a usable level is.
    #[default]
    Error,
    /// A crash.
    Fatal,
}

impl Level {
    /// All levels in rising order.
    pub const ALL: [Self; 5] = [
        Self::Debug,
        Self::Info,
        Self::Warning,
        Self::Error,
        Self::Fatal,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// Reads a level's name or one of the aliases that SDKs send: `log` and `critical`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "debug" => Self::Debug,
            "info" | "log" => Self::Info,
            "warning" => Self::Warning,
            "error" => Self::Error,
            "fatal" | "critical" => Self::Fatal,
            _ => return None,
        })
    }

    /// Reads a level from a name or from Python's numbers (10 to 50).
    #[must_use]
    pub fn from_json(json: &Json<'_>) -> Option<Self> {
        match json {
            Json::String(name) => Self::parse(name),
            Json::Number(number) => match number.as_u64()? {
                10 => Some(Self::Debug),
                20 => Some(Self::Info),
                30 => Some(Self::Warning),
                40 => Some(Self::Error),
                50 => Some(Self::Fatal),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
