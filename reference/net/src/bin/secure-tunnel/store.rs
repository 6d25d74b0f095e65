//! The server's credentials, out of a directory or a file that is read again when it changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use secure_tunnel::credentials::{Id, ServerKey};
use secure_tunnel::handshake::server::Answer;
use secure_tunnel::secret::Zeroizing;
use serde::Deserialize;

use crate::files;

/// What the look-up knows. Clones share it.
#[derive(Clone, Default)]
pub struct Store(Arc<RwLock<HashMap<Id, Key>>>);

/// The octets of a serverKey, checked.
type Key = Arc<Zeroizing<Vec<u8>>>;

/// Keeps a [`Store`] as its files are.
pub struct Watcher {
    path: PathBuf,
    store: Store,
    files: BTreeMap<PathBuf, File>,
}

struct File {
    stamp: Stamp,
    clients: Vec<(Id, Key)>,
}

/// A file is read again when this changes.
#[derive(PartialEq, Eq, Clone)]
pub struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Tells apart a file and the one that was moved over it within one tick of the clock.
    #[cfg(unix)]
    inode: u64,
}

/// What has changed.
#[derive(Default)]
pub struct Change {
    /// Ids that are not known any more, or have another key.
    pub revoked: BTreeSet<Id>,
    /// How many clients there are now, if that or any key has changed.
    pub clients: Option<usize>,
    /// What is wrong with files; what they held before stays in force.
    pub faults: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    server_key: Option<String>,
    #[serde(default)]
    client: Vec<Client>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: String,
    server_key: String,
}

impl Store {
    /// What is stored for `id`.
    pub fn look_up(&self, id: &Id) -> Answer {
        match self.read().get(id) {
            Some(key) => Answer::from_stored(key),
            None => Answer::Unknown,
        }
    }

    /// Whether there is a client of this id.
    pub fn knows(&self, id: &Id) -> bool {
        self.read().contains_key(id)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Id, Key>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// Reads everything for the first time, when nothing may be wrong yet.
    ///
    /// # Errors
    /// The first fault, with the file and the field.
    pub fn new(path: PathBuf) -> Result<Self, String> {
        let mut watcher = Self { path, store: Store::default(), files: BTreeMap::new() };
        match watcher.update().faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(watcher),
        }
    }

    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// Reads what has changed since the last time.
    pub fn update(&mut self) -> Change {
        let mut change = Change::default();
        let paths = match paths(&self.path) {
            Ok(paths) => paths,
            Err(fault) => {
                change.faults.push(fault);
                return change;
            }
        };
        let before = self.files.len();
        self.files.retain(|path, _| paths.contains(path));
        let mut changed = before != self.files.len();
        for path in paths {
            let Some(stamp) = Stamp::of(&path) else { continue }; // it has just gone
            if self.files.get(&path).is_some_and(|file| file.stamp == stamp) {
                continue;
            }
            changed = true;
            let clients = match clients(&path) {
                Ok(clients) => clients,
                Err(fault) => {
                    change.faults.push(fault);
                    self.files.remove(&path).map(|file| file.clients).unwrap_or_default()
                }
            };
            self.files.insert(path, File { stamp, clients });
        }
        if changed {
            self.replace(&mut change);
        }
        change
    }

    fn replace(&self, change: &mut Change) {
        let mut now: HashMap<Id, Key> = HashMap::new();
        for (path, file) in &self.files {
            for (id, key) in &file.clients {
                if now.insert(id.clone(), Arc::clone(key)).is_some_and(|other| other != *key) {
                    let fault =
                        format!("{}: id {id}: another file has another key", path.display());
                    change.faults.push(fault);
                }
            }
        }
        change.clients = Some(now.len());
        let mut store = self.store.0.write().unwrap_or_else(PoisonError::into_inner);
        let gone = store.iter().filter(|(id, key)| now.get(*id) != Some(*key));
        change.revoked = gone.map(|(id, _)| id.clone()).collect();
        *store = now;
    }
}

/// The files to read: one, or those of a directory that end as `keygen` names them.
fn paths(path: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(fault)?.is_dir() {
        return Ok(BTreeSet::from([path.to_owned()]));
    }
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(path).map_err(fault)? {
        let file = entry.map_err(fault)?.path();
        if file.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".server.toml")) {
            found.insert(file);
        }
    }
    Ok(found)
}

