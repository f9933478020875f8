import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, lie, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';

const WAIT = { timeout: 20_000 };
const LARGE = 2_000_000;
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let room: PeerRoom;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  const romeo = await servers.user('romeo', 0);
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const edu = (content: Record<string, unknown>) => ({ edu_type: 'm.presence', content });

test('S12: a transaction of countless values is refused before it has cost much; the next one is taken', async () => {
  const numbers = Array.from({ length: 300_000 }, (_, n) => n % 10);
  const refused = await peer.sendPdus(server, [], [edu({ numbers })]);
  expect(refused).toMatchObject({
    status: 400,
    body: { errcode: 'M_NOT_JSON', error: expect.stringContaining('more than 250000 values') },
  });

  const { event, id } = await room.event({});
  expect((await peer.sendPdus(server, [event], [edu({ numbers: numbers.slice(0, 100_000) })])).status).toBe(200);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
});

test('S12: text in which everything is escaped is read as it was meant', async () => {
  const { event, id } = await room.event({ content: { msgtype: 'm.text', body: '"\\\u0001é'.repeat(2_000) } });
  expect((await peer.sendPdus(server, [event], [edu({ text: '\\"'.repeat(LARGE / 4) })])).status).toBe(200);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
});

test('S32: large bodies of one address are read one after the other; who sends many at once is told to come again', async () => {
  const large = edu({ text: 'x'.repeat(LARGE) });
  const answers = await Promise.all(Array.from({ length: 24 }, () => peer.sendPdus(server, [], [large])));
  const statuses = answers.map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(answers.find(({ status }) => status === 429)?.body).toMatchObject({
    errcode: 'M_LIMIT_EXCEEDED',
    retry_after_ms: expect.any(Number),
  });
  expect((await peer.sendPdus(server, [], [large])).status).toBe(200);
});

test('S11: a state of countless values is refused, and other events of the room are taken in all the while', async () => {
  const missing = `$${'m'.repeat(43)}`;
  const bomb = JSON.stringify({ pdus: Array.from({ length: 90 }, () => ({ a: Array.from({ length: 35_000 }, () => 1) })), auth_chain: [] });
  const ids = Array.from({ length: 100 }, (_, n) => `$${String(n).padStart(43, 'x')}`);
  peer.answer((_method, path) => {
    if (path.includes('/state_ids/')) return { pdu_ids: ids, auth_chain_ids: [] };
    if (path.includes('/state/')) return lie({ body: bomb });
    return path.includes('/get_missing_events/') ? { events: [] } : undefined;
  });
  const lost = await room.event({ prev_events: [missing] });
  expect((await peer.sendPdus(server, [lost.event])).status).toBe(200);
  await expect.poll(() => peer.seen.some(({ path }) => path.includes('/state/')), WAIT).toBe(true);

  const honest = await startHostilePeer(servers.ca);
  try {
    const { event, id } = await (await honest.join(server, room.roomId, 'paris')).event({});
    expect((await honest.sendPdus(server, [event])).status).toBe(200);
    await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
    expect(await storedKind(server, lost.id)).toBeUndefined();
  } finally {
    await honest[Symbol.asyncDispose]();
  }
});
