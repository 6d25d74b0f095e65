//! Values of the shim protocol, section 1, read from requests and written into answers.

use std::fmt;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The longest octets that are generated from `{"repeat", "length"}`: four times the largest message.
const MAX_REPEATED: u64 = 1 << 26;

/// Octets longer than this are answered by length and hash.
const MAX_SHOWN: usize = 4096;

/// A request that is not of the protocol: the fault of the harness, not of the implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInput(pub String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad request: {}", self.0)
    }
}

impl std::error::Error for BadInput {}

/// The fields of a request's `in`, or of an object within it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(&'a Map<String, Value>);

impl<'a> From<&'a Map<String, Value>> for Input<'a> {
    fn from(map: &'a Map<String, Value>) -> Self {
        Self(map)
    }
}

impl<'a> Input<'a> {
    /// Whether the field is there.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A field of any kind.
    ///
    /// # Errors
    /// If it is missing.
    pub fn value(self, name: &str) -> Result<&'a Value, BadInput> {
        self.0.get(name).ok_or_else(|| BadInput(format!("{name} is missing")))
    }

    /// A field of octets.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn octets(self, name: &str) -> Result<Vec<u8>, BadInput> {
        octets_of(self.value(name)?).map_err(|bad| bad.within(name))
    }

    /// A field of exactly `N` octets.
    ///
    /// # Errors
    /// If it is missing, of another kind or of another length.
    pub fn array<const N: usize>(self, name: &str) -> Result<[u8; N], BadInput> {
        let octets = self.octets(name)?;
        let found = octets.len();
        octets
            .try_into()
            .map_err(|_| BadInput(format!("{name}: expected {N} octets, found {found}")))
    }

    /// A field of octets that may be absent.
    ///
    /// # Errors
    /// If it is of another kind.
    pub fn optional_octets(self, name: &str) -> Result<Option<Vec<u8>>, BadInput> {
        self.0.get(name).map(|value| octets_of(value).map_err(|bad| bad.within(name))).transpose()
    }

    /// A field of kind u64: a decimal string.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn u64(self, name: &str) -> Result<u64, BadInput> {
        let text = self.value(name)?.as_str();
        text.filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| BadInput(format!("{name}: expected a decimal string below 2^64")))
    }

    /// A field of kind u64 that may be absent.
    ///
    /// # Errors
    /// If it is of another kind.
    pub fn optional_u64(self, name: &str) -> Result<Option<u64>, BadInput> {
        self.has(name).then(|| self.u64(name)).transpose()
    }

    /// A JSON number without sign or fraction.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn integer(self, name: &str) -> Result<u64, BadInput> {
        self.value(name)?
            .as_u64()
            .ok_or_else(|| BadInput(format!("{name}: expected a non-negative integer")))
    }

    /// A JSON number without sign or fraction that may be absent.
    ///
    /// # Errors
    /// If it is of another kind.
    pub fn optional_integer(self, name: &str) -> Result<Option<u64>, BadInput> {
        self.has(name).then(|| self.integer(name)).transpose()
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn boolean(self, name: &str) -> Result<bool, BadInput> {
        self.value(name)?
            .as_bool()
            .ok_or_else(|| BadInput(format!("{name}: expected true or false")))
    }

    /// A JSON string, one of a few words.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn word(self, name: &str) -> Result<&'a str, BadInput> {
        self.value(name)?.as_str().ok_or_else(|| BadInput(format!("{name}: expected a string")))
    }

    /// A list.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn list(self, name: &str) -> Result<&'a [Value], BadInput> {
        self.value(name)?
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| BadInput(format!("{name}: expected a list")))
    }

    /// A list of objects, events for one.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn objects(self, name: &str) -> Result<Vec<Self>, BadInput> {
        self.list(name)?
            .iter()
            .map(|value| value.as_object().map(Self))
            .collect::<Option<_>>()
            .ok_or_else(|| BadInput(format!("{name}: expected a list of objects")))
    }

    /// An object.
    ///
    /// # Errors
    /// If it is missing or of another kind.
    pub fn object(self, name: &str) -> Result<Self, BadInput> {
        self.value(name)?
            .as_object()
            .map(Self)
            .ok_or_else(|| BadInput(format!("{name}: expected an object")))
    }
}

impl BadInput {
    fn within(self, name: &str) -> Self {
        Self(format!("{name}: {}", self.0))
    }
}

/// Octets of a request: hexadecimal, or `{"repeat", "length"}`.
///
/// # Errors
/// If `value` is neither, or more than 64 MiB are asked for.
pub fn octets_of(value: &Value) -> Result<Vec<u8>, BadInput> {
    let from_hex = |text: &str| {
        hex::decode(text).map_err(|error| BadInput(format!("not hexadecimal: {error}")))
    };
    match value {
        Value::String(text) => from_hex(text),
        Value::Object(map) => {
            let pattern = from_hex(Input(map).word("repeat")?)?;
            let length = Input(map).integer("length")?;
            if length > MAX_REPEATED || (pattern.is_empty() && length > 0) {
                return Err(BadInput(format!("{length} octets cannot be repeated")));
            }
            let length = length as usize; // at most 2^26
            let mut octets = pattern.repeat(length.div_ceil(pattern.len().max(1)));
            octets.truncate(length);
            Ok(octets)
        }
        _ => Err(BadInput("expected octets".to_owned())),
    }
}

/// Octets of an answer: hexadecimal, or length and SHA-256 if there are more than 4,096.
#[must_use]
pub fn to_octets(octets: &[u8]) -> Value {
    if octets.len() > MAX_SHOWN {
        json!({"length": octets.len(), "sha256": hex::encode(Sha256::digest(octets))})
    } else {
        Value::String(hex::encode(octets))
    }
}

/// A u64 of an answer: a decimal string.
#[must_use]
pub fn to_u64(value: u64) -> Value {
    Value::String(value.to_string())
}
