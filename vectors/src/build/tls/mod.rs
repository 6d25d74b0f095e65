//! Chapter 7: certificates, names, lists and contexts of mutual TLS.

use serde_json::Value;

use super::family::{Draft, Family, SUITE, hex, object};
use path::{BOTH, Path, Peer};

mod algorithms;
mod ca;
mod chain;
mod constraints;
mod context;
mod form;
mod identity;
mod issuer;
mod keys;
mod lists;
pub mod live;
mod path;
mod revocation;
mod server_name;
mod time;
mod usage;

pub(crate) fn families() -> Vec<Family> {
    [context::family()].into_iter().chain(verify_families()).collect()
}

/// Those of `tls.verify`.
fn verify_families() -> impl Iterator<Item = Family> {
    let chain = chain::table();
    let table = |name, about| {
        let bases = BOTH.map(|peer| (peer.name(), chain.family.base(peer.name())));
        Table::new(name, about, bases)
    };
    let tables = [
        time::table(table("tls/time", "Validity of each certificate of the path.")),
        ca::table(table("tls/ca", "What makes a certificate that of a CA.")),
        usage::table(table("tls/usage", "keyUsage and extendedKeyUsage.")),
        form::table(table("tls/form", "Encoding, version and extensions.")),
        constraints::table(table("tls/name-constraints", "nameConstraints of CAs.")),
        algorithms::table(table("tls/algorithms", "Keys and signatures.")),
        server_name::table(table("tls/server-name", "The name that a client compares.")),
        identity::table(table("tls/identity", "What a client is known by.")),
        revocation::table(table("tls/crl", "Revocation lists of CAs.")),
        lists::table(table("tls/lists", "Allow list and deny list.")),
    ];
    [chain].into_iter().chain(tables).map(|table| table.family)
}

/// The vectors of `tls.verify` of one family.
pub(super) struct Table {
    family: Family,
}

impl Table {
    fn new<const N: usize>(
        name: &'static str,
        about: &'static str,
        bases: [(&'static str, super::family::Base); N],
    ) -> Self {
        let family = Family::new(name, "tls.verify", about).since(SUITE);
        Self { family: family.with_bases(bases).with_constants(constants()) }
    }

    /// A path that is accepted.
    fn accept(
        &mut self,
        name: &str,
        rules: &[&'static str],
        path: &Path,
        note: &str,
    ) -> &mut Draft {
        self.accept_input(name, rules, path, path.input(), note)
    }

    /// A chain or anchors other than those of the path, which are accepted.
    fn accept_input(
        &mut self,
        name: &str,
        rules: &[&'static str],
        path: &Path,
        input: Value,
        note: &str,
    ) -> &mut Draft {
        let leaf = input["chain"][0].as_str().and_then(|leaf| hex::decode(leaf).ok());
        let out = path.output(&leaf.unwrap_or_else(|| unreachable!("octets as hexadecimal")));
        self.family.accept(name, rules, input, out, note)
    }

    /// As [`Table::accept`] for both roles, with a name for each.
    fn accept_both(
        &mut self,
        name: &str,
        rules: &[&'static str],
        note: &str,
        change: impl Fn(&mut Path),
    ) {
        for peer in BOTH {
            let mut path = Path::good(peer);
            change(&mut path);
            self.accept(&format!("{}-{name}", peer.name()), rules, &path, note);
        }
    }

    /// A path with one flaw; it differs from `base`.
    fn reject(
        &mut self,
        name: &str,
        base: &str,
        rules: &[&'static str],
        code: &'static str,
        flaw: &str,
        path: &Path,
    ) -> &mut Draft {
        self.reject_input(name, base, rules, code, flaw, path.input())
    }

    /// A chain or anchors with one flaw.
    fn reject_input(
        &mut self,
        name: &str,
        base: &str,
        rules: &[&'static str],
        code: &'static str,
        flaw: &str,
        changed: Value,
    ) -> &mut Draft {
        let change = |input: &mut _| *input = object(changed);
        self.family.reject(name, base, rules, code, flaw, change).security()
    }

    /// The good path of a role with one flaw.
    fn reject_good(
        &mut self,
        peer: Peer,
        name: &str,
        rules: &[&'static str],
        code: &'static str,
        flaw: &str,
        change: impl Fn(&mut Path),
    ) -> &mut Draft {
        let mut path = Path::good(peer);
        change(&mut path);
        self.reject(name, peer.name(), rules, code, flaw, &path)
    }

    /// As [`Table::reject_good`] for both roles, with a name for each.
    fn reject_both(
        &mut self,
        name: &str,
        rules: &[&'static str],
        code: &'static str,
        flaw: &str,
        change: impl Fn(&mut Path),
    ) {
        for peer in BOTH {
            let name = format!("{}-{name}", peer.name());
            self.reject_good(peer, &name, rules, code, flaw, &change);
        }
    }
}

/// Certificates and CRLs that many vectors have.
fn constants() -> Vec<(&'static str, Value)> {
    let (server, client) = (Path::good(Peer::Server), Path::good(Peer::Client));
    let impostor = path::impostor();
    vec![
        ("root", hex(&server.root())),
        ("intermediate", hex(&server.der(1))),
        ("server", hex(&server.der(0))),
        ("client", hex(&client.der(0))),
        ("impostor", hex(&impostor.signed(&impostor))),
        ("root-crl", hex(&revocation::root_crl())),
        ("intermediate-crl", hex(&revocation::intermediate_crl())),
    ]
}
