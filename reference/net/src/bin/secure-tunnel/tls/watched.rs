//! Files that are read again when they change.

use core::fmt;
use std::path::{Path, PathBuf};

use secure_tunnel_tls::{Policies, Trust};

use super::files;
use crate::log;
use crate::store::Stamp;

/// Files that belong together, and what they held when they were last in order.
pub struct Watched<T> {
    paths: Vec<PathBuf>,
    read: fn(&[PathBuf]) -> Result<T, String>,
    stamps: Vec<Option<Stamp>>,
    value: T,
}

/// What has changed.
#[derive(Default)]
pub struct Change {
    /// Whether whom this side accepts has.
    pub any: bool,
    /// What is in force now, for the log.
    pub told: Vec<String>,
    /// What is wrong with files; what they held before stays in force.
    pub faults: Vec<String>,
}

/// The files of anchors and CRLs.
pub struct Trusted {
    policies: Policies,
    anchors: Vec<Watched<Ders>>,
    crls: Vec<Watched<Ders>>,
}

type Ders = Vec<Vec<u8>>;

impl Change {
    /// Writes it to the log.
    // spec: TLS-078
    pub fn log(&self) {
        for fault in &self.faults {
            log::line(format_args!("{fault}; what it held before stays in force"));
        }
        for told in &self.told {
            log::line(told);
        }
    }
}

impl Trusted {
    /// Reads everything for the first time, when nothing may be wrong yet.
    ///
    /// # Errors
    /// The first fault, with the file.
    pub fn read(anchors: &[PathBuf], crls: &[PathBuf], policies: Policies) -> Result<Self, String> {
        let all = |paths: &[PathBuf], read| {
            paths.iter().map(|path| Watched::new(&[path], read)).collect::<Result<_, _>>()
        };
        Ok(Self {
            policies,
            anchors: all(anchors, |paths| files::anchors(&paths[0]))?,
            crls: all(crls, |paths| files::crls(&paths[0]))?,
        })
    }

    pub fn trust(&self) -> Result<Trust, String> {
        let all = |files: &[Watched<Ders>]| -> Ders {
            files.iter().flat_map(|file| file.value.iter().cloned()).collect()
        };
        files::trust(&all(&self.anchors), &all(&self.crls), self.policies)
    }

    /// What to trust now, if that has changed.
    pub fn update(&mut self, change: &mut Change) -> Option<Trust> {
        let mut any = false;
        for (file, what) in (self.anchors.iter_mut().map(|file| (file, "CAs")))
            .chain(self.crls.iter_mut().map(|file| (file, "CRLs")))
        {
            if file.update(change) {
                any = true;
                change.told.push(format!("{file}: {what} in force: {}", file.value.len()));
            }
        }
        if !any {
            return None;
        }
        self.trust().map_err(|fault| change.faults.push(fault)).ok()
    }
}

impl<T> Watched<T> {
    /// # Errors
    /// That of `read`, which is given `paths`.
    pub fn new(
        paths: &[&PathBuf],
        read: fn(&[PathBuf]) -> Result<T, String>,
    ) -> Result<Self, String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| (*path).clone()).collect();
        // Before they are read, so that a change in this moment is seen the next time.
        let stamps = stamps(&paths);
        Ok(Self { read, stamps, value: read(&paths)?, paths })
    }

    pub fn value(&self) -> &T {
        &self.value
    }

    /// Whether they hold something else now.
    pub fn update(&mut self, change: &mut Change) -> bool {
        let stamps = stamps(&self.paths);
        if stamps == self.stamps {
            return false;
        }
        self.stamps = stamps;
        match (self.read)(&self.paths) {
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

impl<T> fmt::Display for Watched<T> {
    /// The first of its files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.paths.first().map_or(Ok(()), |path| path.display().fmt(f))
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    paths.iter().map(|path| Stamp::of(Path::new(path))).collect()
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
        let mut list = Watched::new(&[&path], |paths| files::list(&paths[0])).unwrap();
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
