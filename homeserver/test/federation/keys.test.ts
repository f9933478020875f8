import { randomBytes } from 'node:crypto';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { type Signer, signJson, verifyJson } from 'federation-spec/signing/sign-json.ts';
import { expect, test } from 'vitest';
import { rotateSigningKey } from '../../src/config/secrets.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { signedKeyList, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import { callServer } from '../kit/test-user.ts';

const DAY_MS = 86_400_000;
const publicKeyOf = ({ seed }: Signer) => encodeBase64(ed25519PublicKey(seed));

async function listKeys(server: TestServer, path = '/_matrix/key/v2/server'): Promise<JsonObject> {
  return (await callServer(server.url, 'GET', path)).body as JsonObject;
}

async function askNotary(server: TestServer, about: string, minimumValidUntil?: number): Promise<JsonObject[]> {
  const query = minimumValidUntil === undefined ? '' : `?minimum_valid_until_ts=${minimumValidUntil}`;
  const { body } = await callServer(server.url, 'GET', `/_matrix/key/v2/query/${encodeURIComponent(about)}${query}`);
  return body['server_keys'] as JsonObject[];
}

test('a server tells its keys, also when an old server asks for one by name', async () => {
  await using servers = await startServers(1);
  const list = await listKeys(servers.at(0));
  expect(list).toMatchObject({ server_name: servers.at(0).name, old_verify_keys: {} });
  expect(Number(list['valid_until_ts'])).toBeGreaterThan(Date.now() + DAY_MS);
  const [[keyId, { key }] = ['', { key: '' }]] = Object.entries(list['verify_keys'] as Record<string, { key: string }>);
  const publicKey = new Uint8Array(Buffer.from(key, 'base64'));
  expect(await verifyJson(list, { serverName: servers.at(0).name, keyId, publicKey })).toBe(true);
  expect(await listKeys(servers.at(0), `/_matrix/key/v2/server/${encodeURIComponent(keyId)}`)).toEqual(list);
});

test('after a new key was made, what the old one signed is still believed', async () => {
  await using servers = await startServers(2);
  const [here, there] = [servers.at(0), servers.at(1)];
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const [oldKeyId = ''] = Object.keys((await listKeys(here))['verify_keys'] as JsonObject);
  await here.stop();
  const newKeyId = await rotateSigningKey(here.config.dataDir, { random: systemRandom, now: Date.now() });
  await here.restart();
  const list = await listKeys(here);
  expect(Object.keys(list['verify_keys'] as JsonObject)).toEqual([newKeyId]);
  expect(Object.keys(list['old_verify_keys'] as JsonObject)).toEqual([oldKeyId]);
  await juliet.join(roomId, { via: [here.name] });
  const eventId = await romeo.send(roomId, 'signed anew');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: eventId });
  expect(await storedKind(there, eventId)).toBe('timeline');
});

test('a notary hands on what a server says of its keys, also when that server is gone', async () => {
  await using servers = await startServers(1);
  const notary = servers.at(0);
  const peer = await startHostilePeer(servers.ca);
  const [list] = await askNotary(notary, peer.name);
  expect(list).toMatchObject({ server_name: peer.name, verify_keys: { [peer.signer.keyId]: { key: publicKeyOf(peer.signer) } } });
  expect(Object.keys(list?.['signatures'] as JsonObject).sort()).toEqual([notary.name, peer.name].sort());

  // What the server says later, and that ends earlier, does not replace it.
  peer.answerKeys(
    async () => await signedKeyList({ ...peer.signer, seed: new Uint8Array(randomBytes(32)) }, { valid_until_ts: Date.now() - DAY_MS }),
  );
  expect((await askNotary(notary, peer.name, Date.now() + 2 * DAY_MS))[0]?.['verify_keys']).toEqual(list?.['verify_keys']);
  await peer[Symbol.asyncDispose]();
  const { body } = await callServer(notary.url, 'POST', '/_matrix/key/v2/query', {
    server_keys: { [peer.name]: { [peer.signer.keyId]: {} }, [notary.name]: {}, 'localhost:1': {} },
  });
  expect((body['server_keys'] as JsonObject[]).map((found) => found['server_name']).sort()).toEqual([notary.name, peer.name].sort());
  expect(await askNotary(notary, 'localhost:1')).toEqual([]);
});

