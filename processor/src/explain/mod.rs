//! Answers questions about what processing would do, for users who try rules and for the suites.

pub mod normalize;
pub mod scrub;
