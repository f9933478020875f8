import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const HOUR_MS = 3_600_000;
const WAIT = { timeout: 20_000 };
const CLIENT = '/_matrix/client/v3';
const clock = createFakeClock();

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;
let peer: HostilePeer;

beforeAll(async () => {
  servers = await startServers(2, { clock, config: { rateLimits: true } });
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

test('when the clock is set back by an hour, who is signed in stays so, and what is said goes on through all servers in its order', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const before = await romeo.send(roomId, 'before');
  await expect.poll(() => storedKind(servers.at(1), before), WAIT).toBe('timeline');
  const { body } = await romeo.attempt('GET', `${CLIENT}/sync?timeout=0`);
  const since = String(body['next_batch']);
  const poll = romeo.attempt('GET', `${CLIENT}/sync?timeout=1000&since=${since}`);

  clock.advance(-HOUR_MS);
  expect((await poll).status).toBe(200);
  expect((await juliet.attempt('GET', `${CLIENT}/account/whoami`)).status).toBe(200);
  const there = await romeo.send(roomId, 'after');
  await expect.poll(() => storedKind(servers.at(1), there), WAIT).toBe('timeline');
  const back = await juliet.send(roomId, 'and back');
  await expect.poll(() => storedKind(servers.at(0), back), WAIT).toBe('timeline');
  const { chunk } = (await romeo.call('GET', `${CLIENT}/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=3`)) as {
    chunk: { event_id: string }[];
  };
  expect(chunk.map((event) => event.event_id)).toEqual([back, there, before]);

  await servers.at(0).restart();
  expect((await romeo.attempt('GET', `${CLIENT}/account/whoami`)).status).toBe(200);
  expect((await romeo.attempt('GET', `${CLIENT}/sync?timeout=0&since=${since}`)).status).toBe(200);
});

test('a server that did not answer before the clock was set back is asked again, not an hour later', async () => {
  const askProfile = async () => (await romeo.attempt('GET', `${CLIENT}/profile/@tybalt:${peer.name}`)).status;
  peer.answer(() => (response: ServerResponse) => response.destroy());
  for (let n = 0; n < 4; n += 1) expect(await askProfile()).toBe(502);
  const asked = peer.seen.length;
  expect(await askProfile()).toBe(502);
  expect(peer.seen).toHaveLength(asked);

  clock.advance(-HOUR_MS);
  peer.answer((_method, path) => (path.includes('/query/profile') ? { displayname: 'Tybalt' } : undefined));
  expect(await askProfile()).toBe(200);
});

test('an event that was put off before the clock was set back is taken up again, not an hour later', async () => {
  const server = servers.at(0);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const room = await peer.join(server, roomId, 'tybalt');
  const missing = await room.event({});
  const after = await room.event({ prev_events: [missing.id] });
  peer.answer(() => undefined);
  await peer.sendPdus(server, [after.event]);
  const postponed = async () => (await server.sql`select 1 from federation_staged where attempts > 0`).length;
  await expect.poll(postponed, WAIT).toBe(1);

  clock.advance(-HOUR_MS);
  peer.answer((_method, path) => (path.includes('/get_missing_events/') ? { events: [missing.event] } : undefined));
  const next = await room.event({ type: 'm.other' });
  await peer.sendPdus(server, [next.event]); // something else of the room
  await expect.poll(() => storedKind(server, after.id), WAIT).toBe('timeline');
});
