import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { createCrossSigning, createDeviceKeys, createKeyPair, createOneTimeKey, randomKey, setUpDevice, signAs } from './crypto-device.ts';
import { V3 } from './sign-up-steps.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests look into any answer
type Keys = Record<string, any>;
const query = async (user: TestUser, ...ids: string[]): Promise<Keys> =>
  await user.call('POST', `${V3}/keys/query`, { device_keys: Object.fromEntries(ids.map((id) => [id, []])) });
const upload = (user: TestUser, body: object) => user.attempt('POST', `${V3}/keys/upload`, body);
const claim = async (user: TestUser, target: TestUser): Promise<Keys> =>
  await user.call('POST', `${V3}/keys/claim`, { one_time_keys: { [target.id]: { [target.deviceId]: 'signed_curve25519' } } });

function withoutSignatures<T extends object>({ signatures: _signatures, ...bare }: T & { signatures: unknown }) {
  return bare;
}

test('device keys are given to who asks as they were uploaded, with the name of the device', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { deviceKeys } = await setUpDevice(romeo, 2);
  await romeo.call('PUT', `${V3}/devices/${romeo.deviceId}`, { display_name: 'lute' });
  const found = await query(juliet, romeo.id, '@nobody:hs.test');
  expect(found['device_keys'][romeo.id][romeo.deviceId]).toEqual({ ...deviceKeys, unsigned: { device_display_name: 'lute' } });
  expect(found['device_keys']['@nobody:hs.test']).toEqual({});
});

test('S26, S50: malformed and wrongly signed keys are refused, and nothing of the request is stored', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const pair = createKeyPair();
  const good = await createDeviceKeys(romeo, pair);
  const resign = async (change: object) => {
    const { signatures: _old, ...rest } = { ...good, ...change };
    return await signAs(rest, romeo.id, romeo.deviceId, pair.seed);
  };
  const bad = [
    { ...good, algorithms: ['changed'] },
    await resign({ user_id: juliet.id }),
    await resign({ device_id: 'OTHER' }),
    await resign({ extra: 1.5 }),
    await resign({ keys: { ...good.keys, extra: 5 } }),
    await resign({ algorithms: [7] }),
    await resign({ keys: 'none' }),
    { ...(await createDeviceKeys(romeo)), keys: good.keys },
  ];
  for (const deviceKeys of bad) expect((await upload(romeo, { device_keys: deviceKeys })).status).toBe(400);

  const key = await createOneTimeKey(romeo, pair);
  const badKeys = [
    { 'signed_curve25519:A': { ...key, key: randomKey() } },
    { 'signed_curve25519:A': { signatures: key.signatures } },
    { 'signed_curve25519:A': await signAs({ key: 5 }, romeo.id, romeo.deviceId, pair.seed) },
    { signed_curve25519: key },
    { 'signed_curve25519:A:B': key },
    { 'signed_curve25519:A': key, 'curve25519:B': 5 },
  ];
  for (const keys of badKeys) expect((await upload(romeo, { device_keys: good, one_time_keys: keys })).status).toBe(400);
  expect((await query(juliet, romeo.id))['device_keys'][romeo.id]).toEqual({});
  expect((await upload(romeo, { device_keys: good, one_time_keys: { 'signed_curve25519:A': key } })).status).toBe(200);
});

test('keys without a signature are stored and passed on: whoever is to use them judges', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const bare = { user_id: romeo.id, device_id: romeo.deviceId };
  const uploaded = await upload(romeo, {
    device_keys: bare,
    one_time_keys: { 'new_algorithm:A': 'a key', 'signed_curve25519:B': { key: 'k' } },
  });
  expect(uploaded.body).toEqual({ one_time_key_counts: { new_algorithm: 1, signed_curve25519: 1 } });
  expect((await query(juliet, romeo.id))['device_keys'][romeo.id][romeo.deviceId]).toMatchObject(bare);
  expect((await upload(romeo, { device_keys: { algorithms: [] } })).status, 'of nobody').toBe(400);
});

test('S50: a one-time key is given once, even to a hundred who ask at once; then the fallback key serves', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { pair } = await setUpDevice(romeo, 10);
  const fallback = await createOneTimeKey(romeo, pair, { fallback: true });
  await romeo.call('POST', `${V3}/keys/upload`, { fallback_keys: { 'signed_curve25519:F': fallback } });

  const answers = await Promise.all(Array.from({ length: 20 }, () => claim(juliet, romeo)));
  const given = answers.map((answer) => Object.keys(answer['one_time_keys'][romeo.id][romeo.deviceId])[0]);
  expect(new Set(given.filter((id) => id !== 'signed_curve25519:F')).size).toBe(10);
  expect(given.filter((id) => id === 'signed_curve25519:F')).toHaveLength(10);
  const counts = await romeo.call('POST', `${V3}/keys/upload`, {});
  expect(counts).toEqual({ one_time_key_counts: { signed_curve25519: 0 } });
});

