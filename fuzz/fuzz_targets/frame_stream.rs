//! `tunnelproof_fuzz::run("frame_stream", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("frame_stream", data);
});
