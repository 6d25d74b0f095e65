//! All operations of the shim protocol (its section 7).

use super::Shape::{
    Bool, Error, Integer, List, NullOr, Object, Octets, OneOf, Sent, True, U64, Word,
};
use super::{Field, Op, Shape, may, must};

const AT: Field = must("at", Integer);
const KINDS: Shape = Word(&["data", "close", "open"]);

const CLIENT_EVENT: Shape = OneOf(&[
    Object(&[AT, must("receive", Octets)]),
    Object(&[AT, must("request", Object(&[must("now", U64)]))]),
    Object(&[AT, must("wake", True)]),
    Object(&[AT, must("end", True)]),
]);

const SERVER_EVENT: Shape = OneOf(&[
    Object(&[AT, must("receive", Octets)]),
    Object(&[
        AT,
        must("lookup", OneOf(&[Object(&[must("found", Octets)]), Word(&["unknown", "failed"])])),
        must("now", U64),
    ]),
    Object(&[AT, must("wake", True)]),
    Object(&[AT, must("end", True)]),
]);

const DIRECTION: Shape = Object(&[must("chain", Octets), must("n", U64)]);

const SESSION_START: Shape = OneOf(&[
    Object(&[must("m1", Octets), must("m2", Octets), must("m3", Octets), must("k", Octets)]),
    Object(&[must("prk", Octets), must("c2s", DIRECTION), must("s2c", DIRECTION)]),
]);

const SESSION_EVENT: Shape = OneOf(&[
    Object(&[must("send", Octets)]),
    Object(&[must("close", True)]),
    Object(&[must("receive", Octets)]),
    Object(&[must(
        "export",
        Object(&[must("label", Octets), must("context", Octets), must("length", Integer)]),
    )]),
    Object(&[must("transport_failed", True)]),
    Object(&[must("end", True)]),
]);

const SESSION_RESULT: Shape = OneOf(&[
    Object(&[must("record", Octets)]),
    Object(&[must("data", Octets)]),
    Object(&[must("close", True)]),
    Object(&[must("open", True)]),
    Object(&[must("octets", Octets)]),
    Object(&[must("dead", True)]),
    Object(&[must("end", Word(&["clean", "truncated"]))]),
    Object(&[must("error", Error)]),
]);

const LISTED: Shape =
    OneOf(&[Object(&[must("identity", Octets)]), Object(&[must("sha256", Octets)])]);

/// Those of section 7.13 that say something about a certificate.
const POLICIES: Shape = Word(&[
    "eku-if-present",
    "anchor-validity-ignored",
    "crl-unknown-accepted",
    "crl-stale-accepted",
]);

