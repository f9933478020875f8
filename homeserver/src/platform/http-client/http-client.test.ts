import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAddressGuard } from './address-guard.ts';
import { createHttpClient } from './http-client.ts';

const server = createServer((request, response) => {
  if (request.url === '/long') {
    const timer = setInterval(() => response.write('x'.repeat(100_000)), 1);
    response.on('close', () => clearInterval(timer));
  } else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
  else if (request.url === '/out') response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
  else if (request.url === '/there') response.writeHead(302, { location: '/plain' }).end();
  else if (request.url !== '/never') response.end(`you asked ${request.url}`);
});
let base = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('the guard', () => {
  const isAllowed = createAddressGuard([]);
  const refused = [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fec0::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001::1',
    'ff02::1',
    '2001:db8::1',
    '[::1]',
    'localhost',
    '',
  ];
  test.each(refused)('refuses %s', (address) => expect(isAllowed(address)).toBe(false));
  test.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '[2606:4700:4700::1111]'])('allows %s', (address) =>
    expect(isAllowed(address)).toBe(true),
  );
  test('what the operator allows is reached, also as a mapped address', () => {
    const allows = createAddressGuard(['127.0.0.0/8', 'fd00::/8']);
    expect(['127.0.0.1', '::ffff:127.0.0.1', 'fd00::1'].map(allows)).toEqual([true, true, true]);
    expect(['10.0.0.1', '::1'].map(allows)).toEqual([false, false]);
  });
});

describe('a guarded client', () => {
  const guarded = createHttpClient({ guard: createAddressGuard([]) });
  const open = createHttpClient({ guard: createAddressGuard(['127.0.0.0/8', '::1/128']) });
  afterAll(async () => {
    await guarded.close();
    await open.close();
  });
  const portOf = () => new URL(base).port;

  test('does not reach private addresses, however they are written', async () => {
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[64:ff9b::7f00:1]',
    ]) {
      await expect(guarded.request({ method: 'GET', url: `http://${host}:${portOf()}/plain` })).rejects.toThrow(/not a public address/);
    }
  });

  test('reaches what is allowed, and gives back redirects unless asked to follow them', async () => {
    const plain = await open.request({ method: 'GET', url: `${base}/plain` });
    expect(new TextDecoder().decode(plain.body)).toBe('you asked /plain');
    expect((await open.request({ method: 'GET', url: `${base}/there` })).status).toBe(302);
    expect((await open.request({ method: 'GET', url: `${base}/there`, maxRedirects: 1 })).url).toBe(`${base}/plain`);
  });

  test('checks every redirect and follows only so many', async () => {
    await expect(open.request({ method: 'GET', url: `${base}/out`, maxRedirects: 3 })).rejects.toThrow(
      /169\.254\.169\.254 is not a public/,
    );
    await expect(open.request({ method: 'GET', url: `${base}/loop`, maxRedirects: 3 })).rejects.toThrow(/more than 3 times/);
  });

  test('gives up on bodies that are too long and answers that do not come', async () => {
    await expect(open.request({ method: 'GET', url: `${base}/long`, maxBytes: 500_000 })).rejects.toThrow(/longer than 500000 bytes/);
    await expect(open.request({ method: 'GET', url: `${base}/never`, timeoutMs: 100 })).rejects.toThrow(/timeout/i);
  });
});
