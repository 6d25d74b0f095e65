// Section 6.2 over TCP.
import net from 'node:net';
import { TunnelError } from '../../shims/node/conventions.mjs';
import { encodeFrame, FrameReader } from '../../shims/node/framing.mjs';

const IDLE = 30_000; // ms without progress in sending the rest
const LINGER = 2_000; // ms for the peer to end too

class TcpTransport {
  leavesUnread = true;
  #socket;
  #reader = new FrameReader();
  #connection;
  #held = false;
  #ended = false;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {}); // `close` follows
  }

  start(connection) {
    this.#connection = connection;
    this.#socket.on('data', (read) => {
      if (this.#ended) return;
      this.#reader.push(read);
      this.#take();
    });
    this.#socket.on('end', () => {
      try {
        this.#reader.end(); // FRAME-010
        connection.ended(true);
      } catch (error) {
        connection.fault(error);
      }
    });
    this.#socket.on('close', () => connection.ended());
    this.#socket.on('drain', () => connection.drained());
  }

  send(message) {
    // Whoever may send more than 4,096 octets is established, and so is its peer: FRAME-017 needs no other check here.
    return this.#socket.write(encodeFrame(message, this.#connection.established));
  }

  hold() {
    this.#held = true;
    this.#socket.pause();
  }

  release() {
    if (!this.#held) return;
    this.#held = false;
    setImmediate(() => this.#take());
  }

  /** Sends what is left and FIN. Closing a socket with octets unread would send RST in place of FIN, and so would tell
   * the peer that there were some: what still comes is read and thrown away, for a short time. */
  end() {
    this.#ended = true;
    this.#socket.setTimeout(IDLE, () => this.#socket.destroy());
    this.#socket.end(() => {
      const linger = setTimeout(() => this.#socket.destroy(), LINGER);
      this.#socket.once('close', () => clearTimeout(linger));
    });
    this.#socket.resume();
  }

  /** Hands on one message after the other. Handling one can change the limit for the next (FRAME-013), put this
   * transport on hold, or end it. */
  #take() {
    try {
      while (!this.#held && !this.#ended) {
        if (this.#connection.closedByPeer && !this.#reader.empty) throw new TunnelError('chan.after_close'); // also less than a frame
        const message = this.#reader.next(this.#connection.established);
        if (message === null) return this.#socket.resume();
        this.#connection.message(message);
      }
    } catch (error) {
      this.#connection.fault(error);
    }
  }
}

/** Listens and resolves to { port, close }. `accept(transport, port)` is called for each peer. */
export function listen(host, accept) {
  // allowHalfOpen: a peer that has sent its close record and FIN still gets what is on its way to it.
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    accept(new TcpTransport(socket), socket.remotePort);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => resolve({ port: server.address().port, close: () => server.close() }));
  });
}

/** Calls `opened(transport)` or `failed(error)`. */
export function dial(host, port, opened, failed) {
  const socket = net.connect({ host, port, allowHalfOpen: true });
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.off('error', failed);
    opened(new TcpTransport(socket));
  });
}
