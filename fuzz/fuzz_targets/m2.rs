//! `tunnelproof_fuzz::run("m2", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("m2", data);
});
