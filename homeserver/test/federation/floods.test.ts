import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { forgetServerKeys } from '../../src/storage/server-keys.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type HostilePeer, type PeerRoom, signedKeyList, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const clock = createFakeClock();
const enc = encodeURIComponent;
const nameOf = createNames();
let servers: TestServers;
let server: TestServer;
let flooder: HostilePeer;
let honest: HostilePeer;
let romeo: TestUser;
let roomId: string;
let flooded: PeerRoom;
let quiet: PeerRoom;

beforeAll(async () => {
  servers = await startServers(1, { clock, config: { rateLimits: true } });
  server = servers.at(0);
  flooder = await startHostilePeer(servers.ca);
  honest = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  clock.advance(600_000); // all limits are as in the beginning
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  flooded = await flooder.join(server, roomId, 'tybalt');
  quiet = await honest.join(server, roomId, 'paris');
});
afterAll(async () => {
  await honest[Symbol.asyncDispose]();
  await flooder[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

async function countRows(table: string): Promise<number> {
  const [row] = await server.sql<{ count: number }[]>`select count(*)::bigint as count from ${server.sql(table)}`;
  return row?.count ?? 0;
}
const toDevices = (sender: string, messageId: string, devices: number): JsonObject => ({
  edu_type: 'm.direct_to_device',
  content: {
    sender,
    type: 'm.room_key_request',
    message_id: messageId,
    messages: { [romeo.id]: Object.fromEntries(Array.from({ length: devices }, (_, n) => [n === 0 ? romeo.deviceId : `D${n}`, { n }])) },
  },
});
const typingEdu = (userId: string, typing: boolean): JsonObject => ({
  edu_type: 'm.typing',
  content: { room_id: roomId, user_id: userId, typing },
});

type Synced = {
  to_device?: { events: JsonObject[] };
  rooms: { join?: Record<string, { ephemeral: { events: { type: string; content: JsonObject }[] } }> };
};
async function typists(): Promise<unknown> {
  const body = (await romeo.sync({ since: '' })) as Synced;
  return body.rooms.join?.[roomId]?.ephemeral.events.find(({ type }) => type === 'm.typing')?.content['user_ids'] ?? [];
}

test('S32: a server that sends more to devices than may be kept is told to come later; others, and what it says in rooms, get through', async () => {
  for (const id of ['a', 'b']) {
    expect((await flooder.sendPdus(server, [], [toDevices(flooded.userId, id, 10_000)])).status).toBe(200);
  }
  const more = toDevices(flooded.userId, 'c', 100);
  const refused = await flooder.sendPdus(server, [], [more], 'again');
  expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 500 } });
  const { event, id } = await flooded.event({});
  expect((await flooder.sendPdus(server, [event])).status).toBe(200);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
  expect((await honest.sendPdus(server, [], [toDevices(quiet.userId, 'x', 100)])).status).toBe(200);

  clock.advance(500);
  expect((await flooder.sendPdus(server, [], [more], 'again')).status).toBe(200);
  const senders = ((await romeo.sync({ since: '' })) as Synced).to_device?.events.map((message) => message['sender']);
  expect(senders).toEqual([flooded.userId, flooded.userId, quiet.userId, flooded.userId]);
});

test('S32: who types, reads and comes without measure is heard no more for a while, and hides nobody', async () => {
  const stopped = Array.from({ length: 100 }, () => typingEdu(flooded.userId, false));
  for (let n = 0; n < 10; n += 1) expect((await flooder.sendPdus(server, [], stopped)).status).toBe(200);
  expect((await flooder.sendPdus(server, [], [typingEdu(flooded.userId, true)])).status).toBe(200);
  expect((await honest.sendPdus(server, [], [typingEdu(quiet.userId, true)])).status).toBe(200);
  expect(await typists()).toEqual([quiet.userId]);
  clock.advance(1_000);
  await flooder.sendPdus(server, [], [typingEdu(flooded.userId, true)]);
  expect(await typists()).toEqual([quiet.userId, flooded.userId]);
});

test('S32: receipts for events that never come push out none for one that does', async () => {
  const { event, id } = await quiet.event({});
  const receipt = (userId: string, eventId: string): JsonObject => ({
    edu_type: 'm.receipt',
    content: { [roomId]: { 'm.read': { [userId]: { event_ids: [eventId], data: { ts: 1 } } } } },
  });
  await honest.sendPdus(server, [], [receipt(quiet.userId, id)]);
  for (let sent = 0; sent < 6_000; sent += 100) {
    clock.advance(1_000);
    const invented = Array.from({ length: 100 }, (_, n) => receipt(flooded.userId, `$never${sent + n}`));
    expect((await flooder.sendPdus(server, [], invented)).status).toBe(200);
  }
  const before = await countRows('receipts');
  await honest.sendPdus(server, [event]);
  await expect.poll(() => countRows('receipts'), WAIT).toBe(before + 1);
});

