import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFetchWellKnown, type FetchWellKnown } from '../../src/domain/federation/discovery/fetch-well-known.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createAddressGuard } from '../../src/platform/http-client/address-guard.ts';
import { createHttpClient, type HttpClient } from '../../src/platform/http-client/http-client.ts';
import { createTestCa, type TestCa } from '../kit/test-ca.ts';

let ca: TestCa;
let http: HttpClient;
let fetchWellKnown: FetchWellKnown;
let host: string;
let requests = 0;
let serve: (req: IncomingMessage, res: ServerResponse) => void = () => undefined;
let close: () => Promise<unknown>;

beforeAll(async () => {
  ca = await createTestCa();
  const { certFile, keyFile } = await ca.issue(['localhost']);
  const server = createServer({ cert: await readFile(certFile), key: await readFile(keyFile) }, (req, res) => {
    requests += 1;
    serve(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
  http = createHttpClient({ guard: createAddressGuard(['127.0.0.0/8', '::1/128']), extraCa: [await readFile(ca.caFile, 'utf8')] });
  fetchWellKnown = createFetchWellKnown({ http, clock: systemClock });
  close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
});
afterAll(async () => {
  await http.close();
  await close();
  await ca[Symbol.asyncDispose]();
});

test('S30: a file that has no end, leads in a circle, leads out of TLS or says nonsense says nothing', async () => {
  const lies: Record<string, typeof serve> = {
    'no end': (_req, res) => {
      const more = () => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    },
    'too long': (_req, res) => void res.end(JSON.stringify({ 'm.server': 'a.test', padding: 'x'.repeat(60_000) })),
    'a circle': (req, res) => void res.writeHead(302, { location: req.url }).end(),
    'out of TLS': (_req, res) => void res.writeHead(301, { location: 'http://127.0.0.1/.well-known/matrix/server' }).end(),
    'to a private place': (_req, res) => void res.writeHead(301, { location: 'https://169.254.169.254/' }).end(),
    'no JSON': (_req, res) => void res.end('<html>'),
    'no name': (_req, res) => void res.end(JSON.stringify({ 'm.server': 'evil.test/path?x' })),
    'no text': (_req, res) => void res.end(JSON.stringify({ 'm.server': { a: 1 } })),
    'an error': (_req, res) => void res.writeHead(500).end(JSON.stringify({ 'm.server': 'a.test' })),
  };
  for (const [what, lie] of Object.entries(lies)) {
    serve = lie;
    requests = 0;
    expect((await fetchWellKnown(host)).delegated, what).toBeUndefined();
    expect(requests, what).toBeLessThanOrEqual(6);
  }
});

test('S30: what a file says is believed for two days at most, and for a minute at least', async () => {
  const cacheMs = async (control: string, header = 'cache-control') => {
    serve = (_req, res) => void res.setHeader(header, control).end(JSON.stringify({ 'm.server': 'matrix.test:443' }));
    const found = await fetchWellKnown(host);
    expect(found.delegated).toBe('matrix.test:443');
    return found.cacheMs;
  };
  expect(await cacheMs('max-age=999999999')).toBe(48 * 3_600_000);
  expect(await cacheMs('max-age=0')).toBe(60_000);
  expect(await cacheMs('no-store')).toBe(60_000);
  expect(await cacheMs('max-age=7200')).toBe(7_200_000);
  const inTwoHours = await cacheMs(new Date(Date.now() + 7_200_000).toUTCString(), 'expires');
  expect(Math.abs(inTwoHours - 7_200_000)).toBeLessThan(60_000);
  expect(await cacheMs(new Date(Date.now() - 7_200_000).toUTCString(), 'expires'), 'what is over already').toBe(60_000);
  expect(await cacheMs('0', 'expires'), 'what is no time at all').toBe(60_000);
  expect(await cacheMs('nothing', 'x-other')).toBe(24 * 3_600_000);
});

test('a host that has trouble stands by what it said, for a short while at a time; one that says nothing any more does not', async () => {
  serve = (_req, res) => void res.end(JSON.stringify({ 'm.server': 'castle.test:443' }));
  await fetchWellKnown(host);
  for (const trouble of [
    (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(503).end(),
    (req: IncomingMessage, _res: ServerResponse) => void req.socket.destroy(),
  ]) {
    serve = trouble;
    expect(await fetchWellKnown(host)).toEqual({ delegated: 'castle.test:443', cacheMs: 120_000 });
  }
  serve = (_req, res) => void res.writeHead(404).end();
  expect(await fetchWellKnown(host)).toEqual({ delegated: undefined, cacheMs: 3_600_000 });
  serve = (_req, res) => void res.writeHead(503).end();
  expect((await fetchWellKnown(host)).delegated).toBeUndefined();
});
