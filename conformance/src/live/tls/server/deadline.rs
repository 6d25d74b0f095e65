//! The 10 seconds that the handshake of TLS may take, for real (TLS-007). These cases wait, all at the same time.

use std::time::{Duration, Instant};

use super::super::case::Case;
use super::super::client_hello::ClientHello;
use super::super::link::Link;
use super::super::material::{Material, SERVER};
use super::super::setup::ServerSetup;
use super::super::stage::Stage;
use super::alice;
use crate::live::case::Fault;

const DEADLINE: Duration = Duration::from_secs(10);
/// What timers of a busy machine may be late.
const SLACK: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut waits_under =
        |name: &str,
         about: &str,
         setup: fn(&Material) -> ServerSetup,
         play: fn(&Stage<'_>, &mut Link<'_>) -> Result<(), Fault>| {
            let case = Case::server(
                &format!("deadline/{name}"),
                &["TLS-007"],
                about,
                setup,
                move |stage| {
                    let begun = Instant::now();
                    let mut link = stage.connect()?;
                    play(stage, &mut link)?;
                    let until = begun + DEADLINE + SLACK;
                    stage.refused_by(link, until)?;
                    Ok(())
                },
            );
            cases.push(case.refuses(&["timeout"]).slow());
        };
    let about = "the client connects and says nothing, where TLS is alone";
    waits_under("silent-alone", about, ServerSetup::usual, |_, _| Ok(()));
    let mut waits =
        |name: &str, about: &str, play: fn(&Stage<'_>, &mut Link<'_>) -> Result<(), Fault>| {
            waits_under(name, about, ServerSetup::tunnel, play);
        };
    waits("silent", "the client connects and says nothing", |_, _| Ok(()));
    waits("half-hello", "half a ClientHello, then nothing", |_, link| {
        let hello = ClientHello::tls12(SERVER, [7; 32]).octets();
        link.send_raw("half a ClientHello", &hello[..hello.len() / 2]);
        Ok(())
    });
    waits("hello-by-the-second", "one octet of a ClientHello a second", |stage, link| {
        let hello = ClientHello::tls12(SERVER, [7; 32]).octets();
        for octet in &hello[..12] {
            link.send_raw("an octet of a ClientHello", &[*octet]);
            stage.pause_until(Instant::now() + SECOND);
        }
        Ok(())
    });
    waits(
        "no-finished",
        "a handshake of TLS 1.3 up to the client's last flight, which never comes",
        |stage, link| {
            link.begin(stage.connection(alice(stage).connection())?);
            let mut records = 0;
            // The ClientHello goes; what follows is kept back.
            link.altering(move |record| {
                records += 1;
                if records > 1 {
                    record.clear();
                }
            });
            link.flush();
            Ok(())
        },
    );
    cases
}
