import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodiesOf, syncWith } from '../client-api/sync-answers.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';

const PATIENCE = { timeout: 15_000 };
let servers: TestServers;
beforeAll(async () => {
  servers = await startServers(2);
});
afterAll(() => servers[Symbol.asyncDispose]());

test('what is said here and there is told once, in the order in which it was heard, state from afar too', async () => {
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat', power_level_content_override: { users_default: 50 }, room_version: '11' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const { next_batch: since } = await syncWith(romeo);
  const said: string[] = [];
  for (let line = 0; line < 3; line += 1) {
    for (const [user, other] of [
      [romeo, juliet],
      [juliet, romeo],
    ] as const) {
      const body = `${user.id} ${line}`;
      const eventId = await user.send(roomId, body);
      said.push(body);
      while ((await other.nextMessage(roomId)).event_id !== eventId);
    }
  }
  const topic = await juliet.setState(roomId, 'm.room.topic', { topic: 'from Mantua' });
  const read = async (parameters: object = {}) => (await syncWith(romeo, { since, ...parameters })).rooms.join[roomId];
  await expect.poll(async () => (await read())?.timeline.events.at(-1)?.event_id, PATIENCE).toBe(topic);
  expect(bodiesOf((await read())?.timeline.events)).toEqual(said);
  expect((await read())?.state.events).toEqual([]);
  const gapped = await read({ filter: { room: { timeline: { limit: 1, types: ['m.room.message'] } } } });
  expect(gapped?.timeline.limited).toBe(true);
  expect(gapped?.state.events).toMatchObject([{ event_id: topic, sender: juliet.id }]);
});

test('device lists: who comes to share a room from afar has changed, who shares none any more has left', async () => {
  const romeo = await servers.user('mercutio', 0);
  const juliet = await servers.user('rosaline', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const { next_batch: since } = await syncWith(romeo);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const lists = async (from: string) =>
    ((await syncWith(romeo, { since: from })) as { device_lists?: { changed?: string[]; left?: string[] } }).device_lists;
  await expect.poll(async () => (await lists(since))?.changed, PATIENCE).toContain(juliet.id);
  const { next_batch: together } = await syncWith(romeo, { since });
  await juliet.leave(roomId);
  await expect.poll(async () => (await lists(together))?.left, PATIENCE).toEqual([juliet.id]);
  expect((await lists(together))?.changed ?? []).not.toContain(juliet.id);
});
