//! Ids at every edge of what an id may be.

/// An id that every party accepts.
pub(crate) struct GoodId {
    pub(crate) name: &'static str,
    pub(crate) id: Vec<u8>,
    pub(crate) requirement: &'static str,
    pub(crate) note: &'static str,
}

/// An id that every party refuses.
pub(crate) struct BadId {
    pub(crate) name: String,
    pub(crate) id: Vec<u8>,
    pub(crate) requirement: &'static str,
    pub(crate) flaw: String,
}

pub(crate) fn good() -> Vec<GoodId> {
    let utf8 = |name, text: &str, requirement, note| GoodId {
        name,
        id: text.as_bytes().to_vec(),
        requirement,
        note,
    };
    vec![
        utf8("one-octet", "a", "CRED-001", "The shortest id."),
        utf8("one-digit", "0", "CRED-001", "The shortest id, itself a base62 digit."),
        GoodId {
            name: "octets-255",
            id: vec![b'x'; 255],
            requirement: "CRED-001",
            note: "The longest id: its length fills len8.",
        },
        GoodId {
            name: "octets-254",
            id: vec![b'x'; 254],
            requirement: "CRED-001",
            note: "One octet below the longest id.",
        },
        utf8(
            "octets-255-in-85-characters",
            &"\u{20ac}".repeat(85),
            "CRED-001",
            "85 characters of three octets: lengths count octets.",
        ),
        utf8("octets-128", &"k".repeat(128), "CRED-001", "A length whose top bit is set."),
        utf8("two-octet-utf8", "\u{e9}", "CRED-002", "A character of two octets."),
        utf8("three-octet-utf8", "\u{20ac}", "CRED-002", "A character of three octets."),
        utf8("four-octet-utf8", "\u{1f511}", "CRED-002", "A character of four octets."),
        utf8("first-two-octet", "\u{a0}", "CRED-003", "U+00A0, right after the C1 controls."),
        utf8("last-two-octet", "\u{7ff}", "CRED-002", "U+07FF, the last of two octets."),
        utf8("first-three-octet", "\u{800}", "CRED-002", "U+0800, the first of three octets."),
        utf8("before-surrogates", "\u{d7ff}", "CRED-002", "U+D7FF, right before the surrogates."),
        utf8("after-surrogates", "\u{e000}", "CRED-002", "U+E000, right after the surrogates."),
        utf8("first-four-octet", "\u{10000}", "CRED-002", "U+10000, the first of four octets."),
        utf8("last-code-point", "\u{10ffff}", "CRED-002", "U+10FFFF, the last code point."),
        utf8("space", " ", "CRED-004", "U+0020, right after the C0 controls."),
        utf8("tilde", "~", "CRED-004", "U+007E, right before DEL."),
        utf8("spaces-around", " alice ", "CONV-004", "Spaces at both ends stay: no trimming."),
        utf8("bom-first", "\u{feff}alice", "CONV-004", "A byte order mark at the start stays."),
        utf8("bom-alone", "\u{feff}", "CRED-004", "A byte order mark and nothing else."),
        utf8("bom-last", "alice\u{feff}", "CONV-004", "A byte order mark at the end stays."),
        utf8("line-separator", "a\u{2028}b", "CRED-004", "U+2028 is no control character."),
        utf8("paragraph-separator", "a\u{2029}b", "CRED-004", "U+2029 is no control character."),
        utf8("bidi-override", "a\u{202e}b", "CRED-004", "A right-to-left override."),
        utf8("bidi-isolate", "a\u{2066}b\u{2069}", "CRED-004", "Directional isolates."),
        utf8("zero-width", "a\u{200b}\u{200d}b", "CRED-004", "Characters without width."),
        utf8(
            "combining",
            "e\u{301}",
            "CONV-004",
            "e with a combining accent: not normalised to U+00E9.",
        ),
        utf8(
            "composed",
            "\u{e9}\u{301}",
            "CONV-004",
            "A composed letter and an accent: not decomposed.",
        ),
        utf8("ligature", "\u{fb01}", "CONV-004", "A compatibility character: not replaced."),
        utf8("upper-case", "ALICE", "CONV-004", "Capitals: no case folding."),
        utf8("sharp-s", "stra\u{df}e", "CONV-004", "A letter that case folding lengthens."),
        utf8("unassigned", "\u{378}", "CRED-004", "A code point that Unicode has not assigned."),
        utf8("private-use", "\u{f8ff}", "CRED-004", "A private use character."),
        utf8(
            "noncharacter",
            "\u{fffe}\u{ffff}",
            "CRED-004",
            "Noncharacters are well-formed UTF-8.",
        ),
        utf8("replacement", "\u{fffd}", "CRED-004", "U+FFFD itself is an ordinary character."),
        utf8("soft-hyphen", "a\u{ad}b", "CRED-004", "U+00AD."),
        utf8("tag-characters", "\u{e0061}", "CRED-004", "A tag character."),
        utf8("slash-and-dots", "../../etc/passwd", "CRED-004", "A path: an id is no file name."),
        utf8("quotes", "\"';--<b>%00$(x)`\\", "CRED-004", "Characters with a meaning elsewhere."),
        utf8(
            "like-a-key-tail",
            "0123456789ABCDEFGHIJKLMNOP",
            "CRED-017",
            "26 base62 digits, the form of a clientKey's tail.",
        ),
        utf8(
            "ends-like-a-key-tail",
            "alice0123456789ABCDEFGHIJKLMNOP",
            "CRED-017",
            "Ends in 26 base62 digits.",
        ),
        utf8("all-zeros", "00000000", "CRED-017", "Zeros only."),
    ]
}

