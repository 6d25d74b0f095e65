// Chapter 5: tokens. Clocks and lifetimes are milliseconds, as bigints.
import { isUtf8 } from 'node:buffer';
import sodium from 'libsodium-wrappers';
import { TunnelError } from './conventions.mjs';

await sodium.ready;

const SIGNATURE = 64;
const BODY = 37;
const CHALLENGE = 0x01;
const TOKEN = 0x02;
const MAX_MS = 2n ** 53n - 1n;
const MAX_TIME = 2n ** 32n - 1n;

/** A server that issues challenges and tokens and stores nothing. */
export class TokenServer {
  #key;
  #publicKey;
  #serverId;
  #challengeLifetime;
  #verifier;

  /** `signingKey` is 64 octets, seed and public key; `serverId` is octets. */
  constructor({ signingKey, serverId = Buffer.alloc(0), challengeLifetime = 60_000n, tokenLifetime = 86_400_000n }) {
    this.#challengeLifetime = checkLifetime(challengeLifetime);
    checkLifetime(tokenLifetime);
    this.#publicKey = publicKeyOf(signingKey);
    this.#key = signingKey;
    this.#serverId = checkServerId(serverId);
    this.#verifier = new TokenVerifier({ publicKey: this.#publicKey, tokenLifetime });
  }

  /** Section 5.5. */
  challenge(clientKey, now) {
    checkClock(now);
    checkPublicKey(clientKey);
    return this.#sign(CHALLENGE, clientKey, now);
  }

  /** Section 5.7. The constructor and the clock come first, then the table in its order. */
  issue(clientKey, signedChallenge, now) {
    checkClock(now);
    checkPublicKey(clientKey);
    const message = open(signedChallenge, clientKey) ?? refuse('client_signature', 401);
    const named = this.#serverId.length > 0 && message.subarray(0, this.#serverId.length).equals(this.#serverId);
    const challenge = named ? message.subarray(this.#serverId.length) : message; // TOK-034
    const body = parseBody(open(challenge, this.#publicKey) ?? refuse('server_signature', 401), 400);
    if (body.type !== CHALLENGE) refuse('wrong_type', 400);
    if (!body.key.equals(clientKey)) refuse('public_key_mismatch', 400);
    if (isFuture(body, now)) refuse('future', 400);
    if (isExpired(body, now, this.#challengeLifetime)) refuse('expired', 401);
    return this.#sign(TOKEN, clientKey, now); // TOK-042
  }

  /** Section 5.8: the client's public key. */
  verify(token, now) {
    return this.#verifier.verify(token, now);
  }

  #sign(type, clientKey, now) {
    const time = now / 1000n; // TOK-007
    if (time < 1n || time > MAX_TIME) refuse('invalid_time'); // TOK-008
    const body = Buffer.alloc(BODY);
    body[0] = type;
    clientKey.copy(body, 1);
    body.writeUInt32BE(Number(time), 33);
    return sign(this.#key, body);
  }
}

/** A server that verifies tokens and holds only the public key. */
export class TokenVerifier {
  #publicKey;
  #lifetime;

  constructor({ publicKey, tokenLifetime = 86_400_000n }) {
    this.#publicKey = checkPublicKey(publicKey);
    this.#lifetime = checkLifetime(tokenLifetime);
  }

  /** Section 5.8: the client's public key. */
  verify(token, now) {
    checkClock(now);
    const body = parseBody(open(token, this.#publicKey) ?? refuse('server_signature', 401), 401);
    if (isExpired(body, now, this.#lifetime)) refuse('expired', 401);
    if (body.type !== TOKEN) refuse('wrong_type', 401);
    if (isFuture(body, now)) refuse('future', 401);
    return body.key;
  }
}

/** Section 5.6. `serverId` comes from the client's configuration (TOK-030). */
export function signChallenge({ signingKey, serverId = Buffer.alloc(0), challenge }) {
  const publicKey = publicKeyOf(signingKey);
  checkServerId(serverId);
  if (challenge.length !== SIGNATURE + BODY) refuse('challenge_length');
  if (challenge[SIGNATURE] !== CHALLENGE) refuse('challenge_type');
  if (!challenge.subarray(65, 97).equals(publicKey)) refuse('challenge_key');
  return sign(signingKey, Buffer.concat([serverId, challenge])); // TOK-005
}

// --- bodies ---

function parseBody(octets, status) {
  if (octets.length !== BODY) refuse('body_length', status);
  const time = BigInt(octets.readUInt32BE(33));
  if (time === 0n) refuse('body_time', status);
  return { type: octets[0], key: octets.subarray(1, 33), time };
}

const isFuture = ({ time }, now) => time * 1000n > now; // TOK-013
const isExpired = ({ time }, now, lifetime) => time * 1000n + lifetime < now; // TOK-012

// --- Ed25519, section 5.4 ---

const sign = (key, message) => Buffer.concat([sodium.crypto_sign_detached(message, key), message]);

/** What was signed, or null where it "fails to verify". libsodium makes all checks of section 5.4; Node's own
 * crypto.verify does not: it accepts keys and R of small order, and keys that are not canonical. */
function open(signed, publicKey) {
  if (signed.length < SIGNATURE) return null;
  const [signature, message] = [signed.subarray(0, SIGNATURE), signed.subarray(SIGNATURE)];
  return sodium.crypto_sign_verify_detached(signature, message, publicKey) ? message : null;
}

/** TOK-021: a signature under a public key that is not the seed's would give the secret scalar away. */
function publicKeyOf(signingKey) {
  const [seed, claimed] = [signingKey.subarray(0, 32), signingKey.subarray(32)];
  if (signingKey.length !== 64 || !claimed.equals(sodium.crypto_sign_seed_keypair(seed).publicKey)) refuse('key_mismatch');
  return claimed;
}

// --- caller errors ---

function checkPublicKey(key) {
  if (key.length !== 32) refuse('public_key_length');
  return key;
}

function checkServerId(serverId) {
  if (!isUtf8(serverId)) refuse('server_id_encoding');
  return serverId;
}

function checkLifetime(lifetime) {
  if (lifetime < 1n || lifetime > MAX_MS) refuse('invalid_ttl');
  return lifetime;
}

function checkClock(now) {
  if (now > MAX_MS) refuse('invalid_time'); // TOK-006
}

/** Throws. A caller error has no status. */
function refuse(code, status = null) {
  throw new TunnelError(`tok.${code}`, undefined, status);
}
