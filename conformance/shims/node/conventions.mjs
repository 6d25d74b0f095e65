// Chapter 1: what all other chapters use, and the errors of the registry.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

// code -> class, by area: the registry's table "Error classes and codes".
const REGISTRY = {
  cred: { malformed: 'encoding' },
  hs: {
    malformed: 'encoding', bad_key: 'key', decrypt: 'auth', binding: 'binding', lookup_failed: 'internal',
    unknown_id: 'auth', wrong_password: 'auth', stale: 'freshness', nonce: 'binding', timeout: 'freshness',
    order: 'state', pin: 'auth',
  },
  chan: {
    record_length: 'limit', open_failed: 'auth', unknown_type: 'encoding', control_payload: 'encoding',
    missing_open: 'state', unexpected_open: 'state', after_close: 'state', exhausted: 'limit', dead: 'state',
    closed: 'state', payload_too_long: 'limit', label_length: 'limit', output_length: 'limit',
    not_established: 'state', truncated: 'state',
  },
  frame: { zero_length: 'limit', too_long: 'limit', early_end: 'encoding', text_message: 'encoding' },
  tok: {
    public_key_length: 'key', invalid_time: 'limit', invalid_ttl: 'limit', key_mismatch: 'key',
    server_id_encoding: 'encoding', challenge_length: 'encoding', challenge_type: 'binding',
    challenge_key: 'binding', client_signature: 'auth', server_signature: 'auth', body_length: 'encoding',
    body_time: 'encoding', wrong_type: 'binding', public_key_mismatch: 'binding', future: 'freshness',
    expired: 'freshness',
  },
  tls: Object.fromEntries([
    'sni', 'no_certificate', 'certificate_form', 'untrusted', 'not_yet_valid', 'expired', 'ca_constraints', 'usage',
    'critical_extension', 'name_constraint', 'weak', 'revoked', 'crl', 'crl_form', 'server_name', 'bad_name', 'identity',
    'denied', 'not_allowed',
  ].map((code) => [code, 'tls'])),
};

/**
 * A check of the specification that refused something. For the local caller alone (OBS-004).
 * `name` is "area.code"; `status` is 400 or 401 where chapter 5 names one, and else null.
 */
export class TunnelError extends Error {
  constructor(name, message, status = null) {
    super(message ?? name);
    const [area, code] = name.split('.');
    this.class = REGISTRY[area][code];
    if (this.class === undefined) throw new TypeError(`no such code in the registry: ${name}`);
    Object.assign(this, { area, code, status });
  }
}

export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

const hmac = (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest();

/** HKDF-Extract of RFC 5869 with SHA-256. */
export const hkdfExtract = (salt, ikm) => hmac(salt, ikm);

/** HKDF-Expand of RFC 5869 with SHA-256, up to 8160 octets. */
export function hkdfExpand(prk, info, length) {
  const blocks = [];
  for (let i = 1, last = Buffer.alloc(0); blocks.length * 32 < length; i++) {
    last = hmac(prk, last, info, Buffer.of(i));
    blocks.push(last);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

export const hkdf = (salt, ikm, info, length) => hkdfExpand(hkdfExtract(salt, ikm), info, length);

export const len8 = (octets) => Buffer.of(octets.length);

export function len32(octets) {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(octets.length);
  return out;
}

export function u64(value) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(value);
  return out;
}

/** The distance of two integers, which must be bigints: they have no upper bound (CONV-002). */
export const distance = (a, b) => (a > b ? a - b : b - a);

/** True if all octets are base62 digits (section 1.4). */
export const isBase62 = (octets) =>
  octets.every((c) => (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a));

/** Equality of octets in time that depends on their lengths alone (CRED-023). */
export const sameSecret = (a, b) => a.length === b.length && timingSafeEqual(a, b);
