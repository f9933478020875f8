import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { bodiesOf, roomPath, type SyncedRoom, syncWith } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const ARCHIVED = { room: { include_leave: true } };
const members = (room: SyncedRoom | undefined) =>
  [...(room?.state.events ?? []), ...(room?.timeline.events ?? [])]
    .filter((event) => event.type === 'm.room.member' && event.state_key === juliet.id)
    .map((event) => event.content['membership']);

async function sharedRoom(): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Balcony' });
  await juliet.join(roomId);
  return roomId;
}

test('a room one left is told once, and in a first sync only when asked for, as it was then', async () => {
  const roomId = await sharedRoom();
  await romeo.send(roomId, 'heard');
  const { next_batch: since } = await syncWith(juliet);
  await juliet.leave(roomId);
  await romeo.send(roomId, 'unheard');
  await romeo.setState(roomId, 'm.room.name', { name: 'Empty balcony' });

  const left = await syncWith(juliet, { since });
  expect(members(left.rooms.leave[roomId])).toEqual(['leave']);
  expect((await syncWith(juliet, { since: left.next_batch })).rooms.leave).toEqual({});
  expect((await syncWith(juliet, { since: left.next_batch, filter: ARCHIVED })).rooms.leave).toEqual({});
  expect((await syncWith(juliet)).rooms.leave[roomId]).toBeUndefined();
  const archived = (await syncWith(juliet, { filter: ARCHIVED })).rooms.leave[roomId];
  expect(bodiesOf(archived?.timeline.events)).toEqual(['heard']);
  const names = [...(archived?.state.events ?? []), ...(archived?.timeline.events ?? [])].filter(({ type }) => type === 'm.room.name');
  expect(names.map((event) => event.content['name'])).toEqual(['Balcony']);
});

test('the gap before a leave is paged through from its prev_batch', async () => {
  const roomId = await sharedRoom();
  const { next_batch: since } = await syncWith(juliet);
  const said = Array.from({ length: 15 }, (_, index) => `line ${index}`);
  for (const line of said) await romeo.send(roomId, line);
  await juliet.leave(roomId);
  const room = (await syncWith(juliet, { since })).rooms.leave[roomId];
  expect(room?.timeline.limited).toBe(true);
  const page = await juliet.call('GET', roomPath(roomId, `/messages?dir=b&limit=6&from=${room?.timeline.prev_batch}`));
  const earlier = bodiesOf(page['chunk'] as never).reverse();
  expect([...earlier, ...bodiesOf(room?.timeline.events)]).toEqual(said);
});

test('who was kicked or banned is told so also by a new device', async () => {
  const [kicked, banned] = [await sharedRoom(), await sharedRoom()];
  await romeo.call('POST', roomPath(kicked, '/kick'), { user_id: juliet.id, reason: 'night' });
  await romeo.call('POST', roomPath(banned, '/ban'), { user_id: juliet.id });
  const { leave } = (await syncWith(await logInTestUser(server.url, 'juliet'))).rooms;
  expect(members(leave[kicked]).at(-1)).toBe('leave');
  expect(members(leave[banned]).at(-1)).toBe('ban');
});

test('an invite that is refused, and one that is taken back, are told as left', async () => {
  const [refused, retracted] = [await romeo.createRoom({ invite: [juliet.id] }), await romeo.createRoom({ invite: [juliet.id] })];
  const invited = await syncWith(juliet);
  expect(Object.keys(invited.rooms.invite).sort()).toEqual([refused, retracted].sort());
  await juliet.leave(refused);
  await romeo.call('POST', roomPath(retracted, '/kick'), { user_id: juliet.id });
  const { rooms } = await syncWith(juliet, { since: invited.next_batch });
  expect(rooms.invite).toEqual({});
  for (const roomId of [refused, retracted]) {
    expect(members(rooms.leave[roomId])).toEqual(['leave']);
    expect(rooms.leave[roomId]?.state.events).toEqual([]);
  }
});

