//! Bugs of the channel: chapter 4 of the specification.

use super::*;

table! {
    TranscriptWithoutLengths: "CHAN-001", OUTPUT,
        "Hashes the handshake without the lengths of its messages.";
    TranscriptLengthsLittleEndian: "CHAN-001 CONV-001", OUTPUT,
        "Hashes the lengths of the messages little-endian.";
    TranscriptWithoutM1: "CHAN-001", OUTPUT,
        "Leaves out M1 from the transcript hash.";
    TranscriptWithoutM2: "CHAN-001", OUTPUT,
        "Leaves out M2 from the transcript hash.";
    TranscriptWithoutM3: "CHAN-001", OUTPUT,
        "Leaves out M3 from the transcript hash.";
    BindingIgnored: "TLS-083", OUTPUT,
        "Leaves out the TLS exporter's octets from the transcript hash.";
    BindingWithoutLength: "TLS-083", OUTPUT,
        "Hashes the TLS exporter's octets without their length.";
    SaltAndSecretSwapped: "CHAN-002", OUTPUT,
        "Extracts with K as the salt and th as the secret.";
    DirectionLabelsSwapped: "CHAN-003 CHAN-012", OUTPUT,
        "Takes the label of c2s for s2c.";
    OneChainForBothDirections: "CHAN-003", ACCEPT_OR_OUTPUT,
        "Uses the keys of c2s in both directions.";
    IvBeforeKey: "CHAN-005", OUTPUT,
        "Takes the iv before the key.";
    NextChainByExtract: "CHAN-006", OUTPUT,
        "Derives the next chain key by extraction.";
    NextChainIsKey: "CHAN-006", OUTPUT,
        "Derives the next chain key under the label of the keys.";
    GenerationOneRecordLong: "CHAN-007 CHAN-008", REJECT_OR_OUTPUT,
        "Goes to the next generation one record late.";
    GenerationOneRecordShort: "CHAN-007 CHAN-008", REJECT_OR_OUTPUT,
        "Goes to the next generation one record early.";
    GenerationsIgnored: "CHAN-007", REJECT_OR_OUTPUT,
        "Keeps the first generation's key.";
    NumberOf32Bits: "CHAN-011", REJECT_OR_OUTPUT,
        "Keeps the last 32 bits of the record number.";
    NumberRestartsWithGeneration: "CHAN-011", REJECT_OR_OUTPUT,
        "Starts the record number at 0 again with each generation.";
    NumberLittleEndian: "CHAN-011 CONV-001", REJECT_OR_OUTPUT,
        "Writes the record number little-endian.";
    NumberReplacesIv: "CHAN-011", REJECT_OR_OUTPUT,
        "Puts the record number in place of the end of the iv.";
    NumberAtTheFront: "CHAN-011", REJECT_OR_OUTPUT,
        "Combines the record number with the front of the iv.";
    NumberIsAdditionalData: "CHAN-010", REJECT_OR_OUTPUT,
        "Authenticates the record number as additional data.";
    TypeAfterPayload: "CHAN-010", OUTPUT_REJECT_CLASS,
        "Writes and reads the type after the payload, as TLS 1.3 does.";
    TagUnchecked: "CHAN-013 CHAN-021", ACCEPT_OR_CLASS,
        "Decrypts without checking the tag.";
    TagStartCompared: "CHAN-010 CHAN-021", ACCEPT,
        "Checks the first 12 octets of the tag.";
    RecordOneOctetTooLongAccepted: "CHAN-018", CLASS,
        "Tries to open a record of 2^24 + 1 octets.";
    LongestRecordRefused: "CHAN-018", REJECT,
        "Refuses a record of 2^24 octets.";
    RecordWithoutTypeAccepted: "CHAN-018", CRASH_OR_CLASS,
        "Opens a record of 16 octets and looks for its type.";
    PayloadOneOctetTooLongAccepted: "CHAN-019", ACCEPT,
        "Seals a payload of 2^24 - 16 octets.";
    LongestPayloadRefused: "CHAN-019 CHAN-020", REJECT,
        "Refuses to seal a payload of 2^24 - 17 octets.";
    UnknownTypeIsData: "CHAN-022", ACCEPT,
        "Ignores the type octet of what is not close or open.";
    MissingOpenAccepted: "CHAN-024", ACCEPT,
        "Does not miss the open record.";
    OpenAcceptedAnywhere: "CHAN-025", ACCEPT,
        "Accepts open records anywhere.";
    OpenAcceptedFromServer: "CHAN-025", ACCEPT,
        "Accepts an open record as the server's first.";
    PlaceCheckedBeforePayload: "CHAN-026", CLASS,
        "Checks the place of a record before its payload.";
    EmptyDataRefused: "CHAN-020", REJECT,
        "Refuses an empty data record.";
    ClosePayloadAccepted: "CHAN-026", ACCEPT,
        "Ignores the payload of a close record.";
    OpenPayloadAccepted: "CHAN-026", ACCEPT,
        "Ignores the payload of an open record.";
    NumbersStartAgain: "CHAN-016 CHAN-017", ACCEPT_OR_CLASS,
        "Counts on from record number 2^64 - 1 to 0.";
    LastNumberNotUsed: "CHAN-015", REJECT,
        "Refuses to use record number 2^64 - 1.";
    OpenRecordIsData: "CHAN-023", OUTPUT,
        "Sends an empty data record in place of the open record.";
    PayloadTooLongKills: "CHAN-019", REJECT_OR_CLASS,
        "Kills the channel when the caller's payload is too long.";
    SealingExhaustedKills: "CHAN-016", REJECT_OR_CLASS,
        "Kills the channel when no record number is left to seal with.";
    SendingAfterCloseKills: "CHAN-032 CHAN-033", REJECT_OR_CLASS,
        "Kills the channel when the caller seals after its own close.";
    SendingTooEarlyKills: "HS-067", REJECT_OR_CLASS,
        "Kills the channel when the caller seals before it is established.";
    ExportErrorKills: "CHAN-041 CHAN-042", REJECT_OR_CLASS,
        "Kills the channel when the caller exports with wrong lengths.";
    PayloadTooLongUsesNumber: "CHAN-019", OUTPUT,
        "Uses up a record number when the caller's payload is too long.";
    PayloadLengthCheckedFirst: "CHAN-028 CHAN-032", CLASS,
        "Checks the length of a payload before the state of the channel.";
    SealedBeforeEstablished: "HS-067", ACCEPT,
        "Lets the server seal before the open record.";
    SealedAfterOwnClose: "CHAN-032", ACCEPT,
        "Seals after its own close record.";
    NothingReceivedAfterOwnClose: "CHAN-033", REJECT,
        "Refuses to receive after its own close record.";
    FailedRecordSurvived: "CHAN-027 CHAN-028", ACCEPT_OR_CLASS,
        "Lives on after a record that fails.";
    OtherDirectionSurvives: "CHAN-027", ACCEPT,
        "Still seals after a record that fails.";
    TransportFailureIgnored: "CHAN-030", ACCEPT,
        "Lives on when the transport did not take a record.";
    RecordsAfterCloseAccepted: "CHAN-034", ACCEPT_OR_CLASS,
        "Opens records after the peer's close record.";
    LengthCheckedBeforeClose: "CHAN-034", CLASS,
        "Checks the length of a record before it looks for the peer's close.";
    CloseIgnored: "CHAN-034 CHAN-037", ACCEPT_OR_OUTPUT,
        "Ignores close records.";
    RepeatedRecordAccepted: "CHAN-014 CHAN-021", ACCEPT,
        "Accepts the record before once more.";
    LostRecordTolerated: "CHAN-014 CHAN-021", ACCEPT,
        "Accepts the record after the next, as if one had been lost.";
    ReflectedRecordAccepted: "CHAN-012 CHAN-021", ACCEPT,
        "Accepts a record of its own.";
    EveryEndIsClean: "CHAN-038", ACCEPT_OR_OUTPUT,
        "Reports every end as clean.";
    OwnCloseMakesEndClean: "CHAN-037 CHAN-038", ACCEPT_OR_OUTPUT,
        "Reports an end as clean if only its own side was closed.";
    BothClosesNeededForCleanEnd: "CHAN-037", REJECT_OR_OUTPUT,
        "Reports an end as truncated if its own side was not closed.";
    FailureAfterCloseIsClean: "CHAN-037 CHAN-038", ACCEPT_OR_OUTPUT,
        "Reports an end as clean although something followed the peer's close.";
    SendFailureMakesEndTruncated: "CHAN-037", REJECT_OR_OUTPUT,
        "Reports an end as truncated if it could not send after the peer's close.";
    TruncatedEndSurvived: "CHAN-044", ACCEPT,
        "Lives on after a truncated end.";
    ExporterKeyIsPrk: "CHAN-039", OUTPUT,
        "Exports from PRK itself.";
    ExporterWithoutLabelLength: "CHAN-040", OUTPUT,
        "Exports without the length of the label.";
    ExporterContextNotHashed: "CHAN-040", OUTPUT,
        "Exports with the context itself, not its hash.";
    ExporterLabel256Accepted: "CHAN-041", ACCEPT,
        "Accepts a label of 256 octets, whose length wraps to 0.";
    ExporterLabel255Refused: "CHAN-040 CHAN-041", REJECT,
        "Refuses a label of 255 octets.";
    ExporterLongestRefused: "CHAN-040 CHAN-042", REJECT,
        "Refuses to export 8160 octets.";
    ExporterOfNothingAccepted: "CHAN-042", ACCEPT,
        "Exports 0 octets.";
    ExporterCutsShort: "CHAN-042 CONV-008", ACCEPT,
        "Exports 8160 octets where more are asked for.";
    ExportLengthCheckedFirst: "CHAN-041", CLASS,
        "Checks the length of an export before its label.";
    ExportAfterDeath: "CHAN-028", ACCEPT,
        "Exports from a dead channel.";
    ExportBeforeEstablished: "CHAN-043", ACCEPT,
        "Lets the server export before the open record.";
    ShortRecordTraps: "CHAN-018 CONV-008", CRASH,
        "Crashes on a record that is shorter than a tag.";
    PayloadLengthUnchecked: "CHAN-019", ACCEPT,
        "Seals payloads of any length.";
    ExporterLabelLengthUnchecked: "CHAN-041", ACCEPT,
        "Accepts labels of any length and lets their length wrap.";
    OneCounterForBothDirections: "CHAN-014", REJECT_OR_OUTPUT,
        "Counts the records of both directions together.";
}
