//! See `bugle_fuzz::targets::headers`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("headers"),
    |input: &[u8]| bugle_fuzz::targets::headers::run(input)
);
