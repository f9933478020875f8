import { expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServers } from '../kit/start-servers.ts';

const DAY = 86_400_000;

test('a server that comes later gets of what had its time the place in the room, and not what was said', async () => {
  const clock = createFakeClock();
  await using servers = await startServers(2, { clock, config: { retention: true } });
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.retention', state_key: '', content: { max_lifetime: DAY } }],
  });
  await romeo.send(roomId, 'old');
  clock.advance(DAY / 2);
  await romeo.send(roomId, 'fresh');
  clock.advance(DAY / 2 + 1_000);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await expect
    .poll(async () => (await juliet.messages(roomId)).map((event) => event.content['body']).filter((body) => body !== undefined), {
      timeout: 20_000,
    })
    .toEqual(['fresh']);
  const stored = await servers.at(1).sql<{ json: string }[]>`select json from events where type = 'm.room.message'`;
  expect(stored.length).toBeGreaterThan(0);
  expect(stored.map(({ json }) => json).join()).not.toContain('"old"');
});
