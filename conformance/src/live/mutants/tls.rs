//! Endpoints with TLS: chapter 7.
//!
//! Of the model's bugs of that chapter those are here that a peer can show. A second more or less of a validity is not one of
//! them: nobody but a vector sets the clock.

use super::{Bug, Flaw, Mutant, Role, bug, flaw};

/// Servers.
pub const SERVER: &[Mutant] = table! {
    &[Role::Server], tls = true;
    "tls12-accepted": None, flaw(Flaw::Tls12Allowed), "TLS-002",
        "Speaks TLS 1.2 without the policy.";
    "alpn-not-required": None, flaw(Flaw::AlpnNotRequired), "TLS-013",
        "Serves clients that do not use ALPN.";
    "any-alpn-selected": None, flaw(Flaw::AnyAlpn), "TLS-013",
        "Selects whatever protocol a client offers.";
    "sni-ignored": None, flaw(Flaw::SniIgnored), "TLS-018 TLS-019 TLS-020",
        "Uses the default context for every name.";
    "early-data-accepted": None, flaw(Flaw::EarlyDataAccepted), "TLS-006",
        "Accepts early data.";
    "certificate-not-required": None, flaw(Flaw::CertificateNotRequired), "TLS-023",
        "Serves clients without a certificate where one is required.";
    "certificate-wanted": None, flaw(Flaw::CertificateWanted), "TLS-024",
        "Refuses clients without a certificate where it only asks for one.";
    "asked-is-required": None, flaw(Flaw::AskedIsRequired), "TLS-025",
        "Refuses certificates that it does not accept where it only asks for one.";
    "any-client-certificate": None, flaw(Flaw::AnyCertificate), "TLS-033 TLS-030 TLS-079",
        "Accepts every certificate of a client.";
    "reason-untold": None, flaw(Flaw::ReasonUntold), "TLS-027",
        "Does not say why a client is not authorized.";
    "alert-tells-reason": None, flaw(Flaw::AlertTellsReason), "TLS-026",
        "Sends another alert for each fault of a certificate.";
    "any-id-always": None, flaw(Flaw::AnyId), "TLS-067",
        "Does not compare the tunnel's id with the certificate.";
    "indicated-name-untold": None, flaw(Flaw::ServerNameUntold), "TLS-028",
        "Does not tell the indicated name.";
    "lists-not-reread": None, flaw(Flaw::ListsNotReread), "TLS-076 TLS-077",
        "Does not notice that a list has changed.";
    "crls-not-reread": None, flaw(Flaw::CrlsNotReread), "TLS-076 TLS-077",
        "Does not notice that a CRL has changed.";
    "open-connections-kept": None, flaw(Flaw::OpenConnectionsKept), "TLS-077",
        "Leaves open connections alone when a list or a CRL changes.";
    "asked-connections-kept": None, flaw(Flaw::AskedConnectionsKept), "TLS-077",
        "Leaves open connections alone when a list changes, if certificates are only asked for.";
    "resumed-anywhere": None, flaw(Flaw::ResumedAnywhere), "TLS-081",
        "Resumes a session under another name.";
    "common-name-before-uri": bug(Bug::CommonNameBeforeUri), None, "TLS-061",
        "Reads the commonName although there is a URI.";
    "common-name-not-read": bug(Bug::CommonNameNotRead), None, "TLS-062",
        "Expects a URI in every client's certificate.";
    "scheme-case-matters": bug(Bug::SchemeCaseMatters), None, "TLS-061",
        "Compares the scheme of a URI octet for octet.";
    "percent-not-decoded": bug(Bug::PercentNotDecoded), None, "TLS-061",
        "Leaves the percent signs of a URI as they are.";
    "deny-list-ignored": bug(Bug::DenyListIgnored), None, "TLS-073 TLS-076 TLS-077 TLS-079",
        "Does not look at the deny list.";
    "allow-list-wins": bug(Bug::AllowListWins), None, "TLS-073",
        "Lets a client in who is on both lists.";
    "allow-list-ignored": bug(Bug::AllowListIgnored), None, "TLS-074 TLS-076 TLS-077",
        "Does not look at the allow list.";
    "empty-allow-list-is-none": bug(Bug::EmptyAllowListIsNone), None, "TLS-074",
        "Takes an empty allow list for none.";
    "fingerprints-ignored": bug(Bug::FingerprintsIgnored), None, "TLS-073 TLS-074",
        "Reads the identities of a list alone.";
    "lists-ignore-case": bug(Bug::ListsIgnoreCase), None, "TLS-075",
        "Compares identities without regard to case.";
    "lists-compare-prefixes": bug(Bug::ListsComparePrefixes), None, "TLS-075",
        "Finds an identity whose beginning is on a list.";
    "context-case-matters": bug(Bug::ContextCaseMatters), None, "TLS-018",
        "Compares the names of contexts octet for octet.";
    "context-wildcard-first": bug(Bug::ContextWildcardFirst), None, "TLS-018 TLS-019",
        "Prefers a wildcard context to one of the very name.";
    "context-wildcard-covers-several-labels":
        bug(Bug::ContextWildcardCoversSeveralLabels), None, "TLS-019",
        "Lets a wildcard context stand for several labels.";
    "context-wildcard-covers-bare-domain":
        bug(Bug::ContextWildcardCoversBareDomain), None, "TLS-019",
        "Lets a wildcard context serve the domain below which it stands.";
    "first-context-is-default": bug(Bug::FirstContextIsDefault), None, "TLS-020",
        "Takes the first context where there is no default.";
};

