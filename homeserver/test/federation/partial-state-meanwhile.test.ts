import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';

const WAIT = { timeout: 30_000 };
const MEMBERS = 30;

let servers: TestServers;
let peer: HostilePeer;
let other: HostilePeer;
let room: HostedRoom;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  other = await startHostilePeer(servers.ca);
  other.answer(() => ({ pdus: {} }));
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

test('what is said between the writing of the members and the end of it stays', async () => {
  room = await hostRoom(peer, { members: MEMBERS });
  const server = servers.at(0);
  const { sql } = server;
  const romeo = await servers.user('romeo', 0);
  // A member of a server that nobody named, for which is looked up what to tell it: there the scene stops the completion.
  const userId = `@late:${other.name}`;
  room.state.push(
    await room.add({ type: 'm.room.member', sender: userId, state_key: userId, content: { membership: 'join' } }, other.signer),
  );
  const held = Promise.withResolvers<void>();
  peer.answer(async (method, path, body) => {
    if (path.includes('/state_ids/')) await held.promise;
    const answer = room.answer(method, path, body);
    return path.includes('/send_join/') ? { ...(answer as object), servers_in_room: [peer.name] } : answer;
  });
  await romeo.join(room.roomId, { via: [peer.name] });
  await romeo.send(room.roomId, 'so that others fork');

  const say = (body: string, sender: string, auth: object = {}) =>
    room.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body }, ...auth });
  const countState = async () => {
    const [row] = await sql<{ entries: number }[]>`
      select count(*)::int as entries from state_intervals join rooms using (room_nid) where room_id = ${room.roomId}`;
    return row?.entries ?? 0;
  };
  // Somebody who is no member, by auth events that say so: taken out at the end, after all that came before it was looked at.
  const outlaw = `@member3:${peer.name}`;
  const before = room.find('m.room.member', outlaw);
  const auth = [room.find('m.room.create'), room.find('m.room.power_levels'), before].map(({ id }) => id);
  const ban = await room.add({ type: 'm.room.member', state_key: outlaw, content: { membership: 'ban' } });
  room.timeline.splice(room.timeline.indexOf(ban), 1);
  room.state.splice(room.state.indexOf(before), 1, ban);
  const toJoin = { prev_events: [room.timeline.find(({ event }) => event.state_key === romeo.id)?.id ?? ''] };
  const lie = await say('let me in', outlaw, { ...toJoin, auth_events: auth });

  const hello = await sql.begin(async (tx) => {
    await tx`lock table device_list_changes in access exclusive mode`;
    held.resolve();
    await expect.poll(countState, WAIT).toBeGreaterThan(MEMBERS);
    const said = await say('hello', `@member7:${peer.name}`, toJoin);
    await peer.sendPdus(server, [said.event, lie.event]);
    await expect.poll(() => storedKind(server, said.id), WAIT).toBe('timeline');
    return said;
  });
  await expect.poll(() => storedKind(server, lie.id), WAIT).toBe('rejected');
  expect(await storedKind(server, hello.id)).toBe('timeline');
  const texts = (await romeo.messages(room.roomId)).flatMap(({ content }) => content['body'] ?? []);
  expect(texts.sort()).toEqual(['hello', 'so that others fork']);
});
