//! See `bugle_fuzz::targets::body`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("body"),
    |input: &[u8]| bugle_fuzz::targets::body::run(input)
);
