import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, logInTestUser, type TestUser } from '../kit/test-user.ts';
import { setUpDevice } from './crypto-device.ts';
import { bodiesOf, roomPath, type SyncAnswer, type SyncedRoom, syncWith } from './sync-answers.ts';

const V3 = '/_matrix/client/v3';
const LONG_MS = 60_000;
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer({ config: { presence: true } });
});
afterAll(() => server[Symbol.asyncDispose]());

/** A room of two people whom no other scene knows. */
async function enter(): Promise<string> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Verona' });
  await juliet.join(roomId);
  return roomId;
}

const typesOf = (room: SyncedRoom | undefined) => [...(room?.state.events ?? []), ...(room?.timeline.events ?? [])].map(({ type }) => type);

/** A sync that has nothing to tell, until what `act` does. */
async function wokenBy(user: TestUser, act: () => Promise<unknown>, filter: object = { presence: { types: [] } }): Promise<SyncAnswer> {
  let since = (await syncWith(user, { filter })).next_batch;
  for (let quiet = false; !quiet; ) {
    const answer = await syncWith(user, { since, filter });
    quiet = Object.keys(answer).every((key) => key === 'next_batch' || key === 'rooms' || /device/.test(key));
    since = answer.next_batch;
  }
  const waiting = syncWith(user, { since, filter, timeout: LONG_MS });
  await act();
  return await waiting;
}

test('a waiting sync is woken by whatever happens to its user', async () => {
  const roomId = await enter();
  const me = `${V3}/user/${juliet.id}`;
  const said = await wokenBy(juliet, () => romeo.send(roomId, 'But soft!'));
  expect(bodiesOf(said.rooms.join[roomId]?.timeline.events)).toEqual(['But soft!']);
  const invited = await wokenBy(juliet, () => romeo.createRoom({ invite: [juliet.id] }));
  expect(Object.keys(invited.rooms.invite)).toHaveLength(1);
  const told = await wokenBy(juliet, () => juliet.call('PUT', `${me}/account_data/m.test`, { a: 1 }));
  expect(told.account_data?.events).toEqual([{ type: 'm.test', content: { a: 1 } }]);
  const tagged = await wokenBy(juliet, () => juliet.call('PUT', `${me}/rooms/${encodeURIComponent(roomId)}/tags/u.x`, {}));
  expect(tagged.rooms.join[roomId]?.account_data.events).toEqual([{ type: 'm.tag', content: { tags: { 'u.x': {} } } }]);
  const untagged = await wokenBy(juliet, () => juliet.call('DELETE', `${me}/rooms/${encodeURIComponent(roomId)}/tags/u.x`));
  expect(untagged.rooms.join[roomId]?.account_data.events).toEqual([{ type: 'm.tag', content: { tags: {} } }]);
  const path = `${V3}/sendToDevice/m.test/one`;
  const handed = await wokenBy(juliet, () => romeo.call('PUT', path, { messages: { [juliet.id]: { '*': { hi: 1 } } } }));
  expect(handed).toMatchObject({ to_device: { events: [{ type: 'm.test', sender: romeo.id, content: { hi: 1 } }] } });
  const changed = await wokenBy(juliet, () => setUpDevice(romeo));
  expect(changed).toMatchObject({ device_lists: { changed: [romeo.id] } });
  const there = await wokenBy(juliet, () => romeo.call('PUT', `${V3}/presence/${romeo.id}/status`, { presence: 'unavailable' }), {});
  expect(there.presence?.events).toMatchObject([{ sender: romeo.id, content: { presence: 'unavailable' } }]);
  const kicked = await wokenBy(juliet, () => romeo.call('POST', roomPath(roomId, '/kick'), { user_id: juliet.id }));
  expect(Object.keys(kicked.rooms.leave)).toEqual([roomId]);
});

test('an answer does not wait when there is something to tell, in a first sync, or when the full state is asked for', async () => {
  const roomId = await enter();
  const first = await syncWith(juliet, { timeout: LONG_MS });
  expect(Object.keys(first.rooms.join)).toEqual([roomId]);
  const full = await syncWith(juliet, { since: first.next_batch, timeout: LONG_MS, full_state: true });
  expect(typesOf(full.rooms.join[roomId])).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.member']));
  await romeo.send(roomId, 'waiting for you');
  const late = await syncWith(juliet, { since: full.next_batch, timeout: LONG_MS });
  expect(bodiesOf(late.rooms.join[roomId]?.timeline.events)).toEqual(['waiting for you']);
});

test('counts of keys stand in every answer', async () => {
  await enter();
  const first = await syncWith(juliet);
  const next = await syncWith(juliet, { since: first.next_batch });
  for (const answer of [first, next])
    expect(answer).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] });
  await setUpDevice(juliet, 2);
  expect(await syncWith(juliet, { since: next.next_batch })).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 2 } });
  expect(await syncWith(romeo)).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 0 } });
});

