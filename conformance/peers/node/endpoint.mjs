#!/usr/bin/env node
// A server or client of the secure tunnel under Node.js, driven by the live protocol.
import { run } from './live.mjs';
import * as tcp from './tcp.mjs';
import * as ws from './websocket.mjs';

await run({
  implementation: { name: 'secure-tunnel-node', version: '0.1.0', language: `JavaScript (Node.js ${process.versions.node})` },
  transports: { tcp, ws },
});
