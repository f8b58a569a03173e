#![doc = include_str!("../README.md")]

mod documents;
pub mod explain;
pub mod facts;
pub mod filter;
mod lines;
pub mod pattern;
mod plain;
mod presets;
mod problem;
mod project;
pub mod rehearsal;
pub mod sample;
pub mod scrub;
pub mod sentry;
pub mod tag;

pub use documents::{FiltersDocument, SamplingDocument, ScrubbingDocument, TagsDocument};
pub use facts::{Facts, Sender};
pub use filter::{FilterHit, Filters};
pub use lines::{NamedLine, hints, named_lines};
pub use plain::{plain_error, plain_reason};
pub use presets::{Place, Preset};
pub use problem::Problem;
pub use project::{Documents, Known, ProjectRules};
pub use sample::{Draw, Sampling};
pub use tag::Tags;
