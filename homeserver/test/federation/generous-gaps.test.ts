import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';

const WAIT = { timeout: 20_000 };
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

test.each(['10', '12'])(
  'a server that gives more than what is missing brings no history of a room of version %s as news',
  async (version) => {
    const romeo = await servers.user(`romeo-${version}`, 0);
    const room = await hostRoom(peer, { version, members: 2 });
    peer.answer(room.answer);
    await romeo.join(room.roomId, { via: [peer.name] });
    const say = async (body: string) => await room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body } });
    const here = await say('here');
    await peer.sendPdus(servers.at(0), [here.event]);
    await expect.poll(() => storedKind(servers.at(0), here.id), WAIT).toBe('timeline');

    const [lost, found] = [await say('lost'), await say('found')];
    const all = [...room.state, ...room.timeline].filter(({ id }) => id !== found.id).map(({ event }) => event);
    peer.answer((method, path, body) => (path.includes('/get_missing_events/') ? { events: all } : room.answer(method, path, body)));
    await peer.sendPdus(servers.at(0), [found.event]);
    await expect.poll(() => storedKind(servers.at(0), found.id), WAIT).toBe('timeline');
    expect(await storedKind(servers.at(0), lost.id)).toBe('timeline');
    for (const { id, event } of room.state) expect([event.type, await storedKind(servers.at(0), id)]).not.toEqual([event.type, 'timeline']);
    const heads = await servers.at(0).sql`
    select e.event_id as id from rooms r join events e on e.event_nid = any(r.heads) where r.room_id = ${room.roomId}`;
    expect(heads.map((head) => head['id'])).toEqual([found.id]);
  },
);
