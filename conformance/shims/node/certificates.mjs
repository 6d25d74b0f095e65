// Section 7.6 for one certificate or CRL: its form, and the parts that the profile looks at.
import { constants, createPublicKey, verify } from 'node:crypto';
import { TunnelError } from './conventions.mjs';
import { DerError, hex, items, readDer, seconds, TAG, take } from './der.mjs';

const OID = { // the content of the element, in hexadecimal
  basicConstraints: '551d13', keyUsage: '551d0f', extendedKeyUsage: '551d25', subjectAltName: '551d11', nameConstraints: '551d1e',
  crlNumber: '551d14', authorityKeyIdentifier: '551d23', deltaCrlIndicator: '551d1b', issuingDistributionPoint: '551d1c',
  reasonCode: '551d15', certificateIssuer: '551d1d', invalidityDate: '551d18', commonName: '550403', pss: '2a864886f70d01010a', mgf1: '2a864886f70d010108',
};
const PROCESSED = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage, OID.subjectAltName, OID.nameConstraints]; // TLS-048
const CRL_PROCESSED = [OID.crlNumber, OID.authorityKeyIdentifier];
const ENTRY_PROCESSED = [OID.reasonCode, OID.invalidityDate];

/** Tags of a GeneralName. */
export const NAME = { dns: 0x82, directory: 0xa4, uri: 0x86, ip: 0x87 };
const FORMS = [0xa0, 0x81, NAME.dns, 0xa3, NAME.directory, 0xa5, NAME.uri, NAME.ip, 0x88];

/** A certificate in DER. Its extensions are parsed when they are looked at; all of it throws `certificate_form`. */
export class Certificate {
  #extensions;

  constructor(der) {
    this.der = der;
    asForm('tls.certificate_form', () => {
      const rest = this.#signed(der);
      this.isVersion3 = take(rest, 0xa0)?.content.equals(Buffer.of(TAG.integer, 1, 2)) ?? false;
      const [serial, algorithm, issuer, validity, subject, spki] = rest.splice(0, 6);
      this.hasOneAlgorithm = algorithm.der.equals(this.algorithm.der);
      [this.issuer, this.subject, this.spki, this.serial] = [issuer.der, subject.der, spki.der, hex(serial)];
      [this.notBefore, this.notAfter] = items(validity).map(seconds);
      this.commonNames = items(subject).flatMap((rdn) => rdn.items.map((pair) => items(pair, TAG.oid)))
        .filter(([type]) => hex(type) === OID.commonName)
        .map(([, value]) => value);
      this.key = strongKey(spki);
      take(rest, 0x81);
      take(rest, 0x82);
      this.#extensions = take(rest, 0xa3)?.items[0];
      if (rest.length > 0) throw new DerError('more than a certificate has');
    });
  }

