// Chapter 6: messages on a byte stream, and the limits that hold on any transport.
import { len32, TunnelError } from './conventions.mjs';

/** FRAME-011, FRAME-012: the most octets that a receiver takes in one message. */
export const messageLimit = (established) => (established ? 2 ** 24 : 4096);

/** Writes one message for a byte stream. */
export function encodeFrame(message, peerEstablished) {
  if (message.length === 0) throw new TunnelError('frame.zero_length');
  checkLimit(message.length, peerEstablished); // FRAME-017
  return Buffer.concat([len32(message), message]); // FRAME-006
}

/** Reads messages from a byte stream, however it is cut into reads (FRAME-009). */
export class FrameReader {
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #length = null; // of the message that has begun

  push(read) {
    const held = this.#buffer.subarray(this.#start, this.#end);
    if (this.#end + read.length > this.#buffer.length) {
      // Grows with what was received, not with what a length announces (FRAME-014).
      this.#buffer = Buffer.allocUnsafe(Math.max(held.length + read.length, 2 * held.length));
      held.copy(this.#buffer);
      [this.#start, this.#end] = [0, held.length];
    }
    this.#end += read.copy(this.#buffer, this.#end);
  }

  /** The next message, or null until more is read. To be asked again after each message is handled: the limit is
   * that of the receiver's state then (FRAME-013). */
  next(established) {
    if (this.#length === null) {
      const header = this.#take(4);
      if (header === null) return null;
      this.#length = header.readUInt32BE();
      if (this.#length === 0) throw new TunnelError('frame.zero_length'); // FRAME-007
      checkLimit(this.#length, established); // FRAME-008
    }
    const message = this.#take(this.#length);
    if (message !== null) this.#length = null;
    return message;
  }

  /** True if every octet that was read belongs to a message that was handed on. */
  get empty() {
    return this.#length === null && this.#start === this.#end;
  }

  /** The stream has ended. Between messages that is no fault of framing. */
  end() {
    if (!this.empty) throw new TunnelError('frame.early_end'); // FRAME-010
  }

  #take(length) {
    if (this.#end - this.#start < length) return null;
    const octets = Buffer.from(this.#buffer.subarray(this.#start, this.#start + length));
    this.#start += length;
    return octets;
  }
}

/** Takes one WebSocket message, as a library hands it over whole. An empty one is left to the layer above (FRAME-005). */
export function takeWebSocketMessage({ binary }, established) {
  if (binary === undefined) throw new TunnelError('frame.text_message'); // FRAME-002
  checkLimit(binary.length, established); // FRAME-016
  return binary;
}

function checkLimit(length, established) {
  if (length > messageLimit(established)) throw new TunnelError('frame.too_long', `${length} octets`);
}
