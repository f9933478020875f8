import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

test('rooms made alike at the same moment are rooms of their own', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, index) => romeo.createRoom({ preset: 'public_chat', name: `Room ${index}` })),
  );
  expect(new Set(made).size).toBe(40);
  const names = await Promise.all(
    made.map(async (roomId) => (await romeo.state(roomId)).find((event) => event.type === 'm.room.name')?.content['name']),
  );
  expect(names).toEqual(made.map((_, index) => `Room ${index}`));
});
