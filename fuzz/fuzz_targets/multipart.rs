//! See `bugle_fuzz::targets::multipart`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("multipart"),
    |input: &[u8]| bugle_fuzz::targets::multipart::run(input)
);
