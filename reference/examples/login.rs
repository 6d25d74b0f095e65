//! One login with a challenge token: `cargo run -p secure-tunnel --example login`.
//!
//! Seeds and clock are fixed here so that each run prints the same; a program takes its seeds from the
//! operating system's generator and its clock from `std::time::SystemTime`.

use secure_tunnel::error::{Diagnostic, TokenError};
use secure_tunnel::token::{
    DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey, sign_challenge,
};

const SERVER_ID: &str = "tokens.example";

fn main() -> Result<(), TokenError> {
    let client = SigningKey::from_seed(&[2; 32]);
    let server = Issuer::new(
        SigningKey::from_seed(&[1; 32]),
        Some(SERVER_ID),
        DEFAULT_CHALLENGE_TTL_MS,
        DEFAULT_TOKEN_TTL_MS,
    )?;
    let mut now_ms = 1_700_000_000_000;

    // Client to server, then back.
    let public = client.public_key();
    let challenge = server.challenge(public.as_octets(), now_ms)?;
    println!("client     {public}");
    println!("challenge  {}", hex(&challenge));

    // The client signs for the server it means, and only what is a challenge for its own key.
    let signed = sign_challenge(&client, Some(SERVER_ID), &challenge)?;
    println!("signed     {}", hex(&signed));

    now_ms += 1_500;
    let token = server.issue(public.as_octets(), &signed, now_ms)?;
    println!("token      {}", hex(&token));

    // With each request from now on.
    println!("verified   {}", server.verify(&token, now_ms + 1_000)?);

    // A day later the same token is of no use.
    now_ms += DEFAULT_TOKEN_TTL_MS;
    match server.verify(&token, now_ms) {
        Ok(_) => println!("still valid"),
        Err(error) => println!(
            "refused    {error} ({} {}, {}, status {:?})",
            error.class().name(),
            error.code(),
            error.requirement(),
            error.status(),
        ),
    }
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
