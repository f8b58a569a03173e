#![doc = include_str!("../README.md")]

mod aside;
mod batch;
pub mod explain;
mod items;
mod jobs;
mod measure;
pub mod normalize;
mod pool;
mod processor;
mod refused;
mod request;
mod rule_book;
mod settle;
mod verdict;

pub use jobs::Jobs;
pub use processor::Processor;