test('S50: a one-time key cannot be replaced by another of the same id', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const { pair, deviceKeys } = await setUpDevice(romeo);
  const key = await createOneTimeKey(romeo, pair);
  const first = await upload(romeo, { one_time_keys: { 'signed_curve25519:A': key } });
  expect(first.body).toEqual({ one_time_key_counts: { signed_curve25519: 1 } });
  expect((await upload(romeo, { one_time_keys: { 'signed_curve25519:A': key } })).status).toBe(200);
  const { signatures: _signatures, ...bare } = key;
  expect((await upload(romeo, { one_time_keys: { 'signed_curve25519:A': bare } })).status, 'the same key, not signed').toBe(200);

  const other = await createOneTimeKey(romeo, pair);
  const renamed = await signAs({ ...withoutSignatures(deviceKeys), extra: 'new' }, romeo.id, romeo.deviceId, pair.seed);
  const refused = await upload(romeo, {
    device_keys: renamed,
    one_time_keys: { 'signed_curve25519:A': other, 'signed_curve25519:B': await createOneTimeKey(romeo, pair) },
  });
  expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
  expect(refused.body).toHaveProperty('error', expect.stringMatching(/^One time key signed_curve25519:A already exists\. Old key: /));
  expect((await upload(romeo, {})).body, 'nothing of it is stored').toEqual({ one_time_key_counts: { signed_curve25519: 1 } });
  expect((await query(romeo, romeo.id))['device_keys'][romeo.id][romeo.deviceId]).not.toHaveProperty('extra');
});

test('a device that comes with another signing key starts anew: the one-time keys of the old one are given to nobody', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { pair: old } = await setUpDevice(romeo, 2);
  await upload(romeo, { fallback_keys: { 'signed_curve25519:F': await createOneTimeKey(romeo, old, { fallback: true }) } });

  const pair = createKeyPair();
  const key = await createOneTimeKey(romeo, pair);
  const answer = await upload(romeo, {
    device_keys: await createDeviceKeys(romeo, pair),
    one_time_keys: { 'signed_curve25519:K0': key },
  });
  expect(answer).toMatchObject({ status: 200, body: { one_time_key_counts: { signed_curve25519: 1 } } });
  expect((await claim(juliet, romeo))['one_time_keys'][romeo.id][romeo.deviceId]).toEqual({ 'signed_curve25519:K0': key });
  expect((await claim(juliet, romeo))['one_time_keys']).toEqual({});
});

test('sync counts the one-time keys that are left, and names the unused fallback keys', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  expect(await romeo.sync()).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] });
  const { pair } = await setUpDevice(romeo, 1);
  await upload(romeo, { fallback_keys: { 'signed_curve25519:F': await createOneTimeKey(romeo, pair, { fallback: true }) } });
  expect(await romeo.sync()).toMatchObject({
    device_one_time_keys_count: { signed_curve25519: 1 },
    device_unused_fallback_key_types: ['signed_curve25519'],
  });
  await claim(juliet, romeo);
  await claim(juliet, romeo);
  expect(await romeo.sync()).toMatchObject({ device_one_time_keys_count: { signed_curve25519: 0 }, device_unused_fallback_key_types: [] });
});

test('S50: cross-signing keys are published freely once, and replaced only with the password', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { pair } = await setUpDevice(romeo);
  const path = `${V3}/keys/device_signing/upload`;
  const first = await createCrossSigning(romeo, pair);
  await romeo.call('POST', path, first.upload);
  await romeo.call('POST', path, first.upload);
  const shown = await query(juliet, romeo.id);
  expect(shown['master_keys'][romeo.id]).toEqual(first.upload.master_key);
  expect(shown['self_signing_keys'][romeo.id]).toEqual(first.upload.self_signing_key);
  expect(shown['user_signing_keys']).toEqual({});
  expect((await query(romeo, romeo.id))['user_signing_keys'][romeo.id]).toEqual(first.upload.user_signing_key);

  const second = await createCrossSigning(romeo, pair);
  const question = await romeo.attempt('POST', path, second.upload);
  expect(question).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
  const auth = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'romeo' },
    password: TEST_PASSWORD,
    session: question.body['session'],
  };
  await romeo.call('POST', path, { ...second.upload, auth });
  expect((await query(juliet, romeo.id))['master_keys'][romeo.id]).toEqual(second.upload.master_key);

  const stranger = createKeyPair();
  const forged = await signAs(
    { user_id: romeo.id, usage: ['self_signing'], keys: { [`ed25519:${stranger.publicKey}`]: stranger.publicKey } },
    romeo.id,
    stranger.publicKey,
    stranger.seed,
  );
  expect(await romeo.attempt('POST', path, { self_signing_key: forged })).toMatchObject({
    status: 400,
    body: { errcode: 'M_INVALID_SIGNATURE' },
  });
});

