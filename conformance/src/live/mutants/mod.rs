//! Endpoints with one bug each, which the live checks have to catch.

use super::Role;
use super::endpoint_model::{Flaw, Wrong};
use crate::model::Bug;

/// The rows: `name: bugs, "rules that it breaks", "what it does";`
macro_rules! table {
    ($roles:expr, tls = $tls:literal; $($name:literal: $bug:expr, $flaw:expr, $breaks:literal, $about:literal;)*) => {
        &[$(Mutant {
            name: $name,
            roles: $roles,
            tls: $tls,
            bug: $bug,
            flaw: $flaw,
            breaks: $breaks,
            about: $about,
        }),*]
    };
}

mod tls;

/// An endpoint with one bug.
#[derive(Debug)]
pub struct Mutant {
    /// For `tunnelproof endpoint --mutant`.
    pub name: &'static str,
    roles: &'static [Role],
    /// Whether the cases of TLS are for it, and not those of the tunnel over bare transports.
    pub tls: bool,
    bug: Option<Bug>,
    flaw: Option<Flaw>,
    /// The ids of the rules that it breaks, with spaces between them; empty where it breaks the live protocol.
    pub breaks: &'static str,
    /// What it does wrong, in a sentence.
    pub about: &'static str,
}

impl Mutant {
    /// The roles in which it shows its bug.
    #[must_use]
    pub fn roles(&self) -> &'static [Role] {
        self.roles
    }

    /// Whether a case that tests these rules is meant for it; every case is where it breaks none.
    #[must_use]
    pub fn is_meant<'r>(&self, rules: impl IntoIterator<Item = &'r str>) -> bool {
        let breaks = |rule: &str| self.breaks.split_whitespace().any(|id| id == rule);
        self.breaks.is_empty() || rules.into_iter().any(breaks)
    }

    /// What is wrong with it.
    #[must_use]
    pub fn wrong(&self) -> Wrong {
        Wrong { bug: self.bug, flaw: self.flaw }
    }
}

/// All mutants, those with TLS last.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    SERVER.iter().chain(CLIENT).chain(EITHER).chain(with_tls())
}

/// Those with TLS.
fn with_tls() -> impl Iterator<Item = &'static Mutant> {
    tls::SERVER.iter().chain(tls::CLIENT).chain(tls::EITHER)
}

/// The mutant of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Mutant> {
    all().find(|mutant| mutant.name == name)
}

const fn bug(bug: Bug) -> Option<Bug> {
    Some(bug)
}

const fn flaw(flaw: Flaw) -> Option<Flaw> {
    Some(flaw)
}

/// Servers.
pub const SERVER: &[Mutant] = table! {
    &[Role::Server], tls = false;
    "open-reported-early": None, flaw(Flaw::OpenReportedEarly), "HS-065 HS-066",
        "Reports the id when M3 is sent, before the open record.";
    "established-without-open-record": bug(Bug::EstablishedWithoutOpenRecord), None, "HS-065 HS-066",
        "Counts as established when M3 is sent.";
    "one-at-a-time": None, flaw(Flaw::OneAtATime), "",
        "Serves the next connection when the one before is over.";
    "look-up-cached": None, flaw(Flaw::LookUpCached), "HS-038 HS-043",
        "Keeps what the look-up once found, also when the client is removed.";
    "session-key-reused": None, flaw(Flaw::SessionKeyReused), "HS-049",
        "Gives every connection the same K.";
    "echo-reordered": None, flaw(Flaw::EchoReordered), "CHAN-020",
        "Sends the third answer before the second.";
    "unmasked-accepted": None, flaw(Flaw::UnmaskedAccepted), "FRAME-001",
        "Accepts frames of a client that are not masked.";
    "server-deadline-missing": bug(Bug::ServerDeadlineMissing), None, "HS-062",
        "Waits for a client without end.";
    "client-password-not-compared": bug(Bug::ClientPasswordNotCompared), None, "HS-042",
        "Accepts any client password.";
    "server-freshness-missing": bug(Bug::ServerFreshnessMissing), None, "HS-045",
        "Accepts requests of any age.";
    "nonce-binding-unchecked": bug(Bug::NonceBindingUnchecked), None, "HS-036",
        "Does not check the binding of the nonce.";
    "unknown-id-answered": bug(Bug::UnknownIdAnswered), None, "HS-043",
        "Answers requests of ids that the look-up does not know.";
    "missing-open-accepted": bug(Bug::MissingOpenAccepted), None, "CHAN-024",
        "Takes any first record for the open record.";
    "m1-not-sent-at-once": bug(Bug::M1NotSentAtOnce), None, "HS-018",
        "Sends M1 when the client has sent something.";
};