pub(super) const OPS: &[Op] = &[
    Op {
        name: "cred.make",
        input: &[
            must("id", Octets),
            must("client_password", Octets),
            must("server_password", Octets),
        ],
        output: &[must("client_key", Octets), must("server_key", Octets)],
    },
    Op {
        name: "cred.client_key",
        input: &[must("client_key", Octets)],
        output: &[
            must("id", Octets),
            must("client_password", Octets),
            must("server_digest", Octets),
        ],
    },
    Op {
        name: "cred.server_key",
        input: &[must("server_key", Octets)],
        output: &[must("server_password", Octets), must("client_digest", Octets)],
    },
    Op {
        name: "hs.spki",
        input: &[must("spki", Octets)],
        output: &[must("bits", Integer), must("octets", Integer)],
    },
    Op {
        name: "hs.nonce",
        input: &[must("m1", Octets), must("spki", Octets), must("r", Octets)],
        output: &[must("nonce", Octets)],
    },
    Op {
        name: "hs.request",
        input: &[must("plaintext", Octets)],
        output: &[
            must("id", Octets),
            must("client_password", Octets),
            must("t", U64),
            must("nonce", Octets),
        ],
    },
    Op {
        name: "hs.reply",
        input: &[must("plaintext", Octets)],
        output: &[
            must("server_password", Octets),
            must("k", Octets),
            must("t", U64),
            must("nonce", Octets),
        ],
    },
    Op {
        name: "hs.oaep",
        input: &[must("private_key", Octets), must("ciphertext", Octets)],
        output: &[must("plaintext", Octets)],
    },
    Op {
        name: "hs.client",
        input: &[
            must("client_key", Octets),
            may("pin", Octets),
            must("private_key", Octets),
            must("r", Octets),
            must("events", List(&CLIENT_EVENT)),
        ],
        output: &[must("sent", List(&Sent)), must("established", Bool)],
    },
    Op {
        name: "hs.server",
        input: &[
            must("private_key", Octets),
            must("k", Octets),
            may("release_delay_ms", Integer),
            must("events", List(&SERVER_EVENT)),
        ],
        output: &[
            must("sent", List(&Sent)),
            must("looked_up", NullOr(&Octets)),
            must("established", Bool),
            must("release_at", Integer),
        ],
    },
    Op {
        name: "chan.schedule",
        input: &[
            must("m1", Octets),
            must("m2", Octets),
            must("m3", Octets),
            must("k", Octets),
            may("binding", Octets),
        ],
        output: &[
            must("th", Octets),
            must("prk", Octets),
            must("c2s", Octets),
            must("s2c", Octets),
            must("exporter", Octets),
        ],
    },
    Op {
        name: "chan.generation",
        input: &[must("chain", Octets)],
        output: &[must("key", Octets), must("iv", Octets), must("next", Octets)],
    },
    Op {
        name: "chan.seal",
        input: &[
            must("chain", Octets),
            must("n", U64),
            must("type", KINDS),
            must("payload", Octets),
        ],
        output: &[must("record", Octets)],
    },
    Op {
        name: "chan.open",
        input: &[
            must("chain", Octets),
            must("n", U64),
            must("direction", Word(&["c2s", "s2c"])),
            must("record", Octets),
        ],
        output: &[must("type", KINDS), must("payload", Octets)],
    },
    Op {
        name: "chan.export",
        input: &[
            must("prk", Octets),
            must("label", Octets),
            must("context", Octets),
            must("length", Integer),
        ],
        output: &[must("octets", Octets)],
    },
    Op {
        name: "chan.session",
        input: &[
            must("role", Word(&["client", "server"])),
            must("start", SESSION_START),
            must("events", List(&SESSION_EVENT)),
        ],
        output: &[must("results", List(&SESSION_RESULT))],
    },
    Op {
        name: "frame.stream",
        input: &[
            must("reads", List(&Octets)),
            must("end", Bool),
            must("established_after", NullOr(&Integer)),
        ],
        output: &[must("messages", List(&Octets))],
    },
    Op {
        name: "frame.websocket",
        input: &[
            must(
                "messages",
                List(&OneOf(&[Object(&[must("binary", Octets)]), Object(&[must("text", Octets)])])),
            ),
            must("established_after", NullOr(&Integer)),
        ],
        output: &[must("messages", List(&Octets))],
    },
    Op {
        name: "frame.encode",
        input: &[must("message", Octets), must("peer_established", Bool)],
        output: &[must("frame", Octets)],
    },
    Op {
        name: "tok.challenge",
        input: &[
            must("server_private", Octets),
            must("client_public", Octets),
            must("now_ms", U64),
            may("server_id", Octets),
            may("challenge_ttl_ms", U64),
            may("token_ttl_ms", U64),
        ],
        output: &[must("challenge", Octets)],
    },
    Op {
        name: "tok.sign",
        input: &[
            must("client_private", Octets),
            may("server_id", Octets),
            must("challenge", Octets),
        ],
        output: &[must("signed_challenge", Octets)],
    },
    Op {
        name: "tok.issue",
        input: &[
            must("server_private", Octets),
            may("server_id", Octets),
            may("challenge_ttl_ms", U64),
            may("token_ttl_ms", U64),
            must("client_public", Octets),
            must("signed_challenge", Octets),
            must("now_ms", U64),
        ],
        output: &[must("token", Octets)],
    },
    Op {
        name: "tok.verify",
        input: &[
            must("server_public", Octets),
            may("token_ttl_ms", U64),
            must("token", Octets),
            must("now_ms", U64),
        ],
        output: &[must("client_public", Octets)],
    },
    Op {
        name: "tls.verify",
        input: &[
            must("peer", Word(&["server", "client"])),
            must("chain", List(&Octets)),
            must("anchors", List(&Octets)),
            must("now", U64),
            may("name", Octets),
            may("crls", List(&Octets)),
            may("policies", List(&POLICIES)),
            may("allow", List(&LISTED)),
            may("deny", List(&LISTED)),
        ],
        output: &[must("fingerprint", Octets), must("identity", Octets)],
    },
    Op {
        name: "tls.context",
        input: &[must("contexts", List(&Octets)), must("default", Bool), may("name", Octets)],
        output: &[must("context", NullOr(&Integer))],
    },
];
