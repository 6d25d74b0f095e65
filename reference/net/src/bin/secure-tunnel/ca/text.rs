//! Text out of certificates, which anyone may have written, for a terminal.

use x509_parser::prelude::X509Name;

/// Without control characters or others that do not show.
pub fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\'' => c.to_string(),
        c => c.escape_debug().collect(),
    };
    text.chars().map(escape).collect()
}

/// `O=ABC Inc., CN=x`; a value that could be taken for more than one is quoted.
pub fn subject(name: &X509Name<'_>) -> String {
    let attributes = name.iter_attributes().map(|attribute| {
        let oid = attribute.attr_type().to_id_string();
        let kind = match oid.as_str() {
            "2.5.4.3" => "CN",
            "2.5.4.6" => "C",
            "2.5.4.7" => "L",
            "2.5.4.8" => "ST",
            "2.5.4.10" => "O",
            "2.5.4.11" => "OU",
            _ => &oid,
        };
        let value = match attribute.as_str() {
            Ok(text) => quoted(text),
            Err(_) => format!("#{}", hex::encode(attribute.as_slice())),
        };
        format!("{kind}={value}")
    });
    let shown = attributes.collect::<Vec<_>>().join(", ");
    if shown.is_empty() { "(empty)".to_owned() } else { shown }
}

fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.contains([',', '=', '+', '"', '#', '(', '\\'])
        && text.trim() == text;
    if plain { escaped(text) } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(escaped("a\u{1b}[31m\u{202e}'\u{fc}\""), "a\\u{1b}[31m\\u{202e}'\u{fc}\"");
        assert_eq!(quoted("ABC Inc."), "ABC Inc.");
        assert_eq!(quoted("a, CN=b"), "\"a, CN=b\"");
        assert_eq!(quoted(" "), "\" \"");
        assert_eq!(quoted("\n"), "\"\\n\"");
    }
}
