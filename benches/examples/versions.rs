//! Prints the versions of the C libraries, as they tell them.

use tunnelproof_benches::{openssl, sodium};

fn main() {
    println!("OpenSSL: {}", openssl::version());
    println!("libsodium: {}", sodium::version());
}
