//! M1: keys that a client has to refuse and such that it has to accept (sections 3.2 and 3.4).

use num_bigint::BigUint;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::der::{
    Length, NULL, RSA_ENCRYPTION, Spki, algorithm, element,
};
use tunnelproof_vectors::build::primitives::rsa::PrivateKey;
use tunnelproof_vectors::build::primitives::sha256;

use super::{Dial, accept, refuse};
use crate::live::Transport;
use crate::live::case::Case;

type Row = (&'static str, &'static str, &'static str, fn() -> Vec<u8>);

/// Name of the size, and the key.
type GoodKey = (&'static str, fn() -> &'static PrivateKey);
/// Name, what arrives, the rules, and M1.
type BadPin = (&'static str, &'static str, [&'static str; 2], fn() -> Vec<u8>);

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ROWS
        .iter()
        .map(|(name, rule, about, m1)| {
            let rules = &["HS-022", rule];
            let case = refuse(&format!("m1/{name}"), rules, &["bad_key"], *about, move |stage| {
                let mut peer = stage.dialled(&Dial::default())?;
                peer.send("M1", &m1());
                stage.refused(peer)
            });
            if *name == "empty" { case.only(Transport::Ws) } else { case.in_group("closing") }
        })
        .collect();
    let too_long = "4,097 octets in the place of M1";
    cases.push(refuse("m1/4097-octets", &["FRAME-011"], &["too_long"], too_long, |stage| {
        let mut peer = stage.dialled(&Dial::default())?;
        peer.send("M1", &[0; 4097]);
        stage.refused(peer)
    }));
    let good: [GoodKey; 4] = [
        ("4425-bits", keys::k4425),
        ("4432-bits", keys::k4432),
        ("4480-bits", keys::k4480_a),
        ("8192-bits", keys::k8192),
    ];
    for (name, key) in good {
        let about = format!("a server key of {name}");
        cases.push(accept(&format!("m1/{name}"), &["HS-004"], about, move |stage| {
            let mut peer = stage.dialled(&Dial::default())?;
            peer.send("M1", &key().public.spki());
            stage.request(peer, key())?.answer()?.close()
        }));
    }
    cases.push(accept("pin/right", &["HS-020"], "the client has the pin of M1", |stage| {
        let pin = Some(sha256(&[&keys::k4552_a().public.spki()]));
        stage.linked(&Dial { pin, ..Dial::default() })?.close()
    }));
    let pins: [BadPin; 3] = [
        ("other-key", "an M1 of another key", ["HS-020", "HS-022"], || {
            keys::k4552_c().public.spki()
        }),
        ("cut", "an M1 that is cut: the pin comes first", ["HS-021", "HS-020"], || {
            keys::k4552_a().public.spki()[..606].to_vec()
        }),
        ("longer", "the right M1 and one octet more", ["HS-021", "HS-020"], || {
            [keys::k4552_a().public.spki(), vec![0]].concat()
        }),
    ];
    for (name, about, rules, m1) in pins {
        cases.push(refuse(&format!("pin/{name}"), &rules, &["pin"], about, move |stage| {
            let pin = Some(sha256(&[&keys::k4552_a().public.spki()]));
            let mut peer = stage.dialled(&Dial { pin, ..Dial::default() })?;
            peer.send("M1", &m1());
            stage.refused(peer)
        }));
    }
    cases
}

fn with(change: impl Fn(&mut Spki)) -> Vec<u8> {
    let mut spki = Spki::new(&keys::k4552_a().public.n, 65537);
    change(&mut spki);
    spki.octets()
}

static ROWS: &[Row] = &[
    ("empty", "FRAME-005", "an empty message", Vec::new),
    ("one-octet", "HS-003", "one octet", || vec![0x30]),
    ("zeros", "HS-003", "607 zeros", || vec![0; 607]),
    ("4096-zeros", "FRAME-011", "4,096 zeros, the longest message allowed here", || vec![0; 4096]),
    ("cut", "HS-003", "without its last octet", || keys::k4552_a().public.spki()[..606].to_vec()),
    ("tail", "HS-011", "with one octet more", || [keys::k4552_a().public.spki(), vec![0]].concat()),
    ("twice", "HS-011", "twice in one message", || keys::k4552_a().public.spki().repeat(2)),
    ("4424-bits", "HS-005", "a modulus of one bit too few", || keys::k4424().public.spki()),
    ("8193-bits", "HS-006", "a modulus of one bit too many", || keys::k8193().public.spki()),
    ("exponent-3", "HS-008", "the exponent 3", || keys::k4552_e3().public.spki()),
    ("exponent-1", "HS-008", "the exponent 1: M2 would not be encrypted", || {
        Spki::new(&keys::k4552_a().public.n, 1).octets()
    }),
    ("even", "HS-007", "an even modulus", || {
        Spki::new(&(&keys::k4552_a().public.n - 1_u8), 65537).octets()
    }),
    ("power-of-two", "HS-007", "the modulus 2^4551", || {
        Spki::new(&(BigUint::from(1_u8) << 4551), 65537).octets()
    }),
    ("negative", "HS-009", "a modulus without its first zero octet", || {
        with(|spki| spki.modulus = spki.modulus.split_off(1))
    }),
    ("zero", "HS-009", "a modulus of zeros", || with(|spki| spki.modulus.fill(0))),
    ("without-null", "HS-010", "the parameters are missing", || {
        with(|spki| spki.algorithm = algorithm(RSA_ENCRYPTION, &[]))
    }),
    ("pss", "HS-010", "the algorithm is RSASSA-PSS", || {
        let pss = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
        with(|spki| spki.algorithm = algorithm(&pss, &element(NULL, &[])))
    }),
    ("unused-bits", "HS-003", "the bit string has an unused bit", || {
        with(|spki| spki.unused = vec![1])
    }),
    ("longer-length", "HS-011", "a length in one octet too many", || {
        with(|spki| spki.lengths[0] = Length::Longer(1))
    }),
    ("indefinite-length", "HS-011", "an indefinite length", || {
        with(|spki| spki.lengths[0] = Length::Indefinite)
    }),
    ("padded-modulus", "HS-011", "the modulus has two zero octets first", || {
        with(|spki| spki.modulus.insert(0, 0))
    }),
    ("tail-in-key", "HS-011", "an octet after the exponent", || {
        with(|spki| spki.after_exponent = vec![0])
    }),
    ("tail-in-sequence", "HS-011", "a NULL after the bit string", || {
        with(|spki| spki.after_bits = vec![5, 0])
    }),
    ("pkcs1", "HS-003", "RSAPublicKey in the place of SubjectPublicKeyInfo", || {
        Spki::new(&keys::k4552_a().public.n, 65537).pkcs1()
    }),
];
