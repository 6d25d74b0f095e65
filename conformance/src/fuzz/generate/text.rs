//! Ids, serverIds and passwords, good and bad.

use tunnelproof_vectors::build::primitives::BASE62;

use crate::fuzz::rng::Rng;

/// What is text, though unusual: kept, never altered, never refused.
const UNUSUAL: [&str; 30] = [
    " ",
    "  ",
    "\u{a0}",
    "\u{ad}",
    "\u{feff}",
    "\u{2028}",
    "\u{200e}",
    "\u{202e}",
    "\u{2066}",
    "\u{e000}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{378}",
    "\u{10ffff}",
    "\u{e0001}",
    "e\u{301}",
    "\u{e9}",
    "\u{212b}",
    "\u{df}",
    "\u{130}",
    "\u{3a3}",
    "ABC",
    "Zz",
    "/../",
    "'\"",
    "\\",
    "<>&;",
    "\u{1f511}",
    "\u{d7ff}\u{e000}",
    "\u{7ff}\u{800}",
];

/// Octets that are not UTF-8.
const ILL_FORMED: [&[u8]; 22] = [
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb1\xa6",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xf8\x88\x80\x80\x80",
    b"\x80",
    b"\xbf",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xff",
    b"\xfe",
    b"\xc3\x28",
];

/// Control characters as UTF-8.
const CONTROLS: [&[u8]; 13] = [
    b"\0",
    b"\x01",
    b"\t",
    b"\n",
    b"\r",
    b"\x1b",
    b"\x1f",
    b"\x7f",
    b"\xc2\x80",
    b"\xc2\x85",
    b"\xc2\x9f",
    b"\xc2\x90",
    b"\x7f",
];

/// So many octets of letters, digits and the punctuation of addresses.
pub fn ascii(rng: &mut Rng, length: usize) -> Vec<u8> {
    (0..length).map(|_| rng.one(b"abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789@.-_")).collect()
}

/// An id: 1 to 255 octets of UTF-8 without control characters.
pub fn id(rng: &mut Rng) -> Vec<u8> {
    let length = rng.one(&[1, 2, 3, 5, 8, 12, 17, 26, 27, 34, 64, 127, 128, 200, 253, 254, 255]);
    let mut id = match rng.below(6) {
        // Looks like what follows it.
        0 => password(rng, length),
        1 => "\u{e9}\u{1f511}\u{2028}".repeat(40).into_bytes(),
        _ => ascii(rng, length),
    };
    for _ in 0..rng.one(&[0, 0, 1, 1, 2]) {
        let edge = rng.pick(&UNUSUAL).as_bytes();
        let at = rng.one(&[0, id.len(), rng.clone().below(id.len() + 1)]);
        if std::str::from_utf8(&id).is_ok_and(|text| text.is_char_boundary(at)) {
            id.splice(at..at, edge.iter().copied());
        }
    }
    while id.len() > 255 || std::str::from_utf8(&id).is_err() {
        id.pop();
    }
    id
}

/// Octets that are no id, though nearly.
pub fn bad_id(rng: &mut Rng) -> Vec<u8> {
    match rng.below(16) {
        0 => Vec::new(),
        1..=3 => {
            let length = rng.one(&[256, 256, 257, 300]);
            ascii(rng, length)
        }
        // Few characters, many octets.
        4 | 5 => "\u{e9}".repeat(128 + rng.below(60)).into_bytes(),
        6 => ["\u{1f511}".repeat(63).as_bytes(), b"abcd"].concat(),
        n => {
            let (before, after) = (rng.below(5), rng.below(5));
            let edge = if n < 11 { rng.one(&CONTROLS) } else { rng.one(&ILL_FORMED) };
            [&ascii(rng, before)[..], edge, &ascii(rng, after)].concat()
        }
    }
}

/// A serverId: any length of UTF-8, control characters and all.
pub fn server_id(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 => Vec::new(),
        1 => b" server ".to_vec(),
        2 => b"\n".to_vec(),
        3 => ascii(rng, 300),
        4 => ascii(rng, 1),
        5 => rng.one(&CONTROLS).to_vec(),
        _ => id(rng),
    }
}

/// A serverId that is not UTF-8.
pub fn bad_server_id(rng: &mut Rng) -> Vec<u8> {
    let (before, after) = (rng.below(5), rng.below(5));
    [&ascii(rng, before)[..], rng.one(&ILL_FORMED), &ascii(rng, after)].concat()
}

/// So many base62 digits.
pub fn password(rng: &mut Rng, length: usize) -> Vec<u8> {
    match rng.below(6) {
        0 => vec![rng.one(b"09AZaz"); length],
        1 => (0..length).map(|_| rng.one(b"09AZaz")).collect(),
        _ => (0..length).map(|_| rng.one(BASE62)).collect(),
    }
}

/// With one octet that is no base62 digit in the place of one that is.
pub fn without_digit(rng: &mut Rng, digits: &mut [u8]) {
    if !digits.is_empty() {
        let at = rng.one(&[0, digits.len() - 1, rng.clone().below(digits.len())]);
        digits[at] = rng.one(b"/:@[`{-_+= \n\0\x7f\x80\xc3\xff");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_good_or_bad_as_asked_for() {
        let good = |id: &[u8]| {
            (1..=255).contains(&id.len())
                && std::str::from_utf8(id).is_ok_and(|text| !text.chars().any(char::is_control))
        };
        let mut rng = Rng::of(1, 1);
        for _ in 0..2000 {
            let id = id(&mut rng);
            assert!(good(&id), "{id:?}");
            let bad = bad_id(&mut rng);
            assert!(!good(&bad), "{bad:?}");
            assert!(std::str::from_utf8(&server_id(&mut rng)).is_ok());
            assert!(std::str::from_utf8(&bad_server_id(&mut rng)).is_err());
            let mut digits = password(&mut rng, 8);
            assert!(digits.iter().all(|digit| BASE62.contains(digit)));
            without_digit(&mut rng, &mut digits);
            assert!(!digits.iter().all(|digit| BASE62.contains(digit)));
        }
    }
}
