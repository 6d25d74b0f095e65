// One connection: a party of chapter 3 and then its channel of chapter 4, over a transport.
//
// A transport (tcp.mjs, websocket.mjs) has
//   start(connection)   deliver what arrives to `message`, `fault`, `ended` and `drained` of the connection
//   send(message)       send one message; false if the connection had better wait for `drained`
//   end()               end it as every connection ends (OBS-002), and deliver nothing more
//   hold(), release()   stop and go on reading
//   leavesUnread        true if `hold` leaves in the network what follows a message (byte streams)
import { TunnelError } from '../../shims/node/conventions.mjs';
import { ClientHandshake, ServerHandshake } from '../../shims/node/handshake.mjs';

const CLOSE = Symbol('close');
const wallClock = () => BigInt(Math.floor(Date.now() / 1000));

class Connection {
  #report;
  #openedAt = performance.now(); // a clock that is never set back (CONV-006)
  #alarm = null;
  #outbox = []; // what is to be sent in the channel: { payload, times } or CLOSE
  #congested = false;
  #closed = { own: false, peer: false };
  #over = false;

  /** `report(event)` is told of `open` and `end`, and a client's of `message`. */
  constructor(transport, party, report) {
    this.transport = transport;
    this.party = party;
    this.#report = report;
  }

  start() {
    this.transport.start(this);
    this.begin();
    this.setAlarm();
  }

  /** Milliseconds since the transport opened, the time of all deadlines. */
  get at() {
    return performance.now() - this.#openedAt;
  }

  get established() {
    return this.party.established;
  }

  get closedByPeer() {
    return this.#closed.peer;
  }

  get over() {
    return this.#over;
  }

  // --- what the application wants ---

