#![doc = include_str!("../README.md")]

mod chain;
mod classify;
mod crash;
mod enhancements;
mod exception;
pub mod explain;
mod family;
mod fingerprint;
mod frame;
mod frame_fields;
mod function_name;
mod group;
mod java;
mod lexer;
mod message;
mod parameterize;
mod pattern;
mod result;
mod rules;
mod security;
mod stack;
mod title;

pub use classify::classify;
pub use group::group;
pub use lexer::RuleError;
pub use parameterize::parameterize;
pub use result::{
    GroupHash, Grouping, GroupingVersion, Leaf, LeafKind, MatchedRule, Metadata, Variant,
    VariantKind, VariantName,
};
pub use rules::Rules;
