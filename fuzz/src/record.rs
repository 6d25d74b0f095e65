//! One record, sealed and opened apart from any channel.
//!
//! ```text
//! input: chain (32) | n (8) | mode (1) | octets
//! mode:  bit 0: c2s or s2c · bit 1: the octets are the record, or else its type and payload
//! ```

use secure_tunnel::error::{ChannelError, Diagnostic};
use secure_tunnel::hazmat;
use serde_json::json;

use crate::Verdict;
use crate::agree::agree;
use crate::hostile::Fields;
use crate::protocol;

/// A record under any key and number.
///
/// What the generator seals opens as its type says; what opens is, sealed again, the same record; no other
/// number, direction of place or changed octet opens it; and what the reference seals is what the generator
/// seals.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let mut fields = Fields(data);
    let (chain, n, mode) = (fields.array::<32>(), fields.u64(), fields.u8());
    let c2s = mode & 1 == 1;
    let record = match (mode & 2, fields.0) {
        (0, octets) => octets.to_vec(),
        (_, []) => protocol::seal(&chain, n, 0, &[]),
        (_, [kind, payload @ ..]) => protocol::seal(&chain, n, *kind, payload),
    };
    let input = json!({
        "chain": hex::encode(chain),
        "n": n.to_string(),
        "direction": if c2s { "c2s" } else { "s2c" },
        "record": hex::encode(&record),
    });
    let answer = agree("chan.open", input);
    let expected = expected(&chain, n, c2s, &record);
    let opened = hazmat::open(chain, n, c2s, &mut record.clone());
    assert_eq!(opened.as_ref().map_err(Diagnostic::code), expected.as_ref().map_err(|code| *code));
    assert_eq!(answer.code(), expected.as_ref().map_or_else(|code| *code, |_| "ok"));
    match opened {
        Ok((kind, payload)) => {
            let again = hazmat::seal(chain, n, kind, &payload);
            assert_eq!(again.as_ref(), Ok(&record), "one encoding only");
            assert_eq!(payload.len() + 17, record.len());
            others_refuse(chain, n, c2s, &record);
            format!("ok {kind} {}", payload.len())
        }
        Err(error) => error.code().to_owned(),
    }
}

/// The outcome by section 4.5.
pub(crate) fn expected(
    chain: &[u8; 32],
    n: u64,
    c2s: bool,
    record: &[u8],
) -> Result<(u8, Vec<u8>), &'static str> {
    if record.len() < 17 {
        return Err("record_length");
    }
    let (kind, payload) = protocol::open(chain, n, record).ok_or("open_failed")?;
    match (kind, payload.len(), c2s && n == 0) {
        (3.., ..) => Err("unknown_type"),
        (1 | 2, 1.., _) => Err("control_payload"),
        (0 | 1, _, true) => Err("missing_open"),
        (2, _, false) => Err("unexpected_open"),
        _ => Ok((kind, payload)),
    }
}

fn others_refuse(chain: [u8; 32], n: u64, c2s: bool, record: &[u8]) {
    let failed = |n, octets: &[u8]| {
        let opened = hazmat::open(chain, n, c2s, &mut octets.to_vec());
        assert_eq!(opened.map_err(|error| error.code()), Err("open_failed"));
    };
    failed(n.wrapping_add(1), record);
    failed(n ^ 1 << 63, record);
    let mut flipped = record.to_vec();
    let at = usize::from(chain[0]) % record.len();
    flipped[at] ^= 1 << (chain[1] % 8);
    failed(n, &flipped);
    failed(n, &[record, &[0]].concat());
    let short = hazmat::open(chain, n, c2s, &mut record[..16].to_vec());
    assert_eq!(short, Err(ChannelError::RecordLength { found: 16 }));
}
