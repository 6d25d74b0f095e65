//! Section 7.6: keys and signatures.

use super::path::{BOTH, Path, Peer};
use super::{Table, keys};
use crate::build::primitives::rsa::Hash::{Md5, Sha1, Sha256, Sha384, Sha512};
use crate::build::primitives::sign::Algorithm::{self, Ecdsa, Pkcs1, Pss, PssOdd};
use crate::build::primitives::sign::Key;

pub(super) fn table(mut table: Table) -> Table {
    accepted_keys(&mut table);
    accepted_signatures(&mut table);
    weak_keys(&mut table);
    weak_signatures(&mut table);
    table
}

fn accepted_keys(table: &mut Table) {
    let rules = &["TLS-051", "TLS-052"];
    for peer in BOTH {
        let mut add = |name: &str, keys: [&'static Key; 3], note: &str| {
            let path = Path::with_keys(peer, &keys);
            table.accept(&format!("{}-{name}", peer.name()), rules, &path, note);
        };
        add(
            "p384",
            [keys::leaf_p384(), keys::intermediate_p384(), keys::root_p384()],
            "All keys on P-384.",
        );
        add(
            "ed25519",
            [keys::leaf_ed25519(), keys::intermediate_ed25519(), keys::root_ed25519()],
            "All keys Ed25519.",
        );
        add(
            "rsa-2048",
            [keys::rsa_2048_a(), keys::rsa_2048_b(), keys::rsa_4096()],
            "RSA keys of 2048 and 4096 bits.",
        );
        add(
            "mixed",
            [keys::leaf_ed25519(), keys::rsa_2048_b(), keys::root_p384()],
            "Each key of another kind.",
        );
        add(
            "rsa-8192",
            [keys::rsa_8192(), keys::intermediate(0), keys::root()],
            "The largest RSA key.",
        );
    }
}

/// The path whose intermediate CA has an RSA key.
fn by_rsa(peer: Peer) -> Path {
    Path::with_keys(peer, &[keys::leaf(), keys::rsa_2048_b(), keys::root()])
}

fn accepted_signatures(table: &mut Table) {
    let mut add = |name: &str, mut path: Path, algorithm, note: &str| {
        path.leaf().algorithm = Some(algorithm);
        let name = format!("{}-{name}", path.peer.name());
        table.accept(&name, &["TLS-052"], &path, note);
    };
    for peer in BOTH {
        add("pkcs1-sha-256", by_rsa(peer), Pkcs1(Sha256), "PKCS #1 v1.5 with SHA-256.");
        add("pss-sha-256", by_rsa(peer), Pss(Sha256), "PSS with SHA-256.");
    }
    let (server, client) = (Peer::Server, Peer::Client);
    add("pkcs1-sha-384", by_rsa(server), Pkcs1(Sha384), "PKCS #1 v1.5 with SHA-384.");
    add("pkcs1-sha-512", by_rsa(client), Pkcs1(Sha512), "PKCS #1 v1.5 with SHA-512.");
    add("pss-sha-384", by_rsa(client), Pss(Sha384), "PSS with SHA-384.");
    add("pss-sha-512", by_rsa(server), Pss(Sha512), "PSS with SHA-512.");
    add("p256-sha-384", Path::good(client), Ecdsa(Sha384), "P-256 with SHA-384.");
    let p384 = Path::with_keys(server, &[keys::leaf(), keys::intermediate_p384(), keys::root()]);
    add("p384-sha-256", p384, Ecdsa(Sha256), "P-384 with SHA-256.");
    let mut path =
        Path::with_keys(client, &[keys::leaf(), keys::intermediate(0), keys::rsa_4096()]);
    path.anchor().algorithm = Some(Pkcs1(Sha1));
    table.accept(
        "anchor-sha-1",
        &["TLS-052"],
        &path,
        "The anchor's signature on itself, with SHA-1, is not looked at.",
    );
    let good = Path::good(server);
    let mut anchor = good.root();
    if let Some(last) = anchor.last_mut() {
        *last ^= 1;
    }
    let input = good.input_of(&good.chain(), &[anchor]);
    table.accept_input(
        "anchor-signature-wrong",
        &["TLS-030"],
        &good,
        input,
        "The anchor's signature on itself is wrong, and not looked at.",
    );
}

