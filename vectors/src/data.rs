//! The files of `data/`, compiled in. Written by `tunnelproof-vectors build`.

/// Path relative to `data/`, and octets, in the order of the paths.
pub(crate) const FILES: &[(&str, &[u8])] = &[
    ("constants.json", include_bytes!("../data/constants.json")),
    ("cred/client-key.json", include_bytes!("../data/cred/client-key.json")),
    ("cred/make.json", include_bytes!("../data/cred/make.json")),
    ("cred/server-key.json", include_bytes!("../data/cred/server-key.json")),
    ("hs/client-order.json", include_bytes!("../data/hs/client-order.json")),
    ("hs/client-reply.json", include_bytes!("../data/hs/client-reply.json")),
    ("hs/client-start.json", include_bytes!("../data/hs/client-start.json")),
    ("hs/nonce.json", include_bytes!("../data/hs/nonce.json")),
    ("hs/oaep.json", include_bytes!("../data/hs/oaep.json")),
    ("hs/reply.json", include_bytes!("../data/hs/reply.json")),
    ("hs/request.json", include_bytes!("../data/hs/request.json")),
    ("hs/server-binding.json", include_bytes!("../data/hs/server-binding.json")),
    ("hs/server-decision.json", include_bytes!("../data/hs/server-decision.json")),
    ("hs/server-order.json", include_bytes!("../data/hs/server-order.json")),
    ("hs/server-release.json", include_bytes!("../data/hs/server-release.json")),
    ("hs/server-request.json", include_bytes!("../data/hs/server-request.json")),
    ("hs/server.json", include_bytes!("../data/hs/server.json")),
    ("hs/spki.json", include_bytes!("../data/hs/spki.json")),
];
