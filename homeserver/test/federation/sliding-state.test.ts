import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { slide, slideFinal } from '../kit/slide.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { banBeforehand, meetTybalt } from './banned-before.ts';

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
  const threatened = await meetTybalt(servers, peer);
  const { roomId, romeo, juliet } = threatened;
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

  await banBeforehand(servers, peer, threatened);
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