pub(crate) fn bad() -> Vec<BadId> {
    let mut ids = Vec::new();
    let mut push = |name: String, id: &[u8], requirement, flaw: String| {
        ids.push(BadId { name, id: id.to_vec(), requirement, flaw });
    };
    push("empty".into(), b"", "CRED-001", "the id is empty".into());
    push("octets-256".into(), &[b'x'; 256], "CRED-001", "the id is 256 octets long".into());
    push(
        "octets-256-in-86-characters".into(),
        format!("{}a", "\u{20ac}".repeat(85)).as_bytes(),
        "CRED-001",
        "the id is 86 characters but 256 octets long".into(),
    );
    for c in (0..0x20).chain([0x7f]) {
        push(
            format!("control-{c:02x}"),
            &[b'a', c, b'b'],
            "CRED-003",
            format!("the id contains U+{c:04X}"),
        );
    }
    for c in [0x80_u8, 0x81, 0x84, 0x85, 0x86, 0x8f, 0x90, 0x9b, 0x9e, 0x9f] {
        push(
            format!("control-{c:02x}"),
            &[b'a', 0xc2, c, b'b'],
            "CRED-003",
            format!("the id contains U+{c:04X}, a C1 control"),
        );
    }
    push("control-first".into(), b"\nab", "CRED-003", "the id starts with a line end".into());
    push("control-last".into(), b"ab\n", "CRED-003", "the id ends with a line end".into());
    push("control-alone".into(), b"\0", "CRED-003", "the id is U+0000".into());
    push("del-last".into(), b"ab\x7f", "CRED-003", "the id ends with DEL".into());
    push(
        "control-after-multi-byte".into(),
        b"\xe2\x82\xac\x1f",
        "CRED-003",
        "a control character follows a character of three octets".into(),
    );
    for (name, octets, flaw) in ILL_FORMED {
        push(format!("utf8-{name}"), octets, "CRED-002", (*flaw).to_owned());
    }
    ids
}

/// What RFC 3629 does not generate.
pub(crate) const ILL_FORMED: &[(&str, &[u8], &str)] = &[
    ("overlong-2-nul", b"a\xc0\x80b", "an overlong form of U+0000 in two octets"),
    ("overlong-2-slash", b"a\xc0\xafb", "an overlong form of / in two octets"),
    ("overlong-2-last", b"a\xc1\xbfb", "an overlong form of U+007F in two octets"),
    ("overlong-3-first", b"a\xe0\x80\x80b", "an overlong form of U+0000 in three octets"),
    ("overlong-3-last", b"a\xe0\x9f\xbfb", "an overlong form of U+07FF in three octets"),
    ("overlong-4-first", b"a\xf0\x80\x80\x80b", "an overlong form of U+0000 in four octets"),
    ("overlong-4-last", b"a\xf0\x8f\xbf\xbfb", "an overlong form of U+FFFF in four octets"),
    ("surrogate-first", b"a\xed\xa0\x80b", "the surrogate U+D800"),
    ("surrogate-high-last", b"a\xed\xaf\xbfb", "the surrogate U+DBFF"),
    ("surrogate-low-first", b"a\xed\xb0\x80b", "the surrogate U+DC00"),
    ("surrogate-last", b"a\xed\xbf\xbfb", "the surrogate U+DFFF"),
    (
        "surrogate-pair",
        b"a\xed\xa0\xbd\xed\xb4\x91b",
        "a pair of surrogates, as CESU-8 writes U+1F511",
    ),
    ("above-10ffff", b"a\xf4\x90\x80\x80b", "U+110000, above the last code point"),
    ("f5", b"a\xf5\x80\x80\x80b", "the octet f5, which starts nothing"),
    ("five-octets", b"a\xf8\x88\x80\x80\x80b", "a form of five octets"),
    ("six-octets", b"a\xfc\x84\x80\x80\x80\x80b", "a form of six octets"),
    ("fe", b"a\xfeb", "the octet fe"),
    ("ff", b"a\xffb", "the octet ff"),
    ("utf16-bom", b"\xff\xfea\0", "a byte order mark of UTF-16"),
    ("truncated-2", b"ab\xc3", "ends after the first of two octets"),
    ("truncated-3-after-1", b"ab\xe2", "ends after the first of three octets"),
    ("truncated-3-after-2", b"ab\xe2\x82", "ends after the second of three octets"),
    ("truncated-4-after-1", b"ab\xf0", "ends after the first of four octets"),
    ("truncated-4-after-2", b"ab\xf0\x9f", "ends after the second of four octets"),
    ("truncated-4-after-3", b"ab\xf0\x9f\x94", "ends after the third of four octets"),
    ("interrupted-2", b"a\xc3b", "a letter in the place of a continuation octet"),
    ("interrupted-3", b"a\xe2\x82b", "a letter in the place of the last of three octets"),
    ("interrupted-4", b"a\xf0\x9f\x94b", "a letter in the place of the last of four octets"),
    ("stray-80", b"a\x80b", "a continuation octet 80 that continues nothing"),
    ("stray-bf", b"a\xbfb", "a continuation octet bf that continues nothing"),
    ("stray-first", b"\x80ab", "starts with a continuation octet"),
    ("stray-after-complete", b"\xc3\xa9\xa9", "a continuation octet too many"),
    ("latin-1", b"caf\xe9", "Latin-1 instead of UTF-8"),
];
