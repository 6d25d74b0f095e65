//! Chapter 2: credentials.

use serde_json::{Map, Value, json};

use super::family::{Family, hex};
use super::ids;
use super::primitives::{BASE62, client_digest, password, server_digest};
use super::world::{Credentials, ID};

pub(crate) fn families() -> Vec<Family> {
    vec![make(), client_key(), server_key()]
}

/// Octets right outside the three ranges of base62 digits, and others that are mistaken for digits.
pub(crate) const NOT_BASE62: &[(&str, &[u8], &str)] = &[
    ("before-0", b"/", "/, right before 0"),
    ("after-9", b":", ":, right after 9"),
    ("before-capital-a", b"@", "@, right before A"),
    ("after-capital-z", b"[", "[, right after Z"),
    ("before-a", b"`", "`, right before a"),
    ("after-z", b"{", "{, right after z"),
    ("plus", b"+", "+, of base64"),
    ("minus", b"-", "-, of base64url"),
    ("underscore", b"_", "_, of base64url"),
    ("equals", b"=", "=, the padding of base64"),
    ("space", b" ", "a space"),
    ("nul", b"\0", "the octet 00"),
    ("line-end", b"\n", "a line end"),
    ("ff", b"\xff", "the octet ff"),
    ("b0", b"\xb0", "0 with its top bit set"),
];

/// The digits at the edges of the three ranges.
const EDGE_DIGITS: &[u8] = b"09AZaz";

/// `octets` with the one at `position` replaced.
pub(crate) fn with_octet(octets: &[u8], position: usize, octet: u8) -> Vec<u8> {
    let mut out = octets.to_vec();
    out[position] = octet;
    out
}

fn make_input(id: &[u8], client_password: &[u8], server_password: &[u8]) -> Value {
    json!({
        "id": hex(id),
        "client_password": hex(client_password),
        "server_password": hex(server_password),
    })
}

fn make() -> Family {
    let mut family =
        Family::new("cred/make", "cred.make", "Making a pair of credentials from its parts.");
    let add = |family: &mut Family,
               name: &str,
               credentials: Credentials,
               rules: &[_],
               note: &str| {
        let Credentials { id, client_password, server_password, client_key, server_key } =
            credentials;
        let out = json!({ "client_key": hex(&client_key), "server_key": hex(&server_key) });
        family.accept(name, rules, make_input(&id, &client_password, &server_password), out, note);
    };
    let pc = password("client password: good", 18);
    let ps = password("server password: good", 8);
    let all = &["CRED-010", "CRED-012", "CRED-013", "CRED-014", "CRED-015", "CRED-016"];
    add(&mut family, "valid", Credentials::new(ID, &pc, &ps), all, "A usual pair.");
    for i in 1..=8 {
        let credentials =
            Credentials::labelled(format!("user-{i}").as_bytes(), &format!("make {i}"));
        add(&mut family, &format!("usual-{i}"), credentials, all, "A usual pair; another one.");
    }
    for good in ids::good() {
        let name = format!("id-{}", good.name);
        let credentials = Credentials::new(&good.id, &pc, &ps);
        let rules = &[good.requirement, "CRED-015", "CONV-003"];
        let rules = if good.requirement == "CRED-002" { &rules[..] } else { &rules[..2] };
        add(&mut family, &name, credentials, rules, good.note);
    }
    for digit in [b'0', b'9', b'A', b'Z', b'a', b'z'] {
        let name = format!("passwords-all-{}", digit_name(digit));
        let credentials = Credentials::new(ID, &[digit; 18], &[digit; 8]);
        let note = format!("Both passwords are all {}.", char::from(digit));
        add(&mut family, &name, credentials, &["CRED-006", "CRED-007"], &note);
    }
    for (i, digits) in
        [&BASE62[..18], &BASE62[18..36], &BASE62[36..54], &BASE62[44..]].iter().enumerate()
    {
        let credentials = Credentials::new(ID, digits, &BASE62[i * 16..i * 16 + 8]);
        let note = "Together with its neighbours: every base62 digit in a password.";
        add(&mut family, &format!("passwords-digits-{i}"), credentials, &["CRED-006"], note);
    }
    add(
        &mut family,
        "passwords-same",
        Credentials::new(ID, b"0123456789ABCDEFGH", b"01234567"),
        &["CRED-012", "CRED-013"],
        "The server password begins the client password: the labels keep the digests apart.",
    );
    add(
        &mut family,
        "id-and-password-shifted",
        Credentials::new(b"alice@example.orgx", &pc, &ps),
        &["CRED-010"],
        "The good id and one octet more: len8 is part of what is hashed.",
    );
    for zeros in 1..=2 {
        let credentials = leading_zeros(|label| {
            let ps = password(label, 8);
            (server_digest(ID, &ps).starts_with(&b"00"[..zeros]))
                .then(|| Credentials::new(ID, &pc, &ps))
        });
        let note = format!("Ds starts with zero digits ({zeros}), which stay.");
        add(&mut family, &format!("server-digest-{zeros}-zero"), credentials, &["CRED-011"], &note);
        let credentials = leading_zeros(|label| {
            let pc = password(label, 18);
            (client_digest(ID, &pc).starts_with(&b"00"[..zeros]))
                .then(|| Credentials::new(ID, &pc, &ps))
        });
        let note = note.replace("Ds", "Dc");
        add(&mut family, &format!("client-digest-{zeros}-zero"), credentials, &["CRED-011"], &note);
    }
    bad_make(&mut family);
    family
}

