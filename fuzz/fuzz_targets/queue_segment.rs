//! See `bugle_fuzz::targets::queue_segment`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("queue_segment"),
    |input: &[u8]| bugle_fuzz::targets::queue_segment::run(input)
);
