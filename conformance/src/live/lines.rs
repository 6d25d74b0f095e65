//! The lines that an endpoint writes: spec/live-protocol.md, sections 2 to 4.

use serde::Deserialize;

use crate::object::Object;
use crate::shim::protocol::Implementation;

/// A line of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Ready {
        port: Option<u16>,
        implementation: Implementation,
    },
    /// The answer to new credentials: how many there are.
    Credentials(u64),
    Event(Event),
}

/// Something that happened to a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The port of the peer of a server; the number of a client's dial.
    pub key: u64,
    pub what: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// The connection is established; a server says for which id.
    Open { id: Option<Vec<u8>> },
    /// A payload has come to a client: the octets, or the length and SHA-256 of a long one.
    Message { payload: Option<Vec<u8>>, length: Option<u64>, sha256: Option<String> },
    /// The connection is over.
    End { clean: bool, class: Option<String>, code: Option<String> },
}

/// All fields of all lines; which belong together is checked by [`Line::parse`].
#[derive(Deserialize)]
struct Raw {
    ready: Option<bool>,
    port: Option<u16>,
    implementation: Option<Object<Implementation>>,
    credentials: Option<u64>,
    event: Option<String>,
    peer: Option<u64>,
    dial: Option<u64>,
    id: Option<String>,
    payload: Option<Payload>,
    clean: Option<bool>,
    class: Option<String>,
    code: Option<String>,
}

/// Octets, or what stands for many.
#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Octets(String),
    Long { length: u64, sha256: String },
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What the endpoint wrote instead, to be put after "wrote".
    pub fn parse(octets: &[u8]) -> Result<Line, String> {
        let shown = || {
            let text: String = String::from_utf8_lossy(octets).chars().take(120).collect();
            format!("{text:?}")
        };
        let text = std::str::from_utf8(octets).map_err(|e| {
            format!("{}, which is not UTF-8 from octet {} on", shown(), e.valid_up_to())
        })?;
        let Object(raw): Object<Raw> = serde_json::from_str(text)
            .map_err(|e| format!("{}, which is no line of the live protocol: {e}", shown()))?;
        let lacks = |field: &str| format!("{}, which lacks {field}", shown());
        if raw.ready == Some(true) {
            let Object(implementation) =
                raw.implementation.ok_or_else(|| lacks("implementation"))?;
            return Ok(Line::Ready { port: raw.port, implementation });
        }
        if let Some(count) = raw.credentials {
            return Ok(Line::Credentials(count));
        }
        let Some(event) = raw.event else { return Err(lacks("ready, credentials or event")) };
        let key = raw.peer.or(raw.dial).ok_or_else(|| lacks("peer or dial"))?;
        let octets_of = |text: Option<String>, field: &str| match text {
            None => Ok(None),
            Some(text) => hex::decode(&text)
                .map(Some)
                .map_err(|e| format!("{}, whose {field} is no hexadecimal: {e}", shown())),
        };
        let what = match event.as_str() {
            "open" => Happened::Open { id: octets_of(raw.id, "id")? },
            "message" => match raw.payload {
                None => return Err(lacks("payload")),
                Some(Payload::Octets(text)) => Happened::Message {
                    payload: octets_of(Some(text), "payload")?,
                    length: None,
                    sha256: None,
                },
                Some(Payload::Long { length, sha256 }) => {
                    Happened::Message { payload: None, length: Some(length), sha256: Some(sha256) }
                }
            },
            "end" => Happened::End {
                clean: raw.clean.ok_or_else(|| lacks("clean"))?,
                class: raw.class,
                code: raw.code,
            },
            other => return Err(format!("{}: there is no event {other:?}", shown())),
        };
        Ok(Line::Event(Event { key, what }))
    }
}

impl Event {
    /// The event's name as in the line.
    pub fn name(&self) -> &'static str {
        match self.what {
            Happened::Open { .. } => "open",
            Happened::Message { .. } => "message",
            Happened::End { .. } => "end",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_unknown_fields_ignored() {
        let ready =
            br#"{"ready":true,"port":7,"implementation":{"name":"x","version":"1","since":2}}"#;
        assert!(matches!(Line::parse(ready), Ok(Line::Ready { port: Some(7), .. })));
        let end = br#"{"event":"end","peer":5,"clean":false,"class":null,"code":"stale"}"#;
        let Ok(Line::Event(Event { key: 5, what: Happened::End { clean: false, class, code } })) =
            Line::parse(end)
        else {
            panic!("is an end")
        };
        assert_eq!((class, code.as_deref()), (None, Some("stale")));
        assert_eq!(Line::parse(br#"{"credentials":2}"#), Ok(Line::Credentials(2)));
        let long = br#"{"event":"message","dial":1,"payload":{"length":5000,"sha256":"ab"}}"#;
        let what =
            Happened::Message { payload: None, length: Some(5000), sha256: Some("ab".into()) };
        assert_eq!(Line::parse(long), Ok(Line::Event(Event { key: 1, what })));
    }

    #[test]
    fn what_is_no_line_is_named() {
        for (line, part) in [
            (&b"hello"[..], "no line of the live protocol"),
            (b"{}", "lacks ready, credentials or event"),
            (br#"[true,7,{"name":"x","version":"1"}]"#, "expected an object"),
            (br#"{"ready":true,"port":7,"implementation":["x","1"]}"#, "expected an object"),
            (b"{\"event\":\"open\",\"peer\":1,\"note\":\"\xff\"}", "not UTF-8 from octet 33"),
            (br#"{"event":"open"}"#, "lacks peer or dial"),
            (br#"{"event":"end","peer":1}"#, "lacks clean"),
            (br#"{"event":"shut","peer":1}"#, "no event \"shut\""),
            (br#"{"event":"open","peer":1,"id":"6"}"#, "no hexadecimal"),
        ] {
            let fault = Line::parse(line).expect_err("is refused");
            assert!(fault.contains(part), "{fault}");
        }
    }
}
