//! Identities, names of servers, name constraints and revocation.

mod common;

use common::*;
use rcgen::{
    CidrSubnet, DnType, DnValue, GeneralSubtree, KeyUsagePurpose, NameConstraints, SerialNumber,
};

#[test]
fn name_constraints_of_cas_and_anchors() {
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let constrained = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        let mut params = ca_params("constrained");
        let (permitted_subtrees, excluded_subtrees) = (permitted, excluded);
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
        params
    };
    let root = Party::root("root");
    let check = |params: &rcgen::CertificateParams, name: &str| {
        let ca = root.issue(params.clone());
        let in_path = verify_server(
            &trust(&[&root], &[], &[]),
            &[&ca.issue(server_params(&[name])), &ca],
            name,
        );
        let ca = self_signed(params.clone());
        let as_anchor =
            verify_server(&trust(&[&ca], &[], &[]), &[&ca.issue(server_params(&[name]))], name);
        assert_eq!(in_path.is_ok(), as_anchor.is_ok());
        in_path.and(as_anchor)
    };
    let permitted = constrained(vec![dns("example.com")], vec![]);
    check(&permitted, "a.example.com").expect("permitted");
    refused(check(&permitted, "a.example.net"), "name_constraint");
    check(&permitted, "127.0.0.1").expect("no constraint of addresses");
    let excluded = constrained(vec![], vec![dns("example.net")]);
    check(&excluded, "a.example.com").expect("not excluded");
    refused(check(&excluded, "a.example.net"), "name_constraint");
    let network = GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8));
    let network = constrained(vec![network], vec![]);
    check(&network, "10.1.2.3").expect("permitted");
    refused(check(&network, "127.0.0.1"), "name_constraint");
    let directory = GeneralSubtree::DirectoryName(params("a server").distinguished_name);
    refused(check(&constrained(vec![directory], vec![]), "a.example.com"), "name_constraint");
}

#[test]
fn identities() {
    let root = Party::root("root");
    let trust = trust(&[&root], &[], &[]);
    let identity = |common_names: &[DnValue], uris: &[&str]| {
        let mut params = client_params("x");
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_names.first() {
            params.distinguished_name.push(DnType::CommonName, name.clone());
        }
        if let Some(name) = common_names.get(1) {
            let again = DnType::CustomDnType(vec![2, 5, 4, 3]);
            params.distinguished_name.push(again, name.clone());
        }
        params.subject_alt_names = uris.iter().map(|text| uri(text)).collect();
        let verified = verify_client(&trust, &[&root.issue(params)])?;
        Ok(verified.identity.expect("a client has one").as_str().to_owned())
    };
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let alice = [utf8("alice")];
    assert_eq!(identity(&alice, &[]), Ok("alice".to_owned()));
    assert_eq!(identity(&alice, &["https://example.com"]), Ok("alice".to_owned()));
    assert_eq!(identity(&alice, &["secure-tunnel:bob"]), Ok("bob".to_owned()));
    assert_eq!(identity(&[], &["Secure-Tunnel:b%C3%BCrgi%25"]), Ok("b\u{fc}rgi%".to_owned()));
    let printable = DnValue::PrintableString("alice".try_into().expect("printable"));
    assert_eq!(identity(&[printable], &[]), Ok("alice".to_owned()));
    let other = DnValue::TeletexString("alice".try_into().expect("fits"));
    refused(identity(&[other], &[]), "identity");
    refused(identity(&[], &[]), "identity");
    refused(identity(&[utf8("alice"), utf8("bob")], &[]), "identity");
    refused(identity(&[utf8("")], &[]), "identity");
    refused(identity(&[utf8("alice\0")], &[]), "identity");
    refused(identity(&alice, &["secure-tunnel:a", "secure-tunnel:a"]), "identity");
    for uri in ["secure-tunnel:", "secure-tunnel:%", "secure-tunnel:%4x", "secure-tunnel:a%00"] {
        refused(identity(&alice, &[uri]), "identity");
    }
}

