#!/usr/bin/env node
// A server by tls.createServer and a client by tls.connect, of Node.js.
import net from 'node:net';
import tls from 'node:tls';
import * as live from './live.mjs';

class Server extends live.Server {
  #sockets = new Map(); // by the peer's port

  create(options) {
    const server = tls.createServer(options);
    server.on('connection', (socket) => this.#watch(socket));
    server.on('secureConnection', (socket) => this.#serve(socket));
    server.on('tlsClientError', (error) => console.error(`handshake: ${error.message}`));
    return server;
  }

  command(line) {
    if (line.close !== undefined) this.#sockets.get(line.close)?.end();
    else if (line.send !== undefined) this.#send(line);
    else super.command(line);
  }

  #send({ send, payload, times = 1 }) {
    const octets = Buffer.from(payload, 'hex');
    for (let i = 0; i < times; i++) this.#sockets.get(send)?.write(octets);
  }

  /** Every connection is reported when it ends, also one that is none yet in TLS. */
  #watch(socket) {
    const peer = socket.remotePort;
    socket.on('close', () => {
      live.write({ event: 'end', peer, clean: isClean(this.#sockets.get(peer)) });
      this.#sockets.delete(peer);
    });
  }

  #serve(socket) {
    // Without this, Node 20 lets a connection live on after an error of TLS: it says so and leaves it to the application.
    socket.on('error', (error) => {
      console.error(`connection: ${error.message}`);
      socket.destroy();
    });
    const peer = socket.remotePort;
    const name = socket.getPeerCertificate().subject?.CN;
    const listed = this.#refuses(socket, name);
    // Who is asked, and not required, to have a certificate is served without one.
    if (listed && this.tls.clients === 'require') {
      socket.destroy();
      return;
    }
    this.#sockets.set(peer, socket);
    const told = live.describe(socket);
    live.write({ event: 'open', peer, tls: { ...told, authorized: told.authorized && !listed } });
    socket.pipe(socket);
  }

  /** The lists as an application has them: by the commonName that Node shows, or by fingerprint. */
  #refuses(socket, name) {
    const { allow, deny } = this.tls;
    if (!allow && !deny) return false;
    const fingerprint = socket.getPeerCertificate().fingerprint256?.replaceAll(':', '').toLowerCase();
    const isOn = ({ identities, fingerprints }) => {
      const names = identities.map((hex) => Buffer.from(hex, 'hex').toString());
      return names.includes(name) || fingerprints.includes(fingerprint);
    };
    return (deny && isOn(deny)) || (allow && !isOn(allow)) || false;
  }
}

class Client {
  #sockets = new Map(); // by dial
  #sessions = new Map(); // the last one, by what may resume it

  static lacks() {
    return [];
  }

  async start() {
    return {};
  }

  command(line) {
    if (line.dial !== undefined) this.#dial(line);
    else if (line.close !== undefined) this.#sockets.get(line.close)?.end();
    else if (line.send !== undefined) this.#send(line.send, line.payload, line.times);
    else throw new TypeError(`unknown line with the fields ${Object.keys(line)}`);
  }

  #send(dial, payload, times = 1) {
    const octets = Buffer.from(payload, 'hex');
    for (let i = 0; i < times; i++) this.#sockets.get(dial)?.write(octets);
  }

  #dial({ dial, host, port, tls: given, send = [] }) {
    const what = live.lacks(given);
    if (what.length > 0) return live.write({ dial, event: 'unsupported', what });
    let socket;
    try {
      socket = tls.connect({ ...options(given, host, port), session: this.#sessions.get(given.session) });
    } catch (error) {
      return live.write({ dial, event: 'unsupported', what: [`its configuration: ${error.message}`] });
    }
    this.#sockets.set(dial, socket);
    socket.on('secureConnect', () => {
      live.write({ dial, event: 'open', tls: { ...live.describe(socket), server_name: undefined } });
      for (const payload of send) this.#send(dial, payload);
    });
    if (given.session) socket.on('session', (session) => this.#sessions.set(given.session, session));
    socket.on('data', (octets) => live.write({ dial, event: 'message', payload: octets.toString('hex') }));
    socket.on('error', (error) => {
      console.error(`dial ${dial}: ${error.message}`);
      socket.destroy();
    });
    socket.on('close', () => {
      live.write({ dial, event: 'end', clean: isClean(socket) });
      this.#sockets.delete(dial);
    });
  }
}

/** All that Node tells of an end: for FIN it is the same as for close_notify. */
const isClean = (socket) => socket !== undefined && socket.readableEnded && socket.errored === null;

/** The name to check is `servername`; an address, which can't be that, is `host` beside a socket that is connected. */
function options(given, host, port) {
  const own = given.chain && { chain: given.chain, key: given.key };
  const common = { ...live.contextOptions(given, own), ...live.alpn(given), rejectUnauthorized: given.check };
  const name = given.server_name;
  if (net.isIP(name)) return { ...common, host: name, socket: net.connect({ host, port }) };
  return { ...common, host, port, servername: name };
}

await live.run('node-tls', { server: Server, client: Client });
