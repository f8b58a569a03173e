//! The binary `bugle`.
fn main() {}
