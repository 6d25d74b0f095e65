// Chapter 7, without the TLS layer: whether a peer's certificates are accepted, and which context serves a name.
import { isIP } from 'node:net';
import { Certificate, Crl, hasStrongSignature, isSignedBy, NAME, USAGE } from './certificates.mjs';
import { sha256, TunnelError } from './conventions.mjs';
import { isId } from './credentials.mjs';
import { TAG } from './der.mjs';

const MAX_INTERMEDIATES = 6;
const PURPOSE = { server: '2b06010505070301', client: '2b06010505070302' };
const DNS_NAME = /^(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/;

/** What a party checks its peers with. Without `crls` and without `allow` there are none, which an empty list is not. */
export class Verifier {
  #anchors;
  #crls;
  #policies;
  #allow;
  #deny;

  constructor({ anchors, crls, policies = [], allow, deny = [] }) {
    this.#crls = crls?.map((der) => new Crl(der));
    this.#anchors = anchors.map((der) => new Certificate(der));
    [this.#policies, this.#allow, this.#deny] = [new Set(policies), allow, deny];
  }

  /** The client's check of a server's chain and name. */
  server(chain, now, name) {
    const matches = nameMatcher(name);
    const leaf = this.#verifyChain(chain, 'server', now);
    if (!leaf.names.some(matches)) throw refusal('server_name'); // TLS-053
    return { fingerprint: sha256(leaf.der) };
  }

  /** The server's check of a client's chain. */
  client(chain, now) {
    const leaf = this.#verifyChain(chain, 'client', now);
    const peer = { fingerprint: sha256(leaf.der), identity: identityOf(leaf) };
    const isOn = (list) => list.some(({ identity, sha256: print }) => identity?.equals(peer.identity) || print?.equals(peer.fingerprint));
    if (isOn(this.#deny)) throw refusal('denied'); // TLS-073, before the allow list
    if (this.#allow && !isOn(this.#allow)) throw refusal('not_allowed'); // TLS-074
    return peer;
  }

  #verifyChain([first, ...others], peer, now) {
    if (!first) throw refusal('no_certificate'); // TLS-023
    const leaf = new Certificate(first); // TLS-031
    if (leaf.basicConstraints?.ca) throw refusal('ca_constraints'); // TLS-034
    let fault;
    for (const path of paths([leaf], readable(others), this.#anchors)) {
      try {
        this.#check(path, peer, now);
        return leaf;
      } catch (error) {
        if (!(error instanceof TunnelError)) throw error;
        fault ??= error; // another path may be acceptable (TLS-032)
      }
    }
    throw fault ?? refusal('untrusted'); // TLS-033
  }

  #check(path, peer, now) {
    const certificates = path.slice(0, -1);
    for (const certificate of certificates) {
      if (!certificate.isVersion3 || !certificate.hasOneAlgorithm) throw refusal('certificate_form'); // TLS-036
    }
    if (path.some(({ key }) => key === null)) throw refusal('weak'); // TLS-051
    if (!certificates.every(hasStrongSignature)) throw refusal('weak'); // TLS-052
    if (certificates.some(({ hasUnknownCritical }) => hasUnknownCritical)) throw refusal('critical_extension'); // TLS-048
    for (const { notBefore, notAfter } of this.#policies.has('anchor-validity-ignored') ? certificates : path) {
      if (now < notBefore) throw refusal('not_yet_valid'); // TLS-037 to TLS-039
      if (now > notAfter) throw refusal('expired');
    }
    path.slice(1).forEach((authority, below) => {
      checkAuthority(authority, below);
      checkNameConstraints(authority, path.slice(0, below + 1));
    });
    this.#checkUsage(certificates, PURPOSE[peer]);
    if (this.#crls) certificates.forEach((certificate, i) => this.#lookUp(certificate, path[i + 1], now));
  }

  #checkUsage(certificates, purpose) {
    const [leaf] = certificates;
    if (!leaf.mayBeUsedFor(USAGE.digitalSignature)) throw refusal('usage'); // TLS-043
    if (!leaf.purposes && !this.#policies.has('eku-if-present')) throw refusal('usage'); // TLS-044, TLS-045
    if (certificates.some(({ purposes }) => purposes && !purposes.includes(purpose))) throw refusal('usage'); // to TLS-047
  }

  #lookUp({ serial }, issuer, now) {
    const isSigned = (crl) => crl.issuer.equals(issuer.subject) && hasStrongSignature(crl) && isSignedBy(crl, issuer);
    const signed = issuer.mayBeUsedFor(USAGE.crlSign) ? this.#crls.filter(isSigned) : []; // TLS-069
    const isFresh = ({ thisUpdate, nextUpdate }) => now >= thisUpdate && now <= nextUpdate;
    const usable = this.#policies.has('crl-stale-accepted') ? signed : signed.filter(isFresh);
    if (usable.some(({ serials }) => serials.has(serial))) throw refusal('revoked'); // TLS-068
    const isUnknown = signed.length === 0 && this.#policies.has('crl-unknown-accepted');
    if (usable.length === 0 && !isUnknown) throw refusal('crl'); // TLS-070, TLS-071
  }
}

/** The index of the context that serves the indicated name (undefined: none), null for the default one. */
export function findContext(contexts, hasDefault, name) {
  const names = contexts.map(lowerCase);
  const wanted = name === undefined ? [] : [lowerCase(name), lowerCase(name).replace(/^[^.]+(?=\.)/, '*')]; // TLS-018, TLS-019
  const index = wanted.map((each) => names.indexOf(each)).find((each) => each >= 0);
  if (index === undefined && !hasDefault) throw refusal('sni'); // TLS-020
  return index ?? null;
}

/** Section 7.8. */
function identityOf(leaf) {
  const uris = leaf.names.filter(({ tag }) => tag === NAME.uri).map(({ content }) => content.toString('latin1'));
  const ours = uris.filter((uri) => /^secure-tunnel:/i.test(uri)).map((uri) => uri.slice('secure-tunnel:'.length));
  const found = ours.length > 0 ? ours : leaf.commonNames;
  if (found.length !== 1) throw refusal('identity'); // TLS-063
  if (ours.length > 0 && /%(?![0-9a-f]{2})|[\x80-\xff]/i.test(ours[0])) throw refusal('identity'); // TLS-064
  if (ours.length === 0 && ![TAG.utf8, TAG.printable].includes(found[0].tag)) throw refusal('identity'); // TLS-065
  const decode = (uri) => Buffer.from(uri.replace(/%(..)/g, (_, digits) => String.fromCharCode(parseInt(digits, 16))), 'latin1');
  const identity = ours.length > 0 ? decode(ours[0]) : found[0].content; // TLS-061, TLS-062
  if (!isId(identity)) throw refusal('identity'); // TLS-066
  return identity;
}

// A further certificate that can't be read is not needed for any path.
function readable(chain) {
  return chain.flatMap((der) => {
    try {
      return [new Certificate(der)];
    } catch (error) {
      if (error instanceof TunnelError) return [];
      throw error;
    }
  });
}

/**
 * All paths from the last certificate of `path` to an anchor, the anchor last. Where a signature is not to be verified, the
 * path ends there, and is refused whatever else it has. A verified signature has one key, so there are not many paths.
 */
function* paths(path, others, anchors) {
  const last = path.at(-1);
  const isName = ({ subject }) => subject.equals(last.issuer);
  for (const anchor of anchors.filter(isName)) if (isRefused(anchor, last) || isSignedBy(last, anchor)) yield [...path, anchor];
  if (path.length > MAX_INTERMEDIATES) return; // TLS-035
  for (const issuer of others.filter(isName)) {
    // A second certificate of the same name and key makes a path longer and no better.
    const isTaken = path.slice(1).some(({ subject, spki }) => subject.equals(issuer.subject) && spki.equals(issuer.spki));
    if (isTaken) continue;
    if (isRefused(issuer, last)) yield [...path, issuer];
    else if (isSignedBy(last, issuer)) yield* paths([...path, issuer], others, anchors);
  }
}

const isRefused = (issuer, certificate) => issuer.key === null || !hasStrongSignature(certificate) || !certificate.hasOneAlgorithm;

/** `below` counts the certificates between it and the leaf. */
function checkAuthority(authority, below) {
  const constraints = authority.basicConstraints;
  if (!constraints?.ca) throw refusal('ca_constraints'); // TLS-040
  if (below > (constraints.pathLength ?? Infinity)) throw refusal('ca_constraints'); // TLS-041
  if (!authority.mayBeUsedFor(USAGE.keyCertSign)) throw refusal('ca_constraints'); // TLS-042
}

function checkNameConstraints({ nameConstraints }, below) {
  if (!nameConstraints) return;
  const { permitted, excluded } = nameConstraints;
  for (const { tag, content } of below.flatMap(({ names }) => names)) {
    const [inside, outside] = [permitted, excluded].map((bases) => bases.filter((base) => base.tag === tag).map((base) => base.content));
    if (tag === NAME.dns || tag === NAME.ip) { // TLS-049
      const covers = tag === NAME.dns ? coversDns : coversIp;
      const isName = tag === NAME.ip || DNS_NAME.test(lowerCase(content).replace(/^\*\./, ''));
      const isBase = (base) => tag === NAME.ip || base.length === 0 || DNS_NAME.test(lowerCase(base).replace(/^\./, ''));
      const bases = [...inside, ...outside];
      if (bases.length > 0 && !(isName && bases.every(isBase))) throw refusal('name_constraint');
      if (inside.length > 0 && !inside.some((base) => covers(base, content, false))) throw refusal('name_constraint');
      if (outside.some((base) => covers(base, content, true))) throw refusal('name_constraint');
    } else if (inside.length + outside.length > 0) throw refusal('name_constraint'); // TLS-050
  }
  if ([...permitted, ...excluded].some(({ tag }) => tag === NAME.directory)) throw refusal('name_constraint'); // TLS-050: the subject
}

/** Whether `name` is `base` with labels before it; with `some`, whether one of the names of a wildcard is. */
function coversDns(base, name, some) {
  if (base.length === 0) return true;
  const onlyBelow = base[0] === 0x2e ? 1 : 0;
  const [wanted, labels] = [lowerCase(base).slice(onlyBelow).split('.'), lowerCase(name).split('.')];
  const offset = labels.length - wanted.length;
  return offset >= onlyBelow && wanted.every((label, i) => labels[offset + i] === label || (some && labels[offset + i] === '*'));
}

const coversIp = (base, address) =>
  base.length === 2 * address.length && address.every((octet, i) => ((octet ^ base[i]) & base[address.length + i]) === 0);

/** What compares an entry of subjectAltName with a name, or `bad_name`. */
function nameMatcher(octets) {
  const name = lowerCase(octets);
  if (isIP(name) && !name.includes('%')) {
    const address = packIp(name);
    return ({ tag, content }) => tag === NAME.ip && content.equals(address); // TLS-058
  }
  if (!DNS_NAME.test(name) || /(^|\.)\d+$/.test(name)) throw refusal('bad_name'); // TLS-060
  return ({ tag, content }) => {
    const entry = lowerCase(content);
    if (tag !== NAME.dns) return false;
    if (entry.startsWith('*.')) { // TLS-056
      const rest = entry.slice(2);
      return rest.includes('.') && DNS_NAME.test(rest) && name.replace(/^[^.]+\.?/, '') === rest;
    }
    return DNS_NAME.test(entry) && entry === name; // TLS-055, TLS-057, TLS-059
  };
}

function packIp(text) {
  if (isIP(text) === 4) return Buffer.from(text.split('.').map(Number));
  const [head, tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::'); // in hexadecimal throughout
  const groups = (part) => (part ? part.split(':').map((group) => group.padStart(4, '0')) : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  return Buffer.from([...groups(head), ...Array(missing).fill('0000'), ...groups(tail)].join(''), 'hex');
}

/** Octets as a string of one character each, with ASCII capitals made small. */
const lowerCase = (octets) => octets.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const refusal = (code) => new TunnelError(`tls.${code}`);
