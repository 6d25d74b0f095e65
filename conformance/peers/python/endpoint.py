#!/usr/bin/env python3
"""A server or client of the secure tunnel, driven by the live protocol (spec/live-protocol.md)."""

import asyncio
import functools
import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "shims" / "python"))

import tcp
import websocket
from connection import ClientConnection, ServerConnection
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from tunnel.credentials import ClientKey
from tunnel.errors import Refusal
from tunnel.handshake import UNKNOWN

TRANSPORTS = {"tcp": tcp, "ws": websocket}
HOUR = 3600  # seconds
GOODBYE = 5  # seconds for the channels to close at the end


class Endpoint:
    """What both roles have: their connections, by port or by number."""

    def __init__(self):
        self._connections = {}
        self._tasks = set()
        self._queues = {}

    def command(self, line: dict) -> None:
        """One line of the harness. For one connection they are carried out in their order."""
        if "close" in line:
            self._enqueue(line["close"], lambda connection: connection.close())
        elif "send" in line:
            payload, times = bytes.fromhex(line["payload"]), line.get("times", 1)
            self._enqueue(line["send"], lambda connection: connection.send(payload, times))
        else:
            raise ValueError(f"unknown line with the fields {sorted(line)}")

    async def stop(self) -> None:
        for key in self._connections:
            self._enqueue(key, lambda connection: connection.close())
        running = {task for _, task in self._connections.values()}
        if running:
            await asyncio.wait(running, timeout=GOODBYE)

    async def _run(self, name: dict, connection) -> None:
        (key,) = name.values()
        self._connections[key] = connection, asyncio.current_task()
        try:
            await connection.run()
        finally:
            del self._connections[key]

    def _enqueue(self, key: int, action) -> None:
        if key in self._connections:
            connection, _ = self._connections[key]
            before = self._queues.get(key)
            self._queues[key] = self._spawn(_after(before, action(connection)))

    def _spawn(self, work) -> asyncio.Task:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class ServerEndpoint(Endpoint):
    @classmethod
    async def start(cls, line: dict) -> "ServerEndpoint":
        self = cls()
        self._learn(line["credentials"])
        self._release = line.get("release_ms")
        if given := line.get("rsa_key"):
            self._key = load_key(given)
        else:
            self._key = await new_key()
            self._spawn(self._renew())
        self.port, self._listener = await TRANSPORTS[line["transport"]].listen(line["host"], self._accept)
        return self

    def command(self, line: dict) -> None:
        if "credentials" not in line:
            return super().command(line)
        self._learn(line["credentials"])
        write({"credentials": len(self._credentials)})

    async def stop(self) -> None:
        self._listener.close()
        await super().stop()

    async def _accept(self, transport) -> None:
        name = {"peer": transport.peer}
        report = functools.partial(write_event, name)
        await self._run(name, ServerConnection(transport, self._key, self._look_up, self._release, report))

    def _learn(self, credentials: list) -> None:
        self._credentials = {bytes.fromhex(c["id"]): bytes.fromhex(c["server_key"]) for c in credentials}

    async def _look_up(self, id: bytes):
        return self._credentials.get(id, UNKNOWN)

    async def _renew(self) -> None:
        """HS-078. A handshake that began with the old key keeps it to its end (HS-079)."""
        while True:
            await asyncio.sleep(HOUR)
            self._key = await new_key()


class ClientEndpoint(Endpoint):
    port = None

    @classmethod
    async def start(cls, _line: dict) -> "ClientEndpoint":
        return cls()

    def command(self, line: dict) -> None:
        if "dial" not in line:
            return super().command(line)
        self._spawn(self._dial(line))

    async def _dial(self, line: dict) -> None:
        name = {"dial": line["dial"]}
        report = functools.partial(write_event, name)
        key = load_key(line["rsa_key"]) if line.get("rsa_key") else await new_key()
        pin = bytes.fromhex(line["pin"]) if line.get("pin") else None
        try:
            client_key = ClientKey.parse(bytes.fromhex(line["client_key"]))
            transport = await TRANSPORTS[line["transport"]].dial(line["host"], line["port"])
        except Refusal as refusal:
            return report({"event": "end", "clean": False, "class": refusal.error_class, "code": refusal.code})
        except Exception as error:  # whatever keeps the transport from opening
            print(f"dial {line['dial']}: {error!r}", file=sys.stderr)
            return report({"event": "end", "clean": False})
        connection = ClientConnection(transport, client_key, pin, key, report)
        for payload in line.get("send", []):
            before = self._queues.get(line["dial"])
            self._queues[line["dial"]] = self._spawn(_after(before, connection.send(bytes.fromhex(payload))))
        await self._run(name, connection)


async def _after(before: asyncio.Task | None, action) -> None:
    if before:
        await before
    await action


@functools.cache
def load_key(der: str):
    # Keys given by the harness are known to be good; checking one takes seconds.
    return load_der_private_key(bytes.fromhex(der), None, unsafe_skip_rsa_key_validation=True)


async def new_key():
    """HS-001, HS-002; on a thread of its own, since it takes seconds."""
    return await asyncio.to_thread(rsa.generate_private_key, 65537, 4552)


def write(line: dict) -> None:
    print(json.dumps(line), flush=True)


def write_event(name: dict, event: dict) -> None:
    """Octets are hexadecimal, or when long their length and hash."""
    write(name | {key: _hex(value) if isinstance(value, bytes) else value for key, value in event.items()})


def _hex(octets: bytes):
    if len(octets) <= 4096:
        return octets.hex()
    return {"length": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}


async def main() -> None:
    async def next_line():
        line = await asyncio.to_thread(sys.stdin.buffer.readline)
        return json.loads(line) if line else None

    start = await next_line()
    if start["v"] != 1:
        sys.exit("this endpoint speaks version 1 of the live protocol only")
    roles = {"server": ServerEndpoint, "client": ClientEndpoint}
    endpoint = await roles[start["role"]].start(start)
    language = f"Python {sys.version.split()[0]}"
    implementation = {"name": "secure-tunnel-python", "version": "0.1.0", "language": language}
    write({"ready": True, "port": endpoint.port, "implementation": implementation})
    while (line := await next_line()) is not None:
        endpoint.command(line)
    await endpoint.stop()
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
