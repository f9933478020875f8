import type { JsonObject } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { type HostilePeer, type PeerRoom, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const LONG_OUTAGE_MESSAGES = 1_200;
const SENDERS = 20;
const nameOf = createNames();

type Transaction = { pdus: JsonObject[]; edus: { edu_type: string; content: JsonObject }[] };

let servers: TestServers;
let peer: HostilePeer;
let other: HostilePeer;
let romeo: TestUser;
let metricsPort: number;

beforeAll(async () => {
  metricsPort = await freePort();
  servers = await startServers(1, { config: { metricsPort } });
  peer = await startHostilePeer(servers.ca);
  other = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(() => {
  for (const each of [peer, other]) {
    each.answer(taking);
    each.seen.length = 0;
  }
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const isTransaction = (path: string) => path.startsWith('/_matrix/federation/v1/send/');
const readMetrics = async () => await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
const taking = (_method: string, path: string) => (isTransaction(path) ? { pdus: {} } : undefined);

function transactionsTo(to: HostilePeer): Transaction[] {
  return to.seen.filter(({ path }) => isTransaction(path)).map(({ body }) => body as Transaction);
}
const pdusTo = (to: HostilePeer) => transactionsTo(to).flatMap((transaction) => transaction.pdus);
const idsTo = (to: HostilePeer, room: PeerRoom) =>
  pdusTo(to)
    .filter((pdu) => pdu['room_id'] === room.roomId)
    .map((pdu) => eventIdOf(pdu as never, room.rules));
/** What a server was told, once each: who has just come in may be sent what was said meanwhile twice, which does no harm. */
const textsTo = (to: HostilePeer) => {
  const different = new Map(pdusTo(to).map((pdu) => [JSON.stringify(pdu['hashes']), pdu]));
  return [...different.values()].flatMap((pdu) => (pdu['content'] as JsonObject)['body'] ?? []);
};

async function publicRoom(...peers: HostilePeer[]): Promise<PeerRoom> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const rooms: PeerRoom[] = [];
  for (const each of peers) rooms.push(await each.join(servers.at(0), roomId, 'tybalt'));
  const [room] = rooms;
  if (room === undefined) throw new Error('a room of nobody');
  return room;
}

/** Any signed request proves that the peer is alive. */
async function showLife(of: HostilePeer): Promise<void> {
  await of.call(servers.at(0), 'GET', `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(romeo.id)}`);
}

test('a server that was away for long catches up by the newest event of each room', async () => {
  const [lively, quiet] = [await publicRoom(peer), await publicRoom(peer)];
  peer.answer(() => undefined);
  const sent: string[] = [];
  for (let start = 0; start < LONG_OUTAGE_MESSAGES; start += SENDERS) {
    const burst = Array.from({ length: SENDERS }, (_, index) => romeo.send(lively.roomId, `message ${start + index}`));
    sent.push(...(await Promise.all(burst)));
  }
  const hush = await romeo.send(quiet.roomId, 'hush');
  const waiting = async () => (await servers.at(0).sql`select 1 from federation_catch_up where destination = ${peer.name}`).length;
  await expect.poll(waiting, WAIT).toBe(2);
  const [row] = await servers.at(0).sql<{ queued: number }[]>`select count(*)::int as queued from federation_queue`;
  expect(row?.queued).toBe(0);

  peer.seen.length = 0;
  peer.answer(taking);
  await showLife(peer);
  const newest = (await romeo.messages(lively.roomId, { limit: 1 }))[0]?.event_id;
  expect(sent).toContain(newest);
  await expect.poll(() => [idsTo(peer, lively), idsTo(peer, quiet)], WAIT).toEqual([[newest], [hush]]);
  await expect.poll(waiting, WAIT).toBe(0);
  const after = await romeo.send(lively.roomId, 'and on');
  await expect.poll(() => idsTo(peer, lively), WAIT).toEqual([newest, after]);
});

test('what waits for a server outlives a restart, and comes in order and at most fifty at a time', async () => {
  const room = await publicRoom(peer);
  peer.answer(() => undefined);
  const ids: string[] = [];
  for (let index = 0; index < 120; index += 1) ids.push(await romeo.send(room.roomId, `message ${index}`));
  await servers.at(0).restart();
  peer.answer(taking);
  peer.seen.length = 0;
  await showLife(peer);
  await expect.poll(() => idsTo(peer, room), WAIT).toEqual(ids);
  expect(Math.max(...transactionsTo(peer).map((transaction) => transaction.pdus.length))).toBe(50);
});

test('a server that answers nothing holds up no other', async () => {
  const room = await publicRoom(peer, other);
  const { promise: never, resolve: release } = Promise.withResolvers<object>();
  peer.answer((_method, path) => (isTransaction(path) ? never : undefined));
  try {
    for (let index = 0; index < 3; index += 1) await romeo.send(room.roomId, `message ${index}`);
    await expect.poll(() => textsTo(other), WAIT).toEqual(['message 0', 'message 1', 'message 2']);
    expect(textsTo(peer)).toEqual(['message 0']);
  } finally {
    release({ pdus: {} });
  }
  await expect.poll(() => textsTo(peer), WAIT).toEqual(['message 0', 'message 1', 'message 2']);
});

test('a transaction that is refused is sent in parts, so that one bad part holds up nothing else', async () => {
  const room = await publicRoom(peer);
  const taken: unknown[] = [];
  const { promise: first, resolve: release } = Promise.withResolvers<object>();
  let transactions = 0;
  peer.answer((_method, path, body) => {
    if (!isTransaction(path)) return undefined;
    transactions += 1;
    if (transactions === 1) return first; // so that the others go together
    const said = (body as Transaction).pdus.map((pdu) => (pdu['content'] as JsonObject)['body']);
    if (said.includes('poison')) return peerError(400, 'M_BAD_JSON');
    taken.push(...said);
    return { pdus: {} };
  });
  for (const text of ['before', 'good', 'poison', 'also good']) await romeo.send(room.roomId, text);
  release({ pdus: {} });
  await expect.poll(() => taken, WAIT).toEqual(['good', 'also good']);
  await romeo.send(room.roomId, 'after');
  await expect.poll(() => taken, WAIT).toEqual(['good', 'also good', 'after']);
});

test('a server is told of the kick that puts it out, after what was said before', async () => {
  const room = await publicRoom(peer);
  const said = await romeo.send(room.roomId, 'last words');
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/kick`, { user_id: room.userId });
  await romeo.send(room.roomId, 'behind its back');
  await expect
    .poll(() => pdusTo(peer).map((pdu) => (pdu['content'] as JsonObject)['membership'] ?? 'message'), WAIT)
    .toEqual(['message', 'leave']);
  expect(idsTo(peer, room)[0]).toBe(said);
});

test('what was said while a server was on its way in reaches it', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const path = (endpoint: string, last: string) =>
    `/_matrix/federation/${endpoint}/${encodeURIComponent(roomId)}/${encodeURIComponent(last)}`;
  const userId = `@mercutio:${peer.name}`;
  const made = await peer.call(servers.at(0), 'GET', `${path('v1/make_join', userId)}?ver=12`);
  const between = await romeo.send(roomId, 'said in between');
  const { event, id } = await peer.complete(made.body);
  expect((await peer.call(servers.at(0), 'PUT', path('v2/send_join', id), event)).status).toBe(200);
  await expect.poll(() => textsTo(peer), WAIT).toEqual(['said in between']);
  const after = await romeo.send(roomId, 'said after');
  await expect.poll(() => textsTo(peer), WAIT).toEqual(['said in between', 'said after']);
  expect(pdusTo(peer).at(-1)?.['prev_events']).toEqual(expect.arrayContaining([between, id]));
  expect(after).toBeTypeOf('string');
});

test('a join through us is told to the other servers of the room', async () => {
  const room = await publicRoom(peer);
  const { joinId } = await other.join(servers.at(0), room.roomId, 'benvolio');
  await expect.poll(() => idsTo(peer, room), WAIT).toEqual([joinId]);
});

test('messages to devices wait for a server that is away, and come once', async () => {
  await publicRoom(peer);
  peer.answer(() => undefined);
  const send = async (text: string) =>
    await romeo.call('PUT', `/_matrix/client/v3/sendToDevice/m.test/${nameOf(text)}`, {
      messages: { [`@tybalt:${peer.name}`]: { DEVICE: { text } } },
    });
  for (const text of ['one', 'two', 'three']) await send(text);
  await servers.at(0).restart();
  peer.seen.length = 0;
  peer.answer(taking);
  await showLife(peer);
  await send('four');
  const received = () =>
    transactionsTo(peer)
      .flatMap((transaction) => transaction.edus)
      .filter((edu) => edu.edu_type === 'm.direct_to_device')
      .map((edu) => JSON.stringify(edu.content['messages']).match(/"text":"(\w+)"/)?.[1]);
  await expect.poll(received, WAIT).toEqual(['one', 'two', 'three', 'four']);
});

test('the traffic to and from other servers is measured', async () => {
  const room = await publicRoom(peer);
  const said = await romeo.send(room.roomId, 'measured');
  await expect.poll(() => idsTo(peer, room), WAIT).toEqual([said]);
  const { event } = await room.event({ type: 'm.room.name', state_key: '', content: { name: 'not allowed' } });
  await peer.sendPdus(servers.at(0), [event]);
  const refused = async () => /federation_in_events_total\{outcome="rejected",reason="[^"]+"\} [1-9]/.test(await readMetrics());
  await expect.poll(refused, WAIT).toBe(true);
  await expect.poll(async () => (await readMetrics()).includes('blinkchat_federation_in_staged_events 0'), WAIT).toBe(true);
  await romeo.call('PUT', `/_matrix/client/v3/sendToDevice/m.test/${nameOf('measured')}`, {
    messages: { '@paris:gone.invalid': { DEVICE: {} } },
  });
  const text = await readMetrics();
  expect(text).toMatch(/blinkchat_federation_out_waiting_edus\{type="m.direct_to_device"\} [1-9]/);
  expect(text).toMatch(/blinkchat_federation_out_waiting_edu_bytes\{type="m.direct_to_device"\} [1-9]/);
  expect(text).toMatch(/blinkchat_federation_out_transactions_total\{class="steady",result="taken"\} \d+/);
  expect(text).toMatch(/blinkchat_federation_out_waiting_events\{place="disk"\} 0/);
  expect(text).toMatch(/blinkchat_federation_out_destinations\{class="failing"\} 0/);
  expect(text).toMatch(/blinkchat_federation_out_lag_positions 0/);
});
