//! Where a server is.

use core::fmt;
use std::str::FromStr;

use crate::transport::Transport;

/// Where a server is: `tcp://HOST:PORT` or `ws://HOST:PORT/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How messages travel.
    pub transport: Transport,
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query of the WebSocket, `/` at least.
    pub path: String,
}

impl Endpoint {
    /// Host and port as a URL has them.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Whether the host is this machine by its address or the name `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.transport == Transport::Tcp { "" } else { &self.path };
        write!(f, "{}://{}{path}", self.transport, self.authority())
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            |what: &str| Err(format!("{what}; expected tcp://HOST:PORT or ws://HOST:PORT/PATH"));
        let (scheme, rest) = match text.split_once("://") {
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            Some(("ws", rest)) => (Transport::WebSocket, rest),
            Some((scheme, _)) => return expected(&format!("unknown scheme {scheme:?}")),
            None => return expected("no scheme"),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if scheme == Transport::Tcp && path != "/" {
            return expected("a path after tcp://");
        }
        let Some((host, port)) = authority.rsplit_once(':') else { return expected("no port") };
        let Ok(port) = port.parse() else { return expected(&format!("{port:?} is no port")) };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(bare) => bare,
            None if host.contains(':') => return expected("an IPv6 address without brackets"),
            None => host,
        };
        if host.is_empty() {
            return expected("no host");
        }
        Ok(Self { transport: scheme, host: host.to_owned(), port, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_they_are_written() {
        for text in [
            "tcp://127.0.0.1:7000",
            "ws://example.org:80/",
            "ws://[::1]:9/a/b?c",
            "tcp://[fe80::1]:1",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        let bare: Endpoint = "ws://h:1".parse().unwrap();
        assert_eq!((bare.host.as_str(), bare.port, bare.path.as_str()), ("h", 1, "/"));
        for (text, fault) in [
            ("h:1", "no scheme"),
            ("wss://h:1", "unknown scheme \"wss\""),
            ("tcp://h", "no port"),
            ("tcp://h:x", "\"x\" is no port"),
            ("tcp://h:65536", "is no port"),
            ("tcp://::1:1", "without brackets"),
            ("tcp://:1", "no host"),
            ("tcp://h:1/p", "a path after tcp://"),
        ] {
            let found = text.parse::<Endpoint>().unwrap_err();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }

    #[test]
    fn loopback_is_known_by_address_or_name() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("localhost", true),
            ("0.0.0.0", false),
            ("localhost.example", false),
        ] {
            let to: Endpoint = format!("tcp://{host}:1").parse().unwrap();
            assert_eq!(to.is_loopback(), expected, "{host}");
        }
    }
}
