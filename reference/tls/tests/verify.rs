//! Chains with one fault each, and ones that are in order.

mod common;

use common::*;
use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use secure_tunnel_tls::{Peer, Policies, Trust};

#[test]
fn a_client_and_a_server_under_an_intermediate() {
    let root = Party::root("root");
    let middle = root.issue(ca_params("middle"));
    let client = middle.issue(client_params("alice"));
    let server = middle.issue(server_params(&["a.example.com"]));
    let other = Party::root("other");
    let trust = trust(&[&root], &[], &[]);
    let verified = verify_client(&trust, &[&client, &middle]).expect("in order");
    assert_eq!(verified.identity.expect("has one").as_str(), "alice");
    for chain in [vec![&client, &other, &middle], vec![&client, &middle, &root]] {
        verify_client(&trust, &chain).expect("further certificates make no difference");
    }
    let verified = verify_server(&trust, &[&server, &middle], "A.example.com").expect("in order");
    assert_eq!(verified.identity, None);
    refused(verify_client(&trust, &[&server, &middle]), "usage");
    refused(verify_server(&trust, &[&client, &middle], "alice"), "usage");
    refused(verify_client(&trust, &[&client]), "untrusted");
    refused(verify_client(&trust, &[]), "no_certificate");
    refused(verify_client(&common::trust(&[&other], &[], &[]), &[&client, &middle]), "untrusted");
}

#[test]
fn impostors_are_not_trusted() {
    let root = Party::root("root");
    let trust = trust(&[&root], &[], &[]);
    let same_name = Party::root("root");
    refused(verify_client(&trust, &[&same_name.issue(client_params("alice"))]), "untrusted");
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    let params = ca_params("root");
    let der = params.self_signed(&key).expect("a certificate").der().clone();
    let other_kind = Party { params, key, der };
    refused(verify_client(&trust, &[&other_kind.issue(client_params("alice"))]), "untrusted");
    refused(verify_client(&trust, &[&self_signed(client_params("alice"))]), "untrusted");
    refused(verify_client(&trust, &[&root]), "ca_constraints");
}

#[test]
fn both_ends_of_the_validity_are_inside() {
    let root = Party::root("root");
    let client = root.issue(client_params("alice"));
    let trust = trust(&[&root], &[], &["anchor-validity-ignored"]);
    let (from, until) = (1_735_689_600, 1_798_761_600); // 2025-01-01, 2027-01-01
    let at = |now| trust.verify(Peer::Client, &chain(&[&client]), now);
    at(from).expect("begins");
    at(until).expect("ends");
    refused(at(from - 1), "not_yet_valid");
    refused(at(until + 1), "expired");
    refused(at(0), "not_yet_valid");
    refused(at(u64::MAX), "expired");
    let mut params = client_params("alice");
    std::mem::swap(&mut params.not_before, &mut params.not_after);
    refused(verify_client(&trust, &[&root.issue(params)]), "not_yet_valid");
}

#[test]
fn an_anchor_has_a_validity_unless_it_is_ignored() {
    let mut old = ca_params("root");
    old.not_after = rcgen::date_time_ymd(2025, 2, 1);
    let old = self_signed(old);
    let client = old.issue(client_params("alice"));
    refused(verify_client(&trust(&[&old], &[], &[]), &[&client]), "expired");
    let mut early = ca_params("root");
    early.not_before = rcgen::date_time_ymd(2026, 2, 1);
    let der = early.self_signed(&old.key).expect("a certificate").der().clone();
    let key = KeyPair::try_from(old.key.serialize_der()).expect("a key");
    let early = Party { params: early, key, der };
    refused(verify_client(&trust(&[&early], &[], &[]), &[&client]), "not_yet_valid");
    let ignored = trust(&[&old], &[], &["anchor-validity-ignored"]);
    verify_client(&ignored, &[&client]).expect("ignored");
    // The same name and key again, in force.
    let renewed = ca_params("root");
    let der = renewed.self_signed(&old.key).expect("a certificate").der().clone();
    let key = KeyPair::try_from(old.key.serialize_der()).expect("a key");
    let renewed = Party { params: renewed, key, der };
    verify_client(&trust(&[&old, &early, &renewed], &[], &[]), &[&client]).expect("renewed");
}

#[test]
fn what_a_ca_has_to_have() {
    let root = Party::root("root");
    let under = |params| {
        let ca = root.issue(params);
        verify_client(&trust(&[&root], &[], &[]), &[&ca.issue(client_params("alice")), &ca])
    };
    let anchored = |params| {
        let ca = self_signed(params);
        verify_client(&trust(&[&ca], &[], &[]), &[&ca.issue(client_params("alice"))])
    };
    for by in [&under as &dyn Fn(_) -> _, &anchored] {
        by(ca_params("ca")).expect("in order");
        let mut no_ca = params("ca");
        no_ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        refused(by(no_ca), "ca_constraints");
        let mut explicit = ca_params("ca");
        explicit.is_ca = IsCa::ExplicitNoCa;
        refused(by(explicit), "ca_constraints");
        let mut usage = ca_params("ca");
        usage.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        refused(by(usage), "ca_constraints");
        let mut none = ca_params("ca");
        none.key_usages.clear();
        by(none).expect("without keyUsage");
    }
}

