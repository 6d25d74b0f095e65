//! M3: replies that a client has to refuse, with one fault each (section 3.6), and the limits of those that it
//! has to accept.

use std::time::{Duration, Instant};

use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{pkcs1_v15, to_octets};

use super::{Asked, Dial, accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};

type Make = fn(&mut Asked<'_>) -> Result<Vec<u8>, Fault>;
type Row = (&'static str, &'static str, &'static [&'static str], &'static str, Make);

const MALFORMED: &[&str] = &["malformed"];
const DECRYPT: &[&str] = &["decrypt"];
const STALE: &[&str] = &["stale"];
const NONCE: &[&str] = &["nonce"];
const PASSWORD: &[&str] = &["wrong_password"];

pub fn cases() -> Vec<Case> {
    let refused = ROWS.iter().map(|(name, rule, codes, about, make)| {
        let case = refuse(&format!("m3/{name}"), &[rule, "HS-072"], codes, *about, move |stage| {
            let mut asked = stage.asked(&Dial::default())?;
            let m3 = make(&mut asked)?;
            asked.peer.send("M3", &m3);
            stage.refused(asked.peer)
        });
        match *codes {
            ["too_long"] => case,
            _ if *name == "empty" => case.in_group("reply").only(Transport::Ws),
            _ => case.in_group("reply").in_group("closing"),
        }
    });
    let apart = [("time-10-s-before", -10_i64), ("time-10-s-after", 10), ("time-the-same", 0)];
    let accepted = apart.map(|(name, by)| {
        let about = format!("t' is {by} seconds from t");
        accept(&format!("m3/{name}"), &["HS-056", "HS-059"], about, move |stage| {
            let mut asked = stage.asked(&Dial::default())?;
            asked.reply.t = asked.t.saturating_add_signed(by);
            asked.answer()?.close()
        })
    });
    let zero =
        accept("m3/leading-zero", &["HS-051"], "an M3 that begins with a zero octet", |stage| {
            let mut asked = stage.asked(&Dial::default())?;
            leading_zero(&mut asked)?;
            asked.answer()?.close()
        });
    refused.chain(accepted).chain([zero]).collect()
}

fn sealed(asked: &Asked<'_>, p3: &[u8]) -> Result<Vec<u8>, Fault> {
    Ok(asked.key.encrypt(&asked.reply.oaep(), p3))
}

/// Changes the seed until M3 begins with a zero octet, which one in 256 does. On a busy machine that can take longer than the
/// client waits: then another connection is asked.
fn leading_zero(asked: &mut Asked<'_>) -> Result<(), Fault> {
    const LONGEST: Duration = Duration::from_secs(4);
    for _ in 0..8 {
        let begun = Instant::now();
        for i in 0_u32.. {
            asked.reply.seed[..4].copy_from_slice(&i.to_be_bytes());
            if asked.m3()[0] == 0 {
                return Ok(());
            }
            if begun.elapsed() > LONGEST {
                break;
            }
        }
        *asked = asked.peer.stage.asked(&Dial::default())?;
    }
    Ok(()) // as it is: the case fails
}

fn at(asked: &mut Asked<'_>, t: u64) -> Result<Vec<u8>, Fault> {
    asked.reply.t = t;
    Ok(asked.m3())
}

static ROWS: &[Row] = &[
    ("empty", "HS-052", MALFORMED, "an empty message", |_| Ok(Vec::new())),
    ("one-octet", "HS-052", MALFORMED, "one octet", |_| Ok(vec![1])),
    ("cut", "HS-052", MALFORMED, "without its last octet", |a| {
        let mut m3 = a.m3();
        m3.pop();
        Ok(m3)
    }),
    ("stripped", "HS-014", MALFORMED, "an M3 whose leading zero octet is left out", |a| {
        leading_zero(a)?;
        Ok(a.m3()[1..].to_vec())
    }),
    ("longer", "HS-052", MALFORMED, "with one octet more", |a| Ok([a.m3(), vec![0]].concat())),
    ("padded", "HS-014", MALFORMED, "with a zero octet first", |a| Ok([vec![0], a.m3()].concat())),
    ("twice", "HS-052", MALFORMED, "twice in one message", |a| Ok(a.m3().repeat(2))),
    ("m2-back", "HS-052", MALFORMED, "M2, back to the client", |a| Ok(a.m2.clone())),
    ("m1-again", "HS-052", MALFORMED, "M1 once more", |a| Ok(a.m1.clone())),
    ("4096-octets", "FRAME-011", MALFORMED, "4,096 zeros", |_| Ok(vec![0; 4096])),
    ("4097-octets", "FRAME-011", &["too_long"], "4,097 zeros", |_| Ok(vec![0; 4097])),
    ("zeros", "HS-053", DECRYPT, "zeros", |a| Ok(vec![0; a.key.size()])),
    ("modulus", "HS-015", DECRYPT, "the client's own modulus", |a| {
        Ok(to_octets(&a.key.n, a.key.size()))
    }),
    ("all-ones", "HS-015", DECRYPT, "a value above the modulus", |a| Ok(vec![0xff; a.key.size()])),
    ("flipped", "HS-053", DECRYPT, "one bit is another", |a| {
        let mut m3 = a.m3();
        if let Some(last) = m3.last_mut() {
            *last ^= 1;
        }
        Ok(m3)
    }),
    ("for-another-key", "HS-053", DECRYPT, "encrypted for another client's key", |a| {
        Ok(keys::k4552_c().public.encrypt(&a.reply.oaep(), &a.reply.p3()))
    }),
    ("for-the-server-key", "HS-053", DECRYPT, "encrypted under the key of M1", |a| {
        Ok(keys::k4552_a().public.encrypt(&a.reply.oaep(), &a.reply.p3()))
    }),
    ("pkcs1-v15", "HS-012", DECRYPT, "padded as in PKCS #1 v1.5", |a| {
        Ok(a.key.raw(&pkcs1_v15(a.key.size(), &a.reply.p3(), &[0x5a])))
    }),
    ("not-padded", "HS-016", DECRYPT, "P3 without any padding", |a| Ok(a.key.raw(&a.reply.p3()))),
    ("p3-empty", "HS-054", MALFORMED, "an empty P3", |a| sealed(a, b"")),
    ("p3-cut", "HS-054", MALFORMED, "P3 without its last octet", |a| {
        sealed(a, &a.reply.p3()[..93])
    }),
    ("p3-longer", "HS-054", MALFORMED, "P3 with one octet more", |a| {
        sealed(a, &[a.reply.p3(), vec![0]].concat())
    }),
    ("password-not-base62", "HS-055", MALFORMED, "a password that is no base62", |a| {
        a.reply.password[7] = b'-';
        Ok(a.m3())
    }),
    ("wrong-password", "HS-058", PASSWORD, "another server password", |a| {
        a.reply.password = b"wrongpas".to_vec();
        Ok(a.m3())
    }),
    ("wrong-password-last-digit", "HS-058", PASSWORD, "a password with another last digit", |a| {
        let last = &mut a.reply.password[7];
        *last = if *last == b'z' { b'y' } else { b'z' };
        Ok(a.m3())
    }),
    ("nonce-first-bit", "HS-057", NONCE, "a nonce whose first bit is another", |a| {
        a.reply.nonce[0] ^= 0x80;
        Ok(a.m3())
    }),
    ("nonce-last-bit", "HS-057", NONCE, "a nonce whose last bit is another", |a| {
        a.reply.nonce[29] ^= 1;
        Ok(a.m3())
    }),
    ("nonce-zero", "HS-057", NONCE, "a nonce of zeros", |a| {
        a.reply.nonce.fill(0);
        Ok(a.m3())
    }),
    ("nonce-and-password", "HS-057", NONCE, "nonce and password are wrong: nonce first", |a| {
        a.reply.nonce[0] ^= 1;
        a.reply.password = b"wrongpas".to_vec();
        Ok(a.m3())
    }),
    ("time-and-nonce", "HS-056", STALE, "time and nonce are wrong: time first", |a| {
        a.reply.nonce[0] ^= 1;
        at(a, a.t + 11)
    }),
    ("stale-11-s", "HS-056", STALE, "t' is 11 seconds before t", |a| at(a, a.t - 11)),
    ("future-11-s", "HS-056", STALE, "t' is 11 seconds after t", |a| at(a, a.t + 11)),
    ("time-zero", "HS-056", STALE, "t' is 0", |a| at(a, 0)),
    ("time-last", "HS-056", STALE, "t' is 2^64 - 1", |a| at(a, u64::MAX)),
    ("time-in-milliseconds", "HS-056", STALE, "t' is in milliseconds", |a| at(a, a.t * 1000)),
    ("of-another-connection", "HS-057", NONCE, "the reply to another connection's nonce", |a| {
        a.reply.nonce = a.peer.stage.asked(&Dial::default())?.nonce;
        Ok(a.m3())
    }),
];
