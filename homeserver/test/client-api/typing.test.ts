import { afterAll, beforeAll, expect, test } from 'vitest';
import { slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { inRoom } from './ephemeral-events.ts';
import { type SyncAnswer, syncWith } from './sync-answers.ts';

const PATIENCE = { timeout: 10_000 };
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let nurse: TestUser;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A room of three people whom no other scene knows. */
async function enter(): Promise<string> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  nurse = await server.user('nurse');
  return await gather();
}

async function gather(): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await nurse.join(roomId);
  return roomId;
}

const type = (user: TestUser, roomId: string, typing = true, timeout = 30_000) =>
  user.call('PUT', inRoom(roomId, `typing/${user.id}`), typing ? { typing, timeout } : { typing });
const typists = (answer: SyncAnswer, roomId: string) =>
  answer.rooms.join[roomId]?.ephemeral.events.find((event) => event.type === 'm.typing')?.content['user_ids'];

test('several people type in several rooms, and each room tells of its own', async () => {
  const one = await enter();
  const other = await gather();
  const { next_batch: since } = await syncWith(romeo);
  await type(juliet, one);
  await type(nurse, one);
  await type(nurse, other);
  const answer = await syncWith(romeo, { since });
  expect(typists(answer, one)).toEqual([juliet.id, nurse.id]);
  expect(typists(answer, other)).toEqual([nurse.id]);
  await type(juliet, one, false);
  const later = await syncWith(romeo, { since: answer.next_batch });
  expect(typists(later, one)).toEqual([nurse.id]);
  expect(typists(later, other)).toBeUndefined();
  expect(later.rooms.join[one]?.timeline.events).toEqual([]);
});

test('who goes on typing is no news; the time begins anew', async () => {
  const roomId = await enter();
  await type(juliet, roomId, true, 300);
  const { next_batch: since } = await syncWith(romeo);
  await type(juliet, roomId, true, 60_000);
  expect(typists(await syncWith(romeo, { since }), roomId)).toBeUndefined();
  await type(nurse, roomId, true, 500);
  await expect.poll(async () => typists(await syncWith(romeo), roomId), PATIENCE).toEqual([juliet.id]);
});

test('who sends what they typed types no more', async () => {
  const roomId = await enter();
  await type(juliet, roomId);
  const { next_batch: since } = await syncWith(romeo);
  await juliet.send(roomId, 'Ay me!');
  await expect.poll(async () => typists(await syncWith(romeo, { since }), roomId), PATIENCE).toEqual([]);
  await type(juliet, roomId);
  await juliet.send(roomId, { key: 'x' }, 'm.reaction');
  await juliet.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'Juliet C.' }, juliet.id);
  expect(typists(await syncWith(romeo), roomId)).toEqual([juliet.id]);
});

test('who leaves, or is thrown out, types no more', async () => {
  const roomId = await enter();
  await type(juliet, roomId);
  await type(nurse, roomId);
  const { next_batch: since } = await syncWith(romeo);
  await juliet.leave(roomId);
  await expect.poll(async () => typists(await syncWith(romeo, { since }), roomId), PATIENCE).toEqual([nurse.id]);
  await romeo.call('POST', inRoom(roomId, 'kick'), { user_id: nurse.id });
  await expect.poll(async () => typists(await syncWith(romeo, { since }), roomId), PATIENCE).toEqual([]);
});

test('typing comes by sliding sync, in the rooms that are covered, and goes', async () => {
  const roomId = await enter();
  const far = await gather();
  const body = {
    lists: {},
    room_subscriptions: { [roomId]: { timeline_limit: 1, required_state: [] } },
    extensions: { typing: { enabled: true } },
  };
  const { pos } = await slide(romeo, body);
  const waiting = slide(romeo, body, pos, 10_000);
  await type(nurse, far);
  await type(juliet, roomId);
  const told = await waiting;
  expect(told.extensions?.typing?.rooms).toEqual({ [roomId]: { type: 'm.typing', content: { user_ids: [juliet.id] } } });
  await type(juliet, roomId, false);
  const gone = await slide(romeo, body, told.pos);
  expect(gone.extensions?.typing?.rooms).toEqual({ [roomId]: { type: 'm.typing', content: { user_ids: [] } } });
});

test('what is no time, or no answer to whether one types, is refused', async () => {
  const roomId = await enter();
  const attempt = (body: object) => romeo.attempt('PUT', inRoom(roomId, `typing/${romeo.id}`), body);
  expect((await attempt({ typing: 'yes' })).status).toBe(400);
  expect((await attempt({ timeout: 1_000 })).status).toBe(400);
  expect((await attempt({ typing: true, timeout: 'long' })).status).toBe(400);
});
