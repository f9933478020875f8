import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const CLIENT = '/_matrix/client/v3';
const name = (displayname: string) => juliet.call('PUT', `${CLIENT}/profile/${encodeURIComponent(juliet.id)}/displayname`, { displayname });
const memberOf = async (roomId: string) =>
  await romeo.call('GET', `${CLIENT}/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(juliet.id)}`);

async function enterRooms(count: number): Promise<string[]> {
  const roomIds: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const roomId = await romeo.createRoom({ preset: 'public_chat' });
    await juliet.join(roomId);
    roomIds.push(roomId);
  }
  return roomIds;
}

test('who leaves while their new name is being told stays outside', async () => {
  const roomIds = await enterRooms(12);
  const [stay = '', ...others] = roomIds;
  await name('Lady Juliet');
  await Promise.all(others.toReversed().map((roomId) => juliet.leave(roomId)));
  await name('Juliet again');
  await expect.poll(async () => (await memberOf(stay))['displayname'], { timeout: 10_000 }).toBe('Juliet again');
  const memberships = await Promise.all(others.map(async (roomId) => (await memberOf(roomId))['membership']));
  expect(new Set(memberships)).toEqual(new Set(['leave']));
  await juliet.leave(stay);
});

test('of names that follow each other quickly the last one stands in all rooms', async () => {
  const roomIds = await enterRooms(6);
  await Promise.all(['one', 'two', 'three'].map(name));
  await name('four');
  for (const roomId of roomIds) {
    await expect.poll(async () => (await memberOf(roomId))['displayname'], { timeout: 10_000 }).toBe('four');
  }
});
