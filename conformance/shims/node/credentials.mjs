// Chapter 2: the pair of strings that introduces a client to a server.
import { isUtf8 } from 'node:buffer';
import { createPrivateKey, createPublicKey, randomInt } from 'node:crypto';
import { hkdf, isBase62, len8, sha256, TunnelError } from './conventions.mjs';

export const CLIENT_PASSWORD = 18;
export const SERVER_PASSWORD = 8;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SERVER_LABEL = 'secure-tunnel/v1/server-password';
const CLIENT_LABEL = 'secure-tunnel/v1/client-password';

/** Makes the clientKey and the serverKey of an id, with random passwords unless they are given (section 2.5). */
export function makeCredentials(id, clientPassword = newPassword(18), serverPassword = newPassword(8)) {
  if (!isId(id)) throw malformed('the id is not 1 to 255 octets of UTF-8 without control characters');
  if (!isPassword(clientPassword, CLIENT_PASSWORD)) throw malformed('the client password is not 18 base62 digits');
  if (!isPassword(serverPassword, SERVER_PASSWORD)) throw malformed('the server password is not 8 base62 digits');
  return {
    clientKey: Buffer.concat([id, clientPassword, serverDigest(id, serverPassword)]), // CRED-015
    serverKey: Buffer.concat([serverPassword, clientDigest(id, clientPassword)]), // CRED-016
  };
}

/** Reads a clientKey, from the right (section 2.6). */
export function parseClientKey(clientKey) {
  if (clientKey.length < 27 || clientKey.length > 281) throw malformed('a clientKey has 27 to 281 octets');
  const [id, clientPassword, digest] = [clientKey.subarray(0, -26), clientKey.subarray(-26, -8), clientKey.subarray(-8)];
  if (!isBase62(clientKey.subarray(-26))) throw malformed('the last 26 octets are not base62 digits');
  if (!isId(id)) throw malformed('the id is not UTF-8 without control characters');
  return { id, clientPassword, serverDigest: digest };
}

/** Reads a serverKey (section 2.6). */
export function parseServerKey(serverKey) {
  if (serverKey.length !== 26 || !isBase62(serverKey)) throw malformed('a serverKey is 26 base62 digits');
  return { serverPassword: serverKey.subarray(0, 8), clientDigest: serverKey.subarray(8) };
}

/** CRED-001 to CRED-003. Octets, not a string: a JavaScript string has already lost ill-formed text (CONV-005). */
export function isId(id) {
  if (id.length < 1 || id.length > 255 || !isUtf8(id)) return false;
  // In well-formed UTF-8 the octet C2 occurs only as the first of U+0080..U+00BF.
  return !id.some((c, i) => c < 0x20 || c === 0x7f || (c === 0xc2 && id[i + 1] < 0xa0));
}

export const isPassword = (octets, digits) => octets.length === digits && isBase62(octets);

/** Ds, CRED-012. */
export const serverDigest = (id, password) => digest62(SERVER_PASSWORD, SERVER_LABEL, id, password);

/** Dc, CRED-013 and CRED-014. */
export function clientDigest(id, password) {
  const keys = hkdf(CLIENT_LABEL, password, Buffer.concat([len8(id), id]), 64);
  const digest = digest62(CLIENT_PASSWORD, CLIENT_LABEL, id, Buffer.concat([x25519Base(keys.subarray(0, 32)), keys.subarray(32)]));
  keys.fill(0);
  return digest;
}

function digest62(digits, label, id, x) {
  let value = BigInt(`0x${sha256(label, Buffer.of(0), len8(id), id, x).toString('hex')}`); // CRED-010
  const out = Buffer.alloc(digits);
  for (let i = digits - 1; i >= 0; i--, value /= 62n) out[i] = DIGITS.charCodeAt(Number(value % 62n));
  return out;
}

// node:crypto takes raw X25519 keys only within PKCS#8 (RFC 8410).
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

function x25519Base(scalar) {
  const key = createPrivateKey({ key: Buffer.concat([X25519_PKCS8, scalar]), format: 'der', type: 'pkcs8' });
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url');
}

/** CRED-008: randomInt draws without bias from Node's cryptographic generator. */
const newPassword = (digits) => Buffer.from(Array.from({ length: digits }, () => DIGITS.charCodeAt(randomInt(62))));

const malformed = (message) => new TunnelError('cred.malformed', message);
