import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HostedRoom, hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { slide } from '../kit/slide.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { type ClientEvent, createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const nameOf = createNames();
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type Sync = {
  next_batch: string;
  rooms: { join: Record<string, { timeline: { events: ClientEvent[] }; state: { events: ClientEvent[] } }> };
};
const sync = async (since: string) => (await romeo.sync({ since })) as unknown as Sync;
const timelineOf = ({ rooms }: Sync, roomId: string) => rooms.join[roomId]?.timeline.events ?? [];
const idsOf = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);
const kindOf = (id: string) => storedKind(servers.at(0), id);
const enc = encodeURIComponent;

/** A room of the peer's with Romeo in it, who has seen a message and a topic that a member of the peer's made. */
async function openRoom(version: string) {
  romeo = await servers.user(nameOf('romeo'), 0);
  const room = await hostRoom(peer, { version, members: 2 });
  peer.answer(room.answer);
  await romeo.join(room.roomId, { via: [peer.name] });
  const said = await room.add({
    type: 'm.room.message',
    sender: `@member0:${peer.name}`,
    content: { msgtype: 'm.text', body: 'secret word' },
  });
  const topic = await room.add({ type: 'm.room.topic', state_key: '', content: { topic: 'secret topic' } });
  await peer.sendPdus(servers.at(0), [said.event, topic.event]);
  await expect.poll(() => kindOf(topic.id), WAIT).toBe('timeline');
  const redact = async (id: string) =>
    await room.add(
      room.rules.redactsInContent
        ? { type: 'm.room.redaction', content: { redacts: id, reason: 'no' } }
        : { type: 'm.room.redaction', redacts: id, content: { reason: 'no' } },
    );
  return { room, said, topic, redact };
}

/** Has the peer keep the events to itself until it is asked for history; the state behind them is the room's. */
function answerByHistory(room: HostedRoom): void {
  peer.answer((method, path, body) => {
    const query = new URLSearchParams(path.split('?')[1]);
    if (path.includes('/get_missing_events/')) return { events: [] };
    if (path.includes('/state')) {
      const state = [...room.state, ...room.timeline.filter(({ event }) => event.state_key !== undefined)];
      const ids = state.map(({ id }) => id);
      return path.includes('/state_ids/')
        ? { pdu_ids: ids, auth_chain_ids: ids }
        : { pdus: state.map(({ event }) => event), auth_chain: [] };
    }
    if (!path.includes('/backfill/')) return room.answer(method, path, body);
    const from = room.timeline.findIndex(({ id }) => query.getAll('v').includes(id));
    const pdus = room.timeline.slice(0, from + 1).slice(-Number(query.get('limit')));
    return { origin: peer.name, origin_server_ts: 1, pdus: pdus.map(({ event }) => event) };
  });
}

describe.each(['10', '12'])('in a room of version %s', (version) => {
  test('a redaction that history brings is told to those who were shown what it redacts, once', async () => {
    const { room, said, topic, redact } = await openRoom(version);
    const { next_batch: before } = await sync('');
    const sliding: Parameters<typeof slide>[1] = { lists: { all: { ranges: [[0, 9]], timeline_limit: 10, required_state: [['*', '*']] } } };
    const { pos } = await slide(romeo, sliding);
    const [lost, lostToo] = [await redact(said.id), await redact(topic.id)];
    const found = await room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'found' } });
    answerByHistory(room);
    await peer.sendPdus(servers.at(0), [found.event]);
    await expect.poll(() => kindOf(found.id), WAIT).toBe('timeline');
    const behind = await sync(before);
    expect(idsOf(timelineOf(behind, room.roomId))).toEqual([found.id]);
    expect(JSON.stringify(await romeo.state(room.roomId))).toContain('secret topic');

    const page = await romeo.messages(room.roomId, { limit: 20 });
    expect(idsOf(page).slice(0, 5)).toEqual([found.id, lostToo.id, lost.id, topic.id, said.id]);
    expect(JSON.stringify(page)).not.toContain('secret');
    const told = timelineOf(await sync(behind.next_batch), room.roomId);
    expect(told.map((event) => [event.event_id, event.content['redacts']]).toSorted()).toEqual(
      [
        [lost.id, said.id],
        [lostToo.id, topic.id],
      ].toSorted(),
    );
    const slid = await slide(romeo, sliding, pos);
    expect((slid.rooms?.[room.roomId]?.timeline ?? []).map((event) => event.event_id)).toEqual(
      expect.arrayContaining([lost.id, lostToo.id]),
    );

    expect(JSON.stringify(await romeo.state(room.roomId))).not.toContain('secret');
    const one = await romeo.attempt('GET', `/_matrix/client/v3/rooms/${enc(room.roomId)}/state/m.room.topic`);
    expect([one.status, one.body]).toEqual([200, {}]);
    expect(JSON.stringify(await sync(''))).not.toContain('secret');
    // Nobody builds upon it, and it stands in its place.
    const heads = await servers.at(0).sql`
      select e.event_id as id from rooms r join events e on e.event_nid = any(r.heads) where r.room_id = ${room.roomId}`;
    expect(heads.map((head) => head['id']).toSorted()).toEqual([topic.id, found.id].toSorted());
    expect(idsOf(await romeo.messages(room.roomId, { limit: 20 })).slice(0, 5)).toEqual([found.id, lostToo.id, lost.id, topic.id, said.id]);
    await romeo.send(room.roomId, 'and on it goes');
  });

  test('a redaction whose target comes with it by history is no news', async () => {
    const { room, redact } = await openRoom(version);
    const { next_batch: before } = await sync('');
    const unseen = await room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'secret' } });
    const redaction = await redact(unseen.id);
    const found = await room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'found' } });
    answerByHistory(room);
    await peer.sendPdus(servers.at(0), [found.event]);
    await expect.poll(() => kindOf(found.id), WAIT).toBe('timeline');
    const behind = await sync(before);
    const page = await romeo.messages(room.roomId, { limit: 20 });
    expect(idsOf(page).slice(0, 3)).toEqual([found.id, redaction.id, unseen.id]);
    expect(await kindOf(redaction.id)).toBe('backfilled');
    expect(timelineOf(await sync(behind.next_batch), room.roomId)).toEqual([]);
  });
});
