"""Chapter 4: records in two directions, and the exporter."""

import hashlib
import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from .errors import CallerError, Refusal

DATA, CLOSE, OPEN = 0, 1, 2
RECORD_LENGTH = range(17, 2**24 + 1)
PAYLOAD_MAX = 2**24 - 17
GENERATION = 65536  # records under one key
NUMBERS = 2**64  # record numbers of a direction


class Schedule(NamedTuple):
    """What the handshake gives a channel (section 4.1): 32 octets each."""

    th: bytes
    prk: bytes
    c2s: bytes  # chain_0
    s2c: bytes  # chain_0
    exporter: bytes  # X


def schedule(m1: bytes, m2: bytes, m3: bytes, k: bytes, binding: bytes | None = None) -> Schedule:
    """`binding` is E of section 7.12."""
    transcript = (m1, m2, m3) if binding is None else (m1, m2, m3, binding)  # CHAN-001, TLS-083
    th = hashlib.sha256(b"".join(len(m).to_bytes(4, "big") + m for m in transcript)).digest()
    prk = hmac.digest(th, k, "sha256")  # HKDF-Extract
    c2s, s2c = _expand(prk, b"secure-tunnel/v1 c2s", 32), _expand(prk, b"secure-tunnel/v1 s2c", 32)
    return Schedule(th, prk, c2s, s2c, exporter_key(prk))


def exporter_key(prk: bytes) -> bytes:
    """X (CHAN-039)."""
    return _expand(prk, b"secure-tunnel/v1 exporter", 32)


def export(x: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """`length` octets, 1 to 8160, for a label of at most 255 octets (CHAN-040)."""
    if len(label) > 255:
        raise CallerError("label_length")
    if not 1 <= length <= 8160:
        raise CallerError("output_length")
    return _expand(x, bytes([len(label)]) + label + hashlib.sha256(context).digest(), length)


def check_payload(kind: int, payload: bytes) -> None:
    """Can this be sealed (CHAN-019, CHAN-026)?"""
    if len(payload) > PAYLOAD_MAX:
        raise CallerError("payload_too_long")
    if kind != DATA and payload:
        raise CallerError("control_payload")


class Generation:
    """The keys of 65,536 records, and the chain key of the next generation (section 4.2)."""

    def __init__(self, chain: bytes):
        key_iv = _expand(chain, b"key", 44)
        self.key, self.iv = key_iv[:32], key_iv[32:]
        self.next = _expand(chain, b"next", 32)

    def seal(self, n: int, kind: int, payload: bytes) -> bytes:
        check_payload(kind, payload)
        return AESGCM(self.key).encrypt(self._nonce(n), bytes([kind]) + payload, None)

    def open(self, n: int, direction: str, record: bytes) -> tuple[int, bytes]:
        """Type and payload of record n of `c2s` or `s2c`, checked in the order of section 4.5."""
        if len(record) not in RECORD_LENGTH:
            raise Refusal("record_length")
        try:
            plaintext = AESGCM(self.key).decrypt(self._nonce(n), record, None)
        except InvalidTag:
            raise Refusal("open_failed") from None
        kind, payload = plaintext[0], plaintext[1:]
        if kind not in (DATA, CLOSE, OPEN):
            raise Refusal("unknown_type")
        if kind != DATA and payload:
            raise Refusal("control_payload")
        first = direction == "c2s" and n == 0
        if first and kind != OPEN:
            raise Refusal("missing_open")
        if kind == OPEN and not first:
            raise Refusal("unexpected_open")
        return kind, payload

    def _nonce(self, n: int) -> bytes:
        return (int.from_bytes(self.iv, "big") ^ n).to_bytes(12, "big")


class Direction:
    """One sequence of records: `n` is the number of the next one."""

    def __init__(self, name: str, chain: bytes, n: int = 0):
        """`chain` is the chain key of record n's generation."""
        self.name, self.n, self._keys = name, n, Generation(chain)

    def seal(self, kind: int, payload: bytes) -> bytes:
        check_payload(kind, payload)  # the length comes first
        if self.n == NUMBERS:
            raise CallerError("exhausted")
        record = self._keys.seal(self.n, kind, payload)
        self._advance()
        return record

    def open(self, record: bytes) -> tuple[int, bytes]:
        if len(record) in RECORD_LENGTH and self.n == NUMBERS:  # the length comes first
            raise Refusal("exhausted")
        kind, payload = self._keys.open(self.n, self.name, record)
        self._advance()
        return kind, payload

    def _advance(self) -> None:
        self.n += 1
        if self.n % GENERATION == 0:  # at once, so that the old keys are gone (CHAN-008)
            self._keys = Generation(self._keys.next)


class Channel:
    """One party's channel. After a Refusal that is not a CallerError it is dead."""

    def __init__(self, sending: Direction, receiving: Direction, x: bytes, established: bool = True):
        self.established = established
        self._sending, self._receiving, self._x = sending, receiving, x
        self._dead = self._sent_close = self._received_close = self._clean = False

    @classmethod
    def of_client(cls, m1: bytes, m2: bytes, m3: bytes, k: bytes) -> tuple["Channel", bytes]:
        """The established channel of a client that has accepted M3, and its open record (CHAN-023)."""
        keys = schedule(m1, m2, m3, k)
        channel = cls(Direction("c2s", keys.c2s), Direction("s2c", keys.s2c), keys.exporter)
        return channel, channel._sending.seal(OPEN, b"")

    @classmethod
    def of_server(cls, m1: bytes, m2: bytes, m3: bytes, k: bytes) -> "Channel":
        """The channel of a server that has sent M3: not established before the open record opens."""
        keys = schedule(m1, m2, m3, k)
        return cls(Direction("s2c", keys.s2c), Direction("c2s", keys.c2s), keys.exporter, False)

    def send(self, payload: bytes) -> bytes:
        """The record to send."""
        self._check_alive()
        return self._seal(DATA, payload)

    def close(self) -> bytes:
        """The close record to send, after which nothing more is sealed (CHAN-032)."""
        self._check_alive()
        record = self._seal(CLOSE, b"")
        self._sent_close = True
        return record

    def receive(self, record: bytes) -> tuple[int, bytes]:
        """Type and payload of the peer's next record."""
        if self._dead:
            raise Refusal("dead")
        try:
            if self._received_close:
                raise Refusal("after_close")
            kind, payload = self._receiving.open(record)
        except Refusal:
            self._clean = False
            self.die()
            raise
        self._received_close = self._clean = kind == CLOSE
        self.established = True  # a server's first record is the open record, or has been refused
        return kind, payload

    def export(self, label: bytes, context: bytes, length: int) -> bytes:
        self._check_alive()
        return export(self._x, label, context, length)

    def transport_failed(self) -> None:
        """The transport did not take a sealed record (CHAN-030)."""
        self.die()

    def end(self) -> bool:
        """The transport has ended: is the end clean (CHAN-037)? If not, it is truncated, and a failure.

        Raises Refusal `order` at a server that still waits for the open record (HS-073).
        """
        early = not self.established and not self._dead
        if not self._clean:
            self.die()
        if early:
            raise Refusal("order")
        return self._clean

    def die(self) -> None:
        """Erase every secret (CHAN-031)."""
        self._dead, self._sending, self._receiving, self._x = True, None, None, None

    def _check_alive(self) -> None:
        if self._dead:
            raise CallerError("dead")
        if not self.established:
            raise CallerError("not_established")

    def _seal(self, kind: int, payload: bytes) -> bytes:
        if self._sent_close:
            raise CallerError("closed")
        return self._sending.seal(kind, payload)


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, info).derive(key)
