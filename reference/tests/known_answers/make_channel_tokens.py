#!/usr/bin/env python3
"""Known answers for chapters 4 and 5, made from the specification alone with a second stack.

    pip install cryptography PyNaCl
    python3 make_channel_tokens.py > channel_tokens.json

HMAC and SHA-2 are Python's, AES-256-GCM is OpenSSL's, Ed25519 is libsodium's. The edge cases of Ed25519
are built with the curve arithmetic below; libsodium decides what each of them is worth.
"""

import hashlib
import hmac
import json

import nacl.bindings
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


# Chapter 4: keys, records, exports

def sha256(data):
    return hashlib.sha256(data).digest()


def extract(salt, ikm):
    return hmac.digest(salt, ikm, "sha256")


def expand(key, info, length):
    out = block = b""
    while len(out) < length:
        block = hmac.digest(key, block + info + bytes([len(out) // 32 + 1]), "sha256")
        out += block
    return out[:length]


def seal(chain_g, number, kind, payload):
    both = expand(chain_g, b"key", 44)
    nonce = bytes(a ^ b for a, b in zip(both[32:], number.to_bytes(12, "big")))
    return AESGCM(both[:32]).encrypt(nonce, bytes([kind]) + payload, b"")


def channel():
    m1, m2, m3 = b"first message", bytes(range(256)) * 2, b""
    k = bytes(range(48))
    th = sha256(b"".join(len(m).to_bytes(4, "big") + m for m in (m1, m2, m3)))
    prk = extract(th, k)
    x = expand(prk, b"secure-tunnel/v1 exporter", 32)

    generations, records = [], []
    for direction in ("c2s", "s2c"):
        chain = expand(prk, b"secure-tunnel/v1 " + direction.encode(), 32)
        for g in range(3):
            both = expand(chain, b"key", 44)
            generations.append({"direction": direction, "g": g, "chain": chain.hex(),
                                "key": both[:32].hex(), "iv": both[32:].hex()})
            for number in {0: (0, 1, 65535), 1: (65536, 65537, 131071), 2: (131072,)}[g]:
                kind = 2 if direction == "c2s" and number == 0 else 0
                payload = b"" if kind or number == 1 else f"{direction} {number}".encode()
                records.append({"direction": direction, "chain": chain.hex(), "number": str(number),
                                "kind": kind, "payload": payload.hex(),
                                "record": seal(chain, number, kind, payload).hex()})
            chain = expand(chain, b"next", 32)
    high = sha256(b"a chain key of generation 2^48 - 1")
    for number in (2**64 - 65536, 2**64 - 2, 2**64 - 1):
        kind = 1 if number == 2**64 - 1 else 0
        payload = b"" if kind else b"late"
        records.append({"direction": "high", "chain": high.hex(), "number": str(number),
                        "kind": kind, "payload": payload.hex(),
                        "record": seal(high, number, kind, payload).hex()})

    exports = []
    for label, context, length in ((b"", b"", 1), (b"label", b"context", 32), (b"label", b"context", 33),
                                   (b"l" * 255, b"c" * 300, 64), (b"long", b"", 8160)):
        out = expand(x, bytes([len(label)]) + label + sha256(context), length)
        exports.append({"label": label.hex(), "context": context.hex(), "length": length,
                        "sha256": sha256(out).hex()})
    return {"m1": m1.hex(), "m2": m2.hex(), "m3": m3.hex(), "k": k.hex(), "th": th.hex(),
            "prk": prk.hex(), "exporter": x.hex(), "generations": generations, "records": records,
            "exports": exports}


# Chapter 5: challenges and tokens

def sign(seed, message):
    _, secret = nacl.bindings.crypto_sign_seed_keypair(seed)
    return nacl.bindings.crypto_sign(message, secret)  # signature || message


def tokens():
    out = []
    for server_id, now in (("", 1_000), ("tokens.example", 1_700_000_000_999), ("\u00fc" * 200, 4_294_967_295_999)):
        server, client = sha256(b"server" + server_id.encode()), sha256(b"client" + server_id.encode())
        public, _ = nacl.bindings.crypto_sign_seed_keypair(client)
        server_public, _ = nacl.bindings.crypto_sign_seed_keypair(server)
        time = (now // 1000).to_bytes(4, "big")
        challenge = sign(server, b"\x01" + public + time)
        out.append({"server_seed": server.hex(), "server_public": server_public.hex(),
                    "client_seed": client.hex(), "client_public": public.hex(),
                    "server_id": server_id, "now": now, "challenge": challenge.hex(),
                    "signed_challenge": sign(client, server_id.encode() + challenge).hex(),
                    "signed_challenge_without_id": sign(client, challenge).hex(),
                    "token": sign(server, b"\x02" + public + time).hex()})
    return out


# Section 5.4: curve arithmetic (RFC 8032, section 5.1, affine and slow) for signatures no library makes

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def mul(n, p):
    q = (0, 1)
    while n:
        q = add(q, p) if n & 1 else q
        p, n = add(p, p), n >> 1
    return q


def decode(octets):
    y = int.from_bytes(octets, "little") & (1 << 255) - 1
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != xx:
        return None
    return (P - x) % P if x & 1 != octets[31] >> 7 else x, y % P


def encode(p):
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def le(n):
    return n.to_bytes(32, "little")


BASE = decode(bytes.fromhex("58" + "66" * 31))
EIGHTH = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
SMALL = [mul(i, EIGHTH) for i in range(8)]


def challenge_of(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little")


def forge(public, a, torsion, r, pick):
    """(message, R || S) with S = r + h*a, where `public` encodes a*B + torsion, R = r*B + T and T is
    picked from h. The equation without cofactor holds if and only if T = -(h mod L)*torsion: libsodium
    reduces h modulo L, which for a key of mixed order is not the same as leaving it."""
    for i in range(1000):
        message = b"message %d" % i
        for t in SMALL:
            encoded = encode(add(mul(r, BASE), t))
            h = challenge_of(encoded, public, message)
            if pick(h, t):
                return message, encoded + le((r + h * a) % L)
    raise AssertionError("no message found")


def ed25519():
    a, r = 0x1234567890ABCDEF**4 % L, 0xFEDCBA0987654321**4 % L
    plain = encode(mul(a, BASE))
    mixed = encode(add(mul(a, BASE), EIGHTH))
    cases = []

    def case(name, public, message, signature):
        try:
            nacl.bindings.crypto_sign_open(signature + message, public)
            accept = True
        except Exception:  # PyNaCl has one class for every refusal
            accept = False
        cases.append({"name": name, "public": public.hex(), "message": message.hex(),
                      "signature": signature.hex(), "accept": accept})

    def holds(torsion):
        return lambda h, t: t == mul(-(h % L) % 8, torsion)

    neutral = SMALL[0]
    message, good = forge(plain, a, neutral, r, holds(neutral))
    case("valid", plain, message, good)
    case("valid, other message", plain, message + b"!", good)
    s = int.from_bytes(good[32:], "little")
    for k in range(1, 15):
        case(f"S + {k} L", plain, message, good[:32] + le(s + k * L))
    case("S = L, R neutral", plain, message, encode(neutral) + le(L))
    case("key of mixed order", mixed, *forge(mixed, a, EIGHTH, r, holds(EIGHTH)))
    case("key of mixed order, hash not reduced modulo L", mixed,
         *forge(mixed, a, EIGHTH, r, lambda h, t: t == mul(-h % 8, EIGHTH) and not holds(EIGHTH)(h, t)))
    case("key of mixed order, cofactor only", mixed,
         *forge(mixed, a, EIGHTH, r, lambda h, t: t == neutral and h % L % 8))
    case("R of mixed order, cofactor only", plain, *forge(plain, a, neutral, r, lambda h, t: t == EIGHTH))
    for i, point in enumerate(SMALL):
        # r = 0, so that R is the small point itself and everything but its order is in order.
        case(f"R of small order {i}", mixed,
             *forge(mixed, a, EIGHTH, 0, lambda h, t: t == point and holds(EIGHTH)(h, t)))
    # Every encoding of a point of small order, canonical or not, either sign bit: R is of large order and
    # the equation holds.
    ys = sorted({y for _, y in SMALL} | {P, P + 1})
    for y in ys:
        for sign_bit in (0, 1):
            public = le(y | sign_bit << 255)
            point = decode(public)
            message, signature = forge(public, 0, point, r, holds(point))
            case(f"key of small order {public.hex()}", public, message, signature)
            case(f"R is {public.hex()}", plain, b"message", public + good[32:])
    for y in range(P + 2, 2**255):
        if decode(le(y)):
            case(f"key p + {y - P}, not canonical", le(y), message, good)
    off = next(le(y) for y in range(2, 100) if decode(le(y)) is None)
    case("key not a point", off, message, good)
    case("R not a point", plain, message, off + good[32:])
    return cases


print(json.dumps({"channel": channel(), "tokens": tokens(), "ed25519": ed25519()}, indent=1))
