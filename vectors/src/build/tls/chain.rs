//! Section 7.6: from the leaf to an anchor.

use super::path::{BOTH, Path, Peer, impostor, intermediate, root};
use super::{Table, keys};
use crate::build::primitives::x509::{
    BASIC, COMMON_NAME, KEY_USAGE, UTF8, authority_key, basic_constraints, name,
};

pub(super) fn table() -> Table {
    let mut table = Table::new("tls/chain", "From the leaf to an anchor.", []);
    accepted(&mut table);
    paths(&mut table);
    untrusted(&mut table);
    leaves(&mut table);
    table
}

fn accepted(table: &mut Table) {
    for peer in BOTH {
        let good = Path::good(peer);
        let name = |rest: &str| format!("{}{rest}", peer.name());
        table.accept(
            &name(""),
            &["TLS-033", "TLS-044"],
            &good,
            "The good path: leaf, one intermediate certificate, anchor.",
        );
        for (count, words) in [(0, "no"), (2, "two"), (6, "six")] {
            table.accept(
                &name(&format!("-{words}-intermediates")),
                &["TLS-035", "TLS-033"],
                &Path::with_intermediates(peer, count),
                "As many certificates between leaf and anchor as the name says.",
            );
        }
        let two = Path::with_intermediates(peer, 2);
        let [leaf, first, second] = [two.der(0), two.der(1), two.der(2)];
        table.accept_input(
            &name("-out-of-order"),
            &["TLS-032", "TLS-031"],
            &two,
            two.input_of(&[leaf, second, first], &[two.root()]),
            "The certificates after the leaf come in another order than the path's.",
        );
        let [leaf, ca] = [good.der(0), good.der(1)];
        let other = two.der(2);
        table.accept_input(
            &name("-unrelated-between"),
            &["TLS-032"],
            &good,
            good.input_of(&[leaf, other, ca], &[good.root()]),
            "A certificate that is not needed stands between the leaf and its issuer's.",
        );
    }
    let good = Path::good(Peer::Server);
    let [leaf, ca, anchor] = [good.der(0), good.der(1), good.root()];
    let mut add = |name: &str,
                   rules: &[&'static str],
                   chain: &[&Vec<u8>],
                   anchors: &[Vec<u8>],
                   note: &str| {
        let chain: Vec<Vec<u8>> = chain.iter().map(|der| (*der).clone()).collect();
        table.accept_input(name, rules, &good, good.input_of(&chain, anchors), note);
    };
    let client = Path::good(Peer::Client).der(0);
    let only = std::slice::from_ref(&anchor);
    let impostor = impostor();
    let impostor = impostor.signed(&impostor);
    add(
        "anchor-sent",
        &["TLS-032", "TLS-030"],
        &[&leaf, &ca, &anchor],
        only,
        "The peer sends the anchor too.",
    );
    add(
        "intermediate-twice",
        &["TLS-032"],
        &[&leaf, &ca, &ca],
        only,
        "The issuer's certificate is sent twice.",
    );
    add("leaf-twice", &["TLS-032"], &[&leaf, &leaf, &ca], only, "The leaf is sent twice.");
    add(
        "other-leaf-sent",
        &["TLS-031", "TLS-032"],
        &[&leaf, &client, &ca],
        only,
        "Somebody else's leaf comes second.",
    );
    let cut = ca[..ca.len() / 2].to_vec();
    add(
        "unreadable-sent",
        &["TLS-032"],
        &[&leaf, &cut, &ca],
        only,
        "A certificate that cannot be read is one that is not needed.",
    );
    add(
        "impostor-sent",
        &["TLS-032", "TLS-033"],
        &[&leaf, &ca, &impostor],
        only,
        "A certificate with the anchor's name and another key is sent too.",
    );
    add(
        "two-anchors-of-one-name",
        &["TLS-033"],
        &[&leaf, &ca],
        &[impostor.clone(), anchor.clone()],
        "Two anchors have the same name, and the second one signed: a CA that changes its key.",
    );
    add(
        "intermediate-is-anchor",
        &["TLS-030", "TLS-033"],
        &[&leaf],
        std::slice::from_ref(&ca),
        "The anchor is not self-signed: the caller trusts an intermediate CA alone.",
    );
}

/// Where a first path fails and a second one holds.
fn paths(table: &mut Table) {
    for (index, peer) in BOTH.into_iter().enumerate() {
        let good = Path::good(peer);
        let [leaf, ca, anchor] = [good.der(0), good.der(1), good.root()];
        // The same CA, certified by somebody who is unknown here.
        let mut unknown = root();
        unknown.set_key(keys::other_root());
        unknown.certificate.subject = name(&[(COMMON_NAME, UTF8, b"somebody else")]);
        let cross = intermediate(0).signed(&unknown);
        let note = "The CA has two certificates, and the other one leads to no anchor.";
        let chain = if index == 0 {
            [leaf.clone(), cross, ca.clone()]
        } else {
            [leaf.clone(), ca.clone(), cross]
        };
        table.accept_input(
            &format!("{}-cross-signed", peer.name()),
            &["TLS-033", "TLS-032"],
            &good,
            good.input_of(&chain, std::slice::from_ref(&anchor)),
            note,
        );
        let mut old = Path::good(peer);
        old.intermediate().serial = vec![0x21];
        old.intermediate().not_after = old.now - 1;
        for (order, chain) in [
            ("first", [leaf.clone(), old.der(1), ca.clone()]),
            ("last", [leaf.clone(), ca.clone(), old.der(1)]),
        ] {
            table.accept_input(
                &format!("{}-expired-path-{order}", peer.name()),
                &["TLS-033", "TLS-032", "TLS-037"],
                &good,
                good.input_of(&chain, std::slice::from_ref(&anchor)),
                "The CA has two certificates for one key, and one of them has expired.",
            );
        }
    }
}

fn untrusted(table: &mut Table) {
    for peer in BOTH {
        let good = Path::good(peer);
        let [leaf, ca, anchor] = [good.der(0), good.der(1), good.root()];
        let mut add = |name: &str,
                       rules: &[&'static str],
                       flaw: &str,
                       chain: &[Vec<u8>],
                       anchors: &[Vec<u8>]| {
            let name = format!("{}-{name}", peer.name());
            let input = good.input_of(chain, anchors);
            table.reject_input(&name, peer.name(), rules, "untrusted", flaw, input);
        };
        let impostor = impostor();
        let fake = impostor.signed(&impostor);
        let chain = [leaf.clone(), ca.clone()];
        add(
            "other-anchor-of-that-name",
            &["TLS-033"],
            "the anchor has the same name and another key",
            &chain,
            std::slice::from_ref(&fake),
        );
        let by_impostor = intermediate(0).signed(&impostor);
        add(
            "impostor",
            &["TLS-033"],
            "the CA is signed by somebody with the anchor's name and another key",
            &[leaf.clone(), by_impostor.clone()],
            std::slice::from_ref(&anchor),
        );
        add(
            "impostor-sent",
            &["TLS-030", "TLS-033"],
            "the anchor of the chain is sent by the peer alone",
            &[leaf.clone(), by_impostor, fake],
            std::slice::from_ref(&anchor),
        );
        let mut disguised = intermediate(0);
        disguised.certificate.with_authority = false;
        disguised.certificate.set(authority_key(&keys::root().identifier()));
        add(
            "impostor-with-key-identifier",
            &["TLS-033"],
            "the CA is signed by somebody with the anchor's name and key identifier and another key",
            &[leaf.clone(), disguised.signed(&impostor)],
            std::slice::from_ref(&anchor),
        );
        add(
            "missing-intermediate",
            &["TLS-033"],
            "the issuer's certificate is not sent",
            std::slice::from_ref(&leaf),
            std::slice::from_ref(&anchor),
        );
        let mut other_name = Path::good(peer);
        other_name.leaf().issuer = Some(name(&[(COMMON_NAME, UTF8, b"another CA")]));
        add(
            "issuer-name",
            &["TLS-033"],
            "the leaf names another issuer than the one who signed it",
            &other_name.chain(),
            std::slice::from_ref(&anchor),
        );
        let mut self_signed = Path::good(peer);
        self_signed.links.truncate(1);
        add(
            "self-signed",
            &["TLS-033"],
            "the leaf is signed by its own key",
            &[self_signed.der(0)],
            std::slice::from_ref(&anchor),
        );
        add(
            "signature",
            &["TLS-033"],
            "the last bit of the leaf's signature is changed",
            &[flipped(&leaf), ca.clone()],
            std::slice::from_ref(&anchor),
        );
        add(
            "intermediate-signature",
            &["TLS-033"],
            "the last bit of the issuer's signature is changed",
            &[leaf.clone(), flipped(&ca)],
            std::slice::from_ref(&anchor),
        );
        let mut serial = leaf.clone();
        // Tag and length of Certificate and TBSCertificate, the version, tag and length of the serial.
        serial[16] ^= 1;
        add(
            "serial-changed",
            &["TLS-033"],
            "the serial number is changed after signing",
            &[serial, ca.clone()],
            std::slice::from_ref(&anchor),
        );
        add(
            "seven-intermediates",
            &["TLS-035"],
            "there are seven certificates between leaf and anchor",
            &Path::with_intermediates(peer, 7).chain(),
            std::slice::from_ref(&anchor),
        );
    }
    let good = Path::good(Peer::Server);
    let [leaf, ca, anchor] = [good.der(0), good.der(1), good.root()];
    let swapped = good.input_of(&[ca, leaf], &[anchor]);
    let flaw = "the leaf comes second and its issuer's certificate first";
    table
        .reject_input(
            "leaf-second",
            "server",
            &["TLS-031", "TLS-034"],
            "ca_constraints",
            flaw,
            swapped,
        )
        .codes(&["ca_constraints", "usage", "server_name"]);
    let client = Path::good(Peer::Client);
    let empty = client.input_of(&[], &[client.root()]);
    let flaw = "the client sends no certificate";
    table.reject_input("client-none", "client", &["TLS-023"], "no_certificate", flaw, empty);
}

/// A leaf that is a CA's certificate or an anchor.
fn leaves(table: &mut Table) {
    for peer in BOTH {
        let name = |rest: &str| format!("{}-{rest}", peer.name());
        table.reject_good(
            peer,
            &name("leaf-is-ca"),
            &["TLS-034"],
            "ca_constraints",
            "the leaf has cA true",
            |path| {
                path.leaf().set(basic_constraints(None));
            },
        );
        // Fit for everything but for what it is.
        let mut both = Path::good(peer);
        both.links.truncate(1);
        both.leaf().set(basic_constraints(None));
        both.leaf().remove(KEY_USAGE);
        let only = both.der(0);
        let input = both.input_of(std::slice::from_ref(&only), std::slice::from_ref(&only));
        table.reject_input(
            &name("leaf-is-ca-and-anchor"),
            peer.name(),
            &["TLS-034"],
            "ca_constraints",
            "the leaf is a CA's certificate and an anchor",
            input,
        );
        both.leaf().remove(BASIC);
        let only = both.der(0);
        let input = both.input_of(std::slice::from_ref(&only), std::slice::from_ref(&only));
        table
            .reject_input(
                &name("leaf-is-anchor"),
                peer.name(),
                &["TLS-033", "TLS-040"],
                "untrusted",
                "the leaf is self-signed and configured as an anchor",
                input,
            )
            .codes(&["untrusted", "ca_constraints"]);
    }
}

fn flipped(der: &[u8]) -> Vec<u8> {
    let mut der = der.to_vec();
    if let Some(last) = der.last_mut() {
        *last ^= 1;
    }
    der
}
