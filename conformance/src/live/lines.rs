//! The lines that an endpoint writes: spec/live-protocol.md, sections 2 to 4.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::object::Object;
use crate::shim::protocol::Implementation;

/// A line of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Ready(Ready),
    /// It can't do what the first line asks of it.
    Unsupported {
        what: Vec<String>,
        implementation: Implementation,
    },
    /// The answer to new credentials: how many there are.
    Credentials(u64),
    /// The answer to a `tls` line.
    Changed,
    Event(Event),
}

/// What an endpoint says of itself when it can work.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    pub port: Option<u16>,
    pub implementation: Implementation,
    /// It reports `open` and `end`, and takes `close` and `send`.
    pub events: bool,
    /// It takes `tls` lines.
    pub reload: bool,
    /// How to find out that the application is reached, where that is not echo.
    pub probe: Option<Probe>,
}

/// After `send`, what comes begins with `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub send: Vec<u8>,
    pub expect: Vec<u8>,
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
    /// The connection is established; a server says for which id, and with TLS both say what they are told of the peer.
    Open { id: Option<Vec<u8>>, tls: Option<Map<String, Value>> },
    /// A client can't do what a dial asks of it.
    Unsupported { what: Vec<String> },
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
    unsupported: Option<Vec<String>>,
    what: Option<Vec<String>>,
    events: Option<bool>,
    reload: Option<bool>,
    probe: Option<Object<RawProbe>>,
    tls: Option<Tls>,
}

#[derive(Deserialize)]
struct RawProbe {
    send: String,
    expect: String,
}

/// The answer to a `tls` line, or what an `open` tells of the peer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tls {
    Changed(bool),
    Peer(Map<String, Value>),
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
        if let Some(ready) = raw.ready {
            let Object(implementation) =
                raw.implementation.ok_or_else(|| lacks("implementation"))?;
            if !ready {
                let what = raw.unsupported.ok_or_else(|| lacks("unsupported"))?;
                return Ok(Line::Unsupported { what, implementation });
            }
            let no_hex =
                |e: hex::FromHexError| format!("{}, whose probe is no hexadecimal: {e}", shown());
            let probe = raw.probe.map(|Object(probe)| {
                let (send, expect) = (hex::decode(&probe.send)?, hex::decode(&probe.expect)?);
                Ok(Probe { send, expect })
            });
            return Ok(Line::Ready(Ready {
                port: raw.port,
                implementation,
                events: raw.events.unwrap_or(true),
                reload: raw.reload.unwrap_or(true),
                probe: probe.transpose().map_err(no_hex)?,
            }));
        }
        let tls = match raw.tls {
            Some(Tls::Changed(true)) if raw.event.is_none() => return Ok(Line::Changed),
            Some(Tls::Changed(_)) => return Err(lacks("true, or an object, as tls")),
            Some(Tls::Peer(told)) => Some(told),
            None => None,
        };
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
            "open" => Happened::Open { id: octets_of(raw.id, "id")?, tls },
            "unsupported" => Happened::Unsupported { what: raw.what.ok_or_else(|| lacks("what"))? },
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
            Happened::Unsupported { .. } => "unsupported",
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
        assert!(matches!(
            Line::parse(ready),
            Ok(Line::Ready(Ready { port: Some(7), events: true, .. }))
        ));
        let ready = br#"{"ready":true,"port":7,"events":false,"reload":false,
            "probe":{"send":"47","expect":"48"},"implementation":{"name":"x","version":"1"}}"#;
        let Ok(Line::Ready(Ready { events: false, reload: false, probe: Some(probe), .. })) =
            Line::parse(ready)
        else {
            panic!("is ready")
        };
        assert_eq!((&*probe.send, &*probe.expect), (&b"G"[..], &b"H"[..]));
        let lacking = br#"{"ready":false,"unsupported":["allow list"],
            "implementation":{"name":"x","version":"1"}}"#;
        let Ok(Line::Unsupported { what, .. }) = Line::parse(lacking) else { panic!("lacks it") };
        assert_eq!(what, ["allow list"]);
        assert_eq!(Line::parse(br#"{"tls":true}"#), Ok(Line::Changed));
        let open = br#"{"event":"open","peer":5,"tls":{"authorized":true}}"#;
        let Ok(Line::Event(Event { what: Happened::Open { tls: Some(told), .. }, .. })) =
            Line::parse(open)
        else {
            panic!("is an open")
        };
        assert_eq!(told["authorized"], true);
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
            (br#"{"event":"unsupported","dial":1}"#, "lacks what"),
            (br#"{"ready":false,"implementation":{"name":"x","version":"1"}}"#, "lacks unsupported"),
            (
                br#"{"ready":true,"probe":{"send":"x","expect":""},"implementation":{"name":"x","version":"1"}}"#,
                "no hexadecimal",
            ),
            (br#"{"event":"end","peer":1}"#, "lacks clean"),
            (br#"{"event":"shut","peer":1}"#, "no event \"shut\""),
            (br#"{"event":"open","peer":1,"id":"6"}"#, "no hexadecimal"),
        ] {
            let fault = Line::parse(line).expect_err("is refused");
            assert!(fault.contains(part), "{fault}");
        }
    }
}