/// The first label, counted, for which `try_label` finds something.
fn leading_zeros<T>(try_label: impl Fn(&str) -> Option<T>) -> T {
    (0..)
        .find_map(|i| try_label(&format!("leading zeros {i}")))
        .unwrap_or_else(|| unreachable!("one in 62 or 3,844 does"))
}

fn bad_make(family: &mut Family) {
    let set = |key: &'static str, value: Vec<u8>| {
        move |input: &mut Map<String, Value>| {
            input.insert(key.to_owned(), hex(&value));
        }
    };
    for bad in ids::bad() {
        let rules = &[bad.requirement, "CONV-005", "CONV-003"];
        let rules = if bad.requirement == "CRED-002" { &rules[..] } else { &rules[..1] };
        family
            .reject(
                format!("id-{}", bad.name),
                "valid",
                rules,
                "malformed",
                bad.flaw,
                set("id", bad.id),
            )
            .note("A caller must not be able to make credentials that no reader accepts.");
    }
    let valid = family.input("valid");
    for (key, n, rule) in [("client_password", 18, "CRED-006"), ("server_password", 8, "CRED-007")]
    {
        let good = octets(&valid[key]);
        let short = key.replace('_', "-");
        let words = key.replace('_', " ");
        for length in [0, 1, n - 1, n + 1, 2 * n] {
            let value: Vec<u8> = good.iter().copied().cycle().take(length).collect();
            let flaw = format!("the {words} has {length} digits");
            family.reject(
                format!("{short}-{length}-digits"),
                "valid",
                &[rule],
                "malformed",
                flaw,
                set(key, value),
            );
        }
        for (name, octet, what) in NOT_BASE62 {
            let value = with_octet(&good, n / 2, octet[0]);
            let flaw = format!("{what}, in the {words}");
            family.reject(
                format!("{short}-{name}"),
                "valid",
                &[rule],
                "malformed",
                flaw,
                set(key, value),
            );
        }
        for position in [0, n - 1] {
            let flaw = format!("digit {position} of the {words} is !");
            let name = format!("{short}-bad-at-{position}");
            family.reject(
                name,
                "valid",
                &[rule],
                "malformed",
                flaw,
                set(key, with_octet(&good, position, b'!')),
            );
        }
    }
}

