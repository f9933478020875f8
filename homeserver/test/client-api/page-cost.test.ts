import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

let server: TestServer;
let juliet: TestUser;
let roomPath: string;
let newest: string;
let oldest: string;

beforeAll(async () => {
  server = await startServer();
  const romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  oldest = await romeo.send(roomId, 'the first');
  for (let index = 0; index < 20; index += 1) await romeo.send(roomId, `word ${index}`);
  newest = await romeo.send(roomId, 'the last');
  roomPath = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
});
afterAll(async () => await server[Symbol.asyncDispose]());

/** How many statements a request costs when it is made again. */
async function cost(path: string): Promise<number> {
  await juliet.call('GET', roomPath + path);
  server.queries.length = 0;
  await juliet.call('GET', roomPath + path);
  return server.queries.filter((query) => !/follower_cursors|last_seen|search_entries/.test(query)).length;
}

test.each([
  ['a page of messages', (): string => '/messages?dir=b&limit=10', 3],
  ['a new event', (): string => `/event/${encodeURIComponent(newest)}`, 2],
  ['an event among others', (): string => `/context/${encodeURIComponent(oldest)}?limit=10`, 8],
  ['the state', (): string => '/state', 4],
] as const)('in a warm room %s costs a few statements', async (_what, path, most) => {
  expect(await cost(path())).toBeLessThanOrEqual(most);
});