  #signed(der) {
    const [tbs, algorithm, signature] = items(readDer(der), TAG.sequence, TAG.sequence, TAG.bits);
    if (signature.content[0] !== 0) throw new DerError('a signature that is not of whole octets');
    [this.signed, this.algorithm, this.signature] = [tbs.der, algorithm, signature.content.subarray(1)];
    return items(tbs);
  }

  get extensions() {
    return asForm('tls.certificate_form', () => extensions(this.#extensions));
  }

  get hasUnknownCritical() {
    return hasUnknownCritical(this.extensions, PROCESSED);
  }

  #read(oid, parse) {
    const extension = this.extensions.get(oid);
    return extension && asForm('tls.certificate_form', () => parse(readDer(extension.value)));
  }

  /** { ca, pathLength } or undefined. An explicit FALSE is not DER. */
  get basicConstraints() {
    return this.#read(OID.basicConstraints, (value) => {
      const rest = items(value);
      const ca = take(rest, TAG.boolean);
      if (ca && ca.content[0] === 0) throw new DerError('a default value');
      const pathLength = take(rest, TAG.integer);
      if (pathLength?.content[0] > 0x7f || rest.length > 0) throw new DerError('basicConstraints');
      return { ca: ca !== undefined, pathLength: pathLength && Number(`0x${hex(pathLength)}`) };
    });
  }

  /** True if there is no keyUsage, or one with this bit. */
  mayBeUsedFor(bit) {
    const bits = this.#read(OID.keyUsage, ({ tag, content }) => {
      if (tag !== TAG.bits) throw new DerError('keyUsage');
      return content.subarray(1);
    });
    return bits === undefined || (bits.length > 0 && ((bits[0] << bit) & 0x80) !== 0);
  }

  /** The purposes of extendedKeyUsage, in hexadecimal, or undefined. */
  get purposes() {
    return this.#read(OID.extendedKeyUsage, (value) => items(value, TAG.oid).map(hex));
  }

  /** The entries of subjectAltName, as tag and content. */
  get names() {
    return this.#read(OID.subjectAltName, (value) => items(value)) ?? [];
  }

  /** { permitted, excluded }, each a list of names, or undefined. */
  get nameConstraints() {
    return this.#read(OID.nameConstraints, (value) => {
      const rest = items(value);
      const bases = (tag) => (take(rest, tag)?.items ?? []).map((subtree) => {
        const [base, ...distances] = items(subtree);
        const isUsable = FORMS.includes(base.tag) && (base.tag !== NAME.ip || isNetwork(base.content));
        if (distances.length > 0 || !isUsable) throw new TunnelError('tls.name_constraint');
        return base;
      });
      const constraints = { permitted: bases(0xa0), excluded: bases(0xa1) };
      if (rest.length > 0) throw new TunnelError('tls.name_constraint');
      return constraints;
    });
  }
}

// An address and a mask of ones before zeros (RFC 5280, section 4.2.1.10).
function isNetwork(content) {
  const mask = [...content.subarray(content.length / 2)].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return [8, 32].includes(content.length) && !mask.includes('01');
}

export const USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 };

/** A complete CRL of version 2 with a nextUpdate. Throws `crl_form` (TLS-072). */
export class Crl {
  constructor(der) {
    asForm('tls.crl_form', () => {
      const [tbs, algorithm, signature] = items(readDer(der), TAG.sequence, TAG.sequence, TAG.bits);
      [this.signed, this.algorithm, this.signature] = [tbs.der, algorithm, signature.content.subarray(1)];
      const [version, inner, issuer, thisUpdate, nextUpdate, ...rest] = items(tbs, TAG.integer);
      if (hex(version) !== '01' || !inner.der.equals(algorithm.der)) throw new DerError('version or algorithm');
      this.issuer = issuer.der;
      [this.thisUpdate, this.nextUpdate] = [seconds(thisUpdate), seconds(nextUpdate)];
      const entries = (take(rest, TAG.sequence)?.items ?? []).map((entry) => items(entry, TAG.integer));
      this.serials = new Set(entries.map(([serial]) => hex(serial)));
      const own = extensions(take(rest, 0xa0)?.items[0]);
      entries.forEach(([, revoked]) => seconds(revoked)); // throws
      const ofEntries = entries.map(([, , more]) => extensions(more));
      const hasMore = rest.length > 0 || entries.some(({ length }) => length > 3);
      const isPartial = own.has(OID.deltaCrlIndicator) || own.has(OID.issuingDistributionPoint);
      const isUnknown = ofEntries.some((map) => map.has(OID.certificateIssuer) || hasUnknownCritical(map, ENTRY_PROCESSED));
      const isStrange = hasMore || isPartial || isUnknown || hasUnknownCritical(own, CRL_PROCESSED);
      if (isStrange) throw new DerError('not complete, or not known');
    });
  }
}

/** TLS-052, without verifying it. */
export const hasStrongSignature = ({ algorithm }) => signatureScheme(algorithm) !== undefined;

