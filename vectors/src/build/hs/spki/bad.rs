//! Octets that are no acceptable RSA public key, each for one reason.

use num_bigint::BigUint;

use super::{Bad, is_acceptable, modulus, spki_of};
use crate::build::keys;
use crate::build::primitives::der::{
    self, BIT_STRING, INTEGER, Length, NULL, OCTET_STRING, OID, RSA_ENCRYPTION, SEQUENCE, Spki,
};
use crate::build::primitives::stream;

pub(super) fn numbers(bad: &mut Bad, n: &BigUint) {
    let one = BigUint::from(1_u8);
    bad.push("bits-4424", keys::k4424().public.spki(), "HS-005", "the modulus has 4424 bits");
    bad.push("bits-8193", keys::k8193().public.spki(), "HS-006", "the modulus has 8193 bits");
    bad.push(
        "largest-4424",
        spki_of(&((&one << 4424) - 1_u8)),
        "HS-005",
        "the modulus is the largest of 4424 bits",
    );
    bad.push(
        "smallest-8193",
        spki_of(&((&one << 8192) + 1_u8)),
        "HS-006",
        "the modulus is the smallest of 8193 bits",
    );
    for bits in [512, 1024, 2048, 3072, 4096, 4416] {
        bad.push(
            &format!("bits-{bits}"),
            spki_of(&modulus(bits)),
            "HS-005",
            &format!("the modulus has {bits} bits"),
        );
    }
    for bits in [8200, 16384] {
        bad.push(
            &format!("bits-{bits}"),
            spki_of(&modulus(bits)),
            "HS-006",
            &format!("the modulus has {bits} bits"),
        );
    }
    bad.push("modulus-one", spki_of(&one), "HS-005", "the modulus is 1");
    bad.push("even", spki_of(&(n - 1_u8)), "HS-007", "the modulus is even");
    bad.push("even-power-of-two", spki_of(&(&one << 4551)), "HS-007", "the modulus is 2^4551");
    bad.push(
        "even-4480",
        spki_of(&(&modulus(4480) + 1_u8)),
        "HS-007",
        "the modulus of 4480 bits is even",
    );
    bad.with("modulus-zero", n, "HS-009", "the modulus is 0", |spki| spki.modulus = vec![0]);
    bad.with("modulus-zero-long", n, "HS-009", "the modulus is 0 in 569 octets", |spki| {
        spki.modulus = vec![0; 569]
    });
    bad.with(
        "modulus-negative",
        n,
        "HS-009",
        "the zero octet before the modulus is missing, so it is negative",
        |spki| {
            spki.modulus.remove(0);
        },
    );
    bad.with("modulus-minus-one", n, "HS-009", "the modulus is -1", |spki| {
        spki.modulus = vec![0xff]
    });
    bad.with("modulus-empty", n, "HS-011", "the modulus has no octets", |spki| {
        spki.modulus.clear()
    });
    for e in [1_u32, 2, 3, 17, 257, 65535, 65536, 65539, 0x0001_0002, 0x0100_0001, 0xffff_ffff] {
        bad.push(
            &format!("exponent-{e}"),
            Spki::new(n, e).octets(),
            "HS-008",
            &format!("the exponent is {e}"),
        );
    }
    bad.push(
        "key-exponent-3",
        keys::k4552_e3().public.spki(),
        "HS-008",
        "a real key with the exponent 3",
    );
    let mut exponent = |name: &str, contents: &[u8], rule, flaw: &str| {
        bad.with(name, n, rule, flaw, |spki| spki.exponent = contents.to_vec());
    };
    exponent("exponent-zero", &[0], "HS-008", "the exponent is 0");
    exponent("exponent-negative", &[0xff], "HS-008", "the exponent is -1");
    exponent("exponent-empty", &[], "HS-011", "the exponent has no octets");
    exponent("exponent-leading-zero", &[0, 1, 0, 1], "HS-011", "a zero octet before the exponent");
    exponent(
        "exponent-two-leading-zeros",
        &[0, 0, 1, 0, 1],
        "HS-011",
        "two zero octets before the exponent",
    );
    exponent(
        "exponent-64-bits-more",
        &[1, 0, 0, 0, 0, 0, 1, 0, 1],
        "HS-008",
        "the exponent is 2^64 + 65537, which wraps to 65537",
    );
    exponent(
        "exponent-32-bits-more",
        &[1, 0, 1, 0, 1],
        "HS-008",
        "the exponent is 2^32 + 65537, which wraps to 65537",
    );
    bad.with("modulus-leading-zero", n, "HS-011", "two zero octets before the modulus", |spki| {
        spki.modulus.insert(0, 0);
    });
    let odd_size = (&one << 4550) + 1_u8;
    bad.with(
        "modulus-needless-zero",
        &odd_size,
        "HS-011",
        "a zero octet before a modulus whose top bit is clear",
        |spki| {
            spki.modulus.insert(0, 0);
        },
    );
}

