import { isDeepStrictEqual } from 'node:util';
import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const enc = encodeURIComponent;

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
beforeEach(() => peer.answer(() => undefined));
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type Made = { event: Pdu; id: string };

/** Makes events by hand, each upon the ones it is given, allowed by what it names. */
type Draftsman = {
  roomId: string;
  tybalt: string;
  mercutio: string;
  base: Made;
  powers: Made;
  joins: ReadonlyMap<string, string>;
  make: (upon: readonly Made[], draft: Partial<Pdu> & { type: string }, powers?: Made, more?: readonly Made[]) => Promise<Made>;
  say: (upon: readonly Made[], body: string, sender?: string) => Promise<Made>;
};

async function find(roomId: string, eventId: string): Promise<Made> {
  const [row] = await servers.at(0).sql<{ json: string }[]>`select json from events where event_id = ${eventId}`;
  if (row === undefined) throw new Error(`${eventId} of ${roomId} is not stored`);
  return { event: JSON.parse(row.json) as Pdu, id: eventId };
}

/** A room of Romeo's in which two people of the peer have power: Tybalt all, Mercutio some. */
async function openRoom(version: string): Promise<Draftsman> {
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: version });
  const rooms: PeerRoom[] = [];
  for (const name of ['tybalt', 'mercutio']) rooms.push(await peer.join(servers.at(0), roomId, name));
  const [tybaltRoom, mercutioRoom] = rooms;
  if (tybaltRoom === undefined || mercutioRoom === undefined) throw new Error('nobody joined');
  const [tybalt, mercutio] = [tybaltRoom.userId, mercutioRoom.userId];
  const powerId = await romeo.setState(roomId, 'm.room.power_levels', {
    users: { ...(version === '12' ? {} : { [romeo.id]: 100 }), [tybalt]: 100, [mercutio]: 50 },
  });
  const base = await find(roomId, await romeo.send(roomId, 'before the fork'));
  const powers = await find(roomId, powerId);
  const create = tybaltRoom.state.find((event) => event.type === 'm.room.create');
  const creates =
    version === '12' || create === undefined
      ? []
      : [(await romeo.state(roomId)).find((event) => event.type === 'm.room.create')?.event_id ?? ''];
  const joins = new Map([
    [tybalt, tybaltRoom.joinId],
    [mercutio, mercutioRoom.joinId],
  ]);
  return draw({ roomId, tybalt, mercutio, base, powers, joins, creates });
}

/** Makes the events of Tybalt's and Mercutio's, both of the peer. */
function draw({ creates, ...known }: Omit<Draftsman, 'make' | 'say'> & { creates: readonly string[] }): Draftsman {
  const { roomId, tybalt, powers, joins } = known;
  const version = creates.length === 0 ? '12' : '10';
  const make: Draftsman['make'] = async (upon, { sender = tybalt, ...draft }, levels = powers, more = []) => {
    const rules = roomVersionRules(version);
    if (rules === undefined) throw new Error(`no room version ${version}`);
    const whole = {
      room_id: roomId,
      content: {},
      ...draft,
      sender,
      depth: 1 + Math.max(...upon.map(({ event }) => event.depth)),
      prev_events: upon.map(({ id }) => id),
      auth_events: [...creates, levels.id, joins.get(sender) ?? '', ...more.map(({ id }) => id)],
      origin_server_ts: Date.now(),
    };
    const event = await signEvent(whole, rules, peer.signer);
    return { event, id: eventIdOf(event, rules) };
  };
  const say: Draftsman['say'] = async (upon, body, sender = tybalt) =>
    await make(upon, { type: 'm.room.message', sender, content: { msgtype: 'm.text', body } });
  return { ...known, make, say };
}

async function send(...made: readonly Made[]): Promise<void> {
  for (let start = 0; start < made.length; start += 40) {
    const part = made.slice(start, start + 40);
    await peer.sendPdus(
      servers.at(0),
      part.map(({ event }) => event),
    );
    for (const { id } of part) await expect.poll(() => storedKind(servers.at(0), id), WAIT).toBeDefined();
  }
}

async function readBack(roomId: string, limit: number, who: TestUser): Promise<ClientEvent[]> {
  const read: ClientEvent[] = [];
  for (let from = ''; ; ) {
    const page = await who.call('GET', `/_matrix/client/v3/rooms/${enc(roomId)}/messages?dir=b&limit=${limit}${from}`);
    read.push(...(page['chunk'] as ClientEvent[]));
    if (page['end'] === undefined) return read;
    from = `&from=${String(page['end'])}`;
  }
}

