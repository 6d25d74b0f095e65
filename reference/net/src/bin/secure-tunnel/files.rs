//! Files, above all with secrets: these are written once, with mode 0600; read with their name in every error.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use secure_tunnel::RsaPrivate;
use secure_tunnel::credentials::ClientKey;
use secure_tunnel::secret::Zeroizing;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::log;

/// No file of ours is longer.
const MAX_FILE: u64 = 16 << 20;

/// The file of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientFile {
    client_key: String,
}

/// Writes a file that nobody else can read and that did not exist.
pub fn create(path: &Path, text: &str) -> Result<(), Fault> {
    create_with(path, text, SECRET)
}

/// Writes a file that everyone can read, as the umask allows, and that did not exist.
pub fn create_public(path: &Path, text: &str) -> Result<(), Fault> {
    create_with(path, text, PUBLIC)
}

/// Writes a file that nobody else can read, or puts it in the place of one that exists, as a whole.
pub fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    replace_with(path, text, SECRET)
}

/// As [`replace`], for a file that everyone can read.
pub fn replace_public(path: &Path, text: &str) -> Result<(), Fault> {
    replace_with(path, text, PUBLIC)
}

/// Refuses a path at which there is something, before any work is done for it.
pub fn absent(path: &Path) -> Result<(), Fault> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(exists(path)),
        Err(_) => Ok(()), // whatever else is wrong shows as it is written
    }
}

/// Makes a directory that is not there, and those above it.
pub fn make_directory(path: &Path) -> Result<(), Fault> {
    if path.as_os_str().is_empty() {
        return Ok(()); // of a file name alone
    }
    fs::create_dir_all(path).map_err(|error| Fault::Local(format!("{}: {error}", path.display())))
}

/// Takes back a file that is of no use without another that could not be written.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path); // the fault to tell is the other file's
}

const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

fn create_with(path: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    write(OpenOptions::new().create_new(true), path, text, mode).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(path),
            _ => Fault::Local(format!("{}: {error}", path.display())),
        }
    })
}

/// Through another file, so that there is never half of one; only one process at a time may do this to a path.
fn replace_with(path: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = write(OpenOptions::new().create(true).truncate(true), &new, text, mode);
    let moved = written.and_then(|()| fs::rename(&new, path));
    #[cfg(unix)]
    let moved = moved.and_then(|()| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    });
    moved.map_err(|error| Fault::Local(format!("{}: {error}", path.display())))
}

fn write(
    options: &mut OpenOptions,
    path: &Path,
    text: &str,
    #[cfg_attr(not(unix), expect(unused_variables))] mode: u32,
) -> std::io::Result<()> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    let mut file = options.write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn exists(path: &Path) -> Fault {
    Fault::Input(format!(
        "{}: exists already, and keys are not overwritten; move it away or choose another name",
        path.display()
    ))
}

/// Tells of a key that everybody on this machine can read.
pub fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    if let Ok(of) = fs::metadata(path) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&of.permissions()) & 0o777;
        if mode & 0o007 != 0 {
            let path = path.display();
            log::line(format_args!(
                "WARNING: {path}: everybody on this machine can get at this key (mode {mode:04o}); chmod 600 it"
            ));
        }
    }
}

/// The text of a file.
pub fn text(path: &Path) -> Result<Zeroizing<String>, String> {
    let octets = octets(path)?;
    let text = core::str::from_utf8(&octets);
    text.map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|error| format!("{}: not UTF-8: {error}", path.display()))
}

/// The octets of a file.
pub fn octets(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = fs::metadata(path).map_err(fault)?.len();
    if length > MAX_FILE {
        return Err(format!("{}: {length} octets is too long", path.display()));
    }
    fs::read(path).map(Zeroizing::new).map_err(fault)
}

/// Reads TOML. What an error shows of the file is its place, not its text: that may be a key.
pub fn toml<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("{}: line {line}: {}", path.display(), error.message())
    })
}

/// The clientKey in the file that `keygen` made.
pub fn client_key(path: &Path) -> Result<ClientKey, Fault> {
    let read = || {
        let ClientFile { client_key } = toml(path, &text(path)?)?;
        let client_key = Zeroizing::new(client_key);
        ClientKey::parse(client_key.as_bytes())
            .map_err(|error| format!("{}: field client_key: {error}", path.display()))
    };
    read().map_err(Fault::Input)
}

/// PKCS#8 DER out of a file in PEM or DER, checked to be a key that peers accept.
pub fn rsa_key(path: &Path) -> Result<(RsaPrivate, Zeroizing<Vec<u8>>), Fault> {
    let read = || {
        let octets = octets(path)?;
        let der = match pem_rfc7468::decode_vec(&octets) {
            Ok((_, der)) => Zeroizing::new(der),
            Err(_) => octets, // then it has to be DER
        };
        let key = RsaPrivate::from_pkcs8(&der).map_err(|error| {
            format!("{}: {error}; make one with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4552`", path.display())
        })?;
        Ok((key, der))
    };
    read().map_err(Fault::Input)
}

/// A file name for an id: what is not plain is written as %XX, and what is long is cut and given a hash.
pub fn name_of(id: &str, ending: &str) -> PathBuf {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_@+=".contains(&octet);
    let mut name = String::new();
    for (at, octet) in id.bytes().enumerate() {
        match plain(octet) || (octet == b'.' && at > 0) {
            true => name.push(char::from(octet)),
            false => name.push_str(&format!("%{octet:02X}")),
        }
    }
    if name.len() > 150 {
        name.truncate(150);
        name.push_str(&format!("~{}", &hex::encode(Sha256::digest(id))[..16]));
    }
    PathBuf::from(format!("{name}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_differ() {
        let name = |id: &str| name_of(id, "x").to_string_lossy().into_owned();
        assert_eq!(name("alice@example.org"), "alice@example.org.x");
        assert_eq!(name("../a"), "%2E.%2Fa.x");
        assert_eq!(name("a b\u{e9}%"), "a%20b%C3%A9%25.x");
        let long = |last: &str| name(&format!("{}{last}", "\u{20ac}".repeat(84)));
        assert!(long("a").len() < 200);
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn an_error_names_file_and_line_and_shows_no_key() {
        let text = "# a comment\nclient_key = 5secret\n";
        let error = toml::<ClientFile>(Path::new("a.toml"), text).err().unwrap();
        assert!(error.starts_with("a.toml: line 2: "), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
