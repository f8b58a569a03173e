//! See `bugle_fuzz::targets::envelope`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("envelope"),
    |input: &[u8]| bugle_fuzz::targets::envelope::run(input)
);
