import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const CLIENT = '/_matrix/client/v3';
const clock = createFakeClock();

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1, { clock });
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  peer = await startHostilePeer(servers.ca);
  return async () => await peer[Symbol.asyncDispose]();
});
afterAll(async () => await servers[Symbol.asyncDispose]());

/** The connection breaks off, as if nobody were there. */
const away = () => (response: ServerResponse) => response.destroy();
const isTransaction = (path: string) => path.startsWith('/_matrix/federation/v1/send/');
const tybalt = () => `@tybalt:${peer.name}`;
const askProfile = async () => (await romeo.attempt('GET', `${CLIENT}/profile/${encodeURIComponent(tybalt())}`)).status;
const askKeys = async () => (await romeo.call('POST', `${CLIENT}/keys/query`, { device_keys: { [tybalt()]: [] } }))['failures'];
const claimKey = async () =>
  (await romeo.call('POST', `${CLIENT}/keys/claim`, { one_time_keys: { [tybalt()]: { DEVICE: 'signed_curve25519' } } }))['failures'];
const askDirectory = async () => (await romeo.attempt('GET', `${CLIENT}/publicRooms?server=${encodeURIComponent(peer.name)}`)).status;
const askAlias = async () => (await romeo.attempt('GET', `${CLIENT}/directory/room/${encodeURIComponent(`#ball:${peer.name}`)}`)).status;
const askMedia = async () => (await romeo.attempt('GET', `/_matrix/client/v1/media/download/${peer.name}/painting`)).status;
const requests = () => peer.seen.length;

/** Any signed request proves that the peer is alive. */
async function showLife(): Promise<void> {
  await peer.call(servers.at(0), 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(romeo.id)}`);
}

test('a server that fails again and again is spared every kind of question, until some time has passed', async () => {
  peer.answer(away);
  expect([await askProfile(), await askProfile()]).toEqual([502, 502]);
  expect(requests()).toBe(2);
  expect([await askProfile(), await askDirectory(), await askAlias(), await askMedia()]).toEqual([502, 502, 502, 502]);
  expect(await askKeys()).toHaveProperty([peer.name]);
  expect(await claimKey()).toHaveProperty([peer.name]);
  expect(requests()).toBe(2);

  clock.advance(10_000);
  expect(await askDirectory()).toBe(502);
  expect(requests()).toBe(3);
  expect(await askDirectory()).toBe(502);
  expect(requests()).toBe(3);

  clock.advance(10_000);
  peer.answer(() => ({ displayname: 'Tybalt' }));
  expect([await askProfile(), await askProfile()]).toEqual([200, 200]);
});

test('a server that asks us something is asked again at once', async () => {
  peer.answer(away);
  for (let index = 0; index < 3; index += 1) expect(await askProfile()).toBe(502);
  peer.answer(() => ({ displayname: 'Tybalt' }));
  expect(await askProfile()).toBe(502);
  await showLife();
  expect(await askProfile()).toBe(200);
});

test('of many questions for a server that may be back one goes ahead, and the others follow when it is answered', async () => {
  peer.answer(away);
  for (let index = 0; index < 2; index += 1) expect(await askProfile()).toBe(502);
  clock.advance(10_000);
  const held = Promise.withResolvers<object>();
  const before = requests();
  peer.answer(() => held.promise);
  const asking = Array.from({ length: 10 }, askProfile);
  await expect.poll(requests, WAIT).toBe(before + 1);
  held.resolve({ displayname: 'Tybalt' });
  expect(await Promise.all(asking)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(requests()).toBe(before + 10);
});

test('a refusal, or an answer that makes no sense, is an answer', async () => {
  for (const nonsense of [{ displayname: 7 }, undefined, { displayname: 'Tybalt' }]) {
    peer.answer(() => nonsense);
    for (let index = 0; index < 3; index += 1) await askProfile();
  }
  expect(requests()).toBe(9);
});

test('who wants to join does not wait for the server to be tried again', async () => {
  const room = await hostRoom(peer);
  peer.answer(away);
  for (let index = 0; index < 3; index += 1) expect(await askProfile()).toBe(502);
  peer.answer(room.answer);
  expect(await romeo.join(room.roomId, { via: [peer.name] })).toBe(room.roomId);
});

test('whoever reads back is not kept waiting by a server that is away, and is given the rest when it is back', async () => {
  const room = await hostRoom(peer);
  peer.answer(room.answer);
  await romeo.join(room.roomId, { via: [peer.name] });
  peer.answer(away);
  for (let index = 0; index < 2; index += 1) expect(await askProfile()).toBe(502);
  const before = requests();
  await romeo.messages(room.roomId);
  expect(peer.seen.slice(before).filter(({ path }) => path.includes('/backfill/'))).toEqual([]);

  clock.advance(60_000);
  const pdus = room.state.map(({ event }) => event).reverse();
  peer.answer((method, path, body) =>
    path.includes('/backfill/') ? { origin: peer.name, origin_server_ts: Date.now(), pdus } : room.answer(method, path, body),
  );
  const types = async () => (await romeo.messages(room.roomId)).map((event) => event.type);
  await expect.poll(types, WAIT).toContain('m.room.create');
});

test('of the servers by which a room may be reached those come last that do not answer', async () => {
  const room = await hostRoom(peer);
  peer.answer(room.answer);
  await using dead = await startHostilePeer(servers.ca);
  dead.answer(away);
  const ask = async () => await romeo.attempt('GET', `${CLIENT}/profile/${encodeURIComponent(`@x:${dead.name}`)}`);
  for (let index = 0; index < 2; index += 1) await ask();
  const before = dead.seen.length;
  await romeo.join(room.roomId, { via: [dead.name, peer.name] });
  expect(dead.seen.length).toBe(before);
});

test('a server that takes no transactions is spared questions too, and one that answers a question is sent what waits', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await peer.join(servers.at(0), roomId, 'tybalt');
  peer.seen.length = 0;
  peer.answer(away);
  await romeo.send(roomId, 'are you there?');
  await expect.poll(() => peer.seen.filter(({ path }) => isTransaction(path)).length, WAIT).toBe(1);
  const isNoted = async () => (await servers.at(0).sql`select 1 from federation_destinations where destination = ${peer.name}`).length;
  await expect.poll(isNoted, WAIT).toBe(1);
  expect(await askProfile()).toBe(502);
  expect(requests()).toBe(1);

  clock.advance(60_000);
  const bodies: unknown[] = [];
  peer.answer((_method, path, body) => {
    if (!isTransaction(path)) return { displayname: 'Tybalt' };
    bodies.push(...(body as { pdus: { content: { body?: string } }[] }).pdus.map((pdu) => pdu.content.body));
    return { pdus: {} };
  });
  expect(await askProfile()).toBe(200);
  await expect.poll(() => bodies, WAIT).toEqual(['are you there?']);
  await expect.poll(isNoted, WAIT).toBe(0);
});
