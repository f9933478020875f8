import type { JsonObject } from 'federation-spec/events/event.ts';
import { expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers } from '../kit/start-servers.ts';

const SERVERS = 200;
const DEAD = 20;
const SLOW = 20;
const SLOW_MS = 5_000;
const EVENTS = 30;
const TIMEOUT_MS = 300_000;
const WAIT = { timeout: 60_000, interval: 250 };
/** For reading the events, finding who is to be sent them, and putting down what could not be sent: however many servers there are. */
const MAX_STATEMENTS_PER_EVENT = 12;

const textsTo = (peer: HostilePeer) =>
  peer.seen.flatMap(({ path, body }) =>
    path.includes('/v1/send/') ? (body as { pdus: JsonObject[] }).pdus.map((pdu) => (pdu['content'] as JsonObject)['body']) : [],
  );

test('a room of two hundred servers, of which some are dead and some are slow', { timeout: TIMEOUT_MS }, async () => {
  await using servers = await startServers(1);
  const server = servers.at(0);
  const romeo = await servers.user('romeo', 0);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const peers: HostilePeer[] = [];
  try {
    for (let index = 0; index < SERVERS; index += 1) peers.push(await startHostilePeer(servers.ca));
    const taking = (_method: string, path: string) => (path.includes('/v1/send/') ? { pdus: {} } : undefined);
    for (const peer of peers) {
      peer.answer(taking);
      await peer.join(server, roomId, 'guest');
    }
    const lastJoiner = peers.at(-1)?.name;
    const heardOfLast = () =>
      peers.slice(0, -1).filter((peer) => peer.seen.some(({ body }) => JSON.stringify(body ?? '').includes(`@guest:${lastJoiner}`))).length;
    await expect.poll(heardOfLast, WAIT).toBe(SERVERS - 1);

    const [dead, slow, lively] = [peers.slice(0, DEAD), peers.slice(DEAD, DEAD + SLOW), peers.slice(DEAD + SLOW)];
    for (const peer of dead) peer.answer(() => (response: { destroy: () => void }) => response.destroy());
    for (const peer of slow)
      peer.answer(async (...request) => {
        await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
        return taking(request[0], request[1]);
      });
    for (const peer of peers) peer.seen.length = 0;
    server.queries.length = 0;

    const texts = Array.from({ length: EVENTS }, (_, index) => `message ${index}`);
    for (const text of texts) await romeo.send(roomId, text);
    const haveAll = (some: readonly HostilePeer[]) => () => some.filter((peer) => textsTo(peer).length >= EVENTS).length;
    await expect.poll(haveAll(lively), WAIT).toBe(lively.length);
    const spent = server.queries.filter((query) => !/federation_destinations|follower_cursors/.test(query));
    expect(spent.length / EVENTS).toBeLessThan(MAX_STATEMENTS_PER_EVENT);
    for (const peer of lively) expect(textsTo(peer)).toEqual(texts);
    await expect.poll(haveAll(slow), WAIT).toBe(slow.length);
    for (const peer of slow) expect(textsTo(peer)).toEqual(texts);

    // Each comes back by a request of its own.
    for (const peer of dead) {
      peer.seen.length = 0;
      peer.answer(taking);
      await peer.call(server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(romeo.id)}`);
    }
    await expect.poll(() => dead.filter((peer) => textsTo(peer).at(-1) === texts.at(-1)).length, WAIT).toBe(DEAD);
  } finally {
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
  }
});
