//! See `bugle_fuzz::targets::rules`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("rules"),
    |input: &[u8]| bugle_fuzz::targets::rules::run(input)
);
