import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUpDevice } from '../client-api/crypto-device.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

/** Servers in use write `null` for a list that is empty, and leave out lists that hold nothing. */
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const FEDERATION = '/_matrix/federation';
let transactions = 0;
const transact = (lists: JsonObject) => {
  transactions += 1;
  const body = { origin: peer.name, origin_server_ts: 0, ...lists };
  return peer.call(server, 'PUT', `${FEDERATION}/v1/send/null-${transactions}`, body);
};

test('a transaction may have no list of events', async () => {
  const content = (messageId: string) => ({
    sender: `@tybalt:${peer.name}`,
    type: 'm.null',
    message_id: `${messageId} of ${transactions}`,
    messages: { [romeo.id]: { [romeo.deviceId]: { messageId } } },
  });
  const edus = (messageId: string) => [{ edu_type: 'm.direct_to_device', content: content(messageId) }];
  expect(await transact({ pdus: null, edus: edus('one') })).toEqual({ status: 200, body: { pdus: {} } });
  expect(await transact({ edus: edus('two') })).toEqual({ status: 200, body: { pdus: {} } });
  expect(await transact({ pdus: [], edus: null })).toEqual({ status: 200, body: { pdus: {} } });
  const { to_device: told } = (await romeo.sync()) as unknown as { to_device: { events: { content: JsonObject }[] } };
  expect(told.events.map((event) => event.content['messageId'])).toEqual(['one', 'two']);
  for (const bad of [{ pdus: 'x' }, { pdus: {} }, { pdus: [], edus: 1 }]) {
    const { status, body } = await transact(bad);
    expect([status, body['errcode']]).toEqual([400, 'M_BAD_JSON']);
  }
});

test('a question for all of the keys of somebody may name no devices', async () => {
  const asked = await peer.call(server, 'POST', `${FEDERATION}/v1/user/keys/query`, { device_keys: { [romeo.id]: null } });
  expect(asked).toMatchObject({ status: 200, body: { device_keys: { [romeo.id]: {} } } });
});

test('keys are told with what is not signed, even if it is nothing: servers in use pass on its absence as null, which clients refuse', async () => {
  const { deviceKeys } = await setUpDevice(romeo);
  const told = { ...deviceKeys, unsigned: {} };
  const found = await peer.call(server, 'POST', `${FEDERATION}/v1/user/keys/query`, { device_keys: { [romeo.id]: [romeo.deviceId] } });
  expect(found.body['device_keys']).toEqual({ [romeo.id]: { [romeo.deviceId]: told } });
  const listed = await peer.call(server, 'GET', `${FEDERATION}/v1/user/devices/${encodeURIComponent(romeo.id)}`);
  expect(listed.body['devices']).toEqual([{ device_id: romeo.deviceId, keys: told }]);
});

test('a question for what is missing may have nothing that is known', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const room = await peer.join(server, roomId, 'tybalt');
  const path = `${FEDERATION}/v1/get_missing_events/${encodeURIComponent(roomId)}`;
  const asked = await peer.call(server, 'POST', path, { earliest_events: null, latest_events: [room.joinId], limit: 1 });
  expect(asked).toMatchObject({ status: 200, body: { events: [{ room_id: roomId }] } });
});

test('an invite may come with nothing to show of its room', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: '11' });
  const room = await peer.join(server, roomId, 'tybalt');
  const mercutio = await servers.user('mercutio', 0);
  const { event, id } = await room.event({ type: 'm.room.member', state_key: mercutio.id, content: { membership: 'invite' } });
  const path = `${FEDERATION}/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`;
  const invited = await peer.call(server, 'PUT', path, { room_version: '11', event, invite_room_state: null });
  expect(invited.status).toBe(200);
});

test('a profile field that is not set is not found, but those that every profile has', async () => {
  const ask = async (field: string) =>
    (await peer.call(server, 'GET', `${FEDERATION}/v1/query/profile?user_id=${encodeURIComponent(romeo.id)}&field=${field}`)).status;
  expect([await ask('m.tz'), await ask('org.example.hat'), await ask('displayname'), await ask('avatar_url')]).toEqual([
    404, 404, 200, 200,
  ]);
});