pub(super) fn algorithms(bad: &mut Bad, n: &BigUint) {
    let null = der::element(NULL, &[]);
    let mut algorithm = |name: &str, octets: Vec<u8>, flaw: &str| {
        bad.with(name, n, "HS-010", flaw, |spki| spki.algorithm = octets);
    };
    let rsa = |parameters: &[u8]| der::algorithm(RSA_ENCRYPTION, parameters);
    algorithm("missing-null", rsa(&[]), "no parameters instead of NULL");
    algorithm("null-with-contents", rsa(&[NULL, 1, 0]), "NULL with an octet of contents");
    algorithm(
        "parameters-sequence",
        rsa(&der::element(SEQUENCE, &[])),
        "an empty SEQUENCE instead of NULL",
    );
    algorithm("parameters-integer", rsa(&der::element(INTEGER, &[0])), "INTEGER 0 instead of NULL");
    algorithm(
        "parameters-octet-string",
        rsa(&der::element(OCTET_STRING, &[])),
        "an empty OCTET STRING instead of NULL",
    );
    algorithm(
        "parameters-oid",
        rsa(&der::element(OID, RSA_ENCRYPTION)),
        "an OBJECT IDENTIFIER instead of NULL",
    );
    algorithm("null-twice", rsa(&[&*null, &null].concat()), "NULL twice");
    for (name, oid, flaw) in [
        ("oid-oaep", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7][..], "the OID id-RSAES-OAEP"),
        ("oid-pss", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "the OID id-RSASSA-PSS"),
        (
            "oid-sha256-rsa",
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
            "the OID sha256WithRSAEncryption",
        ),
        (
            "oid-md2-rsa",
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2],
            "the OID after rsaEncryption",
        ),
        ("oid-dh", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1], "the OID dhKeyAgreement"),
        ("oid-ec", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], "the OID id-ecPublicKey"),
        ("oid-x500-rsa", &[0x55, 8, 1, 1], "the OID of RSA in X.509's own arc"),
        (
            "oid-one-arc-more",
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 1],
            "an OID below rsaEncryption",
        ),
        ("oid-one-arc-less", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1], "the OID pkcs-1"),
        (
            "oid-padded-arc",
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x80, 1],
            "rsaEncryption with a padded last arc",
        ),
        ("oid-empty", &[], "an OID without octets"),
    ] {
        algorithm(name, der::algorithm(oid, &null), flaw);
    }
    algorithm(
        "algorithm-empty",
        der::element(SEQUENCE, &[]),
        "an AlgorithmIdentifier without contents",
    );
    algorithm("algorithm-missing", Vec::new(), "no AlgorithmIdentifier");
    let set = [&[0x31_u8, 0x0d][..], &rsa(&null)[2..]].concat();
    algorithm("algorithm-set", set, "the AlgorithmIdentifier is a SET");
    let swapped = der::element(SEQUENCE, &[&*null, &der::element(OID, RSA_ENCRYPTION)].concat());
    algorithm("algorithm-swapped", swapped, "NULL before the OID");
}