/** Whether a strong signature is correct under the issuer's strong key. The names are not looked at. */
export function isSignedBy({ signed, algorithm, signature }, { key }) {
  const { type, hash, ...options } = signatureScheme(algorithm);
  return key.asymmetricKeyType === type && verify(hash, signed, { key, ...options }, signature);
}

function asForm(code, read) {
  try {
    return read();
  } catch (error) {
    // A TypeError is an element that is not there.
    if (error instanceof DerError || error instanceof TypeError) throw new TunnelError(code, error.message);
    throw error;
  }
}

function extensions(list) {
  const found = new Map();
  for (const extension of list ? items(list) : []) {
    const rest = items(extension, TAG.oid);
    const oid = hex(rest.shift());
    const critical = take(rest, TAG.boolean);
    const value = take(rest, TAG.octets);
    // FALSE is the default, which DER leaves out.
    if (critical?.content[0] === 0 || !value || rest.length > 0 || found.has(oid)) throw new DerError(`the extension ${oid}`);
    found.set(oid, { critical: critical !== undefined, value: value.content });
  }
  return found;
}

const hasUnknownCritical = (map, processed) => [...map].some(([oid, { critical }]) => critical && !processed.includes(oid));

const STRONG_KEYS = [
  '300d06092a864886f70d0101010500', // rsaEncryption
  '301306072a8648ce3d020106082a8648ce3d030107', // P-256
  '301006072a8648ce3d020106052b81040022', // P-384
  '300506032b6570', // Ed25519
];

/** The key if TLS-051 accepts it, else null. */
function strongKey(spki) {
  const [algorithm, bits] = items(spki, TAG.sequence, TAG.bits);
  if (bits.content[0] !== 0) throw new DerError('a key that is not of whole octets');
  if (!STRONG_KEYS.includes(algorithm.der.toString('hex'))) return null;
  try {
    const key = createPublicKey({ key: spki.der, format: 'der', type: 'spki' });
    const size = key.asymmetricKeyDetails.modulusLength ?? 2048;
    return size >= 2048 && size <= 8192 ? key : null;
  } catch {
    return null; // a point that is not on its curve, and the like
  }
}

const RSA = { '2a864886f70d01010b': 'sha256', '2a864886f70d01010c': 'sha384', '2a864886f70d01010d': 'sha512' };
const ECDSA = { '2a8648ce3d040302': 'sha256', '2a8648ce3d040303': 'sha384' };
const HASH = { // with NULL
  '06096086480165030402010500': 'sha256', '06096086480165030402020500': 'sha384', '06096086480165030402030500': 'sha512',
};
const SALT = { sha256: 32, sha384: 48, sha512: 64 };

/** What crypto.verify needs for an AlgorithmIdentifier, or undefined if TLS-052 does not accept it. */
function signatureScheme(algorithm) {
  const [type, parameters] = items(algorithm, TAG.oid);
  const oid = hex(type);
  if (oid === '2b6570') return parameters ? undefined : { type: 'ed25519', hash: null };
  if (ECDSA[oid]) return parameters ? undefined : { type: 'ec', hash: ECDSA[oid] };
  if (RSA[oid]) return { type: 'rsa', hash: RSA[oid] };
  return oid === OID.pss ? pssScheme(parameters) : undefined;
}

function pssScheme(parameters) {
  const [hash, mask, salt, ...rest] = parameters?.items ?? [];
  if (hash?.tag !== 0xa0 || mask?.tag !== 0xa1 || salt?.tag !== 0xa2 || rest.length > 0) return undefined; // a default is SHA-1
  const name = HASH[hex(hash.items[0])];
  const [mgf, maskHash] = mask.items[0].items;
  const sameMask = hex(mgf) === OID.mgf1 && HASH[hex(maskHash)] === name;
  if (!name || !sameMask || hex(salt.items[0]) !== SALT[name].toString(16)) return undefined;
  return { type: 'rsa', hash: name, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT[name] };
}
