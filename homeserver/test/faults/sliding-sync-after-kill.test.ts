import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { expect, test } from 'vitest';
import { setUpDevice } from '../client-api/crypto-device.ts';
import { slide } from '../kit/slide.ts';
import { startServerProcess } from '../kit/start-server-process.ts';

const REQUEST: SlidingSyncRequest = {
  lists: { all: { ranges: [[0, 19]], timeline_limit: 20, required_state: [] } },
  extensions: { e2ee: { enabled: true } },
};

test('killed after a connection went on, the server takes it up where it was written down, and leaves out nothing', async () => {
  await using server = await startServerProcess();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const cold = await slide(romeo, REQUEST);
  await server.end('SIGTERM');
  await server.start();

  await juliet.send(roomId, 'told before the end');
  await setUpDevice(juliet);
  const warm = await slide(romeo, REQUEST, (await slide(romeo, REQUEST, cold.pos)).pos);
  await juliet.send(roomId, 'not told yet');
  await server.end('SIGKILL');
  await server.start();
  await juliet.send(roomId, 'said after');

  const back = await slide(romeo, REQUEST, warm.pos);
  const bodies = back.rooms?.[roomId]?.timeline?.flatMap((event) => event.content['body'] ?? []);
  expect(bodies?.slice(-2)).toEqual(['not told yet', 'said after']);
  expect(back.rooms?.[roomId]).not.toHaveProperty('initial');
  expect(back.extensions?.e2ee?.device_lists?.changed).toEqual([juliet.id]);
  const next = await slide(romeo, REQUEST, back.pos);
  expect(next.rooms).toEqual({});
  expect(next.extensions?.e2ee?.device_lists).toEqual({ changed: [], left: [] });
});
