import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

const knockRoom = async (version: string) =>
  await romeo.createRoom({
    room_version: version,
    name: 'Orchard',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  });
const knock = async (roomId: string) =>
  await juliet.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}?via=${servers.at(0).name}`, {});
const membership = async (roomId: string) =>
  (await romeo.state(roomId)).find((event) => event.state_key === juliet.id)?.content['membership'];

test.each(['10', '12'])('a knock at a room of version %s is withdrawn at the server it went to', async (version) => {
  const roomId = await knockRoom(version);
  await knock(roomId);
  await expect.poll(() => membership(roomId)).toBe('knock');
  await juliet.leave(roomId);
  await expect.poll(() => membership(roomId)).toBe('leave');
});
