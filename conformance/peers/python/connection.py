"""One connection: a party of chapter 3 and then its channel of chapter 4, over a transport.

A transport (tcp.py, websocket.py) has
    recv(established)   the next message; raises Refusal for what framing refuses, EOFError at the end
    send(message)       sends it, and waits while the peer does not read
    arrived()           True if anything has arrived that was not taken yet
    end()               ends it as every connection ends (OBS-002)
    leaves_unread       True if what is not taken stays in the network (byte streams)
"""

import asyncio
import time

from tunnel.channel import CLOSE
from tunnel.errors import CallerError, Refusal
from tunnel.handshake import ESTABLISHED_MS, FAILED, REPLY_MS, Client, Server


def wall_clock() -> int:
    return int(time.time())


class _Connection:
    def __init__(self, transport, party, report):
        """`report(event)` is told of `open` and `end`, and a client's of `message`."""
        self._transport, self._party, self._report = transport, party, report
        self._opened = time.monotonic()  # a clock that is never set back (CONV-006)
        self._sending = asyncio.Lock()  # records go out in the order in which they were sealed
        self._ready = asyncio.Event()  # established
        self._broken = False

    async def run(self) -> None:
        """From the open transport to its end."""
        try:
            opened = await self._handshake()
            self._report({"event": "open", **opened})
            self._ready.set()
            await self._talk()
            outcome = {"clean": True}
        except Refusal as refusal:
            # Nothing is sent and the end looks like any other (OBS-001); only the local side is told why (OBS-004).
            if self._party.channel:
                self._party.channel.transport_failed()  # dead in both directions (CHAN-027)
            await self._release()
            outcome = {"clean": False, "class": refusal.error_class, "code": refusal.code}
        except asyncio.CancelledError:
            outcome = {"clean": False}
        self._broken = True
        self._ready.set()  # whoever waits to send sees that it is over
        self._report({"event": "end", **outcome})
        await self._transport.end()

    # --- what the application wants ---

    async def send(self, payload: bytes, times: int = 1) -> None:
        """Sends when the connection is established, as fast as the peer reads."""
        await self._ready.wait()
        async with self._sending:
            for _ in range(times):
                await self._send_record(lambda: self._party.channel.send(payload))

    async def close(self) -> None:
        """Closes this direction after all that is to be sent. The peer's close record is for `run` to wait for."""
        await self._ready.wait()
        async with self._sending:
            await self._send_record(lambda: self._party.channel.close())

    # --- for the two roles below ---

    def _at(self) -> float:
        """Milliseconds since the transport opened, the time of all deadlines."""
        return (time.monotonic() - self._opened) * 1000

    async def _recv(self) -> bytes:
        try:
            return await self._transport.recv(self._party.established)
        except EOFError:
            if not self._party.established:
                self._party.end(self._at())  # refuses (HS-073)
            self._party.channel.end()
            raise Refusal("truncated") from None

    async def _until(self, deadline: int, step):
        """Awaits a step of the handshake; at `deadline`, in ms, it is refused as `timeout`."""
        try:
            async with asyncio.timeout(max(0, deadline - self._at()) / 1000):
                return await step
        except TimeoutError:
            self._party.wake(max(deadline, self._at()))  # refuses
            raise
        except Refusal:
            self._party.wake(self._at())  # what is late is `timeout`, whatever it is (HS-064)
            raise

    async def _send(self, message: bytes) -> None:
        try:
            await self._transport.send(message, self._party.established)
        except ConnectionError:
            if not self._party.established:
                self._party.end(self._at())
            self._broken = True  # the end is seen by who reads

    async def _send_record(self, seal) -> None:
        if self._broken:
            return
        try:
            record = seal()
        except CallerError:
            return  # closed already, or too long: nothing was sealed
        await self._send(record)

    async def _talk(self) -> None:
        channel = self._party.channel
        while True:
            record = await self._recv()
            kind, payload = channel.receive(record)
            if kind == CLOSE:
                break
            await self._take(payload)
        await self.close()  # CHAN-035; does nothing if this side has closed before
        if await self._transport.arrived():
            channel.receive(b"")  # refuses as `after_close`, whatever it is (CHAN-034)

    async def _release(self) -> None:
        pass


class ServerConnection(_Connection):
    """A server's connection. Its application is echo."""

    def __init__(self, transport, private_key, look_up, release_delay, report):
        """`await look_up(id)` answers a serverKey's octets or UNKNOWN; if it raises, it has failed."""
        super().__init__(transport, Server(private_key, release_delay=release_delay), report)
        self._look_up = look_up

    async def _handshake(self) -> dict:
        return await self._until(ESTABLISHED_MS, self._establish())

    async def _establish(self) -> dict:
        party = self._party
        await self._send(party.m1)  # HS-018
        id = party.receive_m2(await self._recv(), self._at())
        answer = await self._undisturbed(self._answer(id))
        m3 = party.looked_up(answer, wall_clock(), self._at())  # the clock is read after the look-up (HS-041)
        await self._send(m3)
        party.receive_open(await self._recv(), self._at())
        return {"id": id}  # proved only now (HS-066)

    async def _answer(self, id: bytes):
        try:
            return await self._look_up(id)
        except Exception:  # whatever a look-up does
            return FAILED

    async def _undisturbed(self, look_up):
        """Over WebSocket a message that comes before M3 is sent is refused, not queued (HS-070); on a byte stream it
        stays unread (HS-071)."""
        if self._transport.leaves_unread:
            return await look_up
        answer, message = asyncio.create_task(look_up), asyncio.create_task(self._recv())
        try:
            await asyncio.wait({answer, message}, return_when=asyncio.FIRST_COMPLETED)
            if message.done():
                self._party.receive(message.result(), self._at())  # refuses
            return answer.result()
        finally:
            answer.cancel()
            message.cancel()
            await asyncio.wait({answer, message})

    async def _take(self, payload: bytes) -> None:
        # Nothing more is read until this is sent: a peer that does not read must not fill our memory.
        await self.send(payload)

    async def _release(self) -> None:
        at = self._at()
        await asyncio.sleep((self._party.release_at(at) - at) / 1000)  # OBS-005


class ClientConnection(_Connection):
    """A client's connection."""

    def __init__(self, transport, client_key, pin, private_key, report):
        """`private_key` is made for this connection alone, and beforehand: making it takes seconds (HS-074)."""
        super().__init__(transport, Client(client_key, pin), report)
        self._private_key = private_key

    async def _handshake(self) -> dict:
        party = self._party
        party.receive_m1(await self._until(REPLY_MS, self._recv()), self._at())  # it sends nothing before (HS-019)
        private_key, self._private_key = self._private_key, None  # HS-075
        m2 = party.request(private_key, wall_clock(), self._at())
        sent_at = self._at()
        m3 = await self._until(sent_at + REPLY_MS, self._request(m2))
        await self._send(party.receive_m3(m3, self._at()))  # the open record, at once (HS-059)
        return {}

    async def _request(self, m2: bytes) -> bytes:
        await self._send(m2)
        return await self._recv()

    async def _take(self, payload: bytes) -> None:
        self._report({"event": "message", "payload": payload})
