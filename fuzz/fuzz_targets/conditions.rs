//! See `bugle_fuzz::targets::conditions`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("conditions"),
    |input: &[u8]| bugle_fuzz::targets::conditions::run(input)
);
