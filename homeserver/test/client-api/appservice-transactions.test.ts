import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';
import { createDeviceKeys, createKeyPair, createOneTimeKey, setUpDevice } from './crypto-device.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const CLIENT = '/_matrix/client/v3';

const cleanup = createCleanup();
let irc: TestAppservice;
let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  irc = cleanup.use(
    await startAppservice({
      receive_ephemeral: true,
      'org.matrix.msc3202': true,
      namespaces: {
        users: [{ exclusive: true, regex: '@_irc_.*' }],
        aliases: [{ exclusive: false, regex: '#watched_.*' }],
        rooms: [],
      },
    }),
  );
  server = cleanup.use(await startServer({ config: { appservices: [irc.file], presence: true } }));
  romeo = await server.user('romeo');
});
afterAll(() => cleanup.run());

const as = (localpart: string) => ({ userId: `@${localpart}:hs.test` });
const room = (roomId: string) => `${CLIENT}/rooms/${encodeURIComponent(roomId)}`;

async function register(localpart: string): Promise<void> {
  const body = { type: 'm.login.application_service', username: localpart, inhibit_login: true };
  const { status } = await irc.call(server.url, 'POST', `${CLIENT}/register`, body);
  if (status !== 200) throw new Error(`could not register ${localpart}`);
}

/** A public room with one of the service's users in it. */
async function roomWith(localpart: string): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await irc.call(server.url, 'POST', `${room(roomId)}/join`, {}, as(localpart));
  return roomId;
}

const bodiesIn = (roomId: string) =>
  irc
    .events()
    .filter((event) => event['room_id'] === roomId && event['type'] === 'm.room.message')
    .map((event) => (event['content'] as { body: string }).body);

test('a service hears of the rooms that its users are in, in order, and of no others', async () => {
  const sailor = nameOf('_irc_one');
  await register(sailor);
  const elsewhere = await romeo.createRoom();
  await romeo.send(elsewhere, 'not for you');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await romeo.send(roomId, 'before you came');
  await irc.call(server.url, 'POST', `${room(roomId)}/join`, {}, as(sailor));
  for (const body of ['1', '2', '3']) await romeo.send(roomId, body);
  await irc.until(() => bodiesIn(roomId).includes('3'), 'the third message');
  expect(bodiesIn(roomId)).toEqual(['1', '2', '3']);
  const join = irc.events().find((event) => event['room_id'] === roomId && event['type'] === 'm.room.member');
  expect(join).toMatchObject({ state_key: `@${sailor}:hs.test`, sender: `@${sailor}:hs.test`, event_id: expect.stringMatching(/^\$/) });
  expect(irc.events().some((event) => event['room_id'] === elsewhere)).toBe(false);

  await irc.call(server.url, 'POST', `${room(roomId)}/leave`, {}, as(sailor));
  await romeo.send(roomId, 'after you left');
  await romeo.invite(roomId, `@${sailor}:hs.test`);
  await irc.until(
    () =>
      irc.events().find((event) => event['room_id'] === roomId && (event['content'] as { membership?: string }).membership === 'invite'),
    'the invite',
  );
  expect(bodiesIn(roomId)).toEqual(['1', '2', '3']);
});

test('a service hears what it missed of a room as its users were in it then, not as they are now', async () => {
  const sailor = nameOf('_irc_passing');
  await register(sailor);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const [row] = await server.sql<{ position: number }[]>`select max(position)::int as position from events`;
  await romeo.send(roomId, 'before');
  await irc.call(server.url, 'POST', `${room(roomId)}/join`, {}, as(sailor));
  await romeo.send(roomId, 'with you');
  await irc.until(() => bodiesIn(roomId).includes('with you'), 'the message');

  // As if it had been killed before it followed any of this, and had told nobody.
  await server.stop();
  await server.sql`update follower_cursors set position = ${row?.position ?? 0} where name = 'appservices'`;
  await server.sql`update appservices set queued_position = ${row?.position ?? 0}`;
  await server.restart();
  await irc.until(() => bodiesIn(roomId).filter((body) => body === 'with you').length === 2, 'the message, again');
  expect(bodiesIn(roomId)).not.toContain('before');
});

