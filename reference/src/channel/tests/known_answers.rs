//! Every derived key and whole records against answers made by another stack
//! (`tests/known_answers/make_channel_tokens.py`).

use serde_json::Value;

use super::*;
use crate::channel::schedule::Keys;

fn answers() -> Value {
    let text = include_str!("../../../tests/known_answers/channel_tokens.json");
    serde_json::from_str::<Value>(text).unwrap()["channel"].take()
}

fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    octets(value).try_into().unwrap()
}

fn known_schedule(answers: &Value) -> Schedule {
    let [m1, m2, m3] = ["m1", "m2", "m3"].map(|name| octets(&answers[name]));
    let transcript = Transcript { messages: [&m1, &m2, &m3], binding: None };
    Schedule::new(transcript, Secret::from(array(&answers["k"])))
}

#[test]
fn schedule_of_both_directions_over_three_generations() {
    let answers = answers();
    let schedule = known_schedule(&answers);
    assert_eq!(schedule.th, array(&answers["th"]));
    assert_eq!(*schedule.prk.expose(), array(&answers["prk"]));
    assert_eq!(*schedule.exporter.expose(), array(&answers["exporter"]));

    let mut chains = [schedule.c2s, schedule.s2c];
    let generations = answers["generations"].as_array().unwrap();
    assert_eq!(generations.len(), 6);
    for generation in generations {
        let chain = &mut chains[usize::from(generation["direction"] == "s2c")];
        assert_eq!(*chain.expose(), array(&generation["chain"]), "{generation}");
        let keys = Keys::derive(Secret::from(*chain.expose()));
        assert_eq!(*keys.key.expose(), array(&generation["key"]), "{generation}");
        assert_eq!(*keys.iv.expose(), array(&generation["iv"]), "{generation}");
        *chain = keys.next;
    }
}

#[test]
fn records_around_the_bounds_of_generations_and_at_the_end_of_numbers() {
    let answers = answers();
    let records = answers["records"].as_array().unwrap();
    assert_eq!(records.len(), 17);
    for row in records {
        let number = row["number"].as_str().unwrap().parse().unwrap();
        let kind = Kind::from_octet(row["kind"].as_u64().unwrap().try_into().unwrap()).unwrap();
        let payload = octets(&row["payload"]);
        let mut record = Vec::new();
        let mut sealer = sealer_at(Secret::from(array(&row["chain"])), number);
        sealer.append(kind, &payload, &mut record).unwrap();
        assert_eq!(hex::encode(&record), row["record"], "{row}");
        let mut opener = opener_at(Secret::from(array(&row["chain"])), number);
        let place = if kind == Kind::Open { Place::First } else { Place::Later };
        assert_eq!(opener.take(&mut record, place), Ok((kind, &payload[..])), "{row}");
    }
}

/// The same records by a client that began at record 0, past its first change of keys.
#[test]
fn records_by_a_channel_that_began_at_the_beginning() {
    let answers = answers();
    let (mut client, open) = Channel::client(known_schedule(&answers)).unwrap();
    let records = answers["records"].as_array().unwrap();
    let known = |number: u64| {
        let wanted = Value::from(number.to_string());
        let of = |row: &&Value| row["direction"] == "c2s" && row["number"] == wanted;
        [0, 1, 65_535, 65_536, 65_537].contains(&number).then(|| records.iter().find(of).unwrap())
    };
    assert_eq!(hex::encode(&open), known(0).unwrap()["record"]);
    let mut compared = 1;
    for number in 1..=65_537 {
        match known(number) {
            Some(row) => {
                let record = sealed(&mut client.sealer, &octets(&row["payload"]));
                assert_eq!(hex::encode(record), row["record"], "{number}");
                compared += 1;
            }
            None => client.seal_in_place(&mut [0; 17]).unwrap(),
        }
    }
    assert_eq!(compared, 5);
}

#[test]
fn exports() {
    let answers = answers();
    let (mut channel, _) = Channel::client(known_schedule(&answers)).unwrap();
    let exports = answers["exports"].as_array().unwrap();
    assert_eq!(exports.len(), 5);
    for row in exports {
        let mut out = vec![0; row["length"].as_u64().unwrap().try_into().unwrap()];
        channel.export(&octets(&row["label"]), &octets(&row["context"]), &mut out).unwrap();
        assert_eq!(crate::crypto::sha256(&[&out]), array(&row["sha256"]), "{row}");
    }
}
