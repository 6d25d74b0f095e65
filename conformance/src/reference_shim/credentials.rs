//! Operations of area cred.

use secure_tunnel::credentials::{self, ClientKey, ClientPassword, Id, ServerKey, ServerPassword};
use secure_tunnel::error::CredentialError;
use serde_json::{Map, Value};

use super::{Stop, out, rejected};
use crate::shim_server::{Input, to_octets};

pub(super) fn make(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let [id, client, server] =
        ["id", "client_password", "server_password"].map(|name| input.octets(name));
    let (id, client, server) = (id?, client?, server?);
    let keys = || -> Result<_, CredentialError> {
        let client = ClientPassword::parse(&client)?;
        Ok(credentials::create(&Id::new(&id)?, client, ServerPassword::parse(&server)?))
    };
    let (client_key, server_key) = keys().map_err(|error| rejected(&error))?;
    Ok(out([
        ("client_key", to_octets(&client_key.expose())),
        ("server_key", to_octets(&server_key.expose())),
    ]))
}

pub(super) fn client_key(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let key = ClientKey::parse(&input.octets("client_key")?).map_err(|error| rejected(&error))?;
    // What it writes out again is id || Pc || Ds.
    let octets = key.expose();
    let (id, rest) = octets.split_at(key.id().as_str().len());
    let (password, digest) = rest.split_at(18);
    Ok(out([
        ("id", to_octets(id)),
        ("client_password", to_octets(password)),
        ("server_digest", to_octets(digest)),
    ]))
}

pub(super) fn server_key(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let key = ServerKey::parse(&input.octets("server_key")?).map_err(|error| rejected(&error))?;
    let octets = key.expose();
    let (password, digest) = octets.split_at(8);
    Ok(out([("server_password", to_octets(password)), ("client_digest", to_octets(digest))]))
}
