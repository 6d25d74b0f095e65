#!/usr/bin/env node
// The shim: puts the implementation beside it behind the pipe of spec/shim-protocol.md.
import { once } from 'node:events';
import { deriveGeneration, exporterKey, exportOctets, openRecord, schedule, sealRecord } from './channel.mjs';
import { TunnelError } from './conventions.mjs';
import { makeCredentials, parseClientKey, parseServerKey } from './credentials.mjs';
import { runClient, runServer, runSession, runStream, runWebSocket } from './events.mjs';
import { encodeFrame } from './framing.mjs';
import { makeNonce, parseReply, parseRequest } from './handshake.mjs';
import { lines } from './lines.mjs';
import { RsaPublicKey } from './rsa.mjs';
import { findContext, Verifier } from './tls.mjs';
import { signChallenge, TokenServer, TokenVerifier } from './tokens.mjs';
import { encode, number, octets, rsaKey, rsaKeys } from './values.mjs';

// --- operations (section 7): `in` to `out`; a refusal is thrown ---

const ops = {
  'cred.make': (input) => {
    const made = makeCredentials(octets(input.id), octets(input.client_password), octets(input.server_password));
    return { client_key: made.clientKey, server_key: made.serverKey };
  },
  'cred.client_key': (input) => {
    const key = parseClientKey(octets(input.client_key));
    return { id: key.id, client_password: key.clientPassword, server_digest: key.serverDigest };
  },
  'cred.server_key': (input) => {
    const key = parseServerKey(octets(input.server_key));
    return { server_password: key.serverPassword, client_digest: key.clientDigest };
  },

  'hs.spki': (input) => {
    const { bits, octets: length } = new RsaPublicKey(octets(input.spki));
    return { bits, octets: length };
  },
  'hs.nonce': (input) => ({ nonce: makeNonce(octets(input.m1), octets(input.spki), octets(input.r)) }),
  'hs.request': (input) => {
    const { id, clientPassword, t, nonce } = parseRequest(octets(input.plaintext));
    return { id, client_password: clientPassword, t, nonce };
  },
  'hs.reply': (input) => {
    const { serverPassword, k, t, nonce } = parseReply(octets(input.plaintext));
    return { server_password: serverPassword, k, t, nonce };
  },
  'hs.oaep': (input) => ({ plaintext: rsaKey(input.private_key).decrypt(octets(input.ciphertext)) }),
  'hs.client': runClient,
  'hs.server': runServer,

  'chan.schedule': ({ m1, m2, m3, k, binding }) => schedule({ m1: octets(m1), m2: octets(m2), m3: octets(m3), k: octets(k), binding: binding && octets(binding) }),
  'chan.generation': (input) => deriveGeneration(octets(input.chain)),
  'chan.seal': ({ chain, n, type, payload }) => ({ record: sealRecord(deriveGeneration(octets(chain)), number(n), type, octets(payload)) }),
  'chan.open': ({ chain, n, direction, record }) => openRecord(deriveGeneration(octets(chain)), direction, number(n), octets(record)),
  'chan.export': ({ prk, label, context, length }) => ({
    octets: exportOctets(exporterKey(octets(prk)), octets(label), octets(context), length),
  }),
  'chan.session': runSession,

  'frame.stream': runStream,
  'frame.websocket': runWebSocket,
  'frame.encode': (input) => ({ frame: encodeFrame(octets(input.message), input.peer_established) }),

  'tok.challenge': (input) => ({ challenge: tokenServer(input).challenge(octets(input.client_public), number(input.now_ms)) }),
  'tok.sign': (input) => ({
    signed_challenge: signChallenge({
      signingKey: octets(input.client_private),
      serverId: octets(input.server_id),
      challenge: octets(input.challenge),
    }),
  }),
  'tok.issue': (input) => ({
    token: tokenServer(input).issue(octets(input.client_public), octets(input.signed_challenge), number(input.now_ms)),
  }),
  'tok.verify': (input) => {
    const verifier = new TokenVerifier({ publicKey: octets(input.server_public), tokenLifetime: number(input.token_ttl_ms) });
    return { client_public: verifier.verify(octets(input.token), number(input.now_ms)) };
  },

  'tls.verify': (input) => {
    const list = (field) => input[field]?.map(octets);
    const clients = (field) => input[field]?.map(({ identity, sha256 }) => ({ identity: octets(identity), sha256: octets(sha256) }));
    const { policies, peer } = input;
    const name = peer === 'server' ? octets(input.name) : undefined;
    const verifier = new Verifier({ anchors: list('anchors'), crls: list('crls'), policies, allow: clients('allow'), deny: clients('deny') });
    return verifier[peer](list('chain'), number(input.now), name);
  },
  'tls.context': (input) => ({ context: findContext(input.contexts.map(octets), input.default, octets(input.name)) }),
};

function tokenServer(input) {
  return new TokenServer({
    signingKey: octets(input.server_private),
    serverId: octets(input.server_id),
    challengeLifetime: number(input.challenge_ttl_ms),
    tokenLifetime: number(input.token_ttl_ms),
  });
}

// --- lines (sections 2 to 5) ---

const HELLO = {
  type: 'hello',
  protocol: 1,
  implementation: { name: 'secure-tunnel-node', version: '0.1.0', language: 'JavaScript (Node.js)' },
  ops: Object.keys(ops),
  profiles: ['tunnel', 'tokens', 'mtls'],
  features: ['large', 'release-delay', 'tls-exporter'],
  error_detail: 'code',
  max_inflight: 16,
};

function answer({ id, op, in: input }) {
  if (!Object.hasOwn(ops, op)) return { type: 'answer', id, outcome: 'unsupported', reason: `no operation ${op}` };
  try {
    return { type: 'answer', id, outcome: 'ok', out: encode(ops[op](input)) };
  } catch (error) {
    if (!(error instanceof TunnelError)) return { type: 'answer', id, outcome: 'fault', error: { native: String(error?.stack ?? error) } };
    const { class: kind, code, status, message, out } = error;
    const refusal = { class: kind, code, status, native: message };
    return { type: 'answer', id, outcome: 'reject', error: refusal, ...(out && { out: encode(out) }) };
  }
}

/** The reply to one line, or null at `bye`. */
function reply(request) {
  switch (request.type) {
    case 'hello':
      if (request.protocol.min > 1 || request.protocol.max < 1) throw new RangeError('this shim speaks version 1 only');
      return HELLO;
    case 'run':
      return answer(request);
    case 'reset':
      rsaKeys.clear();
      return { type: 'reset', id: request.id };
    case 'bye':
      return null;
    default:
      throw new TypeError(`unknown request ${request.type}`);
  }
}

for await (const line of lines(process.stdin)) {
  const out = reply(JSON.parse(line));
  if (out === null) break;
  if (!process.stdout.write(`${JSON.stringify(out)}\n`)) await once(process.stdout, 'drain');
}