test('S50: signatures are checked before they are shown; one’s own on another’s key is one’s own to see', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const paris = await server.user('paris');
  const romeoDevice = await setUpDevice(romeo);
  const julietDevice = await setUpDevice(juliet);
  const romeoKeys = await createCrossSigning(romeo, romeoDevice.pair);
  const julietKeys = await createCrossSigning(juliet, julietDevice.pair);
  await romeo.call('POST', `${V3}/keys/device_signing/upload`, romeoKeys.upload);
  await juliet.call('POST', `${V3}/keys/device_signing/upload`, julietKeys.upload);

  const { selfSigning, userSigning } = romeoKeys;
  const device = await signAs(romeoDevice.deviceKeys, romeo.id, selfSigning.publicKey, selfSigning.seed);
  const master = await signAs(julietKeys.upload.master_key, romeo.id, userSigning.publicKey, userSigning.seed);
  const done = await romeo.call('POST', `${V3}/keys/signatures/upload`, {
    [romeo.id]: { [romeo.deviceId]: device },
    [juliet.id]: { [julietKeys.master.publicKey]: master },
  });
  expect(done).toEqual({ failures: {} });

  const byRomeo = await query(romeo, romeo.id, juliet.id);
  expect(byRomeo['device_keys'][romeo.id][romeo.deviceId].signatures).toEqual(device.signatures);
  expect(byRomeo['master_keys'][juliet.id].signatures).toEqual(master.signatures);
  const byParis = await query(paris, romeo.id, juliet.id);
  expect(byParis['device_keys'][romeo.id][romeo.deviceId].signatures).toEqual(device.signatures);
  expect(byParis['master_keys'][juliet.id].signatures).not.toHaveProperty([romeo.id]);

  const forged = await signAs(romeoDevice.deviceKeys, romeo.id, selfSigning.publicKey, createKeyPair().seed);
  const other = await signAs({ ...romeoDevice.deviceKeys, algorithms: [] }, romeo.id, selfSigning.publicKey, selfSigning.seed);
  for (const object of [forged, other]) {
    const refused = await romeo.call('POST', `${V3}/keys/signatures/upload`, { [romeo.id]: { [romeo.deviceId]: object } });
    expect(refused).toMatchObject({ failures: { [romeo.id]: { [romeo.deviceId]: { errcode: 'M_INVALID_SIGNATURE' } } } });
  }
});

test('device lists: a change wakes who shares a room; strangers met and friends parted are told', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const paris = await server.user('paris');
  await setUpDevice(romeo);
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await juliet.sync();
  const lists = async (user: TestUser): Promise<Keys> => ({ changed: [], left: [], ...((await user.sync())['device_lists'] as object) });

  await setUpDevice(paris);
  expect(await lists(juliet)).toEqual({ changed: [], left: [] });
  await romeo.join(roomId);
  expect((await lists(juliet))['changed']).toEqual([romeo.id]);
  const second = await logInTestUser(server.url, 'romeo');
  expect((await lists(juliet))['changed']).toEqual([romeo.id]);
  await setUpDevice(second);
  expect((await lists(juliet))['changed']).toEqual([romeo.id]);
  await second.call('POST', `${V3}/logout`, {});
  expect((await lists(juliet))['changed']).toEqual([romeo.id]);
  expect(Object.keys((await query(juliet, romeo.id))['device_keys'][romeo.id])).toEqual([romeo.deviceId]);
  await romeo.call('PUT', `${V3}/profile/${encodeURIComponent(romeo.id)}/displayname`, { displayname: 'R' });
  await romeo.send(roomId, 'hello');
  expect((await lists(juliet))['changed']).toEqual([]);
  await romeo.leave(roomId);
  expect(await lists(juliet)).toEqual({ changed: [], left: [romeo.id] });
});

test('keys/changes tells the same between two tokens of a sync', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  const from = String((await juliet.sync())['next_batch']);
  await setUpDevice(romeo);
  const to = String((await juliet.sync())['next_batch']);
  const changes = (a: string, b: string) => juliet.attempt('GET', `${V3}/keys/changes?from=${a}&to=${b}`);
  expect((await changes(from, to)).body).toEqual({ changed: [romeo.id], left: [] });
  expect((await changes(to, to)).body).toEqual({ changed: [], left: [] });
  expect((await changes('forged', to)).status).toBe(400);
  expect((await changes(from, 's999999999_x_0')).status).toBe(200);
});

test('S37: nobody asks for the keys of a town at once', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const everybody = Array.from({ length: 5_001 }, (_, n) => `@p${n}:hs.test`);
  const asked = { device_keys: Object.fromEntries(everybody.map((id) => [id, []])) };
  expect((await romeo.attempt('POST', `${V3}/keys/query`, asked)).status).toBe(413);
  const devices = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`D${n}`, 'signed_curve25519']));
  expect((await romeo.attempt('POST', `${V3}/keys/claim`, { one_time_keys: { [romeo.id]: devices } })).status).toBe(413);
  const messages = { [romeo.id]: Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`D${n}`, {}])) };
  expect((await romeo.attempt('PUT', `${V3}/sendToDevice/m.x/1`, { messages })).status).toBe(413);
  const large = { messages: { [romeo.id]: { '*': { text: 'x'.repeat(70_000) } } } };
  expect((await romeo.attempt('PUT', `${V3}/sendToDevice/m.x/2`, large)).status).toBe(413);
});
