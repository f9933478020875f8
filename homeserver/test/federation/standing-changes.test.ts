import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setRemoteMembership } from '../../src/storage/remote-memberships.ts';
import { freePort } from '../kit/free-port.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
let servers: TestServers;
let romeo: TestUser;
/** On another server, which is in none of the rooms before she is. */
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
});
beforeEach(async () => {
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

const enc = encodeURIComponent;
const here = () => [servers.at(0).name];
const path = (roomId: string, action: string) => `/_matrix/client/v3/rooms/${enc(roomId)}/${action}`;
const act = (roomId: string, action: string, userId = juliet.id) => romeo.call('POST', path(roomId, action), { user_id: userId });
const knock = (roomId: string) => juliet.call('POST', `/_matrix/client/v3/knock/${enc(roomId)}?via=${servers.at(0).name}`, {});
const knockRoom = () =>
  romeo.createRoom({ initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }] });
const standing = async (roomId: string, userId = juliet.id) =>
  (await romeo.state(roomId)).find((event) => event.state_key === userId)?.content['membership'];
type Sections = { rooms: Record<'join' | 'invite' | 'knock' | 'leave', object> };
async function seesIn(roomId: string, user = juliet): Promise<string[]> {
  const filter = JSON.stringify({ room: { include_leave: true } });
  const { rooms } = (await user.sync({ since: '', filter })) as Sections;
  return Object.entries(rooms).flatMap(([name, section]) => (roomId in section ? [name] : []));
}

test('who knocks is refused, knocks again, is invited and comes in', async () => {
  const roomId = await knockRoom();
  await knock(roomId);
  expect([await standing(roomId), await seesIn(roomId)]).toEqual(['knock', ['knock']]);
  const since = String((await juliet.sync({ since: '' }))['next_batch']);
  await act(roomId, 'kick');
  await expect.poll(() => seesIn(roomId), WAIT).not.toContain('knock');
  expect(((await juliet.sync({ since })) as Sections).rooms.leave).toHaveProperty([roomId]);
  await knock(roomId);
  expect(await standing(roomId)).toBe('knock');
  await act(roomId, 'invite');
  expect(await seesIn(roomId)).toEqual(['invite']);
  await juliet.join(roomId);
  expect(await standing(roomId)).toBe('join');
  await expect.poll(() => seesIn(roomId), WAIT).toEqual(['join']);
});

test('who knocks is banned, and may not knock any more', async () => {
  const roomId = await knockRoom();
  await knock(roomId);
  await act(roomId, 'ban');
  await expect.poll(() => seesIn(roomId), WAIT).not.toContain('knock');
  await expect(knock(roomId)).rejects.toThrow('403');
});

test('an invite is taken back while the invited server is away, and another one is made', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await act(roomId, 'invite');
  await servers.at(1).stop();
  try {
    await act(roomId, 'kick');
  } finally {
    await servers.at(1).restart();
  }
  // The new invite comes before what took back the old one, which waits to be sent.
  await act(roomId, 'invite');
  await romeo.send(roomId, 'come');
  expect(await seesIn(roomId)).toEqual(['invite']);
  await juliet.join(roomId);
  await romeo.send(roomId, 'welcome');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ content: { body: 'welcome' } });
  await expect.poll(() => seesIn(roomId), WAIT).toEqual(['join']);
});

test.each(['10', '12'])('who comes into a room of version %s by an invite sees with it what the invite said', async (version) => {
  const roomId = await romeo.createRoom({ preset: 'private_chat', is_direct: true, invite: [juliet.id], room_version: version });
  const since = String((await juliet.sync({ since: '' }))['next_batch']);
  await juliet.join(roomId);
  type Timelines = { rooms: { join: Record<string, { timeline: { events: ClientEvent[] } }> } };
  const own = (events: readonly ClientEvent[] = []) =>
    events.find((event) => event.state_key === juliet.id && event.content['membership'] === 'join')?.unsigned;
  const expected = { prev_content: { membership: 'invite', is_direct: true }, prev_sender: romeo.id };
  const filter = JSON.stringify({ room: { state: { lazy_load_members: true } } });
  const lazy = (await juliet.sync({ since, filter })) as Timelines;
  expect(own(lazy.rooms.join[roomId]?.timeline.events)).toMatchObject(expected);
  const told = async () => own(((await juliet.sync({ since })) as Timelines).rooms.join[roomId]?.timeline.events);
  await expect.poll(told, WAIT).toMatchObject(expected);
  expect(own(await juliet.messages(roomId))).toMatchObject(expected);
});