/// Lengths that are not DER, at each level.
pub(super) fn lengths(bad: &mut Bad, n: &BigUint) {
    const LEVELS: [(&str, &str); 5] = [
        ("outer", "SubjectPublicKeyInfo"),
        ("bit-string", "the BIT STRING"),
        ("key", "RSAPublicKey"),
        ("modulus", "the modulus"),
        ("exponent", "the exponent"),
    ];
    for (level, (name, what)) in LEVELS.into_iter().enumerate() {
        for (kind, length, how) in [
            ("indefinite", Length::Indefinite, "an indefinite length"),
            ("longer", Length::Longer(1), "a length octet too many"),
            ("longer-by-4", Length::Longer(4), "four length octets too many"),
            ("length-plus-1", Length::Off(1), "a length too large by one"),
            ("length-minus-1", Length::Off(-1), "a length too small by one"),
        ] {
            let flaw = format!("{how} of {what}");
            bad.with(&format!("{kind}-{name}"), n, "HS-011", &flaw, |spki| {
                spki.lengths[level] = length
            });
        }
    }
    let mut algorithm = |name: &str, lengths: [Length; 3], flaw: &str| {
        let [outer, oid, null] = lengths;
        let contents =
            [der::element_with(OID, oid, RSA_ENCRYPTION), der::element_with(NULL, null, &[])]
                .concat();
        bad.with(name, n, "HS-011", flaw, |spki| {
            spki.algorithm = der::element_with(SEQUENCE, outer, &contents);
        });
    };
    let m = Length::Minimal;
    algorithm(
        "indefinite-algorithm",
        [Length::Indefinite, m, m],
        "an indefinite length of the AlgorithmIdentifier",
    );
    algorithm(
        "longer-algorithm",
        [Length::Longer(1), m, m],
        "a length octet too many of the AlgorithmIdentifier",
    );
    algorithm("longer-oid", [m, Length::Longer(1), m], "a length octet too many of the OID");
    algorithm("longer-null", [m, m, Length::Longer(1)], "a length octet too many of NULL");
    algorithm("indefinite-null", [m, m, Length::Indefinite], "an indefinite length of NULL");
}

pub(super) fn left_over(bad: &mut Bad, n: &BigUint) {
    let valid = spki_of(n);
    bad.push(
        "trailing-after-outer",
        [&*valid, &[0]].concat(),
        "HS-011",
        "an octet after SubjectPublicKeyInfo",
    );
    bad.push(
        "trailing-line-end",
        [&*valid, b"\n"].concat(),
        "HS-011",
        "a line end after SubjectPublicKeyInfo",
    );
    bad.push("twice", [&*valid, &valid].concat(), "HS-011", "the SPKI twice");
    bad.with("trailing-after-bit-string", n, "HS-011", "an octet after the BIT STRING", |spki| {
        spki.after_bits = vec![0]
    });
    bad.with("null-after-bit-string", n, "HS-011", "a NULL after the BIT STRING", |spki| {
        spki.after_bits = vec![NULL, 0]
    });
    bad.with("trailing-after-key", n, "HS-011", "an octet after RSAPublicKey", |spki| {
        spki.after_key = vec![0]
    });
    bad.with("trailing-after-exponent", n, "HS-011", "an octet after the exponent", |spki| {
        spki.after_exponent = vec![0]
    });
    bad.with("third-integer", n, "HS-011", "a third INTEGER after the exponent", |spki| {
        spki.after_exponent = vec![INTEGER, 1, 0]
    });
    for unused in [1_u8, 7, 8, 0xff] {
        let flaw = format!("{unused} unused bits in the BIT STRING");
        bad.with(&format!("unused-bits-{unused}"), n, "HS-003", &flaw, |spki| {
            spki.unused = vec![unused]
        });
    }
    bad.with("unused-bits-missing", n, "HS-003", "no octet of unused bits", |spki| {
        spki.unused.clear()
    });
    for count in [1, 2, 4, 5, 6, 300, 574, 575, 606] {
        let name = format!("truncated-by-{count}");
        bad.push(
            &name,
            valid[..607 - count].to_vec(),
            "HS-011",
            &format!("the last {count} octets are missing"),
        );
    }
    bad.push("first-octet-missing", valid[1..].to_vec(), "HS-011", "the first octet is missing");
    bad.push(
        "leading-zero",
        [&[0], &*valid].concat(),
        "HS-011",
        "a zero octet before SubjectPublicKeyInfo",
    );
}

