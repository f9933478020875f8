import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const SLEEPERS = 10_000;
const FEW = 20;
const HOUR_MS = 3_600_000;

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let metricsPort: number;

beforeAll(async () => {
  metricsPort = await freePort();
  servers = await startServers(1, { config: { metricsPort } });
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const countTimers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
async function readMetric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(name));
  return Number(line?.split(' ').at(-1));
}
const toPeer = () => peer.seen.filter(({ path }) => path.startsWith('/_matrix/federation/v1/send/'));

/** As many servers as there are rooms for in a large federation, all of them away: what waits for each was written before the stop. Nobody listens at any of these addresses. */
async function putToSleep(eventId: string, retryAt: number): Promise<void> {
  const { sql } = servers.at(0);
  await sql`
    insert into federation_destinations (destination, failures, failing_since, retry_at)
    select '127.1.' || n / 250 || '.' || (n % 250 + 1) || ':9', 12, 0, ${retryAt} from generate_series(1, ${SLEEPERS}) as n
    on conflict (destination) do update set retry_at = excluded.retry_at`;
  await sql`
    insert into federation_queue (destination, event_nid)
    select '127.1.' || n / 250 || '.' || (n % 250 + 1) || ':9', (select event_nid from events where event_id = ${eventId}) from generate_series(1, ${SLEEPERS}) as n
    on conflict do nothing`;
}

test('a start with very many servers that are away wakes none of them, and holds up nobody else', async () => {
  const server = servers.at(0);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const eventId = await romeo.send(roomId, 'is anybody there?');
  peer.answer((_method, path) => (path.includes('/v1/send/') ? { pdus: {} } : undefined));
  await peer.join(server, roomId, 'tybalt');
  await server.stop();
  await putToSleep(eventId, Date.now() + HOUR_MS);
  const timersBefore = countTimers();
  server.queries.length = 0;
  await server.restart();
  expect(server.queries.length).toBeLessThan(SLEEPERS / 20);
  expect(await readMetric('blinkchat_federation_out_destinations{class="failing"}')).toBe(SLEEPERS);
  expect(await readMetric('blinkchat_federation_out_destinations{class="all"}')).toBeLessThan(FEW);
  expect(countTimers() - timersBefore).toBeLessThan(SLEEPERS / 20);

  await romeo.send(roomId, 'so there is');
  await expect.poll(() => toPeer().length, WAIT).toBe(1);
  expect(await readMetric('blinkchat_federation_out_transactions_total{class="failing"')).toBeNaN();
});

test('servers that fell due while this one was stopped are tried some at a time', async () => {
  const server = servers.at(0);
  await server.stop();
  await server.sql`update federation_destinations set retry_at = 0`;
  await server.restart();
  const tried = () => readMetric('blinkchat_federation_out_transactions_total{class="failing",result="failed"}');
  await expect.poll(tried, WAIT).toBeGreaterThan(FEW);
  expect(await readMetric('blinkchat_federation_out_destinations{class="all"}')).toBeLessThan(SLEEPERS / 20);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await peer.join(server, roomId, 'benvolio');
  peer.seen.length = 0;
  await romeo.send(roomId, 'in between');
  await expect.poll(() => toPeer().length, WAIT).toBe(1);
});