test('who is invited is banned, and the invite is gone', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await act(roomId, 'invite');
  expect(await seesIn(roomId)).toEqual(['invite']);
  await act(roomId, 'ban');
  await expect.poll(() => seesIn(roomId), WAIT).not.toContain('invite');
  await expect(juliet.join(roomId)).rejects.toThrow(/403|404/);
});

test('an invite is good for a room that was replaced meanwhile', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await act(roomId, 'invite');
  const { replacement_room: next } = await romeo.call('POST', path(roomId, 'upgrade'), { new_version: '12' });
  await juliet.join(roomId);
  const tombstone = (await juliet.state(roomId)).find(({ type }) => type === 'm.room.tombstone');
  expect(tombstone?.content['replacement_room']).toBe(next);
});

test('an invite is rejected again and again, and at last accepted; it stays with who it is for', async () => {
  const nurse = await servers.user('nurse', 1);
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  for (let round = 0; round < 3; round += 1) {
    await act(roomId, 'invite');
    expect(await seesIn(roomId)).toEqual(['invite']);
    await juliet.leave(roomId);
    expect(await standing(roomId)).toBe('leave');
    expect(await seesIn(roomId)).not.toContain('invite');
  }
  await act(roomId, 'invite');
  await expect(nurse.join(roomId, { via: here() })).rejects.toThrow('403');
  await juliet.join(roomId);
  // Her server is in the room now: it takes the next invite as part of it.
  await act(roomId, 'invite', nurse.id);
  await expect.poll(() => seesIn(roomId, nurse), WAIT).toEqual(['invite']);
  await nurse.leave(roomId);
  await expect.poll(() => standing(roomId, nurse.id), WAIT).toBe('leave');
  await juliet.leave(roomId);
  await expect.poll(() => standing(roomId), WAIT).toBe('leave');
  // And not any more.
  await act(roomId, 'invite', nurse.id);
  expect(await seesIn(roomId, nurse)).toEqual(['invite']);
  await act(roomId, 'kick', nurse.id);
  await expect.poll(() => seesIn(roomId, nurse), WAIT).not.toContain('invite');
});

test('everybody leaves; who is invited still is told so, and rejects', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await act(roomId, 'invite');
  await romeo.leave(roomId);
  expect(await seesIn(roomId)).toEqual(['invite']);
  const refused = await juliet.attempt('POST', `/_matrix/client/v3/join/${enc(roomId)}`, {});
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(await seesIn(roomId)).toEqual(['invite']);
  await juliet.leave(roomId);
  expect(await seesIn(roomId)).not.toContain('invite');
});

test('an invite, or its end, that comes by while somebody is let in does not put them out again', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: here() });
  const { sql } = servers.at(1);
  const [known] = await sql<{ roomNid: number; userNid: number }[]>`
    select room_nid as "roomNid", user_nid as "userNid" from memberships join rooms using (room_nid) join users using (user_nid)
    where  room_id = ${roomId} and user_id = ${juliet.id}`;
  if (known === undefined) throw new Error('she is not in the room');
  for (const membership of ['invite', 'leave'] as const)
    await setRemoteMembership(sql, { ...known, membership, position: 1, strippedState: null });
  await expect.poll(() => seesIn(roomId), WAIT).toEqual(['join']);
});

test('a room is found by who invited, however many dead servers are named', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat', room_version: '12' });
  await act(roomId, 'invite');
  const dead = await Promise.all(Array.from({ length: 12 }, async () => `localhost:${await freePort()}`));
  await juliet.join(roomId, { via: dead });
  expect(await standing(roomId)).toBe('join');
});

test('nobody is invited by what is no user id', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  for (const userId of ['@juliet', '@juliet:', '@juliet:no such', '@juliet:elsewhere.test:x']) {
    const { status, body } = await romeo.attempt('POST', path(roomId, 'invite'), { user_id: userId });
    expect([userId, status, body['errcode']]).toEqual([userId, 400, 'M_INVALID_PARAM']);
  }
});
