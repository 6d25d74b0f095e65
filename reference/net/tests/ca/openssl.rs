//! What another implementation makes of the certificates.

use std::path::Path;
use std::process::Command;

use crate::place::Place;

/// Runs openssl, unless there is none, which is told of even when tests are quiet.
fn openssl(place: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("openssl").current_dir(place).args(arguments).output() {
        Ok(output) => {
            let [told, more] =
                [&output.stdout, &output.stderr].map(|octets| String::from_utf8_lossy(octets));
            Some((output.status.success(), format!("{told}{more}")))
        }
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "NOT CHECKED against openssl: {error}");
            None
        }
    }
}

#[test]
fn openssl_accepts_what_is_good_and_nothing_else() {
    for kind in ["p256", "rsa2048"] {
        let place = Place::new();
        place.ok(&["init", "--key", kind]);
        let names = ["--name", "a.example", "--name", "*.b.example", "--ip", "10.0.0.1"];
        place.ok(&[&["issue", "server", "--key", kind, "--out", "s"], &names[..]].concat());
        place.ok(&["issue", "client", "--id", "mail server", "--key", kind, "--out", "c"]);
        // So that its subject is empty.
        place.ok(&["issue", "client", "--id", "\u{fc}", "--out", "u"]);
        place.ok(&["crl"]);
        let verify = |more: &[&str]| {
            let fixed = ["verify", "-x509_strict", "-CAfile", "ca/ca.cert.pem"];
            openssl(place.0.path(), &[&fixed, more].concat())
        };
        let crl = ["-crl_check", "-CRLfile", "ca/ca.crl.pem"];
        let of_server = ["-purpose", "sslserver", "s.cert.pem"];
        let of_client = ["-purpose", "sslclient", "c.cert.pem"];
        let Some((true, version)) = openssl(place.0.path(), &["version"]) else { return };
        for (more, good) in [
            (&[&crl[..], &of_server].concat(), true),
            (&[&crl[..], &of_client].concat(), true),
            (&vec!["-purpose", "sslclient", "u.cert.pem"], true),
            (&vec!["-purpose", "sslclient", "s.cert.pem"], false),
            (&vec!["-purpose", "sslserver", "c.cert.pem"], false),
            (&[&["-verify_hostname", "a.example"][..], &of_server].concat(), true),
            (&[&["-verify_hostname", "x.b.example"][..], &of_server].concat(), true),
            (&[&["-verify_ip", "10.0.0.1"][..], &of_server].concat(), true),
            (&[&["-verify_hostname", "b.example"][..], &of_server].concat(), false),
            (&[&["-verify_hostname", "c.example"][..], &of_server].concat(), false),
            (&[&["-verify_ip", "10.0.0.2"][..], &of_server].concat(), false),
            // OpenSSL takes the common name for a host where there is no DNS name; the usage is what forbids it.
            (&vec!["-verify_hostname", "mail server", "c.cert.pem"], true),
            (
                &vec!["-verify_hostname", "mail server", "-purpose", "sslserver", "c.cert.pem"],
                false,
            ),
            // No further authority: the server's certificate signs nothing.
            (&vec!["-purpose", "crlsign", "s.cert.pem"], false),
        ] {
            let (found, said) = verify(more).unwrap();
            assert_eq!(found, good, "{kind} {more:?}: {said} ({version})");
        }
        place.ok(&["revoke", "--id", "mail server"]);
        let (good, said) = verify(&[&crl[..], &of_client].concat()).unwrap();
        assert!(!good && said.contains("certificate revoked"), "{said}");
        let (good, said) = verify(&[&crl[..], &of_server].concat()).unwrap();
        assert!(good, "{said}");

        let x509 = |file: &str| {
            let arguments = ["x509", "-noout", "-text", "-in", file];
            openssl(place.0.path(), &arguments).unwrap().1
        };
        let text = x509("c.cert.pem");
        let serial = place.field("c.cert.pem", "serial");
        let colons = serial.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>();
        for field in [
            "Subject: CN = mail server",
            "URI:secure-tunnel:mail%20server",
            "Key Usage: critical\n                Digital Signature\n",
            "TLS Web Client Authentication\n",
            "Basic Constraints: critical\n                CA:FALSE\n",
            "Authority Key Identifier",
            &colons.join(":"),
        ] {
            assert!(text.contains(field), "{field}: {text}");
        }
        let text = x509("ca/ca.cert.pem");
        for field in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Subject Key Identifier"]
        {
            assert!(text.contains(field), "{field}: {text}");
        }
        assert!(x509("s.cert.pem").contains("DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1"));
        let crl = ["crl", "-noout", "-text", "-in", "ca/ca.crl.pem"];
        let text = openssl(place.0.path(), &crl).unwrap().1;
        assert!(text.contains("X509v3 CRL Number: \n                2\n"), "{text}");
        assert!(text.contains(&format!("Serial Number: {}", serial.to_uppercase())), "{text}");
        let check = ["pkey", "-noout", "-check", "-in", "c.key.pem"];
        let (good, said) = openssl(place.0.path(), &check).unwrap();
        assert!(good, "{said}");
    }
}

#[test]
fn another_authority_of_the_same_name_is_another() {
    let place = Place::with_authority();
    place.ok(&["init", "--dir", "wrong", "--name", "ABC Inc."]);
    place.ok(&["issue", "client", "--id", "a", "--dir", "wrong"]);
    let verify = ["verify", "-CAfile", "ca/ca.cert.pem", "a.cert.pem"];
    if let Some((good, said)) = openssl(place.0.path(), &verify) {
        assert!(!good, "{said}");
    }
    let key_ids = ["ca", "wrong"].map(|dir| place.field(&format!("{dir}/ca.cert.pem"), "key id"));
    assert_ne!(key_ids[0], key_ids[1]);
}
