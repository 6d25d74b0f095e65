//! Section 2.8.

use super::Text;
use crate::build::primitives::{
    CLIENT_PASSWORD, SERVER_PASSWORD, client_secrets, digest62, digest62_hash, hkdf_extract, len8,
    x25519_base,
};
use crate::build::world::{Credentials, good};

pub(super) fn example() -> Text {
    let Credentials { id, client_password: pc, server_password: ps, client_key, server_key } =
        &good().credentials;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let (s, k) = client_secrets(id, pc);
    let x = [x25519_base(&s), k].concat();
    let ds = digest62(8, SERVER_PASSWORD, id, ps);
    let dc = digest62(18, CLIENT_PASSWORD, id, &x);
    let preimage = |label: &[u8], x: &[u8]| [label, &[0, len8(id)], id, x].concat();
    Text::new()
        .step(
            &format!(
                "The id is `{}`, the client password `{}`, the server password `{}`.",
                text(id),
                text(pc),
                text(ps)
            ),
            &[("id", id), ("Pc", pc), ("Ps", ps)],
        )
        .step(
            &format!(
                "Ds (CRED-012): the hash of label, 0x00, len8(id), id and Ps, modulo 62^8, is `{}`.",
                text(&ds)
            ),
            &[
                ("hashed", &preimage(SERVER_PASSWORD, ps)),
                ("SHA-256", &digest62_hash(SERVER_PASSWORD, id, ps)),
                ("Ds", &ds),
            ],
        )
        .step(
            "s and k (CRED-014), with the PRK that HKDF extracts on the way, and X25519(s, 9).",
            &[
                ("salt", CLIENT_PASSWORD),
                ("PRK", &hkdf_extract(CLIENT_PASSWORD, pc)),
                ("info", &[&[len8(id)], &**id].concat()),
                ("s", &s),
                ("k", &k),
                ("X25519(s, 9)", &x25519_base(&s)),
            ],
        )
        .step(
            &format!(
                "Dc (CRED-013): the hash of label, 0x00, len8(id), id, X25519(s, 9) and k, modulo \
                 62^18, is `{}`.",
                text(&dc)
            ),
            &[
                ("hashed", &preimage(CLIENT_PASSWORD, &x)),
                ("SHA-256", &digest62_hash(CLIENT_PASSWORD, id, &x)),
                ("Dc", &dc),
            ],
        )
        .step(
            &format!(
                "The two strings: `{}` for the client, `{}` for the server.",
                text(client_key),
                text(server_key)
            ),
            &[("clientKey", client_key), ("serverKey", server_key)],
        )
        .end()
}