/// Clients.
pub const CLIENT: &[Mutant] = table! {
    &[Role::Client], tls = true;
    "tls12-offered": None, flaw(Flaw::Tls12Allowed), "TLS-002",
        "Offers TLS 1.2 without the policy.";
    "falls-back": None, flaw(Flaw::FallsBack), "TLS-002",
        "Dials again with TLS 1.2 when the handshake fails.";
    "early-data-sent": None, flaw(Flaw::EarlyDataSent), "TLS-006",
        "Sends early data when it resumes a session that allows it.";
    "http-offered-too": None, flaw(Flaw::OffersHttp), "TLS-012",
        "Offers http/1.1 beside the tunnel's protocol.";
    "alpn-unchecked": None, flaw(Flaw::AlpnUnchecked), "TLS-014",
        "Does not look at what ALPN has selected.";
    "no-sni": None, flaw(Flaw::NoSni), "TLS-016",
        "Indicates no name.";
    "sni-for-address": None, flaw(Flaw::SniForAddress), "TLS-017",
        "Indicates a name although it checks an address.";
    "any-server-certificate": None, flaw(Flaw::AnyCertificate), "TLS-021 TLS-033 TLS-053",
        "Accepts every certificate of a server.";
    "sessions-of-any-name": None, flaw(Flaw::SessionsOfAnyName), "TLS-080 TLS-081",
        "Offers the sessions of one name to the servers of others.";
    "name-not-compared": bug(Bug::NameNotCompared), None, "TLS-053",
        "Does not compare the server's name.";
    "common-name-is-server-name": bug(Bug::CommonNameIsServerName), None, "TLS-054",
        "Compares the server's name with the commonName as well.";
    "name-case-matters": bug(Bug::NameCaseMatters), None, "TLS-055",
        "Compares the server's name octet for octet.";
    "wildcard-covers-several-labels": bug(Bug::WildcardCoversSeveralLabels), None, "TLS-056",
        "Lets a wildcard stand for two labels.";
    "wildcard-covers-bare-domain": bug(Bug::WildcardCoversBareDomain), None, "TLS-056",
        "Lets a wildcard match the domain below which it stands.";
    "final-dot-ignored": bug(Bug::FinalDotIgnored), None, "TLS-060",
        "Cuts the final dot from the name to compare with.";
};