/// Clients.
pub const CLIENT: &[Mutant] = table! {
    &[Role::Client], tls = false;
    "m1-deadline-missing": bug(Bug::M1DeadlineMissing), None, "HS-060",
        "Waits for M1 without end.";
    "m3-deadline-missing": bug(Bug::M3DeadlineMissing), None, "HS-061",
        "Waits for M3 without end.";
    "speaks-first": None, flaw(Flaw::SpeaksFirst), "HS-019",
        "Sends something before M1 has arrived.";
    "request-sent-twice": None, flaw(Flaw::RequestSentTwice), "HS-069",
        "Sends M2 twice.";
    "dials-again": None, flaw(Flaw::DialsAgain), "HS-072",
        "Dials again after a failure.";
    "key-pair-reused": None, flaw(Flaw::KeyPairReused), "HS-074",
        "Uses one RSA key pair for all connections.";
    "random-reused": None, flaw(Flaw::RandomReused), "HS-026",
        "Gives every request the same random octets.";
    "clock-behind": None, flaw(Flaw::ClockBehind), "HS-027",
        "Dates its request one minute back.";
    "pin-ignored": bug(Bug::PinIgnored), None, "HS-020",
        "Ignores the pin.";
    "server-password-not-compared": bug(Bug::ServerPasswordNotCompared), None, "HS-058",
        "Accepts any server password.";
    "nonce-not-compared": bug(Bug::NonceNotCompared), None, "HS-057",
        "Accepts a reply to another request.";
    "client-freshness-missing": bug(Bug::ClientFreshnessMissing), None, "HS-056",
        "Accepts replies of any age.";
    "client-freshness-past-only": bug(Bug::ClientFreshnessPastOnly), None, "HS-056",
        "Accepts replies from the future.";
    "reply-length-unchecked": bug(Bug::StrippedCiphertextAccepted), None, "HS-014 HS-052",
        "Accepts an M3 without its leading zero octet.";
    "pkcs1-accepted": bug(Bug::Pkcs1AlsoAccepted), None, "HS-012",
        "Accepts an M3 in the padding of PKCS #1 v1.5 too.";
    "open-record-not-sent": bug(Bug::OpenRecordNotSent), None, "CHAN-023 HS-059",
        "Does not send the open record.";
    "open-record-is-data": bug(Bug::OpenRecordIsData), None, "CHAN-023",
        "Sends an empty data record in place of the open record.";
    "any-exponent-accepted": bug(Bug::AnyExponentAccepted), None, "HS-008",
        "Accepts an M1 with any exponent.";
    "modulus-lower-bound-missing": bug(Bug::ModulusLowerBoundMissing), None, "HS-005",
        "Accepts an M1 with a short modulus.";
    "trailing-octets-of-m1-accepted": bug(Bug::SpkiTrailingOctetsAccepted), None, "HS-011",
        "Accepts octets after the SPKI.";
    "open-accepted-from-server": bug(Bug::OpenAcceptedFromServer), None, "CHAN-025",
        "Accepts an open record from the server.";
    "reflected-record-accepted": bug(Bug::ReflectedRecordAccepted), None, "CHAN-012 CHAN-021",
        "Accepts a record of its own.";
};

