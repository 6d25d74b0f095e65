//! A record of 2^24 octets that repeats 32 octets, so that a vector can hold it.
//!
//! The octets are `u1 u2 u1 u2 ...`; the last `u2` is the tag. GHASH is linear in the ciphertext's
//! blocks, so the `u2` that authenticates what it is itself part of is the solution of an equation
//! in GF(2^128):
//!
//! ```text
//! tag = A * u1 + B * u2 + lengths * H + E(J0)     with  tag = u2
//! A = H^2 + H^4 + ... + H^(2^20)                  the odd blocks
//! B = H^3 + H^5 + ... + H^(2^20 - 1)              the even blocks
//! ```

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Block, BlockCipherEncrypt, KeyInit};

use super::RECORD_MAX;
use crate::build::primitives::stream_array;
use crate::build::protocol::{DATA, generation, record_nonce};

/// The 32 octets whose repetition is data record `n` of 2^24 octets, under the chain key of its generation.
#[must_use]
pub fn unit(chain: &[u8; 32], n: u64) -> [u8; 32] {
    let keys = generation(chain);
    let nonce = record_nonce(&keys.iv, n);
    let encrypt = |counter: u32| {
        let mut block = [0; 16];
        block[..12].copy_from_slice(&nonce);
        block[12..].copy_from_slice(&counter.to_be_bytes());
        aes(&keys.key, block)
    };
    let h = u128::from_be_bytes(aes(&keys.key, [0; 16]));
    let mut u1: [u8; 16] = stream_array("longest record");
    u1[0] = encrypt(2)[0] ^ DATA;
    let u1 = u128::from_be_bytes(u1);
    let blocks = RECORD_MAX as u64 / 16;
    let x = multiply(h, h);
    let sum = geometric(x, blocks / 2);
    let (a, b) = (multiply(x, sum), multiply(h, sum ^ ONE));
    // No additional data; the ciphertext's length in bits.
    let lengths = u128::from((blocks - 1) * 128);
    let right = multiply(a, u1) ^ multiply(lengths, h) ^ u128::from_be_bytes(encrypt(1));
    let u2 = multiply(right, inverse(ONE ^ b));
    let mut unit = [0; 32];
    unit[..16].copy_from_slice(&u1.to_be_bytes());
    unit[16..].copy_from_slice(&u2.to_be_bytes());
    unit
}

fn aes(key: &[u8; 32], block: [u8; 16]) -> [u8; 16] {
    let mut block = Block::<Aes256>::from(block);
    Aes256::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

/// 1 in GCM's order of bits: the first bit is that of x^0.
const ONE: u128 = 1 << 127;

/// The product in GF(2^128) (NIST SP 800-38D, section 6.3).
fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut v) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            product ^= v;
        }
        let carry = v & 1;
        v >>= 1;
        if carry == 1 {
            v ^= 0xe1 << 120;
        }
    }
    product
}

fn power(x: u128, exponent: u128) -> u128 {
    let mut product = ONE;
    for bit in (0..128).rev() {
        product = multiply(product, product);
        if exponent >> bit & 1 == 1 {
            product = multiply(product, x);
        }
    }
    product
}

fn inverse(x: u128) -> u128 {
    power(x, u128::MAX - 1)
}

/// 1 + x + ... + x^(n - 1).
fn geometric(x: u128, n: u64) -> u128 {
    multiply(power(x, n.into()) ^ ONE, inverse(x ^ ONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_that_of_gcm() {
        let (x, y) = (0x1234 << 64 | 0x99, 0xabcd << 100 | 7);
        assert_eq!(multiply(x, ONE), x);
        assert_eq!(multiply(x, y), multiply(y, x));
        assert_eq!(multiply(x, inverse(x)), ONE);
        let sum = ONE ^ x ^ multiply(x, x) ^ power(x, 3);
        assert_eq!(geometric(x, 4), sum);
    }
}
