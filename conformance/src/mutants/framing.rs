//! Bugs of framing: chapter 6 of the specification.

use super::*;

table! {
    TextMessageAccepted: "FRAME-002", ACCEPT,
        "Accepts text messages.";
    WebSocketLengthUnchecked: "FRAME-016 FRAME-011", ACCEPT,
        "Leaves the length of messages to the WebSocket library.";
    EmptyMessageSkipped: "FRAME-005", OUTPUT,
        "Skips empty WebSocket messages.";
    EncodeLimitNeverRaised: "FRAME-012 FRAME-017", REJECT,
        "Sends nothing longer than 4,096 octets.";
    EncodeLimitMissing: "FRAME-017", ACCEPT,
        "Sends messages of any length.";
    EmptyMessageEncoded: "FRAME-018", ACCEPT,
        "Sends an empty message.";
    LengthCountsItself: "FRAME-006", REJECT_OR_OUTPUT,
        "Counts the length itself as part of the length.";
    LengthLittleEndian: "FRAME-006 CONV-001", REJECT_OR_OUTPUT,
        "Writes and reads lengths little-endian.";
    LengthOfThreeOctets: "FRAME-008", ACCEPT,
        "Ignores the first octet of a length.";
    LengthSigned: "FRAME-008 CONV-008", CRASH,
        "Takes a length for signed and crashes on a negative one.";
    ReadTakenForMessage: "FRAME-009", REJECT_OR_OUTPUT,
        "Expects every message within one read.";
    TooLongNoticedAtTheEnd: "FRAME-008", ACCEPT,
        "Waits for all of a message that is too long.";
    ZeroLengthAccepted: "FRAME-007", ACCEPT,
        "Delivers a message of length 0.";
    ZeroLengthSkipped: "FRAME-007", ACCEPT,
        "Skips a message of length 0.";
    EndWithinLengthIgnored: "FRAME-010", ACCEPT,
        "Ignores the end of the stream inside a length.";
    EndWithinMessageIgnored: "FRAME-010", ACCEPT,
        "Ignores the end of the stream inside a message.";
    LimitNeverRaised: "FRAME-012", REJECT,
        "Keeps the limit of the handshake for ever.";
    LimitAlwaysRaised: "FRAME-011", ACCEPT,
        "Applies the limit of the channel from the beginning.";
    LimitRaisedOneMessageEarly: "FRAME-013 FRAME-011", ACCEPT,
        "Raises the limit for the message that establishes.";
    LimitRaisedOneMessageLate: "FRAME-013 FRAME-012", REJECT,
        "Raises the limit one message late.";
    LimitOfTheRead: "FRAME-013", REJECT,
        "Applies the limit of the beginning of a read to all messages in it.";
    ChannelLimitOneHigh: "FRAME-012", ACCEPT,
        "Accepts 2^24 + 1 octets.";
    ChannelLimitOneLow: "FRAME-012", REJECT,
        "Refuses 2^24 octets.";
    HandshakeLimitOneHigh: "FRAME-011", ACCEPT,
        "Accepts 4,097 octets before it is established.";
    HandshakeLimitOneLow: "FRAME-011", REJECT,
        "Refuses 4,096 octets before it is established.";
    WebSocketTakenForStream: "FRAME-001", REJECT_OR_OUTPUT,
        "Expects lengths within WebSocket messages.";
    EmptyStreamRefused: "FRAME-010", REJECT,
        "Takes the end of a stream without messages for a fault of framing.";
}
