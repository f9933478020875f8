import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 60_000 };
/** An access list looks at hosts only, not at ports: the third server has another one. */
const OUTCAST = '127.0.0.1';
const enc = encodeURIComponent;
let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;
let tybalt: TestUser;

beforeAll(async () => {
  servers = await startServers(3, { hosts: ['localhost', 'localhost', OUTCAST] });
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
  tybalt = await servers.user('tybalt', 2);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

type Room = { ephemeral?: { events: { type: string; content: JsonObject }[] } };
const via = (index: number) => ({ via: [servers.at(index).name] });
const roomPath = (roomId: string) => `/_matrix/client/v3/rooms/${enc(roomId)}`;
const kindsOf = (eventId: string) => Promise.all([0, 1].map((index) => storedKind(servers.at(index), eventId)));
const textsOf = async (user: TestUser, roomId: string) => (await user.messages(roomId)).flatMap(({ content }) => content['body'] ?? []);

async function everybodyJoins(): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, via(0));
  await tybalt.join(roomId, via(1));
  const hello = await tybalt.send(roomId, 'peace? I hate the word');
  await expect.poll(() => kindsOf(hello), WAIT).toEqual(['timeline', 'timeline']);
  return roomId;
}

test('what members of a server say that the room has shut out is dropped by all other servers', async () => {
  const roomId = await everybodyJoins();
  const acl = await romeo.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: [OUTCAST] });
  await expect.poll(() => storedKind(servers.at(1), acl), WAIT).toBe('timeline');

  // Events, in the timeline and of the state, and what comes beside them.
  const said = await tybalt.send(roomId, 'thou art a villain');
  const renamed = await tybalt.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'King of cats' }, tybalt.id);
  await tybalt.call('PUT', `${roomPath(roomId)}/typing/${enc(tybalt.id)}`, { typing: true, timeout: 60_000 });
  await tybalt.call('POST', `${roomPath(roomId)}/receipt/m.read/${enc(said)}`, {});
  // What another room says of the same people is heard: the list is of one room.
  const elsewhere = await everybodyJoins();
  const marker = await tybalt.send(elsewhere, 'a word with one of you');
  await expect.poll(() => kindsOf(marker), WAIT).toEqual(['timeline', 'timeline']);

  expect([await kindsOf(said), await kindsOf(renamed)]).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  const answer = await romeo.send(roomId, 'the reason that I have to love thee');
  await expect.poll(() => storedKind(servers.at(1), answer), WAIT).toBe('timeline');
  for (const user of [romeo, juliet]) {
    expect(await textsOf(user, roomId)).toEqual(['the reason that I have to love thee', 'peace? I hate the word']);
    const { rooms } = (await user.sync({ since: '' })) as { rooms: { join: Record<string, Room> } };
    expect(JSON.stringify(rooms.join[roomId]?.ephemeral ?? {})).not.toContain(tybalt.id);
    const member = (await user.state(roomId)).find((event) => event.state_key === tybalt.id);
    expect(member?.content['displayname']).not.toBe('King of cats');
  }
});

test('nobody of a server that is shut out comes in by any resident, and who is let in again is heard', async () => {
  const roomId = await everybodyJoins();
  const denied = { allow: ['*'], deny: [`${OUTCAST.slice(0, 4)}*`] };
  const acl = await romeo.setState(roomId, 'm.room.server_acl', denied);
  await expect.poll(() => storedKind(servers.at(1), acl), WAIT).toBe('timeline');
  await tybalt.leave(roomId);
  for (const index of [0, 1]) await expect(tybalt.join(roomId, via(index))).rejects.toThrow('403');

  const open = await romeo.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: [] });
  await expect.poll(() => storedKind(servers.at(1), open), WAIT).toBe('timeline');
  await tybalt.join(roomId, via(1));
  const back = await tybalt.send(roomId, 'here I am again');
  await expect.poll(() => kindsOf(back), WAIT).toEqual(['timeline', 'timeline']);
});
