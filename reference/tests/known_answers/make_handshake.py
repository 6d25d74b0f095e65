#!/usr/bin/env python3
"""Known answers for credentials and handshake, made from the specification with the standard library.

Writes handshake.json beside itself: python3 reference/tests/known_answers/make_handshake.py
Shares no code with the reference: X25519, OAEP and the DER of the keys are spelled out here.
"""

import base64
import hashlib
import hmac
import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
KEYS = HERE.parents[2] / "vectors" / "keys"
DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
E = 65537


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf(salt, ikm, info, length):
    prk = hmac.digest(salt, ikm, "sha256")
    out, block = b"", b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + bytes([i]), "sha256")
        out += block
    return out[:length]


def x25519_base(scalar):
    """RFC 7748, section 5: the Montgomery ladder from u = 9."""
    p, a24 = 2**255 - 19, 121665
    k = bytearray(scalar)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def digest62(n, label, ident, x):
    number = int.from_bytes(sha256(label + b"\0" + bytes([len(ident)]) + ident + x), "big")
    digits = bytearray()
    for _ in range(n):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return bytes(digits[::-1])


def credentials(ident, pc, ps):
    label = b"secure-tunnel/v1/client-password"
    okm = hkdf(label, pc, bytes([len(ident)]) + ident, 64)
    dc = digest62(18, label, ident, x25519_base(okm[:32]) + okm[32:])
    ds = digest62(8, b"secure-tunnel/v1/server-password", ident, ps)
    return ident + pc + ds, ps + dc


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


def integer(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def spki(n):
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d010101") + bytes.fromhex("0500"))
    key = der(0x30, integer(n) + integer(E))
    return der(0x30, algorithm + der(3, b"\0" + key))


def read(data):
    """One DER element: tag, content, what follows."""
    tag, length, data = data[0], data[1], data[2:]
    if length & 128:
        count = length & 127
        length, data = int.from_bytes(data[:count], "big"), data[count:]
    return tag, data[:length], data[length:]


def modulus(name):
    """n of the PKCS#8 key in vectors/keys."""
    lines = (KEYS / f"test-rsa-{name}.pem").read_text().splitlines()
    lines = lines[lines.index("-----BEGIN PRIVATE KEY-----") + 1 : -1]
    _, info, _ = read(base64.b64decode("".join(lines)))
    _, _, rest = read(info)  # version
    _, _, rest = read(rest)  # algorithm
    _, octets, _ = read(rest)
    _, key, _ = read(octets)
    _, _, rest = read(key)  # version
    _, n, _ = read(rest)
    return int.from_bytes(n, "big")


def mgf1(seed, length):
    blocks = [hashlib.sha1(seed + i.to_bytes(4, "big")).digest() for i in range(-(-length // 20))]
    return b"".join(blocks)[:length]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def oaep(n, message, seed):
    """RFC 8017, section 7.1.1, with SHA-1 and the empty label."""
    k = (n.bit_length() + 7) // 8
    db = hashlib.sha1(b"").digest()
    db += bytes(k - len(message) - 42) + b"\1" + message
    masked_db = xor(db, mgf1(seed, len(db)))
    masked_seed = xor(seed, mgf1(masked_db, 20))
    return pow(int.from_bytes(b"\0" + masked_seed + masked_db, "big"), E, n).to_bytes(k, "big")


def handshake(server, client, ident, t, t_reply, fill):
    r, seed_c, k, seed_s = (bytes([fill + i]) * n for i, n in enumerate([14, 20, 48, 20]))
    pc, ps = b"aBcDeFghIjK1mN0P9R", b"l234567B"
    client_key, server_key = credentials(ident, pc, ps)
    n_s, n_c = modulus(server), modulus(client)
    m1, spki_c = spki(n_s), spki(n_c)
    nonce = r + sha256(b"secure-tunnel/v1 nonce\0" + sha256(m1) + sha256(spki_c) + r)[:16]
    p1 = bytes([len(ident)]) + ident + pc + t.to_bytes(8, "big") + nonce
    m2 = spki_c + oaep(n_s, p1, seed_c)
    p3 = ps + k + t_reply.to_bytes(8, "big") + nonce
    m3 = oaep(n_c, p3, seed_s)
    return {
        "server": server,
        "client": client,
        "client_key": client_key.hex(),
        "server_key": server_key.hex(),
        "t": str(t),
        "t_reply": str(t_reply),
        "r": r.hex(),
        "seed_c": seed_c.hex(),
        "k": k.hex(),
        "seed_s": seed_s.hex(),
        "m1": m1.hex(),
        "m2": m2.hex(),
        "m3": m3.hex(),
    }


def main():
    pairs = []
    for ident in ["a", "MyId", "0" * 26, "café", "\ufeff\u202e ", "é" * 127 + "x"]:
        for pc, ps in [(b"0" * 18, b"0" * 8), (b"z" * 18, b"z" * 8), (b"aBcDeFghIjK1mN0P9R", b"l234567B")]:
            ident_octets = ident.encode()
            client_key, server_key = credentials(ident_octets, pc, ps)
            pairs.append(
                {
                    "id": ident_octets.hex(),
                    "client_password": pc.decode(),
                    "server_password": ps.decode(),
                    "client_key": client_key.hex(),
                    "server_key": server_key.hex(),
                }
            )
    last = 2**64 - 1
    handshakes = [
        handshake("4552-a", "4552-b", b"MyId", 1700000000, 1700000009, 0x11),
        handshake("4480-a", "4552-b", "é".encode() * 127, 0, 9, 0x21),
        handshake("4425", "8192", b"x" * 255, last, last - 9, 0x31),
        handshake("8192", "4425", b"x", 5, 0, 0x41),
        handshake("4432", "4480-b", b"MyId", 1, 2, 0x51),
    ]
    text = json.dumps({"credentials": pairs, "handshakes": handshakes}, indent=1)
    (HERE / "handshake.json").write_text(text + "\n")


main()
