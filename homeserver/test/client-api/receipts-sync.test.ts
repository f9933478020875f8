import type { SlidingSyncRequest, SlidingSyncResponse } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { sendReceipt } from './ephemeral-events.ts';
import { type SyncAnswer, syncWith } from './sync-answers.ts';
import { inThread } from './unread-counts.ts';

const PATIENCE = { timeout: 10_000 };
const REQUEST: SlidingSyncRequest = {
  lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } },
  extensions: { receipts: { enabled: true } },
};
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A room of two people whom no other scene knows. */
async function enter(): Promise<string> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  return roomId;
}

const receiptsOf = (answer: SyncAnswer, roomId: string) =>
  answer.rooms.join[roomId]?.ephemeral.events.find((event) => event.type === 'm.receipt')?.content;
const slidReceiptsOf = (answer: SlidingSyncResponse, roomId: string) => answer.extensions?.receipts?.rooms?.[roomId]?.content;
const TS = { ts: expect.any(Number) };

test('a public receipt is told to all, a private one to its owner on every device, by every kind of sync', async () => {
  const roomId = await enter();
  const [first, second] = [await romeo.send(roomId, 'one'), await romeo.send(roomId, 'two')];
  const tablet = await logInTestUser(server.url, juliet.localpart);
  const since = new Map<TestUser, string>([romeo, tablet].map((user) => [user, '']));
  const pos = new Map(since);
  for (const user of since.keys()) {
    since.set(user, (await syncWith(user)).next_batch);
    pos.set(user, (await slide(user, REQUEST)).pos);
  }
  await sendReceipt(juliet, roomId, first);
  await sendReceipt(juliet, roomId, second, { type: 'm.read.private' });
  const seen = { [first]: { 'm.read': { [juliet.id]: TS } } };
  const whole = { ...seen, [second]: { 'm.read.private': { [juliet.id]: TS } } };
  for (const [user, expected] of [
    [tablet, whole],
    [romeo, seen],
  ] as const) {
    await expect.poll(async () => receiptsOf(await syncWith(user, { since: since.get(user) }), roomId), PATIENCE).toEqual(expected);
    expect(receiptsOf(await syncWith(user), roomId)).toEqual(expected);
    expect(slidReceiptsOf(await slide(user, REQUEST, pos.get(user)), roomId)).toEqual(expected);
    expect(slidReceiptsOf(await slide(user, REQUEST), roomId)).toEqual(expected);
  }
});

test('receipts in threads are told with their thread, beside each other', async () => {
  const roomId = await enter();
  const root = await romeo.send(roomId, 'root');
  const inside = await romeo.send(roomId, inThread(root, 'inside'));
  const { pos } = await slide(romeo, REQUEST);
  const { next_batch: since } = await syncWith(romeo);
  await sendReceipt(juliet, roomId, inside, { body: { thread_id: root } });
  await sendReceipt(juliet, roomId, root, { body: { thread_id: 'main' } });
  const expected = {
    [inside]: { 'm.read': { [juliet.id]: { ...TS, thread_id: root } } },
    [root]: { 'm.read': { [juliet.id]: { ...TS, thread_id: 'main' } } },
  };
  await expect.poll(async () => receiptsOf(await syncWith(romeo, { since }), roomId), PATIENCE).toEqual(expected);
  expect(slidReceiptsOf(await slide(romeo, REQUEST, pos), roomId)).toEqual(expected);
});

test('a receipt moves: the older one is told no more', async () => {
  const roomId = await enter();
  const [first, second] = [await romeo.send(roomId, 'one'), await romeo.send(roomId, 'two')];
  await sendReceipt(juliet, roomId, first);
  await sendReceipt(juliet, roomId, second);
  const moved = { [second]: { 'm.read': { [juliet.id]: TS } } };
  await expect.poll(async () => receiptsOf(await syncWith(romeo), roomId), PATIENCE).toEqual(moved);
  await sendReceipt(juliet, roomId, first);
  expect(receiptsOf(await syncWith(romeo), roomId)).toEqual(moved);
});

test('a filter leaves receipts out, and a receipt wakes a sync that waits', async () => {
  const roomId = await enter();
  const eventId = await romeo.send(roomId, 'one');
  const { next_batch: since } = await syncWith(romeo);
  const waiting = syncWith(romeo, { since, timeout: 20_000 });
  await sendReceipt(juliet, roomId, eventId);
  expect(receiptsOf(await waiting, roomId)).toEqual({ [eventId]: { 'm.read': { [juliet.id]: TS } } });
  const filter = { room: { ephemeral: { not_types: ['m.receipt'] } } };
  expect((await syncWith(romeo, { since, filter })).rooms.join).toEqual({});
});
