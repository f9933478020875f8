import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';
import { openLossyRoom, type Timelines, wordsOf } from './lossy-room.ts';

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

test('lost events, more than one answer holds, are fetched one by one, and the log is whole', async () => {
  const { roomId, loseEvents, readBack, readLast } = await openLossyRoom(servers, romeo, juliet);
  const lost = Array.from({ length: 150 }, (_, index) => `lost ${index}`);
  await loseEvents(async () => {
    for (const text of lost) {
      await romeo.send(roomId, text);
      if (text === 'lost 75') await romeo.setState(roomId, 'm.room.topic', { topic: 'during' });
    }
  });
  await romeo.send(roomId, 'after');

  await expect.poll(readLast, WAIT).toEqual(['after']);
  expect(wordsOf(await readBack())).toEqual(['before', ...lost, 'after'].reverse());
  const { rooms } = (await juliet.sync()) as Timelines;
  expect(rooms.join[roomId]?.timeline.limited).toBe(true);
  expect(wordsOf(rooms.join[roomId]?.timeline.events ?? []).at(-1)).toBe('after');
  const [gaps] = await servers.at(1).sql`
    select count(*)::int as count from events e join rooms r using (room_nid)
    where  r.room_id = ${roomId} and e.kind = 1 and e.origin_server_ts > ${Date.now() - 60_000} and e.json like '%lost%'`;
  expect(gaps?.['count']).toBe(0);
}, 120_000);
