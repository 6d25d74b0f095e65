// Section 6.1 with Bun's own WebSocket server and client.
import { TunnelError } from '../../shims/node/conventions.mjs';
import { messageLimit, takeWebSocketMessage } from '../../shims/node/framing.mjs';

const HIGH_WATER = 1 << 20; // octets that wait in Bun before we stop to send
const NO_STATUS = 1005; // RFC 6455: never sent, it stands for a close frame without a status code
const TOO_BIG = 1009;
const POLL = 5; // ms

/** What server and client have in common. */
class WebSocketTransport {
  leavesUnread = false;
  ended = false;

  constructor(ws) {
    this.ws = ws;
  }

  start(connection) {
    this.connection = connection;
  }

  take(message) {
    if (this.ended) return;
    try {
      this.connection.message(takeWebSocketMessage({ binary: typeof message === 'string' ? undefined : message }, this.connection.established));
    } catch (error) {
      this.connection.fault(error);
    }
  }

  /** What Bun finds by itself it ends with a status code of its own (OBS-003). */
  closed(code) {
    if (code === TOO_BIG && !this.ended) this.connection.fault(new TunnelError('frame.too_long'));
    else this.connection.ended();
  }

  hold() {
    if (!this.ended) this.ws.pause();
  }

  release() {
    if (!this.ended) this.ws.resume();
  }
}

class ServerTransport extends WebSocketTransport {
  send(message) {
    this.ws.sendBinary(message);
    return this.ws.getBufferedAmount() < HIGH_WATER;
  }

  end() {
    this.ws.resume();
    this.ended = true;
    this.ws.close(NO_STATUS); // without a number Bun would send 1000 (OBS-002)
  }
}

class ClientTransport extends WebSocketTransport {
  #waiting = false;

  send(message) {
    this.ws.send(message);
    if (this.ws.bufferedAmount < HIGH_WATER) return true;
    if (!this.#waiting) this.#waitForRoom();
    return false;
  }

  // The client's WebSocket has no event for this.
  #waitForRoom() {
    this.#waiting = true;
    setTimeout(() => {
      if (!this.ended && this.ws.bufferedAmount >= HIGH_WATER) return this.#waitForRoom();
      this.#waiting = false;
      this.connection.drained();
    }, POLL);
  }

  end() {
    this.ws.resume();
    this.ended = true;
    this.ws.close(); // without a number the client sends none
  }
}

/** Listens and resolves to { port, close }. `accept(transport, port)` is called for each peer. */
export async function listen(host, accept) {
  const server = Bun.serve({
    hostname: host,
    port: 0,
    fetch(request, server) {
      const { port } = server.requestIP(request);
      return server.upgrade(request, { data: { port } }) ? undefined : new Response(null, { status: 426 });
    },
    websocket: {
      perMessageDeflate: false, // FRAME-003
      maxPayloadLength: messageLimit(true), // one limit for a connection's whole life (FRAME-015)
      backpressureLimit: 4 * messageLimit(true), // beyond it Bun would throw messages away; we stop long before
      idleTimeout: 0, // the deadlines are those of section 3.7
      sendPings: false,
      open(ws) {
        ws.data.transport = new ServerTransport(ws);
        accept(ws.data.transport, ws.data.port);
      },
      message: (ws, message) => ws.data.transport.take(message),
      drain(ws) {
        if (ws.getBufferedAmount() < HIGH_WATER) ws.data.transport.connection.drained();
      },
      close: (ws, code) => ws.data.transport.closed(code),
    },
  });
  return { port: server.port, close: () => server.stop() };
}

/** Calls `opened(transport)`, before anything that the peer sends is handed over, or `failed(error)`. */
export function dial(host, port, opened, failed) {
  const ws = new WebSocket(`ws://${host}:${port}/`, { perMessageDeflate: false });
  ws.binaryType = 'nodebuffer';
  let transport = null;
  ws.onopen = () => opened((transport = new ClientTransport(ws)));
  ws.onmessage = ({ data }) => transport.take(data);
  ws.onerror = () => {}; // `close` follows
  ws.onclose = ({ code, reason }) => (transport ? transport.closed(code) : failed(new Error(reason || `close ${code}`)));
}
