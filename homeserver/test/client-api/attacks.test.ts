import { gzipSync } from 'node:zlib';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { SLIDING_PATH } from '../kit/slide.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const V3 = '/_matrix/client/v3';
const enc = encodeURIComponent;

test('S20: who started a thread does not see by which transaction another answered', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const root = await romeo.send(roomId, 'root');
  await juliet.send(roomId, { msgtype: 'm.text', body: 'answer', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
  const bundled = await romeo.call('GET', `${V3}/rooms/${enc(roomId)}/event/${enc(root)}`);
  expect(JSON.stringify(bundled)).toContain('answer');
  const relationsOf = (event: Record<string, unknown>) => JSON.stringify((event['unsigned'] as JsonObject)['m.relations']);
  expect(relationsOf(bundled)).not.toContain('transaction_id');
  const own = await juliet.call('GET', `${V3}/rooms/${enc(roomId)}/event/${enc(root)}`);
  expect(relationsOf(own)).toContain('transaction_id');
});

test('S23: a pattern that takes a careless matcher for ever is matched, and rules are not without number', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const path = (id: string) => `${V3}/pushrules/global/content/${id}`;
  await juliet.call('PUT', path('evil'), { pattern: `${'a*'.repeat(100)}b`, actions: ['notify'] });
  await romeo.send(roomId, 'a'.repeat(50_000));
  const last = await romeo.send(roomId, 'still here');
  expect((await juliet.nextMessage(roomId)).content['body']).toHaveLength(50_000);
  expect(await juliet.nextMessage(roomId)).toMatchObject({ event_id: last });
  expect((await juliet.attempt('PUT', path('long'), { pattern: 'x'.repeat(100_000), actions: [] })).status).toBe(400);
});

test('S25: an invite full of nonsense harms nobody whom it reaches', async () => {
  const room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat', room_version: '11' }), 'tybalt');
  const roomId = `!trap:${peer.name}`;
  const invite = await room.event({
    room_id: roomId,
    type: 'm.room.member',
    state_key: juliet.id,
    content: { membership: 'invite', displayname: 7, is_direct: 'x' },
  });
  const nonsense: unknown[] = [
    { type: 'm.room.name', state_key: '', sender: 5, content: { name: 'no sender' } },
    { type: 'm.room.name', state_key: '', sender: room.userId, content: { name: { deeply: ['wrong'] } } },
    { type: 'm.room.create', state_key: '', sender: room.userId, content: { type: [] } },
    { type: 'm.room.member', state_key: 'nobody', sender: 'nobody', content: { membership: null } },
    { type: 'm.room.avatar', state_key: '', sender: room.userId, content: { url: 'javascript:alert(1)' } },
    { type: 'm.room.canonical_alias', content: {} },
    { __proto__: { polluted: true } },
    ...Array.from({ length: 200 }, (_, n) => ({ type: `m.${n}`, state_key: '', sender: room.userId, content: {} })),
  ];
  const body = { room_version: '11', event: invite.event, invite_room_state: nonsense } as JsonObject;
  const answer = await peer.call(server, 'PUT', `/_matrix/federation/v2/invite/${enc(roomId)}/${enc(invite.id)}`, body);
  expect(answer.status).toBe(200);
  const { rooms } = (await juliet.sync()) as { rooms: { invite: Record<string, { invite_state: { events: unknown[] } }> } };
  expect(rooms.invite[roomId]?.invite_state.events.length).toBeLessThanOrEqual(60);
  const sliding = await juliet.attempt('POST', SLIDING_PATH, {
    lists: { all: { ranges: [[0, 10]], timeline_limit: 1, required_state: [['*', '*']] } },
  });
  expect(sliding.status).toBe(200);
  await juliet.leave(roomId);
  expect((await juliet.attempt('GET', `${V3}/sync`)).status).toBe(200);
});

