// Chapter 4: the channel.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hkdfExpand, hkdfExtract, len32, len8, sha256, TunnelError } from './conventions.mjs';

const TAG = 16;
const MAX_RECORD = 2 ** 24;
const MAX_PAYLOAD = MAX_RECORD - TAG - 1;
const MAX_NUMBER = 2n ** 64n - 1n;
const GENERATION = 65_536n;
const TYPES = ['data', 'close', 'open']; // 0x00, 0x01, 0x02

/** One party's end of a channel. `peer` tells the ends of the two directions apart: each is closed by itself. */
export class Channel {
  #out;
  #in;
  #exporter;
  #dead = false;
  #failed = false; // what the peer sent was refused
  #closed = { own: false, peer: false };

  /** The client's, right after it has accepted M3: `open` has to be called at once. K stays the caller's to erase. */
  static client(transcript) {
    return Channel.#start(transcript, 'c2s', 's2c');
  }

  /** The server's, right after it has sent M3: established once the client's open record has been received. */
  static server(transcript) {
    return Channel.#start(transcript, 's2c', 'c2s'); // CHAN-012
  }

  static #start(transcript, out, incoming) {
    const keys = schedule(transcript);
    keys.prk.fill(0); // CHAN-004
    return new Channel({
      out: new Direction(out, keys[out]),
      in: new Direction(incoming, keys[incoming]),
      exporter: keys.exporter,
      established: false,
    });
  }

  constructor({ out, in: incoming, exporter, established }) {
    this.#out = out;
    this.#in = incoming;
    this.#exporter = exporter;
    this.established = established;
  }

  /** The client's open record; it counts as established from here on (CHAN-023, HS-068). */
  open() {
    const record = this.#out.seal('open', Buffer.alloc(0));
    this.established = true;
    return record;
  }

  send(payload) {
    return this.#seal('data', payload);
  }

  close() {
    const record = this.#seal('close', Buffer.alloc(0));
    this.#closed.own = true;
    return record;
  }

  // Caller errors: nothing is sealed and the channel lives on.
  #seal(type, payload) {
    this.#alive();
    if (!this.established) throw refuse('not_established'); // HS-067
    if (this.#closed.own) throw refuse('closed'); // CHAN-032
    return this.#out.seal(type, payload);
  }

  /** Takes one record and returns its { type, payload }. Whatever it refuses ends the channel (CHAN-027). */
  receive(record) {
    if (this.#dead) this.#failed = true; // CHAN-037: something followed
    this.#alive();
    try {
      if (this.#closed.peer) throw refuse('after_close'); // CHAN-034
      const message = this.#in.open(record);
      if (message.type === 'open') this.established = true;
      if (message.type === 'close') this.#closed.peer = true;
      return message;
    } catch (error) {
      this.#failed = true;
      this.#die();
      throw error;
    }
  }

  /** CHAN-039 to CHAN-043. */
  export(label, context, length) {
    this.#alive();
    if (!this.established) throw refuse('not_established');
    return exportOctets(this.#exporter, label, context, length);
  }

  /** The transport did not take a record: the peer's next record number is not ours any more (CHAN-030). What the
   * peer sent can still be whole, so this alone does not make the end truncated. */
  transportFailed() {
    this.#die();
  }

  /** The peer has ended the transport: 'clean' or 'truncated' (CHAN-037, CHAN-038). */
  transportEnded() {
    const handshaking = !this.#dead && !this.established;
    if (this.#closed.peer && !this.#failed) return 'clean';
    this.#die(); // CHAN-044
    if (handshaking) throw new TunnelError('hs.order', 'the transport ended before the open record'); // HS-073
    return 'truncated';
  }

  #alive() {
    if (this.#dead) throw refuse('dead'); // CHAN-028
  }

  #die() {
    this.#dead = true;
    this.#out.erase(); // CHAN-031
    this.#in.erase();
    this.#exporter.fill(0);
  }
}

/** The records of one direction, in order: keys, generation and record number. */
export class Direction {
  #name;
  #number;
  #keys;

  /** `chain` is that of the generation of `number`, the next record. */
  constructor(name, chain, number = 0n) {
    this.#name = name;
    this.#number = number;
    this.#keys = deriveGeneration(chain);
    chain.fill(0); // CHAN-009
  }

  /** A failure here is a caller error and uses no record number (CHAN-016, CHAN-019). */
  seal(type, payload) {
    checkPayload(type, payload);
    if (this.#number > MAX_NUMBER) throw refuse('exhausted');
    const record = sealRecord(this.#keys, this.#number, type, payload);
    this.#advance();
    return record;
  }

  open(record) {
    if (this.#number > MAX_NUMBER) {
      checkLength(record);
      throw refuse('exhausted'); // CHAN-017
    }
    const message = openRecord(this.#keys, this.#name, this.#number, record);
    this.#advance();
    return message;
  }

  // CHAN-008: the next generation's keys come right after the last record of this one.
  #advance() {
    this.#number += 1n;
    if (this.#number % GENERATION !== 0n) return;
    const { next } = this.#keys;
    this.erase();
    this.#keys = deriveGeneration(next);
    next.fill(0);
  }

  erase() {
    this.#keys.key.fill(0);
    this.#keys.iv.fill(0);
  }
}

/** Section 4.1; `binding` is E of section 7.12. `c2s` and `s2c` are each direction's chain_0, `exporter` is X. */
export function schedule({ m1, m2, m3, k, binding }) {
  const transcript = [m1, m2, m3, ...(binding ? [binding] : [])]; // CHAN-001, TLS-083
  const th = sha256(...transcript.flatMap((m) => [len32(m), m]));
  const prk = hkdfExtract(th, k); // CHAN-002
  return {
    th,
    prk,
    c2s: hkdfExpand(prk, 'secure-tunnel/v1 c2s', 32), // CHAN-003
    s2c: hkdfExpand(prk, 'secure-tunnel/v1 s2c', 32),
    exporter: exporterKey(prk),
  };
}

/** Section 4.2: key_g, iv_g and chain_{g+1} from chain_g. */
export function deriveGeneration(chain) {
  const octets = hkdfExpand(chain, 'key', 44); // CHAN-005
  return { key: octets.subarray(0, 32), iv: octets.subarray(32), next: hkdfExpand(chain, 'next', 32) }; // CHAN-006
}

/** CHAN-010. */
export function sealRecord({ key, iv }, number, type, payload) {
  checkPayload(type, payload);
  const cipher = createCipheriv('aes-256-gcm', key, recordNonce(iv, number), { authTagLength: TAG });
  const parts = [cipher.update(Buffer.of(TYPES.indexOf(type))), cipher.update(payload), cipher.final()];
  return Buffer.concat([...parts, cipher.getAuthTag()]);
}

/** Opens a record and checks it, in the order of section 4.5. */
export function openRecord({ key, iv }, direction, number, record) {
  checkLength(record);
  const decipher = createDecipheriv('aes-256-gcm', key, recordNonce(iv, number), { authTagLength: TAG });
  decipher.setAuthTag(record.subarray(-TAG));
  const plaintext = decipher.update(record.subarray(0, -TAG));
  try {
    decipher.final(); // nothing of the plaintext is used before this (CHAN-013)
  } catch {
    throw refuse('open_failed'); // CHAN-021
  }
  const type = TYPES[plaintext[0]];
  const payload = plaintext.subarray(1);
  if (type === undefined) throw refuse('unknown_type'); // CHAN-022
  checkPayload(type, payload);
  const first = direction === 'c2s' && number === 0n;
  if (first && type !== 'open') throw refuse('missing_open'); // CHAN-024
  if (!first && type === 'open') throw refuse('unexpected_open'); // CHAN-025
  return { type, payload };
}

export const exporterKey = (prk) => hkdfExpand(prk, 'secure-tunnel/v1 exporter', 32); // CHAN-039

/** CHAN-040 to CHAN-042. */
export function exportOctets(exporter, label, context, length) {
  if (label.length > 255) throw refuse('label_length');
  if (length < 1 || length > 8160) throw refuse('output_length');
  return hkdfExpand(exporter, Buffer.concat([len8(label), label, sha256(context)]), length);
}

function checkPayload(type, payload) {
  if (payload.length > MAX_PAYLOAD) throw refuse('payload_too_long'); // CHAN-019
  if (type !== 'data' && payload.length > 0) throw refuse('control_payload'); // CHAN-026
}

function checkLength(record) {
  if (record.length < TAG + 1 || record.length > MAX_RECORD) throw refuse('record_length'); // CHAN-018
}

// CHAN-011.
function recordNonce(iv, number) {
  const nonce = Buffer.from(iv);
  nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ number, 4);
  return nonce;
}

const refuse = (code) => new TunnelError(`chan.${code}`);
