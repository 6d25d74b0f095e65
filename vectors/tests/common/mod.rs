//! A suite of three vectors in a directory of its own, to be broken in one place.

use std::path::Path;

use tempfile::TempDir;

const CONSTANTS: &str = r#"{
  "format": 1,
  "suite": "1.0.0",
  "about": "Constants.",
  "constants": {
    "key": "4d33376a6c644b794b5431564463656b577975714a336c675a31"
  }
}
"#;

const FAMILY: &str = r#"{
  "format": 1,
  "family": "cred/server-key",
  "about": "Reading a serverKey.",
  "constants": {},
  "vectors": [
    {
      "id": "cred/server-key/empty", "since": "1.0.0", "requirements": ["CRED-021"], "level": "MUST", "op": "cred.server_key",
      "in": {"server_key": ""},
      "expect": {"reject": {"class": "encoding", "codes": ["malformed"]}},
      "base": "cred/server-key/valid", "flaw": "no octets", "severity": "interop",
      "note": "Nothing at all."
    },
    {
      "id": "cred/server-key/long", "since": "1.0.0", "requirements": ["CRED-021"], "level": "MUST", "op": "cred.server_key", "requires": ["large"],
      "in": {"server_key": {"length": 27, "repeat": "30"}},
      "expect": {"reject": {"class": "encoding", "codes": ["malformed"]}},
      "base": "cred/server-key/valid", "flaw": "27 octets", "severity": "interop",
      "note": "One too many.", "bug": {"type": "length"}
    },
    {
      "id": "cred/server-key/valid", "since": "1.0.0", "requirements": ["CRED-016", "CRED-021"], "level": "MUST", "op": "cred.server_key",
      "in": {"server_key": {"const": "key"}},
      "expect": {"accept": {"client_digest": "4b5431564463656b577975714a336c675a31", "server_password": "4d33376a6c644b79"}},
      "note": "A good one."
    }
  ]
}
"#;

/// The directory of the suite.
pub struct Copy(TempDir);

impl Copy {
    /// The suite without a fault.
    pub fn new() -> Self {
        let copy = Self(TempDir::new().expect("a temporary directory"));
        std::fs::create_dir(copy.path().join("cred")).expect("an empty directory");
        copy.write("constants.json", CONSTANTS);
        copy.write("cred/server-key.json", FAMILY);
        copy
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).expect("a file that can be written");
    }

    /// With the first `from` of the family's file replaced.
    pub fn with(from: &str, to: &str) -> Self {
        Self::new().but("cred/server-key.json", from, to)
    }

    /// With the first `from` of a file replaced.
    pub fn but(self, file: &str, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(self.path().join(file)).expect("a file of the suite");
        assert!(text.contains(from), "{file} contains {from}");
        self.write(file, &text.replacen(from, to, 1));
        self
    }
}