test('S32: one server does not fill the line of those who type', async () => {
  const typists60 = await Promise.all(
    Array.from({ length: 60 }, async (_, n) => (await flooder.join(server, roomId, `typist${n}`)).userId),
  );
  await flooder.sendPdus(
    server,
    [],
    typists60.map((userId) => typingEdu(userId, true)),
  );
  expect(await typists()).toHaveLength(50);
  await honest.sendPdus(server, [], [typingEdu(quiet.userId, true)]);
  expect(await typists()).toHaveLength(50);
  expect(await typists()).toContain(quiet.userId);
});

test('S32: receipts in threads that are not there, or for users of others, leave nothing behind', async () => {
  const { event, id } = await flooded.event({});
  await flooder.sendPdus(server, [event]);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
  const receipt = (userId: string, thread?: string): JsonObject => ({
    edu_type: 'm.receipt',
    content: {
      [roomId]: {
        'm.read': { [userId]: { event_ids: [id], data: { ts: 1, ...(thread === undefined ? {} : { thread_id: thread }) } } },
      },
    },
  });
  const before = await countRows('receipts');
  const invented = Array.from({ length: 50 }, (_, n) => receipt(flooded.userId, `$invented${n}`));
  await flooder.sendPdus(server, [], [...invented, receipt(quiet.userId), receipt(romeo.id), receipt(flooded.userId, 'x'.repeat(300))]);
  await flooder.sendPdus(server, [], [receipt(flooded.userId, 'main')]);
  await expect.poll(() => countRows('receipts'), WAIT).toBe(before + 1);
});

test('S32: events of rooms that are not here make nobody known who is not', async () => {
  const before = [await countRows('users'), await countRows('rooms'), await countRows('state_keys')];
  const kicks = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      flooded.event({
        type: 'm.room.member',
        room_id: `!nowhere${n}:${flooder.name}`,
        state_key: `@invented${n}:${server.name}`,
        content: { membership: 'leave' },
      }),
    ),
  );
  const sent = kicks.map(({ event }) => event);
  expect((await flooder.sendPdus(server, [...sent.slice(1), { ...sent[0], room_id: '!\u0000:x' }])).status).toBe(200);
  expect([await countRows('users'), await countRows('rooms'), await countRows('state_keys')]).toEqual(before);
});

test('S33: who only asks how to join, knock or leave is not remembered', async () => {
  const rules = {
    type: 'm.room.join_rules',
    state_key: '',
    content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: roomId }] },
  };
  const club = await romeo.createRoom({ preset: 'private_chat', initial_state: [rules] });
  const before = [await countRows('users'), await countRows('state_keys')];
  for (let n = 0; n < 20; n += 1) {
    const of = (what: string, room: string) => `/_matrix/federation/v1/${what}/${enc(room)}/${enc(`@p${n}:${flooder.name}`)}?ver=12`;
    expect((await flooder.call(server, 'GET', of('make_join', roomId))).status).toBe(200);
    expect((await flooder.call(server, 'GET', of('make_join', club))).status).toBeGreaterThanOrEqual(400);
    expect((await flooder.call(server, 'GET', of('make_leave', roomId))).status).toBeGreaterThanOrEqual(400);
    expect((await flooder.call(server, 'GET', of('make_knock', roomId))).status).toBeGreaterThanOrEqual(400);
  }
  expect([await countRows('users'), await countRows('state_keys')]).toEqual(before);
});

test('S32: a person of another server has no more devices than are kept of anybody', async () => {
  const { userId } = await flooder.join(server, roomId, nameOf('hoarder'));
  const keysOf = (deviceId: string): JsonObject => ({
    user_id: userId,
    device_id: deviceId,
    algorithms: [],
    keys: { [`ed25519:${deviceId}`]: 'RmHfsCBrZXkgb2Ygbm9ib2R5IGF0IGFsbCwgc28gdGg' },
    signatures: {},
  });
  let told = ['D0'];
  flooder.answer((_method, path) =>
    path.includes('/user/devices/')
      ? { user_id: userId, stream_id: 1, devices: told.map((id) => ({ device_id: id, keys: keysOf(id) })) }
      : undefined,
  );
  await romeo.call('POST', '/_matrix/client/v3/keys/query', { device_keys: { [userId]: [] } });
  const [user] = await server.sql<{ nid: number }[]>`select user_nid as nid from users where user_id = ${userId}`;
  const countDevices = async (named = '%') => {
    const [row] = await server.sql<{ count: number }[]>`
      select count(*)::bigint as count from device_keys where user_nid = ${user?.nid ?? 0} and device_id like ${named}`;
    return row?.count;
  };
  await server.sql`insert into device_keys (user_nid, device_id, keys) select ${user?.nid ?? 0}, 'X' || n, '{}' from generate_series(1, 998) n`;
  const update = (n: number): JsonObject => ({
    edu_type: 'm.device_list_update',
    content: { user_id: userId, device_id: `N${n}`, stream_id: 1 + n, prev_id: [n], keys: keysOf(`N${n}`) },
  });
  const before = await countDevices();
  await flooder.sendPdus(server, [], [update(1)]);
  expect(await countDevices()).toBe((before ?? 0) + 1);
  // What is too much for an update is asked for as a whole, and is no less too much then.
  told = Array.from({ length: 1_200 }, (_, n) => `M${n}`);
  await flooder.sendPdus(server, [], [update(2), update(3)]);
  await expect.poll(() => countDevices('M%'), WAIT).toBe(1_000);
  expect(await countDevices()).toBe(1_000);
});

