//! Section 7.3: what the client's greeting says.

use super::super::case::Case;
use super::super::hello::ALPN;
use super::super::material::SERVER;
use super::super::setup::Dial;
use super::super::stage::told;
use super::chain::refused;
use super::greeting::{EARLY_DATA, Greeting, SUPPORTED_VERSIONS};
use super::honest;
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    vec![
        greeting(
            "alpn/offer",
            &["TLS-012"],
            "ALPN offers secure-tunnel/1 and nothing else",
            |_| {},
            |hello| {
                let expected = Some(vec![ALPN.to_vec()]);
                if hello.protocols() == expected {
                    Ok(())
                } else {
                    Err(describe(hello.protocols()))
                }
            },
        ),
        greeting(
            "alpn/offer-tunnel",
            &["TLS-012"],
            "with a tunnel inside, ALPN offers secure-tunnel/1 and nothing else",
            |dial| dial.tunnel = true,
            |hello| {
                let expected = Some(vec![ALPN.to_vec()]);
                if hello.protocols() == expected {
                    Ok(())
                } else {
                    Err(describe(hello.protocols()))
                }
            },
        ),
        greeting(
            "sni/name",
            &["TLS-016"],
            "the name to check is indicated",
            |_| {},
            |hello| match hello.server_name() {
                Some(name) if name.eq_ignore_ascii_case(SERVER.as_bytes()) => Ok(()),
                Some(name) => Err(format!("the name {:?}", String::from_utf8_lossy(&name))),
                None => Err("no name".to_owned()),
            },
        ),
        greeting(
            "sni/unchecked",
            &["TLS-016", "TLS-021"],
            "encryption only: a name that is indicated is the one that was given",
            |dial| dial.check = false,
            |hello| match hello.server_name() {
                Some(name) if !name.eq_ignore_ascii_case(SERVER.as_bytes()) => {
                    Err(format!("the name {:?}", String::from_utf8_lossy(&name)))
                }
                _ => Ok(()),
            },
        ),
        greeting(
            "sni/address",
            &["TLS-017"],
            "no name is indicated where an IP address is checked",
            |dial| dial.server_name = "127.0.0.1".to_owned(),
            no_name,
        ),
        greeting(
            "sni/address-v6",
            &["TLS-017"],
            "no name is indicated where an IPv6 address is checked",
            |dial| dial.server_name = "::1".to_owned(),
            no_name,
        ),
        greeting(
            "versions/offer",
            &["TLS-001", "TLS-002", "TLS-004"],
            "TLS 1.3 is offered, and without the policy no other version",
            |_| {},
            |hello| versions(hello, &[[3, 4]]),
        ),
        greeting(
            "versions/offer-policy",
            &["TLS-001", "TLS-002", "TLS-004"],
            "under the policy, TLS 1.3 and 1.2 are offered, and no other version",
            |dial| dial.policies.push("tls12".to_owned()),
            |hello| versions(hello, &[[3, 4], [3, 3]]),
        ),
        greeting(
            "early/first",
            &["TLS-006"],
            "the first connection has no early data",
            |_| {},
            |hello| match hello.extension(EARLY_DATA) {
                None => Ok(()),
                Some(_) => Err("early data".to_owned()),
            },
        ),
        Case::client("alpn/none", &["TLS-014"], "the server selects no protocol", |stage| {
            let mut serving = honest(stage.material);
            serving.alpn.clear();
            refused(stage, &Dial::usual(stage.material), &serving)
        })
        .refuses(&["alpn"]),
        Case::client(
            "alpn/other",
            &["TLS-014", "TLS-012"],
            "the server knows other protocols alone",
            |stage| {
                let mut serving = honest(stage.material);
                serving.alpn = vec![b"h2".to_vec(), b"secure-tunnel/2".to_vec()];
                refused(stage, &Dial::usual(stage.material), &serving)
            },
        )
        .refuses(&["alpn"]),
        Case::client(
            "alpn/none-tls12",
            &["TLS-014"],
            "the server selects no protocol, with TLS 1.2",
            |stage| {
                let mut serving = honest(stage.material);
                serving.alpn.clear();
                serving.versions = super::super::hello::Versions::Only12;
                refused(stage, &Dial::usual(stage.material).policy("tls12"), &serving)
            },
        )
        .refuses(&["alpn"]),
        Case::client(
            "alpn/selected",
            &["TLS-012", "TLS-028"],
            "the server knows several protocols",
            |stage| {
                let mut serving = honest(stage.material);
                serving.alpn.insert(0, b"h2".to_vec());
                let tls = stage.accepted(&Dial::usual(stage.material), &serving)?;
                told(&tls, "alpn", "secure-tunnel/1")
            },
        ),
        Case::client("alpn/left-out", &["TLS-015"], "ALPN is left out on both sides", |stage| {
            let dial = Dial { alpn: false, ..Dial::usual(stage.material) };
            let mut serving = honest(stage.material);
            serving.alpn.clear();
            told(&stage.accepted(&dial, &serving)?, "alpn", serde_json::Value::Null)
        }),
    ]
}

/// The client dials, greets as it should, and is then left alone.
fn greeting(
    name: &str,
    rules: &[&str],
    about: &str,
    change: impl Fn(&mut Dial) + Send + Sync + 'static,
    check: impl Fn(&Greeting) -> Result<(), String> + Send + Sync + 'static,
) -> Case {
    let about_ = about.to_owned();
    Case::client(name, rules, about, move |stage| {
        let mut dial = Dial::usual(stage.material);
        change(&mut dial);
        let mut link = stage.dial(&dial)?;
        let hello = stage.greeting(&mut link)?;
        check(&hello).map_err(|found| Fault::wrong_output("the ClientHello", &about_, found))
    })
}

fn describe(protocols: Option<Vec<Vec<u8>>>) -> String {
    match protocols {
        None => "no ALPN".to_owned(),
        Some(protocols) => {
            let shown: Vec<_> =
                protocols.iter().map(|name| String::from_utf8_lossy(name)).collect();
            format!("{shown:?}")
        }
    }
}

fn no_name(hello: &Greeting) -> Result<(), String> {
    match hello.server_name() {
        None => Ok(()),
        Some(name) => Err(format!("the name {:?}", String::from_utf8_lossy(&name))),
    }
}

/// supported_versions has these and no other, apart from values that mean nothing (RFC 8701).
fn versions(hello: &Greeting, expected: &[[u8; 2]]) -> Result<(), String> {
    let contents = hello.extension(SUPPORTED_VERSIONS).unwrap_or_default();
    let offered = contents.get(1..).unwrap_or_default().chunks_exact(2);
    let mut offered: Vec<[u8; 2]> = offered.map(|pair| [pair[0], pair[1]]).collect();
    offered.retain(|[high, low]| !(high == low && high & 0x0f == 0x0a));
    offered.sort_unstable_by(|a, b| b.cmp(a));
    if offered == expected { Ok(()) } else { Err(format!("the versions {offered:?}")) }
}
