// Chapter 3: the handshake, as one state machine for each party. `at` is always a reading of the monotonic clock in
// milliseconds, 0 when the transport opened; `now` is the wall clock in whole seconds, a bigint.
import { randomBytes } from 'node:crypto';
import { Channel } from './channel.mjs';
import { distance, len8, sameSecret, sha256, TunnelError, u64 } from './conventions.mjs';
import { CLIENT_PASSWORD, clientDigest, isId, isPassword, parseClientKey, parseServerKey, SERVER_PASSWORD, serverDigest } from './credentials.mjs';
import { MIN_SPKI, RsaPublicKey } from './rsa.mjs';

const NONCE_LABEL = 'secure-tunnel/v1 nonce';
const CLIENT_DEADLINE = 10_000; // ms, section 3.7
const SERVER_DEADLINE = 30_000;
const DUMMY_SERVER_KEY = parseServerKey(Buffer.alloc(26, '0'));

/** What both parties share: order, deadlines and the end. A failure is final (HS-072). */
class Party {
  state;
  deadline = Infinity;
  channel = null;

  get established() {
    return this.channel?.established ?? false;
  }

  /** Nothing arrived, time has passed. */
  wake(at) {
    this.step(at, null, () => {});
  }

  /** The peer has ended the transport. */
  end(at) {
    this.step(at, null, () => {
      if (!this.established) throw new TunnelError('hs.order', 'the transport ended during the handshake'); // HS-073
    });
  }

  /** Does one step if it is time for it; after a failure there is no other. */
  step(at, state, action) {
    try {
      this.expire(at);
      if (state !== null && this.state !== state) throw new TunnelError('hs.order', `${state}, but the party is: ${this.state}`);
      return action();
    } catch (error) {
      this.state = 'dead';
      this.deadline = Infinity;
      this.channel?.transportFailed();
      this.forget();
      throw error;
    }
  }

  expire(at) {
    if (at >= this.deadline) throw new TunnelError('hs.timeout'); // HS-063, HS-064
  }
}

/** The client. M1 comes in by `receive`, M2 is made by `request`, M3 comes in by `receive`; then `channel` is there. */
export class ClientHandshake extends Party {
  #credentials;
  #pin;
  #m1;
  #m2;
  #serverKey;
  #privateKey;
  #sent; // the t and nonce of P1

  constructor({ clientKey, pin = null }) {
    super();
    this.#credentials = parseClientKey(clientKey);
    this.#pin = pin;
    this.state = 'await M1';
    this.deadline = CLIENT_DEADLINE; // HS-060
  }

