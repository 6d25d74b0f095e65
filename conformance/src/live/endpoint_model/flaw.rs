//! What can be wrong with a model endpoint beyond the bugs of the model itself.

/// One flaw of the code between the model and the socket, or between the model and its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the table in `live::mutants` describes each
pub enum Flaw {
    // Lines
    OpenReportedEarly,
    EndReportedTwice,
    FailureReportedClean,
    FailureSurvived,
    // The life of the process
    PoisonedByFailure,
    OneAtATime,
    FailureEndsAll,
    LookUpCached,
    SessionKeyReused,
    RandomReused,
    KeyPairReused,
    ClockBehind,
    DialsAgain,
    // What is sent
    ErrorSent,
    CloseSentOnFailure,
    CloseNotAnswered,
    TransportKeptAfterClose,
    EchoReordered,
    EmptyMessagesDropped,
    RequestSentTwice,
    SpeaksFirst,
    LastMessageLost,
    // How a connection ends
    ResetOnFailure,
    StatusForWrongPassword,
    LingersAfterFailure,
    // Deadlines
    DeadlineRestarts,
    // Framing
    TextAccepted,
    UnmaskedAccepted,
    PingEndsConnection,
    LimitNeverApplied,
    LimitAppliedLate,
    LongMessagesRefused,
    ReadTakenForMessage,
    RestOfReadDropped,
    ZeroLengthSkipped,
    EarlyEndIsEnd,
    // TLS: the handshake
    Tls12Allowed,
    EmsNotRequired,
    AlpnNotRequired,
    AnyAlpn,
    AlpnUnchecked,
    OffersHttp,
    SniIgnored,
    NoSni,
    SniForAddress,
    PossessionUnchecked,
    EarlyDataAccepted,
    EarlyDataSent,
    TlsDeadlineMissing,
    TlsDeadlineRestarts,
    TunnelDeadlineEarly,
    // TLS: who is let in
    CertificateNotRequired,
    CertificateWanted,
    AskedIsRequired,
    AnyCertificate,
    PoliciesIgnored,
    AlertTellsReason,
    AnyId,
    // TLS: what is told
    EverybodyAuthorized,
    ReasonUntold,
    FingerprintOfIssuer,
    AlpnUntold,
    ServerNameUntold,
    OpenBeforeAdmission,
    HandshakeMisnamed,
    // TLS: what changes, and what is resumed
    ListsNotReread,
    CrlsNotReread,
    OpenConnectionsKept,
    ResumptionUnchecked,
    ResumedAnywhere,
    SessionsOfAnyName,
    FallsBack,
    // TLS: the end, and the tunnel inside
    NoCloseNotify,
    TruncationClean,
    ExporterIgnored,
    ExporterLabelWrong,
}
