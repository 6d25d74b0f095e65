"""Chapter 6: messages on a byte stream or WebSocket."""

from .errors import CallerError, Refusal

LIMIT_BEFORE, LIMIT = 4096, 2**24  # octets of a message, before and after the receiver is established


def limit(established: bool) -> int:
    return LIMIT if established else LIMIT_BEFORE


def encode(message: bytes, peer_established: bool) -> bytes:
    """The frame of a message on a byte stream."""
    if not message:
        raise CallerError("zero_length")
    if len(message) > limit(peer_established):
        raise CallerError("too_long")
    return len(message).to_bytes(4, "big") + message


class StreamReader:
    """Cuts a byte stream into messages. It buffers what it was fed and allocates nothing ahead of that.

    Take messages one at a time, and set `established` before taking the one after that which made it so:
    the limit is that of the moment a message is taken (FRAME-013).
    """

    def __init__(self, established: bool = False):
        self.established = established
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> None:
        self._buffer += octets

    def take(self) -> bytes | None:
        """The next message, or None until more octets have been fed."""
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if length == 0:
            raise Refusal("zero_length")
        if length > limit(self.established):
            raise Refusal("too_long")
        if len(self._buffer) < 4 + length:
            return None
        message = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return message

    @property
    def empty(self) -> bool:
        """True if every octet that was fed belongs to a message that was taken."""
        return not self._buffer

    def end(self) -> None:
        """The stream has ended, after `take` returned None."""
        if not self.empty:
            raise Refusal("early_end")


def take_websocket(message: bytes | str, established: bool) -> bytes:
    """A message as a WebSocket library hands it over: text is str, binary is bytes.

    An empty message is passed on: whoever receives it refuses it under a code of its own (FRAME-005).
    """
    if isinstance(message, str):
        raise Refusal("text_message")
    if len(message) > limit(established):
        raise Refusal("too_long")
    return message