test('who joins is told all of the state, and of the timeline what came before too, where they may see it', async () => {
  await enter();
  const roomId = await romeo.createRoom({ preset: 'public_chat', topic: 'two houses' });
  for (let line = 0; line < 4; line += 1) await romeo.send(roomId, `before ${line}`);
  const { next_batch: since } = await syncWith(juliet);
  await juliet.join(roomId);
  for (let line = 0; line < 4; line += 1) await romeo.send(roomId, `after ${line}`);
  const room = (await syncWith(juliet, { since, filter: { room: { timeline: { limit: 10 } } } })).rooms.join[roomId];
  expect(room?.timeline.events).toHaveLength(10);
  expect(bodiesOf(room?.timeline.events)).toEqual(
    ['before 0', 'before 1', 'before 2', 'before 3', 'after 0', 'after 1', 'after 2', 'after 3'].slice(-9),
  );
  expect(typesOf(room)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.topic', 'm.room.power_levels']));
  expect(room?.summary).toMatchObject({ 'm.joined_member_count': 2 });
});

test('a change of name is told as one event, and not with all of the state', async () => {
  const roomId = await enter();
  const { next_batch: since } = await syncWith(juliet);
  await juliet.call('PUT', `${V3}/profile/${juliet.id}/displayname`, { displayname: 'Juliet Capulet' });
  await expect.poll(async () => (await syncWith(juliet, { since })).rooms.join[roomId]?.timeline.events.length).toBe(1);
  const room = (await syncWith(juliet, { since })).rooms.join[roomId];
  expect(room?.state.events).toEqual([]);
  expect(room?.timeline).toMatchObject({ limited: false, events: [{ content: { displayname: 'Juliet Capulet', membership: 'join' } }] });
});

test('a gap is filled from its prev_batch back to where one had been, and no further', async () => {
  const roomId = await enter();
  await romeo.send(roomId, 'known');
  const { next_batch: since } = await syncWith(juliet);
  for (let line = 0; line < 8; line += 1) await romeo.send(roomId, `line ${line}`);
  await romeo.setState(roomId, 'm.room.topic', { topic: 'in the gap' });
  for (let line = 8; line < 12; line += 1) await romeo.send(roomId, `line ${line}`);
  const room = (await syncWith(juliet, { since, filter: { room: { timeline: { limit: 3 } } } })).rooms.join[roomId];
  expect(room?.timeline.limited).toBe(true);
  expect(bodiesOf(room?.timeline.events)).toEqual(['line 9', 'line 10', 'line 11']);
  expect(room?.state.events.map(({ type }) => type)).toEqual(['m.room.topic']);
  const page = await juliet.call('GET', roomPath(roomId, `/messages?dir=b&limit=50&from=${room?.timeline.prev_batch}&to=${since}`));
  expect(bodiesOf(page['chunk'] as ClientEvent[])).toEqual(Array.from({ length: 9 }, (_, line) => `line ${8 - line}`));
});

test('filters are one’s own: those of others are none', async () => {
  const roomId = await enter();
  const filter = { room: { timeline: { limit: 1 } } };
  const { filter_id: id } = await romeo.call('POST', `${V3}/user/${romeo.id}/filter`, filter);
  const other = { room: { timeline: { limit: 2 } } };
  const { filter_id: second } = await romeo.call('POST', `${V3}/user/${romeo.id}/filter`, other);
  const answer = (await romeo.call('GET', `${V3}/sync?filter=${id}`)) as unknown as SyncAnswer;
  expect(answer.rooms.join[roomId]?.timeline.events).toHaveLength(1);
  const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
  expect(await juliet.attempt('GET', `${V3}/sync?filter=${second}`)).toMatchObject(refused);
  expect((await juliet.attempt('GET', `${V3}/user/${romeo.id}/filter/${id}`)).status).toBe(403);
  expect((await juliet.attempt('POST', `${V3}/user/${romeo.id}/filter`, filter)).status).toBe(403);
  expect(await romeo.attempt('GET', `${V3}/sync?filter=-1`)).toMatchObject(refused);
});

test('an invite shows who invites, and is told until it is answered', async () => {
  await enter();
  const { next_batch: since } = await syncWith(juliet);
  const roomId = await romeo.createRoom({ name: 'Tomb', topic: 'dark', is_direct: true, invite: [juliet.id] });
  for (const from of [since, undefined]) {
    const { invite, join } = (await syncWith(juliet, { since: from })).rooms;
    const shown = new Map(invite[roomId]?.invite_state.events.map((event) => [`${event.type} ${event.state_key}`, event]));
    expect(shown.get(`m.room.member ${juliet.id}`)).toMatchObject({ sender: romeo.id, content: { membership: 'invite', is_direct: true } });
    expect([...shown.keys()]).toEqual(expect.arrayContaining(['m.room.create ', 'm.room.name ', 'm.room.topic ', 'm.room.join_rules ']));
    expect([...shown.values()].every((event) => !('event_id' in event) && !('origin_server_ts' in event))).toBe(true);
    expect(join[roomId]).toBeUndefined();
  }
  await juliet.join(roomId);
  expect((await syncWith(juliet)).rooms.invite).toEqual({});
});

test('two devices of one person each hear everything', async () => {
  const roomId = await enter();
  const phone = await logInTestUser(server.url, juliet.localpart);
  const [one, two] = [(await syncWith(juliet)).next_batch, (await syncWith(phone)).next_batch];
  const eventId = await juliet.send(roomId, 'from the laptop');
  const [own, others] = [await syncWith(juliet, { since: one }), await syncWith(phone, { since: two })];
  const echo = own.rooms.join[roomId]?.timeline.events[0];
  expect(echo).toMatchObject({ event_id: eventId, unsigned: { transaction_id: expect.any(String) } });
  const heard = others.rooms.join[roomId]?.timeline.events[0];
  expect(heard?.event_id).toBe(eventId);
  expect(heard?.unsigned).not.toHaveProperty('transaction_id');
});
