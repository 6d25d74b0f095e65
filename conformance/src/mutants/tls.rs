//! Bugs of mutual TLS: chapter 7 of the specification.

use super::*;

table! {
    MissingPurposeAccepted: "TLS-044", ACCEPT,
        "Takes a certificate without extendedKeyUsage for one of any purpose.";
    AnchorValidityIgnored: "TLS-039", ACCEPT,
        "Does not look at the validity of anchors.";
    CrlMissingAccepted: "TLS-070", ACCEPT,
        "Accepts certificates of issuers without a CRL.";
    CrlStaleAccepted: "TLS-071", ACCEPT,
        "Uses CRLs outside their times.";
    CrlsIgnored: "TLS-068", ACCEPT,
        "Does not look at CRLs.";
    NoCrlsIsNoRevocation: "TLS-070", ACCEPT,
        "Takes an empty list of CRLs for none configured.";
    FirstCrlOnly: "TLS-071 TLS-068", ACCEPT_OR_REJECT,
        "Looks into the first CRL alone.";
    IntermediatesIgnored: "TLS-033 TLS-032", REJECT,
        "Looks at the first certificate alone.";
    FirstIntermediateOnly: "TLS-032 TLS-035", REJECT,
        "Expects the issuer right behind the leaf, and no further certificate.";
    LeafIsLast: "TLS-031", REJECT,
        "Takes the last certificate for the leaf.";
    PeersLastCertificateTrusted: "TLS-030", ACCEPT,
        "Trusts the last certificate that the peer sends.";
    ExpiryOneSecondLate: "TLS-037", ACCEPT,
        "Accepts a certificate one second longer.";
    BeginOneSecondEarly: "TLS-037", ACCEPT,
        "Accepts a certificate one second before its time.";
    LastSecondOfCertificateRefused: "TLS-038", REJECT,
        "Refuses a certificate in the second of its notAfter.";
    FirstSecondOfCertificateRefused: "TLS-038", REJECT,
        "Refuses a certificate in the second of its notBefore.";
    NameNotCompared: "TLS-053", ACCEPT,
        "Does not compare the server's name.";
    CommonNameIsServerName: "TLS-054", ACCEPT,
        "Compares the server's name with the commonName as well.";
    NameCaseMatters: "TLS-055", REJECT,
        "Compares the server's name octet for octet.";
    WildcardCoversSeveralLabels: "TLS-056", ACCEPT,
        "Lets a wildcard stand for two labels.";
    WildcardCoversBareDomain: "TLS-056", ACCEPT,
        "Lets a wildcard match the domain below which it stands.";
    FinalDotIgnored: "TLS-060", ACCEPT,
        "Cuts the final dot from the name to compare with.";
    CommonNameBeforeUri: "TLS-061", OUTPUT,
        "Reads the commonName although there is a URI.";
    CommonNameNotRead: "TLS-062", REJECT,
        "Expects a URI in every client's certificate.";
    SchemeCaseMatters: "TLS-061", REJECT,
        "Compares the scheme of a URI octet for octet.";
    PercentNotDecoded: "TLS-061", OUTPUT,
        "Leaves the percent signs of a URI as they are.";
    DenyListIgnored: "TLS-073", ACCEPT,
        "Does not look at the deny list.";
    AllowListWins: "TLS-073", ACCEPT,
        "Lets a client in who is on both lists.";
    AllowListIgnored: "TLS-074", ACCEPT,
        "Does not look at the allow list.";
    EmptyAllowListIsNone: "TLS-074", ACCEPT,
        "Takes an empty allow list for none.";
    FingerprintsIgnored: "TLS-073 TLS-074", ACCEPT_OR_REJECT,
        "Reads the identities of a list alone.";
    ListsIgnoreCase: "TLS-075", ACCEPT,
        "Compares identities without regard to case.";
    ListsComparePrefixes: "TLS-075", ACCEPT,
        "Finds an identity whose beginning is on a list.";
    ContextCaseMatters: "TLS-018", ACCEPT_REJECT_OUTPUT,
        "Compares the names of contexts octet for octet.";
    ContextWildcardFirst: "TLS-018 TLS-019", OUTPUT,
        "Prefers a wildcard context to one of the very name.";
    ContextWildcardCoversSeveralLabels: "TLS-019", ACCEPT_OR_OUTPUT,
        "Lets a wildcard context stand for several labels.";
    ContextWildcardCoversBareDomain: "TLS-019", ACCEPT_OR_OUTPUT,
        "Lets a wildcard context serve the domain below which it stands.";
    FirstContextIsDefault: "TLS-020", ACCEPT,
        "Takes the first context where there is no default.";
}
