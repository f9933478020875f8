import { randomBytes } from 'node:crypto';
import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, rawJson, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const WAIT = { timeout: 20_000 };
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  peer.answer(() => undefined);
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type Made = { event: Pdu; id: string };
const idOf = (event: Pdu) => eventIdOf(event, room.rules);
const findState = (type: string) => room.state.find((event) => event.type === type);
const list = (events: readonly Pdu[]) => ({ origin: peer.name, origin_server_ts: 1, pdus: events });

/** An event in romeo's name that only somebody with his server's key could have signed. */
async function forge(changes: Partial<PduDraft>): Promise<Made> {
  const draft = { ...(await room.event({ sender: romeo.id, ...changes })).event };
  const { hashes: _, signatures: __, ...unsigned } = draft;
  const event = await signEvent(unsigned, room.rules, {
    serverName: server.name,
    keyId: 'ed25519:x',
    seed: new Uint8Array(randomBytes(32)),
  });
  return { event, id: idOf(event) };
}

/** The peer takes power, it says. */
const coup = () => forge({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.userId]: 100 } } });

async function sendGood(): Promise<void> {
  const good = await room.event({});
  await peer.sendPdus(server, [good.event]);
  await expect.poll(() => storedKind(server, good.id), WAIT).toBe('timeline');
}

async function hasPower(): Promise<boolean> {
  const levels = (await romeo.state(room.roomId)).find((event) => event.type === 'm.room.power_levels')?.content['users'] as JsonObject;
  return levels[room.userId] !== undefined;
}

test('S4: forged events are not taken from any answer of a server that is asked for what is missing', async () => {
  const forged = await coup();
  const lost = await room.event({ content: { body: 'lost' } });
  const orphan = await room.event({ content: { body: 'orphan' }, prev_events: [lost.id], depth: 9 });
  const citing = await room.event({ content: { body: 'citing' }, auth_events: [forged.id, room.joinId] });
  const state = [...room.state.filter((event) => event.type !== 'm.room.power_levels'), forged.event];
  const asked: string[] = [];
  peer.answer((_method, path) => {
    asked.push(path.split('/')[4] ?? '');
    if (path.includes('/get_missing_events/')) return { events: [forged.event] };
    if (path.includes('/state_ids/')) return { pdu_ids: state.map(idOf), auth_chain_ids: [] };
    if (path.includes('/state/')) return { pdus: state, auth_chain: [forged.event] };
    if (path.includes('/event_auth/')) return { auth_chain: [forged.event] };
    if (path.includes('/backfill/')) return list([forged.event]);
    return path.includes('/event/') ? list([path.includes(encodeURIComponent(forged.id)) ? forged.event : lost.event]) : undefined;
  });
  await peer.sendPdus(server, [orphan.event, citing.event]);
  await expect.poll(() => storedKind(server, citing.id), WAIT).toBe('rejected');
  await romeo.messages(room.roomId);
  await sendGood();
  expect(asked).toEqual(expect.arrayContaining(['get_missing_events', 'state_ids', 'event_auth', 'event']));
  expect(await storedKind(server, forged.id)).toBeUndefined();
  expect(await hasPower()).toBe(false);
});

test('S5: a join for which somebody here is said to vouch is nothing without our signature', async () => {
  const allowed = await romeo.createRoom({ preset: 'private_chat' });
  const rule = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: allowed }] };
  await romeo.setState(room.roomId, 'm.room.join_rules', rule);
  const [joinRules] = await server.sql<{ id: string }[]>`
    select e.event_id as id from events e join rooms r using (room_nid) where r.room_id = ${room.roomId} and e.type = 'm.room.join_rules' order by position desc limit 1`;
  const [own] = await server.sql<{ id: string }[]>`
    select e.event_id as id from events e join rooms r using (room_nid) where r.room_id = ${room.roomId} and e.json like ${`%"state_key":"${romeo.id}"%`} limit 1`;
  const paris = `@paris:${peer.name}`;
  const join = await room.event({
    type: 'm.room.member',
    sender: paris,
    state_key: paris,
    content: { membership: 'join', join_authorised_via_users_server: romeo.id },
    auth_events: [joinRules?.id ?? '', own?.id ?? '', idOf(findState('m.room.power_levels') as Pdu)],
  });
  await peer.sendPdus(server, [join.event]);
  await sendGood();
  expect(await storedKind(server, join.id)).toBeUndefined();
});

