//! The list of bugs that the model can have. What each is and what it breaks says `mutants`.

macro_rules! bugs {
    ($($name:ident)*) => {
        /// One bug of the model.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)] // the tables in `mutants` describe each
        pub enum Bug { $($name),* }

        impl Bug {
            /// Every bug.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

/// A set of bugs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BugSet([u64; 7]);

impl BugSet {
    /// Puts `bug` in.
    pub fn insert(&mut self, bug: Bug) {
        let index = bug as usize;
        self.0[index / 64] |= 1 << (index % 64);
    }

    /// Whether `bug` is in it.
    #[must_use]
    pub fn contains(self, bug: Bug) -> bool {
        let index = bug as usize;
        self.0[index / 64] >> (index % 64) & 1 == 1
    }
}

const _: () = assert!(Bug::ALL.len() <= 64 * 7, "a set holds 448 bugs");

bugs! {
    // Text
    Utf8OverlongAccepted Utf8SurrogateAccepted Utf8AboveMaximumAccepted IdReplacementCharacter
    IdTrimmed IdByteOrderMarkRemoved IdNormalised IdCaseFolded
    // Credentials
    MakeIdUnchecked MakePasswordsUnchecked ClientKeyDigestFirst ServerKeyDigestFirst
    IdLengthInCharacters IdLimit254 IdLimit256 IdEmptyAccepted IdUtf8Unchecked IdControlsAccepted
    IdDeleteAccepted IdC1ControlsAccepted IdSpaceRefused IdFormatCharactersRefused IdAsciiOnly
    IdUnassignedRefused ClientKeyLineEndTrimmed ClientKeyReadFromTheLeft ClientKeyPasswordUnchecked
    ClientKeyDigestUnchecked ServerKeyTailIgnored ServerKeyTrimmed ServerKeyDigitsUnchecked
    ServerKeyReadFromTheRight ShortKeyTraps IdOfTwoOctetsRefused IdPunctuationRefused
    // Digests
    Base62IsBase64Url ServerDigestUnderClientLabel ClientSecretWithoutSalt
    ClientSecretWithoutIdLength ClientSecretHalvesSwapped X25519NotClamped
    ClientDigestOfSecretItself ClientDigestOfPassword ClientDigestWithoutKey
    ClientDigestUnderServerLabel DigestWithoutSeparator DigestWithoutIdLength DigestWithoutId
    DigestLittleEndian DigestOfHalfTheHash Base62LowerCaseFirst DigestLeastDigitFirst
    DigestNotPadded Base62LastDigitsRefused Base62FirstDigitsRefused
    // DER
    SpkiLongLengthAccepted SpkiIndefiniteLengthAccepted SpkiTagsIgnored SpkiReadAtFixedPlaces
    // RSA public keys
    SpkiPkcs1Accepted SpkiUnusedBitsIgnored SpkiTailOfKeyAccepted SpkiTailOfSequenceAccepted
    SpkiTrailingOctetsAccepted SpkiAlgorithmIgnored SpkiParametersIgnored SpkiMissingNullAccepted
    SpkiNegativeIsUnsigned SpkiPaddedIntegerAccepted ModulusLowerBoundMissing Modulus4424Accepted
    ModulusUpperBoundMissing Modulus8193Accepted Modulus8192Refused ModulusOnly4552Accepted
    ModulusOnlyWholeOctetsAccepted ModulusEvenAccepted ExponentIgnored AnyExponentAccepted
    ModulusOnlyMultiplesOf128Accepted SpkiFaultTraps
    // OAEP
    OaepSha256 OaepMaskSha256 StrippedCiphertextAccepted PaddedCiphertextAccepted
    CiphertextRangeIsMalformed CiphertextReduced OaepSha256AlsoAccepted Pkcs1AlsoAccepted
    DecryptFailureIsMalformed OaepFirstOctetIgnored OaepLabelIgnored OaepPaddingSearched
    OaepSeparatorIgnored
    // Nonce and plaintexts
    NonceWithoutLabel NonceWithoutSeparator NonceWithoutServerKey NonceWithoutClientKey
    NonceKeysSwapped NonceOfKeysNotHashed NonceBindingWithoutRandom NonceOfLastHalf
    RequestIdLengthSigned RequestTrailingOctetsAccepted RequestIdUnchecked RequestPasswordUnchecked
    ReplyKeyFirst ReplyTrailingOctetsAccepted ReplyPasswordUnchecked TimeLittleEndian TimeOf32Bits
    ShortPlaintextTraps RequestIdLengthOf16Bits RequestReadFromTheRight
    // The client of the handshake
    ErrorMessageSent ClientFreshnessMissing ClientFreshnessPastOnly ClientFreshnessFutureOnly
    ClientFreshnessWraps ClientFreshnessUnsigned ClientFreshnessInDoubles ClientTenSecondsRefused
    ClientElevenSecondsAccepted NonceNotCompared NonceStartCompared NonceEndCompared
    ServerPasswordNotCompared ServerPasswordStartCompared EndIgnored M1DeadlineMissing
    M3DeadlineMissing M3DeadlineFromConnecting ClientDeadlineWhileMakingKey ClientDeadlineInclusive
    ClientDeadlineOnlyOnMessages ClientQueuesMessages PinCheckedAfterParsing PinIgnored
    PinStartCompared RequestTimeInMilliseconds M2CiphertextFirst ReplyLengthUnchecked
    ClientChecksNonceBeforeTime ClientChecksPasswordFirst ClientChecksPasswordBeforeNonce
    OpenRecordNotSent ClientDeadlineOneEarly
    // The server of the handshake
    ServerFreshnessMissing ServerFreshnessPastOnly ServerFreshnessFutureOnly ServerFreshnessWraps
    ServerFreshnessUnsigned ServerFreshnessTraps ServerFreshnessInDoubles ServerTenSecondsAccepted
    ServerNineSecondsRefused ClientPasswordNotCompared ClientPasswordStartCompared
    ServerDeadlineMissing ServerDeadlineFromM2 ServerDeadlineInclusive ServerDeadlineOnlyOnMessages
    ServerDeadlineNotForLookUps ServerQueuesMessages M2LengthUnchecked M2SplitFromTheFront
    M2SplitAt607 C1DecryptedBeforeKeyCheck ReleaseDelayOnlyAfterLookUp LookUpBeforeForm
    LookUpBeforeBinding NonceBindingUnchecked NonceBindingStartCompared SlowLookUpAccepted DelayEndOnlyOnAnswers
    LookUpFailureIsUnknown MalformedServerKeyIsUnknown TimeBeforePassword WrongPasswordIsUnknown
    UnknownIdAnswered UnknownIdIsWrongPassword ReplyWithNonceOfItsOwn ReplyTimeIsTheClients
    EstablishedWithoutOpenRecord ReleaseDelayMissing LookUpAsTheDelayEndsAccepted
    ServerDeadlineOneEarly M1NotSentAtOnce
    // Keys and records
    TranscriptWithoutLengths TranscriptLengthsLittleEndian TranscriptWithoutM1 TranscriptWithoutM2
    TranscriptWithoutM3 BindingIgnored BindingWithoutLength SaltAndSecretSwapped DirectionLabelsSwapped OneChainForBothDirections
    ExporterKeyIsPrk IvBeforeKey NextChainByExtract NextChainIsKey NumberOf32Bits
    NumberRestartsWithGeneration NumberLittleEndian NumberReplacesIv NumberAtTheFront
    NumberIsAdditionalData TypeAfterPayload TagUnchecked TagStartCompared
    RecordOneOctetTooLongAccepted LongestRecordRefused RecordWithoutTypeAccepted
    PayloadOneOctetTooLongAccepted LongestPayloadRefused UnknownTypeIsData MissingOpenAccepted
    OpenAcceptedAnywhere OpenAcceptedFromServer PlaceCheckedBeforePayload EmptyDataRefused
    ClosePayloadAccepted OpenPayloadAccepted ExporterLabel256Accepted ExporterLabel255Refused
    ExporterLongestRefused ExporterOfNothingAccepted ExporterCutsShort ExporterWithoutLabelLength
    ExporterContextNotHashed ShortRecordTraps PayloadLengthUnchecked ExporterLabelLengthUnchecked
    // The life of a channel
    NumbersStartAgain GenerationOneRecordLong GenerationOneRecordShort GenerationsIgnored
    OpenRecordIsData TransportFailureIgnored PayloadTooLongKills SealingExhaustedKills
    SendingAfterCloseKills SendingTooEarlyKills SealedBeforeEstablished SealedAfterOwnClose
    PayloadTooLongUsesNumber LastNumberNotUsed FailedRecordSurvived OtherDirectionSurvives
    RecordsAfterCloseAccepted LengthCheckedBeforeClose NothingReceivedAfterOwnClose CloseIgnored
    RepeatedRecordAccepted LostRecordTolerated ReflectedRecordAccepted ExportAfterDeath
    ExportBeforeEstablished ExportErrorKills EveryEndIsClean OwnCloseMakesEndClean
    BothClosesNeededForCleanEnd FailureAfterCloseIsClean
    SendFailureMakesEndTruncated TruncatedEndSurvived PayloadLengthCheckedFirst
    ExportLengthCheckedFirst OneCounterForBothDirections
    // Framing
    TextMessageAccepted WebSocketLengthUnchecked EmptyMessageSkipped EncodeLimitNeverRaised
    EncodeLimitMissing LengthCountsItself LengthLittleEndian ReadTakenForMessage LimitOfTheRead
    TooLongNoticedAtTheEnd ZeroLengthSkipped ZeroLengthAccepted EndWithinLengthIgnored
    EndWithinMessageIgnored LengthOfThreeOctets LengthSigned LimitNeverRaised LimitAlwaysRaised
    LimitRaisedOneMessageEarly LimitRaisedOneMessageLate ChannelLimitOneHigh ChannelLimitOneLow
    HandshakeLimitOneHigh HandshakeLimitOneLow EmptyMessageEncoded
    WebSocketTakenForStream EmptyStreamRefused
    // Ed25519
    ShortSignatureTraps SNotChecked OnlyTopBitsOfSChecked NonCanonicalKeyAccepted KeyOffCurveTraps
    SmallOrderKeyAccepted MixedOrderKeyRefused HashNotReduced HashNegatedNotKey
    SmallOrderRAccepted RComparedAsPoint
    CofactoredEquation SmallOrderListIncomplete KeyComparedByItsEnds
    // Tokens
    PointCheckedAtChallenge ChallengeDependsOnServerId ClientSignsAnything ClientIgnoresLength
    ClientChecksOnlyLength ClientIgnoresType ClientIgnoresKey ServerIdAfterChallenge
    ClockCheckedFirst ClientSignatureIgnored ServerSignatureIgnored IssueTypeIgnored IssueKeyIgnored
    IssueFutureIgnored IssueWithTokenLifetime ExpiredIs400 IssueExpiredFirst IssueFutureFirst
    IssueKeyBeforeType TokenWithTimeOfChallenge TokenWithTypeOfChallenge VerifyWithChallengeLifetime
    TokenSignatureIgnored VerifyAnswers400 VerifyTypeIgnored VerifyFutureIgnored VerifyTypeFirst
    VerifyFutureBeforeType VerifyChecksPoint ChallengeLifetimeOneHour KeyHalvesUnchecked
    ServerIdReplacementCharacter ServerIdTrimmed LifetimeZeroIsDefault LifetimeUnlimited
    ClockUnlimited PublicKeyCutOrPadded TimeRounded TimeZeroWritten TimeTruncated
    BodyTimeLittleEndian BodyTailIgnored BodyTimeZeroAccepted ServerIdNotRemoved
    ServerIdRemovedByLength LastOctetsTakenForChallenge ServerIdRequired ServerIdRemovedRepeatedly
    TimeSigned LifetimeExclusive LifetimeInSeconds AgeInSeconds ExpiryOf32Bits FutureInclusive
    FutureTolerated ShortBodyTraps SignatureAfterMessage IssueKeyStartCompared
    ClientComparesStartOfKey ServerIdCaseIgnored LastSecondRefused
    // Mutual TLS
    MissingPurposeAccepted AnchorValidityIgnored CrlMissingAccepted CrlStaleAccepted CrlsIgnored
    NoCrlsIsNoRevocation FirstCrlOnly IntermediatesIgnored FirstIntermediateOnly LeafIsLast
    PeersLastCertificateTrusted ExpiryOneSecondLate BeginOneSecondEarly
    LastSecondOfCertificateRefused FirstSecondOfCertificateRefused NameNotCompared
    CommonNameIsServerName NameCaseMatters WildcardCoversSeveralLabels WildcardCoversBareDomain
    FinalDotIgnored CommonNameBeforeUri CommonNameNotRead SchemeCaseMatters PercentNotDecoded
    DenyListIgnored AllowListWins AllowListIgnored EmptyAllowListIsNone FingerprintsIgnored
    ListsIgnoreCase ListsComparePrefixes ContextCaseMatters ContextWildcardFirst
    ContextWildcardCoversSeveralLabels ContextWildcardCoversBareDomain FirstContextIsDefault
}
