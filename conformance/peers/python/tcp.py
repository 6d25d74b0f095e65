"""Section 6.2 over TCP."""

import asyncio

from tunnel import framing

READ = 2**16
LINGER = 2  # seconds for the peer to end too


class TcpTransport:
    leaves_unread = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._frames = framing.StreamReader()

    @property
    def peer(self) -> int:
        """The port of the other side."""
        return self._writer.get_extra_info("peername")[1]

    async def recv(self, established: bool) -> bytes:
        self._frames.established = established  # the limit is that of this moment (FRAME-013)
        while (message := self._frames.take()) is None:
            octets = await self._read()
            if not octets:
                self._frames.end()  # refuses the end inside a message (FRAME-010)
                raise EOFError
            self._frames.feed(octets)
        return message

    async def send(self, message: bytes, peer_established: bool) -> None:
        self._writer.write(framing.encode(message, peer_established))
        await self._writer.drain()

    async def arrived(self) -> bool:
        return not self._frames.empty or bool(await at_once(self._read()))

    async def end(self) -> None:
        """Sends what is left and FIN. Closing a socket with octets unread would send RST in place of FIN, and so would
        tell the peer that there were some: what still comes is read and thrown away, for a short time."""
        try:
            async with asyncio.timeout(LINGER):
                self._writer.write_eof()
                while await self._read():
                    pass
        except (OSError, TimeoutError):
            pass
        self._writer.transport.abort()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ)
        except ConnectionError:
            return b""  # whoever looks at how it ended learns nothing from it


async def at_once(step):
    """What `step` gives without waiting, or None."""
    task = asyncio.create_task(step)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()


async def listen(host: str, accept) -> tuple[int, asyncio.Server]:
    """The port, and the server, to be closed. `await accept(transport)` is called for each peer."""

    async def connected(reader, writer):
        await accept(TcpTransport(reader, writer))

    server = await asyncio.start_server(connected, host, 0)
    return server.sockets[0].getsockname()[1], server


async def dial(host: str, port: int) -> TcpTransport:
    return TcpTransport(*await asyncio.open_connection(host, port))