pub(super) fn other_formats(bad: &mut Bad, n: &BigUint) {
    let spki = Spki::new(n, 65537);
    let valid = spki.octets();
    bad.push("empty", Vec::new(), "HS-003", "no octets");
    bad.push(
        "pkcs1",
        spki.pkcs1(),
        "HS-003",
        "PKCS#1 RSAPublicKey instead of SubjectPublicKeyInfo",
    );
    let pem = |label: &str, der: &[u8]| {
        pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der)
            .unwrap_or_else(|_| unreachable!("a good label"))
            .into_bytes()
    };
    bad.push("pem", pem("PUBLIC KEY", &valid), "HS-003", "PEM instead of DER");
    bad.push(
        "hexadecimal",
        hex::encode(&valid).into_bytes(),
        "HS-003",
        "hexadecimal digits instead of octets",
    );
    bad.push(
        "private-key",
        keys::k4552_a().pkcs8.clone(),
        "HS-003",
        "the PKCS#8 private key instead of the public one",
    );
    bad.push("zeros", vec![0; 607], "HS-003", "607 zero octets");
    bad.push("random", stream("no spki", 607), "HS-003", "607 octets that are no DER at all");
    bad.push(
        "ed25519",
        [
            &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..],
            &stream("ed25519 spki", 32),
        ]
        .concat(),
        "HS-010",
        "the SPKI of an Ed25519 key",
    );
    let tags: [(&str, usize, u8, &str); 7] = [
        ("outer-set", 0, 0x31, "SubjectPublicKeyInfo is a SET"),
        ("octet-string", 1, OCTET_STRING, "an OCTET STRING instead of the BIT STRING"),
        ("bit-string-constructed", 1, BIT_STRING | 0x20, "a constructed BIT STRING"),
        ("key-set", 2, 0x31, "RSAPublicKey is a SET"),
        ("modulus-octet-string", 3, OCTET_STRING, "an OCTET STRING instead of the modulus"),
        ("modulus-enumerated", 3, 0x0a, "an ENUMERATED instead of the modulus"),
        ("exponent-enumerated", 4, 0x0a, "an ENUMERATED instead of the exponent"),
    ];
    for (name, level, tag, flaw) in tags {
        bad.with(name, n, "HS-003", flaw, |spki| spki.tags[level] = tag);
    }
    let mut swapped = spki.clone();
    std::mem::swap(&mut swapped.modulus, &mut swapped.exponent);
    bad.push("modulus-and-exponent-swapped", swapped.octets(), "HS-003", "exponent before modulus");
    let mut raw = spki;
    raw.tags[2] = 0x30;
    let direct = der::element(SEQUENCE, &[raw.algorithm.clone(), raw.pkcs1()].concat());
    bad.push(
        "bit-string-missing",
        direct,
        "HS-003",
        "RSAPublicKey without the BIT STRING around it",
    );
}

/// Each octet before the modulus and after it, changed in its lowest and in its highest bit.
pub(super) fn headers(bad: &mut Bad, n: &BigUint) {
    let valid = spki_of(n);
    for position in (0..33).chain(602..607) {
        for (bit, name) in [(0x01, "low"), (0x80, "high")] {
            let mut octets = valid.clone();
            octets[position] ^= bit;
            if is_acceptable(&octets) {
                continue; // 01 before the modulus makes a good one of 4553 bits.
            }
            let rule = if position >= 602 { "HS-008" } else { "HS-003" };
            let flaw = format!(
                "octet {position} is {:02x} instead of {:02x}",
                octets[position], valid[position]
            );
            bad.push(&format!("header-{position:03}-{name}"), octets, rule, &flaw);
        }
    }
}
