import type { Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 60_000 };
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;

beforeEach(async () => {
  servers ??= await startServers(1);
  peer ??= await startHostilePeer(servers.ca);
  romeo ??= await servers.user('romeo', 0);
  room = await peer.join(servers.at(0), await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

async function kindOf(id: string): Promise<string | undefined> {
  const [row] = await servers.at(0).sql<{ kind: number }[]>`select kind from events where event_id = ${id}`;
  return row === undefined ? undefined : ['timeline', 'backfilled', 'outlier', 'soft_failed', 'rejected'][row.kind];
}

async function listTexts(): Promise<unknown[]> {
  return (await romeo.messages(room.roomId, { dir: 'f' }))
    .filter((event) => event.type === 'm.room.message')
    .map((event) => event.content['body']);
}

/** A chain of messages, each upon the one before; none is sent. */
async function say(...texts: string[]): Promise<{ event: Pdu; id: string }[]> {
  const chain: { event: Pdu; id: string }[] = [];
  for (const body of texts) {
    const next = await room.event({ content: { msgtype: 'm.text', body } });
    room.head = { id: next.id, depth: next.event.depth };
    chain.push(next);
  }
  return chain;
}

test('events in between are asked for, checked one by one, and come in order', async () => {
  const [first, second, third] = await say('one', 'two', 'three');
  const forged = await room.event({ sender: romeo.id, content: { msgtype: 'm.text', body: 'forged' } });
  const elsewhere = await room.event({ room_id: `!elsewhere:${peer.name}` });
  peer.answer((_method, path) => {
    if (path.includes('/get_missing_events/')) return { events: [second?.event, forged.event, elsewhere.event, first?.event] };
    return path.includes('/event_auth/') ? { auth_chain: [] } : undefined;
  });
  await peer.sendPdus(servers.at(0), [third?.event]);
  await expect.poll(listTexts, WAIT).toEqual(['one', 'two', 'three']);
  expect([await kindOf(forged.id), await kindOf(elsewhere.id)]).toEqual([undefined, undefined]);
});

test('where the events in between are not to be had, the state there is asked for', async () => {
  const [, second, third] = await say('lost', 'lost too', 'found');
  const byId = new Map<string, Pdu>(
    [...room.state, ...(second === undefined ? [] : [second.event])].map((event) => [eventIdOf(event, room.rules), event]),
  );
  const stateIds = room.state.filter((event) => event !== second?.event).map((event) => eventIdOf(event, room.rules));
  peer.answer((_method, path) => {
    if (path.includes('/get_missing_events/')) return { events: [] };
    if (path.includes('/state_ids/')) return { pdu_ids: stateIds, auth_chain_ids: stateIds };
    if (path.includes('/event_auth/')) return { auth_chain: [] };
    const id = decodeURIComponent(path.split('/').at(-1) ?? '');
    const event = byId.get(id);
    return event === undefined ? undefined : { pdus: [event] };
  });
  await peer.sendPdus(servers.at(0), [third?.event]);
  await expect.poll(listTexts, WAIT).toEqual(['found']);
  expect(await kindOf(third?.id ?? '')).toBe('timeline');
  const eventId = await romeo.send(room.roomId, 'and on it goes');
  expect(await kindOf(eventId)).toBe('timeline');
});

test('a banned user who builds upon the past is not shown', async () => {
  const [before] = await say('before the ban');
  await peer.sendPdus(servers.at(0), [before?.event]);
  await expect.poll(listTexts, WAIT).toEqual(['before the ban']);
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/ban`, { user_id: room.userId });
  const [evading] = await say('evading');
  await peer.sendPdus(servers.at(0), [evading?.event]);
  await expect.poll(() => kindOf(evading?.id ?? ''), WAIT).toBe('soft_failed');
  const eventId = await romeo.send(room.roomId, 'peace');
  expect(await listTexts()).toEqual(['before the ban', 'peace']);
  const [row] = await servers.at(0).sql<{ json: string }[]>`select json from events where event_id = ${eventId}`;
  expect(row?.json).not.toContain(evading?.id);
});

test('an event that cannot be completed harms no other', async () => {
  peer.answer(() => undefined);
  const [, orphan] = await say('unknown', 'orphan');
  await peer.sendPdus(servers.at(0), [orphan?.event]);
  const eventId = await romeo.send(room.roomId, 'still here');
  expect(await kindOf(eventId)).toBe('timeline');
  expect(await listTexts()).toEqual(['still here']);
});

test.each([
  ['a state key of 300 letters', { state_key: 'x'.repeat(300) }],
  ['a type of more bytes than letters', { type: '💥'.repeat(100) }],
])('who builds upon an event with %s is heard, and it is not', async (_what, changes) => {
  const stateIds = room.state.map((event) => eventIdOf(event, room.rules));
  const odd = await room.event({ type: 'm.odd', state_key: '', content: {}, ...changes });
  room.head = { id: odd.id, depth: odd.event.depth };
  const [next] = await say('next');
  peer.answer((_method, path) => {
    if (path.includes('/get_missing_events/')) return { events: [odd.event] };
    if (path.includes('/state_ids/')) return { pdu_ids: stateIds, auth_chain_ids: [] };
    return path.endsWith(encodeURIComponent(odd.id)) ? { pdus: [odd.event] } : undefined;
  });
  await peer.sendPdus(servers.at(0), [next?.event]);
  await expect.poll(listTexts, WAIT).toEqual(['next']);
  expect(await kindOf(odd.id)).toBeUndefined();
  expect(await kindOf(next?.id ?? '')).toBe('timeline');
});
