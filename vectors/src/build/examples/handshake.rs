//! Section 3.11.

use super::Text;
use crate::build::primitives::sha256;
use crate::build::protocol::{NONCE, binding_hash, oaep};
use crate::build::world::{Handshake, good};

pub(super) fn example() -> Text {
    let Handshake { credentials, r, t, k, m1, spki, nonce, p1, m2, p3, m3, .. } = good();
    let (request, reply) = (oaep("good C1"), oaep("good M3"));
    let size = good().server.public.size();
    let c1 = &m2[spki.len()..];
    let time = t.to_be_bytes();
    Text::new()
        .step(
            "M1 is the SPKI of `test-rsa-4552-a.pem`, 607 octets: a header of 33, the modulus, and \
             the exponent.",
            &[("M1", m1)],
        )
        .step(
            "The client has the credentials of [chapter 2's example](2-credentials.md#28-worked-example) \
             and `test-rsa-4552-b.pem`, whose SPKI is:",
            &[("SPKI_c", spki)],
        )
        .step(
            "The nonce (HS-025) is r and the first 16 octets of a hash of label, 0x00, the hashes of \
             both SPKIs, and r.",
            &[
                ("r", r),
                ("label", NONCE),
                ("SHA-256(M1)", &sha256(&[m1])),
                ("SHA-256(SPKI_c)", &sha256(&[spki])),
                ("SHA-256", &binding_hash(NONCE, &[0], m1, spki, r)),
                ("nonce", nonce),
            ],
        )
        .step(
            &format!("P1 (HS-024): len8(id), id, Pc, t = {t} and the nonce."),
            &[
                ("len8(id)", &p1[..1]),
                ("id", &credentials.id),
                ("Pc", &credentials.client_password),
                ("t", &time),
                ("nonce", nonce),
                ("P1", p1),
            ],
        )
        .step(
            "EME-OAEP turns P1 into 569 octets with this seed; RSA with the key of M1 turns those into \
             C1.",
            &[("seed", &request.seed), ("encoded", &request.encode(size, p1)), ("C1", c1)],
        )
        .step("M2 (HS-023) is SPKI_c and C1, 1,176 octets. Its hash:", &[("SHA-256(M2)", &sha256(&[m2]))])
        .step(
            &format!(
                "The server's clock says {t} too. P3 (HS-048): Ps, K, t' and the nonce, 94 octets."
            ),
            &[
                ("Ps", &credentials.server_password),
                ("K", k),
                ("t'", &time),
                ("nonce", nonce),
                ("P3", p3),
            ],
        )
        .step(
            "M3 is P3, encrypted with this seed under the key of SPKI_c.",
            &[("seed", &reply.seed), ("encoded", &reply.encode(size, p3)), ("M3", m3)],
        )
        .end()
}
