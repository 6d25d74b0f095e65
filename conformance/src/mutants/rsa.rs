//! Bugs around RSA: sections 3.2 and 3.3 of the specification.

use super::*;

table! {
    SpkiLongLengthAccepted: "HS-011", ACCEPT,
        "Accepts DER lengths in more octets than they need.";
    SpkiIndefiniteLengthAccepted: "HS-011", ACCEPT,
        "Accepts the indefinite lengths of BER.";
    SpkiPkcs1Accepted: "HS-003", ACCEPT,
        "Accepts a bare RSAPublicKey as well.";
    SpkiUnusedBitsIgnored: "HS-003", ACCEPT,
        "Ignores the number of unused bits.";
    SpkiTailOfKeyAccepted: "HS-011 CONV-007", ACCEPT,
        "Ignores octets after the RSAPublicKey within the BIT STRING.";
    SpkiTailOfSequenceAccepted: "HS-011 CONV-007", ACCEPT,
        "Ignores elements after the BIT STRING within the SEQUENCE.";
    SpkiTrailingOctetsAccepted: "HS-011 CONV-007", ACCEPT,
        "Ignores octets after the SPKI.";
    SpkiAlgorithmIgnored: "HS-010", ACCEPT,
        "Ignores which algorithm the key is for.";
    SpkiParametersIgnored: "HS-010", ACCEPT,
        "Ignores the parameters of the algorithm.";
    SpkiMissingNullAccepted: "HS-010", ACCEPT,
        "Accepts an algorithm without parameters.";
    SpkiNegativeIsUnsigned: "HS-009", ACCEPT,
        "Takes a negative modulus for a positive one.";
    SpkiPaddedIntegerAccepted: "HS-011", ACCEPT,
        "Accepts integers with superfluous zero octets.";
    ModulusLowerBoundMissing: "HS-005 HS-009", ACCEPT,
        "Accepts a modulus of any size up to 8192 bits, zero among them.";
    Modulus4424Accepted: "HS-005", ACCEPT,
        "Accepts a modulus of 4424 bits.";
    ModulusUpperBoundMissing: "HS-006", ACCEPT,
        "Accepts a modulus of any size.";
    Modulus8193Accepted: "HS-006", ACCEPT,
        "Accepts a modulus of 8193 bits.";
    Modulus8192Refused: "HS-004", REJECT,
        "Refuses a modulus of 8192 bits.";
    ModulusOnly4552Accepted: "HS-004", REJECT,
        "Accepts a modulus of 4552 bits alone.";
    ModulusOnlyWholeOctetsAccepted: "HS-004", REJECT,
        "Refuses a modulus whose size is not a multiple of eight.";
    ModulusEvenAccepted: "HS-007", ACCEPT,
        "Accepts an even modulus.";
    ExponentIgnored: "HS-008 HS-001", ACCEPT,
        "Does not read the exponent.";
    OaepSha256: "HS-012", REJECT_OR_OUTPUT,
        "Uses OAEP with SHA-256.";
    OaepMaskSha256: "HS-012", REJECT_OR_OUTPUT,
        "Uses MGF1 with SHA-256.";
    OaepSha256AlsoAccepted: "HS-012 HS-016", ACCEPT,
        "Accepts OAEP with SHA-256 as well.";
    Pkcs1AlsoAccepted: "HS-012 HS-016", ACCEPT,
        "Accepts PKCS #1 v1.5 encryption as well.";
    OaepLabelIgnored: "HS-012 HS-016", ACCEPT,
        "Does not check the hash of the label.";
    OaepFirstOctetIgnored: "HS-016", ACCEPT,
        "Does not check that the first octet is zero.";
    OaepPaddingSearched: "HS-016", ACCEPT,
        "Searches the first 01 octet whatever stands before it.";
    OaepSeparatorIgnored: "HS-016", ACCEPT,
        "Takes the first octet that is not zero for the separator.";
    StrippedCiphertextAccepted: "HS-014 HS-052", ACCEPT,
        "Accepts a ciphertext whose leading zero octet was stripped.";
    PaddedCiphertextAccepted: "HS-014 HS-052", ACCEPT,
        "Accepts a ciphertext with further zero octets before it.";
    CiphertextReduced: "HS-015", ACCEPT,
        "Reduces a ciphertext that is not less than the modulus.";
    CiphertextRangeIsMalformed: "HS-015 HS-017", CLASS,
        "Tells a ciphertext that is not less than the modulus from other failures.";
    DecryptFailureIsMalformed: "HS-016 HS-032 HS-053", CLASS,
        "Reports what does not decrypt as malformed.";
    SpkiTagsIgnored: "HS-003", ACCEPT,
        "Does not look at the tags of DER.";
    SpkiReadAtFixedPlaces: "HS-003", ACCEPT,
        "Takes the modulus from where it stands in a good SPKI, and looks at nothing else.";
    AnyExponentAccepted: "HS-008 HS-001", ACCEPT,
        "Accepts any positive exponent.";
    ModulusOnlyMultiplesOf128Accepted: "HS-004", REJECT,
        "Accepts only the sizes that its library makes, multiples of 128 bits.";
    SpkiFaultTraps: "HS-003 CONV-008", CRASH,
        "Crashes on an SPKI that is not DER.";
}
