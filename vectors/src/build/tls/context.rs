//! Section 7.3: which context a server uses.

use serde_json::{Value, json};

use crate::build::family::{Family, SUITE, hex};

fn input(contexts: &[&[u8]], default: bool, name: Option<&[u8]>) -> Value {
    let contexts = Value::from_iter(contexts.iter().map(|name| hex(name)));
    let mut input = json!({ "contexts": contexts, "default": default });
    if let Some(name) = name {
        input["name"] = hex(name);
    }
    input
}

pub(super) fn family() -> Family {
    let mut family =
        Family::new("tls/context", "tls.context", "Which context the indicated name selects.")
            .since(SUITE);
    let names: &[&[u8]] =
        &[b"www.example.com", b"invoice.example.com", b"*.example.com", b"*.b.example.com"];
    let mut add = |name: &str,
                   rule,
                   contexts: &[&[u8]],
                   default,
                   indicated: Option<&[u8]>,
                   context: Option<u64>,
                   note: &str| {
        let input = input(contexts, default, indicated);
        family.accept(name, &[rule], input, json!({ "context": context }), note);
    };
    add(
        "exact",
        "TLS-018",
        names,
        false,
        Some(b"invoice.example.com"),
        Some(1),
        "A context of that name.",
    );
    add(
        "case",
        "TLS-018",
        names,
        false,
        Some(b"INVOICE.Example.com"),
        Some(1),
        "The indicated name is in another case.",
    );
    add(
        "context-in-capitals",
        "TLS-018",
        &[b"a.example.com", b"INVOICE.EXAMPLE.COM"],
        false,
        Some(b"invoice.example.com"),
        Some(1),
        "The context's name is in another case.",
    );
    add("wildcard", "TLS-019", names, false, Some(b"a.example.com"), Some(2), "A wildcard.");
    add(
        "wildcard-case",
        "TLS-019",
        names,
        false,
        Some(b"A.EXAMPLE.COM"),
        Some(2),
        "A wildcard, and the indicated name is in another case.",
    );
    add(
        "wildcard-below",
        "TLS-019",
        names,
        false,
        Some(b"a.b.example.com"),
        Some(3),
        "The wildcard further down.",
    );
    add(
        "exact-before-wildcard",
        "TLS-018",
        &[b"*.example.com", b"invoice.example.com"],
        false,
        Some(b"invoice.example.com"),
        Some(1),
        "The wildcard comes first in the list, and the name itself is there.",
    );
    add(
        "default-none-fits",
        "TLS-020",
        names,
        true,
        Some(b"invoice.example.net"),
        None,
        "No context fits.",
    );
    add("default-no-name", "TLS-020", names, true, None, None, "No name is indicated.");
    add(
        "default-bare-domain",
        "TLS-019",
        names,
        true,
        Some(b"example.com"),
        None,
        "A wildcard does not stand for the domain itself.",
    );
    add(
        "default-two-labels",
        "TLS-019",
        &[b"*.example.com"],
        true,
        Some(b"a.c.example.com"),
        None,
        "A wildcard does not stand for two labels.",
    );
    add(
        "default-not-needed",
        "TLS-020",
        names,
        true,
        Some(b"www.example.com"),
        Some(0),
        "There is a default, and a context fits.",
    );
    add(
        "default-alone",
        "TLS-020",
        &[],
        true,
        Some(b"invoice.example.com"),
        None,
        "There are no contexts but the default.",
    );
    let mut refuse = |name: &str, base: &str, rules: &[&'static str], flaw: &str, input: Value| {
        let change = |old: &mut _| *old = crate::build::family::object(input);
        family.reject(name, base, rules, "sni", flaw, change);
    };
    let rules = &["TLS-020"];
    refuse(
        "none-fits",
        "exact",
        rules,
        "no context fits, and there is no default",
        input(names, false, Some(b"invoice.example.net")),
    );
    refuse(
        "no-name",
        "exact",
        rules,
        "no name is indicated, and there is no default",
        input(names, false, None),
    );
    refuse(
        "bare-domain",
        "wildcard",
        &["TLS-019", "TLS-020"],
        "the indicated name is the wildcard's domain itself",
        input(names, false, Some(b"example.com")),
    );
    refuse(
        "two-labels",
        "wildcard",
        &["TLS-019", "TLS-020"],
        "the wildcard would have to stand for two labels",
        input(&[b"*.example.com"], false, Some(b"a.c.example.com")),
    );
    refuse(
        "longer",
        "exact",
        &["TLS-018", "TLS-020"],
        "the indicated name goes on after the context's",
        input(&[b"invoice.example.com"], false, Some(b"invoice.example.com.example.net")),
    );
    refuse(
        "no-contexts",
        "exact",
        rules,
        "there are neither contexts nor a default",
        input(&[], false, Some(b"invoice.example.com")),
    );
    family
}
