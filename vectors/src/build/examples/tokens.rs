//! Section 5.11.

use super::Text;
use crate::build::tok::{CHALLENGE, SECOND, TOKEN, body, client, server};

/// The clock when the token is issued, later than the challenge.
const ISSUED: u32 = SECOND + 2;

pub(super) fn example() -> Text {
    let (server, client) = (server(), client());
    let challenge_body = body(CHALLENGE, &client.public, SECOND);
    let challenge = server.signed(&challenge_body);
    let id = b"server-a";
    let to_sign = [id, &*challenge].concat();
    let token_body = body(TOKEN, &client.public, ISSUED);
    Text::new()
        .step(
            "The signing keys, each a seed and its public key.",
            &[
                ("s", &server.seed),
                ("S", &server.public),
                ("c", &client.seed),
                ("C", &client.public),
            ],
        )
        .step(
            &format!("The challenge (TOK-003), at {SECOND}000 to {SECOND}999 ms: a body of type 01, signed by the server."),
            &[
                ("body", &challenge_body),
                ("signature", &challenge[..64]),
                ("challenge", &challenge),
            ],
        )
        .step(
            "The signed challenge (TOK-005) of a client that is configured with the serverId `server-a`.",
            &[
                ("serverId", id),
                ("signature", &client.sign(&to_sign)),
                ("signed challenge", &client.signed(&to_sign)),
            ],
        )
        .step(
            &format!("The token (TOK-004), issued at {ISSUED}500 ms: a body of type 02, signed by the server."),
            &[
                ("body", &token_body),
                ("signature", &server.sign(&token_body)),
                ("token", &server.signed(&token_body)),
            ],
        )
        .end()
}
