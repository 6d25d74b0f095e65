//! `secure-tunnel keygen`.

use secure_tunnel::credentials::Id;
use secure_tunnel::fresh;
use secure_tunnel::secret::Zeroizing;

use crate::args::KeygenArgs;
use crate::fault::Fault;
use crate::files;

pub fn run(args: &KeygenArgs) -> Result<(), Fault> {
    let id = Id::new(args.id.as_bytes()).map_err(|e| Fault::Input(format!("--id: {e}")))?;
    let (client, server) =
        fresh::credentials(&id).map_err(|e| Fault::Local(format!("no key was made: {e}")))?;
    let at = |ending| args.out.join(files::name_of(id.as_str(), ending));
    let (client_file, server_file) = (at("client.toml"), at("server.toml"));
    let (client, server) = (client.expose(), server.expose());
    let (client, server) = (string(&client)?, string(&server)?);
    let client = Zeroizing::new(format!(
        "# Secret of the client {id}. Keep it where the client runs, and nowhere else.\nclient_key = {}\n",
        quoted(client)
    ));
    let server = Zeroizing::new(format!(
        "# What the server knows of the client {id}. Secret too. Delete it to revoke the client.\n\
         id = {}\nserver_key = {}\n",
        quoted(id.as_str()),
        quoted(server)
    ));
    files::create(&client_file, &client)?;
    if let Err(fault) = files::create(&server_file, &server) {
        // Of no use without its counterpart.
        let _ = std::fs::remove_file(&client_file);
        return Err(fault);
    }
    println!("{}\n{}", client_file.display(), server_file.display());
    Ok(())
}

/// Both strings are an id, which is UTF-8, and ASCII.
fn string(octets: &[u8]) -> Result<&str, Fault> {
    core::str::from_utf8(octets).map_err(|e| Fault::Local(format!("no key was made: {e}")))
}

/// A TOML string.
fn quoted(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}
