import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDeviceKeys, createKeyPair, setUpDevice } from '../client-api/crypto-device.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const WAIT = { timeout: 30_000 };
const V3 = '/_matrix/client/v3';
const CHANGES = 230;
const RECEIPTS = 40;

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
  juliet = await servers.user('juliet', 1);
});
afterAll(async () => await servers[Symbol.asyncDispose]());

type KeysAnswer = { device_keys: Record<string, Record<string, JsonObject>> };
const keysSeenBy = async (user: TestUser, of: TestUser) =>
  ((await user.call('POST', `${V3}/keys/query`, { device_keys: { [of.id]: [] } })) as KeysAnswer).device_keys[of.id];

async function countWaiting(eduType: string): Promise<number> {
  const [row] = await servers.at(0).sql<{ rows: number }[]>`
    select count(*)::int as rows from federation_outbox where destination = ${servers.at(1).name} and edu_type = ${eduType}`;
  return row?.rows ?? 0;
}

test('what changes again and again while a server is away is told by its newest word, and messages to devices all the same', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const { deviceKeys } = await setUpDevice(romeo);
  await expect.poll(() => keysSeenBy(juliet, romeo), WAIT).toEqual({ [romeo.deviceId]: deviceKeys });
  await juliet.sync();

  await servers.at(1).stop();
  const isNoted = async () => (await servers.at(0).sql`select 1 from federation_destinations`).length;
  await romeo.send(roomId, 'where are you?');
  await expect.poll(isNoted, WAIT).toBe(1);

  let newest: object = deviceKeys;
  for (let index = 0; index < CHANGES; index += 1) {
    newest = await createDeviceKeys(romeo, createKeyPair());
    await romeo.call('POST', `${V3}/keys/upload`, { device_keys: newest });
  }
  const texts = Array.from({ length: RECEIPTS }, (_, index) => `message ${index}`);
  for (const text of texts) {
    const eventId = await romeo.send(roomId, text);
    await romeo.call('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
    await romeo.call('PUT', `${V3}/sendToDevice/m.test/${nameOf(index(text))}`, {
      messages: { [juliet.id]: { [juliet.deviceId]: { text } } },
    });
  }
  await expect.poll(() => countWaiting('m.device_list_update'), WAIT).toBeLessThanOrEqual(100);
  expect(await countWaiting('m.direct_to_device')).toBe(RECEIPTS);

  await servers.at(1).restart();
  await juliet.send(roomId, 'here');
  await expect.poll(() => keysSeenBy(juliet, romeo), WAIT).toEqual({ [romeo.deviceId]: newest });
  const received: unknown[] = [];
  await expect
    .poll(async () => {
      const { to_device: toDevice } = (await juliet.sync({ timeoutMs: 1_000 })) as { to_device?: { events: { content: JsonObject }[] } };
      received.push(...(toDevice?.events ?? []).map((event) => event.content['text']));
      return received;
    }, WAIT)
    .toEqual(texts);
  await expect.poll(() => countWaiting('m.receipt'), WAIT).toBe(0);
});

const index = (text: string) => text.replace(/\D/g, '');

test('of messages to devices a server that is away for very long is owed so many and no more, the newest', async () => {
  const [here, gone] = [servers.at(0), 'gone.invalid'];
  const [bound, more] = [10_000, 250];
  const before = 1_000_000; // older than anything of the log
  await here.stop();
  await here.sql`
    insert into federation_destinations (destination, failures, failing_since, retry_at) values (${gone}, 12, 0, ${Date.now() + 3_600_000})`;
  await here.sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content)
    select n - ${before}, 1, ${gone}, 'm.direct_to_device', '{}' from generate_series(1, ${bound + more - 100}) as n`;
  await here.restart();
  // What is written for it makes the server look at what it owes.
  for (let round = 0; round < 100; round += 1) {
    const messages = { [`@paris:${gone}`]: { DEVICE: { round } } };
    await romeo.call('PUT', `${V3}/sendToDevice/m.test/last-${round}`, { messages });
  }
  const owed = async () => {
    const [row] = await here.sql<{ rows: number; oldest: number }[]>`
      select count(*)::int as rows, min(position)::int as oldest from federation_outbox where destination = ${gone}`;
    return [row?.rows, row?.oldest];
  };
  await expect.poll(owed, WAIT).toEqual([bound, more + 1 - before]);
});
