import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerAnswer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let outsider: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  outsider = await servers.user('paris', 0);
});
beforeEach(() => peer.answer(() => undefined));
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const V1 = '/_matrix/federation/v1';
const NOWHERE = `$${'a'.repeat(43)}`;
const enc = encodeURIComponent;
const get = (path: string) => peer.call(server, 'GET', `${V1}/${path}`);
const createOpen = (options: Record<string, unknown> = {}) => romeo.createRoom({ preset: 'public_chat', ...options });

/** Every way of reading a room, for one of its events. */
async function readAll(roomId: string, eventId: string): Promise<Record<string, PeerAnswer>> {
  return {
    state: await get(`state/${enc(roomId)}?event_id=${enc(eventId)}`),
    state_ids: await get(`state_ids/${enc(roomId)}?event_id=${enc(eventId)}`),
    event_auth: await get(`event_auth/${enc(roomId)}/${enc(eventId)}`),
    event: await get(`event/${enc(eventId)}`),
    backfill: await get(`backfill/${enc(roomId)}?v=${enc(eventId)}&limit=10`),
    missing: await peer.call(server, 'POST', `${V1}/get_missing_events/${enc(roomId)}`, { earliest_events: [], latest_events: [eventId] }),
    timestamp_to_event: await get(`timestamp_to_event/${enc(roomId)}?ts=${Date.now()}&dir=b`),
    hierarchy: await get(`hierarchy/${enc(roomId)}`),
  };
}

test('S15: a server that is not in a room, or is there no more, cannot tell it from one that is not', async () => {
  const closed = await romeo.createRoom({ preset: 'private_chat' });
  const unknown = await readAll(`!${'n'.repeat(43)}`, NOWHERE);
  for (const { status } of Object.values(unknown)) expect([403, 404]).toContain(status);
  expect(await readAll(closed, await romeo.send(closed, 'secret'))).toEqual(unknown);

  const roomId = await createOpen({ initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'invite' } }] });
  await romeo.setState(roomId, 'm.room.join_rules', { join_rule: 'public' });
  const room = await peer.join(server, roomId, 'tybalt');
  await romeo.setState(roomId, 'm.room.join_rules', { join_rule: 'invite' });
  const seen = await romeo.send(roomId, 'seen');
  expect((await get(`event/${enc(seen)}`)).status).toBe(200);
  await romeo.call('POST', `/_matrix/client/v3/rooms/${enc(roomId)}/kick`, { user_id: room.userId });
  expect(await readAll(roomId, seen)).toEqual(unknown);
});

test.each(['joined', 'invited', 'shared', 'world_readable'])(
  'S15: of a history that is %s a server sees what it may, and the rest pruned',
  async (visibility) => {
    const roomId = await createOpen({
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: visibility } }],
    });
    const before = await romeo.send(roomId, 'before');
    await peer.join(server, roomId, 'tybalt');
    const after = await romeo.send(roomId, 'after');
    const isPruned = visibility === 'joined' || visibility === 'invited';
    const bodyIn = (pdus: unknown, eventId: string, rules: Parameters<typeof eventIdOf>[1]) =>
      (pdus as Pdu[]).find((event) => eventIdOf(event, rules) === eventId)?.content['body'];
    const { rules } = await peer.join(server, roomId, 'sampson');
    const { backfill, missing, event } = await readAll(roomId, after);
    expect(bodyIn(event?.body['pdus'], after, rules)).toBe('after');
    expect(bodyIn(backfill?.body['pdus'], after, rules)).toBe('after');
    expect(bodyIn(backfill?.body['pdus'], before, rules)).toBe(isPruned ? undefined : 'before');
    expect(bodyIn(missing?.body['events'], before, rules)).toBe(isPruned ? undefined : 'before');
    expect(bodyIn((await get(`event/${enc(before)}`)).body['pdus'], before, rules)).toBe(isPruned ? undefined : 'before');
  },
);

test('S15: missing events are told within the limit, from the depth on, up to what is known', async () => {
  const roomId = await createOpen();
  const room = await peer.join(server, roomId, 'tybalt');
  const ids: string[] = [];
  for (const word of ['one', 'two', 'three', 'four', 'five']) ids.push(await romeo.send(roomId, word));
  const ask = async (body: JsonObject) => {
    const { events } = (await peer.call(server, 'POST', `${V1}/get_missing_events/${enc(roomId)}`, body)).body as unknown as {
      events: Pdu[];
    };
    return events.map((event) => event.content['body']);
  };
  const [one = '', , three = '', , five = ''] = ids;
  expect(await ask({ earliest_events: [one], latest_events: [five], limit: 10 })).toEqual(['two', 'three', 'four']);
  expect(await ask({ earliest_events: [one], latest_events: [five], limit: 2 })).toEqual(['three', 'four']);
  expect(await ask({ earliest_events: [], latest_events: [three], min_depth: room.join.depth + 2 })).toEqual(['two']);
  expect(await ask({ earliest_events: [], latest_events: [NOWHERE] })).toEqual([]);
});

