import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

let server: TestServer;
let pairs = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

async function meet() {
  pairs += 1;
  return { romeo: await server.user(`montague${pairs}`), juliet: await server.user(`capulet${pairs}`) };
}
const find = async (searcher: TestUser, term: string) =>
  (await searcher.call('POST', `${V3}/user_directory/search`, { search_term: term }))['results'] as { user_id: string }[];
const finds = async (searcher: TestUser, sought: TestUser) => (await find(searcher, sought.id.slice(1, -8))).length > 0;
const rename = (user: TestUser, displayname: string) => user.call('PUT', `${V3}/profile/${user.id}/displayname`, { displayname });

test('people are found by name and by a part of their id, signs of patterns being no patterns', async () => {
  const { romeo, juliet } = await meet();
  await juliet.createRoom({ preset: 'public_chat' });
  await rename(juliet, 'Giulietta 100%');
  const found = [{ user_id: juliet.id, display_name: 'Giulietta 100%' }];
  expect(await find(romeo, 'giuli')).toEqual(found);
  expect(await find(romeo, juliet.id)).toEqual(found);
  expect(await find(romeo, '100%')).toEqual(found);
  expect(await find(romeo, '_____')).toEqual([]);
  await rename(juliet, 'Rosaline');
  expect(await find(romeo, 'giuli')).toEqual([]);
});

test('a stranger in a private room is not found; who shares it is, until they leave', async () => {
  const { romeo, juliet } = await meet();
  const roomId = await juliet.createRoom({ preset: 'private_chat' });
  expect(await finds(romeo, juliet)).toBe(false);
  await juliet.invite(roomId, romeo.id);
  expect(await finds(romeo, juliet), 'an invite is no visit').toBe(false);
  await romeo.join(roomId);
  expect(await finds(romeo, juliet)).toBe(true);
  expect(await finds(juliet, romeo)).toBe(true);
  await romeo.leave(roomId);
  expect(await finds(romeo, juliet)).toBe(false);
});

test('a room that opens or closes shows and hides its members', async () => {
  const { romeo, juliet } = await meet();
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  expect(await finds(romeo, juliet)).toBe(true);
  await juliet.setState(roomId, 'm.room.join_rules', { join_rule: 'invite' });
  expect(await finds(romeo, juliet)).toBe(false);
  await juliet.setState(roomId, 'm.room.history_visibility', { history_visibility: 'world_readable' });
  expect(await finds(romeo, juliet)).toBe(true);
  await juliet.leave(roomId);
  expect(await finds(romeo, juliet)).toBe(false);
});

test('a name borne in one room only finds nobody of this server', async () => {
  const { romeo, juliet } = await meet();
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await juliet.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'Incognita' }, juliet.id);
  expect(await find(romeo, 'incognita')).toEqual([]);
  expect(await finds(romeo, juliet)).toBe(true);
});

test('a server may let everybody of its own be found', async () => {
  await using open = await startServer({ config: { userDirectory: 'all' } });
  const romeo = await open.user('romeo');
  const juliet = await open.user('juliet');
  expect(await find(romeo, 'juliet')).toMatchObject([{ user_id: juliet.id }]);
});