/// Servers and clients.
pub const EITHER: &[Mutant] = table! {
    &[Role::Server, Role::Client], tls = false;
    "end-reported-twice": None, flaw(Flaw::EndReportedTwice), "",
        "Reports every end twice.";
    "failure-reported-clean": None, flaw(Flaw::FailureReportedClean), "CHAN-038",
        "Reports failures as clean ends.";
    "every-end-is-clean": bug(Bug::EveryEndIsClean), None, "CHAN-038",
        "Reports every end of the transport as clean.";
    "failure-survived": bug(Bug::FailedRecordSurvived), flaw(Flaw::FailureSurvived), "CHAN-027",
        "Goes on after a record that fails.";
    "poisoned-by-failure": None, flaw(Flaw::PoisonedByFailure), "",
        "Serves nobody after the first failure.";
    "failure-ends-all": None, flaw(Flaw::FailureEndsAll), "",
        "Ends all connections when one fails.";
    "error-sent": None, flaw(Flaw::ErrorSent), "HS-072 OBS-001 OBS-004",
        "Sends the code of a failure to the peer.";
    "close-sent-on-failure": bug(Bug::OtherDirectionSurvives), flaw(Flaw::CloseSentOnFailure), "CHAN-027 CHAN-029",
        "Sends a close record when it fails.";
    "close-not-answered": None, flaw(Flaw::CloseNotAnswered), "CHAN-035",
        "Ends the transport at the peer's close record, without one of its own.";
    "transport-kept-after-close": None, flaw(Flaw::TransportKeptAfterClose), "CHAN-036",
        "Keeps the transport open after both close records.";
    "last-message-lost": None, flaw(Flaw::LastMessageLost), "CHAN-035",
        "Throws away what is still to be sent when it is to close.";
    "empty-messages-dropped": None, flaw(Flaw::EmptyMessagesDropped), "CHAN-020",
        "Drops empty messages.";
    "reset-on-failure": None, flaw(Flaw::ResetOnFailure), "OBS-002",
        "Resets the connection for a wrong password and a record that does not open.";
    "status-for-wrong-password": None, flaw(Flaw::StatusForWrongPassword), "HS-042 HS-058 OBS-002 OBS-004",
        "Gives the close frame a status code and a reason if the password is wrong.";
    "lingers-after-failure": None, flaw(Flaw::LingersAfterFailure), "CHAN-027",
        "Leaves the transport open for 20 seconds after a failure.";
    "deadline-restarts": None, flaw(Flaw::DeadlineRestarts), "HS-060 HS-062",
        "Starts its deadline again with every octet.";
    "text-accepted": None, flaw(Flaw::TextAccepted), "FRAME-002",
        "Takes text messages for binary ones.";
    "ping-ends-connection": None, flaw(Flaw::PingEndsConnection), "FRAME-004",
        "Ends the connection at a ping.";
    "limit-never-applied": None, flaw(Flaw::LimitNeverApplied), "FRAME-011",
        "Allows messages of 2^24 octets before it is established.";
    "limit-applied-late": None, flaw(Flaw::LimitAppliedLate), "FRAME-008",
        "Notices that a message is too long when it is whole.";
    "long-messages-refused": None, flaw(Flaw::LongMessagesRefused), "FRAME-012",
        "Refuses messages of more than 2^16 octets.";
    "read-taken-for-message": None, flaw(Flaw::ReadTakenForMessage), "FRAME-009",
        "Loses what does not end with a read of the socket.";
    "rest-of-read-dropped": None, flaw(Flaw::RestOfReadDropped), "FRAME-009 HS-071",
        "Loses what comes in one read with the message before.";
    "zero-length-skipped": None, flaw(Flaw::ZeroLengthSkipped), "FRAME-007",
        "Skips lengths of 0.";
    "early-end-is-end": None, flaw(Flaw::EarlyEndIsEnd), "FRAME-010",
        "Does not notice that the stream ends within a message.";
    "generations-ignored": bug(Bug::GenerationsIgnored), None, "CHAN-007",
        "Keeps the first generation's key.";
    "repeated-record-accepted": bug(Bug::RepeatedRecordAccepted), None, "CHAN-014 CHAN-021",
        "Accepts the record before once more.";
    "lost-record-tolerated": bug(Bug::LostRecordTolerated), None, "CHAN-014 CHAN-021",
        "Accepts the record after the next, as if one had been lost.";
    "tag-unchecked": bug(Bug::TagUnchecked), None, "CHAN-013 CHAN-021",
        "Opens records without checking the tag.";
    "unknown-type-is-data": bug(Bug::UnknownTypeIsData), None, "CHAN-022",
        "Takes records of unknown types for data.";
    "close-payload-accepted": bug(Bug::ClosePayloadAccepted), None, "CHAN-026",
        "Ignores the payload of a close record.";
    "transcript-without-m3": bug(Bug::TranscriptWithoutM3), None, "CHAN-001 HS-059 HS-066",
        "Leaves out M3 from the transcript hash.";
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::spec::Spec;

    #[test]
    fn names_are_unique_and_rules_exist() {
        let spec = Spec::embedded();
        let mut names = HashSet::new();
        for mutant in all() {
            assert!(names.insert(mutant.name), "{} is there twice", mutant.name);
            assert!(mutant.bug.is_some() || mutant.flaw.is_some(), "{} has no bug", mutant.name);
            for id in mutant.breaks.split_whitespace() {
                assert!(spec.rule(id).is_some(), "{}: no rule {id}", mutant.name);
            }
        }
        assert!(find("text-accepted").is_some());
        assert!(find("no-such-mutant").is_none());
    }
}
