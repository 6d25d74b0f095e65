"""Chapter 7, without the TLS layer: whether a peer's certificates are accepted, and which context serves a name."""

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from . import credentials
from .certificates import DNS, IP, PRINTABLE_STRING, RFC822, URI, UTF8_STRING, Certificate, Crl
from .certificates import has_strong_signature, is_signed_by
from .errors import CallerError, Refusal

MAX_INTERMEDIATES = 6
PURPOSE = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
# The forms of names but directoryName (which always applies), dNSName and iPAddress, by tag in an entry.
OTHER_FORMS = {
    0xA0: x509.OtherName,
    RFC822: x509.RFC822Name,
    URI: x509.UniformResourceIdentifier,
    0x88: x509.RegisteredID,
}
IDENTITY = re.compile(rb"secure-tunnel:((?:[^%\x80-\xff]|%[0-9A-F]{2})*)", re.IGNORECASE)
LABEL = rb"(?!-)[0-9A-Za-z_-]{1,63}(?<!-)"
Path = list[Certificate]  # leaf first, anchor last


@dataclass(frozen=True)
class Verifier:
    """What a party is configured with. `crls` and `allow` are None where there are none, which an empty list is not."""

    anchors: list[bytes]
    crls: list[bytes] | None = None
    policies: frozenset[str] = frozenset()
    allow: list[dict] | None = None
    deny: list[dict] = field(default_factory=list)

    def server(self, chain: list[bytes], now: int, name: bytes) -> Certificate:
        """The client's check of a server's chain and name."""
        matches = _name_matcher(name)
        leaf = self._verify_chain(chain, "server", now)
        if not any(matches(*entry) for entry in leaf.alternative_names()):
            raise Refusal("server_name")  # TLS-053
        return leaf

    def client(self, chain: list[bytes], now: int) -> tuple[Certificate, bytes]:
        """The server's check of a client's chain, and the client's identity."""
        leaf = self._verify_chain(chain, "client", now)
        found = identity(leaf)
        names = [{"identity": found}, {"sha256": fingerprint(leaf)}]
        if any(name in self.deny for name in names):
            raise Refusal("denied")  # TLS-073, before the allow list
        if self.allow is not None and not any(name in self.allow for name in names):
            raise Refusal("not_allowed")  # TLS-074
        return leaf, found

    def _verify_chain(self, chain: list[bytes], peer: str, now: int) -> Certificate:
        crls = None if self.crls is None else [Crl(der) for der in self.crls]
        anchors = [Certificate(der) for der in self.anchors]
        if not chain:
            raise Refusal("no_certificate")  # TLS-023
        leaf = Certificate(chain[0])  # TLS-031
        if leaf.is_ca:
            raise Refusal("ca_constraints")  # TLS-034
        first_fault = Refusal("untrusted")  # TLS-033
        for path in _paths([leaf], _readable(chain[1:]), anchors):
            try:
                self._check(path, peer, now, crls)
                return leaf
            except Refusal as fault:  # another path may be acceptable (TLS-032)
                first_fault = fault if first_fault.code == "untrusted" else first_fault
        raise first_fault

    def _check(self, path: Path, peer: str, now: int, crls: list[Crl] | None) -> None:
        certificates, authorities = path[:-1], path[1:]
        for certificate in certificates:
            if not certificate.version_3 or not certificate.has_one_algorithm:
                raise Refusal("certificate_form")  # TLS-036
        if any(certificate.key is None for certificate in path):
            raise Refusal("weak")  # TLS-051
        if not all(has_strong_signature(certificate) for certificate in certificates):
            raise Refusal("weak")  # TLS-052
        if any(certificate.has_unknown_critical() for certificate in certificates):
            raise Refusal("critical_extension")  # TLS-048
        for certificate in certificates if "anchor-validity-ignored" in self.policies else path:
            if now < certificate.not_before:
                raise Refusal("not_yet_valid")  # TLS-037 to TLS-039
            if now > certificate.not_after:
                raise Refusal("expired", error_class="tls")
        for below, authority in enumerate(authorities):
            _check_authority(authority, below)
            _check_name_constraints(authority, path[: below + 1])
        self._check_usage(path, PURPOSE[peer])
        if crls is not None:
            for certificate, issuer in zip(certificates, authorities):
                self._look_up(certificate, issuer, now, crls)

    def _check_usage(self, path: Path, purpose: x509.ObjectIdentifier) -> None:
        leaf, *intermediates, _anchor = path
        key_usage = leaf.value(ExtensionOID.KEY_USAGE)
        if key_usage is not None and not key_usage.digital_signature:
            raise Refusal("usage")  # TLS-043
        if leaf.value(ExtensionOID.EXTENDED_KEY_USAGE) is None and "eku-if-present" not in self.policies:
            raise Refusal("usage")  # TLS-044, TLS-045
        for certificate in (leaf, *intermediates):
            purposes = certificate.value(ExtensionOID.EXTENDED_KEY_USAGE)
            if purposes is not None and purpose not in purposes:
                raise Refusal("usage")  # TLS-044, TLS-046, TLS-047

    def _look_up(self, certificate: Certificate, issuer: Certificate, now: int, crls: list[Crl]) -> None:
        key_usage = issuer.value(ExtensionOID.KEY_USAGE)
        if key_usage is not None and not key_usage.crl_sign:
            crls = []  # TLS-069
        signed = [c for c in crls if c.issuer == issuer.subject and has_strong_signature(c) and is_signed_by(c, issuer)]
        stale_accepted = "crl-stale-accepted" in self.policies
        usable = [crl for crl in signed if stale_accepted or crl.this_update <= now <= crl.next_update]
        if any(certificate.x509.serial_number in crl.serials for crl in usable):
            raise Refusal("revoked")  # TLS-068
        if not usable and (signed or "crl-unknown-accepted" not in self.policies):
            raise Refusal("crl")  # TLS-070, TLS-071


