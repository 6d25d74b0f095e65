//! Operations of area tls.

use secure_tunnel_tls::{
    ContextName, List, Lists, Peer, Policies, TlsError, Trust, choose_context,
};
use serde_json::{Map, Value};

use super::{Stop, fault, out, rejected};
use crate::shim_server::{BadInput, Input, octets_of, to_octets};

pub(super) fn verify(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let lists = Lists {
        allow: input.has("allow").then(|| list(input, "allow")).transpose()?,
        deny: if input.has("deny") { list(input, "deny")? } else { List::default() },
    };
    let mut trust = Trust::new(&octets_list(input, "anchors")?, policies(input)?)
        .map_err(|error| rejected(&error))?;
    if input.has("crls") {
        trust = trust.with_crls(&octets_list(input, "crls")?).map_err(|error| rejected(&error))?;
    }
    let chain: Vec<_> = octets_list(input, "chain")?.into_iter().map(Into::into).collect();
    let name = match input.word("peer")? {
        "client" => None,
        "server" => {
            let name = secure_tunnel_tls::server_name(&input.octets("name")?);
            Some(name.map_err(|error| rejected(&error))?)
        }
        other => return Err(fault(format!("no peer {other}"))),
    };
    let peer = name.as_ref().map_or(Peer::Client, |name| Peer::Server { name });
    let verified = trust
        .verify(peer, &chain, input.u64("now")?)
        .and_then(|verified| match &verified.identity {
            Some(identity) => lists.check(identity, &verified.fingerprint).map(|()| verified),
            None => Ok(verified),
        })
        .map_err(|error| rejected(&error))?;
    let mut answer = out([("fingerprint", to_octets(&verified.fingerprint))]);
    if let Some(identity) = verified.identity {
        answer.insert("identity".to_owned(), to_octets(identity.as_str().as_bytes()));
    }
    Ok(answer)
}

pub(super) fn context(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let names = octets_list(input, "contexts")?
        .iter()
        .map(|name| ContextName::new(name))
        .collect::<Result<Vec<_>, TlsError>>()
        .map_err(|error| rejected(&error))?;
    let indicated = input.optional_octets("name")?;
    let chosen = choose_context(names.iter(), input.boolean("default")?, indicated.as_deref())
        .map_err(|error| rejected(&error))?;
    Ok(out([("context", chosen.into())]))
}

fn octets_list(input: Input<'_>, name: &str) -> Result<Vec<Vec<u8>>, BadInput> {
    input.list(name)?.iter().map(octets_of).collect()
}

fn policies(input: Input<'_>) -> Result<Policies, Stop> {
    if !input.has("policies") {
        return Ok(Policies::default());
    }
    let names: Option<Vec<&str>> = input.list("policies")?.iter().map(Value::as_str).collect();
    let names = names.ok_or_else(|| fault("policies: expected a list of names"))?;
    Policies::named(names).map_err(|error| fault(error.to_string()))
}

fn list(input: Input<'_>, name: &str) -> Result<List, Stop> {
    let mut list = List::default();
    for entry in input.objects(name)? {
        if entry.has("identity") {
            list.add_identity(&entry.octets("identity")?);
        } else {
            list.add_fingerprint(entry.array("sha256")?);
        }
    }
    Ok(list)
}
