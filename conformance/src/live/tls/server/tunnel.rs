//! The tunnel inside TLS (sections 7.2, 7.8 and 7.12).

use std::time::{Duration, Instant};

use super::super::case::{Case, Need};
use super::super::hello::Versions;
use super::super::link::{Link, Seen};
use super::super::material::{Material, credentials};
use super::super::setup::ServerSetup;
use super::super::stage::{Ending, Stage};
use super::super::tunnel::exporter;
use super::alice;
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    let bound = |material: &Material| ServerSetup::tunnel(material).policy("tls-exporter");
    let any_id = |material: &Material| ServerSetup::tunnel(material).policy("any-id");
    let tls12 = |material: &Material| ServerSetup::tunnel(material).policy("tls12");
    vec![
        Case::server(
            "tunnel/honest",
            &["TLS-008", "TLS-067", "TLS-009"],
            "a tunnel inside TLS, whose id is the identity of the certificate",
            ServerSetup::tunnel,
            |stage| stage.tunnel_ends(stage.tunnelled(shaken(stage)?, &credentials("alice"), None, None)?),
        ),
        Case::server(
            "tunnel/honest-tls12",
            &["TLS-008", "TLS-003"],
            "the same with TLS 1.2 under its policy",
            tls12,
            |stage| {
                let mut link = stage.greet(&alice(stage).speaking(Versions::Only12))?;
                stage.shaken(&mut link)?;
                stage.tunnel_ends(stage.tunnelled(link, &credentials("alice"), None, None)?)
            },
        ),
        Case::server(
            "tunnel/id-mismatch",
            &["TLS-067"],
            "alice's certificate, and a tunnel with bob's credentials",
            ServerSetup::tunnel,
            id_of_bob,
        )
        .refuses(&["id_mismatch"]),
        Case::server(
            "tunnel/any-id",
            &["TLS-067", "TLS-084"],
            "the same under the policy any-id is served",
            any_id,
            |stage| stage.tunnel_ends(stage.tunnelled(shaken(stage)?, &credentials("bob"), None, None)?),
        ),
        Case::server(
            "tunnel/no-certificate",
            &["TLS-023"],
            "good credentials of the tunnel, and no certificate: M1 does not come",
            ServerSetup::tunnel,
            |stage| {
                let mut link = stage.greet(&super::super::hello::Hello::anonymous(super::super::material::SERVER))?;
                // Its side of the handshake may be complete before the server looks.
                let _ = link.handshake(stage.deadline());
                stage.cut_off(link)
            },
        )
        .refuses(&["no_certificate"]),
        Case::server(
            "tunnel/exporter",
            &["TLS-082", "TLS-083"],
            "a tunnel that both sides bind to TLS",
            bound,
            |stage| {
                let link = shaken(stage)?;
                let e = link.tls.as_ref().and_then(exporter);
                stage.tunnel_ends(stage.tunnelled(link, &credentials("alice"), e, None)?)
            },
        ),
        Case::server(
            "tunnel/exporter-of-another",
            &["TLS-083", "TLS-082"],
            "the tunnel is bound to another connection, as a proxy between the two has it",
            bound,
            |stage| {
                let other = shaken(stage)?;
                let e = other.tls.as_ref().and_then(exporter);
                let tunnel = stage.tunnelled(shaken(stage)?, &credentials("alice"), e, None)?;
                stage.refused_tunnel(tunnel.link)
            },
        )
        .refuses(&["open_failed"]),
        Case::server(
            "tunnel/exporter-server-alone",
            &["TLS-083", "TLS-082"],
            "the server binds the tunnel to TLS, and the client does not",
            bound,
            |stage| {
                let tunnel = stage.tunnelled(shaken(stage)?, &credentials("alice"), None, None)?;
                stage.refused_tunnel(tunnel.link)
            },
        )
        .refuses(&["open_failed"]),
        Case::server(
            "tunnel/exporter-client-alone",
            &["TLS-083", "TLS-084"],
            "the client binds the tunnel to TLS, and the server does not",
            ServerSetup::tunnel,
            |stage| {
                let link = shaken(stage)?;
                let e = link.tls.as_ref().and_then(exporter);
                let tunnel = stage.tunnelled(link, &credentials("alice"), e, None)?;
                stage.refused_tunnel(tunnel.link)
            },
        )
        .refuses(&["open_failed"]),
        Case::server(
            "tunnel/close-record-alone",
            &["TLS-010"],
            "close records both ways, and then the transport ends without close_notify: clean",
            ServerSetup::tunnel,
            |stage| {
                let mut tunnel = stage.tunnelled(shaken(stage)?, &credentials("alice"), None, None)?;
                stage.tunnel_echo(&mut tunnel)?;
                stage.tunnel_close_records(&mut tunnel)?;
                let mut link = tunnel.link;
                link.finish();
                ends(stage, &mut link)?;
                stage.ended(&link, Ending::Clean)
            },
        )
        .needs(Need::Events),
        Case::server(
            "tunnel/close-notify-alone",
            &["TLS-010"],
            "close_notify without a close record: the tunnel is truncated",
            ServerSetup::tunnel,
            |stage| {
                let mut tunnel = stage.tunnelled(shaken(stage)?, &credentials("alice"), None, None)?;
                stage.tunnel_echo(&mut tunnel)?;
                let mut link = tunnel.link;
                link.close();
                ends(stage, &mut link)?;
                stage.ended(&link, Ending::Codes(&["truncated"]))
            },
        )
        .refuses(&["truncated"])
        .needs(Need::Events),
        Case::server(
            "tunnel/deadline-after-tls",
            &["TLS-007"],
            "TLS takes nine seconds, and M2 another 23: the deadline of the tunnel begins after TLS",
            ServerSetup::tunnel,
            |stage| {
                let begun = Instant::now();
                let mut link = stage.connect()?;
                stage.pause_until(begun + Duration::from_secs(9) - Duration::from_millis(500));
                link.begin(stage.connection(alice(stage).connection())?);
                stage.shaken(&mut link)?;
                let m2_at = begun + Duration::from_secs(31);
                stage.tunnel_ends(stage.tunnelled(link, &credentials("alice"), None, Some(m2_at))?)
            },
        )
        .slow(),
    ]
}

