import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { V3 } from './sign-up-steps.ts';

test('a client that leaves the version to the server may list the creator among the powers; one that asks for version 12 may not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const override = { users: { [romeo.id]: 100, '@mercutio:hs.test': 50 } };
  const roomId = await romeo.createRoom({ power_level_content_override: override });
  const powers = (await romeo.state(roomId)).find((event) => event.type === 'm.room.power_levels');
  expect(powers?.content['users']).toEqual({ '@mercutio:hs.test': 50 });
  const asked = await romeo.attempt('POST', `${V3}/createRoom`, { room_version: '12', power_level_content_override: override });
  expect(asked.status).toBe(400);
});
