import type { FinalSlidingSyncRequest, FinalSlidingSyncResponse } from 'federation-spec/api/schemas/final-sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FINAL_SLIDING_PATH, slideFinal } from '../kit/slide.ts';
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

const all = (required_state: object, others: object = {}): NonNullable<FinalSlidingSyncRequest['lists']> => ({
  all: { timeline_limit: 1, required_state, ...others },
});
const stateOf = (answer: FinalSlidingSyncResponse, roomId: string) =>
  (answer.rooms?.[roomId]?.required_state ?? []).map(({ type, state_key: key }) => (key === '' ? type : `${type} ${key}`)).sort();

test('a connection is one body after the other, with what is asked for of each room', async () => {
  await enter();
  const roomId = await romeo.createRoom({ name: 'Verona', preset: 'public_chat' });
  await romeo.send(roomId, 'one');
  const lists = all({ include: [{ type: 'm.room.name', state_key: '' }] }, { range: [0, 9] });
  const cold = await slideFinal(romeo, { conn_id: 'main', lists });
  expect(cold.lists).toEqual({ all: { count: 1 } });
  const room = cold.rooms?.[roomId];
  expect(room).toMatchObject({ name: 'Verona', initial: true, lists: ['all'], membership: 'join', joined_count: 1, num_live: 0 });
  expect(room).not.toHaveProperty('notification_count');
  expect(room?.required_state).toMatchObject([{ type: 'm.room.name', content: { name: 'Verona' } }]);

  const waiting = slideFinal(romeo, { conn_id: 'main', lists, pos: cold.pos, timeout: 20_000 });
  await romeo.setState(roomId, 'm.room.name', {});
  const warm = await waiting;
  expect(warm.rooms?.[roomId]).toMatchObject({ name: null, num_live: 1 });
  expect(warm.rooms?.[roomId]?.initial).toBeUndefined();

  const wider = { ...lists, all: { timeline_limit: 3, required_state: {} } };
  const opened = await slideFinal(romeo, { conn_id: 'main', lists: wider, pos: warm.pos });
  expect(opened.rooms?.[roomId]).toMatchObject({ expanded_timeline: true });
  expect(opened.rooms?.[roomId]?.timeline).toHaveLength(3);
  const foreign = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } };
  expect(await juliet.attempt('POST', FINAL_SLIDING_PATH, { conn_id: 'main', pos: opened.pos })).toMatchObject(foreign);
});

test('state is included and excluded by type, by key, or whatever it is; members come lazily', async () => {
  await enter();
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Balcony' });
  await juliet.join(roomId);
  await juliet.send(roomId, 'Ay me!');
  const ask = async (required_state: object) => stateOf(await slideFinal(romeo, { lists: all(required_state) }), roomId);

  const everything = await ask({ include: [{}] });
  expect(everything).toContain('m.room.create');
  expect(everything).toContain(`m.room.member ${romeo.id}`);
  expect(await ask({ include: [{}], exclude: [{ type: 'm.room.create' }, { type: 'm.room.member' }] })).toEqual(
    everything.filter((entry) => entry !== 'm.room.create' && !entry.startsWith('m.room.member')),
  );
  expect(await ask({ include: [{}], lazy_members: true })).toEqual(everything.filter((entry) => !entry.includes(romeo.id)));
  expect(await ask({ include: [{ state_key: romeo.id }] })).toEqual([`m.room.member ${romeo.id}`]);
  expect(await ask({ include: [{ type: 'm.room.member' }], lazy_members: true })).toHaveLength(2);
  expect(await ask({})).toEqual([]);

  const both = await slideFinal(romeo, {
    lists: all({ include: [{ type: 'm.room.name' }], exclude: [{ type: 'm.room.create' }] }),
    room_subscriptions: { [roomId]: { timeline_limit: 1, required_state: { include: [{ type: 'm.room.create' }] } } },
  });
  expect(stateOf(both, roomId)).toEqual(['m.room.create', 'm.room.name']);
});

test('invites and knocks show stripped state, and the list of invited rooms holds them', async () => {
  await enter();
  const roomId = await romeo.createRoom({ name: 'Tomb', invite: [juliet.id] });
  const lists = {
    invited: { timeline_limit: 1, required_state: {}, filters: { is_invited: true } },
    others: { timeline_limit: 1, required_state: {}, filters: { is_invited: false } },
  };
  const answer = await slideFinal(juliet, { lists });
  expect(answer.lists).toEqual({ invited: { count: 1 }, others: { count: 0 } });
  expect(answer.rooms?.[roomId]).toMatchObject({ membership: 'invite', initial: true, lists: ['invited'] });
  expect(answer.rooms?.[roomId]?.stripped_state).toContainEqual(expect.objectContaining({ type: 'm.room.name' }));
  expect(answer.rooms?.[roomId]).not.toHaveProperty('invite_state');
});

