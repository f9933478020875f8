import { type DirectToDeviceEdu, DirectToDeviceEduSchema } from 'federation-spec/api/schemas/edus.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 30_000 };
const SEND_TO_DEVICE = '/_matrix/client/v3/sendToDevice/m.test';
/** A transaction's EDUs take no more than this, and one that holds several messages no more than an event may. */
const MAX_PARCEL_BYTES = 4_194_304;
const MAX_EDU_BYTES = 65_536;

let servers: TestServers;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

const isDirect = Compile(DirectToDeviceEduSchema);

/** The messages to devices of each transaction that a peer was sent, oldest first. */
function transactionsOf(peer: HostilePeer): DirectToDeviceEdu[][] {
  return peer.seen.flatMap(({ path, body }) => {
    if (!path.startsWith('/_matrix/federation/v1/send/') || !isJsonObject(body) || !Array.isArray(body['edus'])) return [];
    return [body['edus'].map((edu) => isDirect.Parse(isJsonObject(edu) ? edu['content'] : edu))];
  });
}

const sizeOf = (edu: DirectToDeviceEdu) => Buffer.byteLength(JSON.stringify(edu));

test('many large messages that waited for a server reach it all, in order, in transactions that it can take', async () => {
  await using peer = await startHostilePeer(servers.ca);
  const juliet = `@juliet:${peer.name}`;
  const [count, pad] = [150, 'x'.repeat(60_000)];
  peer.answer(() => peerError(503, 'M_UNKNOWN'));
  for (let index = 0; index < count; index += 1) {
    await romeo.call('PUT', `${SEND_TO_DEVICE}/${peer.name}-${index}`, { messages: { [juliet]: { DEVICE: { index, pad } } } });
  }
  await expect.poll(() => transactionsOf(peer).length, WAIT).toBeGreaterThan(0);

  peer.seen.length = 0;
  peer.answer(() => ({ pdus: {} }));
  await peer.sendPdus(servers.at(0), []); // it is back
  const indexes = () => transactionsOf(peer).flatMap((edus) => edus.map(({ messages }) => messages[juliet]?.['DEVICE']?.['index']));
  await expect.poll(() => indexes().length, WAIT).toBe(count);
  expect(indexes()).toEqual(Array.from({ length: count }, (_, index) => index));
  for (const edus of transactionsOf(peer)) expect(edus.reduce((sum, edu) => sum + sizeOf(edu), 0)).toBeLessThanOrEqual(MAX_PARCEL_BYTES);
});

test('messages to many devices of a server travel together, by EDUs no larger than an event may be', async () => {
  await using peer = await startHostilePeer(servers.ca);
  peer.answer(() => ({ pdus: {} }));
  const juliet = `@juliet:${peer.name}`;
  const content = { pad: 'x'.repeat(2_000) };
  const devices = Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`DEVICE${index}`, content]));
  await romeo.call('PUT', `${SEND_TO_DEVICE}/${peer.name}`, { messages: { [juliet]: devices } });

  const edus = () => transactionsOf(peer).flat();
  const told = () => Object.assign({}, ...edus().map(({ messages }) => messages[juliet]));
  await expect.poll(told, WAIT).toEqual(devices);
  expect(Math.max(...edus().map(sizeOf))).toBeLessThanOrEqual(MAX_EDU_BYTES);
  expect(edus().length).toBeLessThan(10);
});
