//! See `bugle_fuzz::targets::msgpack`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bugle_fuzz::corpus::fill("msgpack"),
    |input: &[u8]| bugle_fuzz::targets::msgpack::run(input)
);
