//! Bugs of tokens: chapter 5 of the specification.

use super::*;

table! {
    ShortSignatureTraps: "TOK-033 TOK-035 TOK-044 CONV-008", CRASH,
        "Crashes on what is shorter than a signature.";
    SNotChecked: "TOK-014", ACCEPT,
        "Does not check that S is less than L.";
    OnlyTopBitsOfSChecked: "TOK-014", ACCEPT,
        "Checks only that the top three bits of S are zero.";
    SmallOrderRAccepted: "TOK-015", ACCEPT,
        "Accepts an R of small order.";
    NonCanonicalKeyAccepted: "TOK-016", ACCEPT,
        "Accepts public keys that are not canonical, also those of small order.";
    KeyComparedByItsEnds: "TOK-016", REJECT,
        "Takes a public key for one that is not canonical by its first and last octets alone.";
    SmallOrderKeyAccepted: "TOK-017", ACCEPT,
        "Accepts a public key of small order.";
    SmallOrderListIncomplete: "TOK-015 TOK-017", ACCEPT,
        "Misses the encodings of small order that have the other sign bit.";
    KeyOffCurveTraps: "TOK-018 CONV-008", CRASH,
        "Crashes on a public key that is not a point.";
    RComparedAsPoint: "TOK-019 TOK-015", ACCEPT,
        "Decodes R and compares points, not octets, and lists only canonical R of small order.";
    CofactoredEquation: "TOK-019", ACCEPT,
        "Verifies with the cofactor.";
    HashNotReduced: "TOK-019", ACCEPT_OR_REJECT,
        "Multiplies a public key by the hash without reducing it.";
    HashNegatedNotKey: "TOK-019 TOK-020", ACCEPT_OR_REJECT,
        "Subtracts h*A by adding (L - h)*A, which is not the same for a key of mixed order.";
    MixedOrderKeyRefused: "TOK-020", REJECT,
        "Refuses public keys of mixed order.";
    KeyHalvesUnchecked: "TOK-021", ACCEPT,
        "Signs with halves of a key that do not belong together.";
    ClockUnlimited: "TOK-006", ACCEPT_OR_CLASS,
        "Accepts clocks of more than 2^53 - 1 milliseconds.";
    TimeRounded: "TOK-007", OUTPUT,
        "Rounds the time of a new body to the nearest second.";
    TimeZeroWritten: "TOK-008", ACCEPT,
        "Makes a body with time 0.";
    TimeTruncated: "TOK-008", ACCEPT,
        "Makes a body of any clock; its time has lost its upper bits.";
    ClockCheckedFirst: "TOK-031", CLASS,
        "Checks whether the time can be written before all else.";
    LifetimeZeroIsDefault: "TOK-009", ACCEPT,
        "Takes a lifetime of 0 for the default.";
    LifetimeUnlimited: "TOK-009", ACCEPT,
        "Accepts lifetimes of more than 2^53 - 1 milliseconds.";
    ChallengeLifetimeOneHour: "TOK-010", ACCEPT,
        "Lets challenges live for an hour, as binauth's README says.";
    LifetimeExclusive: "TOK-012", REJECT,
        "Lets a body expire one millisecond early.";
    LifetimeInSeconds: "TOK-012", ACCEPT,
        "Takes lifetimes for seconds.";
    AgeInSeconds: "TOK-012", ACCEPT,
        "Compares age and lifetime in whole seconds.";
    ExpiryOf32Bits: "TOK-012 CONV-002", REJECT,
        "Computes the end of a life in 32 bits.";
    TimeSigned: "TOK-001 TOK-012", REJECT,
        "Takes times from 2038 on for negative.";
    FutureInclusive: "TOK-013", REJECT,
        "Takes what is dated now for dated in the future.";
    FutureTolerated: "TOK-013", ACCEPT,
        "Tolerates a second of the future.";
    BodyTimeLittleEndian: "TOK-001 CONV-001", REJECT_OR_OUTPUT,
        "Writes and reads the time of a body little-endian.";
    BodyTailIgnored: "TOK-036 TOK-045 CONV-007", ACCEPT,
        "Ignores octets after a body.";
    BodyTimeZeroAccepted: "TOK-037 TOK-046", ACCEPT_OR_CLASS,
        "Accepts a body with time 0.";
    PublicKeyCutOrPadded: "TOK-022 TOK-032", ACCEPT_OR_CLASS,
        "Cuts or pads a public key to 32 octets.";
    PointCheckedAtChallenge: "TOK-023", REJECT,
        "Issues challenges only for points of the curve.";
    ChallengeDependsOnServerId: "TOK-024", OUTPUT,
        "Signs the serverId along with a challenge.";
    ClientSignsAnything: "TOK-026 TOK-027 TOK-028", ACCEPT,
        "The client signs whatever it is given, as binauth's does.";
    ClientIgnoresLength: "TOK-026", ACCEPT,
        "The client does not check the length of a challenge.";
    ClientChecksOnlyLength: "TOK-027 TOK-028", ACCEPT,
        "The client checks nothing but the length of a challenge.";
    ClientIgnoresType: "TOK-027", ACCEPT,
        "The client does not check the type of a challenge.";
    ClientIgnoresKey: "TOK-028", ACCEPT,
        "The client does not check the key in a challenge.";
    ServerIdAfterChallenge: "TOK-005", OUTPUT,
        "The client puts the serverId after the challenge.";
    ServerIdReplacementCharacter: "TOK-051 CONV-005", ACCEPT,
        "Puts U+FFFD in place of what is ill-formed in a serverId.";
    ServerIdTrimmed: "CONV-004 TOK-034", ACCEPT_REJECT_OUTPUT,
        "Trims spaces from the ends of a serverId.";
    ClientSignatureIgnored: "TOK-033", ACCEPT,
        "Issues a token without verifying the client's signature.";
    ServerSignatureIgnored: "TOK-035", ACCEPT,
        "Issues a token without verifying its own signature on the challenge.";
    TokenSignatureIgnored: "TOK-044", ACCEPT,
        "Accepts a token without verifying its signature.";
    ServerIdNotRemoved: "TOK-034", REJECT,
        "Does not remove the serverId.";
    ServerIdRemovedByLength: "TOK-034 TOK-054", ACCEPT,
        "Removes as many octets as the serverId has, whatever they are.";
    LastOctetsTakenForChallenge: "TOK-034 TOK-054", ACCEPT,
        "Takes the last 101 octets for the challenge.";
    ServerIdRequired: "TOK-053", REJECT,
        "Refuses a signed challenge without the serverId.";
    ServerIdRemovedRepeatedly: "TOK-034 TOK-054", ACCEPT,
        "Removes the serverId as often as it is there.";
    IssueTypeIgnored: "TOK-038", ACCEPT,
        "Issues a token for a token.";
    IssueKeyIgnored: "TOK-039", ACCEPT,
        "Issues a token for another key than that of the challenge.";
    IssueFutureIgnored: "TOK-040", ACCEPT,
        "Issues a token for a challenge of the future.";
    IssueWithTokenLifetime: "TOK-041", ACCEPT,
        "Gives challenges the lifetime of tokens.";
    ExpiredIs400: "TOK-041", CLASS,
        "Answers an expired challenge with 400.";
    IssueExpiredFirst: "TOK-031", CLASS,
        "Checks a challenge's age before its type.";
    IssueFutureFirst: "TOK-031", CLASS,
        "Checks a challenge's date before its type and key.";
    IssueKeyBeforeType: "TOK-031", CLASS,
        "Checks a challenge's key before its type.";
    TokenWithTimeOfChallenge: "TOK-042", OUTPUT,
        "Issues a token with the time of the challenge.";
    TokenWithTypeOfChallenge: "TOK-002 TOK-042", OUTPUT,
        "Issues a token with the type of a challenge.";
    VerifyWithChallengeLifetime: "TOK-011 TOK-047", REJECT,
        "Gives tokens the lifetime of challenges.";
    VerifyAnswers400: "TOK-045 TOK-046 TOK-048 TOK-049", CLASS,
        "Answers a bad token with 400.";
    VerifyTypeIgnored: "TOK-048", ACCEPT,
        "Accepts a challenge as a token.";
    VerifyFutureIgnored: "TOK-049", ACCEPT,
        "Accepts a token of the future.";
    VerifyTypeFirst: "TOK-043", CLASS,
        "Checks a token's type before its age.";
    VerifyFutureBeforeType: "TOK-043", CLASS,
        "Checks a token's date before its type.";
    VerifyChecksPoint: "TOK-050", REJECT,
        "Accepts a token only for a point of the curve.";
    ShortBodyTraps: "TOK-036 TOK-045 CONV-008", CRASH,
        "Crashes on a body that is too short.";
    SignatureAfterMessage: "TOK-005", OUTPUT,
        "The client puts its signature after the message.";
    IssueKeyStartCompared: "TOK-039", ACCEPT,
        "Compares only the first 8 octets of the key in a challenge.";
    ClientComparesStartOfKey: "TOK-028", ACCEPT,
        "The client compares only the first 8 octets of the key in a challenge.";
    ServerIdCaseIgnored: "CONV-004 TOK-054", ACCEPT,
        "Ignores the case of a serverId.";
    LastSecondRefused: "TOK-008", REJECT,
        "Refuses the last second that a time can hold.";
}
