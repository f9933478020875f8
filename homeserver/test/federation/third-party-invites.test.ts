import { randomBytes } from 'node:crypto';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startHostilePeer } from '../kit/hostile-peer.ts';
import { type IdentityServer, startIdentityServer } from '../kit/identity-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let identity: IdentityServer;
let romeo: TestUser;
let juliet: TestUser;
let mercutio: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  identity = await startIdentityServer(servers.ca);
  romeo = await servers.user('romeo', 0);
  mercutio = await servers.user('mercutio', 0);
  juliet = await servers.user('juliet', 1);
});
beforeEach(() => {
  identity.keysAreGood = true;
});
afterAll(async () => {
  await identity[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const V3 = '/_matrix/client/v3';
let count = 0;
const newAddress = () => `person${++count}@verona.test`;
const inviteOf = (address: string) => ({ id_server: identity.name, id_access_token: identity.accessToken, medium: 'email', address });
const invite = (user: TestUser, roomId: string, address: string) =>
  user.attempt('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, inviteOf(address));
const membershipOf = async (roomId: string, userId: string) =>
  (await romeo.state(roomId)).find((event) => event.type === 'm.room.member' && event.state_key === userId)?.content['membership'];
const findInvite = async (roomId: string) => (await romeo.state(roomId)).find((event) => event.type === 'm.room.third_party_invite');
const join = (user: TestUser, roomId: string, signed: unknown, via = '') =>
  user.attempt('POST', `${V3}/join/${encodeURIComponent(roomId)}?via=${via}`, { third_party_signed: signed });

test('an address that somebody is known by invites them, here and elsewhere', async () => {
  const [near, far] = [newAddress(), newAddress()];
  identity.know(near, mercutio.id);
  identity.know(far, juliet.id);
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  expect((await invite(romeo, roomId, near)).status).toBe(200);
  expect((await invite(romeo, roomId, far)).status).toBe(200);
  expect([await membershipOf(roomId, mercutio.id), await membershipOf(roomId, juliet.id)]).toEqual(['invite', 'invite']);
  expect(identity.seen.find((request) => request.path === '/lookup')?.authorization).toBe(`Bearer ${identity.accessToken}`);
  expect(JSON.stringify(identity.seen)).not.toContain(near);
});

test('an address that nobody is known by waits, and who turns out to own it is invited by their server', async () => {
  const [near, far] = [newAddress(), newAddress()];
  const roomId = await romeo.createRoom({ preset: 'private_chat', name: 'Balcony', invite_3pid: [inviteOf(near)] });
  expect((await invite(romeo, roomId, far)).status).toBe(200);
  expect(identity.seen.findLast((request) => request.path === '/store-invite')?.body).toMatchObject({
    room_id: roomId,
    sender: romeo.id,
    address: far,
    room_name: 'Balcony',
  });
  expect(await findInvite(roomId)).toMatchObject({
    sender: romeo.id,
    content: { public_keys: [expect.objectContaining({ public_key: expect.any(String) })] },
  });

  await identity.bind(near, mercutio.id, servers.at(0));
  expect(await membershipOf(roomId, mercutio.id)).toBe('invite');
  await mercutio.join(roomId);
  await identity.bind(far, juliet.id, servers.at(1));
  await expect.poll(() => membershipOf(roomId, juliet.id), { timeout: 15_000 }).toBe('invite');
  await juliet.join(roomId);
  expect(await membershipOf(roomId, juliet.id)).toBe('join');
  await identity.bind(far, juliet.id, servers.at(1));
  expect(await membershipOf(roomId, juliet.id)).toBe('join');
});

test('who has the proof joins by it, here and elsewhere, also when who invited has left', async () => {
  const [near, far] = [newAddress(), newAddress()];
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await invite(romeo, roomId, near);
  await invite(romeo, roomId, far);
  const [forNear] = await identity.prove(near, mercutio.id);
  expect((await join(mercutio, roomId, forNear?.['signed'])).status).toBe(200);
  await romeo.leave(roomId);
  const [forFar] = await identity.prove(far, juliet.id);
  expect((await join(juliet, roomId, forFar?.['signed'], servers.at(0).name)).status).toBe(200);
  await expect(juliet.send(roomId, 'here I am')).resolves.toMatch(/^\$/);
});

test('who may not invite, cannot be told apart from nobody, or asks a silent server, is refused', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', power_level_content_override: { invite: 50 } });
  await mercutio.join(roomId);
  const before = identity.seen.length;
  expect((await invite(mercutio, roomId, newAddress())).body['errcode']).toBe('M_FORBIDDEN');
  expect((await invite(juliet, roomId, newAddress())).body['errcode']).toBe('M_FORBIDDEN');
  expect(identity.seen).toHaveLength(before);
  const silent = { ...inviteOf(newAddress()), id_server: 'localhost:1' };
  expect((await romeo.attempt('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, silent)).status).toBe(502);
  const nonsense = { ...inviteOf(newAddress()), id_server: 'a/b?c' };
  expect((await romeo.attempt('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/invite`, nonsense)).body['errcode']).toBe(
    'M_INVALID_PARAM',
  );
});

test('a proof that is forged, for another, withdrawn, of a bad key or not to be checked lets nobody in', async () => {
  const address = newAddress();
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  await invite(romeo, roomId, address);
  const proof = (await identity.prove(address, mercutio.id))[0]?.['signed'] as JsonObject;
  const { signatures: _, ...plain } = proof;
  const forged = await signJson(plain, { ...identity.signer, seed: new Uint8Array(randomBytes(32)) });
  const another = (await identity.prove(address, juliet.id))[0]?.['signed'] as JsonObject;
  for (const bad of [forged, another, { ...proof, token: 'other' }, { ...proof, mxid: juliet.id }]) {
    expect((await join(mercutio, roomId, bad)).status).toBe(403);
  }
  identity.keysAreGood = false;
  expect((await join(mercutio, roomId, proof)).status).toBe(403);
  identity.keysAreGood = true;
  await romeo.setState(roomId, 'm.room.third_party_invite', {}, String(plain['token']));
  expect((await join(mercutio, roomId, proof)).status).toBe(403);
  expect(await membershipOf(roomId, mercutio.id)).toBeUndefined();
});

test('S3: an exchange whose path, event and origin disagree makes no invite', async () => {
  await using peer = await startHostilePeer(servers.ca);
  const address = newAddress();
  const target = `@tybalt:${peer.name}`;
  const roomId = await romeo.createRoom({ preset: 'private_chat' });
  const otherId = await romeo.createRoom({ preset: 'private_chat' });
  await invite(romeo, roomId, address);
  const signed = (await identity.prove(address, target))[0]?.['signed'] as JsonObject;
  const exchange = async (changes: JsonObject, path = roomId) => {
    const content = { membership: 'invite', third_party_invite: { display_name: 'x', signed } };
    const event = { type: 'm.room.member', room_id: roomId, sender: romeo.id, state_key: target, content, ...changes };
    return (await peer.call(servers.at(0), 'PUT', `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(path)}`, event))
      .status;
  };
  expect(await exchange({}, otherId)).toBe(400);
  expect(await exchange({ room_id: otherId }, otherId)).toBe(403);
  expect(await exchange({ type: 'm.room.power_levels' })).toBe(400);
  expect(await exchange({ content: { membership: 'join', third_party_invite: { signed } } })).toBe(400);
  expect(await exchange({ state_key: juliet.id })).toBe(403);
  expect(await exchange({ sender: target })).toBe(403);
  expect(await exchange({ sender: mercutio.id })).toBe(403);
  expect(await membershipOf(roomId, target)).toBeUndefined();
  const body = { medium: 'email', address, mxid: romeo.id, invites: await identity.prove(address, mercutio.id) };
  expect((await romeo.attempt('PUT', '/_matrix/federation/v1/3pid/onbind', body)).status).toBe(403);
});
