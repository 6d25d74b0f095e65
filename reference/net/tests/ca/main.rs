//! `secure-tunnel ca` from end to end, as a user runs it.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod openssl;
mod place;

use std::fs;
use std::process::Stdio;

use place::Place;

/// The labels of what `show` wrote, and the values that are the same each time.
fn stable(text: &str) -> Vec<&str> {
    let changing = ["serial ", "valid ", "key id ", "issuer key id ", "SHA-256 "];
    let stable =
        |line| changing.into_iter().find(|label| str::trim(line).starts_with(label)).map(str::trim);
    text.lines().map(|line| stable(line).unwrap_or(line.trim())).collect()
}

#[test]
fn three_commands_make_what_both_sides_need() {
    let place = Place::new();
    let made = place.ok(&["init", "--name", "ABC Inc."]);
    assert_eq!(made, "ca/ca.cert.pem\nca/ca.key.pem\n");
    let names = ["--name", "Localhost", "--name", "127.0.0.1", "--ip", "::1", "--ip", "127.0.0.1"];
    let made = place.ok(&[&["issue", "server", "--out", "invoice-server/"], &names[..]].concat());
    assert_eq!(made, "invoice-server/localhost.key.pem\ninvoice-server/localhost.cert.pem\n");
    let made = place.ok(&["issue", "client", "--id", "mail/\u{fc}", "--out", "mail-server/mail"]);
    assert_eq!(made, "mail-server/mail.key.pem\nmail-server/mail.cert.pem\n");

    let key = "key           ECDSA P-256, 256 bits";
    let signature = "signature     ecdsa-with-SHA256";
    let shown = place.ok(&["show", "ca/ca.cert.pem"]);
    assert_eq!(
        stable(&shown),
        [
            "certificate",
            "subject       O=ABC Inc.",
            "issuer        O=ABC Inc.",
            "serial",
            "valid",
            "key usage     keyCertSign, cRLSign (critical)",
            "key id",
            "constraints   CA:TRUE, pathlen:0 (critical)",
            key,
            signature,
            "SHA-256",
        ]
    );
    let shown = place.ok(&["show", "invoice-server/localhost.cert.pem"]);
    assert_eq!(
        stable(&shown),
        [
            "certificate",
            "subject       CN=localhost",
            "issuer        O=ABC Inc.",
            "serial",
            "valid",
            "issuer key id",
            "name          DNS localhost",
            "name          IP 127.0.0.1",
            "name          IP ::1",
            "key usage     digitalSignature (critical)",
            "extended      serverAuth",
            "key id",
            "constraints   CA:FALSE (critical)",
            key,
            signature,
            "SHA-256",
        ]
    );
    let shown = place.ok(&["show", "mail-server/mail.cert.pem"]);
    assert_eq!(
        stable(&shown),
        [
            "certificate",
            "subject       (empty)",
            "issuer        O=ABC Inc.",
            "serial",
            "valid",
            "issuer key id",
            "name          URI secure-tunnel:mail%2F%C3%BC (critical)",
            "identity      \"mail/\u{fc}\"",
            "key usage     digitalSignature (critical)",
            "extended      clientAuth",
            "key id",
            "constraints   CA:FALSE (critical)",
            key,
            signature,
            "SHA-256",
        ]
    );
    // Whoever signed is named by key, not by name alone.
    let key_id = place.field("ca/ca.cert.pem", "key id");
    assert_eq!(place.field("mail-server/mail.cert.pem", "issuer key id"), key_id);
    assert_eq!(place.ok(&["show", "mail-server/mail.key.pem"]), "private key, not shown\n");

    let listing = place.ok(&["show"]);
    assert!(listing.contains("issued 2\n") && listing.contains("none has been written"));
    for (kind, file, named) in [
        ("server", "invoice-server/localhost.cert.pem", "localhost 127.0.0.1 ::1\n"),
        ("client", "mail-server/mail.cert.pem", "\"mail/\u{fc}\"\n"),
    ] {
        let line = format!("  {}  {kind}  until ", place.field(file, "serial"));
        let line = listing.lines().find(|shown| shown.starts_with(&line)).unwrap();
        assert!(format!("{line}\n").ends_with(named) && line.contains("  good  "), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_authority();
    let mode = |path: &str| fs::metadata(place.at(path)).unwrap().permissions().mode() & 0o777;
    place.ok(&["issue", "client", "--id", "a"]);
    place.ok(&["crl"]);
    for path in ["ca/ca.key.pem", "ca/issued.toml", "a.key.pem"] {
        assert_eq!(mode(path), 0o600, "{path}");
    }
    for path in ["ca/ca.cert.pem", "ca/ca.crl.pem", "a.cert.pem"] {
        assert_eq!(mode(path) & 0o600, 0o600, "{path}");
        assert_eq!(mode(path) & 0o133, 0, "{path}");
    }
    let left = fs::read_dir(place.at("ca")).unwrap().count();
    assert_eq!(left, 4, "nothing but the four files");
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::with_authority();
    place.ok(&["issue", "client", "--id", "a"]);
    let files = ["ca/ca.key.pem", "ca/ca.cert.pem", "ca/issued.toml", "a.key.pem", "a.cert.pem"];
    let before = files.map(|file| place.read(file));
    let text = place.refused(&["init"]);
    assert!(text.contains("ca/ca.key.pem: exists already"), "{text}");
    let text = place.refused(&["issue", "client", "--id", "a"]);
    assert!(text.contains("a.cert.pem: exists already"), "{text}");
    assert_eq!(files.map(|file| place.read(file)), before);

    // Nor if only one of two is there; and the other is not left behind.
    fs::rename(place.at("a.cert.pem"), place.at("away")).unwrap();
    assert!(place.refused(&["issue", "client", "--id", "a"]).contains("a.key.pem: exists"));
    assert!(!place.at("a.cert.pem").exists());
    fs::rename(place.at("away"), place.at("a.cert.pem")).unwrap();
    fs::remove_file(place.at("a.key.pem")).unwrap();
    assert!(place.refused(&["issue", "client", "--id", "a"]).contains("a.cert.pem: exists"));
    assert!(!place.at("a.key.pem").exists());
    assert_eq!(place.read("ca/issued.toml"), before[2], "nothing that is not there is listed");

    for alone in ["ca.key.pem", "ca.cert.pem", "ca.crl.pem", "issued.toml"] {
        let dir = place.at("other");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(alone), "mine").unwrap();
        let text = place.refused(&["init", "--dir", "other"]);
        assert!(text.contains(alone) && text.contains("exists already"), "{text}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn revocations_are_in_the_next_crl() {
    let place = Place::with_authority();
    for (id, prefix) in [("a", "a"), ("b", "b1"), ("b", "b2"), ("c", "c"), ("d", "d")] {
        place.ok(&["issue", "client", "--id", id, "--out", prefix]);
    }
    assert_eq!(place.ok(&["crl", "--days", "7"]), "ca/ca.crl.pem\n");
    let crl = |label| place.field("ca/ca.crl.pem", label);
    assert_eq!((crl("number"), crl("revoked")), ("1".into(), "0".into()));

    let serial = |prefix: &str| place.field(&format!("{prefix}.cert.pem"), "serial");
    let (code, text) = place.run(&["revoke", "a.cert.pem"]);
    assert_eq!(code, Some(0));
    assert!(text.contains(&format!("client \"a\", serial number {}: revoked", serial("a"))));
    assert_eq!((crl("number"), crl("revoked")), ("2".into(), "1".into()));
    place.ok(&["revoke", "--id", "b"]);
    let c = serial("c").to_uppercase();
    let colons = c.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two)).collect::<Vec<_>>();
    place.ok(&["revoke", &colons.join(":")]);
    assert_eq!((crl("number"), crl("revoked")), ("4".into(), "4".into()));
    let shown = place.ok(&["show", "ca/ca.crl.pem"]);
    for (prefix, revoked) in [("a", true), ("b1", true), ("b2", true), ("c", true), ("d", false)] {
        assert_eq!(shown.contains(&serial(prefix)), revoked, "{prefix}: {shown}");
    }
    let listing = place.ok(&["show"]);
    let states = |state| listing.lines().filter(|line| line.contains(state)).count();
    assert_eq!((states("  revoked 20"), states("  good  ")), (4, 1), "{listing}");

    // Again: it stays as it was, in a new CRL.
    let before = place.read("ca/issued.toml");
    let (code, text) = place.run(&["revoke", "--id", "a"]);
    assert!(code == Some(0) && text.contains("was revoked already on 20"), "{text}");
    assert_eq!(place.read("ca/issued.toml"), before.replace("crl_number = 4", "crl_number = 5"));

    // One that was issued and lost from the list is known by its certificate.
    let issued = place.read("ca/issued.toml");
    let lost = issued.rsplit_once("[[certificate]]").unwrap().0;
    fs::write(place.at("ca/issued.toml"), lost).unwrap();
    assert!(place.refused(&["revoke", &serial("d")]).contains("has issued no certificate"));
    place.ok(&["revoke", "d.cert.pem"]);
    assert!(place.ok(&["show", "ca/ca.crl.pem"]).contains(&serial("d")));
}

#[test]
fn what_cannot_be_revoked_is_named() {
    let place = Place::with_authority();
    place.ok(&["issue", "server", "--name", "a"]);
    place.ok(&["init", "--dir", "other", "--name", "ABC Inc."]);
    place.ok(&["issue", "client", "--id", "x", "--dir", "other"]);
    fs::write(place.at("text"), "text").unwrap();
    for (arguments, text) in [
        (&["x.cert.pem"][..], "x.cert.pem: was not issued by this authority"),
        (&["ca/ca.cert.pem"], "the authority's own certificate"),
        (&["a.key.pem"], "a PRIVATE KEY, not a CERTIFICATE"),
        (&["text"], "text: not a certificate in PEM"),
        (&["none.cert.pem"], "none.cert.pem: no such file, and a serial number is"),
        (&["1234"], "1234: this authority has issued no certificate with this serial number"),
        (&["0"], "0: no such file, and a serial number"),
        (&["--id", "x"], "--id \"x\": this authority has issued no certificate for a client"),
        (&["--id", "a"], "this authority has issued no certificate for a client of this id"),
    ] {
        let said = place.refused(&[&["revoke"], arguments].concat());
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    assert_eq!(place.run(&["revoke"]).0, Some(2));
    assert_eq!(place.run(&["revoke", "12", "--id", "a"]).0, Some(2));
    assert!(!place.at("ca/ca.crl.pem").exists(), "no CRL of a refused command");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let place = Place::new();
    place.ok(&["init", "--days", "10"]);
    let [server, client] = [&["issue", "server", "--name"][..], &["issue", "client", "--id"]];
    let long = "a".repeat(256);
    for (arguments, code, text) in [
        ([server, &["b\u{fc}cher.example"]].concat(), 3, "A-labels (xn--...)"),
        ([server, &["*.example"]].concat(), 3, "--name *.example: a wildcard is"),
        ([server, &["a_b"]].concat(), 3, "letters, digits and hyphens"),
        ([server, &["a\u{1b}[2J"]].concat(), 3, "--name a\\u{1b}[2J"),
        ([server, &["10.0.0.256"]].concat(), 3, "not an IP"),
        (vec!["issue", "server", "--ip", "localhost"], 2, "invalid IP address"),
        (vec!["issue", "server"], 2, "Usage"),
        ([client, &["a\nb"]].concat(), 3, "no control character"),
        ([client, &[""]].concat(), 3, "1 to 255 octets"),
        ([client, &[&long]].concat(), 3, "1 to 255 octets"),
        ([client, &["a", "--days", "11"]].concat(), 3, " or less"),
        ([client, &["a"]].concat(), 3, "no certificate may outlive it"),
        ([client, &["a", "--days", "0"]].concat(), 2, "1..=36500"),
        ([client, &["a", "--key", "rsa1024"]].concat(), 2, "possible values: p256, rsa2048"),
        ([client, &["a", "--dir", "none"]].concat(), 3, "none/ca.key.pem: No such file"),
        ([client, &["a", "--dir", "none"]].concat(), 3, "`secure-tunnel ca init`, or name it"),
        (vec!["init", "--dir", "b", "--name", ""], 3, "--name: expected 1 to 64 characters"),
        (vec!["crl", "--days", "99999"], 2, "1..=36500"),
        (vec!["show", "none"], 3, "none: No such file"),
        (vec!["show", "ca/issued.toml"], 3, "neither a certificate nor a CRL"),
        (vec!["show", "--dir", "none"], 3, "none/ca.cert.pem: No such file"),
        (vec![], 2, "Usage"),
    ] {
        let (found, said) = place.run(&arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    assert!(place.ok(&["show"]).contains("issued 0\n"));
    place.ok(&[client, &["a", "--days", "9"]].concat());
    // There is a file where the directory should be.
    let (code, said) = place.run(&[client, &["b", "--days", "1", "--out", "a.key.pem/b"]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("a.key.pem: ") && place.ok(&["show"]).contains("issued 1\n"), "{said}");
}

#[test]
fn a_directory_that_is_damaged_is_not_used() {
    let place = Place::with_authority();
    place.ok(&["init", "--dir", "other"]);
    place.ok(&["issue", "client", "--id", "a", "--days", "1"]);
    let good = [".key.pem", ".cert.pem"].map(|ending| place.read(&format!("ca/ca{ending}")));
    let leaf = place.read("a.cert.pem");
    let issued = place.read("ca/issued.toml");
    for (file, text, reason) in [
        ("ca.key.pem", place.read("other/ca.key.pem"), "not the certificate of the key"),
        ("ca.key.pem", good[0][..100].to_owned(), "ca/ca.key.pem: "),
        ("ca.key.pem", good[1].clone(), "a CERTIFICATE; expected PKCS#8"),
        ("ca.cert.pem", leaf, "not the certificate of an authority"),
        ("ca.cert.pem", good[0].clone(), "ca/ca.cert.pem: a PRIVATE KEY, not a CERTIFICATE"),
        ("ca.cert.pem", String::new(), "ca/ca.cert.pem: "),
        ("issued.toml", "crl_number = 'x'".to_owned(), "ca/issued.toml: line 1"),
        ("issued.toml", issued.replace("serial = \"", "serial = \"x"), "hexadecimal digits"),
        ("issued.toml", String::new(), "ca/issued.toml: "),
    ] {
        let file = place.at("ca").join(file);
        let before = fs::read(&file).unwrap();
        fs::write(&file, &text).unwrap();
        let said = place.refused(&["crl"]);
        assert!(said.contains(reason), "{}: {said}", file.display());
        assert!(!said.contains(&good[0][40..60]), "{said}");
        fs::write(&file, before).unwrap();
    }
    place.ok(&["crl"]);
}

#[test]
fn commands_at_the_same_time_lose_nothing() {
    let place = Place::with_authority();
    let start = |at: usize| {
        let mut command = place.command(&["issue", "client", "--id", &format!("c{at}")]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let mut running = (0..8).map(start).collect::<Vec<_>>();
    for child in &mut running {
        assert!(child.wait().unwrap().success());
    }
    let listing = place.ok(&["show"]);
    for at in 0..8 {
        assert!(listing.contains(&format!("\"c{at}\"")), "{listing}");
    }
}
