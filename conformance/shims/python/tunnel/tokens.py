"""Chapter 5: challenges and tokens, signed with Ed25519.

libsodium checks all that section 5.4 asks: S, small order, canonical keys, and the equation without
cofactor, compared as octets. OpenSSL's Ed25519 (pyca/cryptography) does not refuse small orders.
"""

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from .errors import CallerError, Refusal

CHALLENGE, TOKEN = 1, 2
PUBLIC_KEY, SIGNATURE, BODY = 32, 64, 37  # octets
TIME_MAX = 2**32 - 1  # seconds
CLOCK_MAX = TTL_MAX = 2**53 - 1  # milliseconds
CHALLENGE_TTL, TOKEN_TTL = 60_000, 86_400_000  # milliseconds


class SigningKey:
    """An Ed25519 key pair, given as 64 octets: seed and public key."""

    def __init__(self, octets: bytes):
        self.public, self._secret = crypto_sign_seed_keypair(octets[:32])
        if octets != self._secret:  # else two signatures could reveal the key (TOK-021)
            raise CallerError("key_mismatch")

    def sign(self, message: bytes) -> bytes:
        """signature || message"""
        return crypto_sign(message, self._secret)


class Server:
    """Issues challenges and tokens, and stores nothing. Lifetimes and clocks are in milliseconds."""

    def __init__(
        self,
        key: bytes,
        server_id: bytes = b"",
        challenge_ttl: int = CHALLENGE_TTL,
        token_ttl: int = TOKEN_TTL,
    ):
        """`key` is that of SigningKey. Lifetimes, key and serverId are checked in this order (section 5.7)."""
        _check_ttl(challenge_ttl)
        _check_ttl(token_ttl)
        self._challenge_ttl, self._token_ttl, self._key, self._id = challenge_ttl, token_ttl, SigningKey(key), server_id
        _check_server_id(server_id)

    def challenge(self, client: bytes, now: int) -> bytes:
        """101 octets for any 32 octets `client` (section 5.5)."""
        _check_clock(now)
        _check_public_key(client)
        return self._key.sign(_body(CHALLENGE, client, now))

    def token(self, client: bytes, signed_challenge: bytes, now: int) -> bytes:
        """101 octets, if all the checks of section 5.7 pass, in its order."""
        _check_clock(now)
        _check_public_key(client)
        message = _open(client, signed_challenge, "client_signature")
        if self._id:
            message = message.removeprefix(self._id)
        body = _open(self._key.public, message, "server_signature")
        kind, key, time = _parse_body(body, 400)
        if kind != CHALLENGE:
            raise Refusal("wrong_type", 400)
        if key != client:
            raise Refusal("public_key_mismatch", 400)
        if time * 1000 > now:
            raise Refusal("future", 400)
        if time * 1000 + self._challenge_ttl < now:
            raise Refusal("expired", 401)
        return self._key.sign(_body(TOKEN, client, now))

    def verify(self, token: bytes, now: int) -> bytes:
        return verify(self._key.public, token, now, self._token_ttl)


def verify(server: bytes, token: bytes, now: int, token_ttl: int = TOKEN_TTL) -> bytes:
    """The client's public key, if all the checks of section 5.8 pass, in its order."""
    _check_public_key(server)
    _check_ttl(token_ttl)
    _check_clock(now)
    kind, key, time = _parse_body(_open(server, token, "server_signature"), 401)
    if time * 1000 + token_ttl < now:
        raise Refusal("expired", 401)
    if kind != TOKEN:
        raise Refusal("wrong_type", 401)
    if time * 1000 > now:
        raise Refusal("future", 401)
    return key


def sign(client: SigningKey, challenge: bytes, server_id: bytes = b"") -> bytes:
    """The signed challenge. `server_id` comes from the client's configuration, never from the peer."""
    _check_server_id(server_id)
    if len(challenge) != SIGNATURE + BODY:
        raise CallerError("challenge_length")
    kind, key = challenge[SIGNATURE], challenge[SIGNATURE + 1 :][:PUBLIC_KEY]
    if kind != CHALLENGE:
        raise CallerError("challenge_type")
    if key != client.public:
        raise CallerError("challenge_key")
    return client.sign(server_id + challenge)


def _body(kind: int, client: bytes, now: int) -> bytes:
    time = now // 1000
    if not 1 <= time <= TIME_MAX:
        raise CallerError("invalid_time")
    return bytes([kind]) + client + time.to_bytes(4, "big")


def _parse_body(body: bytes, status: int) -> tuple[int, bytes, int]:
    """Type, client's key and time."""
    if len(body) != BODY:
        raise Refusal("body_length", status)
    time = int.from_bytes(body[33:], "big")
    if time == 0:
        raise Refusal("body_time", status)
    return body[0], body[1:33], time


def _open(public: bytes, signed: bytes, code: str) -> bytes:
    """What follows a signature that verifies."""
    if len(signed) >= SIGNATURE:
        try:
            return crypto_sign_open(signed, public)
        except BadSignatureError:
            pass
    raise Refusal(code, 401)


def _check_public_key(key: bytes) -> None:
    if len(key) != PUBLIC_KEY:
        raise CallerError("public_key_length")


def _check_clock(now: int) -> None:
    if now > CLOCK_MAX:
        raise CallerError("invalid_time")


def _check_ttl(ttl: int) -> None:
    if not 1 <= ttl <= TTL_MAX:
        raise CallerError("invalid_ttl")


def _check_server_id(server_id: bytes) -> None:
    try:
        server_id.decode("utf-8")
    except UnicodeDecodeError:
        raise CallerError("server_id_encoding") from None
