"""Section 7.6 for one certificate or CRL: its form, and the parts that the profile looks at.

cryptography parses and verifies. What it does not give as octets (names, keys, entries of subjectAltName) is
read here from DER that it has accepted already.
"""

import calendar
import functools

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from .errors import CallerError, Refusal

PROCESSED = {  # TLS-048
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.NAME_CONSTRAINTS,
}
CRL_PROCESSED = {ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
ENTRY_PROCESSED = {x509.CRLReason.oid, x509.InvalidityDate.oid}
RSA_BITS = range(2048, 8192 + 1)
STRONG_KEYS = {  # AlgorithmIdentifiers
    bytes.fromhex("300d06092a864886f70d0101010500"),  # rsaEncryption
    bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"),  # P-256
    bytes.fromhex("301006072a8648ce3d020106052b81040022"),  # P-384
    bytes.fromhex("300506032b6570"),  # Ed25519
}
_FAULTS = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
RFC822, DNS, URI, IP = 0x81, 0x82, 0x86, 0x87  # tags of a GeneralName
COMMON_NAME, NAME_CONSTRAINTS = bytes.fromhex("0603550403"), bytes.fromhex("0603551d1e")
UTF8_STRING, PRINTABLE_STRING = 0x0C, 0x13


class Certificate:
    """A certificate in DER (TLS-036). Raises Refusal `certificate_form`, for its extensions when they are looked at."""

    def __init__(self, der: bytes):
        self.der = der
        try:
            self.x509 = x509.load_der_x509_certificate(der)
            fields = _items(self.x509.tbs_certificate_bytes)
            self.version_3 = fields.pop(0)[1] == bytes.fromhex("020102") if fields[0][0] == 0xA0 else False
            self.issuer, self.subject, self.spki = (_whole(fields[i]) for i in (2, 4, 5))
            _, algorithm, (_, signature) = _items(der)
            if signature[0] != 0:
                raise ValueError("a signature that is not of whole octets")
            self.algorithm = _whole(algorithm)
            self.has_one_algorithm = _whole(fields[1]) == self.algorithm
            tag, extensions = fields[-1]
            self._extensions = _items(extensions) if tag == 0xA3 else []
            self.not_before = calendar.timegm(self.x509.not_valid_before_utc.timetuple())
            self.not_after = calendar.timegm(self.x509.not_valid_after_utc.timetuple())
        except _FAULTS as error:
            raise Refusal("certificate_form") from error

    @functools.cached_property
    def extensions(self) -> dict[x509.ObjectIdentifier, x509.Extension]:
        try:
            return {extension.oid: extension for extension in self.x509.extensions}
        except _FAULTS as error:
            raise Refusal("certificate_form") from error

    def value(self, oid: x509.ObjectIdentifier):
        """The parsed value of an extension, or None."""
        return self.extensions[oid].value if oid in self.extensions else None

    @property
    def is_ca(self) -> bool:
        constraints = self.value(ExtensionOID.BASIC_CONSTRAINTS)
        return constraints is not None and constraints.ca

    def has_unknown_critical(self) -> bool:
        return any(extension.critical and oid not in PROCESSED for oid, extension in self.extensions.items())

    def alternative_names(self) -> list[tuple[int, bytes]]:
        """The entries of subjectAltName, as tag and octets."""
        names = self.value(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
        return [] if names is None else _items(names.public_bytes())

    def has_distances(self) -> bool:
        """Whether a subtree of nameConstraints has a minimum or a maximum, which cryptography drops."""
        extensions = (_split(extension) for _, extension in self._extensions)
        values = (_items(value) for oid, *_, (_, value) in extensions if _whole(oid) == NAME_CONSTRAINTS)
        subtrees = (subtree for value in values for _, subtrees in value for _, subtree in _split(subtrees))
        return any(len(_split(subtree)) > 1 for subtree in subtrees)

    def common_names(self) -> list[tuple[int, bytes]]:
        """The commonNames of the subject, as tag of the string and octets."""
        attributes = (_items(_whole(attribute)) for _, rdn in _items(self.subject) for attribute in _split(rdn))
        return [value for type, value in attributes if _whole(type) == COMMON_NAME]

    @functools.cached_property
    def key(self):
        """The public key if TLS-051 accepts it, else None."""
        if _whole(_items(self.spki)[0]) not in STRONG_KEYS:
            return None
        try:
            key = self.x509.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None
        return None if isinstance(key, rsa.RSAPublicKey) and key.key_size not in RSA_BITS else key


class Crl:
    """A complete CRL of version 2 with a nextUpdate. Raises CallerError `crl_form` (TLS-072)."""

    def __init__(self, der: bytes):
        try:
            self.x509 = x509.load_der_x509_crl(der)
            extensions, unknown = self.x509.extensions, []
            unknown += [e.oid for e in extensions if e.critical and e.oid not in CRL_PROCESSED]
            self.serials = set()
            for entry in self.x509:
                unknown += [e.oid for e in entry.extensions if e.critical and e.oid not in ENTRY_PROCESSED]
                unknown += [e.oid for e in entry.extensions if e.oid == x509.CertificateIssuer.oid]
                self.serials.add(entry.serial_number)
        except _FAULTS as error:
            raise CallerError("crl_form") from error
        partial = {ExtensionOID.DELTA_CRL_INDICATOR, ExtensionOID.ISSUING_DISTRIBUTION_POINT}
        version, *rest = _items(self.x509.tbs_certlist_bytes)
        if version != (0x02, b"\1") or self.x509.next_update_utc is None or unknown or partial & {e.oid for e in extensions}:
            raise CallerError("crl_form")
        self.issuer, self.algorithm = _whole(rest[1]), _whole(_items(der)[1])
        self.this_update = calendar.timegm(self.x509.last_update_utc.timetuple())
        self.next_update = calendar.timegm(self.x509.next_update_utc.timetuple())


def has_strong_signature(signed: Certificate | Crl) -> bool:
    """TLS-052, without verifying it."""
    return signed.algorithm in STRONG_SIGNATURES


def is_signed_by(signed: Certificate | Crl, issuer: Certificate) -> bool:
    """Whether the signature is correct. The names are not looked at."""
    try:
        if isinstance(signed, Crl):
            return signed.x509.is_signature_valid(issuer.x509.public_key())
        signed.x509.verify_directly_issued_by(issuer.x509)
        return True
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _items(sequence: bytes) -> list[tuple[int, bytes]]:
    """The elements of one DER element, as tag and content."""
    return _split(_split(sequence)[0][1])


def _split(octets: bytes) -> list[tuple[int, bytes]]:
    elements = []
    while octets:
        tag, length, start = octets[0], octets[1], 2
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(octets[2:start], "big")
        elements.append((tag, octets[start : start + length]))
        octets = octets[start + length :]
    return elements


def _whole(element: tuple[int, bytes]) -> bytes:
    tag, content = element
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 + len(octets)]) + octets) + content


