//! The specification, compiled in: its rules by id, and what is wrong with their form.
//!
//! A rule is a list item that ends in its id, as in `- ... MUST ... **[HS-014]**`. Indented lines below
//! it are its reason (`*Why:*`) or a remark.

use std::collections::HashMap;

/// One normative sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// As in `HS-014`.
    pub id: String,
    /// The sentence, without its id.
    pub sentence: String,
    /// The reason, without `Why:`.
    pub why: Option<String>,
    /// What else stands below the sentence.
    pub remark: Option<String>,
    /// The heading that it stands under.
    pub section: String,
    /// The file within spec/.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// A fault of form in a file of the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file within spec/.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub text: String,
}

/// All rules of the specification.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// In the order of chapters and sentences.
    pub rules: Vec<Rule>,
    /// Upper-case key words without an id, ids that are there twice.
    pub faults: Vec<Fault>,
}

/// The files of spec/ with their text, in reading order.
pub const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../spec/README.md")),
    ("1-conventions.md", include_str!("../../spec/1-conventions.md")),
    ("2-credentials.md", include_str!("../../spec/2-credentials.md")),
    ("3-handshake.md", include_str!("../../spec/3-handshake.md")),
    ("4-channel.md", include_str!("../../spec/4-channel.md")),
    ("5-tokens.md", include_str!("../../spec/5-tokens.md")),
    ("6-framing.md", include_str!("../../spec/6-framing.md")),
    ("7-mutual-tls.md", include_str!("../../spec/7-mutual-tls.md")),
    ("observability.md", include_str!("../../spec/observability.md")),
    ("security.md", include_str!("../../spec/security.md")),
    ("decisions.md", include_str!("../../spec/decisions.md")),
    ("registry.md", include_str!("../../spec/registry.md")),
    ("live-protocol.md", include_str!("../../spec/live-protocol.md")),
    ("shim-protocol.md", include_str!("../../spec/shim-protocol.md")),
    ("vector-format.md", include_str!("../../spec/vector-format.md")),
];

/// The key words of RFC 2119 (BCP 14).
const KEY_WORDS: &[&str] =
    &["MUST", "SHALL", "SHOULD", "MAY", "REQUIRED", "RECOMMENDED", "OPTIONAL"];

impl Spec {
    /// The specification as it was when this program was built.
    #[must_use]
    pub fn embedded() -> Spec {
        Spec::parse(FILES)
    }

    /// Parses files, each a name and its text.
    #[must_use]
    pub fn parse(files: &[(&str, &str)]) -> Spec {
        let mut spec = Spec::default();
        for (file, text) in files {
            parse_file(file, text, &mut spec);
        }
        let mut seen: HashMap<&str, &Rule> = HashMap::new();
        for rule in &spec.rules {
            if let Some(first) = seen.insert(&rule.id, rule) {
                spec.faults.push(Fault {
                    file: rule.file.clone(),
                    line: rule.line,
                    text: format!("{} is already the id of {}:{}", rule.id, first.file, first.line),
                });
            }
        }
        spec
    }

    /// The rule of an id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// Whether the text has the form of a requirement id, as `HS-014`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(prefix, number)| {
        (2..=5).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_uppercase())
            && number.len() == 3
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn parse_file(file: &str, text: &str, spec: &mut Spec) {
    let mut section = String::new();
    let mut in_code = false;
    let mut defines_key_words = false;
    let mut below_rule = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            below_rule = false;
            continue;
        }
        if in_code {
            continue;
        }
        if let Some(heading) = line.strip_prefix('#') {
            section = heading.trim_start_matches('#').trim().to_owned();
        }
        if let Some((id, sentence)) = rule_of(line) {
            let rule = Rule {
                id: id.to_owned(),
                sentence: sentence.to_owned(),
                why: None,
                remark: None,
                section: section.clone(),
                file: file.to_owned(),
                line: line_number,
            };
            spec.rules.push(rule);
            below_rule = true;
            continue;
        }
        if below_rule && line.starts_with("  ") && !line.trim_start().starts_with("- ") {
            if let Some(rule) = spec.rules.last_mut() {
                add_below(rule, line.trim());
            }
        } else {
            below_rule = false;
        }
        // The paragraph that says how the key words are to be read names them.
        defines_key_words |= line.starts_with("The key words ");
        defines_key_words &= !line.trim().is_empty();
        if let Some(word) = key_word(line).filter(|_| !defines_key_words) {
            spec.faults.push(Fault {
                file: file.to_owned(),
                line: line_number,
                text: format!(
                    "{word} in capitals, but the line is no list item that ends in an id: give the \
                     sentence an id, or write it in lower case or as code"
                ),
            });
        }
    }
}

