import { randomBytes } from 'node:crypto';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { addEventSignature } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, lie, type PeerRoom, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 10_000 };
let servers: TestServers;
let server: TestServer;
let judge: HostilePeer;
let peer: HostilePeer;
let romeo: TestUser;
let policyKey: Signer;
let roomId: string;
let judgeRoom: PeerRoom;
let room: PeerRoom;

beforeAll(async () => {
  servers = await startServers(1, { config: { policyServerKey: 'YWJj' } });
  server = servers.at(0);
  judge = await startHostilePeer(servers.ca);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  policyKey = { serverName: judge.name, keyId: 'ed25519:policy_server', seed: new Uint8Array(randomBytes(32)) };
});
beforeEach(async () => {
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  judgeRoom = await judge.join(server, roomId, 'escalus');
  room = await peer.join(server, roomId, 'tybalt');
  judge.answer(judgeBy(() => true));
  await romeo.setState(roomId, 'm.room.policy', policy());
  judge.seen.length = 0;
});
afterAll(async () => {
  await judge[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const policy = () => ({ via: judge.name, public_keys: { ed25519: encodeBase64(ed25519PublicKey(policyKey.seed)) } });
const isPolicyPath = (path: string) => path === '/_matrix/policy/v1/sign' || path === '/_matrix/policy/unstable/org.matrix.msc4284/sign';
const countAsked = () => judge.seen.filter((request) => isPolicyPath(request.path)).length;

async function signedByPolicy(event: Pdu, signer = policyKey): Promise<Pdu> {
  return await addEventSignature(event, room.rules, signer);
}

/** Has the policy server sign what is good, and refuse the rest in its own words. */
function judgeBy(isGood: (event: Pdu) => boolean, path = '/_matrix/policy/v1/sign') {
  return async (_method: string, asked: string, body: unknown) => {
    if (asked !== path) return isPolicyPath(asked) ? peerError(404, 'M_UNRECOGNIZED') : undefined;
    if (!isGood(body as Pdu)) return lie({ status: 400, body: JSON.stringify({ errcode: 'M_FORBIDDEN', error: 'no spam here' }) });
    const { signatures } = await signedByPolicy(body as Pdu);
    return { [judge.name]: { [policyKey.keyId]: signatures[judge.name]?.[policyKey.keyId] } };
  };
}

async function storedSignatures(eventId: string): Promise<Record<string, Record<string, string>>> {
  const [row] = await server.sql<{ json: string }[]>`select json from events where event_id = ${eventId}`;
  return JSON.parse(row?.json ?? '{}').signatures;
}

test('what is said here goes out with the signature of the policy server', async () => {
  const eventId = await romeo.send(roomId, 'Peace');
  expect(countAsked()).toBe(1);
  expect((await storedSignatures(eventId))[judge.name]).toHaveProperty([policyKey.keyId]);
  judge.answer(judgeBy(() => true, '/_matrix/policy/unstable/org.matrix.msc4284/sign'));
  const older = await romeo.send(roomId, 'Peace again');
  expect((await storedSignatures(older))[judge.name]).toHaveProperty([policyKey.keyId]);
});

test('what the policy server refuses is refused in its words, and is nowhere', async () => {
  judge.answer(judgeBy((event) => event.content['body'] !== 'spam'));
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t1`;
  const refused = await romeo.attempt('PUT', path, { msgtype: 'm.text', body: 'spam' });
  expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_FORBIDDEN', error: 'no spam here' } });
  const [row] = await server.sql<{ count: number }[]>`select count(*)::bigint as count from events where json like '%spam%'`;
  expect(row?.count).toBe(0);
  await expect(romeo.send(roomId, 'no meat')).resolves.toMatch(/^\$/);
});

test('a signature by another key than the room knows does not count', async () => {
  const other = { ...policyKey, seed: new Uint8Array(randomBytes(32)) };
  judge.answer(async (_method, path, body) => (isPolicyPath(path) ? (await signedByPolicy(body as Pdu, other)).signatures : undefined));
  await expect(romeo.send(roomId, 'Peace')).rejects.toThrow('403');
});

test('what comes from elsewhere is shown when the policy server signed it, or does so now', async () => {
  judge.answer(judgeBy((event) => event.content['body'] !== 'spam'));
  const [bare, spam, signed] = [
    await room.event({}),
    await room.event({ content: { body: 'spam' } }),
    await room.event({ content: { body: 'signed' } }),
  ];
  await peer.sendPdus(server, [await signedByPolicy(signed.event)]);
  await expect.poll(() => storedKind(server, signed.id), WAIT).toBe('timeline');
  expect(countAsked()).toBe(0);
  await peer.sendPdus(server, [bare.event, spam.event]);
  await expect.poll(() => storedKind(server, bare.id), WAIT).toBe('timeline');
  await expect.poll(() => storedKind(server, spam.id), WAIT).toBe('soft_failed');
  expect((await storedSignatures(bare.id))[judge.name]).toHaveProperty([policyKey.keyId]);
  expect((await romeo.messages(roomId)).some((event) => event.event_id === spam.id)).toBe(false);
});

test('a room gets rid of its policy server without asking it, also by its leaving', async () => {
  judge.answer(judgeBy(() => false));
  await expect(romeo.send(roomId, 'stuck')).rejects.toThrow('400');
  await romeo.setState(roomId, 'm.room.policy', {});
  await expect(romeo.send(roomId, 'free')).resolves.toMatch(/^\$/);

  await romeo.setState(roomId, 'm.room.policy', policy());
  const before = countAsked();
  judge.answer(judgeBy(() => true));
  const leave = await judgeRoom.event({ type: 'm.room.member', state_key: judgeRoom.userId, content: { membership: 'leave' } });
  await judge.sendPdus(server, [await signedByPolicy(leave.event)]);
  await expect.poll(() => storedKind(server, leave.id), WAIT).toBe('timeline');
  await romeo.send(roomId, 'nobody judges');
  expect(countAsked()).toBe(before);
});

test('a policy server that is silent lets nothing pass, and holds up nobody who takes it away', async () => {
  judge.answer(() => lie({ status: 500 }));
  await expect(romeo.send(roomId, 'Peace')).rejects.toThrow('502');
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  judge.answer(async (_method, path) => {
    if (!isPolicyPath(path)) return undefined;
    asked.resolve();
    await held.promise;
    return undefined;
  });
  const waiting = Promise.allSettled(['Peace', 'I hate the word'].map((text) => romeo.send(roomId, text)));
  await asked.promise;
  const fromElsewhere = await room.event({ type: 'm.room.message', content: { body: 'signed' } });
  await peer.sendPdus(server, [await signedByPolicy(fromElsewhere.event)]);
  await expect.poll(() => storedKind(server, fromElsewhere.id), WAIT).toBe('timeline');
  await romeo.setState(roomId, 'm.room.policy', {});
  await expect(romeo.send(roomId, 'free')).resolves.toMatch(/^\$/);
  held.resolve();
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('what comes from elsewhere while the policy server is silent is shown once it has been seen', async () => {
  judge.answer((_method, path) => (isPolicyPath(path) ? lie({ status: 503 }) : undefined));
  const [late, limited] = [await room.event({ content: { body: 'late' } }), await room.event({ content: { body: 'limited' } })];
  await peer.sendPdus(server, [late.event]);
  await expect.poll(countAsked, WAIT).toBeGreaterThan(0);
  judge.answer((_method, path) => (isPolicyPath(path) ? peerError(429, 'M_LIMIT_EXCEEDED') : undefined));
  const before = countAsked();
  await peer.sendPdus(server, [limited.event]);
  await expect.poll(countAsked, WAIT).toBeGreaterThan(before);
  expect([await storedKind(server, late.id), await storedKind(server, limited.id)]).toEqual([undefined, undefined]);
  judge.answer(judgeBy(() => true));
  await expect.poll(() => storedKind(server, late.id), WAIT).toBe('timeline');
  await expect.poll(() => storedKind(server, limited.id), WAIT).toBe('timeline');
});

test('what the policy server never gives a verdict on is kept from the room in the end', async () => {
  judge.answer((_method, path) => (isPolicyPath(path) ? lie({ status: 503 }) : undefined));
  const { event, id } = await room.event({ content: { body: 'never seen' } });
  await peer.sendPdus(server, [event]);
  await expect.poll(countAsked, WAIT).toBeGreaterThan(0);
  await server.sql`update federation_staged set attempts = 9, retry_at = 0 where event_id = ${id}`;
  const next = await room.event({ content: { body: 'signed' } });
  await peer.sendPdus(server, [await signedByPolicy(next.event)]);
  await expect.poll(() => storedKind(server, id), WAIT).toBe('soft_failed');
  await expect.poll(() => storedKind(server, next.id), WAIT).toBe('timeline');
});

test('the key of a policy server of this name is shown to whoever wants to use it', async () => {
  expect((await callServer(server.url, 'GET', '/.well-known/matrix/policy_server')).body).toEqual({ public_keys: { ed25519: 'YWJj' } });
  expect((await callServer(server.url, 'POST', '/_matrix/policy/v1/sign', {})).body['errcode']).toBe('M_UNRECOGNIZED');
});
