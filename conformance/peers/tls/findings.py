"""What conformance/tls-endpoints.md says in words. Each sentence rests on results: it is written only if they are as it says,
so the document can't claim what was not seen."""

from fnmatch import fnmatch

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

ALPN and CRLs are there only in cases that ask for them.
"""
