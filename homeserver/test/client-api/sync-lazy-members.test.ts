import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { membersOf, syncWith } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let nurse: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  nurse = await server.user('nurse');
});
afterAll(() => server[Symbol.asyncDispose]());

const LAZY = { room: { state: { lazy_load_members: true } } };

/** A room of the three with so much said by Romeo that the joins are out of the timeline. */
async function fullRoom(options: object = {}): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Balcony', ...options });
  await juliet.join(roomId);
  await nurse.join(roomId);
  for (let index = 0; index < 10; index += 1) await romeo.send(roomId, `line ${index}`);
  return roomId;
}

test('a first sync brings who speaks in the timeline, and oneself', async () => {
  const roomId = await fullRoom();
  expect(membersOf((await syncWith(juliet, { filter: LAZY })).rooms.join[roomId])).toEqual([juliet.id, romeo.id]);
});

test('who speaks later is told of then, once for each device, and again to whom asks for redundant members', async () => {
  const roomId = await fullRoom();
  const first = await syncWith(juliet, { filter: LAZY });
  await nurse.send(roomId, 'Madam!');
  const second = await syncWith(juliet, { filter: LAZY, since: first.next_batch });
  expect(membersOf(second.rooms.join[roomId])).toEqual([nurse.id]);
  expect(membersOf((await syncWith(juliet, { filter: LAZY, since: first.next_batch })).rooms.join[roomId])).toEqual([nurse.id]);

  await nurse.send(roomId, 'Madam!!');
  await romeo.send(roomId, 'anon');
  const third = await syncWith(juliet, { filter: LAZY, since: second.next_batch });
  expect(membersOf(third.rooms.join[roomId])).toEqual([]);
  const redundant = { room: { state: { lazy_load_members: true, include_redundant_members: true } } };
  const again = await syncWith(juliet, { filter: redundant, since: second.next_batch });
  expect(membersOf(again.rooms.join[roomId])).toEqual([nurse.id, romeo.id]);

  const other = await logInTestUser(server.url, 'juliet');
  expect(membersOf((await syncWith(other, { filter: LAZY, since: second.next_batch })).rooms.join[roomId])).toEqual([nurse.id, romeo.id]);
});

test('who changed within a gap is told of though they are silent', async () => {
  const roomId = await fullRoom();
  const { next_batch: since } = await syncWith(juliet, { filter: LAZY });
  await nurse.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'Angelica' }, nurse.id);
  for (let index = 0; index < 12; index += 1) await romeo.send(roomId, `more ${index}`);
  const room = (await syncWith(juliet, { filter: LAZY, since })).rooms.join[roomId];
  expect(room?.timeline.limited).toBe(true);
  expect(membersOf(room)).toEqual([nurse.id]);
});

test('the full state is told to whom asks for it, whatever was told before', async () => {
  const roomId = await fullRoom();
  const { next_batch: since } = await syncWith(juliet, { filter: LAZY });
  await romeo.send(roomId, 'one more');
  const room = (await syncWith(juliet, { filter: LAZY, since, full_state: true })).rooms.join[roomId];
  expect(membersOf(room)).toEqual([juliet.id, romeo.id]);
  expect(room?.state.events.map((event) => event.type)).toContain('m.room.create');
});

test('a nameless room is called by up to five of its members, a named one by none, one that all have left by those who have', async () => {
  const nameless = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(nameless);
  const summaryOf = async (roomId: string) => (await syncWith(romeo, { filter: LAZY })).rooms.join[roomId]?.summary;
  expect(await summaryOf(nameless)).toEqual({ 'm.heroes': [juliet.id], 'm.joined_member_count': 2, 'm.invited_member_count': 0 });
  await romeo.invite(nameless, nurse.id);
  expect(await summaryOf(nameless)).toMatchObject({ 'm.heroes': [juliet.id, nurse.id].sort(), 'm.invited_member_count': 1 });
  await juliet.leave(nameless);
  await nurse.leave(nameless);
  expect(await summaryOf(nameless)).toMatchObject({ 'm.heroes': [juliet.id, nurse.id].sort(), 'm.joined_member_count': 1 });
  await romeo.setState(nameless, 'm.room.name', { name: 'Alone' });
  expect(await summaryOf(nameless)).toEqual({ 'm.joined_member_count': 1, 'm.invited_member_count': 0 });
  await romeo.setState(nameless, 'm.room.name', { name: '' });
  expect((await summaryOf(nameless))?.['m.heroes']).toHaveLength(2);
});

test('counts are told when memberships change, and not otherwise', async () => {
  const roomId = await fullRoom();
  const first = await syncWith(juliet, { filter: LAZY });
  await romeo.send(roomId, 'nobody moves');
  const second = await syncWith(juliet, { filter: LAZY, since: first.next_batch });
  expect(second.rooms.join[roomId]?.summary).toBeUndefined();
  await nurse.leave(roomId);
  const third = await syncWith(juliet, { filter: LAZY, since: second.next_batch });
  expect(third.rooms.join[roomId]?.summary).toMatchObject({ 'm.joined_member_count': 2 });
});

test('a lazy filter is a boolean', async () => {
  const path = `/_matrix/client/v3/user/${encodeURIComponent(romeo.id)}/filter`;
  const refused = await romeo.attempt('POST', path, { room: { state: { lazy_load_members: 'true' } } });
  expect(refused.status).toBe(400);
});
