import { afterAll, beforeAll, expect, test } from 'vitest';
import { roomPath, type SyncedRoom, syncWith } from '../client-api/sync-answers.ts';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const PATIENCE = { timeout: 20_000 };
const FILTER = { room: { timeline: { limit: 1, types: ['m.none'] } } };
let servers: TestServers;
beforeAll(async () => {
  servers = await startServers(2);
});
afterAll(() => servers[Symbol.asyncDispose]());

let transactions = 0;
async function stick(user: TestUser, roomId: string, name: string): Promise<string> {
  transactions += 1;
  const path = roomPath(roomId, `/send/m.rtc.member/s${transactions}?org.matrix.msc4354.sticky_duration_ms=600000`);
  return String((await user.call('PUT', path, { msc4354_sticky_key: name }))['event_id']);
}
const stuckFor = async (user: TestUser, roomId: string): Promise<string[]> => {
  const room = (await syncWith(user, { filter: FILTER })).rooms.join[roomId] as SyncedRoom & { msc4354_sticky?: { events: ClientEvent[] } };
  return (room?.msc4354_sticky?.events ?? []).map((event) => event.event_id);
};

test('a server that comes in is sent what is sticky, and what becomes so', async () => {
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const before = await stick(romeo, roomId, 'before');
  for (let line = 0; line < 3; line += 1) await romeo.send(roomId, `line ${line}`);
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await expect.poll(() => stuckFor(juliet, roomId), PATIENCE).toContain(before);
  const after = await stick(romeo, roomId, 'after');
  await expect.poll(() => stuckFor(juliet, roomId), PATIENCE).toContain(after);
  const back = await stick(juliet, roomId, 'back');
  await expect.poll(() => stuckFor(romeo, roomId), PATIENCE).toEqual([before, after, back]);
});

test('what is found by paging back, before its own server brings it, is brought to all once', async () => {
  const peer: HostilePeer = await startHostilePeer(servers.ca);
  try {
    const romeo = await servers.user('benvolio', 0);
    const room = await hostRoom(peer, { members: 1 });
    const sticky = await room.add({
      ...{ type: 'm.rtc.member', sender: `@member0:${peer.name}`, content: { msc4354_sticky_key: 'x' } },
      msc4354_sticky: { duration_ms: 600_000 },
    });
    const old = { origin_server_ts: Date.now() - 3_600_000, msc4354_sticky: { duration_ms: 60_000 } };
    await room.add({ type: 'm.rtc.member', sender: `@member0:${peer.name}`, content: { msc4354_sticky_key: 'old' }, ...old });
    peer.answer((method, path, body) => {
      if (!path.includes('/backfill/')) return room.answer(method, path, body);
      const pdus = room.timeline.slice(0, -1).map(({ event }) => event);
      return { origin: peer.name, origin_server_ts: Date.now(), pdus };
    });
    await romeo.join(room.roomId, { via: [peer.name] });
    expect(await stuckFor(romeo, room.roomId)).toEqual([]);
    expect((await romeo.messages(room.roomId)).map((event) => event.event_id)).toContain(sticky.id);
    await expect.poll(() => stuckFor(romeo, room.roomId), PATIENCE).toEqual([sticky.id]);
    await peer.sendPdus(servers.at(0), [sticky.event]);
    expect(await stuckFor(romeo, room.roomId)).toEqual([sticky.id]);
  } finally {
    await peer[Symbol.asyncDispose]();
  }
});

test('what was hidden because its sender had been put out is shown when they are let in again', async () => {
  const peer: HostilePeer = await startHostilePeer(servers.ca);
  try {
    const romeo = await servers.user('mercutio', 0);
    const roomId = await romeo.createRoom({ preset: 'public_chat' });
    const room = await peer.join(servers.at(0), roomId, 'tybalt');
    const tybalt = `@tybalt:${peer.name}`;
    // It was made before he was put out, as far as anybody can tell, and comes after.
    const sticky = await room.event({
      type: 'm.rtc.member',
      content: { msc4354_sticky_key: 'sword' },
      msc4354_sticky: { duration_ms: 600_000 },
    });
    await romeo.call('POST', roomPath(roomId, '/kick'), { user_id: tybalt });
    await peer.sendPdus(servers.at(0), [sticky.event]);
    expect(await stuckFor(romeo, roomId)).toEqual([]);
    await peer.join(servers.at(0), roomId, 'tybalt');
    await expect.poll(() => stuckFor(romeo, roomId), PATIENCE).toEqual([sticky.id]);
    expect(JSON.stringify(await romeo.messages(roomId))).not.toContain('sword');
  } finally {
    await peer[Symbol.asyncDispose]();
  }
});
