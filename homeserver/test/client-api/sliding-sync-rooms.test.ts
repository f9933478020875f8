import type { SlidingSyncRequest, SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SLIDING_PATH, slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { roomPath } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Two people whom no other scene knows. */
async function enter(): Promise<void> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
}

type Pairs = [string, string][];
const listOf = (required_state: Pairs, others: object = {}): SlidingSyncRequest => ({
  lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state, ...others } },
});
const stateOf = (room: SlidingSyncRoom | undefined) =>
  (room?.required_state ?? []).map(({ type, state_key: key }) => (key === '' ? type : `${type} ${key}`)).sort();

test('required state is named by type and key, by wildcards, as oneself, or as who speaks', async () => {
  await enter();
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Verona', topic: 'two houses' });
  await juliet.join(roomId);
  await romeo.setState(roomId, 'm.custom', {}, 'one');
  await romeo.setState(roomId, 'm.custom', {}, 'two');
  await juliet.send(roomId, 'Ay me!');
  const ask = async (...pairs: Pairs) => stateOf((await slide(romeo, listOf(pairs))).rooms?.[roomId]);
  const [me, she] = [`m.room.member ${romeo.id}`, `m.room.member ${juliet.id}`];

  expect(await ask(['m.custom', '*'])).toEqual(['m.custom one', 'm.custom two']);
  expect(await ask(['*', 'two'])).toEqual(['m.custom two']);
  expect(await ask(['m.room.member', '$ME'])).toEqual([me]);
  expect(await ask(['m.room.member', '$LAZY'])).toEqual([she]);
  expect(await ask(['m.room.member', '$LAZY'], ['m.room.member', '$ME'])).toEqual([me, she].sort());
  expect(await ask(['m.room.member', '*'])).toEqual([me, she].sort());
  expect(await ask(['m.room.member', juliet.id])).toEqual([she]);
  expect(await ask(['*', ''])).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.topic']));
  expect(await ask(['*', ''])).not.toContain(she);
  const everything = await ask(['*', '*']);
  expect(everything).toEqual(expect.arrayContaining([me, she, 'm.custom one', 'm.room.topic']));
  expect(await ask(['*', '*'], ['m.room.member', '$LAZY'])).toEqual(everything.filter((entry) => entry !== me));
  expect(await ask(['m.nothing', ''])).toEqual([]);
});

test('a nameless room is called by others, with their names, also when they change', async () => {
  await enter();
  await juliet.call('PUT', `/_matrix/client/v3/profile/${juliet.id}/displayname`, { displayname: 'Juliet' });
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const lists = listOf([['m.room.member', '$LAZY']]);
  const cold = await slide(romeo, lists);
  expect(cold.rooms?.[roomId]).toMatchObject({
    heroes: [{ user_id: juliet.id, displayname: 'Juliet' }],
    joined_count: 2,
    invited_count: 0,
  });
  expect(cold.rooms?.[roomId]).not.toHaveProperty('name');

  const nurse = await server.user('nurse');
  await nurse.join(roomId);
  const warm = await slide(romeo, lists, cold.pos);
  expect(warm.rooms?.[roomId]).toMatchObject({
    heroes: [{ user_id: juliet.id, displayname: 'Juliet' }, { user_id: nurse.id }],
    joined_count: 3,
  });
  await romeo.setState(roomId, 'm.room.name', { name: 'Balcony' });
  const named = await slide(romeo, lists, warm.pos);
  expect(named.rooms?.[roomId]).toMatchObject({ name: 'Balcony' });
  expect(named.rooms?.[roomId]).not.toHaveProperty('heroes');
});

test('only what was said since counts as live, also in a room that comes into the window by it', async () => {
  await enter();
  const [quiet, busy] = [await romeo.createRoom({ preset: 'public_chat' }), await romeo.createRoom()];
  await juliet.join(quiet);
  for (const body of ['one', 'two', 'three']) await romeo.send(quiet, body);
  await romeo.send(busy, 'hello');
  const top: SlidingSyncRequest = { lists: { top: { ranges: [[0, 0]], timeline_limit: 3, required_state: [] } } };
  const cold = await slide(romeo, top);
  expect(Object.keys(cold.rooms ?? {})).toEqual([busy]);
  await juliet.send(quiet, 'Romeo!');
  const warm = await slide(romeo, top, cold.pos);
  expect(Object.keys(warm.rooms ?? {})).toEqual([quiet]);
  expect(warm.rooms?.[quiet]).toMatchObject({ initial: true, num_live: 1, limited: true });
  expect(warm.rooms?.[quiet]?.timeline).toHaveLength(3);
});

