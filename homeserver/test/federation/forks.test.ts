import type { Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  peer.answer(() => undefined);
  room = await peer.join(servers.at(0), await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const kindOf = (id: string) => storedKind(servers.at(0), id);

type Made = { event: Pdu; id: string };

/** A message of the peer upon the given events. */
async function say(body: string, upon: readonly Made[] = [{ event: room.join, id: room.joinId }]): Promise<Made> {
  const depth = 1 + Math.max(...upon.map((prev) => prev.event.depth));
  return await room.event({ content: { msgtype: 'm.text', body }, prev_events: upon.map((prev) => prev.id), depth });
}

async function send(...made: readonly Made[]): Promise<void> {
  await peer.sendPdus(
    servers.at(0),
    made.map((entry) => entry.event),
  );
  for (const { id } of made) await expect.poll(() => kindOf(id), WAIT).toBeDefined();
}

/** Has the peer tell the state at its join of any event, and give these events one by one and by backfill. */
function answerTruly(...made: readonly Made[]): void {
  const state = room.state.map((event) => ({ event, id: eventIdOf(event, room.rules) }));
  const byId = new Map([...state, ...made].map(({ event, id }) => [id, event]));
  const ids = state.map(({ id }) => id);
  peer.answer((_method, path) => {
    if (path.includes('/get_missing_events/')) return { events: [] };
    if (path.includes('/state_ids/')) return { pdu_ids: ids, auth_chain_ids: ids };
    if (path.includes('/backfill/')) return { origin: peer.name, origin_server_ts: 1, pdus: made.map(({ event }) => event) };
    const event = path.includes('/event/') ? byId.get(decodeURIComponent(path.split('/').at(-1) ?? '')) : undefined;
    return event === undefined ? undefined : { origin: peer.name, origin_server_ts: 1, pdus: [event] };
  });
}

async function listHeads(): Promise<string[]> {
  const rows = await servers.at(0).sql<{ eventId: string }[]>`
    select e.event_id as "eventId" from rooms r join events e on e.event_nid = any(r.heads) where r.room_id = ${room.roomId}`;
  return rows.map((row) => row.eventId).sort();
}

function bodies(events: readonly { type: string; content: Record<string, unknown> }[]): unknown[] {
  return events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
}

test('a timeline begins behind a gap, and paging back fills the gap in its place', async () => {
  await romeo.send(room.roomId, 'before the gap');
  await romeo.sync();
  const lost: Made[] = [];
  for (const body of ['lost 1', 'lost 2', 'lost 3']) lost.push(await say(body, lost.slice(-1).length > 0 ? lost.slice(-1) : undefined));
  const found = await say('found', lost.slice(-1));
  answerTruly(...lost);
  await send(found);

  const { rooms } = (await romeo.sync()) as {
    rooms: { join: Record<string, { timeline: { limited: boolean; prev_batch: string; events: [] } }> };
  };
  const timeline = rooms.join[room.roomId]?.timeline;
  expect(timeline?.limited).toBe(true);
  expect(bodies(timeline?.events ?? [])).toEqual(['found']);
  const page = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=4&from=${timeline?.prev_batch}`;
  const { chunk } = (await romeo.call('GET', page)) as { chunk: [] };
  expect(bodies(chunk)).toEqual(['lost 3', 'lost 2', 'lost 1', 'before the gap']);
  expect(bodies(await romeo.messages(room.roomId, { dir: 'f' }))).toEqual(['before the gap', 'lost 1', 'lost 2', 'lost 3', 'found']);
});

test('who was in the room sees what fills a gap, also where history is for those only who were there', async () => {
  const closing = await romeo.setState(room.roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
  const paris = await servers.user('paris', 0);
  const [stored] = await servers.at(0).sql<{ json: string }[]>`select json from events where event_id = ${closing}`;
  const closed: Made = { event: JSON.parse(stored?.json ?? '') as Pdu, id: closing };
  room.state.splice(
    room.state.findIndex((event) => event.type === 'm.room.history_visibility'),
    1,
    closed.event,
  );
  const lost = await say('lost', [closed]);
  const found = await say('found', [lost]);
  answerTruly(lost);
  await send(found);
  await paris.join(room.roomId);
  await romeo.send(room.roomId, 'welcome');
  expect(bodies(await romeo.messages(room.roomId, { dir: 'b' }))).toEqual(['welcome', 'found', 'lost']);
  expect(bodies(await paris.messages(room.roomId, { dir: 'b' }))).toEqual(['welcome']);
});

test('an event that comes after those built upon it is shown, and is no head', async () => {
  const first = await say('first');
  const second = await say('second', [first]);
  answerTruly(first);
  await send(second);
  expect(await kindOf(first.id)).toBe('outlier');
  await send(first);
  await expect.poll(() => kindOf(first.id), WAIT).toBe('timeline');
  expect(await listHeads()).toEqual([second.id]);
  expect(bodies(await romeo.messages(room.roomId, { dir: 'f' }))).toEqual(['first', 'second']);
});

test('what is built upon an event that is kept from the room leaves no old head behind', async () => {
  const hidden = await room.event({ type: 'm.room.name', state_key: '', content: { name: 'Mantua' } });
  const seen = await say('seen', [hidden]);
  await send(hidden, seen);
  expect(await kindOf(hidden.id)).toBe('rejected');
  await expect.poll(() => kindOf(seen.id), WAIT).toBe('timeline');
  expect(await listHeads()).toEqual([seen.id]);
  expect((await romeo.state(room.roomId)).some((event) => event.type === 'm.room.name')).toBe(false);
});

test('a room with many heads is merged by its own server, which clients are not shown', async () => {
  const branches: Made[] = [];
  for (let index = 0; index < 25; index += 1) branches.push(await say(`branch ${index}`));
  await send(...branches);
  await expect.poll(async () => (await listHeads()).length, WAIT).toBeLessThanOrEqual(10);
  const [merge] = await servers.at(0).sql<{ json: string; eventId: string }[]>`
    select json, event_id as "eventId" from events where type = 'org.matrix.dummy_event' limit 1`;
  expect(JSON.parse(merge?.json ?? '{}')).toMatchObject({ sender: romeo.id, content: {} });
  const shown = await romeo.messages(room.roomId);
  expect(shown.some((event) => event.type === 'org.matrix.dummy_event')).toBe(false);
  expect(bodies(shown)).toHaveLength(25);
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/event/${encodeURIComponent(merge?.eventId ?? '')}`;
  expect((await romeo.attempt('GET', path)).status).toBe(404);
});

test('what merges some of the heads has the state that those add up to, and keeps only how it differs', async () => {
  await romeo.setState(room.roomId, 'm.room.power_levels', { state_default: 0 });
  const powers = (await romeo.state(room.roomId)).find((event) => event.type === 'm.room.power_levels')?.event_id ?? '';
  for (let n = 0; n < 30; n += 1) await romeo.setState(room.roomId, 'x.base', { n }, `base${n}`);
  const base = await romeo.send(room.roomId, 'before the fork');
  const auth_events = [powers, room.joinId];
  const branches = await Promise.all(
    Array.from({ length: 14 }, (_, n) =>
      room.event({ type: 'x.branch', state_key: `${n}`, content: { n }, prev_events: [base], auth_events, depth: 100 }),
    ),
  );
  await send(...branches);
  await expect.poll(async () => (await listHeads()).length, WAIT).toBeLessThanOrEqual(10);
  const merges = await servers.at(0).sql<{ eventId: string; eventNid: number; json: string; snapshot: number | null }[]>`
    select e.event_id as "eventId", e.event_nid as "eventNid", e.json, e.base_snapshot as snapshot
    from events e join rooms r using (room_nid) where r.room_id = ${room.roomId} and e.type = 'org.matrix.dummy_event'`;
  expect(merges).toHaveLength(1);
  const [merge] = merges;
  const named = JSON.parse(merge?.json ?? '{}').prev_events as string[];
  expect(named).toHaveLength(10);

  const path = `/_matrix/federation/v1/state_ids/${encodeURIComponent(room.roomId)}?event_id=${encodeURIComponent(merge?.eventId ?? '')}`;
  const told = (await peer.call(servers.at(0), 'GET', path)).body['pdu_ids'] as string[];
  expect(branches.map(({ id }) => id).filter((id) => told.includes(id))).toEqual(
    branches.map(({ id }) => id).filter((id) => named.includes(id)),
  );
  const [kept] = await servers.at(0).sql<{ count: number }[]>`
    select count(*)::bigint as count from state_deltas where event_nid = ${merge?.eventNid ?? 0}`;
  expect([merge?.snapshot, kept?.count]).toEqual([null, 4]);
  expect((await romeo.state(room.roomId)).filter((event) => event.type === 'x.branch')).toHaveLength(14);
});

test('S28: a server that never says what is missing holds up nobody else in the room', async () => {
  await using mute = await startHostilePeer(servers.ca);
  const muteRoom = await mute.join(servers.at(0), room.roomId, 'sampson');
  mute.answer(() => new Promise(() => undefined));
  const lost = await muteRoom.event({ content: { body: 'lost' } });
  const orphan = await muteRoom.event({ content: { body: 'orphan' }, prev_events: [lost.id] });
  await mute.sendPdus(servers.at(0), [orphan.event]);
  const good = await say('not held up');
  await send(good);
  expect(await kindOf(good.id)).toBe('timeline');
  expect(await kindOf(orphan.id)).toBeUndefined();
});

test('S28: events in the name of servers whose keys are not to be had hold up nobody else in the room', async () => {
  await using mute = await startHostilePeer(servers.ca);
  const muteRoom = await mute.join(servers.at(0), room.roomId, 'sampson');
  const silent = await startHostilePeer(servers.ca);
  silent.answerKeys(() => new Promise(() => undefined));
  const { event } = await muteRoom.event({});
  const borrowed = { ...event, sender: `@gregory:${silent.name}`, signatures: { [silent.name]: { 'ed25519:evil': 'AAAA' } } };
  await mute.sendPdus(servers.at(0), [borrowed]);
  const good = await say('not held up by keys');
  await send(good);
  expect(await kindOf(good.id)).toBe('timeline');
  expect(silent.seen.filter((request) => request.path.startsWith('/_matrix/key/')).length).toBeLessThanOrEqual(1);
  await silent[Symbol.asyncDispose]();
});
