//! See `bugle_fuzz::targets::queue_record`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("queue_record"),
    |input: &[u8]| bugle_fuzz::targets::queue_record::run(input)
);