test('a room one was kicked or banned from stays in the lists, one that was left only for who knew it, one never entered does not', async () => {
  await enter();
  const rooms: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    rooms.push(await romeo.createRoom({ preset: 'public_chat', name: `Room ${index}` }));
    await juliet.join(rooms[index] ?? '');
  }
  const [kicked = '', banned = '', left = ''] = rooms;
  const strange = await romeo.createRoom({ preset: 'public_chat' });
  const lists = all({ include: [{ type: 'm.room.name' }] });
  const { pos } = await slideFinal(juliet, { lists });
  await romeo.call('POST', roomPath(kicked, '/kick'), { user_id: juliet.id });
  await romeo.call('POST', roomPath(banned, '/ban'), { user_id: juliet.id });
  await romeo.call('POST', roomPath(strange, '/ban'), { user_id: juliet.id });
  await juliet.leave(left);
  for (const roomId of rooms) await romeo.send(roomId, 'not for her');

  const warm = await slideFinal(juliet, { lists, pos });
  expect(Object.fromEntries(Object.entries(warm.rooms ?? {}).map(([roomId, room]) => [roomId, room.membership]))).toEqual({
    [kicked]: 'leave',
    [banned]: 'ban',
    [left]: 'leave',
  });
  expect(JSON.stringify(warm)).not.toContain('not for her');
  expect((await slideFinal(juliet, { lists, pos: warm.pos })).rooms).toEqual({});

  const fresh = await slideFinal(await logInTestUser(server.url, juliet.localpart), { lists });
  expect(Object.keys(fresh.rooms ?? {}).sort()).toEqual([kicked, banned].sort());
  expect(fresh.lists?.['all']?.count).toBe(2);
  expect(fresh.rooms?.[kicked]).toMatchObject({ membership: 'leave', initial: true, timeline: [{ type: 'm.room.member' }] });
  expect(JSON.stringify(fresh)).not.toContain('not for her');

  const subscribed = await slideFinal(juliet, { room_subscriptions: { [left]: { timeline_limit: 2, required_state: {} } } });
  expect(subscribed.rooms?.[left]).toMatchObject({ membership: 'leave' });
  const unknown = {
    room_subscriptions: {
      [strange]: { timeline_limit: 1, required_state: {} },
      '!none:hs.test': { timeline_limit: 1, required_state: {} },
    },
  };
  expect((await slideFinal(juliet, unknown)).rooms).toEqual({});
});

test('what is no request is refused', async () => {
  await enter();
  const bad = [
    { timeout: -1 },
    { lists: { a: { timeline_limit: 1 } } },
    { lists: { a: { timeline_limit: 1, required_state: [] } } },
    { lists: { a: { timeline_limit: 1, required_state: {}, range: [1] } } },
    { lists: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`l${index}`, { timeline_limit: 1, required_state: {} }])) },
    {
      room_subscriptions: Object.fromEntries(
        Array.from({ length: 101 }, (_, index) => [`!r${index}:x`, { timeline_limit: 1, required_state: {} }]),
      ),
    },
  ];
  for (const body of bad)
    expect((await romeo.attempt('POST', FINAL_SLIDING_PATH, body)).status, JSON.stringify(body).slice(0, 80)).toBe(400);
  expect((await romeo.attempt('POST', FINAL_SLIDING_PATH, { set_presence: 'bored' })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await romeo.attempt('POST', FINAL_SLIDING_PATH, { pos: 's1_0_0_1' })).body['errcode']).toBe('M_UNKNOWN_POS');
});

test('S36: a device has a few connections; the oldest is forgotten', async () => {
  await enter();
  const first = await slideFinal(romeo, { conn_id: 'c0' });
  for (let index = 1; index <= 8; index += 1) await slideFinal(romeo, { conn_id: `c${index}` });
  expect(await romeo.attempt('POST', FINAL_SLIDING_PATH, { conn_id: 'c0', pos: first.pos })).toMatchObject({
    status: 400,
    body: { errcode: 'M_UNKNOWN_POS' },
  });
});

test('an answer that was lost is given again', async () => {
  await enter();
  const roomId = await romeo.createRoom();
  const lists = all({ include: [{}] });
  const { pos } = await slideFinal(romeo, { lists });
  await romeo.send(roomId, 'lost');
  const [once, again] = [await slideFinal(romeo, { lists, pos }), await slideFinal(romeo, { lists, pos })];
  expect(again.rooms?.[roomId]?.timeline?.map((event) => event.event_id)).toEqual(
    once.rooms?.[roomId]?.timeline?.map((event) => event.event_id),
  );
  await slideFinal(romeo, { lists, pos: again.pos });
  expect((await romeo.attempt('POST', FINAL_SLIDING_PATH, { lists, pos })).body['errcode']).toBe('M_UNKNOWN_POS');
});

test('an extension tells of the rooms of those lists and subscriptions that it names', async () => {
  await enter();
  const [listed, subscribed] = [await romeo.createRoom({ preset: 'public_chat' }), await romeo.createRoom({ preset: 'public_chat' })];
  for (const roomId of [listed, subscribed]) {
    await juliet.join(roomId);
    await romeo.call('PUT', `/_matrix/client/v3/user/${romeo.id}/rooms/${encodeURIComponent(roomId)}/tags/u.x`, {});
    await juliet.call('PUT', roomPath(roomId, `/typing/${juliet.id}`), { typing: true, timeout: 30_000 });
  }
  await romeo.send(listed, 'the newest');
  const ask = async (config: object) => {
    const on = { enabled: true, ...config };
    const { extensions } = await slideFinal(romeo, {
      lists: all({}, { range: [0, 0] }),
      room_subscriptions: { [subscribed]: { timeline_limit: 1, required_state: {} } },
      extensions: { account_data: on, typing: on },
    });
    const told = [extensions?.account_data, extensions?.typing].map((answer) => Object.keys(answer?.rooms ?? {}).sort());
    expect(told[0]).toEqual(told[1]);
    return told[0];
  };
  expect(await ask({})).toEqual([listed, subscribed].sort());
  expect(await ask({ lists: ['all'], rooms: [] })).toEqual([listed]);
  expect(await ask({ lists: [], rooms: ['*'] })).toEqual([subscribed]);
  expect(await ask({ lists: ['other'], rooms: [listed] })).toEqual([]);
  expect(await ask({ enabled: false })).toEqual([]);
});
