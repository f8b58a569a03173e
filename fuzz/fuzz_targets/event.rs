//! See `bugle_fuzz::targets::event`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("event"),
    |input: &[u8]| bugle_fuzz::targets::event::run(input)
);