test('S14: an event of another room tells nothing of either', async () => {
  const mine = await createOpen();
  const other = await createOpen();
  await peer.join(server, mine, 'tybalt');
  await peer.join(server, other, 'tybalt');
  const abroad = await romeo.send(other, 'elsewhere');
  const { event: _, backfill, ...foreign } = await readAll(mine, abroad);
  const { event: __, backfill: ___, ...unknown } = await readAll(mine, NOWHERE);
  expect(foreign).toEqual(unknown);
  expect(foreign['state']?.status).toBe(404);
  expect(backfill?.body['pdus']).toEqual([]);
});

test('S16: what is kept beside a room is shown to nobody', async () => {
  const room: PeerRoom = await peer.join(server, await createOpen(), 'tybalt');
  const lost = await room.event({ content: { body: 'lost' } });
  const found = await room.event({ content: { body: 'found' }, prev_events: [lost.id], depth: 9 });
  const ids = room.state.map((event) => eventIdOf(event, room.rules));
  peer.answer((_method, path) => {
    if (path.includes('/get_missing_events/')) return { events: [] };
    if (path.includes('/state_ids/')) return { pdu_ids: ids, auth_chain_ids: ids };
    return path.includes(enc(lost.id)) && path.includes('/event/') ? { pdus: [lost.event] } : undefined;
  });
  const refused = await room.event({ type: 'm.room.name', state_key: '', content: { name: 'Mantua' } });
  await peer.sendPdus(server, [refused.event, found.event]);
  await expect.poll(() => storedKind(server, found.id), { timeout: 15_000 }).toBe('timeline');
  expect([await storedKind(server, lost.id), await storedKind(server, refused.id)]).toEqual(['outlier', 'rejected']);
  for (const { id } of [lost, refused]) {
    for (const path of [`event/${enc(id)}`, `context/${enc(id)}`, `relations/${enc(id)}`]) {
      const version = path.startsWith('relations') ? 'v1' : 'v3';
      expect((await romeo.attempt('GET', `/_matrix/client/${version}/rooms/${enc(room.roomId)}/${path}`)).status, path).toBe(404);
    }
    expect((await get(`event/${enc(id)}`)).status).toBe(404);
    expect((await get(`event_auth/${enc(room.roomId)}/${enc(id)}`)).status).toBe(404);
    expect((await get(`state_ids/${enc(room.roomId)}?event_id=${enc(id)}`)).status).toBe(404);
  }
});

test('S17: a private room is in no summary, hierarchy or directory for who may not enter it', async () => {
  const closed = await romeo.createRoom({ preset: 'private_chat', name: 'Crypt', room_alias_name: nameOf('crypt') });
  const space = await createOpen({ creation_content: { type: 'm.space' } });
  await romeo.setState(space, 'm.space.child', { via: [server.name] }, closed);
  expect(JSON.stringify((await get('publicRooms')).body)).not.toContain(closed);
  const told = (await get(`hierarchy/${enc(space)}`)).body;
  expect(told).toMatchObject({ children: [], inaccessible_children: [closed] });
  expect(await get(`hierarchy/${enc(closed)}`)).toEqual(await get(`hierarchy/${enc(`!${'n'.repeat(43)}`)}`));
  const tree = (await outsider.call('GET', `/_matrix/client/v1/rooms/${enc(space)}/hierarchy`)) as { rooms: { room_id: string }[] };
  expect(tree.rooms.map((room) => room.room_id)).toEqual([space]);
  expect((await outsider.attempt('GET', `/_matrix/client/v1/room_summary/${enc(closed)}`)).status).toBe(404);
  expect((await outsider.attempt('GET', '/_matrix/client/v3/publicRooms')).body).not.toHaveProperty(['chunk', 0, 'name'], 'Crypt');
});

test('S18: nobody is told of the devices or the profile of a third server', async () => {
  await using third = await startHostilePeer(servers.ca);
  const userId = `@tybalt:${third.name}`;
  third.answer((_method, path) =>
    path.includes('/user/devices/') ? { user_id: userId, stream_id: 1, devices: [{ device_id: 'D', keys: {} }] } : { device_keys: {} },
  );
  const roomId = await createOpen();
  await third.join(server, roomId, 'tybalt');
  await romeo.call('POST', '/_matrix/client/v3/keys/query', { device_keys: { [userId]: [] } });
  const asked = await peer.call(server, 'POST', `${V1}/user/keys/query`, { device_keys: { [userId]: [] } });
  expect((asked.body['device_keys'] as JsonObject)[userId] ?? {}).toEqual({});
  const claimed = await peer.call(server, 'POST', `${V1}/user/keys/claim`, { one_time_keys: { [userId]: { D: 'signed_curve25519' } } });
  expect((claimed.body['one_time_keys'] as JsonObject)[userId] ?? {}).toEqual({});
  expect((await get(`user/devices/${enc(userId)}`)).status).toBe(404);
  for (const elsewhere of [userId, '@nobody:x:y:z', `@nobody:${server.name}x`])
    expect((await get(`query/profile?user_id=${enc(elsewhere)}`)).status).toBe(400);
  expect((await get(`query/profile?user_id=${enc(`@nobody:${server.name}`)}`)).status).toBe(404);
  expect((await get(`query/directory?room_alias=${enc('#a:elsewhere.test')}`)).status).toBe(400);
  expect((await get('query/oracle?a=b')).body['errcode']).toBe('M_UNRECOGNIZED');
});
