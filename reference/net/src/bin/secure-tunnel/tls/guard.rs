//! Keeps what a server accepts as its files are: CAs, CRLs, allow list and deny list.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secure_tunnel_tls::{List, Lists, Policies, ServerTls, Trust};

use super::args::ServerTlsArgs;
use super::files;
use crate::store::Stamp;

/// A server's TLS and the files of what it accepts.
pub struct Guard {
    tls: Arc<ServerTls>,
    files: Files,
}

/// What has changed.
#[derive(Default)]
pub struct Change {
    /// Whether anything that is in force has.
    pub any: bool,
    /// What is in force now, for the log.
    pub told: Vec<String>,
    /// What is wrong with files; what they held before stays in force.
    pub faults: Vec<String>,
}

pub struct Files {
    policies: Policies,
    anchors: Vec<Watched<Vec<Vec<u8>>>>,
    crls: Vec<Watched<Vec<Vec<u8>>>>,
    allow: Option<Watched<List>>,
    deny: Option<Watched<List>>,
}

/// A file and what it held when it was last in order.
struct Watched<T> {
    path: PathBuf,
    read: fn(&Path) -> Result<T, String>,
    stamp: Option<Stamp>,
    value: T,
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
        let mut trust = false;
        for (file, what) in (files.anchors.iter_mut().map(|file| (file, "CAs")))
            .chain(files.crls.iter_mut().map(|file| (file, "CRLs")))
        {
            if file.update(&mut change) {
                trust = true;
                let (path, number) = (file.path.display(), file.value.len());
                change.told.push(format!("{path}: {what} in force: {number}"));
            }
        }
        let mut lists = false;
        for file in files.allow.iter_mut().chain(&mut files.deny) {
            if file.update(&mut change) {
                lists = true;
                let (path, length) = (file.path.display(), file.value.len());
                change.told.push(format!("{path}: entries in force: {length}"));
            }
        }
        if trust {
            match files.trust() {
                Ok(trust) => self.tls.replace_trust(trust),
                Err(fault) => change.faults.push(fault),
            }
        }
        if lists {
            self.tls.replace_lists(files.lists());
        }
        change.any = trust || lists;
        change
    }
}

impl Files {
    /// Reads everything for the first time, when nothing may be wrong yet.
    ///
    /// # Errors
    /// The first fault, with the file.
    pub fn read(args: &ServerTlsArgs, policies: Policies) -> Result<Self, String> {
        let all = |paths: &[PathBuf], read| {
            paths.iter().map(|path| Watched::new(path, read)).collect::<Result<_, _>>()
        };
        let list = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| Watched::new(path, files::list)).transpose()
        };
        Ok(Self {
            policies,
            anchors: all(&args.client_ca, files::anchors)?,
            crls: all(&args.crl, files::crls)?,
            allow: list(&args.allow)?,
            deny: list(&args.deny)?,
        })
    }

    pub fn trust(&self) -> Result<Trust, String> {
        let all = |files: &[Watched<Vec<Vec<u8>>>]| -> Vec<Vec<u8>> {
            files.iter().flat_map(|file| file.value.iter().cloned()).collect()
        };
        files::trust_in(&all(&self.anchors), &all(&self.crls), self.policies)
    }

    pub fn lists(&self) -> Lists {
        let of = |file: &Option<Watched<List>>| file.as_ref().map(|file| file.value.clone());
        Lists { allow: of(&self.allow), deny: of(&self.deny).unwrap_or_default() }
    }
}

impl<T> Watched<T> {
    fn new(path: &Path, read: fn(&Path) -> Result<T, String>) -> Result<Self, String> {
        // Before it is read, so that a change in this moment is seen the next time.
        let stamp = Stamp::of(path);
        Ok(Self { path: path.to_owned(), read, stamp, value: read(path)? })
    }

    /// Whether it holds something else now.
    fn update(&mut self, change: &mut Change) -> bool {
        let stamp = Stamp::of(&self.path);
        if stamp == self.stamp {
            return false;
        }
        self.stamp = stamp;
        match (self.read)(&self.path) {
            Ok(value) => {
                self.value = value;
                true
            }
            Err(fault) => {
                change.faults.push(fault);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_list_that_breaks_or_goes_stays_in_force_and_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deny");
        fs::write(&path, "identity mallory\n").unwrap();
        let mut list = Watched::new(&path, files::list).unwrap();
        let mut update = || {
            let mut change = Change::default();
            let changed = list.update(&mut change);
            (changed, change.faults, list.value.len())
        };
        assert_eq!(update(), (false, vec![], 1));

        fs::write(&path, "identity mallory\nmallory\n").unwrap();
        let (changed, faults, entries) = update();
        assert!(!changed && entries == 1 && faults[0].contains("deny: line 2: "), "{faults:?}");
        assert_eq!(update(), (false, vec![], 1), "told once");

        fs::remove_file(&path).unwrap();
        let (changed, faults, entries) = update();
        assert!(!changed && entries == 1 && faults.len() == 1, "{faults:?}");

        fs::write(&path, "identity mallory\nidentity eve\n").unwrap();
        assert_eq!(update(), (true, vec![], 2));
    }
}
