import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { FINAL_SLIDING_PATH, SLIDING_PATH } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { type SyncAnswer, syncWith } from './sync-answers.ts';

const PATIENCE = { timeout: 15_000, interval: 100 };
const clock = createFakeClock(Date.now());
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer({ config: { presence: true }, clock });
});
afterAll(() => server[Symbol.asyncDispose]());

/** Two people who share a room, and whom no other scene knows. */
async function enter(): Promise<void> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  await juliet.join(await romeo.createRoom({ preset: 'public_chat' }));
}

const status = (userId: string) => `/_matrix/client/v3/presence/${userId}/status`;
const presenceOf = async (user: TestUser) => (await romeo.call('GET', status(user.id)))['presence'];
const quietly = (since?: string, more: object = {}) => syncWith(romeo, { since, set_presence: 'offline', ...more });
const told = (answer: SyncAnswer) =>
  (answer.presence?.events ?? []).map(({ sender, content }): [string, unknown] => [sender, content['presence']]);

test('who syncs is online, or what they say they are; who asks to stay hidden stays as they were', async () => {
  await enter();
  await syncWith(juliet, { set_presence: 'offline' });
  expect(await presenceOf(juliet)).toBe('offline');
  await syncWith(juliet);
  expect(await presenceOf(juliet)).toBe('online');
  await syncWith(juliet, { set_presence: 'unavailable' });
  expect(await presenceOf(juliet)).toBe('unavailable');
  await syncWith(juliet, { set_presence: 'offline' });
  expect(await presenceOf(juliet)).toBe('unavailable');
  expect((await juliet.attempt('GET', '/_matrix/client/v3/sync?set_presence=bored')).status).toBe(400);
});

test('one is shown oneself, and others as they change, each change once', async () => {
  await enter();
  expect(told(await syncWith(romeo))).toContainEqual([romeo.id, 'online']);
  const { next_batch: since } = await quietly();
  await juliet.call('PUT', status(juliet.id), { presence: 'unavailable', status_msg: 'asleep' });
  const answer = await quietly(since, { timeout: 10_000 });
  expect(told(answer)).toEqual([[juliet.id, 'unavailable']]);
  expect(answer.presence?.events[0]?.content).toMatchObject({ status_msg: 'asleep', last_active_ago: expect.any(Number) });
  expect(answer.presence?.events[0]?.content).not.toHaveProperty('currently_active');
  expect(told(await quietly(answer.next_batch))).toEqual([]);
});

test('a filter leaves presence out by type or by sender', async () => {
  await enter();
  const { next_batch: since } = await quietly();
  await juliet.call('PUT', status(juliet.id), { presence: 'online' });
  for (const presence of [{ types: [] }, { not_types: ['m.presence'] }, { not_senders: [juliet.id] }, { senders: [romeo.id] }])
    expect(told(await quietly(since, { filter: { presence } })), JSON.stringify(presence)).toEqual([]);
  expect(told(await quietly(since, { filter: { presence: { senders: [juliet.id], types: ['m.presence'] } } }))).toHaveLength(1);
});

test('who has no room in common, or no more, is shown nothing', async () => {
  await enter();
  const tybalt = await server.user('tybalt');
  const { next_batch: since } = await syncWith(tybalt, { set_presence: 'offline' });
  await juliet.call('PUT', status(juliet.id), { presence: 'online' });
  expect(told(await syncWith(tybalt, { since, set_presence: 'offline' }))).toEqual([]);
  expect(told(await syncWith(tybalt, { set_presence: 'offline' })).map(([sender]) => sender)).not.toContain(juliet.id);
});

test('who syncs no more is offline after a while, who waits in a sync or has another device there is not', async () => {
  await enter();
  const nurse = await server.user('nurse');
  await nurse.join(await romeo.createRoom({ preset: 'public_chat' }));
  const phone = await logInTestUser(server.url, nurse.localpart);
  const { next_batch: julietsPlace } = await syncWith(juliet);
  const { next_batch: nursesPlace } = await syncWith(nurse);
  const { next_batch: since } = await quietly();
  const waiting = syncWith(nurse, {
    since: nursesPlace,
    timeout: 60_000,
    filter: { presence: { types: [] }, account_data: { types: ['m.end'] } },
  });
  await syncWith(phone, { since: nursesPlace });
  clock.advance(40_000);
  await expect.poll(() => presenceOf(juliet), PATIENCE).toBe('offline');
  expect(await presenceOf(nurse)).toBe('online');
  expect(told(await quietly(since)).filter(([sender]) => sender === juliet.id)).toEqual([[juliet.id, 'offline']]);

  await syncWith(juliet, { since: julietsPlace });
  expect(await presenceOf(juliet)).toBe('online');
  await nurse.call('PUT', `/_matrix/client/v3/user/${nurse.id}/account_data/m.end`, { said: true });
  await waiting;
  clock.advance(40_000);
  await expect.poll(() => presenceOf(nurse), PATIENCE).toBe('offline');
});

test('sliding sync makes one present too', async () => {
  await enter();
  await juliet.call('POST', FINAL_SLIDING_PATH, { set_presence: 'unavailable' });
  expect(await presenceOf(juliet)).toBe('unavailable');
  await juliet.call('POST', `${SLIDING_PATH}?set_presence=offline`, {});
  expect(await presenceOf(juliet)).toBe('unavailable');
  await juliet.call('POST', SLIDING_PATH, {});
  expect(await presenceOf(juliet)).toBe('online');
});