test('S27: a page of events that are kept from the room does not end its history', async () => {
  const room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
  const first = await romeo.send(room.roomId, 'at the bottom');
  const refused = await Promise.all(
    Array.from({ length: 50 }, (_, n) => room.event({ type: 'm.room.topic', state_key: '', content: { topic: `${n}` } })),
  );
  await peer.sendPdus(
    server,
    refused.map(({ event }) => event),
  );
  await expect.poll(() => storedKind(server, refused.at(-1)?.id ?? ''), { timeout: 15_000 }).toBe('rejected');
  await romeo.send(room.roomId, 'on top');
  const page = (await romeo.messages(room.roomId, { limit: 2 })).map((event) => event.content['body']);
  expect(page).toEqual(['on top', 'at the bottom']);
  expect((await romeo.messages(room.roomId, { limit: 3 })).map((event) => event.event_id)).toContain(first);
});

test('S29: neither an odd content type nor a compressed bomb is unpacked', async () => {
  const headers = { Authorization: `Bearer ${romeo.accessToken}` };
  const roomId = await romeo.createRoom({});
  const url = `${server.url}${V3}/rooms/${enc(roomId)}/send/m.room.message`;
  const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));
  const zipped = await fetch(`${url}/t1`, {
    method: 'PUT',
    headers: { ...headers, 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
    body: bomb,
  });
  expect(zipped.status).toBeGreaterThanOrEqual(400);
  expect(zipped.status).toBeLessThan(500);
  const parts = `--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n${'y'.repeat(2_000_000)}\r\n--x--`;
  const multipart = await fetch(`${url}/t2`, {
    method: 'PUT',
    headers: { ...headers, 'Content-Type': 'multipart/form-data; boundary=x' },
    body: parts,
  });
  expect([400, 413]).toContain(multipart.status);
});

test('S31: addresses, names and secrets as long as a book are refused', async () => {
  const long = 'x'.repeat(20_000);
  const token = (body: JsonObject) =>
    romeo.attempt('POST', `${V3}/account/3pid/email/requestToken`, { client_secret: 'abc', send_attempt: 1, ...body });
  expect((await token({ email: `${long}@verona.test` })).status).toBe(400);
  expect((await token({ email: 'a@verona.test', client_secret: long })).status).toBe(400);
  const roomId = await romeo.createRoom({});
  const byAddress = { id_server: 'localhost:1', id_access_token: 'x', medium: 'email', address: `${long}@verona.test` };
  expect((await romeo.attempt('POST', `${V3}/rooms/${enc(roomId)}/invite`, byAddress)).status).toBeGreaterThanOrEqual(400);
  expect((await romeo.attempt('PUT', `${V3}/profile/${enc(romeo.id)}/displayname`, { displayname: 'x'.repeat(100_000) })).status).toBe(400);
});

test('S33: a room is not made with a thousand invites', async () => {
  const invite = Array.from({ length: 1_000 }, (_, n) => `@n${n}:elsewhere.test`);
  expect((await romeo.attempt('POST', `${V3}/createRoom`, { invite })).status).toBe(400);
});

test('S34: what is asked for without measure is answered within measure, and a tree that bites its tail has an end', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
  const other = await romeo.createRoom({ preset: 'public_chat', creation_content: { type: 'm.space' } });
  await romeo.setState(roomId, 'm.space.child', { via: [server.name] }, other);
  await romeo.setState(other, 'm.space.child', { via: [server.name] }, roomId);
  const eventId = await romeo.send(roomId, 'one');
  const tree = (await romeo.call('GET', `/_matrix/client/v1/rooms/${enc(roomId)}/hierarchy?limit=999999&max_depth=999999`)) as {
    rooms: unknown[];
  };
  expect(tree.rooms).toHaveLength(2);
  for (const path of [`messages?dir=b&limit=999999999`, `context/${enc(eventId)}?limit=999999999`]) {
    expect((await romeo.attempt('GET', `${V3}/rooms/${enc(roomId)}/${path}`)).status).toBe(200);
  }
  expect((await romeo.attempt('GET', `${V3}/sync?filter=${enc('{"room":{"timeline":{"limit":999999999}}}')}`)).status).toBe(200);
});
