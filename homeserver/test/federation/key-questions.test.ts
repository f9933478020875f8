import { randomBytes } from 'node:crypto';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { type HostilePeer, signedKeyList, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createTestCa, type TestCa } from '../kit/test-ca.ts';
import { callServer } from '../kit/test-user.ts';

const GONE_SERVERS = 60;
const WAIT = { timeout: 20_000 };
type KeyQuery = { server_keys: Record<string, Record<string, { minimum_valid_until_ts?: number }>> };

let ca: TestCa;
let notary: HostilePeer;
let servers: TestServers;

beforeAll(async () => {
  ca = await createTestCa();
  notary = await startHostilePeer(ca);
  servers = await startServers(1, { ca, config: { keyNotaries: [notary.name] } });
});
beforeEach(() => {
  notary.seen.length = 0;
});
afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await notary[Symbol.asyncDispose]();
  await ca[Symbol.asyncDispose]();
});

const queries = () => notary.seen.filter(({ path }) => path.startsWith('/_matrix/key/v2/query')).map(({ body }) => body as KeyQuery);

async function askAbout(server: TestServer, names: readonly string[]): Promise<string[]> {
  const { body } = await callServer(server.url, 'POST', '/_matrix/key/v2/query', {
    server_keys: Object.fromEntries(names.map((name) => [name, {}])),
  });
  return (body['server_keys'] as JsonObject[]).map((list) => String(list['server_name'])).sort();
}

test('about many servers that are gone a notary is asked by few queries, each server once', async () => {
  const signers = await Promise.all(
    Array.from({ length: GONE_SERVERS }, async () => ({
      serverName: `localhost:${await freePort()}`,
      keyId: 'ed25519:gone',
      seed: new Uint8Array(randomBytes(32)),
    })),
  );
  const names = [...new Set(signers.map(({ serverName }) => serverName))].sort();
  notary.answer(async (_method, path, body) => {
    if (!path.includes('/key/v2/query')) return undefined;
    const wanted = signers.filter(({ serverName }) => serverName in (body as KeyQuery).server_keys);
    return { server_keys: await Promise.all(wanted.map(async (signer) => await signJson(await signedKeyList(signer), notary.signer))) };
  });
  expect(await askAbout(servers.at(0), names)).toEqual(names);
  const asked = queries().flatMap((query) => Object.keys(query.server_keys));
  expect(asked.sort()).toEqual(names);
  expect(queries().length).toBeLessThanOrEqual(GONE_SERVERS / 4);
});

test('a server is asked once for its keys, however many want them at the time', async () => {
  await using peer = await startHostilePeer(ca);
  const held = Promise.withResolvers<void>();
  peer.answerKeys(async () => {
    await held.promise;
    return await signedKeyList(peer.signer);
  });
  const asking = Promise.all(Array.from({ length: 20 }, () => askAbout(servers.at(0), [peer.name])));
  await expect.poll(() => peer.seen.length, WAIT).toBe(1);
  held.resolve();
  expect(await asking).toEqual(Array.from({ length: 20 }, () => [peer.name]));
  expect(peer.seen).toHaveLength(1);
});

test('a notary is told which key is wanted, and until when it should be good', async () => {
  await using silent = await startHostilePeer(ca);
  silent.answerKeys(() => undefined);
  const before = Date.now();
  notary.answer(async (_method, path) =>
    path.includes('/key/v2/query') ? { server_keys: [await signJson(await signedKeyList(silent.signer), notary.signer)] } : undefined,
  );
  const ask = async () =>
    (await silent.call(servers.at(0), 'GET', '/_matrix/federation/v1/query/directory?room_alias=%23none%3Anowhere')).status;
  expect((await Promise.all([ask(), ask(), ask()])).every((status) => status !== 401)).toBe(true);
  expect(queries()).toHaveLength(1);
  const criteria = queries()[0]?.server_keys[silent.name] ?? {};
  expect(Object.keys(criteria)).toEqual([silent.signer.keyId]);
  expect(criteria[silent.signer.keyId]?.minimum_valid_until_ts).toBeGreaterThanOrEqual(before);
});