test('S10: a notary of ours is believed about silent servers, and only what it signed, and nothing that we know better', async () => {
  await using servers = await startServers(0);
  await using notary = await startHostilePeer(servers.ca);
  await using silent = await startHostilePeer(servers.ca);
  await using known = await startHostilePeer(servers.ca);
  await using asking = await startServers(1, { ca: servers.ca, config: { keyNotaries: [notary.name] } });
  const server = asking.at(0);
  const romeo = await asking.user('romeo', 0);
  const open = await romeo.createRoom({ preset: 'public_chat' });
  const roomId = encodeURIComponent(open);
  const ask = async (peer: typeof silent) =>
    (await peer.call(server, 'GET', `/_matrix/federation/v1/make_join/${roomId}/${encodeURIComponent(`@x:${peer.name}`)}?ver=12`)).status;
  silent.answerKeys(() => undefined);

  const vouched = async (list: JsonObject) => await signJson(list, notary.signer);
  const lies: ((about: Signer) => Promise<JsonObject>)[] = [
    async (about) => await signedKeyList(about),
    async (about) => await vouched(await signedKeyList({ ...about, serverName: 'elsewhere.test' })),
    async (about) => await vouched({ ...(await signedKeyList(about)), signatures: {} }),
    async (about) => await vouched(await signedKeyList(about, { valid_until_ts: Date.now() - DAY_MS })),
  ];
  for (const makeList of lies) {
    await using other = await startHostilePeer(servers.ca);
    other.answerKeys(() => undefined);
    notary.answer(async (_method, path) => (path.includes('/key/v2/query') ? { server_keys: [await makeList(other.signer)] } : undefined));
    expect(await ask(other)).toBe(401);
  }

  expect(await ask(known)).toBe(200);
  known.answerKeys(() => undefined);
  const swapped = { ...known.signer, seed: new Uint8Array(randomBytes(32)) };
  notary.answer(async (_method, path, body) => {
    if (!path.includes('/key/v2/query')) return undefined;
    const [about] = Object.keys((body as { server_keys: JsonObject }).server_keys);
    return { server_keys: [await vouched(await signedKeyList(about === known.name ? swapped : silent.signer))] };
  });
  expect(await ask(silent)).toBe(200);
  expect(await ask(known)).toBe(200);
});

test('S9: a key whose private part everybody knows proves nothing', async () => {
  await using servers = await startServers(1);
  await using peer = await startHostilePeer(servers.ca, { seed: new Uint8Array(32) });
  expect(await peer.call(servers.at(0), 'GET', '/_matrix/federation/v1/query/directory?room_alias=%23a:b')).toMatchObject({ status: 401 });
});

test('S10: a key counts for the time it was good for, and not for ever', async () => {
  await using servers = await startServers(1);
  const server = servers.at(0);
  const romeo = await servers.user('romeo', 0);
  await using peer = await startHostilePeer(servers.ca);
  peer.answerKeys(() => signedKeyList(peer.signer, { valid_until_ts: Date.now() + 1_000 * DAY_MS }));
  const strict = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
  const later = await strict.event({ origin_server_ts: Date.now() + 8 * DAY_MS });
  const soon = await strict.event({ origin_server_ts: Date.now() + 6 * DAY_MS });
  await peer.sendPdus(server, [later.event, soon.event]);
  await expect.poll(() => storedKind(server, soon.id), { timeout: 10_000 }).toBe('timeline');
  expect(await storedKind(server, later.id)).toBeUndefined();

  const lax = await peer.join(server, await romeo.createRoom({ preset: 'public_chat', room_version: '4' }), 'tybalt');
  const old = await lax.event({ origin_server_ts: Date.now() + 8 * DAY_MS });
  await peer.sendPdus(server, [old.event]);
  await expect.poll(() => storedKind(server, old.id), { timeout: 10_000 }).toBe('timeline');

  await using expired = await startHostilePeer(servers.ca);
  expired.answerKeys(() => signedKeyList(expired.signer, { valid_until_ts: Date.now() - DAY_MS }));
  expect((await expired.call(server, 'GET', '/_matrix/federation/v1/query/directory?room_alias=%23a:b')).status).toBe(401);
});
