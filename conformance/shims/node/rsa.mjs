// Sections 3.2 and 3.3: RSA keys and RSAES-OAEP.
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { TunnelError } from './conventions.mjs';

export const MIN_SPKI = 591;
const MIN_BITS = 4425;
const MAX_BITS = 8192;

const RSA_ENCRYPTION = Buffer.from('300d06092a864886f70d0101010500', 'hex'); // with NULL parameters
const EXPONENT = Buffer.from('0203010001', 'hex'); // 65537
const HEADER = 32; // octets before n: four headers of 4 octets, the algorithm's 15, the bit string's 00

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }; // MGF1 follows oaepHash; no label

/** An RSA public key that section 3.2 accepts. `bits` and `octets` are the size of its modulus. */
export class RsaPublicKey {
  #key;

  /** Parses an SPKI or refuses it as `bad_key`. */
  constructor(spki) {
    // Every accepted key has two-octet lengths, so n is always in the same place. Decoded, encoded again and
    // compared (HS-003), since OpenSSL also reads BER, missing parameters and octets after the end.
    let n = spki.subarray(HEADER, Math.max(HEADER, spki.length - EXPONENT.length));
    if (n[0] === 0) n = n.subarray(1);
    if (!encodeSpki(n).equals(spki)) throw badKey('not the DER encoding of an RSA key with exponent 65537');
    this.bits = 8 * n.length - (Math.clz32(n[0]) - 24);
    if (this.bits < MIN_BITS || this.bits > MAX_BITS) throw badKey(`a modulus of ${this.bits} bits`);
    if (n.at(-1) % 2 === 0) throw badKey('an even modulus');
    this.spki = Buffer.from(spki);
    this.modulus = Buffer.from(n);
    this.octets = n.length;
    this.#key = createPublicKey({ key: this.spki, format: 'der', type: 'spki' });
  }

  encrypt(plaintext) {
    return publicEncrypt({ key: this.#key, ...OAEP }, plaintext);
  }
}

export class RsaPrivateKey {
  #key;

  constructor(key) {
    this.#key = key;
    this.publicKey = new RsaPublicKey(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  }

  static fromPkcs8(der) {
    return new RsaPrivateKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  }

  /** HS-001, HS-002. Takes seconds. */
  static generate(bits = 4552) {
    return new RsaPrivateKey(generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: 65537 }).privateKey);
  }

  /** Refuses as `decrypt`, without telling why (HS-017). */
  decrypt(ciphertext) {
    const { octets, modulus } = this.publicKey;
    // OpenSSL accepts a ciphertext without its leading zero octets (HS-014). HS-015 is checked here too, so as not
    // to depend on it.
    if (ciphertext.length !== octets || ciphertext.compare(modulus) >= 0) throw new TunnelError('hs.decrypt');
    try {
      return privateDecrypt({ key: this.#key, ...OAEP }, ciphertext);
    } catch {
      throw new TunnelError('hs.decrypt');
    }
  }
}

function encodeSpki(n) {
  const modulus = n[0] & 0x80 ? Buffer.concat([Buffer.of(0), n]) : n;
  const key = der(0x30, der(0x02, modulus), EXPONENT);
  return der(0x30, RSA_ENCRYPTION, der(0x03, Buffer.of(0), key));
}

// With a length of two octets always, as section 3.2 shows it: other keys are too short or too long anyway.
function der(tag, ...parts) {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag, 0x82, (content.length >> 8) & 0xff, content.length & 0xff), content]);
}

const badKey = (message) => new TunnelError('hs.bad_key', message);
