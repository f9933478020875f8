import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';
import { createCrossSigning, createDeviceKeys, createKeyPair, createOneTimeKey, type KeyPair } from './crypto-device.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const CLIENT = '/_matrix/client/v3';
const CLAIM = '/_matrix/app/unstable/org.matrix.msc3983/keys/claim';
const QUERY = '/_matrix/app/unstable/org.matrix.msc3984/keys/query';
const KEEPS_KEYS = { 'org.matrix.msc3983': true, 'org.matrix.msc3984': true };

type Answers = { one_time_keys: object; device_keys: object; master_keys: object; self_signing_keys: object; failures: object };

const cleanup = createCleanup();
let irc: TestAppservice;
let mail: TestAppservice;
let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  const users = [
    { exclusive: true, regex: '@_irc_.*' },
    { exclusive: false, regex: '@shared_.*' },
  ];
  irc = cleanup.use(await startAppservice({ ...KEEPS_KEYS, namespaces: { users, aliases: [], rooms: [] } }));
  mail = cleanup.use(await startAppservice({ id: 'mail' }));
  server = cleanup.use(await startServer({ config: { appservices: [irc.file, mail.file] } }));
  romeo = await server.user('romeo');
});
afterAll(() => cleanup.run());
beforeEach(() => {
  irc.answer = undefined;
});

/** A user of a service with one device, whose keys are uploaded. */
async function ghost(wished: string, service: TestAppservice, keys: (user: { id: string; deviceId: string }, pair: KeyPair) => object) {
  const localpart = nameOf(wished);
  const [user, pair] = [{ id: `@${localpart}:hs.test`, deviceId: 'SHIP' }, createKeyPair()];
  const as = { userId: user.id, deviceId: user.deviceId };
  await service.call(server.url, 'POST', `${CLIENT}/register`, {
    type: 'm.login.application_service',
    username: localpart,
    inhibit_login: true,
  });
  await service.call(server.url, 'PUT', `${CLIENT}/devices/SHIP`, {}, { userId: user.id });
  const deviceKeys = await createDeviceKeys(user, pair);
  const body = { device_keys: deviceKeys, ...(await keys(user, pair)) };
  const { status } = await service.call(server.url, 'POST', `${CLIENT}/keys/upload`, body, as);
  expect(status).toBe(200);
  return { ...user, pair, deviceKeys };
}

async function claim(userId: string, deviceId = 'SHIP') {
  const body = { one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } } };
  return ((await romeo.call('POST', `${CLIENT}/keys/claim`, body)) as Answers).one_time_keys;
}

const query = async (userId: string, devices: string[] = []) =>
  (await romeo.call('POST', `${CLIENT}/keys/query`, { device_keys: { [userId]: devices } })) as Answers;
const callsAbout = (service: TestAppservice, userId: string) =>
  service.calls.filter(({ path, body }) => (path === CLAIM || path === QUERY) && JSON.stringify(body).includes(userId));

test('a claim falls to the service when no one-time key is stored, and then to the fallback key', async () => {
  const key = { key: 'stored' };
  const fallback = { key: 'fallback', fallback: true };
  const user = await ghost('_irc_claimed', irc, () => ({
    one_time_keys: { 'signed_curve25519:STORED': key },
    fallback_keys: { 'signed_curve25519:BACK': fallback },
  }));
  const kept = await createOneTimeKey(user, user.pair);
  const spare = await createOneTimeKey(user, user.pair);
  irc.answer = ({ path }) =>
    path === CLAIM
      ? { status: 200, body: { [user.id]: { SHIP: { 'signed_curve25519:KEPT': kept, 'signed_curve25519:SPARE': spare } } } }
      : undefined;

  expect(await claim(user.id)).toEqual({ [user.id]: { SHIP: { 'signed_curve25519:STORED': key } } });
  expect(callsAbout(irc, user.id)).toEqual([]);
  expect(await claim(user.id)).toEqual({ [user.id]: { SHIP: { 'signed_curve25519:KEPT': kept } } });
  expect(callsAbout(irc, user.id)).toMatchObject([
    {
      method: 'POST',
      path: CLAIM,
      authorization: `Bearer ${String(irc.registration['hs_token'])}`,
      body: { [user.id]: { SHIP: ['signed_curve25519'] } },
    },
  ]);
  irc.answer = ({ path }) => (path === CLAIM ? { status: 200, body: {} } : undefined);
  expect(await claim(user.id)).toEqual({ [user.id]: { SHIP: { 'signed_curve25519:BACK': fallback } } });
});

