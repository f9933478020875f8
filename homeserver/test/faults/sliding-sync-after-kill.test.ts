import type { SlidingSyncRequest, SlidingSyncResponse } from 'federation-spec/api/schemas/sliding-sync.ts';
import { expect, test } from 'vitest';
import { setUpDevice } from '../client-api/crypto-device.ts';
import { startServerProcess } from '../kit/start-server-process.ts';
import type { TestUser } from '../kit/test-user.ts';

const PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
const REQUEST: SlidingSyncRequest = {
  lists: { all: { ranges: [[0, 19]], timeline_limit: 20, required_state: [] } },
  extensions: { e2ee: { enabled: true } },
};

async function slide(user: TestUser, pos?: string): Promise<SlidingSyncResponse> {
  return (await user.call('POST', `${PATH}${pos === undefined ? '' : `?pos=${pos}`}`, REQUEST)) as unknown as SlidingSyncResponse;
}

test('killed after a connection went on, the server takes it up where it was written down, and leaves out nothing', async () => {
  await using server = await startServerProcess();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const cold = await slide(romeo);
  await server.end('SIGTERM');
  await server.start();

  await juliet.send(roomId, 'told before the end');
  await setUpDevice(juliet);
  const warm = await slide(romeo, (await slide(romeo, cold.pos)).pos);
  await juliet.send(roomId, 'not told yet');
  await server.end('SIGKILL');
  await server.start();
  await juliet.send(roomId, 'said after');

  const back = await slide(romeo, warm.pos);
  const bodies = back.rooms?.[roomId]?.timeline?.flatMap((event) => event.content['body'] ?? []);
  expect(bodies?.slice(-2)).toEqual(['not told yet', 'said after']);
  expect(back.rooms?.[roomId]).not.toHaveProperty('initial');
  expect(back.extensions?.e2ee?.device_lists?.changed).toEqual([juliet.id]);
  const next = await slide(romeo, back.pos);
  expect(next.rooms).toEqual({});
  expect(next.extensions?.e2ee?.device_lists).toEqual({ changed: [], left: [] });
});