test('a service says who it sends to, and is told so', async () => {
  const speaker = nameOf('_irc_token');
  await register(speaker);
  const roomId = await roomWith(speaker);
  await romeo.send(roomId, 'hello');
  await irc.until(() => bodiesIn(roomId).includes('hello'), 'the message');
  const puts = irc.calls.filter(({ path }) => path.includes('/transactions/'));
  for (const { authorization, query, method } of puts) {
    expect(method).toBe('PUT');
    expect(authorization).toBe(`Bearer ${irc.registration['hs_token']}`);
    expect(query.get('access_token')).toBe(irc.registration['hs_token']);
  }
});

test('a room is interesting by its alias', async () => {
  const roomId = await romeo.createRoom({ room_alias_name: nameOf('watched_square') });
  await romeo.send(roomId, 'heard');
  await irc.until(() => bodiesIn(roomId).includes('heard'), 'the message of the room with the alias');
});

test('a service hears of people in its namespaces whom it does not keep for itself', async () => {
  await using watcher = await startAppservice({
    id: 'watcher',
    namespaces: {
      users: [{ exclusive: false, regex: '@mercutio:.*' }],
      aliases: [],
      rooms: [],
    },
  });
  await using other = await startServer({ config: { appservices: [watcher.file] } });
  const tybalt = await other.user('tybalt');
  const mercutio = await other.user('mercutio');
  const street = await tybalt.createRoom({ preset: 'public_chat' });
  await tybalt.send(street, 'unheard');
  await mercutio.join(street);
  const heard = await tybalt.send(street, 'heard');
  await watcher.until(() => watcher.events().some((event) => event['event_id'] === heard), 'the message in the street');
  const told = watcher.events().filter(({ type }) => type === 'm.room.message');
  expect(told.map((event) => event['event_id'])).toEqual([heard]);
});

