// Values of the shim protocol (its section 1) to those of the implementation, and back.
import { sha256 } from './conventions.mjs';
import { RsaPrivateKey } from './rsa.mjs';

/** Octets from hexadecimal or `repeat`; undefined where the field is absent. */
export function octets(value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return Buffer.from(value, 'hex');
  return Buffer.alloc(value.length, value.repeat, 'hex');
}

/** A u64, as a bigint. */
export const number = (value) => (value === undefined || value === null ? undefined : BigInt(value));

/** Octets become hexadecimal, bigints decimal; all else stays. */
export function encode(value) {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
    return bytes.length > 4096 ? { length: bytes.length, sha256: sha256(bytes).toString('hex') } : bytes.toString('hex');
  }
  if (Array.isArray(value)) return value.map(encode);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, encode(field)]));
}

export const rsaKeys = new Map(); // parsing one costs milliseconds; `reset` forgets them

export function rsaKey(hex) {
  if (!rsaKeys.has(hex)) rsaKeys.set(hex, RsaPrivateKey.fromPkcs8(octets(hex)));
  return rsaKeys.get(hex);
}