/// Id and sentence of a line that is a rule.
fn rule_of(line: &str) -> Option<(&str, &str)> {
    let item = line.trim_start().strip_prefix("- ")?.trim_end();
    let (sentence, id) = item.strip_suffix("]**")?.rsplit_once("**[")?;
    is_id(id).then_some((id, sentence.trim()))
}

/// Adds an indented line to the reason or the remark of the rule above it.
fn add_below(rule: &mut Rule, text: &str) {
    let append = |to: &mut Option<String>, text: &str| match to {
        Some(all) => {
            all.push(' ');
            all.push_str(text);
        }
        None => *to = Some(text.to_owned()),
    };
    match text.strip_prefix("*Why:*") {
        Some(why) => append(&mut rule.why, why.trim()),
        // A reason goes on for as long as the item does.
        None if rule.why.is_some() => append(&mut rule.why, text),
        None => append(&mut rule.remark, text),
    }
}

/// The first key word in capitals outside of `code`.
fn key_word(line: &str) -> Option<&str> {
    let prose = line.split('`').step_by(2);
    prose
        .flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .find(|word| KEY_WORDS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_sentence_reason_and_place() {
        let text = "# 3. A\n\n## 3.1 B\n\n- A party MUST do `x`. **[HS-001]**\n  *Why:* because\n  of y.\n\
                    - A party MAY not. **[HS-002]**\n  WebSocket: z.\n\nProse.\n";
        let spec = Spec::parse(&[("3.md", text)]);
        assert_eq!(spec.faults, []);
        let [first, second] = spec.rules.as_slice() else { panic!("two rules: {:?}", spec.rules) };
        assert_eq!(
            (first.id.as_str(), first.sentence.as_str()),
            ("HS-001", "A party MUST do `x`.")
        );
        assert_eq!(first.why.as_deref(), Some("because of y."));
        assert_eq!((first.section.as_str(), first.line), ("3.1 B", 5));
        assert_eq!(second.remark.as_deref(), Some("WebSocket: z."));
        assert_eq!(second.why, None);
    }

    #[test]
    fn key_words_need_an_id_outside_of_code() {
        let text = "A party MUST.\n\n`MUST` is a word\n\n```\nMUST\n```\n\nThe key words MUST\nand MAY.\n\nYou MAY.\n\
                    - x SHOULD **[HS-1]**\n";
        let faults = Spec::parse(&[("a.md", text)]).faults;
        let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 12, 13]);
    }

    #[test]
    fn ids_are_unique() {
        let text = "- It MUST. **[HS-001]**\n- It MUST too. **[HS-001]**\n";
        let faults = Spec::parse(&[("a.md", text)]).faults;
        assert_eq!(faults.len(), 1);
        assert!(faults[0].text.contains("already the id of a.md:1"));
    }

    #[test]
    fn the_embedded_specification_has_rules_of_every_prefix() {
        let spec = Spec::embedded();
        for prefix in ["CONV-", "CRED-", "HS-", "CHAN-", "TOK-", "FRAME-", "OBS-"] {
            assert!(spec.rules.iter().any(|rule| rule.id.starts_with(prefix)), "{prefix}");
        }
        let rule = spec.rule("HS-014").expect("is a rule");
        assert!(rule.sentence.starts_with("A ciphertext MUST"));
        assert!(rule.why.as_deref().is_some_and(|why| why.contains("leading zero octet")));
    }
}
