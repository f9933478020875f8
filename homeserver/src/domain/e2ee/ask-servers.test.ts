import { expect, test } from 'vitest';
import { askServers } from './ask-servers.ts';

const NAMES = Array.from({ length: 500 }, (_, n) => `s${n}.test`);

test('S37: servers are asked side by side, but not all at once, and each once', async () => {
  const asked: string[] = [];
  let running = 0;
  let most = 0;
  await askServers(NAMES, {
    patienceMs: 60_000,
    ask: async (server) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      asked.push(server);
      running -= 1;
    },
    missed: (server) => expect.unreachable(server),
  });
  expect([asked.sort(), most]).toEqual([NAMES.toSorted(), 40]);
});

test('S37: when the client’s patience is over no more are asked, and it is told of which', async () => {
  const asked: string[] = [];
  const missed: string[] = [];
  await askServers(NAMES, { patienceMs: -1, ask: async (server) => void asked.push(server), missed: (server) => missed.push(server) });
  expect([asked, missed.length]).toEqual([[], 500]);
});
