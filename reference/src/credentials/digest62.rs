//! Digests of passwords, as base62 digits.

use super::{Base62, ClientPassword, Id, ServerPassword};
use crate::crypto::{hkdf_expand, hkdf_extract, sha256, x25519_base};
use crate::secret::Secret;

const CLIENT_LABEL: &[u8] = b"secure-tunnel/v1/client-password";
const SERVER_LABEL: &[u8] = b"secure-tunnel/v1/server-password";

/// Dc: 18 digits that depend on the id and on Pc, with a key pair as preimage.
pub(crate) fn client_digest(id: &Id, password: &ClientPassword) -> Base62<18> {
    // spec: CRED-014
    let prk = hkdf_extract(CLIENT_LABEL, password.0.expose());
    let okm: Secret<64> = hkdf_expand(prk.expose(), &id.with_length());
    let (s, k) = okm.expose().split_at(32);
    let s = Secret::filled(|out| out.copy_from_slice(s));
    // spec: CRED-013
    digest62(CLIENT_LABEL, id, &[&x25519_base(s.expose()), k])
}

/// Ds: 8 digits that depend on the id and on Ps.
pub(crate) fn server_digest(id: &Id, password: &ServerPassword) -> Base62<8> {
    // spec: CRED-012
    digest62(SERVER_LABEL, id, &[password.0.expose()])
}

/// `digest62(N, label, id, x)`, with `x` in parts.
pub(crate) fn digest62<const N: usize>(label: &[u8], id: &Id, x: &[&[u8]]) -> Base62<N> {
    // spec: CRED-010, CRED-011
    let [len, text] = id.with_length();
    let parts = [&[label, &[0], len, text], x].concat();
    Base62::of_number(Secret::from(sha256(&parts)))
}
