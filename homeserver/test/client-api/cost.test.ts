import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';

test('a message into a warm room costs two statements at most before it is acknowledged, whoever listens', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await romeo.send(roomId, 'warm');
  await juliet.sync();
  await juliet.sync({ timeoutMs: 1 });

  // What followers write of earlier messages may come between: the middle of several counts is what one costs.
  const counts: number[] = [];
  const spent: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    server.queries.length = 0;
    await romeo.send(roomId, 'measured');
    const ofOne = server.queries.filter((query) => !/follower_cursors|last_seen|search_entries/.test(query));
    counts.push(ofOne.length);
    spent.push(...ofOne);
  }
  expect(counts.toSorted((a, b) => a - b)[2], spent.join('\n')).toBeLessThanOrEqual(2);
});
