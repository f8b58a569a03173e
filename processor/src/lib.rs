#![doc = include_str!("../README.md")]

mod batch;
pub mod explain;
mod items;
pub mod normalize;
mod processor;
mod request;
pub mod scrub;

pub use processor::Processor;
pub use request::Rules;
