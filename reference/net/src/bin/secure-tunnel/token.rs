//! `secure-tunnel token`.

use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use secure_tunnel::error::TokenError;
use secure_tunnel::secret::Zeroizing;
use secure_tunnel::token::{
    DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey, sign_challenge, verify,
};
use serde::Deserialize;

use crate::args::{Octets, TokenArgs, TokenCommand};
use crate::fault::Fault;
use crate::files;

/// Hexadecimal digits of the longest argument that is read: a serverId may be long.
const MAX_ARGUMENT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    seed: String,
}

pub fn run(args: TokenArgs) -> Result<(), Fault> {
    let told = match args.command {
        TokenCommand::Keygen { out } => keygen(&out)?,
        TokenCommand::Challenge { key, client } => {
            let issuer = issuer(&key, None, DEFAULT_CHALLENGE_TTL_MS)?;
            hex::encode(issuer.challenge(&client.0, now()?).map_err(|e| fault(&e))?)
        }
        TokenCommand::Sign { key, server_id, challenge } => {
            let (key, challenge) = (signing_key(&key)?, argument("CHALLENGE", challenge)?);
            let signed = sign_challenge(&key, server_id.as_deref(), &challenge);
            hex::encode(signed.map_err(|e| fault(&e))?)
        }
        TokenCommand::Issue { key, client, server_id, challenge_ttl, signed } => {
            let issuer = issuer(&key, server_id.as_deref(), millis(challenge_ttl))?;
            let signed = argument("SIGNED", signed)?;
            hex::encode(issuer.issue(&client.0, &signed, now()?).map_err(|e| fault(&e))?)
        }
        TokenCommand::Verify { key, server, ttl, token } => {
            let token = argument("TOKEN", token)?;
            let server = match (key, server) {
                (Some(key), _) => *signing_key(&key)?.public_key().as_octets(),
                (None, Some(Octets(server))) => server.try_into().map_err(|_| {
                    Fault::Input("--server: expected 64 hexadecimal digits".to_owned())
                })?,
                (None, None) => {
                    return Err(Fault::Input("--key or --server is missing".to_owned()));
                }
            };
            let public = verify(&server, &token, millis(ttl), now()?).map_err(|e| fault(&e))?;
            public.to_string()
        }
    };
    println!("{told}");
    Ok(())
}

fn keygen(out: &Path) -> Result<String, Fault> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|e| Fault::Local(format!("no key was made: {e}")))?;
    let public = SigningKey::from_seed(&seed).public_key();
    let digits = Zeroizing::new(hex::encode(seed.as_ref()));
    let text = Zeroizing::new(format!(
        "# Ed25519 signing key for tokens; secret. Public key: {public}\nseed = \"{}\"\n",
        digits.as_str()
    ));
    files::create(out, &text)?;
    Ok(public.to_string())
}

fn signing_key(path: &Path) -> Result<SigningKey, Fault> {
    let read = || {
        let KeyFile { seed: digits } = files::toml(path, &files::text(path)?)?;
        let digits = Zeroizing::new(digits);
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits.as_bytes(), seed.as_mut()).map_err(|_| {
            format!("{}: field seed: expected 64 hexadecimal digits", path.display())
        })?;
        Ok(SigningKey::from_seed(&seed))
    };
    read().map_err(Fault::Input)
}

fn issuer(key: &Path, server_id: Option<&str>, challenge_ttl_ms: u64) -> Result<Issuer, Fault> {
    let key = signing_key(key)?;
    Issuer::new(key, server_id, challenge_ttl_ms, DEFAULT_TOKEN_TTL_MS).map_err(|e| fault(&e))
}

/// Octets given as hexadecimal, or `-` for standard input.
fn argument(name: &str, text: String) -> Result<Vec<u8>, Fault> {
    let text = match text.as_str() {
        "-" => {
            let mut text = String::new();
            let read = std::io::stdin().take(MAX_ARGUMENT).read_to_string(&mut text);
            read.map_err(|e| Fault::Input(format!("{name}: standard input: {e}")))?;
            text
        }
        _ => text,
    };
    hex::decode(text.trim()).map_err(|e| Fault::Input(format!("{name}: not hexadecimal: {e}")))
}

fn millis(seconds: u64) -> u64 {
    seconds.saturating_mul(1000)
}

fn now() -> Result<u64, Fault> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| Fault::Local("the clock is before 1970".to_owned()))
}

/// A refusal has a status; what the caller gave wrongly has none.
fn fault(error: &TokenError) -> Fault {
    use secure_tunnel::error::Diagnostic;
    let (class, code, rule) = (error.class().name(), error.code(), error.requirement());
    match error.status() {
        Some(status) => {
            Fault::Refused(format!("refused: {error} ({class} {code}, {rule}; {status})"))
        }
        None => Fault::Input(format!("{error} ({class} {code}, {rule})")),
    }
}