test('what people say moves a room up; who comes, reacts or topics do not', async () => {
  await enter();
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const said = await romeo.send(roomId, 'But soft!');
  const cold = await slide(romeo, listOf([]));
  const stamp = cold.rooms?.[roomId]?.bump_stamp;
  await juliet.join(roomId);
  await romeo.send(roomId, { 'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: '♥' } }, 'm.reaction');
  await romeo.setState(roomId, 'm.room.topic', { topic: 'light' });
  const warm = await slide(romeo, listOf([]), cold.pos);
  expect(warm.rooms?.[roomId]?.bump_stamp).toBe(stamp);
  await romeo.send(roomId, { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' }, 'm.room.encrypted');
  const later = await slide(romeo, listOf([]), warm.pos);
  expect(later.rooms?.[roomId]?.bump_stamp).toBeGreaterThan(stamp ?? 0);

  const invited = await romeo.createRoom({ invite: [juliet.id] });
  const [first] = Object.values((await slide(juliet, { lists: { i: { ranges: [[0, 0]], filters: { is_invite: true } } } })).rooms ?? {});
  expect(first?.bump_stamp).toBeGreaterThan(0);
  expect(invited).toBeDefined();
});

test('the timeline grows only when more is asked for than before, and comes at once', async () => {
  await enter();
  const roomId = await romeo.createRoom();
  for (const body of ['one', 'two', 'three', 'four']) await romeo.send(roomId, body);
  const cold = await slide(romeo, listOf([]));
  const wider = await slide(romeo, listOf([], { timeline_limit: 3 }), cold.pos);
  expect(wider.rooms?.[roomId]).toMatchObject({ unstable_expanded_timeline: true, limited: true, num_live: 0 });
  expect(wider.rooms?.[roomId]?.timeline).toHaveLength(3);
  expect(wider.rooms?.[roomId]).not.toHaveProperty('initial');
  const narrower = await slide(romeo, listOf([], { timeline_limit: 1 }), wider.pos);
  expect(narrower.rooms).toEqual({});
  await romeo.send(roomId, 'five');
  const back = await slide(romeo, listOf([], { timeline_limit: 3 }), narrower.pos);
  expect(back.rooms?.[roomId]).toMatchObject({ unstable_expanded_timeline: true, num_live: 1 });
});

test('several ranges of a list, and a room in several lists: the most of what each asks for', async () => {
  await enter();
  const rooms: string[] = [];
  for (let index = 0; index < 4; index += 1) rooms.unshift(await romeo.createRoom({ name: `Room ${index}` }));
  const answer = await slide(romeo, {
    lists: {
      ends: {
        ranges: [
          [0, 0],
          [3, 9],
        ],
        timeline_limit: 1,
        required_state: [['m.room.name', '']],
      },
      top: { ranges: [[0, 1]], timeline_limit: 2, required_state: [['m.room.create', '']] },
    },
  });
  expect(answer.lists).toEqual({ ends: { count: 4 }, top: { count: 4 } });
  expect(Object.keys(answer.rooms ?? {}).sort()).toEqual([rooms[0], rooms[1], rooms[3]].sort());
  expect(stateOf(answer.rooms?.[rooms[0] ?? ''])).toEqual(['m.room.create', 'm.room.name']);
  expect(answer.rooms?.[rooms[0] ?? '']?.timeline).toHaveLength(2);
  expect(answer.rooms?.[rooms[0] ?? '']?.lists?.toSorted()).toEqual(['ends', 'top']);
  expect(stateOf(answer.rooms?.[rooms[3] ?? ''])).toEqual(['m.room.name']);
});

test('a room one comes back to is told whole again, and one that was left keeps its name', async () => {
  await enter();
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Mantua' });
  await juliet.join(roomId);
  const lists = listOf([['m.room.name', '']]);
  const cold = await slide(juliet, lists);
  await romeo.call('POST', roomPath(roomId, '/kick'), { user_id: juliet.id, reason: 'banished' });
  const left = await slide(juliet, lists, cold.pos);
  expect(left.rooms?.[roomId]).toMatchObject({ membership: 'leave', timeline: [{ content: { membership: 'leave', reason: 'banished' } }] });
  const fresh = await slide(await logInTestUser(server.url, juliet.localpart), lists);
  expect(fresh.rooms?.[roomId]).toMatchObject({ membership: 'leave', initial: true, name: 'Mantua' });

  await romeo.setState(roomId, 'm.room.name', { name: 'Verona' });
  await juliet.join(roomId);
  const back = await slide(juliet, lists, left.pos);
  expect(back.rooms?.[roomId]).toMatchObject({
    membership: 'join',
    initial: true,
    name: 'Verona',
    required_state: [{ type: 'm.room.name' }],
  });
});

test('an invite that is refused is told once; a knock shows what the room shows strangers', async () => {
  await enter();
  const invited = await romeo.createRoom({ name: 'Tomb', invite: [juliet.id] });
  const knocked = await romeo.createRoom({
    name: 'Gate',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  });
  await juliet.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(knocked)}`, {});
  const cold = await slide(juliet, listOf([['*', '*']]));
  expect(cold.rooms?.[knocked]).toMatchObject({ membership: 'knock', initial: true });
  expect(cold.rooms?.[knocked]?.invite_state).toContainEqual(expect.objectContaining({ type: 'm.room.name', content: { name: 'Gate' } }));
  for (const roomId of [invited, knocked]) {
    expect(cold.rooms?.[roomId]).not.toHaveProperty('timeline');
    expect(cold.rooms?.[roomId]).not.toHaveProperty('required_state');
  }
  await juliet.leave(invited);
  const refused = await slide(juliet, listOf([['*', '*']]), cold.pos);
  expect(refused.rooms?.[invited]).toMatchObject({ membership: 'leave' });
  expect(JSON.stringify(refused.rooms?.[invited])).not.toContain('Tomb');
  expect((await slide(juliet, listOf([['*', '*']]), refused.pos)).rooms).toEqual({});
});

test('tags leave rooms out, even those that another tag lets in', async () => {
  await enter();
  const [plain, liked, old] = [await romeo.createRoom(), await romeo.createRoom(), await romeo.createRoom()];
  const tag = (roomId: string, name: string) =>
    romeo.call('PUT', `/_matrix/client/v3/user/${romeo.id}/rooms/${encodeURIComponent(roomId)}/tags/${name}`, {});
  await tag(liked, 'm.favourite');
  await tag(old, 'm.favourite');
  await tag(old, 'm.lowpriority');
  const ask = async (filters: object) => Object.keys((await slide(romeo, listOf([], { filters }))).rooms ?? {}).sort();
  expect(await ask({ not_tags: ['m.lowpriority'] })).toEqual([plain, liked].sort());
  expect(await ask({ tags: ['m.favourite'], not_tags: ['m.lowpriority'] })).toEqual([liked]);
  expect(await ask({ room_types: [null] })).toEqual([plain, liked, old].sort());
  expect(await ask({ room_types: [null], not_room_types: [null] })).toEqual([]);
  expect(await ask({ spaces: ['!none:hs.test'] })).toEqual([]);
});

test('what asks for too much, or is no request, is refused', async () => {
  await enter();
  const list = { ranges: [[0, 1]], timeline_limit: 1 };
  const bad: object[] = [
    { lists: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`l${index}`, list])) },
    { lists: { a: { ...list, ranges: Array.from({ length: 101 }, () => [0, 1]) } } },
    { room_subscriptions: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`!r${index}:x`, { timeline_limit: 1 }])) },
    { extensions: { to_device: { enabled: true, since: 'nonsense' } } },
    { conn_id: 'x'.repeat(256) },
  ];
  for (const body of bad) {
    const answer = await romeo.attempt('POST', SLIDING_PATH, body);
    expect(answer, JSON.stringify(body).slice(0, 60)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  }
  for (const body of [{ lists: { a: { ...list, ranges: [[0]] } } }, { lists: { a: { ...list, timeline_limit: -1 } } }, { lists: [] }]) {
    expect((await romeo.attempt('POST', SLIDING_PATH, body)).status, JSON.stringify(body)).toBe(400);
  }
  expect(
    await romeo.attempt('POST', '/_matrix/client/v4/sync', { lists: { 'a b': { timeline_limit: 1, required_state: {} } } }),
  ).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
});