test('a knock is told with what the room shows, and as left when it is refused', async () => {
  const rule = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } };
  const roomId = await romeo.createRoom({ name: 'Tomb', initial_state: [rule] });
  const { next_batch: since } = await syncWith(juliet);
  await juliet.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}`, {});
  const knocked = await syncWith(juliet, { since });
  expect(knocked.rooms.knock[roomId]?.knock_state.events).toContainEqual(
    expect.objectContaining({ type: 'm.room.name', content: { name: 'Tomb' } }),
  );
  await romeo.call('POST', roomPath(roomId, '/kick'), { user_id: juliet.id });
  const refused = await syncWith(juliet, { since: knocked.next_batch });
  expect(refused.rooms.knock).toEqual({});
  expect(members(refused.rooms.leave[roomId])).toEqual(['leave']);
});

test('who comes back is told all of the room, and that what they have of it does not join on', async () => {
  const roomId = await sharedRoom();
  const { next_batch: since } = await syncWith(juliet);
  await juliet.leave(roomId);
  await romeo.send(roomId, 'in between');
  await juliet.join(roomId);
  const { rooms } = await syncWith(juliet, { since });
  expect(rooms.leave[roomId]).toBeUndefined();
  const left = await syncWith(juliet, { since });
  expect(left.rooms.join[roomId]).toBeDefined();

  const gone = (await syncWith(juliet)).next_batch;
  await juliet.leave(roomId);
  const away = (await syncWith(juliet, { since: gone })).next_batch;
  await juliet.join(roomId);
  const back = (await syncWith(juliet, { since: away })).rooms.join[roomId];
  expect(back?.timeline.limited).toBe(true);
  expect([...(back?.state.events ?? []), ...(back?.timeline.events ?? [])].map((event) => event.type)).toContain('m.room.create');
});

test('who joins is told the tags and receipts that were there before', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const eventId = await romeo.send(roomId, 'read');
  await romeo.call('POST', roomPath(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {});
  await juliet.join(roomId);
  await juliet.call('PUT', `/_matrix/client/v3/user/${juliet.id}/rooms/${encodeURIComponent(roomId)}/tags/m.favourite`, {});
  await juliet.leave(roomId);
  const { next_batch: since } = await syncWith(juliet);
  await juliet.join(roomId);
  const room = (await syncWith(juliet, { since })).rooms.join[roomId];
  expect(room?.account_data.events).toContainEqual({ type: 'm.tag', content: { tags: { 'm.favourite': {} } } });
  expect(room?.ephemeral.events.map((event) => event.type)).toContain('m.receipt');
});

test('S19: who left is told of nobody typing, reading or writing any more', async () => {
  const roomId = await sharedRoom();
  await juliet.leave(roomId);
  const { next_batch: since } = await syncWith(juliet);
  const eventId = await romeo.send(roomId, 'secret');
  await romeo.call('POST', roomPath(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`), {});
  await romeo.call('PUT', roomPath(roomId, `/typing/${romeo.id}`), { typing: true, timeout: 30_000 });
  const { rooms } = await syncWith(juliet, { since });
  expect(rooms).toEqual({ join: {}, leave: {}, invite: {}, knock: {} });
});

test('S36: tokens that this log never gave are refused', async () => {
  for (const since of ['s999999999_x_0', 'nonsense', 't1_1', 's-1', '0']) {
    const refused = await juliet.attempt('GET', `/_matrix/client/v3/sync?since=${since}`);
    expect(refused, since).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  }
});

test('who came and went between two syncs is told all of the room as they left it', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Ball' });
  const { next_batch: since } = await syncWith(juliet);
  await juliet.join(roomId);
  await romeo.send(roomId, 'welcome');
  await juliet.leave(roomId);
  const left = (await syncWith(juliet, { since, filter: { room: { timeline: { limit: 1 } } } })).rooms.leave[roomId];
  expect(left?.timeline).toMatchObject({ limited: true, events: [{ content: { membership: 'leave' } }] });
  expect(left?.state.events.map((event) => event.type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name']));
});

test('a sync of the full state brings left rooms, if they are asked for, and invites again', async () => {
  const roomId = await sharedRoom();
  const invited = await romeo.createRoom({ invite: [juliet.id] });
  await juliet.leave(roomId);
  const { next_batch: since } = await syncWith(juliet);
  expect((await syncWith(juliet, { since, full_state: true })).rooms.leave[roomId]).toBeUndefined();
  const { rooms } = await syncWith(juliet, { since, full_state: true, filter: ARCHIVED });
  expect(rooms.leave[roomId]?.state.events.map((event) => event.type)).toContain('m.room.create');
  expect(rooms.invite).toHaveProperty([invited]);
});