fn client_key() -> Family {
    let mut family = Family::new("cred/client-key", "cred.client_key", "Reading a clientKey.");
    let add =
        |family: &mut Family, name: &str, parts: [&[u8]; 3], rules: &[&'static str], note: &str| {
            let [id, client_password, server_digest] = parts;
            let out = json!({
                "id": hex(id),
                "client_password": hex(client_password),
                "server_digest": hex(server_digest),
            });
            family.accept(name, rules, json!({ "client_key": hex(&parts.concat()) }), out, note);
        };
    let good = Credentials::labelled(ID, "good");
    let (pc, ds) = (&good.client_password[..], &good.client_key[ID.len() + 18..]);
    add(&mut family, "valid", [ID, pc, ds], &["CRED-015", "CRED-017"], "A usual clientKey.");
    for good in ids::good() {
        let rules = &[good.requirement, "CRED-017"];
        let rules = if good.requirement == "CRED-017" { &rules[..1] } else { &rules[..] };
        add(&mut family, &format!("id-{}", good.name), [&good.id, pc, ds], rules, good.note);
    }
    add(&mut family, "octets-27", [b"a", pc, ds], &["CRED-018"], "The shortest clientKey.");
    add(&mut family, "octets-281", [&[b'y'; 255], pc, ds], &["CRED-018"], "The longest clientKey.");
    for digit in EDGE_DIGITS {
        let tail = [*digit; 26];
        let note = format!("The tail is all {}.", char::from(*digit));
        let name = format!("tail-all-{}", digit_name(*digit));
        add(&mut family, &name, [ID, &tail[..18], &tail[18..]], &["CRED-019"], &note);
    }
    add(
        &mut family,
        "digest-of-nothing",
        [ID, pc, b"00000000"],
        &["CRED-017"],
        "A digest that is right for no password in particular: a reader cannot tell.",
    );
    add(
        &mut family,
        "id-is-a-client-key",
        [&good.client_key, pc, ds],
        &["CRED-017"],
        "The id is itself a clientKey: read from the right.",
    );
    bad_client_key(&mut family, &good);
    family
}

fn bad_client_key(family: &mut Family, good: &Credentials) {
    let tail = &good.client_key[ID.len()..];
    let mut bad = |name: String, key: Vec<u8>, rules: &[&'static str], flaw: String| {
        family.reject(name, "valid", rules, "malformed", flaw, |input| {
            input.insert("client_key".to_owned(), hex(&key));
        });
    };
    for id in ids::bad() {
        let mut rules = vec!["CRED-020", id.requirement];
        if id.requirement == "CRED-001" {
            rules = vec!["CRED-018", "CRED-001"];
        }
        bad(format!("id-{}", id.name), [&id.id, tail].concat(), &rules, id.flaw);
    }
    for length in [0, 1, 18, 25] {
        let flaw = format!("{length} octets: too short for the tail");
        bad(format!("octets-{length}"), tail[..length].to_vec(), &["CRED-018"], flaw);
    }
    bad("octets-26".into(), tail.to_vec(), &["CRED-018"], "26 octets: a tail without an id".into());
    bad(
        "octets-282".into(),
        [&[b'z'; 256][..], tail].concat(),
        &["CRED-018"],
        "282 octets: the id would be 256".into(),
    );
    bad(
        "octets-4096".into(),
        [&[b'z'; 4070][..], tail].concat(),
        &["CRED-018"],
        "4,096 octets: far too long".into(),
    );
    for position in 0..26 {
        let key = with_octet(&good.client_key, ID.len() + position, b'.');
        let flaw = format!("octet {position} of the last 26 is a full stop");
        bad(format!("tail-bad-at-{position:02}"), key, &["CRED-019"], flaw);
    }
    for (name, octet, what) in NOT_BASE62 {
        for (part, position) in [("password", 9), ("digest", 22)] {
            let key = with_octet(&good.client_key, ID.len() + position, octet[0]);
            bad(format!("{part}-{name}"), key, &["CRED-019"], format!("{what}, in the {part}"));
        }
    }
    for (name, end, what) in [
        ("line-end", &b"\n"[..], "a line end"),
        ("carriage-return", b"\r", "a carriage return"),
        ("crlf", b"\r\n", "carriage return and line end"),
        ("nul", b"\0", "the octet 00"),
        ("space", b" ", "a space"),
        ("bom", b"\xef\xbb\xbf", "a byte order mark"),
        ("multi-byte", "\u{e9}".as_bytes(), "a letter of two octets"),
    ] {
        let key = [&*good.client_key, end].concat();
        bad(format!("trailing-{name}"), key, &["CRED-019"], format!("{what} after the key"));
    }
}

