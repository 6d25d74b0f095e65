//! Bugs in reading and making credentials: chapter 2 of the specification.

use super::*;

table! {
    Utf8OverlongAccepted: "CRED-002 CONV-003", ACCEPT,
        "Takes overlong UTF-8 for text.";
    Utf8SurrogateAccepted: "CRED-002 CONV-003", ACCEPT,
        "Takes UTF-8 of surrogates (CESU-8) for text.";
    Utf8AboveMaximumAccepted: "CRED-002 CONV-003", ACCEPT,
        "Takes UTF-8 of values above U+10FFFF for text.";
    IdUtf8Unchecked: "CRED-002", ACCEPT,
        "Does not check that an id is UTF-8.";
    IdReplacementCharacter: "CONV-005 CRED-002", ACCEPT,
        "Puts U+FFFD in place of what is ill-formed in an id.";
    IdTrimmed: "CONV-004", OUTPUT,
        "Trims spaces from the ends of an id.";
    IdByteOrderMarkRemoved: "CONV-004", OUTPUT,
        "Removes a byte order mark from the front of an id.";
    IdNormalised: "CONV-004", OUTPUT,
        "Brings ids into normal form C.";
    IdCaseFolded: "CONV-004", OUTPUT,
        "Makes ids lower case.";
    IdEmptyAccepted: "CRED-001 CRED-018", ACCEPT,
        "Accepts an empty id.";
    IdLimit254: "CRED-001 CRED-018", REJECT,
        "Refuses an id of 255 octets.";
    IdLimit256: "CRED-001 CRED-018", ACCEPT,
        "Accepts an id of 256 octets, whose length wraps to 0.";
    IdLengthInCharacters: "CRED-001", ACCEPT,
        "Counts the length of an id in characters.";
    IdControlsAccepted: "CRED-003", ACCEPT,
        "Accepts the control characters U+0000 to U+001F in an id.";
    IdDeleteAccepted: "CRED-003", ACCEPT,
        "Accepts U+007F in an id: only looks below the space.";
    IdC1ControlsAccepted: "CRED-003", ACCEPT,
        "Accepts U+0080 to U+009F in an id: only looks at ASCII.";
    IdSpaceRefused: "CRED-004", REJECT,
        "Refuses a space in an id.";
    IdAsciiOnly: "CRED-004", REJECT,
        "Refuses ids beyond ASCII.";
    IdFormatCharactersRefused: "CRED-004", REJECT,
        "Refuses byte order marks, bidirectional marks and line separators in an id.";
    IdUnassignedRefused: "CRED-004", REJECT,
        "Refuses private-use and unassigned code points in an id.";
    MakeIdUnchecked: "CRED-001 CRED-002 CRED-003", ACCEPT,
        "Makes credentials for any id whatever.";
    MakePasswordsUnchecked: "CRED-006 CRED-007", ACCEPT,
        "Makes credentials from any passwords whatever.";
    ClientKeyDigestFirst: "CRED-015", OUTPUT,
        "Writes a clientKey with the digest before the password.";
    ServerKeyDigestFirst: "CRED-016", OUTPUT,
        "Writes a serverKey with the digest before the password.";
    ClientKeyReadFromTheLeft: "CRED-017", OUTPUT,
        "Reads a clientKey from the left: the first place where 26 digits follow ends the id.";
    ClientKeyLineEndTrimmed: "CRED-019", ACCEPT,
        "Removes a line end from a clientKey.";
    ClientKeyPasswordUnchecked: "CRED-019", ACCEPT,
        "Does not check the digits of the password in a clientKey.";
    ClientKeyDigestUnchecked: "CRED-019", ACCEPT,
        "Does not check the digits of the digest in a clientKey.";
    ServerKeyTailIgnored: "CRED-021", ACCEPT,
        "Ignores what follows the 26 octets of a serverKey.";
    ServerKeyTrimmed: "CRED-021", ACCEPT,
        "Trims spaces and line ends from a serverKey.";
    ServerKeyDigitsUnchecked: "CRED-022", ACCEPT,
        "Does not check the digits of a serverKey.";
    Base62IsBase64Url: "CRED-019 CRED-022", ACCEPT,
        "Takes '-' and '_' for base62 digits, as base64url has them.";
    Base62LowerCaseFirst: "CRED-010", REJECT_OR_OUTPUT,
        "Orders the digits 0-9, a-z, A-Z.";
    ServerDigestUnderClientLabel: "CRED-012", REJECT_OR_OUTPUT,
        "Digests the server password under the label of the client password.";
    ClientDigestUnderServerLabel: "CRED-013", REJECT_OR_OUTPUT,
        "Digests the client password under the label of the server password.";
    ClientSecretWithoutSalt: "CRED-014", REJECT_OR_OUTPUT,
        "Derives s and k without the salt.";
    ClientSecretWithoutIdLength: "CRED-014", REJECT_OR_OUTPUT,
        "Derives s and k without the length of the id.";
    ClientSecretHalvesSwapped: "CRED-014", REJECT_OR_OUTPUT,
        "Takes k before s.";
    X25519NotClamped: "CRED-013", REJECT_OR_OUTPUT,
        "Multiplies the base point by s as it is, without clamping.";
    ClientDigestOfSecretItself: "CRED-013", REJECT_OR_OUTPUT,
        "Digests s in place of X25519(s, 9).";
    ClientDigestOfPassword: "CRED-013", REJECT_OR_OUTPUT,
        "Digests the client password itself.";
    ClientDigestWithoutKey: "CRED-013", REJECT_OR_OUTPUT,
        "Digests X25519(s, 9) without k.";
    DigestWithoutSeparator: "CRED-010", REJECT_OR_OUTPUT,
        "Leaves out the zero octet after the label of a digest.";
    DigestWithoutIdLength: "CRED-010", REJECT_OR_OUTPUT,
        "Leaves out the length of the id from a digest.";
    DigestWithoutId: "CRED-010", REJECT_OR_OUTPUT,
        "Leaves out the id from a digest.";
    DigestLittleEndian: "CRED-010 CONV-001", REJECT_OR_OUTPUT,
        "Reads the hash as a little-endian integer.";
    DigestOfHalfTheHash: "CRED-010", REJECT_OR_OUTPUT,
        "Reduces only the first 16 octets of the hash.";
    DigestLeastDigitFirst: "CRED-011", REJECT_OR_OUTPUT,
        "Writes the least significant digit first.";
    DigestNotPadded: "CRED-011", REJECT_OR_OUTPUT,
        "Leaves out leading zeros of a digest.";
    ShortKeyTraps: "CRED-018 CRED-021 CONV-008", CRASH,
        "Crashes on a credential string that is too short.";
    IdOfTwoOctetsRefused: "CRED-001", REJECT,
        "Refuses ids of less than 3 octets.";
    IdPunctuationRefused: "CRED-004", REJECT,
        "Allows only letters and digits in the ASCII part of an id.";
    Base62FirstDigitsRefused: "CRED-006 CRED-007 CRED-019 CRED-022", REJECT,
        "Refuses '0', 'A' and 'a': the bounds of its ranges are exclusive below.";
    Base62LastDigitsRefused: "CRED-006 CRED-007 CRED-019 CRED-022", REJECT,
        "Refuses '9', 'Z' and 'z': the bounds of its ranges are exclusive above.";
    ServerKeyReadFromTheRight: "CRED-021", ACCEPT,
        "Takes the last 26 octets for the serverKey.";
}