impl Stamp {
    /// That of a file; `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let of = fs::metadata(path).ok()?;
        Some(Self {
            modified: of.modified().ok(),
            length: of.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&of),
        })
    }
}

fn clients(path: &Path) -> Result<Vec<(Id, Key)>, String> {
    let shown = path.display();
    let Written { id, server_key, client } = files::toml(path, &files::text(path)?)?;
    let single = match (id, server_key) {
        (Some(id), Some(server_key)) => Some(Client { id, server_key }),
        (None, None) if !client.is_empty() => None,
        (None, _) => return Err(format!("{shown}: no field id")),
        (_, None) => return Err(format!("{shown}: no field server_key")),
    };
    let checked = |Client { id, server_key }: Client| {
        let key = Zeroizing::new(server_key.into_bytes());
        let id = Id::new(id.as_bytes()).map_err(|e| format!("{shown}: field id: {e}"))?;
        ServerKey::parse(&key).map_err(|e| format!("{shown}: id {id}: field server_key: {e}"))?;
        Ok((id, Arc::new(key)))
    };
    single.into_iter().chain(client).map(checked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_A: &str = "M37jldKyKT1VDcekWyuqJ3lgZ1";
    const KEY_B: &str = "M37jldKyKT1VDcekWyuqJ3lgZ2";

    fn id(text: &str) -> Id {
        Id::new(text.as_bytes()).unwrap()
    }

    fn one(id: &str, key: &str) -> String {
        format!("id = \"{id}\"\nserver_key = \"{key}\"\n")
    }

    #[test]
    fn files_come_change_and_go() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("a.server.toml"), one("a", KEY_A)).unwrap();
        fs::write(at("a.client.toml"), "not for the server").unwrap();
        let mut watcher = Watcher::new(directory.path().to_owned()).unwrap();
        let store = watcher.store();
        assert!(store.knows(&id("a")) && !store.knows(&id("b")));
        assert!(watcher.update().clients.is_none(), "nothing has changed");

        fs::write(
            at("b.server.toml"),
            format!("[[client]]\n{}\n[[client]]\n{}", one("b", KEY_A), one("c", KEY_A)),
        )
        .unwrap();
        let change = watcher.update();
        assert_eq!((change.clients, change.revoked.len()), (Some(3), 0));
        assert!(matches!(store.look_up(&id("c")), Answer::Found(_)));

        fs::remove_file(at("a.server.toml")).unwrap();
        fs::write(at("b.server.toml"), one("b", KEY_B)).unwrap();
        let change = watcher.update();
        assert_eq!(change.revoked, BTreeSet::from([id("a"), id("b"), id("c")]));
        assert!(store.knows(&id("b")) && !store.knows(&id("a")));
        assert!(matches!(store.look_up(&id("a")), Answer::Unknown));
    }

    #[test]
    fn a_file_that_breaks_leaves_in_force_what_it_held_and_is_told_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clients.toml");
        fs::write(&file, one("a", KEY_A)).unwrap();
        let mut watcher = Watcher::new(file.clone()).unwrap();
        fs::write(&file, one("a", "tooshort")).unwrap();
        let change = watcher.update();
        assert!(change.faults[0].contains("id \"a\": field server_key: "), "{:?}", change.faults);
        assert!(!change.faults[0].contains("tooshort"));
        assert!(change.revoked.is_empty() && watcher.store().knows(&id("a")));
        assert!(watcher.update().faults.is_empty());
    }

    #[test]
    fn what_is_wrong_at_the_start_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clients.toml");
        for (text, named) in [
            ("id = \"a\"\n", "no field server_key"),
            ("server_key = \"x\"\n", "no field id"),
            ("", "no field id"),
            ("id = \"\"\nserver_key = \"x\"\n", "field id"),
            ("id = 5\n", "line 1"),
            ("ID = \"a\"\n", "line 1"),
        ] {
            fs::write(&file, text).unwrap();
            let fault = Watcher::new(file.clone()).err().unwrap();
            assert!(fault.contains("clients.toml") && fault.contains(named), "{text:?}: {fault}");
        }
        assert!(Watcher::new(directory.path().join("none")).is_err());
    }
}
