#!/usr/bin/env python3
"""The test shim: spec/shim-protocol.md on standard input and output, in front of the package `tunnel`."""

import functools
import hashlib
import json
import sys

from cryptography.hazmat.primitives.serialization import load_der_private_key

from tunnel import channel, credentials, framing, handshake, rsa, tls, tokens
from tunnel.errors import Refusal

KINDS = {"data": channel.DATA, "close": channel.CLOSE, "open": channel.OPEN}
KIND_NAMES = {kind: name for name, kind in KINDS.items()}
U64 = {"n", "now", "now_ms", "challenge_ttl_ms", "token_ttl_ms", "release_delay_ms"}
TEXT = {"private_key", "lookup", "role", "type", "direction", "peer", "policies"}  # strings that are not octets to be decoded


def decode(value, name=None):
    """A request's values: octets become bytes, and u64 int."""
    if isinstance(value, str):
        return value if name in TEXT else int(value) if name in U64 else bytes.fromhex(value)
    if isinstance(value, list):
        return [decode(item, name) for item in value]
    if isinstance(value, dict) and "repeat" in value:
        pattern, length = bytes.fromhex(value["repeat"]), value["length"]
        return (pattern * (length // len(pattern) + 1))[:length]
    return {key: decode(item, key) for key, item in value.items()} if isinstance(value, dict) else value


def encode(value, name=None):
    """An answer's values: octets become hexadecimal or, when long, length and hash; u64 a string."""
    if isinstance(value, bytes):
        digest = {"length": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        return value.hex() if len(value) <= 4096 else digest
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item, key) for key, item in value.items()}
    return str(value) if name == "t" else value


@functools.cache
def private_key(der):
    # The test keys are known to be good; checking that takes seconds for each.
    return load_der_private_key(bytes.fromhex(der), None, unsafe_skip_rsa_key_validation=True)


def cred_make(i):
    keys = credentials.make(i["id"], i["client_password"], i["server_password"])
    return {"client_key": keys[0].to_bytes(), "server_key": keys[1].to_bytes()}


def hs_client(i):
    out = {"sent": [], "established": False}

    def step(party, event, at):
        if "request" in event:
            return party.request(private_key(i["private_key"]), event["request"]["now"], at)
        return party.receive(event["receive"], at)

    def start():
        return handshake.Client(credentials.ClientKey.parse(i["client_key"]), i.get("pin"), lambda _: i["r"])

    return play(start, step, i["events"], out)


def hs_server(i):
    out = {"sent": [], "looked_up": None, "established": False}

    def step(party, event, at):
        if "lookup" in event:
            answer = event["lookup"]
            return party.looked_up(answer if isinstance(answer, str) else answer["found"], event["now"], at)
        id = party.receive(event["receive"], at)
        out["looked_up"] = id if id is not None else out["looked_up"]

    def start():
        party = handshake.Server(private_key(i["private_key"]), lambda _: i["k"], i.get("release_delay_ms"))
        out["sent"].append(party.m1)
        return party

    return play(start, step, i["events"], out)


def play(start, step, events, out):
    """Runs one party of the handshake until it refuses an event; `step` returns what it sends, or None."""
    party, at = None, 0
    try:
        party = start()
        for event in events:
            at = event["at"]
            if "wake" in event:
                party.wake(at)
            elif party.established:
                channel_event(party.channel, event)
            elif "end" in event:
                party.end(at)
            elif sent := step(party, event, at):
                out["sent"].append(sent)
            out["established"] = party.established
    except Refusal as refusal:
        if isinstance(party, handshake.Server):
            out["release_at"] = party.release_at(at)
        refusal.out = out
        raise
    return out


def chan_open(i):
    kind, payload = channel.Generation(i["chain"]).open(i["n"], i["direction"], i["record"])
    return {"type": KIND_NAMES[kind], "payload": payload}


def chan_session(i):
    start, results = i["start"], []
    if "prk" in start:
        sending, receiving = ("c2s", "s2c") if i["role"] == "client" else ("s2c", "c2s")
        directions = [channel.Direction(d, start[d]["chain"], start[d]["n"]) for d in (sending, receiving)]
        party = channel.Channel(*directions, channel.exporter_key(start["prk"]))
    elif i["role"] == "client":
        party, record = channel.Channel.of_client(*messages_and_k(start))
        results.append({"record": record})
    else:
        party = channel.Channel.of_server(*messages_and_k(start))
    for event in i["events"]:
        try:
            results.append(channel_event(party, event))
        except Refusal as refusal:
            results.append({"error": {"class": refusal.error_class, "code": refusal.code}})
    return {"results": results}


def messages_and_k(i):
    return i["m1"], i["m2"], i["m3"], i["k"]


def channel_event(party, event):
    if "send" in event:
        return {"record": party.send(event["send"])}
    if "close" in event:
        return {"record": party.close()}
    if "receive" in event:
        kind, payload = party.receive(event["receive"])
        return {"data": payload} if kind == channel.DATA else {KIND_NAMES[kind]: True}
    if "export" in event:
        return {"octets": party.export(**event["export"])}
    if "transport_failed" in event:
        party.transport_failed()
        return {"dead": True}
    if "end" in event:
        return {"end": "clean" if party.end() else "truncated"}
    raise ValueError(f"unknown event {sorted(event)}")


def frame(i, take):
    """Collects the messages that `take(established)` yields, and reports them also with a refusal."""
    messages, after = [], i["established_after"]
    try:
        while (message := take(after is not None and len(messages) >= after)) is not None:
            messages.append(message)
    except Refusal as refusal:
        refusal.out = {"messages": messages}
        raise
    return {"messages": messages}


def frame_stream(i):
    reader, reads = framing.StreamReader(), iter(i["reads"])

    def take(established):
        reader.established = established
        while (message := reader.take()) is None:
            if (octets := next(reads, None)) is None:
                return reader.end() if i["end"] else None
            reader.feed(octets)
        return message

    return frame(i, take)


def frame_websocket(i):
    messages = iter(i["messages"])

    def take(established):
        if (message := next(messages, None)) is None:
            return None
        text = message["text"].decode(errors="replace") if "text" in message else None
        return framing.take_websocket(message["binary"] if text is None else text, established)

    return frame(i, take)


def token_server(i):
    lifetimes = i.get("challenge_ttl_ms", tokens.CHALLENGE_TTL), i.get("token_ttl_ms", tokens.TOKEN_TTL)
    return tokens.Server(i["server_private"], i.get("server_id", b""), *lifetimes)


def tok_sign(i):
    key = tokens.SigningKey(i["client_private"])
    return {"signed_challenge": tokens.sign(key, i["challenge"], i.get("server_id", b""))}


def tok_verify(i):
    lifetime = i.get("token_ttl_ms", tokens.TOKEN_TTL)
    return {"client_public": tokens.verify(i["server_public"], i["token"], i["now_ms"], lifetime)}


def tls_verify(i):
    optional = {name: i[name] for name in ("crls", "allow", "deny") if name in i}
    verifier = tls.Verifier(i["anchors"], policies=frozenset(i.get("policies", ())), **optional)
    if i["peer"] == "server":
        return {"fingerprint": tls.fingerprint(verifier.server(i["chain"], i["now"], i["name"]))}
    leaf, identity = verifier.client(i["chain"], i["now"])
    return {"fingerprint": tls.fingerprint(leaf), "identity": identity}


def size(key):
    return {"bits": key.key_size, "octets": rsa.size(key)}


OPS = {
    "cred.make": cred_make,
    "cred.client_key": lambda i: credentials.ClientKey.parse(i["client_key"])._asdict(),
    "cred.server_key": lambda i: credentials.ServerKey.parse(i["server_key"])._asdict(),
    "hs.spki": lambda i: size(rsa.parse_spki(i["spki"])),
    "hs.nonce": lambda i: {"nonce": handshake.bind(i["m1"], i["spki"], i["r"])},
    "hs.request": lambda i: handshake.Request.parse(i["plaintext"])._asdict(),
    "hs.reply": lambda i: handshake.Reply.parse(i["plaintext"])._asdict(),
    "hs.oaep": lambda i: {"plaintext": rsa.decrypt(private_key(i["private_key"]), i["ciphertext"])},
    "hs.client": hs_client,
    "hs.server": hs_server,
    "chan.schedule": lambda i: channel.schedule(*messages_and_k(i), i.get("binding"))._asdict(),
    "chan.generation": lambda i: vars(channel.Generation(i["chain"])),
    "chan.seal": lambda i: {"record": channel.Generation(i["chain"]).seal(i["n"], KINDS[i["type"]], i["payload"])},
    "chan.open": chan_open,
    "chan.export": lambda i: {
        "octets": channel.export(channel.exporter_key(i["prk"]), i["label"], i["context"], i["length"])
    },
    "chan.session": chan_session,
    "frame.stream": frame_stream,
    "frame.websocket": frame_websocket,
    "frame.encode": lambda i: {"frame": framing.encode(i["message"], i["peer_established"])},
    "tok.challenge": lambda i: {"challenge": token_server(i).challenge(i["client_public"], i["now_ms"])},
    "tok.sign": tok_sign,
    "tok.issue": lambda i: {"token": token_server(i).token(i["client_public"], i["signed_challenge"], i["now_ms"])},
    "tok.verify": tok_verify,
    "tls.verify": tls_verify,
    "tls.context": lambda i: {"context": tls.context(i["contexts"], i["default"], i.get("name"))},
}


def hello(request):
    if not request["protocol"]["min"] <= 1 <= request["protocol"]["max"]:
        sys.exit("this shim speaks version 1 of the shim protocol only")
    implementation = {"name": "tunnel-example", "version": "1.0.0", "language": "Python"}
    profiles, features = ["tunnel", "tokens", "mtls"], ["large", "release-delay", "tls-exporter"]
    claims = {"ops": list(OPS), "profiles": profiles, "features": features}
    answer = {"type": "hello", "protocol": 1, "implementation": implementation}
    return answer | claims | {"error_detail": "code", "max_inflight": 8}


def run(request):
    answer = {"type": "answer", "id": request["id"]}
    if request["op"] not in OPS:
        return answer | {"outcome": "unsupported", "reason": "unknown operation"}
    try:
        return answer | {"outcome": "ok", "out": encode(OPS[request["op"]](decode(request["in"])))}
    except Refusal as refusal:
        error = {"class": refusal.error_class, "code": refusal.code, "status": refusal.status}
        answer |= {"outcome": "reject", "error": error | {"native": repr(refusal)}}
        return answer | ({"out": encode(refusal.out)} if hasattr(refusal, "out") else {})
    except Exception as fault:  # not a check that was meant to refuse
        return answer | {"outcome": "fault", "error": {"native": repr(fault)}}


def main():
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["type"] == "bye":
            return
        if request["type"] == "hello":
            answer = hello(request)
        elif request["type"] == "run":
            answer = run(request)
        elif request["type"] == "reset":
            private_key.cache_clear()
            answer = {"type": "reset", "id": request["id"]}
        else:
            continue
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