#[test]
fn path_lengths_of_cas_and_anchors() {
    for limit in 0..3_u8 {
        let mut limited = ca_params("root");
        limited.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit));
        let root = self_signed(limited.clone());
        let above = Party::root("above");
        let der =
            above.issue_for(limited, KeyPair::try_from(root.key.serialize_der()).expect("a key"));
        for below in 0..4 {
            let mut cas: Vec<Party> = Vec::new();
            for depth in 0..below {
                let issued = cas.last().unwrap_or(&root).issue(ca_params(&format!("ca {depth}")));
                cas.push(issued);
            }
            let leaf = cas.last().unwrap_or(&root).issue(client_params("alice"));
            let mut path: Vec<&Party> = vec![&leaf];
            path.extend(&cas);
            let as_anchor = verify_client(&trust(&[&root], &[], &[]), &path);
            path.push(&der);
            let in_path = verify_client(&trust(&[&above], &[], &[]), &path);
            for result in [as_anchor, in_path] {
                if below <= i32::from(limit) {
                    result.expect("within the limit");
                } else {
                    refused(result, "ca_constraints");
                }
            }
        }
    }
}

#[test]
fn a_ca_that_certifies_its_next_key_under_its_own_name() {
    let root = Party::root("root");
    for limit in 0..2_u8 {
        let mut params = ca_params("ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit));
        let old = root.issue(params);
        let next = old.issue(ca_params("ca"));
        let client = next.issue(client_params("alice"));
        let result = verify_client(&trust(&[&root], &[], &[]), &[&client, &old, &next]);
        if limit == 0 {
            refused(result, "ca_constraints");
        } else {
            result.expect("counted as any other");
        }
    }
}

#[test]
fn six_certificates_between_leaf_and_anchor_and_no_more() {
    let root = Party::root("root");
    for between in [6, 7] {
        let mut cas: Vec<Party> = Vec::new();
        for depth in 0..between {
            cas.push(cas.last().unwrap_or(&root).issue(ca_params(&format!("ca {depth}"))));
        }
        let leaf = cas.last().expect("some").issue(client_params("alice"));
        let mut path: Vec<&Party> = vec![&leaf];
        path.extend(&cas);
        let result = verify_client(&trust(&[&root], &[], &[]), &path);
        if between == 6 {
            result.expect("six");
        } else {
            refused(result, "untrusted");
        }
    }
}

#[test]
fn usages_of_leaves_and_cas() {
    let root = Party::root("root");
    let strict = trust(&[&root], &[], &[]);
    let lenient = trust(&[&root], &[], &["eku-if-present"]);
    let mut no_signature = client_params("alice");
    no_signature.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    refused(verify_client(&strict, &[&root.issue(no_signature)]), "usage");
    let mut no_usage = client_params("alice");
    no_usage.key_usages.clear();
    verify_client(&strict, &[&root.issue(no_usage)]).expect("without keyUsage");
    let bare = root.issue(params("alice"));
    refused(verify_client(&strict, &[&bare]), "usage");
    verify_client(&lenient, &[&bare]).expect("the policy is on");
    for wrong in [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any] {
        let mut leaf = client_params("alice");
        leaf.extended_key_usages = vec![wrong.clone()];
        refused(verify_client(&lenient, &[&root.issue(leaf)]), "usage");
        let mut ca = ca_params("ca");
        ca.extended_key_usages = vec![wrong];
        let ca = root.issue(ca);
        refused(verify_client(&strict, &[&ca.issue(client_params("alice")), &ca]), "usage");
    }
    let mut anchor = ca_params("anchor");
    anchor.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let anchor = self_signed(anchor);
    verify_client(&trust(&[&anchor], &[], &[]), &[&anchor.issue(client_params("alice"))])
        .expect("an anchor's is not looked at");
}

#[test]
fn extensions_twice_or_unknown_and_critical() {
    let root = Party::root("root");
    let trust = trust(&[&root], &[], &[]);
    let extension = |oid: &[u64], critical| {
        let mut extension = CustomExtension::from_oid_content(oid, vec![5, 0]);
        extension.set_criticality(critical);
        extension
    };
    for in_ca in [false, true] {
        let check = |extensions: Vec<CustomExtension>| {
            let (mut ca, mut leaf) = (ca_params("ca"), client_params("alice"));
            let params = if in_ca { &mut ca } else { &mut leaf };
            params.custom_extensions = extensions;
            let ca = root.issue(ca);
            verify_client(&trust, &[&ca.issue(leaf), &ca])
        };
        check(vec![extension(&[1, 2, 3], false)]).expect("not critical");
        refused(check(vec![extension(&[1, 2, 3], true)]), "critical_extension");
        let twice = vec![extension(&[1, 2, 3], false), extension(&[1, 2, 3], false)];
        refused(check(twice), "certificate_form");
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 1, 6]);
        usage.set_criticality(true);
        refused(check(vec![usage]), "certificate_form");
        let mut points = CustomExtension::from_oid_content(
            &[2, 5, 29, 31],
            b"\x30\x0c\x30\x0a\xa0\x08\xa0\x06\x86\x04http".to_vec(),
        );
        check(vec![points.clone()]).expect("not critical");
        points.set_criticality(true);
        refused(check(vec![points]), "critical_extension");
    }
}

