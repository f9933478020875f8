import { connect, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { healthPage } from '../../src/edge/health.ts';
import { networkOf } from '../../src/edge/http/client-ip.ts';
import { type Edge, type EdgeOptions, startEdge } from '../kit/start-edge.ts';

/** Linux takes all of 127.0.0.0/8 for itself: so many neighbours on one machine. */
const [FLOODER, NEIGHBOUR, PROXY] = ['127.0.0.66', '127.0.0.67', '127.0.0.9'];
const MAX_PER_ADDRESS = 40;
const FLOOD = 400;
const HELLO = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';
/** What is said on the connections of a flood: nothing, half of a request, half of a body, a request and then no more. */
const BEGINNINGS = ['', 'GET /health HTTP/1.1\r\nHost: x\r\n', 'POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{', HELLO];

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

async function start(options: EdgeOptions): Promise<Edge> {
  const edge = await startEdge({ pages: [healthPage(() => false)], trustedProxies: [`${PROXY}/32`], ...options });
  cleanups.push(edge.stop);
  return edge;
}

type Connection = { socket: Socket; isOpen: () => boolean; heard: () => string };

async function open({ port }: Edge, localAddress: string | undefined, text: string): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let [isOpen, heard] = [true, ''];
  socket.on('close', () => {
    isOpen = false;
  });
  socket.on('error', () => undefined); // being refused is what some of these are here for
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  cleanups.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
  socket.write(text);
  return { socket, isOpen: () => isOpen, heard: () => heard };
}

async function flood(edge: Edge, from: string | undefined, size = FLOOD): Promise<Connection[]> {
  const connections: Connection[] = [];
  for (let n = 0; n < size; n += 1) connections.push(await open(edge, from, BEGINNINGS[n % BEGINNINGS.length] ?? ''));
  return connections;
}

const isServed = async (edge: Edge, from: string | undefined): Promise<boolean> => {
  const connection = await open(edge, from, HELLO);
  await vi.waitUntil(() => !connection.isOpen() || connection.heard().includes('200 OK'), { timeout: 5_000 });
  connection.socket.destroy();
  return connection.heard().includes('200 OK');
};
const countOpen = (connections: readonly Connection[]) => connections.filter(({ isOpen }) => isOpen()).length;

test.runIf(process.platform === 'linux')('S30: one address has no more connections than it may; others are served', async () => {
  const edge = await start({ maxConnectionsPerAddress: MAX_PER_ADDRESS });

  const connections = await flood(edge, FLOODER);
  // Until the system has been asked for the first time, what an address opened before is not held against it.
  await vi.waitUntil(() => countOpen(connections) <= 2 * MAX_PER_ADDRESS, { timeout: 5_000 });
  await vi.waitUntil(async () => !(await isServed(edge, FLOODER)), { timeout: 5_000, interval: 50 });

  expect(await isServed(edge, NEIGHBOUR)).toBe(true);
  expect(await edge.metrics.text()).toMatch(/blinkchat_connections_refused_total\{bound="address"\} [1-9]/);

  for (const { socket } of connections) socket.destroy();
  await vi.waitUntil(async () => await isServed(edge, FLOODER), { timeout: 10_000, interval: 50 });
});

test.runIf(process.platform === 'linux')('S30: connections that end make room for others of the same address', async () => {
  const edge = await start({ maxConnectionsPerAddress: MAX_PER_ADDRESS });
  const others = await flood(edge, NEIGHBOUR, MAX_PER_ADDRESS - 5);
  for (let n = 0; n < 2 * MAX_PER_ADDRESS; n += 1) {
    await vi.waitUntil(async () => await isServed(edge, FLOODER), { timeout: 10_000, interval: 50 });
  }
  expect(countOpen(others)).toBeGreaterThan(0);
});

test('S30: a trusted proxy, which has all connections of everybody, is not held to the limit of an address', async () => {
  const edge = await start({ maxConnectionsPerAddress: MAX_PER_ADDRESS });
  const connections = await flood(edge, PROXY);
  expect(await isServed(edge, PROXY)).toBe(true);
  expect(countOpen(connections)).toBe(FLOOD);
  expect(await isServed(edge, NEIGHBOUR)).toBe(true);
});

test('S30: connections leave files for the database and for media, whoever opens them', async () => {
  const edge = await start({ fileLimit: 200 });
  const connections = await flood(edge, undefined);
  await vi.waitUntil(() => countOpen(connections) <= 150, { timeout: 5_000 });
  expect(await isServed(edge, NEIGHBOUR)).toBe(false);
  expect(await edge.metrics.text()).toMatch(/blinkchat_connections_refused_total\{bound="all"\} [1-9]/);

  for (const { socket } of connections) socket.destroy();
  await vi.waitUntil(async () => await isServed(edge, NEIGHBOUR), { timeout: 5_000, interval: 50 });
  await vi.waitUntil(async () => /blinkchat_connections_open 0/.test(await edge.metrics.text()), { timeout: 5_000 });
});

test('an IPv6 address counts with its network, an IPv4 address, however it is written, by itself', () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:0db8:0001:0002::1'));
  expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
  expect(networkOf('0000:0000:0000:0000:0000:ffff:7f00:0042')).toBe('127.0.0.66');
  expect(networkOf('127.0.0.66')).toBe('127.0.0.66');
});