test('S6: what a member without power may not do is rejected, each thing', async () => {
  const member = (userId: string, membership: string) => ({ type: 'm.room.member', state_key: userId, content: { membership } });
  const attempts: Partial<PduDraft>[] = [
    { type: 'm.room.power_levels', state_key: '', content: { users: { [room.userId]: 100 } } },
    { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'invite' } },
    { type: 'm.room.server_acl', state_key: '', content: { allow: [peer.name] } },
    { type: 'm.room.tombstone', state_key: '', content: { body: '', replacement_room: '!x' } },
    { type: 'm.room.create', state_key: 'x', content: { room_version: '12' } },
    { type: 'm.x', state_key: romeo.id, content: {} },
    member(romeo.id, 'ban'),
    member(romeo.id, 'leave'),
    member(romeo.id, 'join'),
    member(`@paris:${peer.name}`, 'join'),
    member(room.userId, 'emperor'),
  ];
  const state = await romeo.state(room.roomId);
  for (const attempt of attempts) {
    const { event } = await room.event(attempt);
    await peer.sendPdus(server, [event]);
  }
  await sendGood();
  const [row] = await server.sql<{ count: number }[]>`
    select count(*)::bigint as count from events e join rooms r using (room_nid)
    where r.room_id = ${room.roomId} and e.kind = 0 and e.key_nid is not null`;
  expect(row?.count).toBe(state.length);
  expect(await romeo.state(room.roomId)).toHaveLength(state.length);
});

test('S7: a rejected event is no state, for nobody who builds upon it or cites it', async () => {
  const rejected = await room.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.userId]: 100 } } });
  const built = await room.event({ content: { body: 'upon it' }, prev_events: [rejected.id], depth: 9 });
  const citing = await room.event({
    type: 'm.room.name',
    state_key: '',
    content: { name: 'Mantua' },
    prev_events: [built.id],
    depth: 10,
    auth_events: [rejected.id, room.joinId],
  });
  const onIt = await room.event({ content: { body: 'on that' }, prev_events: [citing.id], depth: 11 });
  await peer.sendPdus(server, [rejected.event, built.event, citing.event, onIt.event]);
  await expect.poll(() => storedKind(server, onIt.id), WAIT).toBe('timeline');
  expect([await storedKind(server, rejected.id), await storedKind(server, built.id), await storedKind(server, citing.id)]).toEqual([
    'rejected',
    'timeline',
    'rejected',
  ]);
  expect(await hasPower()).toBe(false);
  const query = `?event_id=${encodeURIComponent(onIt.id)}`;
  const told = await peer.call(server, 'GET', `/_matrix/federation/v1/state_ids/${encodeURIComponent(room.roomId)}${query}`);
  const ids = told.body['pdu_ids'] as string[];
  expect(ids).toContain(idOf(findState('m.room.power_levels') as Pdu));
  expect(ids).not.toContain(rejected.id);
  expect(ids).not.toContain(citing.id);
});

test('S8: a rejected auth event, one that is of no use to the event, and one that is a message allow nothing', async () => {
  const rejected = await room.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.userId]: 100 } } });
  const message = await room.event({ content: { body: 'a message' } });
  await peer.sendPdus(server, [rejected.event, message.event]);
  await expect.poll(() => storedKind(server, message.id), WAIT).toBe('timeline');
  const powers = idOf(findState('m.room.power_levels') as Pdu);
  const lists = [
    [rejected.id, room.joinId],
    [powers, room.joinId, message.id],
    [powers, room.joinId, idOf(findState('m.room.history_visibility') as Pdu)],
    [powers],
  ];
  for (const auth of lists) {
    const bad = await room.event({ content: { body: auth.join() }, auth_events: auth });
    await peer.sendPdus(server, [bad.event]);
    await expect.poll(() => storedKind(server, bad.id), WAIT).toBe('rejected');
  }
  await sendGood();
});

test('S12: numbers that JSON has and events must not, and keys said twice, spoil only the event that has them', async () => {
  const good = await room.event({ content: { body: 'fine' } });
  const transaction = (pdus: string) => `{"origin":"${peer.name}","origin_server_ts":1,"pdus":[${pdus}]}`;
  const text = JSON.stringify((await room.event({ content: { body: 'odd', n: 7 } })).event);
  const odd = ['-0.0', '1.0', '9007199254740993', '1E3', '123456789012345678901234567890'].map((n) => text.replace('"n":7', `"n":${n}`));
  const path = (txnId: string) => `/_matrix/federation/v1/send/${nameOf(txnId)}`;
  const answer = await peer.call(server, 'PUT', path('odd'), rawJson(transaction([...odd, JSON.stringify(good.event)].join(','))));
  expect(answer.status).toBe(200);
  await expect.poll(() => storedKind(server, good.id), WAIT).toBe('timeline');
  const endless = rawJson(transaction(text.replace('"n":7', '"n":1e400')), {});
  expect([400, 401]).toContain((await peer.call(server, 'PUT', path('endless'), endless)).status);
  const twice = text.replace('"content":', '"content":{"body":"first"},"content":');
  const doubled = await peer.call(server, 'PUT', path('twice'), rawJson(transaction(twice)));
  expect([200, 400, 401]).toContain(doubled.status);
  await sendGood();
  const [row] = await server.sql<
    { count: number }[]
  >`select count(*)::bigint as count from events where (json like '%"odd"%' and json not like '%"n":7%') or json like '%"first"%'`;
  expect(row?.count).toBe(0);
});

