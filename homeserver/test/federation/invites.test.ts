import { expect, test } from 'vitest';
import { startServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

type Rooms = {
  invite?: Record<string, { invite_state: { events: { type: string; state_key: string }[] } }>;
  leave?: Record<string, unknown>;
};

test('an invite by user id is seen, accepted, and the room is talked in', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);

  const roomId = await romeo.createRoom({ preset: 'private_chat', name: 'Balcony' });
  await romeo.invite(roomId, juliet.id);
  const { invite = {} } = (await juliet.sync({ timeoutMs: 5_000 }))['rooms'] as Rooms;
  const types = invite[roomId]?.invite_state.events.map((event) => event.type) ?? [];
  expect(types).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.member']));

  await juliet.join(roomId);
  const sent = await romeo.send(roomId, 'By yonder blessed moon I vow');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: sent });
  const members = (await romeo.state(roomId)).filter((event) => event.type === 'm.room.member');
  expect(members.find((event) => event.state_key === juliet.id)?.content['membership']).toBe('join');
});

test('an invite can be rejected, and the room learns of it', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await romeo.invite(roomId, juliet.id);
  await juliet.sync();

  await juliet.leave(roomId);
  const membership = (await romeo.state(roomId)).find((event) => event.state_key === juliet.id)?.content['membership'];
  expect(membership).toBe('leave');
  const again = await juliet.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(roomId)}?via=${servers.at(0).name}`, {});
  expect(again.status).toBe(403);
});

test('who left comes back, and sees what is said then; who is kicked hears nothing more', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const via = [servers.at(0).name];
  const membershipOf = async (seenBy: TestUser) =>
    (await seenBy.state(roomId)).find((event) => event.state_key === juliet.id)?.content['membership'];
  await juliet.join(roomId, { via });
  await romeo.send(roomId, 'one');
  await juliet.nextMessage(roomId);
  await juliet.leave(roomId);
  await expect.poll(() => membershipOf(romeo), { timeout: 15_000 }).toBe('leave');
  await romeo.send(roomId, 'not for juliet');
  await juliet.join(roomId, { via });
  const back = await romeo.send(roomId, 'welcome back');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: back });

  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/kick`, { user_id: juliet.id });
  await expect.poll(() => membershipOf(juliet), { timeout: 15_000 }).toBe('leave');
  await expect(juliet.send(roomId, 'heard?')).rejects.toThrow('403');
});
