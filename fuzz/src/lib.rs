#![doc = include_str!("../README.md")]

pub mod captures;
pub mod corpus;
pub mod mutate;
pub mod run;
pub mod targets;
