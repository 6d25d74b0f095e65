"""Section 6.1 with the package websockets."""

import asyncio
import os

os.environ.setdefault("WEBSOCKETS_MAX_FRAGMENTS", str(2**24))  # how a message is split makes no difference (FRAME-004)

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from tcp import at_once
from tunnel import framing
from tunnel.errors import Refusal

TOO_BIG = 1009
OPTIONS = {
    "compression": None,  # FRAME-003
    "max_size": framing.LIMIT,  # one limit for a connection's whole life (FRAME-015)
    "ping_interval": None,  # the deadlines are those of section 3.7
    "open_timeout": 10,
    "close_timeout": 2,
}


class WebSocketTransport:
    leaves_unread = False

    def __init__(self, ws):
        self._ws = ws

    @property
    def peer(self) -> int:
        """The port of the other side."""
        return self._ws.remote_address[1]

    async def recv(self, established: bool) -> bytes:
        try:
            message = await self._ws.recv()
        except ConnectionClosed as closed:
            # What the library finds by itself it ends with a status code of its own (OBS-003).
            if closed.sent and closed.sent.code == TOO_BIG:
                raise Refusal("too_long") from None
            raise EOFError from None
        return framing.take_websocket(message, established)

    async def send(self, message: bytes, peer_established: bool) -> None:
        try:
            await self._ws.send(message)
        except ConnectionClosed:
            raise ConnectionError from None

    async def arrived(self) -> bool:
        try:
            return await at_once(self._ws.recv()) is not None
        except ConnectionClosed:
            return False

    async def end(self) -> None:
        closing = asyncio.create_task(self._ws.close(None))  # without a status code (OBS-002)
        try:
            while True:
                await self._ws.recv()  # messages that nobody takes would hide the peer's close frame
        except (ConnectionClosed, UnicodeDecodeError):
            await closing


async def listen(host: str, accept):
    """The port, and the server, to be closed. `await accept(transport)` is called for each peer."""

    async def connected(ws):
        await accept(WebSocketTransport(ws))

    server = await serve(connected, host, 0, **OPTIONS)
    return server.sockets[0].getsockname()[1], server


async def dial(host: str, port: int) -> WebSocketTransport:
    return WebSocketTransport(await connect(f"ws://{host}:{port}/", proxy=None, **OPTIONS))
