//! `tunnelproof_fuzz::run("token_body", ..)` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tunnelproof_fuzz::run("token_body", data);
});
