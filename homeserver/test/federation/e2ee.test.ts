import { expect, test } from 'vitest';
import { createCrossSigning, setUpDevice, signAs } from '../client-api/crypto-device.ts';
import { V3 } from '../client-api/sign-up-steps.ts';
import { startServers } from '../kit/start-servers.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests look into any answer
type Keys = Record<string, any>;
const query = async (user: TestUser, id: string): Promise<Keys> =>
  await user.call('POST', `${V3}/keys/query`, { device_keys: { [id]: [] } });
const PATIENCE = { timeout: 20_000 };

/** Waits until a user's sync says that another's keys changed. */
async function hearOfKeys(user: TestUser, about: string): Promise<void> {
  await expect
    .poll(async () => ((await user.sync({ timeoutMs: 2_000 })) as Keys)['device_lists']?.changed ?? [], PATIENCE)
    .toContain(about);
}

test('keys of another server’s devices are asked for, kept, and brought up to date by its updates', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const { deviceKeys, pair } = await setUpDevice(juliet);
  expect((await query(romeo, juliet.id))['device_keys'][juliet.id][juliet.deviceId]).toEqual({ ...deviceKeys, unsigned: {} });

  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await romeo.sync();
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await hearOfKeys(romeo, juliet.id);
  expect((await query(romeo, juliet.id))['device_keys'][juliet.id]).toEqual({ [juliet.deviceId]: deviceKeys });

  const phone = await logInTestUser(servers.at(1).url, 'juliet');
  await setUpDevice(phone);
  await hearOfKeys(romeo, juliet.id);
  expect(Object.keys((await query(romeo, juliet.id))['device_keys'][juliet.id]).sort()).toEqual([juliet.deviceId, phone.deviceId].sort());
  await phone.call('POST', `${V3}/logout`, {});
  await hearOfKeys(romeo, juliet.id);
  expect(Object.keys((await query(romeo, juliet.id))['device_keys'][juliet.id])).toEqual([juliet.deviceId]);

  const crossSigning = await createCrossSigning(juliet, pair);
  await juliet.call('POST', `${V3}/keys/device_signing/upload`, crossSigning.upload);
  await hearOfKeys(romeo, juliet.id);
  expect((await query(romeo, juliet.id))['master_keys'][juliet.id]).toEqual(crossSigning.upload.master_key);
  const { selfSigning } = crossSigning;
  const signed = await signAs(deviceKeys, juliet.id, selfSigning.publicKey, selfSigning.seed);
  await juliet.call('POST', `${V3}/keys/signatures/upload`, { [juliet.id]: { [juliet.deviceId]: signed } });
  await hearOfKeys(romeo, juliet.id);
  expect((await query(romeo, juliet.id))['device_keys'][juliet.id][juliet.deviceId].signatures).toEqual(signed.signatures);
});

test('a one-time key is claimed from another server, and a message reaches its device once', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  await setUpDevice(juliet, 1);
  const wanted = { one_time_keys: { [juliet.id]: { [juliet.deviceId]: 'signed_curve25519' } } };
  const claim = async (): Promise<Keys> => await romeo.call('POST', `${V3}/keys/claim`, wanted);
  expect((await claim())['one_time_keys'][juliet.id][juliet.deviceId]).toHaveProperty(['signed_curve25519:K0']);
  expect((await claim())['one_time_keys']).toEqual({});

  await juliet.sync();
  const content = { ciphertext: 'x' };
  await romeo.call('PUT', `${V3}/sendToDevice/m.room.encrypted/1`, { messages: { [juliet.id]: { [juliet.deviceId]: content } } });
  const events: unknown[] = [];
  await expect
    .poll(async () => {
      events.push(...(((await juliet.sync({ timeoutMs: 2_000 })) as Keys)['to_device']?.events ?? []));
      return events;
    }, PATIENCE)
    .toEqual([{ type: 'm.room.encrypted', sender: romeo.id, content }]);
});

test('a server that does not answer is named among the failures, and the others are not held up', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  await setUpDevice(romeo);
  await servers.at(1).stop();
  const body = { timeout: 2_000, device_keys: { [juliet.id]: [], [romeo.id]: [] } };
  const answer = (await romeo.call('POST', `${V3}/keys/query`, body)) as Keys;
  expect(answer['device_keys']).toHaveProperty([romeo.id]);
  expect(answer['failures']).toHaveProperty([servers.at(1).name]);
});
