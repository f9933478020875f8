import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { getVersion } from 'federation-spec/api/server/version.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDiscoverServer } from '../../src/domain/federation/discovery/discover-server.ts';
import { createFederationClient } from '../../src/domain/federation/federation-client.ts';
import { createAddressGuard } from '../../src/platform/http-client/address-guard.ts';
import { createHttpClient } from '../../src/platform/http-client/http-client.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { createResolveSrv } from '../../src/platform/resolve-srv.ts';
import { type DnsServer, startDnsServer } from '../kit/dns-server.ts';
import { freePort } from '../kit/free-port.ts';
import { createTestCa, type TestCa } from '../kit/test-ca.ts';

type Seen = { host: string | undefined; sni: string | false | null | undefined };

let ca: TestCa;
let dns: DnsServer;
let seen: Seen[];
const open: Server[] = [];

beforeAll(async () => {
  ca = await createTestCa();
  dns = await startDnsServer();
});
beforeEach(() => {
  seen = [];
  dns.services.clear();
});
afterAll(async () => {
  for (const server of open) {
    server.closeAllConnections();
    server.close();
  }
  await dns[Symbol.asyncDispose]();
  await ca[Symbol.asyncDispose]();
});

/** A server with a certificate for these names; gives its port. */
async function serve(names: readonly string[], address = '127.0.0.1'): Promise<number> {
  const { certFile, keyFile } = await ca.issue(names);
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (request, response) => {
    seen.push({ host: request.headers.host, sni: (request.socket as TLSSocket).servername });
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ server: { name: names[0], version: '1' } }));
  });
  open.push(server);
  server.listen(0, address);
  await once(server, 'listening');
  const place = server.address();
  return typeof place === 'object' && place !== null ? place.port : 0;
}

/** Asks a server, found by its name, what it is called. */
async function ask(serverName: string, { allow = ['127.0.0.0/8', '::1/128'], delegated }: { allow?: string[]; delegated?: string } = {}) {
  const http = createHttpClient({ guard: createAddressGuard(allow), extraCa: [await readFile(ca.caFile, 'utf8')] });
  const clock = { now: () => Date.now() };
  const fetchWellKnown = () => Promise.resolve({ delegated, cacheMs: 60_000 });
  const discover = createDiscoverServer({ fetchWellKnown, resolveSrv: createResolveSrv(systemRandom, [dns.address]), clock });
  const signer = { serverName: 'asker.test', keyId: 'ed25519:1', seed: new Uint8Array(32) };
  const client = createFederationClient({ http, discover, signer, mayFederate: () => true });
  try {
    return (await client.call(serverName, getVersion)).server?.name;
  } finally {
    await http.close();
  }
}

const service = (name: string, ...ports: number[]) =>
  dns.services.set(
    name,
    ports.map((port, index) => ({ priority: index, weight: 0, port, target: 'localhost' })),
  );

test('a service record leads to another host and port, and the server is greeted by its own name', async () => {
  service('_matrix-fed._tcp.house.test', await serve(['house.test']));
  expect(await ask('house.test')).toBe('house.test');
  expect(seen).toEqual([{ host: 'house.test', sni: 'house.test' }]);
});

test('the older service record counts when there is no newer one', async () => {
  service('_matrix._tcp.old.test', await serve(['old.test']));
  expect(await ask('old.test')).toBe('old.test');
  expect(dns.asked.slice(-2)).toEqual(['_matrix-fed._tcp.old.test', '_matrix._tcp.old.test']);
});

test('of several records the next one is tried when nobody listens at the first', async () => {
  service('_matrix-fed._tcp.many.test', await freePort(), await serve(['many.test']));
  expect(await ask('many.test')).toBe('many.test');
});

test('nor is the first one asked when it is somebody else: the next one is tried', async () => {
  service('_matrix-fed._tcp.moved.test', await serve(['stranger.test']), await serve(['moved.test']));
  expect(await ask('moved.test')).toBe('moved.test');
  expect(seen).toEqual([{ host: 'moved.test', sni: 'moved.test' }]);
});

test('a certificate for the host that the record names proves nothing: it must be for the server', async () => {
  service('_matrix-fed._tcp.victim.test', await serve(['localhost', 'thief.test']));
  await expect(ask('victim.test')).rejects.toThrow(/victim\.test/);
  expect(seen).toEqual([]);
});

test('a delegated server is greeted by the name it was delegated to, also by a service of that name', async () => {
  service('_matrix-fed._tcp.matrix.castle.test', await serve(['matrix.castle.test']));
  expect(await ask('castle.test', { delegated: 'matrix.castle.test' })).toBe('matrix.castle.test');
  expect(seen).toEqual([{ host: 'matrix.castle.test', sni: 'matrix.castle.test' }]);
  const port = await serve(['localhost']);
  expect(await ask('castle.test', { delegated: `localhost:${port}` })).toBe('localhost');
  expect(seen.at(-1)).toEqual({ host: `localhost:${port}`, sni: 'localhost' });
});

test('an address is greeted as such, and must have a certificate for it', async () => {
  const port = await serve(['127.0.0.1']);
  expect(await ask(`127.0.0.1:${port}`)).toBe('127.0.0.1');
  expect(seen).toEqual([{ host: `127.0.0.1:${port}`, sni: false }]);
  await expect(ask(`127.0.0.1:${await serve(['localhost'])}`)).rejects.toThrow();
});

test('an IPv6 address is one too', async () => {
  const port = await serve(['::1'], '::1');
  expect(await ask(`[::1]:${port}`)).toBe('::1');
  expect(seen[0]?.host).toBe(`[::1]:${port}`);
});

test('S38: a service record does not lead to an address that is not to be reached', async () => {
  service('_matrix-fed._tcp.inside.test', await serve(['inside.test']));
  await expect(ask('inside.test', { allow: [] })).rejects.toThrow();
  expect(seen).toEqual([]);
});
