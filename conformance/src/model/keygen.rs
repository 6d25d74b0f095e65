//! Fresh RSA keys, for a party that is given none.

use num_bigint::BigUint;

use super::der::{element, integer};

/// Bits of each prime: half of the 4552 of HS-002.
const BITS: usize = 2276;

/// Odd numbers that are sieved from one random start.
const WINDOW: usize = 1 << 13;

/// Primes that the sieve uses are below this.
const SMALL: u32 = 1 << 15;

/// A new RSA key of 4552 bits with the exponent 65537, as PKCS#8.
///
/// # Errors
/// If the operating system gives no random octets.
pub fn generate() -> Result<Vec<u8>, getrandom::Error> {
    let e = BigUint::from(65537u32);
    let one = BigUint::from(1u8);
    loop {
        let (p, q) = (prime()?, prime()?);
        let (p, q) = if p > q { (p, q) } else { (q, p) };
        let (p_1, q_1) = (&p - &one, &q - &one);
        let (Some(d), Some(q_inverse)) = (e.modinv(&(&p_1 * &q_1)), q.modinv(&p)) else {
            continue; // 65537 divides p - 1 or q - 1, or p is q
        };
        let n = &p * &q;
        let numbers = [&n, &e, &d, &p, &q, &(&d % p_1), &(&d % q_1), &q_inverse];
        let mut key = element(0x02, &[0]); // version
        for number in numbers {
            key.extend(integer(&number.to_bytes_be()));
        }
        let rsa_encryption = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        let algorithm = [element(0x06, &rsa_encryption), element(0x05, &[])].concat();
        let info =
            [element(0x02, &[0]), element(0x30, &algorithm), element(0x04, &element(0x30, &key))];
        return Ok(element(0x30, &info.concat()));
    }
}

/// A random prime with its two highest bits set.
fn prime() -> Result<BigUint, getrandom::Error> {
    let small = small_primes();
    loop {
        let mut octets = vec![0; BITS.div_ceil(8)];
        getrandom::fill(&mut octets)?;
        octets[0] &= 0x0f; // 2276 = 8 * 284 + 4
        octets[0] |= 0x0c;
        if let Some(last) = octets.last_mut() {
            *last |= 1;
        }
        let start = BigUint::from_bytes_be(&octets);
        let found = candidates(&start, &small).find(is_probably_prime);
        if let Some(prime) = found {
            return Ok(prime);
        }
    }
}

/// The numbers start, start + 2, ... that no small prime divides.
fn candidates(start: &BigUint, small: &[u32]) -> impl Iterator<Item = BigUint> {
    let mut composite = vec![false; WINDOW];
    for &divisor in small {
        let rest = (start % divisor).iter_u32_digits().next().unwrap_or(0);
        // start + 2i = 0 (mod divisor): i = (divisor - rest) / 2, or half a divisor more.
        let to_zero = (divisor - rest) % divisor;
        let first = if to_zero.is_multiple_of(2) { to_zero } else { to_zero + divisor } / 2;
        composite.iter_mut().skip(first as usize).step_by(divisor as usize).for_each(|c| *c = true);
    }
    let start = start.clone();
    (0..WINDOW).filter(move |&i| !composite[i]).map(move |i| &start + 2 * i)
}

/// Miller and Rabin's test to a few bases; for a random number of this size one is plenty.
fn is_probably_prime(n: &BigUint) -> bool {
    let one = BigUint::from(1u8);
    let minus_one = n - &one;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    [2u8, 3, 5].into_iter().all(|base| {
        let mut power = BigUint::from(base).modpow(&odd, n);
        if power == one {
            return true;
        }
        for _ in 0..twos {
            if power == minus_one {
                return true;
            }
            power = &power * &power % n;
        }
        false
    })
}

/// The odd primes below [`SMALL`].
fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for number in (3..SMALL).step_by(2) {
        let is_prime = primes
            .iter()
            .take_while(|&&prime| prime * prime <= number)
            .all(|prime| !number.is_multiple_of(*prime));
        if is_prime {
            primes.push(number);
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use std::sync::Arc;

    #[test]
    fn a_new_key_opens_what_is_encrypted_for_it() {
        let model = Model::new(None, Arc::default());
        let key = model.private_key(&generate().expect("a key")).expect("is read");
        assert_eq!(key.public.n.bits(), 4552);
        let ciphertext = model.encrypt(&key.public, b"hello");
        assert_eq!(model.decrypt(&key, &ciphertext).expect("opens"), b"hello");
    }

    #[test]
    fn small_numbers_are_told_apart() {
        let primes: Vec<u32> =
            (7..100).filter(|&n| n % 2 == 1 && is_probably_prime(&BigUint::from(n))).collect();
        assert_eq!(primes[..5], [7, 11, 13, 17, 19]);
        assert_eq!(primes.len(), 22);
    }
}
