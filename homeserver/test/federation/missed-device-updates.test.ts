import type { JsonObject } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDeviceKeys } from '../client-api/crypto-device.ts';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const nameOf = createNames();
const cleanup = createCleanup();
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let juliet: string;
let room: PeerRoom;

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  server = servers.at(0);
  peer = cleanup.use(await startHostilePeer(servers.ca));
  romeo = await servers.user('romeo', 0);
});
afterAll(cleanup.run);
/** Somebody of the peer who is in a room here, another one in each scene. */
beforeEach(async () => {
  peer.answer(() => undefined);
  peer.seen.length = 0;
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), nameOf('juliet'));
  juliet = room.userId;
});

const keysOf = (deviceId: string) => createDeviceKeys({ id: juliet, deviceId });
const isQuestion = (path: string) => path.includes('/user/devices/');
const questions = () => peer.seen.filter(({ path }) => isQuestion(path)).length;

async function listOf(streamId: number, deviceIds: readonly string[], changes: JsonObject = {}): Promise<JsonObject> {
  const devices = await Promise.all(
    deviceIds.map(async (deviceId) => ({ device_id: deviceId, keys: { ...(await keysOf(deviceId)) }, ...changes })),
  );
  return { user_id: juliet, stream_id: streamId, devices };
}

async function sendUpdate(deviceId: string, streamId: number, prevId: number[], changes: JsonObject = {}): Promise<void> {
  const content = { user_id: juliet, device_id: deviceId, stream_id: streamId, prev_id: prevId, keys: await keysOf(deviceId), ...changes };
  expect((await peer.sendPdus(server, [], [{ edu_type: 'm.device_list_update', content }], nameOf('update'))).status).toBe(200);
}

async function devicesSeen(): Promise<Record<string, JsonObject>> {
  const answer = await romeo.call('POST', '/_matrix/client/v3/keys/query', { device_keys: { [juliet]: [] } });
  return (answer['device_keys'] as Record<string, Record<string, JsonObject>>)[juliet] ?? {};
}

test('a server that missed an update asks for the whole list at once, and needs not ask again', async () => {
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(5, ['A']) : undefined));
  await sendUpdate('A', 5, []);
  await expect.poll(questions, WAIT).toBe(1);
  expect(Object.keys(await devicesSeen())).toEqual(['A']);
  await sendUpdate('B', 6, [5]);
  expect(Object.keys(await devicesSeen()).sort()).toEqual(['A', 'B']);
  expect(questions()).toBe(1);

  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(9, ['C']) : undefined));
  await sendUpdate('C', 9, [8]);
  await expect.poll(questions, WAIT).toBe(2);
  await expect.poll(async () => Object.keys(await devicesSeen()), WAIT).toEqual(['C']);
  expect(questions()).toBe(2);
});

test('a server that begins to count anew, since somebody has no device left, is asked for the list', async () => {
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(5, ['A']) : undefined));
  expect(Object.keys(await devicesSeen())).toEqual(['A']);
  await romeo.sync();
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(0, []) : undefined));
  const gone = { user_id: juliet, device_id: 'A', stream_id: 1, deleted: true };
  expect((await peer.sendPdus(server, [], [{ edu_type: 'm.device_list_update', content: gone }], nameOf('anew'))).status).toBe(200);
  const { device_lists: lists } = (await romeo.sync({ timeoutMs: 10_000 })) as { device_lists?: { changed?: string[] } };
  expect(lists?.changed).toContain(juliet);
  expect(await devicesSeen()).toEqual({});

  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(2, ['B']) : undefined));
  await sendUpdate('B', 2, [1]); // as the count goes now
  await expect.poll(async () => Object.keys(await devicesSeen()), WAIT).toEqual(['B']);
  await sendUpdate('C', 3, [2]);
  expect(Object.keys(await devicesSeen()).sort()).toEqual(['B', 'C']);
  const asked = questions();
  await sendUpdate('C', 3, [2]); // seen already
  await sendUpdate('D', 4, [3]);
  expect(questions()).toBe(asked);
});

/** Somebody here wants the list of A, and the peer holds its answer until it is told to give it. */
async function holdAnswer() {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const old = await listOf(5, ['A']);
  peer.answer(async (_method, path) => {
    if (!isQuestion(path)) return undefined;
    asked.resolve();
    await held.promise;
    return old;
  });
  const seeing = devicesSeen();
  await asked.promise;
  return { answer: held.resolve, seeing };
}

test('an update that comes while the list is asked for is not lost', async () => {
  const { answer, seeing } = await holdAnswer();
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(6, ['A', 'B']) : undefined));
  await sendUpdate('B', 6, [5]);
  answer();
  await seeing;
  await expect.poll(async () => Object.keys(await devicesSeen()).sort(), WAIT).toEqual(['A', 'B']);
});

test('a list that cannot be had is asked for again by who wants it', async () => {
  await sendUpdate('A', 5, []);
  await expect.poll(questions, WAIT).toBe(1);
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(5, ['A']) : undefined));
  await expect.poll(async () => Object.keys(await devicesSeen()), WAIT).toEqual(['A']);
});

test('what another server calls a device is told, if it is a name', async () => {
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(5, ['A'], { device_display_name: 'a lute' }) : undefined));
  expect((await devicesSeen())['A']?.['unsigned']).toEqual({ device_display_name: 'a lute' });
  await sendUpdate('B', 6, [5], { device_display_name: 'x'.repeat(1_000) });
  await sendUpdate('C', 7, [6], { keys: { ...(await keysOf('C')), unsigned: { device_display_name: 5, more: true } } });
  const { A, B, C } = await devicesSeen();
  expect([A?.['unsigned'], B?.['unsigned'], C?.['unsigned']]).toEqual([
    { device_display_name: 'a lute' },
    { device_display_name: 'x'.repeat(100) },
    undefined,
  ]);
});

test('whoever leaves and comes back may have other devices by then', async () => {
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(5, ['A']) : undefined));
  expect(Object.keys(await devicesSeen())).toEqual(['A']);
  const { event } = await room.event({ type: 'm.room.member', state_key: juliet, content: { membership: 'leave' } });
  await peer.sendPdus(server, [event]);
  const isThere = async () => {
    const members = await romeo.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/joined_members`);
    return juliet in (members['joined'] as object);
  };
  await expect.poll(isThere, WAIT).toBe(false);
  await sendUpdate('B', 6, [5]); // we have no right to it, and it is not kept
  await peer.join(server, room.roomId, juliet.slice(1, juliet.indexOf(':')));
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(7, ['B', 'C']) : undefined));
  expect(Object.keys(await devicesSeen()).sort()).toEqual(['B', 'C']);
  await sendUpdate('D', 8, [7]);
  expect(Object.keys(await devicesSeen()).sort()).toEqual(['B', 'C', 'D']);
});

test('somebody who leaves while their list is asked for is asked about again when they are back', async () => {
  const { answer, seeing } = await holdAnswer();
  const { event } = await room.event({ type: 'm.room.member', state_key: juliet, content: { membership: 'leave' } });
  await peer.sendPdus(server, [event]);
  await expect.poll(() => storedKind(server, eventIdOf(event, room.rules)), WAIT).toBe('timeline');
  answer();
  await seeing;
  await peer.join(server, room.roomId, juliet.slice(1, juliet.indexOf(':')));
  peer.answer(async (_method, path) => (isQuestion(path) ? await listOf(7, ['B']) : undefined));
  expect(Object.keys(await devicesSeen())).toEqual(['B']);
});
