//! See `bugle_fuzz::targets::query`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("query"),
    |input: &[u8]| bugle_fuzz::targets::query::run(input)
);
