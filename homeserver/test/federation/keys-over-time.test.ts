import { randomBytes } from 'node:crypto';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, signedKeyList, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { callServer } from '../kit/test-user.ts';

const DAY_MS = 86_400_000;
const QUESTION = '/_matrix/federation/v1/publicRooms?limit=1';
const cleanup = createCleanup();
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;

beforeAll(async () => {
  servers = cleanup.use(await startServers(1));
  server = servers.at(0);
});
afterAll(cleanup.run);
beforeEach(async () => {
  peer = await startHostilePeer(servers.ca);
  return async () => await peer[Symbol.asyncDispose]();
});

const newSeed = () => new Uint8Array(randomBytes(32));
const keyOf = (seed: Uint8Array) => ({ key: encodeBase64(ed25519PublicKey(seed)) });
const ask = async () => (await peer.call(server, 'GET', QUESTION)).status;
const askedForKeys = () => peer.seen.filter(({ path }) => path.startsWith('/_matrix/key/')).length;

async function askNotary(criteria: Record<string, object>): Promise<JsonObject[]> {
  const { body } = await callServer(server.url, 'POST', '/_matrix/key/v2/query', { server_keys: { [peer.name]: criteria } });
  return body['server_keys'] as JsonObject[];
}
const idsOf = (lists: JsonObject[]) => lists.map((list) => Object.keys(list['verify_keys'] as JsonObject));

test('a server that has a new key is believed at once, and one that names keys it never had is not asked without end', async () => {
  expect(await ask()).toBe(200);
  const { signer } = peer;
  Object.assign(signer, { keyId: 'ed25519:newer', seed: newSeed() });
  expect(await ask()).toBe(200);
  expect(askedForKeys()).toBe(2);
  const { keyId, seed } = signer;
  peer.answerKeys(() => signedKeyList({ ...signer, keyId, seed }));
  Object.assign(signer, { keyId: 'ed25519:unheard' });
  for (let times = 0; times < 5; times += 1) expect(await ask()).toBe(401);
  expect(askedForKeys()).toBe(3);
  Object.assign(signer, { keyId });
  expect(await ask()).toBe(200);
});

test('a server that was set up anew may use the name of its old key for another, as long as the new one lasts', async () => {
  expect(await ask()).toBe(200);
  const old = peer.signer.seed;
  Object.assign(peer.signer, { seed: newSeed() });
  expect(await ask(), 'the old key is still known by that name').toBe(401);
  peer.answerKeys(() => signedKeyList(peer.signer, { valid_until_ts: Date.now() + 3 * DAY_MS }));
  await askNotary({ [peer.signer.keyId]: { minimum_valid_until_ts: Date.now() + 2 * DAY_MS } });
  expect(await ask()).toBe(200);

  const { seed } = peer.signer;
  Object.assign(peer.signer, { seed: old });
  peer.answerKeys(() => signedKeyList(peer.signer, { valid_until_ts: Date.now() - DAY_MS }));
  await askNotary({ [peer.signer.keyId]: { minimum_valid_until_ts: Date.now() + 4 * DAY_MS } });
  Object.assign(peer.signer, { seed });
  expect(await ask(), 'a list that is over takes no key away').toBe(200);
});

test('a notary tells of a key that the server itself mentions no more', async () => {
  const old = { ...peer.signer };
  expect(idsOf(await askNotary({}))).toEqual([[old.keyId]]);
  const newer = { ...old, keyId: 'ed25519:newer', seed: newSeed() };
  peer.answerKeys(() => signedKeyList(newer, { valid_until_ts: Date.now() + 2 * DAY_MS }));
  const wanted = { minimum_valid_until_ts: Date.now() + 1.5 * DAY_MS };
  expect(idsOf(await askNotary({ [newer.keyId]: wanted }))).toEqual([[newer.keyId]]);
  const both = await askNotary({ [old.keyId]: {}, [newer.keyId]: {} });
  expect(idsOf(both)).toEqual([[newer.keyId], [old.keyId]]);
  for (const list of both) expect(Object.keys(list['signatures'] as JsonObject).sort()).toEqual([peer.name, server.name].sort());
  expect(idsOf(await askNotary({}))).toEqual([[newer.keyId]]);
  const { body } = await callServer(server.url, 'GET', `/_matrix/key/v2/query/${encodeURIComponent(peer.name)}/${old.keyId}`);
  expect(idsOf(body['server_keys'] as JsonObject[])).toEqual([[newer.keyId], [old.keyId]]);
});

test('a key that is retired by name needs no older list', async () => {
  const old = { ...peer.signer };
  await askNotary({});
  const newer = { ...old, keyId: 'ed25519:newer', seed: newSeed() };
  const retired = { [old.keyId]: { ...keyOf(old.seed), expired_ts: Date.now() } };
  peer.answerKeys(() => signedKeyList(newer, { valid_until_ts: Date.now() + 2 * DAY_MS, old_verify_keys: retired }));
  const lists = await askNotary({ [old.keyId]: { minimum_valid_until_ts: Date.now() + 1.5 * DAY_MS } });
  expect(idsOf(lists)).toEqual([[newer.keyId]]);
  expect(lists[0]?.['old_verify_keys']).toEqual(retired);
});

test('a key that a server did not have just now is not asked for again by its notary', async () => {
  await askNotary({});
  const before = askedForKeys();
  for (let times = 0; times < 4; times += 1) expect(idsOf(await askNotary({ 'ed25519:unheard': {} }))).toEqual([[peer.signer.keyId]]);
  expect(askedForKeys() - before).toBe(0);
});

test('a list that is signed with null for what it has not is read as it was signed', async () => {
  peer.answerKeys(() => signedKeyList(peer.signer, { old_verify_keys: null, comment: null }));
  expect(await ask()).toBe(200);
  expect(await askNotary({})).toMatchObject([{ old_verify_keys: null, comment: null }]);
});

test('of two notaries the second is asked for what the first cannot tell, and one odd list hides no other', async () => {
  await using first = await startHostilePeer(servers.ca);
  await using second = await startHostilePeer(servers.ca);
  await using asking = await startServers(1, { ca: servers.ca, config: { keyNotaries: [first.name, second.name] } });
  const older = { ...peer.signer };
  Object.assign(peer.signer, { keyId: 'ed25519:newer', seed: newSeed() });
  peer.answerKeys(() => undefined);
  const listsOf = (lists: unknown[]) => (_method: string, path: string) =>
    path.includes('/key/v2/query') ? { server_keys: lists } : undefined;
  const outdated = await signJson(await signedKeyList(older), first.signer);
  const fresh = await signJson(await signedKeyList(peer.signer), second.signer);
  first.answer(listsOf([outdated]));
  second.answer(listsOf([null, { server_name: peer.name, verify_keys: 'none' }, fresh]));
  expect((await peer.call(asking.at(0), 'GET', QUESTION)).status).toBe(200);
  expect(second.seen.filter(({ path }) => path.includes('/key/v2/query'))).toHaveLength(1);
});