test('S13: names that mean something to a program are only names, and no depth of nesting stops the server', async () => {
  const polluting = await room.event({
    content: JSON.parse(
      '{"body":"x","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}',
    ) as JsonObject,
  });
  await peer.sendPdus(server, [polluting.event]);
  await expect.poll(() => storedKind(server, polluting.id), WAIT).toBe('timeline');
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  const shown = (await romeo.messages(room.roomId)).find((event) => event.event_id === polluting.id);
  expect(Object.keys(shown?.content ?? {})).toEqual(expect.arrayContaining(['__proto__', 'constructor', 'toString']));

  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const bomb = rawJson(`{"origin":"${peer.name}","origin_server_ts":1,"pdus":[{"content":${deep}}]}`, {});
  const answer = await peer.call(server, 'PUT', '/_matrix/federation/v1/send/deep', bomb);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  const long = 'x'.repeat(256);
  for (const changes of [{ type: long }, { type: 'm.x', state_key: long }, { sender: `@${long}:${peer.name}` }, { room_id: `!${long}` }]) {
    const { event } = await room.event({});
    await peer.sendPdus(server, [{ ...event, ...changes }]);
  }
  await sendGood();
});

test('S32: a server with too many events waiting is told to come later, and loses nothing', async () => {
  const { event, id } = await room.event({});
  await server.sql`
    insert into federation_staged (origin, room_id, event_id, json, retry_at)
    select ${peer.name}, '!waiting', '$' || n, '{}', 9000000000000 from generate_series(1, 5001) n`;
  const refused = await peer.sendPdus(server, [event]);
  expect([refused.status, refused.body['errcode']]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  await server.sql`delete from federation_staged where origin = ${peer.name}`;
  expect((await peer.sendPdus(server, [event])).status).toBe(200);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('timeline');
});

test('S12: the greatest depth neither lifts an event above the others nor stops the next', async () => {
  const deep = await room.event({ content: { body: 'deep' }, depth: Number.MAX_SAFE_INTEGER });
  await peer.sendPdus(server, [deep.event]);
  await expect.poll(() => storedKind(server, deep.id), WAIT).toBe('timeline');
  for (const text of ['after it', 'and after that']) await romeo.send(room.roomId, text);
  const bodies = (await romeo.messages(room.roomId))
    .filter((event) => event.type === 'm.room.message')
    .map((event) => event.content['body']);
  expect(bodies).toEqual(['and after that', 'after it', 'deep']);
});

test('a redaction that is kept from the room, or is about another one, takes nothing away', async () => {
  const otherId = await romeo.createRoom({ preset: 'public_chat' });
  const [here, there] = [await romeo.send(room.roomId, 'here'), await romeo.send(otherId, 'there')];
  const own = await room.event({ content: { body: 'own' } });
  await peer.sendPdus(server, [own.event]);
  await expect.poll(() => storedKind(server, own.id), WAIT).toBe('timeline');
  const redact = (target: string) =>
    room.event({ type: 'm.room.redaction', content: { redacts: target }, prev_events: [own.id], depth: 9 });
  const [foreign, powerless] = [await redact(there), await redact(here)];
  await peer.sendPdus(server, [foreign.event, powerless.event]);
  await expect.poll(() => storedKind(server, powerless.id), WAIT).toBe('timeline');
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(room.roomId)}/ban`, { user_id: room.userId });
  const late = await redact(own.id);
  await peer.sendPdus(server, [late.event]);
  await expect.poll(() => storedKind(server, late.id), WAIT).toBe('soft_failed');
  const rows = await server.sql<{ json: string }[]>`select json from events where event_id = any(${[here, there, own.id]}::text[])`;
  expect(rows.map((row) => JSON.parse(row.json).content.body).sort()).toEqual(['here', 'own', 'there']);
});
