import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';
import { openLossyRoom, type Timelines, wordsOf } from './lossy-room.ts';

/** More than are fetched one by one. */
const MANY = 530;
const WAIT = { timeout: 60_000, interval: 200 };

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

test('a gap that is too long for that is bridged by the state, and its history is read by paging back', async () => {
  const { roomId, loseEvents, readBack, readLast } = await openLossyRoom(servers, romeo, juliet);
  await juliet.sync();
  const lost = Array.from({ length: MANY }, (_, index) => `lost ${index}`);
  await loseEvents(async () => {
    await romeo.setState(roomId, 'm.room.topic', { topic: 'during' });
    for (const text of lost) await romeo.send(roomId, text);
  });
  await romeo.send(roomId, 'after');

  await expect.poll(readLast, WAIT).toEqual(['after']);
  const { rooms } = (await juliet.sync()) as Timelines;
  expect(rooms.join[roomId]?.timeline.limited).toBe(true);
  expect(rooms.join[roomId]).toMatchObject({ state: { events: [{ type: 'm.room.topic', content: { topic: 'during' } }] } });
  expect(wordsOf(await readBack())).toEqual(['before', ...lost, 'after'].reverse());
  const topics = (await readBack()).filter((event) => event.type === 'm.room.topic').map((event) => event.content['topic']);
  expect(topics).toEqual(['during', 'before']);
}, 120_000);
