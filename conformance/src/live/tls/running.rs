//! A server that nobody started for the checks: `--connect tls://HOST:PORT --material DIR`. Its operator configures it
//! with files that the harness writes, and all certificates of later runs fit them.

use std::fs;
use std::path::Path;

use pem_rfc7468::LineEnding;
use serde::Deserialize;

use super::material::{Material, SERVER};
use super::setup::ServerSetup;
use crate::live::lines::Probe;
use crate::live::stage::now;

/// What a directory holds.
pub struct Stored {
    pub material: Material,
    /// How to reach the application, where that is not echo.
    pub probe: Option<Probe>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    made: u64,
    send: Option<String>,
    expect: Option<String>,
}

/// Certificates are good for 30 days.
const LIFE: u64 = 29 * 86_400;
const FILE: &str = "material.toml";

impl Stored {
    /// What an earlier call has written; `None` if there is nothing yet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(directory: &Path) -> Result<Option<Stored>, String> {
        let path = directory.join(FILE);
        let place = path.display();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(format!("can't read {place}: {e}")),
        };
        let file: File = toml::from_str(&text).map_err(|e| format!("{place}: {e}"))?;
        if now().saturating_sub(file.made) > LIFE || file.made > now() {
            return Err(format!(
                "{place}: the certificates there are not valid now: remove {}, and let them be made again",
                directory.display()
            ));
        }
        let probe = match (file.send, file.expect) {
            (None, None) => None,
            (Some(send), Some(expect)) => Some(Probe { send: send.into(), expect: expect.into() }),
            _ => return Err(format!("{place}: give both send and expect, or neither")),
        };
        Ok(Some(Stored { material: Material::at(file.made), probe }))
    }

    /// Writes the files, and returns what the operator has to know.
    ///
    /// # Errors
    /// If the directory or a file can't be written.
    pub fn write(directory: &Path, material: &Material) -> Result<String, String> {
        fs::create_dir_all(directory)
            .map_err(|e| format!("can't make {}: {e}", directory.display()))?;
        let setup = configuration(material)?;
        let own = setup.default.ok_or("no certificate of the server")?;
        let files = [
            ("server.pem", pem("CERTIFICATE", &own.chain)?),
            ("server.key", pem("PRIVATE KEY", &[own.key.pkcs8()])?),
            ("clients-ca.pem", pem("CERTIFICATE", &setup.anchors)?),
            // Last: without it the directory counts as empty.
            (
                FILE,
                format!(
                    "made = {}\n\n# How to find out that the application is reached, where it is not echo:\n\
                     # send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n# expect = \"HTTP/1.\"\n",
                    material.now
                ),
            ),
        ];
        for (name, text) in files {
            let path = directory.join(name);
            fs::write(&path, text).map_err(|e| format!("can't write {}: {e}", path.display()))?;
        }
        let place = directory.display();
        Ok(format!(
            "Certificates are written into {place}. Configure the server with\n\
             \x20 {place}/server.pem      its certificate, for {SERVER}, and the one above it\n\
             \x20 {place}/server.key      the key, which is published and worthless\n\
             \x20 {place}/clients-ca.pem  the CAs of clients: certificates are required, no other CA is trusted\n\
             with TLS 1.3, ALPN secure-tunnel/1, no CRLs and no lists, on the loopback interface alone, and give it an\n\
             application that echoes octets, or say in {place}/{FILE} what it answers. Then give this command again."
        ))
    }
}

/// What the operator configures: as usual, with the CA of the vectors too.
fn configuration(material: &Material) -> Result<ServerSetup, String> {
    let usual = ServerSetup::usual(material);
    let anchors = [usual.anchors.clone(), vec![vectors_ca(material)?]].concat();
    Ok(ServerSetup { anchors, ..usual })
}

/// The CA that most vectors have as their anchor.
fn vectors_ca(material: &Material) -> Result<Vec<u8>, String> {
    let good = &material.chain("tls/chain/client")?.vector.input;
    let anchor = good.get("anchors").and_then(|anchors| anchors.get(0)?.as_str());
    anchor
        .and_then(|der| hex::decode(der).ok())
        .ok_or_else(|| "the vector has no anchor".to_owned())
}

/// Whether a server that is configured so serves for a case that asks for `setup`: an anchor more makes no difference
/// to certificates of another.
pub fn fits(setup: &ServerSetup, material: &Material) -> bool {
    let (Ok(own), usual) = (configuration(material), ServerSetup::usual(material)) else {
        return false;
    };
    let others = |setup: &ServerSetup| {
        let mut line = setup.start_line();
        line["tls"]["anchors"] = serde_json::Value::Null;
        line
    };
    let is_usual = |anchor: &Vec<u8>| own.anchors.contains(anchor);
    others(setup) == others(&usual)
        && setup.anchors.len() == 2
        && setup.anchors.iter().all(is_usual)
}

/// PEM, one after the other.
fn pem(label: &str, items: &[Vec<u8>]) -> Result<String, String> {
    let text = |der: &Vec<u8>| pem_rfc7468::encode_string(label, LineEnding::LF, der);
    items.iter().map(text).collect::<Result<_, _>>().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_fits() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("new");
        assert!(Stored::read(&place).is_ok_and(|stored| stored.is_none()));
        let material = Material::new();
        let told = Stored::write(&place, &material).expect("is written");
        assert!(told.contains("clients-ca.pem"), "{told}");
        let stored = Stored::read(&place).expect("is read").expect("is there");
        assert_eq!(stored.material.client_root.der(), material.client_root.der());
        assert!(stored.probe.is_none());
        let text = fs::read_to_string(place.join("clients-ca.pem")).expect("is there");
        assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3);
        assert!(fits(&ServerSetup::usual(&material), &material));
        assert!(!fits(&ServerSetup::tunnel(&material), &material));
        fs::write(place.join(FILE), "made = 5\n").expect("is written");
        assert!(Stored::read(&place).is_err_and(|why| why.contains("not valid now")));
    }
}