#[test]
fn names_of_servers() {
    let root = Party::root("root");
    let trust = trust(&[&root], &[], &[]);
    let names = ["*.example.com", "a.example.net", "127.0.0.1", "f*o.example.org", "::1"];
    let server = root.issue(server_params(&names));
    let check = |name| verify_server(&trust, &[&server], name);
    for name in ["a.example.com", "B.EXAMPLE.com", "a.example.net", "127.0.0.1", "::1"] {
        check(name).expect(name);
    }
    for name in ["example.com", "a.b.example.com", "127.0.0.2", "foo.example.org", "a"] {
        refused(check(name), "server_name");
    }
    refused(check("a.example.com."), "bad_name");
    let mut only_common_name = server_params(&[]);
    only_common_name.distinguished_name.push(DnType::CommonName, "c.example.com");
    refused(
        verify_server(&trust, &[&root.issue(only_common_name)], "c.example.com"),
        "server_name",
    );
}

#[test]
fn revocation() {
    let root = Party::root("root");
    let middle = root.issue(ca_params("middle"));
    for serial in [&[0x7f, 1][..], &[0x80, 1]] {
        let mut params = client_params("alice");
        params.serial_number = Some(SerialNumber::from_slice(serial));
        let client = middle.issue(params);
        let verify = |crls: &[Vec<u8>], policies: &[&str]| {
            verify_client(&trust(&[&root], crls, policies), &[&client, &middle])
        };
        let both = [root.crl(&[]), middle.crl(&[b"x"])];
        verify(&both, &[]).expect("on neither");
        refused(verify(&[root.crl(&[]), middle.crl(&[serial])], &[]), "revoked");
        refused(verify(&[root.crl(&[]), middle.crl(&[]), middle.crl(&[serial])], &[]), "revoked");
        refused(verify(&both[..1], &[]), "crl");
        let none: [Vec<u8>; 0] = [];
        let empty = trust(&[&root], &[], &[]).with_crls(&none).expect("an empty list");
        refused(verify_client(&empty, &[&client, &middle]), "crl");
        verify(&both[..1], &["crl-unknown-accepted"]).expect("the policy is on");
        let impostor = Party::root("middle").crl(&[serial]);
        let with_impostor = [impostor.clone(), both[0].clone(), both[1].clone()];
        verify(&with_impostor, &[]).expect("that one is not the issuer's");
        refused(verify(&[both[0].clone(), impostor], &[]), "crl");
        for (from, until) in [((2025, 1, 1), (2025, 12, 31)), ((2026, 1, 2), (2026, 1, 3))] {
            let stale = |serials: &[&[u8]]| [both[0].clone(), middle.crl_of(serials, from, until)];
            refused(verify(&stale(&[]), &[]), "crl");
            refused(verify(&stale(&[]), &["crl-unknown-accepted"]), "crl");
            verify(&stale(&[]), &["crl-stale-accepted"]).expect("the policy is on");
            refused(verify(&stale(&[serial]), &["crl-stale-accepted"]), "revoked");
            let beside = [&stale(&[])[..], &both[1..]].concat();
            verify(&beside, &[]).expect("the other is current");
        }
        for (from, until) in [((2026, 1, 1), (2026, 1, 2)), ((2025, 1, 1), (2026, 1, 1))] {
            verify(&[both[0].clone(), middle.crl_of(&[], from, until)], &[])
                .expect("ends included");
        }
    }
}

#[test]
fn a_ca_without_crl_sign_signs_no_crls() {
    let mut params = ca_params("root");
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = self_signed(params);
    let client = root.issue(client_params("alice"));
    let crl = [root.crl(&[])];
    refused(verify_client(&trust(&[&root], &crl, &[]), &[&client]), "crl");
    verify_client(&trust(&[&root], &crl, &["crl-unknown-accepted"]), &[&client]).expect("accepted");
}
