//! `tunnelproof_fuzz::run("p1", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("p1", data);
});
