import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const enc = encodeURIComponent;
const bodies = (events: readonly ClientEvent[]) => events.flatMap(({ content }) => content['body'] ?? []);

test.each(['10', '12'])(
  'history of a room of version %s that is read before its members are known is checked when they are',
  async (version) => {
    const room = await hostRoom(peer, { version, members: 5 });
    const member = (index: number) => `@member${index}:${peer.name}`;
    const say = async (sender: string, body: string, more = {}) =>
      await room.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body }, ...more });
    const former = room.find('m.room.member', member(2));
    const auth = [...(version === '12' ? [] : [room.find('m.room.create').id]), room.find('m.room.power_levels').id, former.id];
    await say(member(1), 'early');
    await room.add({ type: 'm.room.topic', state_key: '', content: { topic: 'as it was' } });
    const states = [...room.state];
    const topic = room.newest();
    const parting = await room.add({ type: 'm.room.member', sender: member(2), state_key: member(2), content: { membership: 'leave' } });
    const ghost = await say(member(2), 'though gone', { auth_events: auth });
    for (let index = 0; index < 8; index += 1) await say(member(1), `word ${index}`);

    let isGenerous = false;
    const atEnd = [...states.filter(({ id }) => id !== former.id), topic, parting];
    peer.answer((method, path, body) => {
      const query = new URLSearchParams(path.split('?')[1]);
      if (path.includes('/state')) {
        if (!isGenerous) return undefined;
        const at = room.timeline.findIndex(({ id }) => id === query.get('event_id'));
        const before = at <= 0 ? states : at === 1 ? states : at === 2 ? [...states, topic] : atEnd;
        const ids = before.map(({ id }) => id);
        const chain = [...states, topic, parting];
        return path.includes('/state_ids/')
          ? { pdu_ids: ids, auth_chain_ids: chain.map(({ id }) => id) }
          : { pdus: before.map(({ event }) => event), auth_chain: chain.map(({ event }) => event) };
      }
      if (!path.includes('/backfill/')) return room.answer(method, path, body);
      const from = room.timeline.findIndex(({ id }) => query.getAll('v').includes(id));
      const pdus = room.timeline.slice(0, from + 1).map(({ event }) => event);
      return { origin: peer.name, origin_server_ts: 1, pdus };
    });
    await romeo.join(room.roomId, { via: [peer.name] });
    expect(bodies(await romeo.messages(room.roomId, { limit: 50 }))).toEqual([
      ...Array.from({ length: 8 }, (_, index) => `word ${7 - index}`),
      'though gone',
      'early',
    ]);
    expect(await storedKind(servers.at(0), ghost.id)).toBe('backfilled');

    isGenerous = true;
    await expect.poll(() => storedKind(servers.at(0), ghost.id), WAIT).toBe('rejected');
    expect(bodies(await romeo.messages(room.roomId, { limit: 50 }))).not.toContain('though gone');
    // What the states were is known too: they are told to other servers as if the room had been whole.
    const path = `/_matrix/federation/v1/state_ids/${enc(room.roomId)}?event_id=${enc(room.timeline[5]?.id ?? '')}`;
    const { status, body } = await peer.call(servers.at(0), 'GET', path);
    expect([status, (body['pdu_ids'] as string[] | undefined)?.toSorted()]).toEqual([200, atEnd.map(({ id }) => id).toSorted()]);
  },
);
