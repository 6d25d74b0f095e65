"""Chapter 3, without input or output: messages and clock readings in, messages out.

Every `at` is in milliseconds on a clock that is never set back, 0 when the transport opened. The first
Refusal ends a handshake; its keys and secrets are dropped with it. Once a party is established, records go to
its `channel`.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from . import credentials, rsa
from .channel import Channel
from .credentials import CLIENT_PASSWORD, SERVER_PASSWORD, ClientKey, ServerKey
from .errors import Refusal

REPLY_MS = 10_000  # a client's limit for M1, and again for M3
ESTABLISHED_MS = 30_000  # a server's, from M1 until it is established
FRESH_S = 10
NONCE, NONCE_RANDOM, K = 30, 14, 48

UNKNOWN, FAILED = "unknown", "failed"  # answers of a look-up besides a serverKey's octets


class Request(NamedTuple):
    """P1 = len8(id) || id || Pc || t || nonce."""

    id: bytes
    client_password: bytes
    t: int  # seconds since the Unix epoch
    nonce: bytes

    @classmethod
    def parse(cls, p1: bytes) -> "Request":
        rest = p1[1 + p1[0] :] if p1 else b""
        if len(rest) != CLIENT_PASSWORD + 8 + NONCE:
            raise Refusal("malformed")
        request = cls(p1[1 : 1 + p1[0]], rest[:18], int.from_bytes(rest[18:26], "big"), rest[26:])
        credentials.check_id(request.id)
        credentials.check_base62(request.client_password, CLIENT_PASSWORD)
        return request

    def to_bytes(self) -> bytes:
        name = bytes([len(self.id)]) + self.id
        return name + self.client_password + self.t.to_bytes(8, "big") + self.nonce


class Reply(NamedTuple):
    """P3 = Ps || K || t' || nonce."""

    server_password: bytes
    k: bytes
    t: int  # seconds since the Unix epoch
    nonce: bytes

    @classmethod
    def parse(cls, p3: bytes) -> "Reply":
        if len(p3) != SERVER_PASSWORD + K + 8 + NONCE:
            raise Refusal("malformed")
        reply = cls(p3[:8], p3[8:56], int.from_bytes(p3[56:64], "big"), p3[64:])
        credentials.check_base62(reply.server_password, SERVER_PASSWORD)
        return reply

    def to_bytes(self) -> bytes:
        return self.server_password + self.k + self.t.to_bytes(8, "big") + self.nonce


def bind(m1: bytes, spki_c: bytes, r: bytes) -> bytes:
    """The nonce: 14 random octets r, bound to both RSA keys (HS-025)."""
    keys = hashlib.sha256(m1).digest() + hashlib.sha256(spki_c).digest()
    return r + hashlib.sha256(b"secure-tunnel/v1 nonce\0" + keys + r).digest()[:16]


class _Party:
    """What both parties share: deadlines, the end, and that a failure is final (HS-072)."""

    def __init__(self, state: str, deadline: int):
        self.channel: Channel | None = None
        self._state, self._deadline = state, deadline

    @property
    def established(self) -> bool:
        return self.channel is not None and self.channel.established

    def wake(self, at: int) -> None:
        """Nothing has arrived, but time has passed."""
        with self._step(at):
            pass

    def end(self, at: int) -> None:
        """The peer has ended the transport before this party was established (HS-073)."""
        with self._step(at):
            raise Refusal("order")

    @contextmanager
    def _step(self, at: int, *states: str):
        try:
            if self._deadline is not None and at >= self._deadline:
                raise Refusal("timeout")  # whatever has arrived (HS-063, HS-064)
            self._check_time(at)
            if states and self._state not in states:
                raise Refusal("order")
            yield
        except Refusal:
            self._state, self._deadline = "dead", None
            self._erase()
            raise

    def _check_time(self, at: int) -> None:
        pass

    def _erase(self) -> None:
        raise NotImplementedError