def fingerprint(certificate: Certificate) -> bytes:
    return hashlib.sha256(certificate.der).digest()


def identity(leaf: Certificate) -> bytes:
    """Section 7.8. Raises Refusal `identity`."""
    uris = [octets for tag, octets in leaf.alternative_names() if tag == URI]
    uris = [uri for uri in uris if uri.lower().startswith(b"secure-tunnel:")]
    names = uris or leaf.common_names()
    if len(names) != 1:
        raise Refusal("identity")  # TLS-063
    if uris:
        if not (match := IDENTITY.fullmatch(uris[0])):
            raise Refusal("identity")  # TLS-064
        found = re.sub(rb"%(..)", lambda digits: bytes.fromhex(digits[1].decode()), match[1])  # TLS-061
    else:
        tag, found = names[0]
        if tag not in (UTF8_STRING, PRINTABLE_STRING):
            raise Refusal("identity")  # TLS-065
    try:
        credentials.check_id(found)
    except Refusal:
        raise Refusal("identity") from None  # TLS-066
    return found


def context(contexts: list[bytes], has_default: bool, name: bytes | None) -> int | None:
    """The index of the context that serves an indicated name, None for the default one. Raises Refusal `sni`."""
    names = [context.lower() for context in contexts]  # bytes.lower: ASCII letters alone
    if name is not None:
        first, dot, rest = name.lower().partition(b".")
        for wanted in (name.lower(), b"*." + rest if first and dot else None):  # TLS-018, then TLS-019
            if wanted in names:
                return names.index(wanted)
    if not has_default:
        raise Refusal("sni")  # TLS-020
    return None


def _readable(chain: list[bytes]) -> list[Certificate]:
    certificates = []
    for der in chain:
        try:
            certificates.append(Certificate(der))
        except Refusal:
            continue
    return certificates


def _paths(path: Path, others: list[Certificate], anchors: list[Certificate]) -> Iterator[Path]:
    """All paths from the last certificate of `path` to an anchor, shortest first at each step.

    Where a signature is not to be verified, the path ends there, and is refused whatever else it has. A verified
    signature has one key, so there are not many paths.
    """
    last = path[-1]
    for anchor in anchors:
        if anchor.subject == last.issuer and (_is_refused(anchor, last) or is_signed_by(last, anchor)):
            yield [*path, anchor]
    if len(path) > MAX_INTERMEDIATES:
        return  # TLS-035
    # A second certificate of the same name and key makes a path longer and no better.
    taken = {(certificate.subject, certificate.spki) for certificate in path[1:]}
    for issuer in others:
        if issuer.subject != last.issuer or (issuer.subject, issuer.spki) in taken:
            continue
        if _is_refused(issuer, last):
            yield [*path, issuer]
        elif is_signed_by(last, issuer):
            yield from _paths([*path, issuer], others, anchors)


