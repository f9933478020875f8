import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDeviceKeys, createKeyPair, setUpDevice } from '../client-api/crypto-device.ts';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const MEMBERS = 12;
const V3 = '/_matrix/client/v3';

let servers: TestServers;
let peer: HostilePeer;
let other: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
});
beforeEach(async () => {
  peer = await startHostilePeer(servers.ca);
  other = await startHostilePeer(servers.ca);
  romeo = await servers.user(`romeo-${Date.now()}`, 0);
  return async () => {
    await other[Symbol.asyncDispose]();
    await peer[Symbol.asyncDispose]();
  };
});
afterAll(async () => await servers[Symbol.asyncDispose]());

const taking = (_method: string, path: string) => (path.includes('/v1/send/') ? { pdus: {} } : undefined);

type DeviceListUpdate = { user_id: string; device_id: string; stream_id: number; prev_id: number[]; deleted?: boolean; keys?: JsonObject };
function updatesTo(to: HostilePeer): DeviceListUpdate[] {
  const edus = to.seen.flatMap(({ path, body }) =>
    path.includes('/v1/send/') ? (body as { edus: { edu_type: string; content: DeviceListUpdate }[] }).edus : [],
  );
  return edus.filter((edu) => edu.edu_type === 'm.device_list_update').map((edu) => edu.content);
}

async function changedFor(user: TestUser, filter: string): Promise<string[]> {
  const { device_lists: lists } = (await user.sync({ timeoutMs: 2_000, filter })) as { device_lists?: { changed?: string[] } };
  return lists?.changed ?? [];
}

/** A room of which a join tells neither the members nor that the other peer is in it; the rest is given when it is released. */
async function hostLargeRoom(): Promise<{ room: HostedRoom; release: () => void; secondId: string }> {
  const room = await hostRoom(peer, { members: MEMBERS });
  const secondId = `@second:${other.name}`;
  const member = { type: 'm.room.member', sender: secondId, state_key: secondId, content: { membership: 'join' } };
  const second = await room.add(member, other.signer);
  room.timeline.splice(0);
  room.state.push(second);
  const held = Promise.withResolvers<void>();
  peer.answer(async (method, path, body) => {
    if (path.includes('/state_ids/')) await held.promise;
    const answer = room.answer(method, path, body) as JsonObject;
    return path.includes('/send_join/') ? { ...answer, servers_in_room: [peer.name, 'not a name!'] } : answer;
  });
  other.answer(taking);
  return { room, release: held.resolve, secondId };
}

test('devices that change before the members of a room are known are told to the servers known to be there, then to the others', async () => {
  const { room, release } = await hostLargeRoom();
  await romeo.join(room.roomId, { via: [peer.name] });
  const { deviceKeys } = await setUpDevice(romeo);
  await expect.poll(() => updatesTo(peer).map((update) => update.keys), WAIT).toEqual([{ ...deviceKeys, unsigned: {} }]);
  expect(updatesTo(other)).toEqual([]);

  release();
  await expect.poll(() => updatesTo(other).length, WAIT).toBe(1);
  const [late] = updatesTo(other);
  expect(late).toMatchObject({ user_id: romeo.id, device_id: romeo.deviceId, keys: deviceKeys });
  // Whoever had the list from before is to notice that something is missing.
  expect(late?.prev_id).toHaveLength(1);

  // What comes next follows what was sent last.
  await romeo.call('POST', `${V3}/keys/upload`, { device_keys: await createDeviceKeys(romeo, createKeyPair()) });
  await expect.poll(() => updatesTo(other).length, WAIT).toBe(2);
  expect(updatesTo(other)[1]?.prev_id).toEqual([late?.stream_id]);
});

test('whoever is in a room is told whose keys to ask for once its members are known', async () => {
  const { room, release, secondId } = await hostLargeRoom();
  await romeo.sync();
  await romeo.join(room.roomId, { via: [peer.name] });
  const lazy = JSON.stringify({ room: { state: { lazy_load_members: true } } });
  const known = new Set(await changedFor(romeo, lazy));
  expect(known).not.toContain(secondId);
  release();
  await expect
    .poll(async () => {
      for (const userId of await changedFor(romeo, lazy)) known.add(userId);
      return known.size;
    }, WAIT)
    .toBeGreaterThan(MEMBERS);
  const members = Array.from({ length: MEMBERS }, (_, index) => `@member${index}:${peer.name}`);
  expect([...known]).toEqual(expect.arrayContaining([...members, secondId]));
});

test('a device that gets another name is told with its keys, as each change is', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  peer.answer(taking);
  await peer.join(servers.at(0), roomId, 'tybalt');
  const { deviceKeys } = await setUpDevice(romeo);
  await romeo.call('PUT', `${V3}/devices/${romeo.deviceId}`, { display_name: 'the dagger' });
  const told = { ...deviceKeys, unsigned: {} };
  await expect.poll(() => updatesTo(peer).map((update) => update.keys), WAIT).toEqual([told, told]);
  const [first, second] = updatesTo(peer);
  expect(second?.prev_id).toEqual([first?.stream_id]);
});
