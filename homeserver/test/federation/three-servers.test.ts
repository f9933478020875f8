import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 60_000 };
let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;
let nurse: TestUser;

beforeAll(async () => {
  servers = await startServers(3);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
  nurse = await servers.user('nurse', 2);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

const via = (...indices: number[]) => indices.map((index) => servers.at(index).name);

async function membersOf(user: TestUser, roomId: string): Promise<Record<string, unknown>> {
  const members = (await user.state(roomId)).filter((event) => event.type === 'm.room.member');
  return Object.fromEntries(members.map((event) => [event.state_key, event.content['membership']]));
}

test('everybody hears everybody, though each joined through another', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: via(0) });
  await nurse.join(roomId, { via: ['nowhere.invalid', ...via(1)] });
  await expect.poll(() => membersOf(romeo, roomId), WAIT).toEqual({ [romeo.id]: 'join', [juliet.id]: 'join', [nurse.id]: 'join' });

  const sent = new Set<string>();
  for (const [index, user] of [romeo, juliet, nurse, romeo, nurse, juliet].entries()) sent.add(await user.send(roomId, `line ${index}`));
  for (const user of [romeo, juliet, nurse]) {
    const heard = async () =>
      (await user.messages(roomId)).filter((event) => event.type === 'm.room.message').map((event) => event.event_id);
    await expect.poll(async () => (await heard()).sort(), WAIT).toEqual([...sent].sort());
  }
});

test('what all say at once ends in the same state everywhere', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', power_level_content_override: { events: { 'm.room.topic': 0 } } });
  await juliet.join(roomId, { via: via(0) });
  await nurse.join(roomId, { via: via(0) });
  await expect.poll(() => membersOf(juliet, roomId), WAIT).toHaveProperty([nurse.id], 'join');
  const everybody = [romeo, juliet, nurse];
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(everybody.map((user) => user.setState(roomId, 'm.room.topic', { topic: `${user.id} ${round}` })));
  }
  await Promise.all(everybody.map((user) => user.send(roomId, 'done')));
  const topicOf = async (user: TestUser) => (await user.state(roomId)).find((event) => event.type === 'm.room.topic')?.event_id;
  const heardBy = async (user: TestUser) => (await user.messages(roomId)).filter((event) => event.content['body'] === 'done').length;
  for (const user of everybody) await expect.poll(() => heardBy(user), WAIT).toBe(3);
  await romeo.send(roomId, 'merge');
  await expect.poll(async () => new Set(await Promise.all(everybody.map(topicOf))).size, WAIT).toBe(1);
});

test('a restricted room lets in who is in the room it names, with a resident vouching', async () => {
  const club = await romeo.createRoom({ preset: 'public_chat' });
  const roomId = await romeo.createRoom({
    preset: 'private_chat',
    initial_state: [
      {
        type: 'm.room.join_rules',
        state_key: '',
        content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] },
      },
    ],
  });
  await expect(juliet.join(roomId, { via: via(0) })).rejects.toThrow('403');
  await juliet.join(club, { via: via(0) });
  await juliet.join(roomId, { via: via(0) });
  expect(await membersOf(romeo, roomId)).toMatchObject({ [juliet.id]: 'join' });
});

test('who knocks is let in by an invite', async () => {
  const roomId = await romeo.createRoom({
    preset: 'private_chat',
    initial_state: [{ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }],
  });
  const knock = await juliet.call('POST', `/_matrix/client/v3/knock/${encodeURIComponent(roomId)}?via=${servers.at(0).name}`, {});
  expect(knock['room_id']).toBe(roomId);
  expect(await membersOf(romeo, roomId)).toMatchObject({ [juliet.id]: 'knock' });
  await romeo.invite(roomId, juliet.id);
  await juliet.join(roomId);
  const eventId = await romeo.send(roomId, 'come in');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: eventId });
});

test('an invite that is taken back is gone', async () => {
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await romeo.invite(roomId, juliet.id);
  const invites = async () => Object.keys(((await juliet.sync({ since: '' })) as { rooms: { invite?: object } }).rooms.invite ?? {});
  await expect.poll(invites, WAIT).toContain(roomId);
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/kick`, { user_id: juliet.id });
  await expect.poll(invites, WAIT).not.toContain(roomId);
});

test('typing and read marks are seen on the other side', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: via(0) });
  const eventId = await juliet.send(roomId, 'hear me');
  await romeo.nextMessage(roomId);
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  await romeo.call('PUT', `${path}/typing/${encodeURIComponent(romeo.id)}`, { typing: true, timeout: 30_000 });
  await romeo.call('POST', `${path}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      const body = (await juliet.sync({ timeoutMs: 1_000 })) as {
        rooms: { join?: Record<string, { ephemeral?: { events: { type: string }[] } }> };
      };
      for (const event of body.rooms.join?.[roomId]?.ephemeral?.events ?? []) seen.add(event.type);
      return [...seen].sort();
    }, WAIT)
    .toEqual(['m.receipt', 'm.typing']);
});
