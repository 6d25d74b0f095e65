"""Chapter 2: clientKey = id || Pc || Ds, serverKey = Ps || Dc."""

import hashlib
import hmac
import secrets
import string
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import Refusal

BASE62 = (string.digits + string.ascii_uppercase + string.ascii_lowercase).encode()
CLIENT_PASSWORD, SERVER_PASSWORD = 18, 8  # base62 digits, of a password and of its digest
_SERVER_LABEL = b"secure-tunnel/v1/server-password"
_CLIENT_LABEL = b"secure-tunnel/v1/client-password"


class ClientKey(NamedTuple):
    """What a client holds: its id, its password Pc and the digest Ds of the server's password."""

    id: bytes
    client_password: bytes
    server_digest: bytes

    @classmethod
    def parse(cls, octets: bytes) -> "ClientKey":
        """Read from the right, since an id may itself end in base62 digits (CRED-017)."""
        tail = CLIENT_PASSWORD + SERVER_PASSWORD
        key = cls(octets[:-tail], octets[-tail:-SERVER_PASSWORD], octets[-SERVER_PASSWORD:])
        check_id(key.id)
        check_base62(key.client_password, CLIENT_PASSWORD)
        check_base62(key.server_digest, SERVER_PASSWORD)
        return key

    def to_bytes(self) -> bytes:
        return self.id + self.client_password + self.server_digest


class ServerKey(NamedTuple):
    """What a server stores under an id: its password Ps and the digest Dc of the client's password."""

    server_password: bytes
    client_digest: bytes

    @classmethod
    def parse(cls, octets: bytes) -> "ServerKey":
        key = cls(octets[:SERVER_PASSWORD], octets[SERVER_PASSWORD:])
        check_base62(key.server_password, SERVER_PASSWORD)
        check_base62(key.client_digest, CLIENT_PASSWORD)
        return key

    def to_bytes(self) -> bytes:
        return self.server_password + self.client_digest


def make(id: bytes, client_password: bytes, server_password: bytes) -> tuple[ClientKey, ServerKey]:
    """The pair for an id and two passwords; `new_password` draws them."""
    check_id(id)
    check_base62(client_password, CLIENT_PASSWORD)
    check_base62(server_password, SERVER_PASSWORD)
    return (
        ClientKey(id, client_password, server_digest(id, server_password)),
        ServerKey(server_password, client_digest(id, client_password)),
    )


def new_password(digits: int) -> bytes:
    """Uniform digits from the operating system's generator (CRED-008, CRED-009)."""
    return bytes(secrets.choice(BASE62) for _ in range(digits))


def server_digest(id: bytes, server_password: bytes) -> bytes:
    """Ds (CRED-012)."""
    return _digest62(SERVER_PASSWORD, _SERVER_LABEL, id, server_password)


def client_digest(id: bytes, client_password: bytes) -> bytes:
    """Dc (CRED-013): of a key pair and a symmetric key made from the password (CRED-014)."""
    info = bytes([len(id)]) + id
    s_k = HKDF(SHA256(), 64, salt=_CLIENT_LABEL, info=info).derive(client_password)
    public = X25519PrivateKey.from_private_bytes(s_k[:32]).public_key().public_bytes_raw()
    return _digest62(CLIENT_PASSWORD, _CLIENT_LABEL, id, public + s_k[32:])


def equal(a: bytes, b: bytes) -> bool:
    """Compare in time that does not depend on the contents (CRED-023)."""
    return hmac.compare_digest(a, b)


def check_id(id: bytes) -> None:
    """Raises Refusal `malformed` unless CRED-001 to CRED-003 hold.

    Python's decoder is exactly RFC 3629: no surrogates, no overlong forms.
    """
    try:
        text = id.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("malformed") from None
    if not 1 <= len(id) <= 255 or any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise Refusal("malformed")


def check_base62(octets: bytes, digits: int) -> None:
    """Raises Refusal `malformed` unless these are so many base62 digits."""
    if len(octets) != digits or any(octet not in BASE62 for octet in octets):
        raise Refusal("malformed")


def _digest62(n: int, label: bytes, id: bytes, x: bytes) -> bytes:
    octets = hashlib.sha256(label + b"\0" + bytes([len(id)]) + id + x).digest()
    number, digits = int.from_bytes(octets, "big"), bytearray()
    for _ in range(n):  # the remainders are the digits from the last to the first
        number, digit = divmod(number, 62)
        digits.insert(0, BASE62[digit])
    return bytes(digits)
