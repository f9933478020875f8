import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const hierarchy = async (user: TestUser, roomId: string, query = '') => {
  const answer = await user.call('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/hierarchy?${query}`);
  return { rooms: (answer['rooms'] as { room_id: string }[]).map((room) => room.room_id), next: answer['next_batch'] };
};
const summaryPath = (roomId: string) => `/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`;

test('a space is walked in its order, over servers and in pages, without what the reader may not see', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const nurse = await servers.user('nurse', 0);
  const juliet = await servers.user('juliet', 1);
  const here = [servers.at(0).name];
  const space = await romeo.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
  const inner = await romeo.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
  const secret = await romeo.createRoom({ preset: 'private_chat', name: 'Secret' });
  const open = await romeo.createRoom({ preset: 'public_chat', name: 'Open' });
  const remote = await juliet.createRoom({ preset: 'public_chat', name: 'Remote' });
  const remoteSecret = await juliet.createRoom({ preset: 'private_chat' });
  const there = [servers.at(1).name];
  await romeo.setState(space, 'm.space.child', { via: here, order: 'b' }, open);
  await romeo.setState(space, 'm.space.child', { via: here, order: 'a', suggested: true }, inner);
  await romeo.setState(space, 'm.space.child', { via: here }, secret);
  await romeo.setState(inner, 'm.space.child', { via: there }, remote);
  await romeo.setState(inner, 'm.space.child', { via: there }, remoteSecret);
  await romeo.setState(inner, 'm.space.child', { via: here }, space);

  expect((await hierarchy(nurse, space)).rooms).toEqual([space, inner, remote, open]);
  expect((await hierarchy(romeo, space)).rooms).toEqual([space, inner, remote, open, secret]);
  expect((await hierarchy(nurse, space, 'max_depth=1')).rooms).toEqual([space, inner, open]);
  expect((await hierarchy(nurse, space, 'suggested_only=true')).rooms).toEqual([space, inner]);

  const first = await hierarchy(nurse, space, 'limit=3');
  expect(first.rooms).toEqual([space, inner, remote]);
  expect(await hierarchy(nurse, space, `limit=3&from=${first.next}`)).toEqual({ rooms: [open], next: undefined });
  await expect(hierarchy(nurse, space, `suggested_only=true&from=${first.next}`)).rejects.toThrow('M_INVALID_PARAM');
  await expect(hierarchy(nurse, secret)).rejects.toThrow('403');

  expect(await nurse.call('GET', summaryPath(open))).toMatchObject({ room_id: open, name: 'Open', num_joined_members: 1 });
  expect(await romeo.call('GET', summaryPath(secret))).toMatchObject({ name: 'Secret', membership: 'join' });
  expect((await nurse.attempt('GET', summaryPath(secret))).status).toBe(404);
});

test('a room of another server is summed up by asking the servers named, or those of its alias', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const via = `?via=nowhere.invalid&via=${encodeURIComponent(servers.at(0).name)}`;
  const open = await romeo.createRoom({ preset: 'public_chat', name: 'Verona', room_alias_name: 'verona' });
  const secret = await romeo.createRoom({ preset: 'private_chat', name: 'Cell' });

  expect(await juliet.call('GET', summaryPath(open) + via)).toMatchObject({ room_id: open, name: 'Verona', num_joined_members: 1 });
  const byAlias = await juliet.call('GET', summaryPath(`#verona:${servers.at(0).name}`));
  expect(byAlias).toMatchObject({ room_id: open, join_rule: 'public' });
  expect(byAlias).not.toHaveProperty('children_state');
  expect((await juliet.attempt('GET', summaryPath(open))).status).toBe(404);
  expect((await juliet.attempt('GET', summaryPath(secret) + via)).status).toBe(404);

  await romeo.invite(secret, juliet.id);
  expect(await juliet.call('GET', summaryPath(secret) + via)).toMatchObject({ name: 'Cell', membership: 'invite' });
});
