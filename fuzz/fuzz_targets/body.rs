#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bugle_fuzz::targets::body::run(input));