async function stateIdsAt(index: number, roomId: string, eventId: string): Promise<unknown> {
  const path = `/_matrix/federation/v1/state_ids/${enc(roomId)}?event_id=${enc(eventId)}`;
  const { status, body } = await peer.call(servers.at(index), 'GET', path);
  return status === 200 ? (body['pdu_ids'] as string[]).toSorted() : status;
}

type Stored = { eventId: string; kind: number; json: string };
const listStored = async (index: number, roomId: string) =>
  await servers.at(index).sql<Stored[]>`
    select event_id as "eventId", kind, json from events e join rooms r using (room_nid) where r.room_id = ${roomId} and kind <> 2`;

/** Where what was read back shows an event before one that it builds upon. */
function listDisorder(read: readonly ClientEvent[], stored: readonly Stored[]): string[] {
  const place = new Map(read.map((event, index) => [event.event_id, index]));
  return stored.flatMap(({ eventId, json }) => {
    const own = place.get(eventId);
    const prevs = listPrevEventIds(JSON.parse(json) as Pdu);
    return prevs
      .filter((id) => own !== undefined && (place.get(id) ?? Number.POSITIVE_INFINITY) < own)
      .map((id) => `${eventId} before ${id}`);
  });
}

const bodies = (events: readonly ClientEvent[]) => events.flatMap(({ content }) => content['body'] ?? []);

async function chain(room: Draftsman, upon: Made, name: string, count: number, sender?: string): Promise<Made[]> {
  const made: Made[] = [];
  for (let index = 0; index < count; index += 1) made.push(await room.say([made.at(-1) ?? upon], `${name} ${index}`, sender));
  return made;
}

/** Three branches that disagree about the name, the topic, the powers and whether Mercutio is banned; and what merges them. */
async function fork(room: Draftsman, length: number) {
  const { base, make, mercutio, tybalt, powers } = room;
  const levels = powers.event.content as { users: JsonObject };
  const state = (type: string, content: JsonObject, sender = tybalt) => ({ type, state_key: '', content, sender });

  const named = await make([base], state('m.room.name', { name: 'of Mercutio' }, mercutio));
  const told = await make([named], state('m.room.topic', { topic: 'of Mercutio' }, mercutio));
  const words = await chain(room, told, 'of Mercutio', length, mercutio);
  const mine = [named, told, ...words];

  const strict = await make([base], state('m.room.power_levels', { ...levels, state_default: 75 }));
  const strictTopic = await make([strict], state('m.room.topic', { topic: 'strict' }), strict);
  const refused = await make([strictTopic], state('m.room.name', { name: 'refused' }, mercutio), strict);
  const strictWords = await chain(room, strictTopic, 'strict', length);
  const theirs = [strict, strictTopic, refused, ...strictWords];

  const hers = await make([base], state('m.room.name', { name: 'of Tybalt' }));
  const ban = await make([hers], { type: 'm.room.member', state_key: mercutio, content: { membership: 'ban' } }, powers, [
    await find(room.roomId, room.joins.get(mercutio) ?? ''),
  ]);
  const weak = await make([ban], state('m.room.power_levels', { ...levels, users: { ...levels.users, [mercutio]: 0 } }));
  const banned = [hers, ban, weak, ...(await chain(room, weak, 'without Mercutio', length))];

  const ends = [mine, theirs, banned].map((branch) => branch.at(-1) ?? base);
  const merge = await room.say(ends, 'together');
  const ghost = await room.say([merge], 'though banned', mercutio);
  const last = await make([merge], state('m.room.topic', { topic: 'together' }));
  return { mine, theirs, banned, merge, ghost, last, refused };
}

test.each(['10', '12'])(
  'branches of a room of version %s that are read back later have the states, and the order, that they had',
  async (version) => {
    const room = await openRoom(version);
    const { mine, theirs, banned, merge, ghost, last, refused } = await fork(room, 12);
    await send(...mine, ...theirs, ...banned, merge, ghost, last);
    for (let index = 0; index < 25; index += 1) await romeo.send(room.roomId, `afterwards ${index}`);
    await juliet.join(room.roomId, { via: [servers.at(0).name] });

    const read = await readBack(room.roomId, 9, juliet);
    const theirsRead = await readBack(room.roomId, 50, romeo);
    expect(read.map((event) => event.event_id).toSorted()).toEqual(theirsRead.map((event) => event.event_id).toSorted());
    expect(listDisorder(read, await listStored(1, room.roomId))).toEqual([]);
    expect(bodies(read)).not.toContain('though banned');
    for (const { id } of [refused, ghost]) expect(await storedKind(servers.at(1), id)).not.toBe('backfilled');

    const wrong: string[] = [];
    for (const { event_id: eventId, type, content } of read) {
      const [here, there] = [await stateIdsAt(0, room.roomId, eventId), await stateIdsAt(1, room.roomId, eventId)];
      if (!isDeepStrictEqual(here, there)) wrong.push(`${type} ${JSON.stringify(content)}`);
    }
    expect(wrong).toEqual([]);
  },
  60_000,
);

