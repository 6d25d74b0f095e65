//! Operations of area chan on single records and keys.

use secure_tunnel::hazmat;
use serde_json::{Map, Value};

use super::{Stop, fault, out, rejected};
use crate::shim_server::{BadInput, Input, to_octets};

const TYPES: [&str; 3] = ["data", "close", "open"];

pub(super) fn schedule(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let [m1, m2, m3] = ["m1", "m2", "m3"].map(|name| input.octets(name));
    let binding = match input.has("binding") {
        true => Some(input.array::<32>("binding")?),
        false => None,
    };
    let k = input.array::<48>("k")?.into();
    let derived = hazmat::derive([&m1?, &m2?, &m3?], binding.as_ref(), k);
    Ok(out([
        ("th", to_octets(&derived.th)),
        ("prk", to_octets(&derived.prk)),
        ("c2s", to_octets(&derived.c2s)),
        ("s2c", to_octets(&derived.s2c)),
        ("exporter", to_octets(&derived.exporter)),
    ]))
}

pub(super) fn generation(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let (key, iv, next) = hazmat::generation(input.array("chain")?);
    Ok(out([("key", to_octets(&key)), ("iv", to_octets(&iv)), ("next", to_octets(&next))]))
}

pub(super) fn seal(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let name = input.word("type")?;
    let kind = (0u8..)
        .zip(TYPES)
        .find_map(|(octet, known)| (known == name).then_some(octet))
        .ok_or_else(|| fault(format!("no type {name}")))?;
    let payload = input.octets("payload")?;
    let record = hazmat::seal(input.array("chain")?, input.u64("n")?, kind, &payload)
        .map_err(|error| rejected(&error))?;
    Ok(out([("record", to_octets(&record))]))
}

pub(super) fn open(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let c2s = match input.word("direction")? {
        "c2s" => true,
        "s2c" => false,
        other => return Err(BadInput(format!("no direction {other}")).into()),
    };
    let mut record = input.octets("record")?;
    let (kind, payload) = hazmat::open(input.array("chain")?, input.u64("n")?, c2s, &mut record)
        .map_err(|error| rejected(&error))?;
    let kind = TYPES.get(usize::from(kind)).ok_or_else(|| fault("a type without a name"))?;
    Ok(out([("type", (*kind).into()), ("payload", to_octets(&payload))]))
}

pub(super) fn export(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let unused = ([0; 32], 0);
    let mut channel = hazmat::channel_at(true, &input.array("prk")?, unused, unused);
    let mut octets = export_buffer(input)?;
    channel
        .export(&input.octets("label")?, &input.octets("context")?, &mut octets)
        .map_err(|error| rejected(&error))?;
    Ok(out([("octets", to_octets(&octets))]))
}

/// Room for `length` octets of an export; no more is reserved than shows that it is too much.
pub(super) fn export_buffer(request: Input<'_>) -> Result<Vec<u8>, Stop> {
    const ENOUGH: u64 = secure_tunnel::channel::MAX_EXPORT as u64 + 1;
    let length = request.integer("length")?.min(ENOUGH);
    Ok(vec![0; length as usize]) // at most 8161
}
