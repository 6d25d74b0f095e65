//! `tunnelproof_fuzz::run("p3", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("p3", data);
});
