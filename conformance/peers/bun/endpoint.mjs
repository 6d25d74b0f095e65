#!/usr/bin/env bun
// The peer in ../node under Bun: the same protocol code and TCP, but Bun's own cryptography (BoringSSL) and WebSocket.
import { run } from '../node/live.mjs';
import * as tcp from '../node/tcp.mjs';
import * as ws from './websocket.mjs';

await run({
  implementation: { name: 'secure-tunnel-bun', version: '0.1.0', language: `JavaScript (Bun ${Bun.version})` },
  transports: { tcp, ws },
});
