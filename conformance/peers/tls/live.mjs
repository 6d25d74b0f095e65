// What the adapters in Node share: the lines of the live protocol (spec/live-protocol.md, section 8), and its
// configuration as the options of Node's tls module.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

/** Runs the endpoint until its input ends. `roles` has a class for each role. */
export async function run(name, roles) {
  const implementation = { name, version: process.versions.node, language: `Node.js, OpenSSL ${process.versions.openssl}` };
  process.stdout.on('error', () => process.exit(1)); // nobody listens any more
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const start = JSON.parse((await input.next()).value);
  if (start.v !== 1) throw new RangeError('this endpoint speaks version 1 of the live protocol only');
  const Role = roles[start.role];
  const unsupported = Role.lacks(start);
  if (unsupported.length > 0) return leave({ ready: false, unsupported, implementation });
  const endpoint = new Role(start);
  try {
    write({ ready: true, ...(await endpoint.start()), implementation });
  } catch (error) {
    return leave({ ready: false, unsupported: [`its configuration: ${error.message}`], implementation });
  }
  for await (const line of input) endpoint.command(JSON.parse(line));
  process.exit(0); // which ends all connections
}

export function write(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function leave(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(0));
}

export function pem(label, hex) {
  const base64 = Buffer.from(hex, 'hex').toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`;
}

/** What of section 8 Node's tls module has no setting for. */
export function lacks(tls) {
  if (tls === undefined) return ['a tunnel without TLS'];
  const lacks = tls.tunnel ? ['a tunnel inside'] : [];
  // Node accepts a leaf without extendedKeyUsage in any case.
  const known = ['tls12', 'eku-if-present'];
  for (const policy of tls.policies ?? []) if (!known.includes(policy)) lacks.push(`the policy ${policy}`);
  return lacks;
}

/** Options of tls.createSecureContext, for a context or a client: null for no certificate. */
export function contextOptions({ anchors, crls, policies }, own) {
  return {
    ca: anchors.map((der) => pem('CERTIFICATE', der)),
    crl: crls?.map((der) => pem('X509 CRL', der)),
    cert: own?.chain.map((der) => pem('CERTIFICATE', der)).join(''),
    key: own ? pem('PRIVATE KEY', own.key) : undefined,
    minVersion: policies?.includes('tls12') ? 'TLSv1.2' : 'TLSv1.3',
  };
}

export const alpn = ({ alpn }) => (alpn ? { ALPNProtocols: ['secure-tunnel/1'] } : {});

/** The field `tls` of `open`, from what the socket tells. */
export function describe(socket) {
  const certificate = socket.getPeerX509Certificate();
  return {
    authorized: socket.authorized,
    alpn: socket.alpnProtocol || null,
    server_name: socket.servername || null,
    version: socket.getProtocol().replace('TLSv', ''),
    resumed: socket.isSessionReused(),
    ...(certificate ? describeCertificate(certificate) : nothing),
  };
}

const nothing = { fingerprint: null, subject: null, issuer: null, serial: null, not_before: null, not_after: null };

function describeCertificate(certificate) {
  const { subject, issuer, serialNumber, validFrom, validTo } = certificate;
  return {
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    serial: serialNumber.toLowerCase().replace(/^(00)+(?=..)/, ''),
    not_before: Date.parse(validFrom) / 1000,
    not_after: Date.parse(validTo) / 1000,
  };
}

/** Node has a line for each attribute. */
const oneLine = (name) => (name ?? '').replaceAll('\n', ', ');

/** A server of Node: what `tls.createServer` and `https.createServer` have in common. */
export class Server {
  constructor({ host, tls }) {
    this.host = host;
    this.tls = tls;
  }

  static lacks({ tls }) {
    return lacks(tls);
  }

  async start() {
    const { clients } = this.tls;
    this.server = this.create({
      ...contextOptions(this.tls, this.tls.default),
      ...alpn(this.tls),
      requestCert: clients !== 'none',
      rejectUnauthorized: clients === 'require',
    });
    this.addContexts();
    await new Promise((resolve, reject) => {
      this.server.once('error', reject).listen(0, this.host, resolve);
    });
    return { port: this.server.address().port };
  }

  addContexts() {
    for (const context of this.tls.contexts) this.server.addContext(context.name, contextOptions(this.tls, context));
  }

  command(line) {
    if (line.tls === undefined) throw new TypeError(`unknown line with the fields ${Object.keys(line)}`);
    Object.assign(this.tls, line.tls);
    if (line.tls.anchors !== undefined || line.tls.crls !== undefined) this.reload();
    write({ tls: true });
  }

  reload() {
    try {
      this.server.setSecureContext(contextOptions(this.tls, this.tls.default));
      this.addContexts(); // of several that fit, the last one added counts
    } catch (error) {
      console.error(`not reloaded: ${error.message}`);
    }
  }
}
