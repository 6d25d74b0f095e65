//! `tunnelproof_fuzz::run("client", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("client", data);
});