#[test]
fn octets_that_are_no_certificate() {
    let root = Party::root("root");
    let client = root.issue(client_params("alice"));
    let trust = trust(&[&root], &[], &[]);
    let verify = |der: Vec<u8>| trust.verify(Peer::Client, &[der.into()], NOW);
    refused(verify(Vec::new()), "certificate_form");
    refused(verify(b"hello".to_vec()), "certificate_form");
    refused(verify([&client.der[..], &[0]].concat()), "certificate_form");
    refused(verify(client.der[..client.der.len() - 1].to_vec()), "certificate_form");
    let with_stray = |leaf: &Party| [leaf.der.clone(), b"hello".to_vec().into()];
    trust.verify(Peer::Client, &with_stray(&client), NOW).expect("a stray is not needed");
    let stranger = Party::root("other").issue(client_params("alice"));
    refused(trust.verify(Peer::Client, &with_stray(&stranger), NOW), "untrusted");
    refused(Trust::new(&[b"hello"], Policies::default()), "certificate_form");
    refused(trust.with_crls(&[b"hello"]), "crl_form");
}

#[test]
fn kinds_and_sizes_of_keys() {
    let root = Party::root("root");
    let strong =
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    for algorithm in strong {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let ca = root.issue_for(ca_params("ca"), key);
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let leaf = ca.issue_for(client_params("alice"), key);
        verify_client(&trust(&[&root], &[], &[]), &[&leaf, &ca]).expect("strong");
    }
    for (bits, strong) in [(1024, false), (2047, false), (2048, true), (8192, true), (8193, false)]
    {
        let issuer = Issuer::from_params(&root.params, &root.key);
        let leaf = client_params("alice").signed_by(&RsaKey::of(bits), &issuer);
        let leaf = leaf.expect("a certificate").der().clone();
        let result = trust(&[&root], &[], &[]).verify(Peer::Client, &[leaf], NOW);
        if strong {
            result.expect("strong");
        } else {
            refused(result, "weak");
        }
    }
}

/// A public key of which nobody has the private one.
struct RsaKey(Vec<u8>);

impl RsaKey {
    /// With a modulus of `bits`.
    fn of(bits: usize) -> Self {
        let mut modulus = vec![0];
        modulus.resize(1 + bits.div_ceil(8), 0xff);
        modulus[1] >>= (8 - bits % 8) % 8;
        if modulus[1] < 0x80 {
            modulus.remove(0);
        }
        let integer = |octets: &[u8]| [&[2], &length(octets)[..], octets].concat();
        let both = [integer(&modulus), integer(&[1, 0, 1])].concat();
        Self([&[0x30], &length(&both)[..], &both].concat())
    }
}

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// The length of `octets` in DER.
fn length(octets: &[u8]) -> Vec<u8> {
    match octets.len() {
        short @ ..128 => vec![short as u8],
        medium @ 128..256 => vec![0x81, medium as u8],
        long => [&[0x82], &(long as u16).to_be_bytes()[..]].concat(),
    }
}

#[test]
fn other_curves_and_hashes_are_weak() {
    /// OIDs: ecdsa-with-SHA256, and of P-256.
    const SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let replaced = |der: &[u8], old: [u8; 8], last: u8| {
        let mut der = der.to_vec();
        let places: Vec<usize> =
            (0..der.len() - 8).filter(|start| der[*start..*start + 8] == old).collect();
        assert!(!places.is_empty());
        places.iter().for_each(|start| der[start + 7] = last);
        der
    };
    let root = Party::root("root");
    let client = root.issue(client_params("alice"));
    let sha512 = replaced(&client.der, SHA256, 4);
    let trusted = trust(&[&root], &[], &[]);
    refused(trusted.verify(Peer::Client, &[sha512.into()], NOW), "weak");
    let other_curve = Trust::new(&[replaced(&root.der, P256, 6)], Policies::default());
    refused(verify_client(&other_curve.expect("has the form"), &[&client]), "weak");
    let otherwise_signed = Trust::new(&[replaced(&root.der, SHA256, 4)], Policies::default());
    verify_client(&otherwise_signed.expect("has the form"), &[&client])
        .expect("the signature of an anchor on itself is not looked at");
}
