import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DividedServers, startDividedServers } from './divided-servers.ts';

let servers: DividedServers;
beforeAll(async () => {
  servers = await startDividedServers();
});
afterAll(async () => await servers[Symbol.asyncDispose]());

test.each(['10', '12'])('three servers that were apart agree on a room of version %s once they meet again', async (version) => {
  const { network, moderators } = servers;
  const roomId = await servers.createRoom(version);
  const guests = await Promise.all(moderators.map((_, index) => network.user(`guest-${version}-${index}`, index)));
  await Promise.all(guests.map((guest) => guest.join(roomId, { via: [network.at(0).name] })));
  await servers.converge(roomId);

  network.partition([0], [1], [2]);
  for (const [index, moderator] of moderators.entries()) {
    await moderator.send(roomId, `alone ${index}`);
    await moderator.setState(roomId, 'm.room.name', { name: `named by ${index}` });
    await moderator.setState(roomId, 'm.room.topic', { topic: `told by ${index}` });
  }
  const [first, second, third] = moderators;
  const ban = (by: typeof first, index: number) =>
    by?.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: guests[index]?.id });
  await ban(first, 1);
  await guests[1]?.send(roomId, 'not knowing that I am banned');
  await ban(second, 2);
  await third?.setState(roomId, 'm.room.join_rules', { join_rule: 'invite' });
  await guests[2]?.setState(roomId, 'm.room.name', { name: 'not allowed' }).catch(() => undefined);

  const heard = (await second?.messages(roomId))?.map((event) => event.content['body']);
  expect([heard?.includes('alone 0'), heard?.includes('alone 1'), heard?.includes('alone 2')]).toEqual([false, true, false]);
  network.heal();
  for (const [index, moderator] of moderators.entries()) await moderator.send(roomId, `together ${index}`);
  await servers.converge(roomId);
  const memberships = Object.fromEntries(
    ((await third?.state(roomId)) ?? []).map((event) => [event.state_key, event.content['membership']]),
  );
  expect(memberships).toMatchObject({ [guests[1]?.id ?? '']: 'ban', [guests[2]?.id ?? '']: 'ban' });
});
