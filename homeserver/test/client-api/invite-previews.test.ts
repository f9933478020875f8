import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { syncWith } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

test('an invite shows who sent it, by the name and picture they have in the room', async () => {
  const roomId = await romeo.createRoom({ name: 'Balcony' });
  const own = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(romeo.id)}`;
  const shown = { membership: 'join', displayname: 'Montague', avatar_url: 'mxc://hs.test/romeo' };
  await romeo.call('PUT', own, shown);
  await romeo.invite(roomId, juliet.id);

  const { rooms } = await syncWith(juliet, {});
  const members = rooms.invite[roomId]?.invite_state.events.filter((event) => event.type === 'm.room.member');
  expect(members?.map(({ sender, state_key, content }) => ({ sender, state_key, content }))).toEqual([
    { sender: romeo.id, state_key: romeo.id, content: shown },
    { sender: romeo.id, state_key: juliet.id, content: { membership: 'invite', displayname: 'juliet' } },
  ]);
});

test('a knock shows the one who knocks once', async () => {
  const roomId = await romeo.createRoom({ initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }] });
  await juliet.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}`, {});
  const { rooms } = await syncWith(juliet, {});
  const members = rooms.knock[roomId]?.knock_state.events.filter((event) => event.type === 'm.room.member');
  expect(members?.map(({ state_key }) => state_key)).toEqual([juliet.id]);
});