fn server_key() -> Family {
    let mut family = Family::new("cred/server-key", "cred.server_key", "Reading a serverKey.");
    let good = Credentials::labelled(ID, "good");
    let add =
        |family: &mut Family, name: String, key: &[u8], rules: &[&'static str], note: String| {
            let out = json!({ "server_password": hex(&key[..8]), "client_digest": hex(&key[8..]) });
            family.accept(name, rules, json!({ "server_key": hex(key) }), out, note);
        };
    let note = "A usual serverKey.".to_owned();
    add(&mut family, "valid".into(), &good.server_key, &["CRED-016", "CRED-021"], note);
    for digit in EDGE_DIGITS {
        let name = format!("all-{}", digit_name(*digit));
        let note = format!("All {}.", char::from(*digit));
        add(&mut family, name, &[*digit; 26], &["CRED-022"], note);
    }
    for (i, start) in [0, 18, 36].into_iter().enumerate() {
        let note = "Together with its neighbours: every base62 digit.".to_owned();
        add(&mut family, format!("digits-{i}"), &BASE62[start..start + 26], &["CRED-022"], note);
    }
    let mut bad = |name: String, key: Vec<u8>, rule: &'static str, flaw: String| {
        family.reject(name, "valid", &[rule], "malformed", flaw, |input| {
            input.insert("server_key".to_owned(), hex(&key));
        });
    };
    for length in [0, 1, 8, 18, 25, 27, 52, 4096] {
        let key: Vec<u8> = good.server_key.iter().copied().cycle().take(length).collect();
        bad(format!("octets-{length}"), key, "CRED-021", format!("{length} octets"));
    }
    for position in 0..26 {
        let key = with_octet(&good.server_key, position, b'.');
        let flaw = format!("octet {position} is a full stop");
        bad(format!("bad-at-{position:02}"), key, "CRED-022", flaw);
    }
    for (name, octet, what) in NOT_BASE62 {
        for (part, position) in [("password", 4), ("digest", 16)] {
            let key = with_octet(&good.server_key, position, octet[0]);
            bad(format!("{part}-{name}"), key, "CRED-022", format!("{what}, in the {part}"));
        }
    }
    for (name, end, what) in [
        ("line-end", &b"\n"[..], "a line end"),
        ("crlf", b"\r\n", "CR and LF"),
        ("nul", b"\0", "00"),
    ] {
        let key = [&*good.server_key, end].concat();
        bad(format!("trailing-{name}"), key, "CRED-021", format!("{what} after the key"));
    }
    bad(
        "leading-space".into(),
        [b" ", &*good.server_key].concat(),
        "CRED-021",
        "a space before the key".into(),
    );
    bad(
        "client-key".into(),
        good.client_key.clone(),
        "CRED-021",
        "a clientKey instead of a serverKey".into(),
    );
    family
}

fn digit_name(digit: u8) -> String {
    if digit.is_ascii_uppercase() {
        format!("capital-{}", char::from(digit.to_ascii_lowercase()))
    } else {
        char::from(digit).to_string()
    }
}

/// The octets of a value made by [`hex`].
pub(crate) fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}
