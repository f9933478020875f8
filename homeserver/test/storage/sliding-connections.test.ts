import { expect, test } from 'vitest';
import {
  deleteSlidingConnections,
  deleteUnusedSlidingConnections,
  findSlidingConnection,
  upsertSlidingConnections,
} from '../../src/storage/sliding-connections.ts';
import { startServer } from '../kit/start-server.ts';

test('connections are written over, ended, forgotten after a while, and never kept for a device that is not there', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const [device] = await server.sql<{ userNid: number }[]>`select user_nid as "userNid" from devices where device_id = ${romeo.deviceId}`;
  const { userNid } = device ?? { userNid: 0 };
  const row = (connId: string, answer: number) => ({
    ...{ userNid, deviceId: romeo.deviceId, connId },
    ...{ birth: 7, answer, positions: '{}' },
  });
  const answerOf = async (connId: string) => (await findSlidingConnection(server.sql, row(connId, 0)))?.answer;

  await upsertSlidingConnections(server.sql, [row('a', 1), row('b', 1), { ...row('c', 1), deviceId: 'GONE' }], 1_000);
  await upsertSlidingConnections(server.sql, [row('b', 2)], 2_000);
  expect([await answerOf('a'), await answerOf('b')]).toEqual([1, 2]);
  expect(await findSlidingConnection(server.sql, { ...row('c', 1), deviceId: 'GONE' })).toBeUndefined();
  await deleteUnusedSlidingConnections(server.sql, 2_000);
  expect([await answerOf('a'), await answerOf('b')]).toEqual([undefined, 2]);
  await deleteSlidingConnections(server.sql, [row('b', 0)]);
  expect(await answerOf('b')).toBeUndefined();
});
