//! The directory of an authority.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rcgen::{CertificateParams, Issuer, KeyPair};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::issued::{Entry, Issued};
use super::keys::{self, Key};
use super::profile::{self, Validity};
use crate::fault::Fault;
use crate::files;

pub const CERTIFICATE: &str = "ca.cert.pem";
pub const CRL: &str = "ca.crl.pem";
pub const ISSUED: &str = "issued.toml";
const KEY: &str = "ca.key.pem";

/// For so long another command may be at work in the directory; making an RSA key takes the longest.
const PATIENCE: Duration = Duration::from_secs(30);

/// An authority that nobody else works with as long as this is there.
pub struct Authority {
    dir: PathBuf,
    /// DER.
    certificate: Vec<u8>,
    /// subjectKeyIdentifier.
    key_id: Vec<u8>,
    /// When its certificate ends.
    pub end: OffsetDateTime,
    key: Key,
    pub issued: Issued,
    /// Holds the lock.
    _file: File,
}

/// Makes one: its key, `issued.toml` and its certificate.
pub fn create(
    dir: &Path,
    key: &KeyPair,
    params: &CertificateParams,
) -> Result<Vec<PathBuf>, Fault> {
    let certificate = params
        .self_signed(key)
        .map_err(|error| Fault::Local(format!("no certificate was made: {error}")))?;
    let at = [KEY, ISSUED, CERTIFICATE, CRL].map(|name| dir.join(name));
    for path in &at {
        files::absent(path)?;
    }
    files::make_directory(dir)?;
    let [key_file, issued, certificate_file, _] = at;
    files::create(&key_file, &keys::pem(key)?)?;
    let rest = || {
        files::create(&issued, &Issued::default().text()?)?;
        files::create_public(&certificate_file, &super::pem(super::CERTIFICATE, certificate.der())?)
            .inspect_err(|_| files::remove(&issued))
    };
    rest().inspect_err(|_| files::remove(&key_file))?;
    Ok(vec![certificate_file, key_file])
}

/// The certificate of the authority in `dir`, as DER.
pub fn certificate(dir: &Path) -> Result<Vec<u8>, Fault> {
    let path = dir.join(CERTIFICATE);
    let text = files::text(&path).map_err(|error| no_authority(dir, error))?;
    let decoded = pem_rfc7468::decode_vec(text.as_bytes());
    let decoded = decoded.map_err(|error| Fault::Input(format!("{}: {error}", path.display())))?;
    match decoded {
        (super::CERTIFICATE, der) => Ok(der),
        (label, _) => {
            Err(Fault::Input(format!("{}: a {label}, not a CERTIFICATE", path.display())))
        }
    }
}

/// `issued.toml` of the authority in `dir`.
pub fn issued(dir: &Path) -> Result<Issued, Fault> {
    let path = dir.join(ISSUED);
    let read = || files::toml(&path, &files::text(&path)?);
    read().map_err(Fault::Input)
}