def _is_refused(issuer: Certificate, certificate: Certificate) -> bool:
    return issuer.key is None or not has_strong_signature(certificate) or not certificate.has_one_algorithm


def _check_authority(authority: Certificate, below: int) -> None:
    """`below` counts the certificates between it and the leaf."""
    constraints = authority.value(ExtensionOID.BASIC_CONSTRAINTS)
    if constraints is None or not constraints.ca:
        raise Refusal("ca_constraints")  # TLS-040
    if constraints.path_length is not None and below > constraints.path_length:
        raise Refusal("ca_constraints")  # TLS-041
    key_usage = authority.value(ExtensionOID.KEY_USAGE)
    if key_usage is not None and not key_usage.key_cert_sign:
        raise Refusal("ca_constraints")  # TLS-042


def _check_name_constraints(authority: Certificate, below: list[Certificate]) -> None:
    constraints = authority.value(ExtensionOID.NAME_CONSTRAINTS)
    if constraints is None:
        return
    if authority.has_distances():
        raise Refusal("name_constraint")  # RFC 5280, section 4.2.1.10: not used
    permitted, excluded = constraints.permitted_subtrees or [], constraints.excluded_subtrees or []
    for tag, octets in (entry for certificate in below for entry in certificate.alternative_names()):
        if tag in (DNS, IP):  # TLS-049
            form, covers = (x509.DNSName, _covers_dns) if tag == DNS else (x509.IPAddress, _covers_ip)
            bases = [base for base in permitted + excluded if isinstance(base, form)]
            if tag == DNS and bases:
                names = [base.value.encode().removeprefix(b".") for base in bases] + [octets.removeprefix(b"*.")]
                if not all(_is_dns_name(name) for name in names if name):
                    raise Refusal("name_constraint")
            inside = [covers(base.value, octets, False) for base in permitted if isinstance(base, form)]
            if inside and not any(inside):
                raise Refusal("name_constraint")
            if any(covers(base.value, octets, True) for base in excluded if isinstance(base, form)):
                raise Refusal("name_constraint")
        elif any(isinstance(base, OTHER_FORMS.get(tag, ())) for base in permitted + excluded):
            raise Refusal("name_constraint")  # TLS-050
    if any(isinstance(base, x509.DirectoryName) for base in permitted + excluded):
        raise Refusal("name_constraint")  # TLS-050: each certificate has a subject


def _covers_dns(base: str, name: bytes, some: bool) -> bool:
    """Whether `name` ends in the labels of `base`; with `some`, whether a name that a wildcard matches does."""
    base, labels = base.encode().lower(), name.lower().split(b".")
    if not base:
        return True
    wanted = base.removeprefix(b".").split(b".")
    last = labels[-len(wanted) :]
    if base.startswith(b".") and len(labels) == len(wanted):
        return False
    return len(last) == len(wanted) and all(a == b or (some and a == b"*") for a, b in zip(last, wanted))


def _covers_ip(base, address: bytes, _some: bool) -> bool:
    return ipaddress.ip_address(address) in base


def _name_matcher(name: bytes):
    """What compares an entry of subjectAltName with `name`. Raises CallerError `bad_name`."""
    text = name.decode("ascii", errors="replace")
    try:
        address = ipaddress.ip_address(text)
        if "%" in text:
            raise CallerError("bad_name")
        return lambda tag, octets: tag == IP and octets == address.packed  # TLS-058
    except ValueError:
        pass
    if not _is_dns_name(name) or name.rpartition(b".")[2].isdigit():
        raise CallerError("bad_name")  # TLS-060
    name = name.lower()

    def matches(tag: int, entry: bytes) -> bool:
        entry = entry.lower()
        wildcard, _, rest = entry.partition(b".")
        if tag == DNS and wildcard == b"*":  # TLS-056
            return b"." in rest and _is_dns_name(rest) and name.partition(b".")[2] == rest
        return tag == DNS and _is_dns_name(entry) and entry == name  # TLS-055, TLS-057, TLS-059

    return matches


def _is_dns_name(name: bytes) -> bool:
    return len(name) <= 253 and re.fullmatch(LABEL + rb"(\." + LABEL + rb")*", name) is not None
