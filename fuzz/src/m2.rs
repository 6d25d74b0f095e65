//! M2 on its own.

use secure_tunnel::RsaPublic;
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::time::Tick;
use serde_json::json;

use crate::Verdict;
use crate::agree::agree;
use crate::plaintext::is_p1;
use crate::protocol::nonce;
use crate::rsa_keys;

/// Any octets as the M2 that a server gets.
///
/// The outcome is the one that the checks of section 3.5 give in their order, made with the generator's
/// decryption. An accepted M2 is exactly its SPKI and a ciphertext of its P1.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let events = json!([{ "at": 5, "receive": hex::encode(data) }]);
    let input = json!({
        "private_key": hex::encode(&rsa_keys::server().pkcs8),
        "k": hex::encode([7; 48]),
        "events": events,
    });
    let answer = agree("hs.server", input);
    let (server, m1) = Server::greet(rsa_keys::server_private(), Policy::default(), Tick(0));
    let taken = server.receive(data, Tick(5));
    let code = match &taken {
        Ok(lookup) => {
            let p1 = expected(&m1, data).unwrap_or_else(|code| panic!("accepted, but: {code}"));
            assert_eq!(lookup.claimed_id().as_str().as_bytes(), &p1[1..][..usize::from(p1[0])]);
            "ok"
        }
        Err(failure) => {
            assert_eq!(expected(&m1, data).err(), Some(failure.error.code()));
            assert_eq!(failure.release, Tick(5), "nothing is held back without a policy");
            failure.error.code()
        }
    };
    assert_eq!(answer.code(), code);
    code.to_owned()
}

/// P1, or the code of the first check that fails.
pub(crate) fn expected(m1: &[u8], m2: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key = rsa_keys::server();
    let size = key.public.size();
    let at = m2.len().checked_sub(size).filter(|at| *at >= 591).ok_or("malformed")?;
    let (spki, c1) = m2.split_at(at);
    RsaPublic::from_spki(spki).map_err(|_| "bad_key")?; // target `spki` tests this
    let p1 = rsa_keys::open(key, c1).ok_or("decrypt")?;
    if !is_p1(&p1) {
        return Err("malformed");
    }
    let found = &p1[p1.len() - 30..];
    if nonce(m1, spki, &found[..14]) != found {
        return Err("binding");
    }
    Ok(p1)
}
