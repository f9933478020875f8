import { expect, test } from 'vitest';
import type { SrvRecord } from '../../../platform/resolve-srv.ts';
import { createDiscoverServer } from './discover-server.ts';

type World = { wellKnown?: Record<string, string>; srv?: Record<string, SrvRecord[]>; cacheMs?: number };

function discoveryIn({ wellKnown = {}, srv = {}, cacheMs = 1_000 }: World) {
  const asked: string[] = [];
  let now = 0;
  const discover = createDiscoverServer({
    clock: { now: () => now },
    resolveSrv: (name) => Promise.resolve(srv[name] ?? []),
    fetchWellKnown: (host) => {
      asked.push(host);
      return Promise.resolve({ delegated: wellKnown[host], cacheMs });
    },
  });
  return { discover, asked, wait: (ms: number) => (now += ms) };
}

test.each([
  ['1.2.3.4', { host: '1.2.3.4', port: 8448, hostHeader: '1.2.3.4' }],
  ['[2001:db8::1]:80', { host: '[2001:db8::1]', port: 80, hostHeader: '[2001:db8::1]:80' }],
  ['example.org:443', { host: 'example.org', port: 443, hostHeader: 'example.org:443' }],
])('%s says itself where it is', async (name, address) => {
  const { discover, asked } = discoveryIn({ wellKnown: { 'example.org': 'elsewhere.org' } });
  expect(await discover(name)).toEqual([address]);
  expect(asked).toEqual([]);
});

test('a delegation is followed, with or without a port, to an address or a service', async () => {
  const { discover } = discoveryIn({
    wellKnown: { 'a.org': 'matrix.a.org:443', 'b.org': '9.9.9.9', 'c.org': 'matrix.c.org', 'd.org': 'matrix.d.org' },
    srv: { '_matrix-fed._tcp.matrix.c.org': [{ host: 'box.host', port: 1 }], '_matrix._tcp.matrix.d.org': [{ host: 'old.host', port: 2 }] },
  });
  expect(await discover('a.org')).toEqual([{ host: 'matrix.a.org', port: 443, hostHeader: 'matrix.a.org:443' }]);
  expect(await discover('b.org')).toEqual([{ host: '9.9.9.9', port: 8448, hostHeader: '9.9.9.9' }]);
  expect(await discover('c.org')).toEqual([{ host: 'box.host', port: 1, hostHeader: 'matrix.c.org' }]);
  expect(await discover('d.org')).toEqual([{ host: 'old.host', port: 2, hostHeader: 'matrix.d.org' }]);
});

test('without a delegation the service record counts, then the name and port 8448', async () => {
  const { discover } = discoveryIn({ srv: { '_matrix-fed._tcp.s.org': [{ host: 'box.host', port: 7 }] } });
  expect(await discover('s.org')).toEqual([{ host: 'box.host', port: 7, hostHeader: 's.org' }]);
  expect(await discover('n.org')).toEqual([{ host: 'n.org', port: 8448, hostHeader: 'n.org' }]);
});

test('answers are remembered for as long as they say', async () => {
  const { discover, asked, wait } = discoveryIn({ wellKnown: { 'a.org': 'm.org:1' } });
  await discover('a.org');
  await discover('a.org');
  expect(asked).toHaveLength(1);
  wait(1_001);
  await discover('a.org');
  expect(asked).toHaveLength(2);
});

test('a service is looked up again before long, however long the delegation to it holds', async () => {
  const srv: Record<string, SrvRecord[]> = { '_matrix-fed._tcp.m.org': [{ host: 'box.host', port: 1 }] };
  const { discover, wait } = discoveryIn({ wellKnown: { 'a.org': 'm.org' }, srv, cacheMs: 86_400_000 });
  expect(await discover('a.org')).toEqual([{ host: 'box.host', port: 1, hostHeader: 'm.org' }]);
  srv['_matrix-fed._tcp.m.org'] = [{ host: 'other.host', port: 2 }];
  wait(3_600_001);
  expect(await discover('a.org')).toEqual([{ host: 'other.host', port: 2, hostHeader: 'm.org' }]);
});

test('what is no server name is refused', async () => {
  const { discover } = discoveryIn({});
  await expect(discover('exa mple.org')).rejects.toThrow('no server name');
  await expect(discover('example.org/path')).rejects.toThrow('no server name');
});
