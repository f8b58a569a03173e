#![doc = include_str!("../README.md")]

pub mod explain;
pub mod normalize;
pub mod scrub;
