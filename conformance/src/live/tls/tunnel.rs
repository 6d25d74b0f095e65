//! The tunnel inside TLS, with the harness as the client.

use std::time::Instant;

use rustls::Connection;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::server_digest;

use super::link::{Link, Seen};
use super::stage::{Ending, Stage};
use crate::live::case::Fault;
use crate::live::peer::tcp;
use crate::live::stage::now;
use crate::live::wire::{CLOSE, Channel, Credentials, DATA, OPEN, Request, public_key};

/// A tunnel whose open record is sent.
pub struct Tunnel<'s> {
    pub link: Link<'s>,
    pub channel: Channel,
}

/// E of RFC 9266: what binds a tunnel to this connection (TLS-082).
pub fn exporter(tls: &Connection) -> Option<[u8; 32]> {
    let mut e = [0; 32];
    let label = b"EXPORTER-Channel-Binding";
    let made = match tls {
        Connection::Client(client) => {
            client.export_keying_material(&mut e[..], label, Some(b"")).is_ok()
        }
        Connection::Server(server) => {
            server.export_keying_material(&mut e[..], label, Some(b"")).is_ok()
        }
    };
    made.then_some(e)
}

impl Stage<'_> {
    /// The next message of the tunnel.
    ///
    /// # Errors
    /// What came instead.
    pub fn tunnel_message(&self, link: &mut Link<'_>, what: &str) -> Result<Vec<u8>, Fault> {
        let deadline = self.deadline();
        let octets = |link: &mut Link<'_>, count| {
            link.read(count, deadline).map_err(|seen| match seen {
                Some(seen) => self.broke_off(link, "what comes then", what, &seen),
                None => self.late(&format!("{what} did not come")),
            })
        };
        let header = octets(link, 4)?;
        let length = header.iter().fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
        if length == 0 || length > 1 << 24 {
            return Err(Fault::wrong_output("a message", what, format!("the length {length}")));
        }
        octets(link, length)
    }

    /// Sends a message of the tunnel.
    pub fn tunnel_send(&self, link: &mut Link<'_>, message: &[u8]) {
        link.write(&tcp::frame(message));
    }

    /// An honest handshake of the tunnel, bound to TLS by `e` if it is given; the open record is sent. The handshake of
    /// TLS is complete.
    ///
    /// # Errors
    /// What the server did instead.
    pub fn tunnelled<'l>(
        &self,
        mut link: Link<'l>,
        who: &Credentials,
        e: Option<[u8; 32]>,
        wait_until: Option<Instant>,
    ) -> Result<Tunnel<'l>, Fault> {
        let m1 = self.tunnel_message(&mut link, "M1")?;
        let Some(server) = public_key(&m1) else {
            return Err(Fault::wrong_output("M1", "the SPKI of an RSA key", "something else"));
        };
        if let Some(until) = wait_until {
            self.pause_until(until);
        }
        let client = keys::k4552_b();
        let m2 = Request::new(&m1, &server, client, who, now(), &self.fresh()).m2();
        self.tunnel_send(&mut link, &m2);
        let m3 = self.tunnel_message(&mut link, "M3")?;
        let wrong = |what: &str| {
            Fault::wrong_output("M3", "an answer to M2 from who knows the serverKey", what)
        };
        let p3 = client.open(&m3).ok_or_else(|| wrong("what does not decrypt"))?;
        let (Some(password), Some(k)) = (p3.get(..8), p3.get(8..56)) else {
            return Err(wrong("a short plaintext"));
        };
        if server_digest(&who.id, password) != who.server_digest {
            return Err(wrong("another server password"));
        }
        let parts: Vec<&[u8]> = match &e {
            None => vec![&m1, &m2, &m3],
            Some(e) => vec![&m1, &m2, &m3, e],
        };
        let mut channel = Channel::of(&parts, k, true);
        let open = channel.sends.seal(OPEN, b"");
        self.tunnel_send(&mut link, &open);
        Ok(Tunnel { link, channel })
    }

    /// An echo through the tunnel.
    ///
    /// # Errors
    /// What came instead.
    pub fn tunnel_echo(&self, tunnel: &mut Tunnel<'_>) -> Result<(), Fault> {
        let payload = self.fresh().into_bytes();
        let record = tunnel.channel.sends.seal(DATA, &payload);
        self.tunnel_send(&mut tunnel.link, &record);
        let echo = self.tunnel_message(&mut tunnel.link, "the echo")?;
        match tunnel.channel.receives.open(&echo) {
            Some((DATA, found)) if found == payload => Ok(()),
            _ => Err(Fault::wrong_output("the echo", "the payload", "something else")),
        }
    }

    /// Close records both ways; the stream is still open on this side.
    ///
    /// # Errors
    /// What came instead.
    pub fn tunnel_close_records(&self, tunnel: &mut Tunnel<'_>) -> Result<(), Fault> {
        let close = tunnel.channel.sends.seal(CLOSE, b"");
        self.tunnel_send(&mut tunnel.link, &close);
        let answer = self.tunnel_message(&mut tunnel.link, "the close record")?;
        match tunnel.channel.receives.open(&answer) {
            Some((CLOSE, _)) => Ok(()),
            _ => {
                Err(Fault::wrong_output("the answer to close", "a close record", "something else"))
            }
        }
    }

    /// An echo, close records, close_notify of the server and the end, which is reported as clean.
    ///
    /// # Errors
    /// What the server did instead.
    pub fn tunnel_ends(&self, mut tunnel: Tunnel<'_>) -> Result<(), Fault> {
        self.tunnel_echo(&mut tunnel)?;
        self.tunnel_close_records(&mut tunnel)?;
        let mut link = tunnel.link;
        link.close();
        let deadline = self.deadline();
        let mut has_answered = false;
        loop {
            match link.next(deadline) {
                Ok(Seen::CloseNotify) => has_answered = true,
                Ok(Seen::End(_)) if has_answered => break,
                Ok(seen) => {
                    let expected = if has_answered { "the end" } else { "close_notify" };
                    return Err(Fault::wrong_output("after close", expected, seen.describe()));
                }
                Err(_) => return Err(self.late("the connection did not end after close")),
            }
        }
        self.ended(&link, Ending::Clean)
    }
}

/// An honest connection with the tunnel, from beginning to end.
///
/// # Errors
/// What failed.
pub fn visit(stage: &Stage<'_>, mut link: Link<'_>) -> Result<(), Fault> {
    stage.shaken(&mut link)?;
    let is_bound =
        stage.setup.is_some_and(|setup| setup.policies.iter().any(|p| p == "tls-exporter"));
    let e = link.tls.as_ref().and_then(exporter).filter(|_| is_bound);
    let tunnel = stage.tunnelled(link, &super::material::credentials("honest"), e, None)?;
    stage.tunnel_ends(tunnel)
}