  /** Sends when the connection is established, and as fast as the transport takes it. */
  send(payload, times = 1) {
    if (this.#outbox.at(-1) === CLOSE || this.#closed.own) return;
    this.#outbox.push({ payload, times });
    this.#flush();
  }

  /** Closes this direction after all that is to be sent, and waits for the peer's close record. */
  close() {
    if (this.#outbox.at(-1) === CLOSE || this.#closed.own) return;
    this.#outbox.push(CLOSE);
    this.#flush();
  }

  /** Gives up without a close record: there is no channel yet, or no time left. */
  abandon() {
    if (!this.#over) this.#end({ clean: false });
  }

  // --- what the transport has to say ---

  message(octets) {
    this.attempt(() => {
      if (!this.established) return this.handshake(octets);
      const { type, payload } = this.party.channel.receive(octets);
      if (type === 'data') return this.data(payload);
      this.#closed.peer = true;
      this.close(); // CHAN-035: after what is still to be sent
      this.#flush();
    });
  }

  /** Framing refused what arrived. */
  fault(error) {
    this.attempt(() => {
      if (!this.established) this.party.wake(this.at); // what is late is `timeout`, whatever it is (HS-064)
      throw error;
    });
  }

  /** The peer has ended the transport, or it broke. `sendable`: only the peer's direction has ended. */
  ended(sendable = false) {
    this.attempt(() => {
      if (!this.established) return this.party.end(this.at); // refuses (HS-073)
      if (this.party.channel.transportEnded() !== 'clean') throw new TunnelError('chan.truncated');
      if (!sendable) this.#end({ clean: true }); // else what is still to be sent goes first
    });
  }

  /** The transport has room again. */
  drained() {
    this.#congested = false;
    if (!this.#over) this.#flush();
  }

  // --- for the two roles below ---

  /** Runs one step. A refusal ends the connection; any other exception is a fault of this program and shows itself. */
  attempt(step) {
    if (this.#over) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      this.#fail(error);
    }
  }

  opened(event = {}) {
    this.setAlarm();
    this.#report({ event: 'open', ...event });
    this.#flush();
  }

  /** Time passes without anything arriving: the party has to be woken at its deadline. */
  setAlarm() {
    clearTimeout(this.#alarm);
    if (this.#over || this.party.deadline === Infinity) return;
    const wake = () => {
      this.attempt(() => this.party.wake(this.at));
      this.setAlarm(); // a timer may be a little early
    };
    this.#alarm = setTimeout(wake, Math.max(1, this.party.deadline - this.at));
  }

  deliver(payload) {
    this.#report({ event: 'message', payload });
  }

  /** True while something waits to be sent. */
  get backlog() {
    return this.#congested || this.#outbox.length > 0;
  }

  /** Called after sending: what a role does about a peer that does not read. */
  afterFlush() {}

  // --- inside ---

  #flush() {
    if (!this.established) return;
    const { channel } = this.party;
    while (this.#outbox.length > 0 && !this.#congested) {
      const next = this.#outbox[0];
      if (next === CLOSE || --next.times === 0) this.#outbox.shift();
      const record = next === CLOSE ? channel.close() : channel.send(next.payload);
      this.#closed.own = next === CLOSE;
      this.#congested = !this.transport.send(record);
    }
    this.afterFlush();
    // CHAN-036, in the next turn of the event loop: octets that have arrived already are `after_close` (CHAN-034).
    if (this.#closed.own && this.#closed.peer) setImmediate(() => this.#over || this.#end({ clean: true }));
  }

  // Nothing is sent, and the end looks like any other (OBS-001, OBS-002); only the local side is told why (OBS-004).
  #fail({ class: kind, code }) {
    const at = this.at;
    const delay = (this.party.releaseAt?.(at) ?? at) - at; // OBS-005
    this.#over = true;
    clearTimeout(this.#alarm);
    this.party.channel?.transportFailed(); // dead in both directions, keys erased (CHAN-027, CHAN-031)
    const end = () => this.#end({ clean: false, class: kind, code });
    if (delay > 0) setTimeout(end, delay);
    else end();
  }

  #end(outcome) {
    this.#over = true;
    this.#outbox = [];
    clearTimeout(this.#alarm);
    this.transport.end();
    this.#report({ event: 'end', ...outcome });
  }
}

/** A server's connection. Its application is echo. */
export class ServerConnection extends Connection {
  #lookUp;
  #id;

  /** `lookUp(id)` answers, perhaps later, { found: serverKey } or 'unknown'; if it throws, it has failed. */
  constructor(transport, { privateKey, releaseDelay, lookUp, report }) {
    super(transport, new ServerHandshake({ privateKey, releaseDelay }), report);
    this.#lookUp = lookUp;
  }

  begin() {
    this.transport.send(this.party.m1); // HS-018
  }

  handshake(message) {
    const id = this.party.receive(this.at, message);
    if (id === null) return this.opened({ id: this.#id }); // the open record; the id is proved only now (HS-066)
    // On a byte stream what follows M2 stays unread until M3 is sent (HS-071). A WebSocket message that comes
    // before that reaches the party, which refuses it as `order` (HS-070).
    if (this.transport.leavesUnread) this.transport.hold();
    this.#answer(id);
  }

  async #answer(id) {
    const answer = await Promise.resolve(id).then(this.#lookUp).catch(() => 'failed');
    this.attempt(() => {
      const m3 = this.party.answer(this.at, answer, wallClock()); // the clock is read after the look-up (HS-041)
      this.#id = id;
      this.transport.send(m3);
      this.setAlarm();
      this.transport.release();
    });
  }

  data(payload) {
    this.send(payload);
  }

  // A peer that sends and does not read what comes back must not fill our memory.
  afterFlush() {
    if (this.backlog) this.transport.hold();
    else this.transport.release();
  }
}

/** A client's connection. It reads even while it can't send: its peer may be sending back all that it gets. */
export class ClientConnection extends Connection {
  #privateKey;

  /** `privateKey` is made for this connection alone, and beforehand: making it takes seconds (HS-074). */
  constructor(transport, { clientKey, pin, privateKey, report }) {
    super(transport, new ClientHandshake({ clientKey, pin }), report);
    this.#privateKey = privateKey;
  }

  begin() {} // HS-019

  handshake(message) {
    const open = this.party.receive(this.at, message);
    if (open === null) {
      this.transport.send(this.party.request(this.at, { privateKey: this.#privateKey, now: wallClock() }));
      this.#privateKey = null; // HS-075
      return this.setAlarm();
    }
    this.transport.send(open); // at once (HS-059)
    this.opened();
  }

  data(payload) {
    this.deliver(payload);
  }
}
