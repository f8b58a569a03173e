#![doc = include_str!("../README.md")]

pub mod ast;
pub mod error;
pub mod glob;
pub mod literal;
mod matching;
mod network;
mod parser;
mod print;
pub mod rules;
mod version;

pub use ast::{Expr, Key, Operator, Query, Span, Term, Test, Value};
pub use error::{ParseError, Problem};
pub use glob::Glob;
pub use literal::Literal;
pub use matching::{Fields, Values};
pub use network::{Network, NetworkError};
pub use parser::{MAX_BYTES, MAX_DEPTH};
pub use rules::{Rule, RuleError, RuleSet};
