"""What conformance/tls-endpoints.md says in words. Each sentence rests on results: it is written only if they are as it says,
so the document can't claim what was not seen."""

HEAD = """# TLS endpoints of other makes

[The harness](README.md) · [the adapters](peers/tls) · [chapter 7](../spec/7-mutual-tls.md)

Servers and clients of mutual TLS that are in wide use, each set up as its own documentation says, before the checks
of chapter 7. Written by `scripts/tls-endpoints` from results of {date}, and by nothing else.

What is listed here is no fault of these programs: chapter 7 is stricter than TLS and RFC 5280 in many places, and some of what
it asks for is the application's part. It is what somebody who relies on them has to know.
"""

CONFIGURED = """## How each is set up

```js
// node-tls, node-https: the server; contexts by server.addContext, a change by server.setSecureContext
tls.createServer({ key, cert, ca, crl, requestCert: true, rejectUnauthorized: true, ALPNProtocols, minVersion: 'TLSv1.3' })
server.on('secureConnection', (socket) => { /* lists: */ allowed.includes(socket.getPeerCertificate().subject.CN) })
// node-tls: the client
tls.connect({ host, port, servername, ca, crl, key, cert, ALPNProtocols, minVersion: 'TLSv1.3' })
```

```sh
# openssl; openssl-go-on is s_client without the options from -verify on
openssl s_server -rev -min_protocol TLSv1.3 -cert -key -cert_chain -CAfile -Verify 6 -verify_return_error -crl_check_all -alpn \\
  -servername NAME -cert2 -key2
openssl s_client -brief -min_protocol TLSv1.3 -CAfile -cert -key -cert_chain -alpn -servername NAME -crl_check_all \\
  -verify 6 -verify_return_error -verify_hostname NAME
```

```nginx
# nginx; a change by nginx -s reload
ssl_protocols TLSv1.3; ssl_verify_client on; ssl_verify_depth 6; ssl_client_certificate F; ssl_crl F;
server { listen 127.0.0.1:PORT ssl; server_name NAME; ssl_certificate F; ssl_certificate_key F; }
```

```python
# python-ssl: the server, then the client
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.verify_mode = ssl.CERT_REQUIRED
context.load_verify_locations(F); context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
context.set_alpn_protocols(["secure-tunnel/1"]); context.minimum_version = ssl.TLSVersion.TLSv1_3
ssl.create_default_context(cadata=anchors).wrap_socket(socket, server_hostname=name)
```

CRLs are there only in cases that ask for them. nginx is checked without ALPN (`--no-alpn`): it has that for HTTP alone.
"""

SERVERS = "node-tls node-https openssl nginx python-ssl"
CLIENTS = "node-tls openssl python-ssl"
ACCEPTS, REFUSES, OTHER, LATE, RIGHT = "wrong_accept", "wrong_reject", "wrong_output", "timeout", "pass"

