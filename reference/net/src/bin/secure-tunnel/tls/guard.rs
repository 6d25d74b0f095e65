//! Keeps what TLS is set up with as its files are: of a server its own certificates, CAs, CRLs, allow list and deny list,
//! of a client CAs and CRLs.

use std::path::PathBuf;
use std::sync::Arc;

use secure_tunnel_tls::{
    ClientTls, ContextName, List, Lists, OwnCertificate, Policies, ServerTls, Trust,
};

use super::args::ServerTlsArgs;
use super::files;
use super::watched::{Change, Trusted, Watched};

/// A server's TLS and its files.
pub struct Guard {
    tls: Arc<ServerTls>,
    files: Files,
}

pub struct Files {
    contexts: Vec<(ContextName, Watched<OwnCertificate>)>,
    default: Option<Watched<OwnCertificate>>,
    trusted: Trusted,
    allow: Option<Watched<List>>,
    deny: Option<Watched<List>>,
}

/// A client's TLS and its files.
pub struct ClientGuard {
    tls: Arc<ClientTls>,
    trusted: Trusted,
}

impl Guard {
    pub fn new(tls: Arc<ServerTls>, files: Files) -> Self {
        Self { tls, files }
    }

    pub fn tls(&self) -> &Arc<ServerTls> {
        &self.tls
    }

    /// Reads what has changed since the last time, and puts it in force.
    // spec: TLS-076, TLS-078
    pub fn update(&mut self) -> Change {
        let mut change = Change::default();
        let files = &mut self.files;
        let mut own = false;
        for file in files.contexts.iter_mut().map(|(_, file)| file).chain(&mut files.default) {
            if file.update(&mut change) {
                own = true;
                change.told.push(format!("{file}: in force for new connections"));
            }
        }
        if own {
            self.tls.replace_certificates(files.contexts(), files.default());
        }
        if let Some(trust) = files.trusted.update(&mut change) {
            self.tls.replace_trust(trust);
            change.any = true;
        }
        let mut lists = false;
        for file in files.allow.iter_mut().chain(&mut files.deny) {
            if file.update(&mut change) {
                lists = true;
                change.told.push(format!("{file}: entries in force: {}", file.value().len()));
            }
        }
        if lists {
            self.tls.replace_lists(files.lists());
            change.any = true;
        }
        change
    }
}

impl Files {
    /// Reads everything for the first time, when nothing may be wrong yet.
    ///
    /// # Errors
    /// The first fault, with the file.
    pub fn read(args: &ServerTlsArgs, policies: Policies) -> Result<Self, String> {
        let own = |certificate: &PathBuf, key: &PathBuf| {
            Watched::new(&[certificate, key], |paths| files::own(&paths[0], &paths[1]))
        };
        let list = |path: &Option<PathBuf>| {
            let read = |path| Watched::new(&[path], |paths| files::list(&paths[0]));
            path.as_ref().map(read).transpose()
        };
        let contexts = args
            .tls_context
            .iter()
            .map(|context| Ok((context.name.clone(), own(&context.certificate, &context.key)?)));
        // The command line has both or neither.
        let default = args.tls_cert.as_ref().zip(args.tls_key.as_ref());
        Ok(Self {
            contexts: contexts.collect::<Result<_, String>>()?,
            default: default.map(|(certificate, key)| own(certificate, key)).transpose()?,
            trusted: Trusted::read(&args.client_ca, &args.crl, policies)?,
            allow: list(&args.allow)?,
            deny: list(&args.deny)?,
        })
    }

    pub fn contexts(&self) -> Vec<(ContextName, OwnCertificate)> {
        let context =
            |(name, file): &(ContextName, Watched<_>)| (name.clone(), Clone::clone(file.value()));
        self.contexts.iter().map(context).collect()
    }

    pub fn default(&self) -> Option<OwnCertificate> {
        self.default.as_ref().map(|file| file.value().clone())
    }

    pub fn trust(&self) -> Result<Trust, String> {
        self.trusted.trust()
    }

    pub fn lists(&self) -> Lists {
        let of = |file: &Option<Watched<List>>| file.as_ref().map(|file| file.value().clone());
        Lists { allow: of(&self.allow), deny: of(&self.deny).unwrap_or_default() }
    }
}

impl ClientGuard {
    pub fn new(tls: Arc<ClientTls>, trusted: Trusted) -> Self {
        Self { tls, trusted }
    }

    /// As [`Guard::update`].
    // spec: TLS-076, TLS-078
    pub fn update(&mut self) -> Change {
        let mut change = Change::default();
        if let Some(trust) = self.trusted.update(&mut change) {
            self.tls.replace_trust(trust);
            change.any = true;
        }
        change
    }
}
