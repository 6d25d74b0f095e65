// The live protocol (spec/live-protocol.md) on standard input and output, in front of connections.
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { lines } from '../../shims/node/lines.mjs';
import { RsaPrivateKey } from '../../shims/node/rsa.mjs';
import { encode, octets, rsaKey } from '../../shims/node/values.mjs';
import { ClientConnection, ServerConnection } from './connection.mjs';

const HOUR = 3_600_000; // ms
const GOODBYE = 5_000; // ms for the channels to close at the end

/** Runs the endpoint until its input ends. `transports` has `listen` and `dial` for `tcp` and `ws`. */
export async function run({ implementation, transports }) {
  process.stdout.on('error', () => process.exit(1)); // nobody listens any more
  const input = lines(process.stdin);
  const start = JSON.parse((await input.next()).value);
  if (start.v !== 1) throw new RangeError('this endpoint speaks version 1 of the live protocol only');
  const roles = { server: Server, client: Client };
  const endpoint = await roles[start.role].start(start, transports);
  write({ ready: true, port: endpoint.port, implementation });
  for await (const line of input) endpoint.command(JSON.parse(line));
  await endpoint.stop();
  process.exit(0);
}

/** What both roles have: their connections, by port or by number. */
class Endpoint {
  connections = new Map();

  command(line) {
    if (line.close !== undefined) this.connections.get(line.close)?.close();
    else if (line.send !== undefined) this.connections.get(line.send)?.send(octets(line.payload), line.times);
    else throw new TypeError(`unknown line with the fields ${Object.keys(line)}`);
  }

  /** Reports a connection's events under its name, { peer: port } or { dial: number }. */
  reporter(name) {
    const [key] = Object.values(name);
    return (event) => {
      if (event.event === 'end') this.connections.delete(key);
      write({ ...name, ...event });
    };
  }

  add(key, connection) {
    this.connections.set(key, connection);
    connection.start();
  }

  async stop() {
    const over = performance.now() + GOODBYE;
    for (const connection of this.connections.values()) {
      if (connection.established) connection.close();
      else connection.abandon();
    }
    while (this.connections.size > 0 && performance.now() < over) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const connection of this.connections.values()) connection.abandon();
  }
}

class Server extends Endpoint {
  #credentials;
  #privateKey;

  static async start({ transport, host, credentials, rsa_key: given, release_ms: releaseDelay = null }, transports) {
    const server = new Server();
    server.#learn(credentials);
    server.#privateKey = given ? rsaKey(given) : await newRsaKey();
    // HS-078. A handshake that began with the old key keeps it to its end (HS-079).
    if (!given) setInterval(async () => (server.#privateKey = await newRsaKey()), HOUR).unref();
    const accept = (opened, peer) => {
      const options = { privateKey: server.#privateKey, releaseDelay, lookUp: (id) => server.#lookUp(id), report: server.reporter({ peer }) };
      server.add(peer, new ServerConnection(opened, options));
    };
    Object.assign(server, await transports[transport].listen(host, accept));
    return server;
  }

  command(line) {
    if (line.credentials === undefined) return super.command(line);
    this.#learn(line.credentials);
    write({ credentials: this.#credentials.size });
  }

  async stop() {
    this.close(); // the listener
    await super.stop();
  }

  #learn(credentials) {
    this.#credentials = new Map(credentials.map(({ id, server_key: key }) => [id, octets(key)]));
  }

  #lookUp(id) {
    const found = this.#credentials.get(id.toString('hex'));
    return found ? { found } : 'unknown';
  }
}

class Client extends Endpoint {
  #transports;

  static async start(_, transports) {
    const client = new Client();
    client.#transports = transports;
    return client;
  }

  command(line) {
    if (line.dial === undefined) return super.command(line);
    this.#dial(line);
  }

  async #dial({ dial, transport, host, port, client_key: clientKey, pin, rsa_key: given, send = [] }) {
    const report = this.reporter({ dial });
    const privateKey = given ? rsaKey(given) : await newRsaKey();
    const opened = (transport) => {
      const options = { clientKey: octets(clientKey), pin: octets(pin), privateKey, report };
      const connection = new ClientConnection(transport, options);
      for (const payload of send) connection.send(octets(payload));
      this.add(dial, connection);
    };
    const failed = (error) => {
      console.error(`dial ${dial}: ${error.message}`);
      report({ event: 'end', clean: false });
    };
    this.#transports[transport].dial(host, port, opened, failed);
  }
}

/** HS-002; on a thread of its own, since it takes seconds. */
async function newRsaKey(bits = 4552) {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: bits, publicExponent: 65537 });
  return new RsaPrivateKey(privateKey);
}

function write(line) {
  process.stdout.write(`${JSON.stringify(encode(line))}\n`);
}
