import { expect, test } from 'vitest';
import { startMortalPair } from '../kit/start-mortal-pair.ts';
import { startServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const MESSAGES = 200;
const CATCH_UP = { timeout: 60_000, interval: 500 };

function texts(events: readonly { type: string; content: Record<string, unknown> }[]): unknown[] {
  return events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
}

async function listTexts(user: TestUser, roomId: string): Promise<unknown[]> {
  return texts(await user.messages(roomId, { limit: 1_000, dir: 'f' }));
}

test('a server that is killed in the middle of many messages has all of them, in order, once', async () => {
  await using pair = await startMortalPair();
  const { b, romeo, juliet, roomId } = pair;

  const expected = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
  for (const [index, text] of expected.entries()) {
    await romeo.send(roomId, text);
    if (index === MESSAGES / 2) await b.end('SIGKILL');
  }
  await b.start();
  await expect.poll(() => listTexts(juliet, roomId).catch(() => []), CATCH_UP).toEqual(expected);
});

test('what both sides of a partition did is in one room once it heals', async () => {
  await using servers = await startServers(2);
  const [a, b] = [servers.at(0), servers.at(1)];
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    power_level_content_override: { events: { 'm.room.name': 0, 'm.room.topic': 0 } },
  });
  await juliet.join(roomId, { via: [a.name] });
  await romeo.send(roomId, 'before');
  await juliet.nextMessage(roomId);

  await b.stop();
  await romeo.setState(roomId, 'm.room.topic', { topic: 'by romeo' });
  await romeo.send(roomId, 'from romeo');
  await a.stop();
  await b.restart();
  await juliet.setState(roomId, 'm.room.name', { name: 'by juliet' });
  await juliet.setState(roomId, 'm.room.topic', { topic: 'by juliet' });
  await juliet.send(roomId, 'from juliet');
  await a.restart();

  const said = ['before', 'from juliet', 'from romeo'];
  for (const user of [romeo, juliet]) {
    await expect.poll(async () => (await listTexts(user, roomId)).sort(), CATCH_UP).toEqual(said);
  }
  await romeo.send(roomId, 'after');
  await expect.poll(async () => await listTexts(juliet, roomId), CATCH_UP).toContain('after');
  const stateOf = async (user: TestUser) => (await user.state(roomId)).map((event) => event.event_id).sort();
  await expect.poll(async () => JSON.stringify(await stateOf(romeo)) === JSON.stringify(await stateOf(juliet)), CATCH_UP).toBe(true);
  const names = (await romeo.state(roomId)).find((event) => event.type === 'm.room.name');
  expect(names?.content['name']).toBe('by juliet');
});
