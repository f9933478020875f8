import { expect, test } from 'vitest';
import { startServerProcess } from '../kit/start-server-process.ts';
import { TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';

const V3 = '/_matrix/client/v3';
const ROOMS = 60;
const PATIENCE_MS = 20_000;

async function countRoomsWith(juliet: TestUser, roomIds: readonly string[], userId: string): Promise<number> {
  const members = await Promise.all(roomIds.map((roomId) => juliet.call('GET', `${V3}/rooms/${roomId}/joined_members`)));
  return members.filter(({ joined }) => Object.hasOwn(joined as object, userId)).length;
}

test('an account that was ending when the server was killed ends at the next start: out of all rooms, and erased', async () => {
  await using server = await startServerProcess();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomIds: string[] = [];
  for (let index = 0; index < ROOMS; index += 1) {
    const roomId = await juliet.createRoom({ preset: 'public_chat' });
    await romeo.join(roomId);
    roomIds.push(roomId);
  }
  await romeo.send(roomIds.at(-1) ?? '', 'But soft!');

  await juliet.sync();
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'romeo' }, password: TEST_PASSWORD };
  const ending = romeo.attempt('POST', `${V3}/account/deactivate`, { auth, erase: true }).catch(() => undefined);
  await expect.poll(async () => JSON.stringify(await juliet.sync({ timeoutMs: 1_000 })), { timeout: PATIENCE_MS }).toContain('"leave"}');
  await server.end('SIGKILL');
  await ending;
  await server.start();

  await expect.poll(() => countRoomsWith(juliet, roomIds, romeo.id), { timeout: PATIENCE_MS }).toBe(0);
  expect((await romeo.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  const nurse = await server.user('nurse');
  await nurse.join(roomIds.at(-1) ?? '');
  const seen = (await nurse.messages(roomIds.at(-1) ?? '')).find((event) => event.sender === romeo.id && event.type === 'm.room.message');
  expect(seen?.content).toEqual({});
});