impl Authority {
    /// Opens one, waiting for another command that works with it.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        let path = dir.join(KEY);
        let shown = path.display();
        let file =
            File::open(&path).map_err(|error| no_authority(dir, format!("{shown}: {error}")))?;
        let file = lock(file, &path)?;
        let read = || {
            let key = keys::parse(&files::text(&path)?);
            key.map_err(|error| format!("{shown}: {error}"))
        };
        let key = read().map_err(Fault::Input)?;
        let der = certificate(dir)?;
        let fault =
            |text: &str| Fault::Input(format!("{}: {text}", dir.join(CERTIFICATE).display()));
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|error| fault(&error.to_string()))?;
        if !parsed.is_ca() {
            return Err(fault("not the certificate of an authority: its basicConstraints say so"));
        }
        if parsed.public_key().subject_public_key.data != key.public_key_raw() {
            return Err(fault("not the certificate of the key in ca.key.pem beside it"));
        }
        let key_id =
            parsed.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                x509_parser::prelude::ParsedExtension::SubjectKeyIdentifier(id) => {
                    Some(id.0.to_vec())
                }
                _ => None,
            });
        let key_id = key_id.ok_or_else(|| fault("without subjectKeyIdentifier"))?;
        let end = parsed.validity().not_after.to_datetime();
        let issued = issued(dir)?;
        Ok(Self { dir: dir.to_owned(), certificate: der, key_id, end, key, issued, _file: file })
    }

    /// Signs a certificate for the public key of `key`, records it and writes both files.
    pub fn issue(
        &mut self,
        params: &CertificateParams,
        key: &KeyPair,
        [key_file, certificate_file]: &[PathBuf; 2],
    ) -> Result<(), Fault> {
        let signed = params.signed_by(key, &self.issuer()?);
        let signed =
            signed.map_err(|error| Fault::Local(format!("no certificate was made: {error}")))?;
        let entry = self.check(signed.der()).map_err(|error| {
            Fault::Local(format!("a certificate was made that is not good: {error}"))
        })?;
        files::absent(certificate_file)?;
        files::make_directory(key_file.parent().unwrap_or(Path::new("")))?;
        files::create(key_file, &keys::pem(key)?)?;
        // Recorded before it is anywhere else: no certificate may be out there that cannot be revoked by its id.
        self.issued.certificate.push(entry);
        let text = super::pem(super::CERTIFICATE, signed.der());
        let written = self.save().and_then(|()| files::create_public(certificate_file, &text?));
        written.inspect_err(|_| files::remove(key_file))
    }

    /// The entry of a certificate that this authority has signed.
    pub fn check(&self, der: &[u8]) -> Result<Entry, String> {
        let parse = |der| X509Certificate::from_der(der).map_err(|error| error.to_string());
        let ((_, own), (rest, certificate)) = (parse(&self.certificate)?, parse(der)?);
        if !rest.is_empty() {
            return Err("octets after the certificate".to_owned());
        }
        if der == self.certificate {
            return Err(
                "the authority's own certificate: it cannot be revoked, only be taken away \
                        from those who trust it"
                    .to_owned(),
            );
        }
        let signature = certificate.verify_signature(Some(own.public_key()));
        if signature.is_err() || certificate.issuer().as_raw() != own.subject().as_raw() {
            return Err("was not issued by this authority".to_owned());
        }
        Entry::of(&certificate, der)
    }

    /// Writes the next CRL.
    pub fn write_crl(&mut self, days: u64, now: OffsetDateTime) -> Result<PathBuf, Fault> {
        let validity = Validity::of(days, now)?;
        self.issued.crl_number += 1;
        let params = profile::crl(&self.issued, self.key_id.clone(), validity);
        let crl = params.signed_by(&self.issuer()?);
        let crl = crl.map_err(|error| Fault::Local(format!("no CRL was made: {error}")))?;
        let text = super::pem(super::CRL, crl.der())?;
        // The number first: none is used twice.
        self.save()?;
        let path = self.dir.join(CRL);
        files::replace_public(&path, &text)?;
        Ok(path)
    }

    fn save(&self) -> Result<(), Fault> {
        files::replace(&self.dir.join(ISSUED), &self.issued.text()?)
    }

    fn issuer(&self) -> Result<Issuer<'_, &KeyPair>, Fault> {
        let der = self.certificate.as_slice().into();
        Issuer::from_ca_cert_der(&der, &*self.key).map_err(|error| {
            Fault::Input(format!("{}: {error}", self.dir.join(CERTIFICATE).display()))
        })
    }
}

/// Files that stay as they are are locked, not those that are replaced.
fn lock(file: File, path: &Path) -> Result<File, Fault> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(file.lock().map(|()| file)));
    let shown = path.display();
    match wait.recv_timeout(PATIENCE) {
        Ok(locked) => locked.map_err(|error| Fault::Local(format!("{shown}: {error}"))),
        Err(_) => Err(Fault::Local(format!(
            "{shown}: another command has been at work with it for {} s; try again when it has ended",
            PATIENCE.as_secs()
        ))),
    }
}

fn no_authority(dir: &Path, error: String) -> Fault {
    Fault::Input(format!(
        "{error}; {} has to be the directory of an authority: make one with `secure-tunnel ca init`, or name it with --dir",
        dir.display()
    ))
}
