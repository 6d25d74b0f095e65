// DER: asn1js reads BER, so what DER forbids is looked for here (TLS-036).
import { isUtf8 } from 'node:buffer';
import { fromBER } from 'asn1js';

export const TAG = {
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, printable: 0x13, utcTime: 0x17, time: 0x18,
  sequence: 0x30, set: 0x31,
};

/** Octets that are not what they have to be; the caller makes it a code of the registry. */
export class DerError extends Error {}

/** The one element that these octets are: `tag` (its first octet), `der`, `content`, and `items` if it is constructed. */
export function readDer(octets) {
  const { offset, result } = parse(octets);
  if (offset !== octets.length) throw new DerError(result.error || 'octets follow the element');
  return element(result);
}

/** The items of a SEQUENCE; `tags` are those that it begins with. */
export function items(sequence, ...tags) {
  const found = sequence.tag === TAG.sequence && tags.every((tag, i) => sequence.items[i]?.tag === tag);
  if (!found) throw new DerError('not the expected sequence');
  return [...sequence.items];
}

/** Takes the first element off a list if it has one of these tags. */
export const take = (list, ...tags) => (tags.includes(list[0]?.tag) ? list.shift() : undefined);

export const hex = ({ content }) => content.toString('hex');

/** The seconds since 1970 of a UTCTime or GeneralizedTime in the forms of RFC 5280, section 4.1.2.5. */
export function seconds({ tag, content }) {
  let digits = content.toString('latin1').replace(/Z$/, '');
  if (tag === TAG.utcTime) digits = (digits < '5' ? '20' : '19') + digits;
  const text = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z');
  const date = new Date(text);
  if (content.at(-1) !== 0x5a || Number.isNaN(date.getTime()) || date.toISOString() !== text) throw new DerError('a time');
  return date.getTime() / 1000;
}

function parse(octets) {
  try {
    return fromBER(octets);
  } catch (error) {
    throw new DerError(error.message); // of a time that is none, say
  }
}

function element({ valueBeforeDecodeView, lenBlock, idBlock, valueBlock }) {
  const der = Buffer.from(valueBeforeDecodeView);
  const header = lengthOctets(lenBlock.length) + 1;
  // A length that is indefinite, or longer than needed, makes more octets than these.
  if (idBlock.tagNumber > 30 || der.length !== header + lenBlock.length) throw new DerError('a length');
  const read = { tag: der[0], der, content: der.subarray(header) };
  if (idBlock.isConstructed) read.items = valueBlock.value.map(element);
  if (!isCanonical(read)) throw new DerError(`the value of tag ${read.tag}`);
  return read;
}

const lengthOctets = (length) => (length < 0x80 ? 1 : 1 + Math.ceil((32 - Math.clz32(length)) / 8));

function isCanonical({ tag, content, items: elements }) {
  switch (tag) {
    case TAG.boolean:
      return content.length === 1 && (content[0] === 0 || content[0] === 0xff);
    case TAG.integer:
      return content.length > 0 && !(content.length > 1 && (content[0] === 0 ? content[1] < 0x80 : content[0] === 0xff && content[1] > 0x7f));
    case TAG.bits:
      return content.length > 0 && content[0] < 8 && (content.length > 1 ? (content.at(-1) & ((1 << content[0]) - 1)) === 0 : content[0] === 0);
    case TAG.oid:
      return content.length > 0 && content.at(-1) < 0x80 && content.every((c, i) => c !== 0x80 || content[i - 1] >= 0x80);
    case TAG.utf8:
      return isUtf8(content);
    case TAG.printable:
      return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(content.toString('latin1'));
    case TAG.set:
      return elements.every((item, i) => i === 0 || Buffer.compare(elements[i - 1].der, item.der) <= 0);
    default:
      return elements === undefined || tag === TAG.sequence || tag >= 0x80; // no string in pieces
  }
}