  /** Takes M1 (null is returned) or M3 (the open record is returned, to be sent at once, HS-059). */
  receive(at, message) {
    const m3 = this.state === 'await M3';
    return this.step(at, m3 ? 'await M3' : 'await M1', () => (m3 ? this.#receiveM3(message) : this.#receiveM1(message)));
  }

  #receiveM1(m1) {
    if (this.#pin && !sha256(m1).equals(this.#pin)) throw new TunnelError('hs.pin'); // HS-020, HS-021
    this.#serverKey = new RsaPublicKey(m1); // HS-022
    this.#m1 = Buffer.from(m1);
    this.state = 'make M2';
    this.deadline = Infinity; // making the RSA key has no limit
    return null;
  }

  /** Makes M2 with an RSA key that was never used before (HS-074). Read the clock after the key exists (HS-027). */
  request(at, { privateKey, now, r = randomBytes(14) }) {
    return this.step(at, 'make M2', () => {
      const { id, clientPassword } = this.#credentials;
      const { spki } = privateKey.publicKey;
      const nonce = makeNonce(this.#m1, spki, r);
      const p1 = Buffer.concat([len8(id), id, clientPassword, u64(now), nonce]); // HS-024
      this.#m2 = Buffer.concat([spki, this.#serverKey.encrypt(p1)]); // HS-023
      p1.fill(0);
      this.#privateKey = privateKey;
      this.#sent = { t: now, nonce };
      this.state = 'await M3';
      this.deadline = at + CLIENT_DEADLINE; // HS-061
      return this.#m2;
    });
  }

  #receiveM3(m3) {
    const { id, serverDigest: digest } = this.#credentials;
    const privateKey = this.#privateKey;
    if (m3.length !== privateKey.publicKey.octets) throw malformed('M3 is not as long as the modulus'); // HS-052
    const p3 = privateKey.decrypt(m3); // HS-053
    this.forget();
    try {
      const { serverPassword, k, t, nonce } = parseReply(p3);
      if (distance(t, this.#sent.t) > 10n) throw new TunnelError('hs.stale'); // HS-056: ten is inside
      if (!nonce.equals(this.#sent.nonce)) throw new TunnelError('hs.nonce'); // HS-057
      if (!sameSecret(serverDigest(id, serverPassword), digest)) throw new TunnelError('hs.wrong_password'); // HS-058
      this.channel = Channel.client({ m1: this.#m1, m2: this.#m2, m3, k });
      this.state = 'established';
      this.deadline = Infinity;
      return this.channel.open();
    } finally {
      p3.fill(0); // CHAN-004
    }
  }

  /** HS-075: JavaScript can't wipe a KeyObject, so the reference is dropped. */
  forget() {
    this.#privateKey = null;
  }
}

/**
 * The server. Send `m1`; M2 comes in by `receive`, which returns the id to look up; the look-up's answer goes to
 * `answer`, which returns M3; the open record comes in by `receive`, and then the `channel` is established.
 */
export class ServerHandshake extends Party {
  #privateKey;
  #releaseDelay;
  #releaseAt = null; // of a failure between M2 and M3, OBS-005
  #request;
  #m2;

  /** `releaseDelay`, in milliseconds, is that of OBS-005. */
  constructor({ privateKey, releaseDelay = null }) {
    super();
    if (releaseDelay !== null && !(releaseDelay < 10_000)) throw new RangeError('OBS-006: less than 10 seconds');
    this.#privateKey = privateKey;
    this.#releaseDelay = releaseDelay;
    this.state = 'await M2';
    this.deadline = SERVER_DEADLINE; // HS-062
  }

  get m1() {
    return this.#privateKey.publicKey.spki;
  }

  /** When a transport may be closed whose handshake failed at `at` (OBS-005). */
  releaseAt(at) {
    return Math.max(at, this.#releaseAt ?? at);
  }

  /** Takes M2 (the id to look up is returned) or the open record (null is returned). */
  receive(at, message) {
    const open = this.state === 'await open';
    return this.step(at, open ? 'await open' : 'await M2', () => (open ? this.#receiveOpen(message) : this.#receiveM2(at, message)));
  }

  #receiveM2(at, m2) {
    const { octets } = this.#privateKey.publicKey;
    if (m2.length < MIN_SPKI + octets) throw malformed('M2 is too short'); // HS-028
    const clientRsa = new RsaPublicKey(m2.subarray(0, -octets)); // HS-029 to HS-031
    if (this.#releaseDelay !== null) this.#releaseAt = at + this.#releaseDelay;
    const p1 = this.#privateKey.decrypt(m2.subarray(-octets)); // HS-032
    try {
      const { id, clientPassword, t, nonce } = parseRequest(p1);
      const bound = makeNonce(this.m1, clientRsa.spki, nonce.subarray(0, 14));
      if (!nonce.equals(bound)) throw new TunnelError('hs.binding'); // HS-036, HS-037
      this.#request = { id: Buffer.from(id), clientPassword: Buffer.from(clientPassword), t, nonce: bound, clientRsa };
    } finally {
      p1.fill(0); // HS-047
    }
    this.#m2 = Buffer.from(m2);
    this.state = 'await look-up';
    return this.#request.id; // HS-038
  }

  /**
   * Takes what the look-up has answered and returns M3. `lookup` is { found: serverKey }, 'unknown' or 'failed';
   * `now` is read after it has answered (HS-041).
   */
  answer(at, lookup, now, k = randomBytes(48)) {
    return this.step(at, 'await look-up', () => {
      const { id, clientPassword, t, nonce, clientRsa } = this.#request;
      if (lookup === 'failed') throw new TunnelError('hs.lookup_failed'); // HS-039
      const stored = lookup === 'unknown' ? DUMMY_SERVER_KEY : parseStored(lookup.found);
      const right = sameSecret(clientDigest(id, clientPassword), stored.clientDigest);
      this.forget();
      if (lookup === 'unknown') throw new TunnelError('hs.unknown_id'); // HS-043, after the same work (HS-044)
      if (!right) throw new TunnelError('hs.wrong_password'); // HS-042, HS-046
      if (distance(t, now) >= 10n) throw new TunnelError('hs.stale'); // HS-045: ten is outside
      const p3 = Buffer.concat([stored.serverPassword, k, u64(now), nonce]); // HS-048, HS-050
      const m3 = clientRsa.encrypt(p3); // HS-051
      p3.fill(0);
      this.channel = Channel.server({ m1: this.m1, m2: this.#m2, m3, k });
      k.fill(0); // CHAN-004
      this.#releaseAt = null;
      this.state = 'await open';
      return m3;
    });
  }

  /** HS-047. */
  forget() {
    this.#request?.clientPassword.fill(0);
  }

  #receiveOpen(record) {
    this.channel.receive(record); // refuses all but the open record (HS-065)
    this.state = 'established';
    this.deadline = Infinity;
    return null;
  }

  expire(at) {
    super.expire(at); // HS-064: before any other check
    // OBS-007
    if (this.state === 'await look-up' && this.#releaseAt !== null && at >= this.#releaseAt) {
      throw new TunnelError('hs.lookup_failed', 'the look-up has not answered when the release delay ends');
    }
  }
}

/** HS-025. The server makes it again from its own M1 and the client's SPKI. */
export function makeNonce(m1, clientSpki, r) {
  return Buffer.concat([r, sha256(NONCE_LABEL, Buffer.of(0), sha256(m1), sha256(clientSpki), r).subarray(0, 16)]);
}

/** P1, HS-033 to HS-035. The octets returned are part of `p1`. */
export function parseRequest(p1) {
  const idEnd = 1 + p1[0];
  if (p1.length !== idEnd + 18 + 8 + 30) throw malformed('P1 is not consumed exactly');
  const [id, clientPassword] = [p1.subarray(1, idEnd), p1.subarray(idEnd, idEnd + 18)];
  if (!isId(id)) throw malformed('the id of P1');
  if (!isPassword(clientPassword, CLIENT_PASSWORD)) throw malformed('the password of P1');
  return { id, clientPassword, t: p1.readBigUInt64BE(idEnd + 18), nonce: p1.subarray(idEnd + 26) };
}

/** P3, HS-054 and HS-055. The octets returned are part of `p3`. */
export function parseReply(p3) {
  if (p3.length !== 94) throw malformed('P3 is not 94 octets long');
  const serverPassword = p3.subarray(0, 8);
  if (!isPassword(serverPassword, SERVER_PASSWORD)) throw malformed('the password of P3');
  return { serverPassword, k: p3.subarray(8, 56), t: p3.readBigUInt64BE(56), nonce: p3.subarray(64) };
}

function parseStored(serverKey) {
  try {
    return parseServerKey(serverKey);
  } catch {
    throw new TunnelError('hs.lookup_failed', 'the stored serverKey is malformed'); // HS-040
  }
}

const malformed = (message) => new TunnelError('hs.malformed', message);