/// A connection of alice whose handshake of TLS is complete.
fn shaken<'s>(stage: &'s Stage<'_>) -> Result<Link<'s>, Fault> {
    let mut link = stage.greet(&alice(stage))?;
    stage.shaken(&mut link)?;
    Ok(link)
}

/// The server may answer M2, but it must not take the client for connected.
fn id_of_bob(stage: &Stage<'_>) -> Result<(), Fault> {
    match stage.tunnelled(shaken(stage)?, &credentials("bob"), None, None) {
        Ok(tunnel) => stage.refused_tunnel(tunnel.link),
        // It ended before M3, and that is as good; what it reports is looked at.
        Err(fault) if matches!(&fault.verdict, crate::verdict::Verdict::Fail { found, .. } if found.contains("id_mismatch") || !stage.endpoint.events) => {
            Ok(())
        }
        Err(fault) => Err(fault),
    }
}

fn ends(stage: &Stage<'_>, link: &mut Link<'_>) -> Result<(), Fault> {
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::End(_)) => return Ok(()),
            Ok(Seen::Octets(_)) => {
                return Err(Fault::wrong_output(
                    "what comes then",
                    "the end",
                    "octets of the application",
                ));
            }
            Ok(_) => {}
            Err(_) => return Err(stage.late("the connection did not end")),
        }
    }
}

impl Stage<'_> {
    /// The tunnel has to be refused now: the end, no octets, never open.
    fn refused_tunnel(&self, link: Link<'_>) -> Result<(), Fault> {
        let (mark, key) = (link.mark, link.key);
        self.cut_off(link)?;
        if self.endpoint.events(mark, key).iter().any(|event| event.name() == "open") {
            return Err(Fault::wrong_accept("the events", "no open event", "an open event"));
        }
        Ok(())
    }
}