test('a service that is down for a while misses nothing and is told nothing twice, whatever restarts meanwhile', async () => {
  const patient = nameOf('_irc_patient');
  await register(patient);
  const roomId = await roomWith(patient);
  await romeo.send(roomId, 'up');
  await irc.until(() => bodiesIn(roomId).includes('up'), 'the first message');

  // A transaction is taken, and its answer lost; then the service is down; then the homeserver restarts.
  let lost: string | undefined;
  irc.answer = ({ path }) => {
    if (!path.includes('/transactions/')) return undefined;
    lost ??= path;
    return { status: 500, body: {} };
  };
  await romeo.send(roomId, 'first try');
  await irc.until(() => lost, 'a transaction that it refuses');
  const refused = irc.calls.find(({ path }) => path === lost)?.body;
  await irc.hangUp();
  for (let sent = 0; sent < 150; sent += 1) await romeo.send(roomId, `${sent}`);
  await server.restart();
  await romeo.send(roomId, 'last');

  irc.answer = undefined;
  await irc.listen();
  await irc.call(server.url, 'GET', `${CLIENT}/account/whoami`);
  await irc.until(() => bodiesIn(roomId).includes('last'), 'the last message');
  expect(bodiesIn(roomId)).toEqual(['up', 'first try', ...Array.from({ length: 150 }, (_, index) => `${index}`), 'last']);
  expect(irc.calls.findLast(({ path }) => path === lost)?.body).toEqual(refused);
  for (const { events } of irc.transactions) expect(events.length).toBeLessThanOrEqual(100);
  const numbers = irc.transactions.map(({ txnId }) => Number(txnId));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test('typing, receipts and presence are told with the room they belong to', async () => {
  const watcher = nameOf('_irc_watcher');
  await register(watcher);
  const roomId = await roomWith(watcher);
  const eventId = await romeo.send(roomId, 'read me');
  const find = (type: string) =>
    irc.transactions.flatMap(({ ephemeral }) => ephemeral).find((event) => event['type'] === type && event['room_id'] === roomId);

  await romeo.call('PUT', `${room(roomId)}/typing/${romeo.id}`, { typing: true, timeout: 30_000 });
  const typing = await irc.until(() => find('m.typing'), 'the typing');
  expect(typing).toMatchObject({ room_id: roomId, content: { user_ids: [romeo.id] } });

  await romeo.call('POST', `${room(roomId)}/receipt/m.read.private/${encodeURIComponent(eventId)}`, {});
  await irc.call(server.url, 'POST', `${room(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {}, as(watcher));
  const receipt = await irc.until(() => find('m.receipt'), 'the receipt');
  expect(receipt).toEqual({
    type: 'm.receipt',
    room_id: roomId,
    content: { [eventId]: { 'm.read': { [`@${watcher}:hs.test`]: { ts: expect.any(Number) } } } },
  });

  await romeo.call('PUT', `${CLIENT}/presence/${romeo.id}/status`, { presence: 'unavailable', status_msg: 'asleep' });
  const presence = await irc.until(
    () => irc.transactions.flatMap(({ ephemeral }) => ephemeral).find((event) => JSON.stringify(event).includes('asleep')),
    'the presence',
  );
  expect(presence).toMatchObject({ type: 'm.presence', sender: romeo.id, content: { presence: 'unavailable', status_msg: 'asleep' } });
});

test('messages to devices of its users are told once, with what the encryption needs to know', async () => {
  const crypt = nameOf('_irc_crypt');
  await register(crypt);
  const roomId = await roomWith(crypt);
  await irc.call(server.url, 'PUT', `${CLIENT}/devices/SHIP`, {}, as(crypt));
  await romeo.call('PUT', `${CLIENT}/sendToDevice/m.test/${nameOf('1')}`, { messages: { [`@${crypt}:hs.test`]: { '*': { secret: 1 } } } });
  await romeo.call('PUT', `${CLIENT}/sendToDevice/m.test/${nameOf('2')}`, { messages: { [`@${crypt}:hs.test`]: { SHIP: { secret: 2 } } } });
  const isForIt = (message: Record<string, unknown>) => message['to_user_id'] === `@${crypt}:hs.test`;
  const messages = () => irc.transactions.flatMap(({ toDevice }) => toDevice.filter(isForIt));
  await irc.until(() => messages().length >= 2, 'the messages to the device');
  const common = { type: 'm.test', sender: romeo.id, to_user_id: `@${crypt}:hs.test`, to_device_id: 'SHIP' };
  expect(messages()).toEqual([
    { ...common, content: { secret: 1 } },
    { ...common, content: { secret: 2 } },
  ]);
  const { body } = await irc.until(() => irc.transactions.find(({ toDevice }) => toDevice.some(isForIt)), 'the transaction');
  expect(body['org.matrix.msc3202.device_one_time_keys_count']).toMatchObject({
    [`@${crypt}:hs.test`]: { SHIP: { signed_curve25519: 0 } },
  });
  expect(body['org.matrix.msc3202.device_unused_fallback_key_types']).toMatchObject({ [`@${crypt}:hs.test`]: { SHIP: [] } });

  await romeo.send(roomId, 'more');
  await irc.until(() => bodiesIn(roomId).includes('more'), 'the next message');
  expect(messages()).toHaveLength(2);
  const waiting = await server.sql`select 1 from to_device_messages`;
  expect(waiting).toHaveLength(0);
});

test('a service learns whose devices changed, and when a key of its own users is taken', async () => {
  const holder = nameOf('_irc_keys');
  await register(holder);
  await roomWith(holder);
  await irc.call(server.url, 'PUT', `${CLIENT}/devices/RING`, {}, as(holder));
  const ghost = { id: `@${holder}:hs.test`, deviceId: 'RING' };
  const pair = createKeyPair();
  const upload = {
    device_keys: await createDeviceKeys(ghost, pair),
    one_time_keys: {
      'signed_curve25519:A': await createOneTimeKey(ghost, pair),
      'signed_curve25519:B': await createOneTimeKey(ghost, pair),
    },
  };
  const uploaded = await irc.call(server.url, 'POST', `${CLIENT}/keys/upload`, upload, { userId: ghost.id, deviceId: 'RING' });
  expect(uploaded).toMatchObject({ status: 200, body: { one_time_key_counts: { signed_curve25519: 2 } } });

  await setUpDevice(romeo);
  const changed = () =>
    irc.transactions.flatMap(({ body }) => (body['org.matrix.msc3202.device_lists'] as { changed: string[] } | undefined)?.changed ?? []);
  await irc.until(() => changed().includes(romeo.id), 'the change of a device list');
  expect(changed()).toContain(ghost.id);

  await romeo.call('POST', `${CLIENT}/keys/claim`, { one_time_keys: { [ghost.id]: { RING: 'signed_curve25519' } } });
  await irc.until(
    () =>
      irc.transactions.some(({ body }) =>
        JSON.stringify(body['org.matrix.msc3202.device_one_time_keys_count'] ?? {}).includes('"signed_curve25519":1'),
      ),
    'the count of the keys that are left',
  );
});
