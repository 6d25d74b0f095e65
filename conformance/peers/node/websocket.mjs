// Section 6.1 with the package ws.
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { TunnelError } from '../../shims/node/conventions.mjs';
import { messageLimit, takeWebSocketMessage } from '../../shims/node/framing.mjs';

const HIGH_WATER = 1 << 20; // octets that wait in the library before we stop to send
const OPENING = 10_000; // ms for the opening handshake of RFC 6455

const OPTIONS = {
  perMessageDeflate: false, // FRAME-003
  // ws has one limit for a connection's whole life (FRAME-015); `takeWebSocketMessage` applies the smaller one.
  maxPayload: messageLimit(true),
  maxFragments: 0, // any number: how a message is split makes no difference (FRAME-004)
  skipUTF8Validation: true, // a text message is refused by us, ill-formed or not, so both ends look alike
  closeTimeout: 2_000,
};

class WebSocketTransport {
  leavesUnread = false;
  #ws;
  #connection;
  #ended = false;

  constructor(ws) {
    this.#ws = ws;
  }

  start(connection) {
    this.#connection = connection;
    this.#ws.on('message', (data, isBinary) => {
      if (this.#ended) return;
      try {
        connection.message(takeWebSocketMessage({ binary: isBinary ? data : undefined }, connection.established));
      } catch (error) {
        connection.fault(error);
      }
    });
    // What ws finds by itself it ends with a status code of its own (OBS-003).
    this.#ws.on('error', ({ code }) => {
      if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') connection.fault(new TunnelError('frame.too_long'));
      else connection.ended();
    });
    this.#ws.on('close', () => connection.ended());
  }

  send(message) {
    this.#ws.send(message, { binary: true }, () => {
      if (this.#ws.bufferedAmount < HIGH_WATER) this.#connection.drained();
    });
    return this.#ws.bufferedAmount < HIGH_WATER;
  }

  hold() {
    this.#ws.pause();
  }

  release() {
    this.#ws.resume();
  }

  end() {
    this.#ended = true;
    this.#ws.close(); // without a status code (OBS-002)
    this.#ws.resume(); // to see the peer's close frame
  }
}

/** Listens and resolves to { port, close }. `accept(transport, port)` is called for each peer. */
export function listen(host, accept) {
  const http = createServer({ headersTimeout: OPENING, requestTimeout: OPENING, connectionsCheckingInterval: 1_000 }, (_, response) => {
    response.writeHead(426).end();
  });
  const server = new WebSocketServer({ server: http, ...OPTIONS });
  server.on('connection', (ws, request) => accept(new WebSocketTransport(ws), request.socket.remotePort));
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(0, host, () => resolve({ port: http.address().port, close: () => http.close() }));
  });
}

/** Calls `opened(transport)`, before anything that the peer sends is handed over, or `failed(error)`. */
export function dial(host, port, opened, failed) {
  const ws = new WebSocket(`ws://${host}:${port}/`, { ...OPTIONS, handshakeTimeout: OPENING });
  ws.once('error', failed);
  ws.once('open', () => {
    ws.off('error', failed);
    opened(new WebSocketTransport(ws));
  });
}
