// The operations that run one party, or one reader, through a list of events.
import { Channel, Direction, exporterKey } from './channel.mjs';
import { TunnelError } from './conventions.mjs';
import { FrameReader, takeWebSocketMessage } from './framing.mjs';
import { ClientHandshake, ServerHandshake } from './handshake.mjs';
import { number, octets, rsaKey } from './values.mjs';

export function runClient(input) {
  const sent = [];
  let party;
  return withOut(() => ({ sent, established: party?.established ?? false }), () => {
    party = new ClientHandshake({ clientKey: octets(input.client_key), pin: octets(input.pin) });
    for (const event of input.events) {
      if (event.request) {
        const own = { privateKey: rsaKey(input.private_key), now: number(event.request.now), r: octets(input.r) };
        sent.push(party.request(event.at, own));
      } else if (event.receive !== undefined && party.established) {
        party.channel.receive(octets(event.receive));
      } else if (event.receive !== undefined) {
        const open = party.receive(event.at, octets(event.receive));
        if (open) sent.push(open);
      } else passTime(party, event);
    }
  });
}

export function runServer(input) {
  const party = new ServerHandshake({ privateKey: rsaKey(input.private_key), releaseDelay: input.release_delay_ms });
  const sent = [party.m1];
  let lookedUp = null;
  let at = 0;
  try {
    return withOut(() => ({ sent, looked_up: lookedUp, established: party.established }), () => {
      for (const event of input.events) {
        at = event.at;
        if (event.lookup !== undefined) {
          const answer = event.lookup.found === undefined ? event.lookup : { found: octets(event.lookup.found) };
          sent.push(party.answer(at, answer, number(event.now), octets(input.k)));
        } else if (event.receive !== undefined && party.established) {
          party.channel.receive(octets(event.receive));
        } else if (event.receive !== undefined) {
          lookedUp = party.receive(at, octets(event.receive)) ?? lookedUp;
        } else passTime(party, event);
      }
    });
  } catch (error) {
    if (error.out && (input.release_delay_ms ?? null) !== null) error.out.release_at = party.releaseAt(at);
    throw error;
  }
}

function passTime(party, event) {
  if (event.end) party.end(event.at);
  else if (event.wake) party.wake(event.at);
  else throw new TypeError(`unknown event ${JSON.stringify(event)}`);
}

export function runSession({ role, start, events }) {
  const results = [];
  const channel = startSession(role, start, results);
  for (const event of events) {
    try {
      results.push(runEvent(channel, event));
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      results.push({ error: { class: error.class, code: error.code } });
    }
  }
  return { results };
}

function startSession(role, { m1, m2, m3, k, prk, c2s, s2c }, results) {
  if (prk === undefined) {
    const channel = Channel[role]({ m1: octets(m1), m2: octets(m2), m3: octets(m3), k: octets(k) });
    if (role === 'client') results.push({ record: channel.open() });
    return channel;
  }
  const up = new Direction('c2s', octets(c2s.chain), number(c2s.n));
  const down = new Direction('s2c', octets(s2c.chain), number(s2c.n));
  const [out, incoming] = role === 'client' ? [up, down] : [down, up];
  return new Channel({ out, in: incoming, exporter: exporterKey(octets(prk)), established: true });
}

function runEvent(channel, event) {
  if (event.send !== undefined) return { record: channel.send(octets(event.send)) };
  if (event.close) return { record: channel.close() };
  if (event.receive !== undefined) {
    const { type, payload } = channel.receive(octets(event.receive));
    return { [type]: type === 'data' ? payload : true };
  }
  if (event.export) return { octets: channel.export(octets(event.export.label), octets(event.export.context), event.export.length) };
  if (event.end) return { end: channel.transportEnded() };
  if (!event.transport_failed) throw new TypeError(`unknown event ${JSON.stringify(event)}`);
  channel.transportFailed();
  return { dead: true };
}

export function runStream(input) {
  const messages = [];
  const reader = new FrameReader();
  return withOut(() => ({ messages }), () => {
    for (const read of input.reads) {
      reader.push(octets(read));
      for (let message; (message = reader.next(isEstablished(input, messages))) !== null; ) messages.push(message);
    }
    if (input.end) reader.end();
  });
}

export function runWebSocket(input) {
  const messages = [];
  return withOut(() => ({ messages }), () => {
    for (const { binary } of input.messages) {
      messages.push(takeWebSocketMessage({ binary: octets(binary) }, isEstablished(input, messages)));
    }
  });
}

const isEstablished = ({ established_after: after }, messages) => after !== null && after !== undefined && messages.length >= after;

/** Runs an operation whose refusals also carry what was done before: `out` makes it. */
function withOut(out, run) {
  try {
    run();
    return out();
  } catch (error) {
    if (error instanceof TunnelError) error.out = out();
    throw error;
  }
}