/// Servers and clients.
pub const EITHER: &[Mutant] = table! {
    &[Role::Server, Role::Client], tls = true;
    "ems-not-required": None, flaw(Flaw::EmsNotRequired), "TLS-003",
        "Speaks TLS 1.2 without the extended master secret.";
    "possession-unchecked": None, flaw(Flaw::PossessionUnchecked), "TLS-021 TLS-023 TLS-025",
        "Does not check that the peer has the key of its certificate.";
    "everybody-authorized": None, flaw(Flaw::EverybodyAuthorized), "TLS-027 TLS-025",
        "Says of every peer that it is authorized.";
    "handshake-misnamed": None, flaw(Flaw::HandshakeMisnamed), "TLS-011",
        "Reports failures of TLS as those of a certificate.";
    "tunnel-deadline-early": None, flaw(Flaw::TunnelDeadlineEarly), "TLS-007",
        "Counts the handshake of TLS among the time for the tunnel's.";
    "tls-deadline-missing": None, flaw(Flaw::TlsDeadlineMissing), "TLS-007",
        "Waits for the handshake of TLS without end.";
    "tls-deadline-restarts": None, flaw(Flaw::TlsDeadlineRestarts), "TLS-007",
        "Starts the deadline of TLS again with every octet.";
    "policies-ignored": None, flaw(Flaw::PoliciesIgnored), "TLS-045 TLS-039 TLS-070 TLS-071 TLS-067",
        "Ignores policies that change what it accepts.";
    "fingerprint-of-issuer": None, flaw(Flaw::FingerprintOfIssuer), "TLS-029",
        "Tells of the last certificate that the peer sends, not of its own.";
    "alpn-untold": None, flaw(Flaw::AlpnUntold), "TLS-028",
        "Does not tell which protocol was selected.";
    "open-before-admission": None, flaw(Flaw::OpenBeforeAdmission), "TLS-013 TLS-021 TLS-023 TLS-033",
        "Reports peers that it refuses as open.";
    "resumption-unchecked": None, flaw(Flaw::ResumptionUnchecked), "TLS-079 TLS-080",
        "Does not look at the certificate of a session that is resumed.";
    "no-close-notify": None, flaw(Flaw::NoCloseNotify), "TLS-009",
        "Ends the transport without close_notify.";
    "truncation-clean": None, flaw(Flaw::TruncationClean), "TLS-010",
        "Takes every end of the transport for a clean one.";
    "exporter-ignored": None, flaw(Flaw::ExporterIgnored), "TLS-083 TLS-082",
        "Does not bind the tunnel to TLS.";
    "exporter-label-wrong": None, flaw(Flaw::ExporterLabelWrong), "TLS-082",
        "Binds the tunnel with another label.";
    "missing-purpose-accepted": bug(Bug::MissingPurposeAccepted), None, "TLS-044",
        "Takes a certificate without extendedKeyUsage for one of any purpose.";
    "anchor-validity-ignored": bug(Bug::AnchorValidityIgnored), None, "TLS-039",
        "Does not look at the validity of anchors.";
    "crl-missing-accepted": bug(Bug::CrlMissingAccepted), None, "TLS-070",
        "Accepts certificates of issuers without a CRL.";
    "crl-stale-accepted": bug(Bug::CrlStaleAccepted), None, "TLS-071",
        "Uses CRLs outside their times.";
    "crls-ignored": bug(Bug::CrlsIgnored), None, "TLS-068",
        "Does not look at CRLs.";
    "no-crls-is-no-revocation": bug(Bug::NoCrlsIsNoRevocation), None, "TLS-070",
        "Takes an empty list of CRLs for none configured.";
    "first-crl-only": bug(Bug::FirstCrlOnly), None, "TLS-071 TLS-068",
        "Looks into the first CRL alone.";
    "intermediates-ignored": bug(Bug::IntermediatesIgnored), None, "TLS-033 TLS-032",
        "Looks at the first certificate alone.";
    "first-intermediate-only": bug(Bug::FirstIntermediateOnly), None, "TLS-032 TLS-035",
        "Expects the issuer right behind the leaf, and no further certificate.";
    "leaf-is-last": bug(Bug::LeafIsLast), None, "TLS-031 TLS-032",
        "Takes the last certificate for the leaf.";
    "peers-last-certificate-trusted": bug(Bug::PeersLastCertificateTrusted), None, "TLS-030",
        "Trusts the last certificate that the peer sends.";
};