test('S33: what an invite shows of its room is kept within measure', async () => {
  const trap = `!trap:${flooder.name}`;
  const juliet = await servers.user('juliet', 0);
  const version = '11';
  const shown = Array.from({ length: 60 }, (_, n) => ({
    type: `m.x${n}`,
    state_key: '',
    sender: flooded.userId,
    content: { text: 'x'.repeat(60_000) },
  }));
  const own = await flooder.join(server, await romeo.createRoom({ preset: 'public_chat', room_version: version }), 'tybalt');
  const signed = await own.event({ room_id: trap, type: 'm.room.member', state_key: juliet.id, content: { membership: 'invite' } });
  const body = { room_version: version, event: signed.event, invite_room_state: shown };
  const answer = await flooder.call(server, 'PUT', `/_matrix/federation/v2/invite/${enc(trap)}/${enc(signed.id)}`, body);
  expect(answer.status).toBe(200);
  const [row] = await server.sql<{ length: number }[]>`
    select length(m.stripped_state)::bigint as length from memberships m join users u using (user_nid) where u.user_id = ${juliet.id}`;
  expect(row?.length).toBeGreaterThan(200_000);
  expect(row?.length).toBeLessThan(300_000);
});

test('S33: one server does not invite everybody, nor everybody one person', async () => {
  const own = await flooder.join(server, await romeo.createRoom({ preset: 'public_chat', room_version: '11' }), 'tybalt');
  const statuses: number[] = [];
  for (let n = 0; n < 32; n += 1) {
    const trap = `!trap${n}:${flooder.name}`;
    const { event, id } = await own.event({ room_id: trap, type: 'm.room.member', state_key: romeo.id, content: { membership: 'invite' } });
    const body = { room_version: '11', event, invite_room_state: [] };
    statuses.push((await flooder.call(server, 'PUT', `/_matrix/federation/v2/invite/${enc(trap)}/${enc(id)}`, body)).status);
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(30);
  expect(statuses.slice(30)).toEqual([429, 429]);
});

test('S32: of a server that changes its keys all the time the last ones are remembered', async () => {
  await server.sql`
    insert into server_keys (server_name, key_id, public_key, valid_until, expired_ts)
    select ${'changing.test'}, 'ed25519:k' || n, '\\x00'::bytea, n, null from generate_series(1, 700) n`;
  const changing = await startHostilePeer(servers.ca);
  await server.sql`update server_keys set server_name = ${changing.name} where server_name = 'changing.test'`;
  changing.answerKeys(() => signedKeyList(changing.signer, { valid_until_ts: clock.now() + 86_400_000 }));
  const { status } = await changing.call(server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${enc(romeo.id)}`);
  expect(status).toBe(200);
  const [row] = await server.sql<
    { count: number }[]
  >`select count(*)::bigint as count from server_keys where server_name = ${changing.name}`;
  expect(row?.count).toBe(500);
  expect((await changing.call(server, 'GET', `/_matrix/federation/v1/query/profile?user_id=${enc(romeo.id)}`)).status).toBe(200);
  await changing[Symbol.asyncDispose]();
});

test('S32: where servers are too many, those are forgotten whose keys ended the longest ago, and are asked again', async () => {
  for (const [name, until] of Object.entries({ 'a.test': 1, 'b.test': 2, 'c.test': 3 })) {
    await server.sql`insert into server_key_lists (server_name, fetched_at, valid_until, json) values (${name}, 0, ${until}, '{}')`;
    await server.sql`
      insert into server_keys (server_name, key_id, public_key, valid_until, expired_ts) values (${name}, 'ed25519:k', '\\x00'::bytea, ${until}, null)`;
  }
  await forgetServerKeys(server.sql, (await countRows('server_key_lists')) - 2);
  const left = async (table: string) =>
    (
      await server.sql<{ name: string }[]>`select server_name as name from ${server.sql(table)} where server_name like '_.test' order by 1`
    ).map(({ name }) => name);
  expect([await left('server_key_lists'), await left('server_keys')]).toEqual([['c.test'], ['c.test']]);
  await forgetServerKeys(server.sql, 0);
  await server.restart();
  const profile = `/_matrix/federation/v1/query/profile?user_id=${enc(romeo.id)}`;
  expect((await honest.call(server, 'GET', profile)).status).toBe(200);
});
