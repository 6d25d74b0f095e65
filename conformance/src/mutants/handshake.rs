//! Bugs in the messages of the handshake and in what both parties check: chapter 3 of the specification.

use super::*;

table! {
    NonceWithoutLabel: "HS-025 HS-036", REJECT_OR_OUTPUT,
        "Binds the nonce without the label.";
    NonceWithoutSeparator: "HS-025 HS-036", REJECT_OR_OUTPUT,
        "Binds the nonce without the zero octet after the label.";
    NonceWithoutServerKey: "HS-025 HS-036", REJECT_OR_OUTPUT,
        "Binds the nonce to the client's RSA key alone.";
    NonceWithoutClientKey: "HS-025 HS-036", REJECT_OR_OUTPUT,
        "Binds the nonce to the server's RSA key alone.";
    NonceKeysSwapped: "HS-025", REJECT_OR_OUTPUT,
        "Binds the nonce to the client's RSA key before the server's.";
    NonceOfKeysNotHashed: "HS-025", REJECT_OR_OUTPUT,
        "Binds the nonce to the keys themselves, not to their hashes.";
    NonceBindingWithoutRandom: "HS-025", REJECT_OR_OUTPUT,
        "Leaves out r from the hash in the nonce.";
    NonceOfLastHalf: "HS-025", REJECT_OR_OUTPUT,
        "Takes the last 16 octets of the hash.";
    NonceBindingUnchecked: "HS-036", ACCEPT,
        "Does not check the binding of the nonce.";
    NonceBindingStartCompared: "HS-036", ACCEPT,
        "Compares only the first half of the binding.";
    RequestIdLengthSigned: "HS-024 HS-033 CRED-001", REJECT,
        "Takes the length of the id for a signed octet.";
    RequestTrailingOctetsAccepted: "HS-033 CONV-007", ACCEPT,
        "Ignores octets after P1.";
    RequestIdUnchecked: "HS-034", ACCEPT,
        "Does not check the id in P1.";
    RequestPasswordUnchecked: "HS-035", ACCEPT_OR_CLASS,
        "Does not check the digits of the password in P1.";
    ReplyKeyFirst: "HS-048", REJECT_OR_OUTPUT,
        "Writes and reads K before Ps in P3.";
    ReplyTrailingOctetsAccepted: "HS-054 CONV-007", ACCEPT,
        "Ignores octets after P3.";
    ReplyPasswordUnchecked: "HS-055", ACCEPT_OR_CLASS,
        "Does not check the digits of the password in P3.";
    TimeLittleEndian: "CONV-001 HS-024 HS-048", REJECT_OR_OUTPUT,
        "Writes and reads times little-endian.";
    TimeOf32Bits: "CONV-002 HS-024", ACCEPT_OR_OUTPUT,
        "Keeps the last 32 bits of a time.";
    ErrorMessageSent: "OBS-001 HS-072", OUTPUT,
        "Answers what it refuses with an error message.";
    EndIgnored: "HS-073", ACCEPT,
        "Does not take the peer's end before it is established for a failure.";
    // The client.
    ClientFreshnessMissing: "HS-056", ACCEPT,
        "The client does not check t'.";
    ClientFreshnessPastOnly: "HS-056", ACCEPT,
        "The client accepts any t' of the future.";
    ClientFreshnessFutureOnly: "HS-056", ACCEPT,
        "The client accepts any t' of the past.";
    ClientFreshnessWraps: "HS-056 CONV-002", ACCEPT,
        "The client subtracts times with wrapping arithmetic.";
    ClientFreshnessUnsigned: "HS-056 CONV-002", REJECT,
        "The client takes the difference of times for unsigned.";
    ClientFreshnessInDoubles: "HS-056 CONV-002", ACCEPT,
        "The client compares times as floating-point numbers.";
    ClientTenSecondsRefused: "HS-056", REJECT,
        "The client refuses a t' of exactly 10 seconds' difference.";
    ClientElevenSecondsAccepted: "HS-056", ACCEPT,
        "The client accepts a t' of 11 seconds' difference.";
    NonceNotCompared: "HS-057", ACCEPT,
        "The client does not compare the nonce.";
    NonceStartCompared: "HS-057", ACCEPT,
        "The client compares only r.";
    NonceEndCompared: "HS-057", ACCEPT,
        "The client compares only what follows r.";
    ServerPasswordNotCompared: "HS-058", ACCEPT,
        "The client does not compare the server password.";
    ServerPasswordStartCompared: "HS-058", ACCEPT,
        "The client compares only the first half of the digest.";
    ClientChecksNonceBeforeTime: "HS-056", CLASS,
        "The client checks the nonce before the time.";
    ClientChecksPasswordFirst: "HS-056", CLASS,
        "The client checks the password before the time.";
    ClientChecksPasswordBeforeNonce: "HS-057", CLASS,
        "The client checks the password before the nonce.";
    ReplyLengthUnchecked: "HS-052", CLASS,
        "The client leaves the length of M3 to decryption.";
    M1DeadlineMissing: "HS-060 HS-064", ACCEPT,
        "The client waits for M1 for ever.";
    M3DeadlineMissing: "HS-061 HS-064", ACCEPT,
        "The client accepts a late M3.";
    M3DeadlineFromConnecting: "HS-061", REJECT,
        "The client counts the time for M3 from when it connected.";
    ClientDeadlineWhileMakingKey: "HS-061", REJECT,
        "The client gives up while it makes its own RSA key.";
    ClientDeadlineInclusive: "HS-063", ACCEPT,
        "The client accepts what arrives exactly at a deadline.";
    ClientDeadlineOnlyOnMessages: "HS-060 HS-061", ACCEPT,
        "The client looks at its deadlines only when a message arrives.";
    ClientQueuesMessages: "HS-070", ACCEPT,
        "The client keeps a message that arrives while it makes its RSA key.";
    PinIgnored: "HS-020", ACCEPT,
        "The client ignores its pin.";
    PinStartCompared: "HS-020", ACCEPT,
        "The client compares only the first 8 octets of its pin.";
    PinCheckedAfterParsing: "HS-021", CLASS,
        "The client parses M1 before it checks the pin.";
    RequestTimeInMilliseconds: "HS-024", OUTPUT,
        "The client writes its time in milliseconds.";
    M2CiphertextFirst: "HS-023", OUTPUT,
        "The client sends C1 before its SPKI.";
    OpenRecordNotSent: "HS-059 CHAN-023", OUTPUT,
        "The client does not send its open record.";
    // The server.
    ServerFreshnessMissing: "HS-045", ACCEPT,
        "The server does not check t.";
    ServerFreshnessPastOnly: "HS-045", ACCEPT,
        "The server accepts any t of the future.";
    ServerFreshnessFutureOnly: "HS-045", ACCEPT,
        "The server accepts any t of the past.";
    ServerFreshnessWraps: "HS-045 CONV-002", ACCEPT,
        "The server subtracts times with wrapping arithmetic.";
    ServerFreshnessUnsigned: "HS-045 CONV-002", REJECT,
        "The server takes the difference of times for unsigned.";
    ServerFreshnessTraps: "CONV-002 CONV-008", CRASH,
        "The server crashes on a t of the future.";
    ServerFreshnessInDoubles: "HS-045 CONV-002", ACCEPT,
        "The server compares times as floating-point numbers.";
    ServerTenSecondsAccepted: "HS-045", ACCEPT,
        "The server accepts a t of exactly 10 seconds' difference.";
    ServerNineSecondsRefused: "HS-045", REJECT,
        "The server refuses a t of 9 seconds' difference.";
    TimeBeforePassword: "HS-046", CLASS,
        "The server checks the time before the password.";
    ClientPasswordNotCompared: "HS-042", ACCEPT,
        "The server does not compare the client password.";
    ClientPasswordStartCompared: "HS-042", ACCEPT,
        "The server compares only the first 8 digits of the digest.";
    M2LengthUnchecked: "HS-028", CLASS,
        "The server does not check the length of M2.";
    M2SplitFromTheFront: "HS-029", CLASS,
        "The server splits M2 where the SPKI ends, not where C1 begins.";
    M2SplitAt607: "HS-029 HS-004", REJECT,
        "The server splits M2 at a fixed place.";
    C1DecryptedBeforeKeyCheck: "HS-031", CLASS,
        "The server decrypts C1 before it checks the client's RSA key.";
    LookUpBeforeForm: "HS-037", OUTPUT,
        "The server looks up the id of a malformed P1.";
    LookUpBeforeBinding: "HS-037", OUTPUT,
        "The server looks up the id before it checks the binding.";
    LookUpFailureIsUnknown: "HS-039", CLASS,
        "The server takes a failed look-up for an unknown id.";
    MalformedServerKeyIsUnknown: "HS-040", CLASS,
        "The server takes a malformed serverKey for an unknown id.";
    UnknownIdAnswered: "HS-043 HS-044", ACCEPT,
        "The server answers an unknown id from the dummy serverKey.";
    UnknownIdIsWrongPassword: "HS-043", CLASS,
        "The server reports an unknown id as a wrong password.";
    WrongPasswordIsUnknown: "HS-042", CLASS,
        "The server reports a wrong password as an unknown id.";
    ReplyWithNonceOfItsOwn: "HS-048", OUTPUT,
        "The server puts another nonce into P3.";
    ReplyTimeIsTheClients: "HS-050", OUTPUT,
        "The server sends back t in place of its clock.";
    EstablishedWithoutOpenRecord: "HS-065 HS-066", OUTPUT,
        "The server counts as established once M3 is sent.";
    ServerQueuesMessages: "HS-070", ACCEPT,
        "The server keeps a message that arrives during the look-up.";
    ServerDeadlineMissing: "HS-062 HS-064", ACCEPT,
        "The server waits for ever.";
    ServerDeadlineFromM2: "HS-062", ACCEPT,
        "The server counts its time from M2.";
    ServerDeadlineInclusive: "HS-063", ACCEPT,
        "The server accepts what arrives exactly at its deadline.";
    ServerDeadlineOnlyOnMessages: "HS-062", ACCEPT,
        "The server looks at its deadline only when a message arrives.";
    ServerDeadlineNotForLookUps: "HS-062 HS-064", ACCEPT,
        "The server sends M3 after a look-up that ended after the deadline.";
    ReleaseDelayMissing: "OBS-005", OUTPUT,
        "The server releases failures at once.";
    ReleaseDelayOnlyAfterLookUp: "OBS-005", OUTPUT,
        "The server releases failures before the look-up at once.";
    SlowLookUpAccepted: "OBS-007", ACCEPT,
        "The server accepts the answer of a look-up that outlasted the delay.";
    DelayEndOnlyOnAnswers: "OBS-007", ACCEPT,
        "The server goes on after the delay as long as the look-up gives no answer.";
    LookUpAsTheDelayEndsAccepted: "OBS-007", ACCEPT,
        "The server accepts the answer of a look-up that comes as the delay ends.";
    ShortPlaintextTraps: "HS-033 HS-054 CONV-008", CRASH,
        "Crashes on a P1 or P3 that is too short.";
    ClientDeadlineOneEarly: "HS-060 HS-061", REJECT,
        "The client gives up one millisecond early.";
    ServerDeadlineOneEarly: "HS-062", REJECT,
        "The server gives up one millisecond early.";
    RequestReadFromTheRight: "HS-033", ACCEPT,
        "Reads P1 from the right and ignores the length of the id.";
    M1NotSentAtOnce: "HS-018", OUTPUT,
        "The server waits for the client before it sends M1.";
    RequestIdLengthOf16Bits: "HS-024 HS-033", ACCEPT,
        "Also takes a length of the id in two octets.";
}
