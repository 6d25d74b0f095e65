#!/usr/bin/env node
// A server by https.createServer, of Node.js. A request in HTTP shows that the application is reached.
import https from 'node:https';
import * as live from './live.mjs';

// Node closes after an answer in HTTP/1.0, whatever the client asks for.
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

class Server extends live.Server {
  static lacks({ tls }) {
    const lacks = live.lacks(tls);
    if (tls?.allow) lacks.push('an allow list');
    if (tls?.deny) lacks.push('a deny list');
    return lacks;
  }

  create(options) {
    return https.createServer(options, (request, response) => {
      response.setHeader('Content-Type', 'text/plain');
      response.end('here you are\n');
    });
  }

  async start() {
    const hex = (text) => Buffer.from(text).toString('hex');
    return { ...(await super.start()), events: false, probe: { send: hex(REQUEST), expect: hex('HTTP/1.1 200') } };
  }
}

await live.run('node-https', { server: Server });
