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

test('messages to devices are kept for a server however long it is away; whose messages fill their measure is refused more', async () => {
  const [here, gone] = [servers.at(0), `${nameOf('gone')}.invalid`];
  const sharer = await servers.user('sharer', 0);
  const other = await servers.user('sharer', 0);
  const before = 1_000_000; // older than anything of the log
  const [small, large] = [20_000, 102];
  await here.stop();
  await here.sql`
    insert into federation_destinations (destination, failures, failing_since, retry_at) values (${gone}, 12, 0, ${Date.now() + 3_600_000})`;
  await here.sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content, sender)
    select n - ${before}, 1, ${gone}, 'm.direct_to_device', '{}', ${sharer.id} from generate_series(1, ${small}) as n`;
  await here.restart();

  const share = (user: TestUser, device: TestUser | undefined) => {
    const messages =
      device === undefined ? { [`@paris:${gone}`]: { DEVICE: { key: 'k' } } } : { [device.id]: { [device.deviceId]: { key: 'k' } } };
    return user.attempt('PUT', `${V3}/sendToDevice/m.test/${nameOf('share')}`, { messages });
  };
  const owed = async () => {
    const [row] = await here.sql<{ rows: number }[]>`
      select count(*)::int as rows from federation_outbox where destination = ${gone} and edu_type = 'm.direct_to_device'`;
    return row?.rows ?? 0;
  };
  // So many that the server looks at what it owes.
  for (let round = 0; round < 100; round += 1) expect((await share(sharer, undefined)).status).toBe(200);
  expect(await owed()).toBe(small + 100);

  await here.stop();
  await here.sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content, sender)
    select n - ${before}, 2, ${gone}, 'm.direct_to_device', repeat('x', 10485760), ${sharer.id} from generate_series(1, ${large}) as n`;
  await here.restart();
  await expect.poll(async () => (await share(sharer, undefined)).status, WAIT).toBe(200);
  await here.stop();
  await here.sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content, sender)
    values (${-before}, 3, ${gone}, 'm.direct_to_device', repeat('x', 10485760), ${sharer.id})`;
  await here.restart();

  const kept = await owed();
  const refused = await share(sharer, undefined);
  expect([refused.status, refused.body]).toEqual([
    403,
    { errcode: 'M_RESOURCE_LIMIT_EXCEEDED', error: expect.stringContaining('1024 MB of your messages to devices wait') },
  ]);
  expect(await owed()).toBe(kept);
  // What goes to devices here, and what others send, is not touched by it.
  expect((await share(sharer, other)).status).toBe(200);
  expect((await share(other, undefined)).status).toBe(200);
});
