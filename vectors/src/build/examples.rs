//! The worked examples of the specification, written between the markers of its chapters.
//!
//! ```text
//! <!-- example:NAME -->
//! <!-- /example:NAME -->
//! ```

use std::path::Path;

use super::output::Output;

mod channel;
mod credentials;
mod framing;
mod handshake;
mod tokens;

/// Hexadecimal digits on a line.
const DIGITS: usize = 64;

/// A chapter, the name of its example, and what makes it.
type Example = (&'static str, &'static str, fn() -> Text);

const EXAMPLES: [Example; 5] = [
    ("spec/2-credentials.md", "credentials", credentials::example),
    ("spec/3-handshake.md", "handshake", handshake::example),
    ("spec/4-channel.md", "channel", channel::example),
    ("spec/5-tokens.md", "tokens", tokens::example),
    ("spec/6-framing.md", "framing", framing::example),
];

/// The chapters with their examples made again.
///
/// # Errors
/// If a chapter cannot be read or lacks its markers.
pub(crate) fn chapters(root: &Path) -> Result<Vec<Output>, String> {
    EXAMPLES
        .iter()
        .map(|(path, name, example)| {
            let chapter = std::fs::read_to_string(root.join(path))
                .map_err(|error| format!("{path}: {error}"))?;
            let text = replace(&chapter, name, &example().0)
                .ok_or_else(|| format!("{path}: no markers of example:{name}"))?;
            Ok(Output { path: (*path).to_owned(), octets: text.into_bytes() })
        })
        .collect()
}

/// The chapter with `text` between the markers.
fn replace(chapter: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- example:{name} -->\n"), format!("<!-- /example:{name} -->"));
    let (before, rest) = chapter.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

/// An example while it is written: sentences, each followed by a block of values.
struct Text(String);

impl Text {
    fn new() -> Self {
        Self(String::new())
    }

    /// A sentence and the values that it explains.
    fn step(mut self, sentence: &str, values: &[(&str, &[u8])]) -> Self {
        self.0.push_str(&format!("\n{sentence}\n\n```\n"));
        let width = values.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, octets) in values {
            self.0.push_str(&lines(name, octets, width));
        }
        self.0.push_str("```\n");
        self
    }

    /// The empty line before the closing marker.
    fn end(mut self) -> Self {
        self.0.push('\n');
        self
    }
}

/// A value in hexadecimal, wrapped below its first digit.
fn lines(name: &str, octets: &[u8], width: usize) -> String {
    let digits = hex::encode(octets);
    let chunks: Vec<&str> = (0..digits.len().max(1))
        .step_by(DIGITS)
        .map(|start| &digits[start..digits.len().min(start + DIGITS)])
        .collect();
    let indent = format!("\n{}", " ".repeat(width + 2));
    format!("{name:width$}  {}\n", chunks.join(&indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let chapter = "a\n<!-- example:x -->\nold\n<!-- /example:x -->\nb\n";
        let expected = "a\n<!-- example:x -->\nnew\n<!-- /example:x -->\nb\n";
        assert_eq!(replace(chapter, "x", "new\n").as_deref(), Some(expected));
        assert_eq!(replace(expected, "x", "new\n").as_deref(), Some(expected));
        assert_eq!(replace(chapter, "y", "new\n"), None);
    }

    #[test]
    fn long_values_are_wrapped() {
        let text = lines("m", &[0xab; 33], 3);
        assert_eq!(text, format!("m    {}\n     ab\n", "ab".repeat(32)));
        assert_eq!(lines("none", &[], 4), "none  \n");
    }
}
