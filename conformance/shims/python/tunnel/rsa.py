"""Sections 3.2 and 3.3: RSA public keys in their one encoding, and RSAES-OAEP with SHA-1."""

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1

from .errors import Refusal

EXPONENT = 65537
MODULUS_BITS = range(4425, 8192 + 1)
SPKI_MIN = 591  # octets, of a modulus of 4425 bits

_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, NULL
_EXPONENT = bytes.fromhex("0203010001")
_OAEP = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)


def parse_spki(spki: bytes) -> rsa.RSAPublicKey:
    """Accept exactly the encoding of an odd modulus of 4425 to 8192 bits with exponent 65537.

    No DER reader is needed. In the only acceptable encoding the modulus lies between 32 octets before it
    and the 5 of the exponent, so whatever lies there is encoded again and compared (HS-003). A wrong
    tag, length, sign, exponent, algorithm or a superfluous octet all make a difference.
    """
    n = int.from_bytes(spki[32 : -len(_EXPONENT)], "big")
    if n.bit_length() not in MODULUS_BITS or n % 2 == 0 or _encode_spki(n) != spki:
        raise Refusal("bad_key")
    return rsa.RSAPublicNumbers(EXPONENT, n).public_key()


def spki_of(key: rsa.RSAPublicKey) -> bytes:
    """The SPKI of our own key, which has to be one that a peer accepts.

    Raises Refusal `bad_key` if it is not (HS-001, HS-005, HS-006).
    """
    numbers = key.public_numbers()
    spki = _encode_spki(numbers.n)
    if numbers.e != EXPONENT:
        raise Refusal("bad_key")
    parse_spki(spki)
    return spki


def size(key: rsa.RSAPublicKey | rsa.RSAPrivateKey) -> int:
    """k: the octets of the modulus, and of each ciphertext."""
    return (key.key_size + 7) // 8


def encrypt(key: rsa.RSAPublicKey, plaintext: bytes) -> bytes:
    return key.encrypt(plaintext, _OAEP)


def decrypt(key: rsa.RSAPrivateKey, ciphertext: bytes) -> bytes:
    """Raises Refusal `decrypt` for every reason alike (HS-014 to HS-017).

    The lengths are compared here since not every version of the library does it: some strip or add
    leading zeros, and then a message has several encodings. OpenSSL compares the value with the modulus.
    """
    if len(ciphertext) == size(key):
        try:
            return key.decrypt(ciphertext, _OAEP)
        except ValueError:
            pass
    raise Refusal("decrypt")


def _encode_spki(n: int) -> bytes:
    integer = n.to_bytes(n.bit_length() // 8 + 1, "big")  # one 00 octet first iff the top bit is set
    key = _der(0x30, _der(0x02, integer) + _EXPONENT)
    return _der(0x30, _ALGORITHM + _der(0x03, b"\0" + key))


def _der(tag: int, content: bytes) -> bytes:
    """Tag, two octets of length, content: every length here is 256 to 65,535."""
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content