def _pss(hash: str, size: str) -> bytes:
    """RSASSA-PSS with a hash, also in MGF1, and a salt of its size."""

    def element(tag: int, *parts: bytes) -> bytes:
        return _whole((tag, b"".join(parts)))

    hash_algorithm = element(0x30, bytes.fromhex(hash + "0500"))
    mask = element(0x30, bytes.fromhex("06092a864886f70d010108"), hash_algorithm)
    salt = bytes.fromhex("0201" + size)
    parameters = element(0x30, element(0xA0, hash_algorithm), element(0xA1, mask), element(0xA2, salt))
    return element(0x30, bytes.fromhex("06092a864886f70d01010a"), parameters)


_HASHES = {"0609608648016503040201": "20", "0609608648016503040202": "30", "0609608648016503040203": "40"}
STRONG_SIGNATURES = {
    *(bytes.fromhex(f"300d06092a864886f70d0101{last}0500") for last in ("0b", "0c", "0d")),  # PKCS #1 v1.5
    *(bytes.fromhex(f"300b06092a864886f70d0101{last}") for last in ("0b", "0c", "0d")),  # RFC 4055 allows no NULL
    *(bytes.fromhex(f"300a06082a8648ce3d0403{last}") for last in ("02", "03")),  # ECDSA
    bytes.fromhex("300506032b6570"),  # Ed25519
    *(_pss(hash, size) for hash, size in _HASHES.items()),
}
