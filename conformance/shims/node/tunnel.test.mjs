// One whole connection between the two parties, and one token, with everything random that should be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sodium from 'libsodium-wrappers';
import { Channel } from './channel.mjs';
import { makeCredentials } from './credentials.mjs';
import { FrameReader, encodeFrame } from './framing.mjs';
import { ClientHandshake, ServerHandshake } from './handshake.mjs';
import { RsaPrivateKey } from './rsa.mjs';
import { signChallenge, TokenServer } from './tokens.mjs';

const text = (s) => Buffer.from(s);
const refusal = (code) => ({ name: 'Error', code });

test('a client logs in, both send, both close', () => {
  const keys = { server: RsaPrivateKey.generate(4480), client: RsaPrivateKey.generate(4480) };
  const { clientKey, serverKey } = makeCredentials(text('müller'));
  const now = 1_700_000_000n;

  const server = new ServerHandshake({ privateKey: keys.server });
  const client = new ClientHandshake({ clientKey });
  client.receive(1, server.m1);
  const id = server.receive(3, client.request(2, { privateKey: keys.client, now }));
  assert.deepEqual(id, text('müller'));
  const open = client.receive(5, server.answer(4, { found: serverKey }, now + 9n));
  assert.equal(server.established, false);
  assert.throws(() => server.channel.send(text('too early')), refusal('not_established'));
  server.receive(6, open);
  assert.equal(server.established, true);

  assert.deepEqual(server.channel.receive(client.channel.send(text('hello'))), { type: 'data', payload: text('hello') });
  assert.deepEqual(client.channel.receive(server.channel.send(text(''))), { type: 'data', payload: text('') });
  const exports = [client, server].map(({ channel }) => channel.export(text('label'), text('context'), 32));
  assert.deepEqual(exports[0], exports[1]);
  assert.equal(server.channel.receive(client.channel.close()).type, 'close');
  assert.equal(client.channel.receive(server.channel.close()).type, 'close');
  assert.equal(server.channel.transportEnded(), 'clean');
  assert.throws(() => client.channel.receive(open), refusal('after_close'));
  assert.equal(client.channel.transportEnded(), 'truncated');
});

test('an end is truncated if a record followed the close, also one that a dead channel refuses', () => {
  const transcript = () => ({ m1: text('M1'), m2: text('M2'), m3: text('M3'), k: Buffer.alloc(48) });
  const [client, server] = [Channel.client(transcript()), Channel.server(transcript())];
  server.receive(client.open());
  client.receive(server.close());
  client.transportFailed();
  assert.throws(() => client.receive(text('')), refusal('dead'));
  assert.equal(client.transportEnded(), 'truncated');
});

test('a look-up that outlasts the release delay and the deadline is late', () => {
  const keys = { server: RsaPrivateKey.generate(4480), client: RsaPrivateKey.generate(4480) };
  const { clientKey, serverKey } = makeCredentials(text('slow'));
  const now = 1_700_000_000n;
  for (const [at, code] of [[30_000, 'timeout'], [29_999, 'lookup_failed']]) {
    const server = new ServerHandshake({ privateKey: keys.server, releaseDelay: 1 });
    const client = new ClientHandshake({ clientKey });
    client.receive(1, server.m1);
    server.receive(3, client.request(2, { privateKey: keys.client, now }));
    assert.throws(() => server.answer(at, { found: serverKey }, now), refusal(code));
  }
});

test('new passwords differ', () => {
  const made = [makeCredentials(text('a')), makeCredentials(text('a'))];
  assert.notDeepEqual(made[0].clientKey, made[1].clientKey);
});

test('a stream cut into single octets gives the same messages', () => {
  const reader = new FrameReader();
  const messages = [];
  for (const octet of Buffer.concat([encodeFrame(text('one'), false), encodeFrame(text('three'), true)])) {
    reader.push(Buffer.of(octet));
    const message = reader.next(false);
    if (message) messages.push(message.toString());
  }
  reader.end();
  assert.deepEqual(messages, ['one', 'three']);
});

test('a challenge becomes a token', () => {
  const [own, client] = [sodium.crypto_sign_keypair(), sodium.crypto_sign_keypair()];
  const server = new TokenServer({ signingKey: Buffer.from(own.privateKey), serverId: text('example.org') });
  const publicKey = Buffer.from(client.publicKey);
  const challenge = server.challenge(publicKey, 1_700_000_000_000n);
  const signedChallenge = signChallenge({ signingKey: Buffer.from(client.privateKey), serverId: text('example.org'), challenge });
  const token = server.issue(publicKey, signedChallenge, 1_700_000_060_000n);
  assert.deepEqual(server.verify(token, 1_700_086_460_000n), publicKey);
  assert.throws(() => server.verify(token, 1_700_086_460_001n), { code: 'expired', status: 401 });
  assert.throws(() => server.issue(publicKey, signedChallenge, 1_700_000_060_001n), { code: 'expired', status: 401 });
});