test('what a server keeps from its room is no dead end for who reads the room back from it', async () => {
  const room = await openRoom('10');
  const { mine, banned } = await fork(room, 3);
  await send(...banned, ...mine);
  const [first] = mine;
  expect(await storedKind(servers.at(0), first?.id ?? '')).toBe('soft_failed');
  const [from] = mine.slice(-1);
  if (from === undefined) throw new Error('nothing was made');
  const upon = await room.say([from], 'upon what was kept away');
  await send(upon);
  for (let index = 0; index < 25; index += 1) await romeo.send(room.roomId, `afterwards ${index}`);
  await juliet.join(room.roomId, { via: [servers.at(0).name] });

  const read = await readBack(room.roomId, 9, juliet);
  expect(bodies(read)).toEqual(
    expect.arrayContaining(['upon what was kept away', 'of Mercutio 0', 'without Mercutio 0', 'before the fork']),
  );
  expect(listDisorder(read, await listStored(1, room.roomId))).toEqual([]);
  const open = await servers.at(1)
    .sql`select event_id from backward_extremities b join rooms r using (room_nid) where r.room_id = ${room.roomId}`;
  expect(open).toEqual([]);
});

test('what a merge names far below itself is put there, however often the newest page is read before', async () => {
  const room = await openRoom('12');
  const words = await chain(room, room.base, 'word', 40);
  const [newest] = words.slice(-1);
  if (newest === undefined) throw new Error('nothing was made');
  await send(...words, await room.say([newest, room.base], 'merged'));
  await juliet.join(room.roomId, { via: [servers.at(0).name] });

  for (let times = 0; times < 3; times += 1) await juliet.messages(room.roomId, { limit: 5 });
  const read = await readBack(room.roomId, 5, juliet);
  expect(bodies(read)).toEqual(['merged', ...words.map((_, index) => `word ${39 - index}`), 'before the fork']);
  expect(listDisorder(read, await listStored(1, room.roomId))).toEqual([]);
});

test('in a room of thousands, branches that are read back cost few statements, and no further copies of who is in it', async () => {
  const hosted = await hostRoom(peer, { members: 2_000 });
  const mercutio = `@member0:${peer.name}`;
  const users = { [hosted.hostId]: 100, [mercutio]: 50 };
  const powers = await hosted.add({ type: 'm.room.power_levels', state_key: '', content: { users } });
  peer.answer(hosted.answer);
  await romeo.join(hosted.roomId, { via: [peer.name] });
  const whole = (index: number) => async () =>
    await servers.at(index).sql`select 1 from rooms where room_id = ${hosted.roomId} and not is_partial`;
  await expect.poll(whole(0), WAIT).toHaveLength(1);
  const joined = hosted.find('m.room.member', romeo.id);
  const joins = new Map([hosted.hostId, mercutio].map((userId) => [userId, hosted.find('m.room.member', userId).id]));
  const creates = [hosted.find('m.room.create').id];
  const room = draw({ roomId: hosted.roomId, tybalt: hosted.hostId, mercutio, base: joined, powers, joins, creates });
  const { mine, theirs, banned, merge, last } = await fork(room, 12);
  await send(...mine, ...theirs, ...banned, merge, last);
  for (let index = 0; index < 5; index += 1) await romeo.send(hosted.roomId, `afterwards ${index}`);

  await juliet.join(hosted.roomId, { via: [servers.at(0).name] });
  await expect.poll(whole(1), WAIT).toHaveLength(1);
  const countSnapshots = async () => {
    const [row] = await servers.at(1).sql<{ count: number }[]>`
      select count(distinct base_snapshot)::int as count from events e join rooms r using (room_nid) where r.room_id = ${hosted.roomId}`;
    return row?.count ?? 0;
  };
  const before = await countSnapshots();
  servers.at(1).queries.length = 0;
  const read = await readBack(hosted.roomId, 50, juliet);
  expect(servers.at(1).queries.length / read.length).toBeLessThan(15);
  expect((await countSnapshots()) - before).toBeLessThanOrEqual(1);
  expect(bodies(read)).toEqual(expect.arrayContaining(['together', 'of Mercutio 0', 'strict 0', 'without Mercutio 0']));
  expect(listDisorder(read, await listStored(1, hosted.roomId))).toEqual([]);
  for (const { id } of [...mine.slice(0, 3), ...theirs.slice(-2), ...banned.slice(2, 4), merge])
    expect([id, await stateIdsAt(1, hosted.roomId, id)]).toEqual([id, await stateIdsAt(0, hosted.roomId, id)]);
}, 120_000);