fn weak_keys(table: &mut Table) {
    let mut add = |name: &str, peer: Peer, keys: [&'static Key; 3], flaw: &str| {
        let path = Path::with_keys(peer, &keys);
        let name = format!("{}-{name}", peer.name());
        table.reject(&name, peer.name(), &["TLS-051"], "weak", flaw, &path);
    };
    let (ca, root) = (keys::intermediate(0), keys::root());
    for peer in BOTH {
        add("rsa-1024", peer, [keys::rsa_1024(), ca, root], "the leaf's RSA key has 1024 bits");
        add(
            "rsa-2047",
            peer,
            [keys::rsa_2047(), ca, root],
            "the leaf's RSA key has 2047 bits, and as many octets as one of 2048",
        );
        add("rsa-8193", peer, [keys::rsa_8193(), ca, root], "the leaf's RSA key has 8193 bits");
        add("p521", peer, [keys::p521(), ca, root], "the leaf's key is on P-521");
        add("secp256k1", peer, [keys::secp256k1(), ca, root], "the leaf's key is on secp256k1");
        add("rsa-pss", peer, [keys::rsa_pss(), ca, root], "the leaf's key is for RSASSA-PSS alone");
        add(
            "x25519",
            peer,
            [keys::x25519(), ca, root],
            "the leaf's key is for X25519, which signs nothing",
        );
        add(
            "intermediate-rsa-1024",
            peer,
            [keys::leaf(), keys::rsa_1024(), root],
            "the issuer's RSA key has 1024 bits",
        );
        add(
            "anchor-rsa-1024",
            peer,
            [keys::leaf(), ca, keys::rsa_1024()],
            "the anchor's RSA key has 1024 bits",
        );
    }
    add(
        "intermediate-rsa-2047",
        Peer::Server,
        [keys::leaf(), keys::rsa_2047(), root],
        "the issuer's RSA key has 2047 bits",
    );
    add(
        "anchor-rsa-2047",
        Peer::Client,
        [keys::leaf(), ca, keys::rsa_2047()],
        "the anchor's RSA key has 2047 bits",
    );
}

fn weak_signatures(table: &mut Table) {
    let mut add = |name: &str, mut path: Path, at: usize, algorithm: Algorithm, flaw: &str| {
        path.links[at].certificate.algorithm = Some(algorithm);
        let name = format!("{}-{name}", path.peer.name());
        let base = path.peer.name();
        table.reject(&name, base, &["TLS-052"], "weak", flaw, &path);
    };
    for peer in BOTH {
        let anchor =
            Path::with_keys(peer, &[keys::leaf(), keys::intermediate(0), keys::rsa_4096()]);
        add("pkcs1-sha-1", by_rsa(peer), 0, Pkcs1(Sha1), "the leaf is signed with SHA-1");
        add("pkcs1-md5", by_rsa(peer), 0, Pkcs1(Md5), "the leaf is signed with MD5");
        add(
            "intermediate-sha-1",
            anchor.clone(),
            1,
            Pkcs1(Sha1),
            "the intermediate certificate is signed with SHA-1",
        );
        add(
            "intermediate-md5",
            anchor,
            1,
            Pkcs1(Md5),
            "the intermediate certificate is signed with MD5",
        );
        add("pss-sha-1", by_rsa(peer), 0, Pss(Sha1), "the leaf is signed with PSS and SHA-1");
        add(
            "ecdsa-sha-1",
            Path::good(peer),
            0,
            Ecdsa(Sha1),
            "the leaf is signed with ECDSA and SHA-1",
        );
        add(
            "ecdsa-sha-512",
            Path::good(peer),
            0,
            Ecdsa(Sha512),
            "the leaf is signed with ECDSA and SHA-512",
        );
        add(
            "pss-salt-20",
            by_rsa(peer),
            0,
            PssOdd(Sha256, 20),
            "the leaf is signed with PSS and a salt shorter than the hash",
        );
        add(
            "pss-mask-sha-1",
            by_rsa(peer),
            0,
            PssOdd(Sha1, 32),
            "the leaf is signed with PSS and SHA-1 in MGF1",
        );
    }
}