class Client(_Party):
    """await M1 -> make key -> await M3 -> established."""

    def __init__(self, key: ClientKey, pin: bytes | None = None, random: Callable[[int], bytes] = os.urandom):
        """`pin` is SHA-256(M1), known beforehand; `random` is replaced only by tests."""
        super().__init__("await M1", REPLY_MS)
        self._key, self._pin, self._random = key, pin, random
        self._private_key = self._sent = None

    def receive_m1(self, m1: bytes, at: int) -> None:
        with self._step(at, "await M1"):
            if self._pin is not None and not credentials.equal(hashlib.sha256(m1).digest(), self._pin):
                raise Refusal("pin")
            self._server_key, self._m1 = rsa.parse_spki(m1), m1
            self._state, self._deadline = "make key", None

    def request(self, private_key: RSAPrivateKey, now: int, at: int) -> bytes:
        """M2. `private_key` is for this connection only; `now`, in seconds, was read after making it."""
        with self._step(at, "make key"):
            spki = rsa.spki_of(private_key.public_key())
            nonce = bind(self._m1, spki, self._random(NONCE_RANDOM))
            self._sent = Request(self._key.id, self._key.client_password, now, nonce)
            self._m2 = spki + rsa.encrypt(self._server_key, self._sent.to_bytes())
            self._private_key = private_key
            self._state, self._deadline = "await M3", at + REPLY_MS
            return self._m2

    def receive_m3(self, m3: bytes, at: int) -> bytes:
        """The open record, to be sent at once; `channel` is established."""
        with self._step(at, "await M3"):
            if len(m3) != rsa.size(self._private_key):
                raise Refusal("malformed")
            reply = Reply.parse(rsa.decrypt(self._private_key, m3))
            if abs(reply.t - self._sent.t) > FRESH_S:  # ten is inside (HS-056)
                raise Refusal("stale")
            if not credentials.equal(reply.nonce, self._sent.nonce):
                raise Refusal("nonce")
            digest = credentials.server_digest(self._key.id, reply.server_password)
            if not credentials.equal(digest, self._key.server_digest):
                raise Refusal("wrong_password")
            self.channel, record = Channel.of_client(self._m1, self._m2, m3, reply.k)
            self._state, self._deadline = "established", None
            self._erase()
            return record

    def receive(self, message: bytes, at: int) -> bytes | None:
        """The next message, by what is awaited; in any other state one is out of order (HS-070)."""
        if self._state == "await M3":
            return self.receive_m3(message, at)
        return self.receive_m1(message, at)

    def _erase(self) -> None:
        self._private_key = self._sent = None  # HS-075


class Server(_Party):
    """await M2 -> look-up -> await open -> established. Send `m1` as soon as the transport is open."""

    def __init__(
        self,
        private_key: RSAPrivateKey,
        random: Callable[[int], bytes] = os.urandom,
        release_delay: int | None = None,
    ):
        """`release_delay`, in ms and below 10,000, is that of OBS-005; `random` is replaced only by tests."""
        if release_delay is not None and not 0 <= release_delay < 10_000:
            raise ValueError("a release delay has to be shorter than 10 seconds")
        super().__init__("await M2", ESTABLISHED_MS)
        self.m1 = rsa.spki_of(private_key.public_key())
        self._private_key, self._random, self._delay = private_key, random, release_delay
        self._request = self._release = None

    def receive_m2(self, m2: bytes, at: int) -> bytes:
        """The id to look up, to be answered by `looked_up`; nobody else may be told it yet (HS-066)."""
        with self._step(at, "await M2"):
            k = rsa.size(self._private_key)
            if len(m2) < rsa.SPKI_MIN + k:
                raise Refusal("malformed")
            spki, c1 = m2[:-k], m2[-k:]
            self._client_key = rsa.parse_spki(spki)
            if self._delay is not None:
                self._release = at + self._delay
            request = Request.parse(rsa.decrypt(self._private_key, c1))
            if not credentials.equal(request.nonce, bind(self.m1, spki, request.nonce[:NONCE_RANDOM])):
                raise Refusal("binding")
            self._m2, self._request, self._state = m2, request, "look-up"
            return request.id

    def looked_up(self, answer: bytes | str, now: int, at: int) -> bytes:
        """M3. `answer` is a serverKey's octets, UNKNOWN or FAILED; `now`, in seconds, was read after it."""
        with self._step(at, "look-up"):
            if answer == FAILED:
                raise Refusal("lookup_failed")
            key = _DUMMY if answer == UNKNOWN else _stored(answer)
            digest = credentials.client_digest(self._request.id, self._request.client_password)
            right = credentials.equal(digest, key.client_digest)  # also for unknown ids (HS-044)
            if answer == UNKNOWN:
                raise Refusal("unknown_id")
            if not right:
                raise Refusal("wrong_password")
            if abs(now - self._request.t) >= FRESH_S:  # ten is outside (HS-045)
                raise Refusal("stale")
            reply = Reply(key.server_password, self._random(K), now, self._request.nonce)
            m3 = rsa.encrypt(self._client_key, reply.to_bytes())
            self.channel = Channel.of_server(self.m1, self._m2, m3, reply.k)
            self._state, self._request, self._release = "await open", None, None
            return m3

    def receive_open(self, record: bytes, at: int) -> None:
        """After this `channel` is established, and the id may be reported."""
        with self._step(at, "await open"):
            self.channel.receive(record)
            self._state, self._deadline = "established", None
            self._erase()

    def receive(self, message: bytes, at: int) -> bytes | None:
        """The next message, by what is awaited; in any other state one is out of order (HS-070)."""
        if self._state == "await open":
            return self.receive_open(message, at)
        return self.receive_m2(message, at)

    def release_at(self, at: int) -> int:
        """When to end the transport after a failure at `at` (OBS-005)."""
        return max(at, self._release or 0)

    def _check_time(self, at: int) -> None:
        if self._state == "look-up" and self._release is not None and at >= self._release:
            raise Refusal("lookup_failed")  # OBS-007

    def _erase(self) -> None:
        self._private_key = self._request = None
        if self.channel is not None and not self.established:
            self.channel.die()


_DUMMY = ServerKey(b"0" * SERVER_PASSWORD, b"0" * CLIENT_PASSWORD)


def _stored(octets: bytes) -> ServerKey:
    try:
        return ServerKey.parse(octets)
    except Refusal:
        raise Refusal("lookup_failed") from None  # HS-040
