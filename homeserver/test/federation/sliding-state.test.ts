import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { slide, slideFinal } from '../kit/slide.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';

let servers: TestServers;
let peer: HostilePeer;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

test('state that a resolution takes away is told as gone, in the accepted form; in the one in use the room only loses its name', async () => {
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 0);
  const tybalt = `@tybalt:${peer.name}`;
  const roomId = await romeo.createRoom({
    preset: 'public_chat',
    power_level_content_override: { users: { [juliet.id]: 50, [tybalt]: 100 } },
  });
  await juliet.join(roomId);
  const room = await peer.join(servers.at(0), roomId, 'tybalt');
  await juliet.setState(roomId, 'm.room.topic', { topic: 'new' });
  await juliet.setState(roomId, 'm.room.name', { name: 'new' });
  await juliet.setState(roomId, 'm.unwanted', {});

  const types = ['m.room.topic', 'm.room.name'];
  const lists = { all: { timeline_limit: 1, required_state: { include: types.map((type) => ({ type })) } } };
  const slideOn = (pos?: string) => slideFinal(romeo, { lists, ...(pos === undefined ? {} : { pos }) });
  const asInUse: SlidingSyncRequest = {
    conn_id: 'in use',
    lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: types.map((type) => [type, '']) } },
  };
  const { pos } = await slideOn();
  const inUse = await slide(romeo, asInUse);
  expect(inUse.rooms?.[roomId]?.name).toBe('new');

  // Tybalt had banned Juliet before she spoke, as he tells it.
  const member = room.state.find((event) => event.type === 'm.room.member' && event.state_key === juliet.id);
  if (member === undefined) throw new Error('the peer was told of no such member');
  const proper = await room.event({});
  const ban = await room.event({
    type: 'm.room.member',
    state_key: juliet.id,
    content: { membership: 'ban' },
    auth_events: [...proper.event.auth_events, eventIdOf(member, room.rules)],
  });
  await peer.sendPdus(servers.at(0), [ban.event]);
  await expect.poll(async () => (await slideOn(pos)).rooms?.[roomId]?.timeline?.length, { timeout: 15_000 }).toBe(1);

  const told = (await slideOn(pos)).rooms?.[roomId];
  expect(told?.name).toBeNull();
  expect(told?.required_state).toHaveLength(2);
  expect(told?.required_state).toEqual(
    expect.arrayContaining([
      { type: 'm.room.topic', state_key: '' },
      { type: 'm.room.name', state_key: '' },
    ]),
  );
  const toldInUse = (await slide(romeo, asInUse, inUse.pos)).rooms?.[roomId];
  expect(toldInUse?.required_state).toEqual([]);
  expect(toldInUse).not.toHaveProperty('name');
  const next = await slideOn((await slideOn(pos)).pos);
  expect(next.rooms).toEqual({});
});
