//! M2 with an SPKI that a server has to refuse, or whose parts are elsewhere: all are `bad_key`.

use num_bigint::BigUint;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::der::{
    Length, NULL, RSA_ENCRYPTION, Spki, algorithm, element,
};

use super::refuse;
use crate::live::case::Case;
use crate::live::wire::Request;

pub fn cases() -> Vec<Case> {
    let row = |(name, rule, about, m2): &'static Row| {
        let name = format!("request/{name}");
        let case = refuse(&name, &["HS-030", rule], &["bad_key"], *about, |stage| {
            let (mut peer, request) = stage.greeted()?;
            peer.send("M2", &m2(&request));
            stage.refused(peer)
        });
        case.in_group("request")
    };
    ROWS.iter().map(row).collect()
}

type Row = (&'static str, &'static str, &'static str, fn(&Request) -> Vec<u8>);

/// RSASSA-PSS instead of rsaEncryption.
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

static ROWS: &[Row] = &[
    ("key-4424-bits", "HS-005", "a modulus of one bit too few", |r| {
        beside(r, &keys::k4424().public.spki())
    }),
    ("key-8193-bits", "HS-006", "a modulus of one bit too many", |r| {
        beside(r, &keys::k8193().public.spki())
    }),
    ("key-exponent-3", "HS-008", "the exponent 3", |r| beside(r, &keys::k4552_e3().public.spki())),
    ("key-exponent-1", "HS-008", "the exponent 1: M3 would not be encrypted", |r| {
        beside(r, &Spki::new(&r.client.public.n, 1).octets())
    }),
    ("key-even", "HS-007", "an even modulus", |r| {
        beside(r, &Spki::new(&(&r.client.public.n - 1_u8), 65537).octets())
    }),
    ("key-negative", "HS-009", "a modulus without its first zero octet is negative", |r| {
        with(r, |spki| spki.modulus = spki.modulus.split_off(1))
    }),
    ("key-zero", "HS-009", "a modulus of zeros, as long as a right one", |r| {
        with(r, |spki| spki.modulus.fill(0))
    }),
    ("key-power-of-two", "HS-007", "the modulus 2^4551", |r| {
        beside(r, &Spki::new(&(BigUint::from(1_u8) << 4551), 65537).octets())
    }),
    ("key-pss", "HS-010", "the algorithm is RSASSA-PSS", |r| {
        with(r, |spki| spki.algorithm = algorithm(RSA_PSS, &element(NULL, &[])))
    }),
    ("key-without-null", "HS-010", "the parameters are missing", |r| {
        with(r, |spki| spki.algorithm = algorithm(RSA_ENCRYPTION, &[]))
    }),
    ("key-unused-bits", "HS-003", "the bit string has an unused bit", |r| {
        with(r, |spki| spki.unused = vec![1])
    }),
    ("key-longer-length", "HS-011", "a length in one octet too many", |r| {
        with(r, |spki| spki.lengths[0] = Length::Longer(1))
    }),
    ("key-indefinite-length", "HS-011", "an indefinite length", |r| {
        with(r, |spki| spki.lengths[0] = Length::Indefinite)
    }),
    ("key-padded-modulus", "HS-011", "the modulus has two zero octets first", |r| {
        with(r, |spki| spki.modulus.insert(0, 0))
    }),
    ("key-padded-exponent", "HS-011", "the exponent has a zero octet first", |r| {
        with(r, |spki| spki.exponent.insert(0, 0))
    }),
    ("key-tail-in-key", "HS-011", "an octet after the exponent", |r| {
        with(r, |spki| spki.after_exponent = vec![0])
    }),
    ("key-tail-in-bits", "HS-011", "an octet after the key, in the bit string", |r| {
        with(r, |spki| spki.after_key = vec![0])
    }),
    ("key-tail-in-sequence", "HS-011", "a NULL after the bit string", |r| {
        with(r, |spki| spki.after_bits = vec![5, 0])
    }),
    ("key-tail", "HS-011", "an octet between SPKI and C1", |r| {
        beside(r, &[&*r.spki(), &[0]].concat())
    }),
    ("key-pkcs1", "HS-003", "RSAPublicKey in the place of SubjectPublicKeyInfo", |r| {
        beside(r, &Spki::new(&keys::k8192().public.n, 65537).pkcs1())
    }),
    ("key-zeros", "HS-003", "zeros in the place of the SPKI", |r| beside(r, &[0; 607])),
    ("m2-front-cut", "HS-029", "M2 without its first octet", |r| r.m2()[1..].to_vec()),
    (
        "m2-end-cut",
        "HS-029",
        "M2 without its last octet: C1 is the last k octets, so the SPKI is cut",
        |r| {
            let m2 = r.m2();
            m2[..m2.len() - 1].to_vec()
        },
    ),
    ("m2-longer", "HS-029", "M2 with one octet more", |r| [&*r.m2(), &[0]].concat()),
    ("m2-twice", "HS-029", "M2 twice, as one message", |r| [r.m2(), r.m2()].concat()),
    ("m2-swapped", "HS-023", "C1 before the SPKI", |r| {
        let m2 = r.m2();
        let (spki, c1) = m2.split_at(r.spki().len());
        [c1, spki].concat()
    }),
    ("m2-4096", "FRAME-011", "4,096 zeros, the longest message allowed here", |_| vec![0; 4096]),
    ("m1-back", "HS-029", "M1 twice, back to the server", |r| [&*r.m1, &*r.m1].concat()),
];

/// This SPKI beside the honest C1.
fn beside(request: &Request, spki: &[u8]) -> Vec<u8> {
    let m2 = request.m2();
    [spki, &m2[request.spki().len()..]].concat()
}

/// The client's SPKI with one part changed.
fn with(request: &Request, change: impl Fn(&mut Spki)) -> Vec<u8> {
    let mut spki = Spki::new(&request.client.public.n, 65537);
    change(&mut spki);
    beside(request, &spki.octets())
}
