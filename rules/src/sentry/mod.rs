//! Rules in the forms in which Sentry keeps them: conditions, generic filters, sampling configurations. They can be
//! checked, asked, and turned into our own lines ([`to_lines`]).

mod condition;
mod fields;
mod globs;
mod import;
mod names;
mod sampling;
mod terms;

pub use condition::{Condition, ConfigError, Operator, Patterns};
pub use fields::{FieldValue, Fields, OwnEvent, Trace};
pub use import::{ImportError, to_lines};
pub use sampling::{Kind, Match, SamplingConfig, SamplingRule, SamplingValue, decide};