# A sentence, and the results that it rests on: role, endpoints, cases without `live/<role>/tls/`, verdict.
FINDINGS = {
    "Who is let in": [
        (
            "A list by `getPeerCertificate().subject.CN`, as in the articles, sees the commonName and nothing else: a client that its "
            "certificate names by a URI gets past a deny list with its name on it, and one whose commonName is on the allow list "
            "gets in whatever the URI says.",
            [
                ("server", "node-tls", "chain/lists-denied-identity", ACCEPTS),
                ("server", "node-tls", "chain/lists-allow-common-name-beside-uri", ACCEPTS),
                ("server", "node-tls", "chain/lists-allow-identity", REFUSES),
            ],
        ),
        (
            "Among clients that a commonName alone names, such a list works, letter for letter, and new connections meet the list as "
            "it is now.",
            [("server", "node-tls", f"lists/{case}", RIGHT) for case in (
                "denied-identity", "not-allowed", "allowed-identity", "allowed-in-other-case", "new-denied", "new-not-allowed",
            )],
        ),
        (
            "Without a list, each certificate of the CA lets its owner in: with no commonName, two of them, an empty one, one with "
            "a NUL in it.",
            [("server", SERVERS, f"chain/identity-{case}", ACCEPTS) for case in (
                "nothing", "common-name-two", "common-name-empty", "common-name-nul",
            )],
        ),
        (
            "Certificates without extendedKeyUsage, which is what the articles' `openssl x509 -req` makes, are taken for a client's and "
            "for a server's: a client's certificate does for a server of that name.",
            [
                ("server", SERVERS, "chain/usage-client-without", ACCEPTS),
                ("client", CLIENTS, "chain/usage-server-without", ACCEPTS),
            ],
        ),
        (
            "Where a purpose is there, it is checked: a server's certificate is not taken from a client, nor the reverse.",
            [
                ("server", SERVERS, "chain/usage-client-other-role", RIGHT),
                ("client", CLIENTS, "chain/usage-server-other-role", RIGHT),
            ],
        ),
        (
            "What everybody does: a certificate of another CA, one that has expired, one of a CA of the same name and another "
            "key, one with a wrong signature, and none at all where one is required, are refused.",
            [("server", SERVERS, case, RIGHT) for case in (
                "ladder/require-stranger", "ladder/require-expired", "chain/chain-client-impostor", "chain/chain-client-signature",
                "ladder/require-none",
            )],
        ),
        (
            "`ssl.CERT_OPTIONAL` of Python refuses a client whose certificate it does not accept, rather than to serve it as one "
            "that is not authorized. Node without `rejectUnauthorized` and `s_server -verify` serve it.",
            [
                ("server", "python-ssl", "ladder/ask-stranger", REFUSES),
                ("server", "node-tls node-https openssl", "ladder/ask-stranger", RIGHT),
            ],
        ),
        (
            "`optional_no_ca` of nginx serves a client of another CA, but not one whose certificate has expired.",
            [("server", "nginx", "ladder/ask-stranger", RIGHT), ("server", "nginx", "ladder/ask-expired", REFUSES)],
        ),
    ],
    "Which server a client takes": [
        (
            "`openssl s_client` as it is mostly used, with `-CAfile` alone, goes on after a verification error: with any CA, an "
            "expired certificate, any name.",
            [("client", "openssl-go-on", f"ladder/checked-{case}", ACCEPTS) for case in ("other-ca", "expired", "other-name")],
        ),
        (
            "With `-verify_return_error` and `-verify_hostname` it refuses all three.",
            [("client", "openssl", f"ladder/checked-{case}", RIGHT) for case in ("other-ca", "expired", "other-name")],
        ),
        (
            "Node, `s_client -verify_hostname` and Python look into the commonName where there is no subjectAltName, which the "
            "articles rely on.",
            [("client", CLIENTS, "name/common-name-alone", ACCEPTS)],
        ),
        (
            "An intermediate that is itself the only anchor is not enough for s_client, without `-partial_chain`.",
            [("client", "openssl", "chain/chain-intermediate-is-anchor", REFUSES)],
        ),
        (
            "Node and `s_client` take `*` beside other letters in a label for a wildcard; Python 3.11 does not.",
            [
                ("client", "node-tls openssl", "name/asterisk-in-a-label", ACCEPTS),
                ("client", "python-ssl", "name/asterisk-in-a-label", RIGHT),
            ],
        ),
    ],
    "ALPN and names": [
        (
            "A client that offers no protocol is served by each server that has ALPN; the application has to look at what was "
            "selected.",
            [("server", "node-tls node-https openssl python-ssl", "alpn/missing", ACCEPTS)],
        ),
        (
            "One that offers another protocol is refused by Node and s_server, and served by Python.",
            [
                ("server", "node-tls node-https openssl", "alpn/other", RIGHT),
                ("server", "python-ssl", "alpn/other", ACCEPTS),
            ],
        ),
        (
            "No client minds a server that selects none.",
            [("client", CLIENTS, "alpn/none", ACCEPTS)],
        ),
        (
            "Node minds capitals when it compares the indicated name with those of `addContext`: `INVOICE.example.com` gets another "
            "certificate than `invoice.example.com`.",
            [("server", "node-tls node-https", "sni/case", OTHER)],
        ),
        (
            "In Node and Python, a session that began under one context is resumed under another.",
            [("server", "node-tls node-https python-ssl", "sni/resumed-elsewhere", ACCEPTS)],
        ),
    ],
    "Revocation": [
        (
            "A CRL is looked at in every full handshake: a certificate on it is refused, by servers and clients, and so is one "
            "where the CRL of its issuer is stale, missing or forged.",
            [
                ("server", SERVERS, f"chain/crl-client-{case}", RIGHT) for case in ("revoked", "stale", "none-of-issuer", "forged")
            ]
            + [("client", CLIENTS, f"chain/crl-server-{case}", RIGHT) for case in ("revoked", "stale")],
        ),
        (
            "Of two CRLs of one issuer only one is looked into: a certificate that the other one lists is accepted.",
            [("server", SERVERS, "chain/crl-second-list-revoked", ACCEPTS)],
        ),
        (
            "`crl: []` in Node is no revocation, rather than one that nothing passes.",
            [("client", "node-tls", "chain/crl-server-none-at-all", ACCEPTS)],
        ),
        (
            "A change of CRLs or anchors by `setSecureContext` or `nginx -s reload` is in force for new connections, and a session of "
            "before does not bring back a client that it has revoked.",
            [("server", "node-tls node-https nginx", case, RIGHT) for case in (
                "lists/new-revoked", "resumption/revoked", "resumption/anchor-gone",
            )],
        ),
        (
            "Connections that are open when their client is revoked or denied stay open in Node.",
            [("server", "node-tls", case, ACCEPTS) for case in ("lists/open-revoked", "lists/open-denied", "lists/open-denied-asked")],
        ),
        (
            "`nginx -s reload` ends idle connections of everybody, also of clients that nothing has changed for.",
            [("server", "nginx", "lists/open-revoked", REFUSES)],
        ),
        (
            "An HTTP server of Node ends each connection some five seconds after the last request, and so that of a revoked client.",
            [("server", "node-https", "lists/open-revoked", RIGHT)],
        ),
        (
            "A certificate that expires after its session began goes on being accepted as long as the session is resumed.",
            [("server", SERVERS, "resumption/expired", ACCEPTS)],
        ),
        (
            "A client that resumes a session does not check the server again: not the CRL that it has got since, not the anchors "
            "that it has got since. Python makes the question impossible: a session belongs to its context.",
            [
                ("client", "node-tls openssl", "resumption/revoked", ACCEPTS),
                ("client", "node-tls openssl", "resumption/other-anchor", ACCEPTS),
                ("client", "python-ssl", "resumption/revoked", "skip"),
            ],
        ),
    ],
    "What is seen from outside": [
        (
            "Node refuses a client's certificate by an end without an alert: the client does not learn what was wrong, or that it was "
            "the certificate.",
            [("server", "node-tls node-https", f"alert/{case}", OTHER) for case in ("untrusted", "expired", "revoked")],
        ),
        (
            "s_server and Python say why in the alert (`unknown_ca`, `certificate_expired`, `certificate_revoked`).",
            [("server", "openssl python-ssl", f"alert/{case}", OTHER) for case in ("untrusted", "expired", "revoked")],
        ),
        (
            "nginx completes the handshake with a client that it refuses, sends no alert, and answers 400 when a request comes.",
            [("server", "nginx", f"alert/{case}", LATE) for case in ("untrusted", "expired")]
            + [("server", "nginx", "ladder/require-stranger", RIGHT)],
        ),
        (
            "An end without close_notify is an ordinary end to an application in Node: a cut is not noticed.",
            [("server", "node-tls", "end/truncated", ACCEPTS), ("client", "node-tls", "end/cut", ACCEPTS)],
        ),
        (
            "In Python it is `unwrap` that says so, which the adapter calls.",
            [("server", "python-ssl", "end/truncated", RIGHT), ("client", "python-ssl", "end/cut", RIGHT)],
        ),
        (
            "nginx does not answer close_notify.",
            [("server", "nginx", "end/close-notify", OTHER)],
        ),
        (
            "Nobody ends a connection on which no handshake comes within 10 seconds.",
            [("server", SERVERS, "deadline/silent-alone", LATE)],
        ),
        (
            "`s_server` serves one connection at a time: behind one that says nothing, everybody waits.",
            [("server", "openssl", "handshake/beside-silent-ones", LATE)],
        ),
    ],
    "Versions and algorithms": [
        (
            "TLS 1.3 alone is kept where it is asked for. Where 1.2 is allowed, suites without forward secrecy or AEAD, and "
            "handshakes without the extended master secret, are negotiated unless a list of ciphers says otherwise.",
            [("server", SERVERS, "versions/tls12-without-policy", RIGHT)]
            + [("server", "node-tls node-https openssl nginx", f"versions/tls12-{case}", ACCEPTS) for case in (
                "static-rsa", "without-extended-master-secret",
            )],
        ),
        (
            "Node lets a client renegotiate in TLS 1.2.",
            [("server", "node-tls", "versions/renegotiation", ACCEPTS)],
        ),
        (
            "RSA keys of 1024 bits are accepted by Node, whose OpenSSL is its own, and refused by those that use the system's.",
            [
                ("server", "node-tls node-https", "chain/algorithms-client-rsa-1024", ACCEPTS),
                ("server", "openssl nginx python-ssl", "chain/algorithms-client-rsa-1024", RIGHT),
            ],
        ),
        (
            "`-verify 6` of s_client and `-Verify 6` of s_server do not limit a path to six intermediates; `ssl_verify_depth 6` of nginx "
            "does.",
            [
                ("client", "openssl", "chain/chain-server-seven-intermediates", ACCEPTS),
                ("server", "openssl", "chain/chain-client-seven-intermediates", ACCEPTS),
                ("server", "nginx", "chain/chain-client-seven-intermediates", RIGHT),
            ],
        ),
        (
            "A path of seven intermediates is accepted where there is no setting for it: Node, Python.",
            [("server", "node-tls node-https python-ssl", "chain/chain-client-seven-intermediates", ACCEPTS)],
        ),
    ],
}


def section(logs: dict) -> tuple[str, list]:
    """The sentences that the results bear out, and the others, with the results against them."""
    lines, against = ["## What a reader of the articles needs to know", ""], []
    lines += ["Each sentence rests on results of the cases below; one that they do not bear out is not written.", ""]
    for heading, findings in FINDINGS.items():
        lines += [f"### {heading}", ""]
        for text, grounds in findings:
            wrong = [ground for ground in map(lambda ground: check(logs, *ground), grounds) if ground]
            if wrong:
                against.append(f"{text[:60]}..: {'; '.join(wrong)}")
            else:
                cases = ", ".join(dict.fromkeys(f"{case}" for _, _, case, _ in grounds))
                lines += [f"- {text} <br>*{cases}*"]
        lines.append("")
    return "\n".join(lines), against


def check(logs: dict, role: str, names: str, case: str, verdict: str) -> str | None:
    """What is against a ground, if anything is."""
    for name in names.split():
        log = logs.get((name, role))
        found = log and log.verdict(f"live/{role}/tls/{case}")
        if found != verdict:
            return f"{role} {name} {case}: {found}"
    return None