test('a service that lies about one-time keys gives none', async () => {
  const fallback = { key: 'fallback', fallback: true };
  const user = await ghost('_irc_lied', irc, () => ({ fallback_keys: { 'signed_curve25519:BACK': fallback } }));
  const falselySigned = await createOneTimeKey(user, createKeyPair());
  const answers = [
    { [user.id]: { SHIP: { 'signed_curve25519:LIE': falselySigned } } },
    { [user.id]: { SHIP: { 'curve25519:OTHER': 'another algorithm' } } },
    { [user.id]: { OTHER: { 'signed_curve25519:LIE': { key: 'of another device' } } } },
    { [romeo.id]: { [romeo.deviceId]: { 'signed_curve25519:LIE': { key: 'of another user' } } } },
    { [user.id]: { SHIP: 5 } },
    '<html>',
  ];
  for (const body of answers) {
    irc.answer = ({ path }) => (path === CLAIM ? { status: 200, body } : undefined);
    expect(await claim(user.id)).toEqual({ [user.id]: { SHIP: { 'signed_curve25519:BACK': fallback } } });
  }
  expect(callsAbout(irc, user.id)).toHaveLength(answers.length);
});

test('a query merges what the service says with what is stored, and the service wins', async () => {
  const user = await ghost('_irc_queried', irc, () => ({}));
  const pier = await createDeviceKeys({ id: user.id, deviceId: 'PIER' });
  const { upload } = await createCrossSigning({ ...romeo, id: user.id, deviceId: 'SHIP' }, user.pair);
  const signing = { master_keys: { [user.id]: upload.master_key }, self_signing_keys: { [user.id]: upload.self_signing_key } };
  irc.answer = ({ path }) =>
    path === QUERY ? { status: 200, body: { device_keys: { [user.id]: { PIER: pier } }, ...signing } } : undefined;
  const merged = await query(user.id);
  expect(merged).toMatchObject({ device_keys: { [user.id]: { SHIP: user.deviceKeys, PIER: pier } }, ...signing, failures: {} });
  expect(callsAbout(irc, user.id)).toMatchObject([{ method: 'POST', body: { device_keys: { [user.id]: [] } } }]);

  const newer = await createDeviceKeys(user);
  irc.answer = ({ path }) =>
    path === QUERY ? { status: 200, body: { device_keys: { [user.id]: { SHIP: newer, PIER: pier } } } } : undefined;
  expect((await query(user.id, ['SHIP'])).device_keys).toEqual({ [user.id]: { SHIP: newer } });
});

test('a service that is silent or lies costs nothing but its keys', async () => {
  const user = await ghost('_irc_silent', irc, () => ({}));
  const foreign = await createDeviceKeys({ id: romeo.id, deviceId: 'SHIP' });
  const stranger = await createDeviceKeys({ id: romeo.id, deviceId: 'STRANGER' });
  const answers = [
    { device_keys: { [user.id]: { SHIP: foreign } }, master_keys: { [user.id]: { keys: 5 } } },
    { device_keys: { [romeo.id]: { STRANGER: stranger } } },
    { device_keys: [] },
    'no JSON',
  ];
  for (const body of answers) {
    irc.answer = ({ path }) => (path === QUERY ? { status: 200, body } : undefined);
    const answer = await query(user.id);
    expect(answer.device_keys).toMatchObject({ [user.id]: { SHIP: user.deviceKeys } });
    expect(answer).toMatchObject({ master_keys: {}, failures: {} });
    expect(JSON.stringify(answer)).not.toContain('STRANGER');
  }
  irc.answer = undefined;
  expect((await query(user.id)).device_keys).toMatchObject({ [user.id]: { SHIP: user.deviceKeys } });
  await irc.hangUp();
  try {
    expect((await query(user.id)).device_keys).toMatchObject({ [user.id]: { SHIP: user.deviceKeys } });
    expect(await claim(user.id)).toEqual({});
  } finally {
    await irc.listen();
  }
});

test('who is not in an exclusive namespace of a service that keeps keys causes no call', async () => {
  const bridged = await ghost('_mail_one', mail, () => ({}));
  for (const userId of [romeo.id, '@shared_one:hs.test', bridged.id, '@_irc_x:elsewhere.test']) {
    await query(userId);
    await claim(userId);
    expect(callsAbout(irc, userId)).toEqual([]);
    expect(callsAbout(mail, userId)).toEqual([]);
  }
});

test('another server is given the keys that a service keeps', async () => {
  await using bridge = await startAppservice(KEEPS_KEYS);
  await using servers = await startServers(2, { config: { appservices: [bridge.file] } });
  const asking = await servers.user('romeo', 0);
  const user = { id: `@_irc_far:${servers.at(1).name}`, deviceId: 'SHIP' };
  const pair = createKeyPair();
  const deviceKeys = { [user.id]: { SHIP: await createDeviceKeys(user, pair) } };
  const keys = { [user.id]: { SHIP: { 'signed_curve25519:KEPT': await createOneTimeKey(user, pair) } } };
  bridge.answer = ({ path }) => {
    if (path === QUERY) return { status: 200, body: { device_keys: deviceKeys } };
    return path === CLAIM ? { status: 200, body: keys } : undefined;
  };
  const queried = await asking.call('POST', `${CLIENT}/keys/query`, { device_keys: { [user.id]: [] } });
  expect(queried).toMatchObject({ device_keys: deviceKeys, failures: {} });
  const body = { one_time_keys: { [user.id]: { SHIP: 'signed_curve25519' } } };
  expect(await asking.call('POST', `${CLIENT}/keys/claim`, body)).toMatchObject({ one_time_keys: keys, failures: {} });
});
