import { decodeRecoveryKey } from 'matrix-js-sdk/lib/crypto-api/recovery-key.js';
import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser } from '../kit/test-user.ts';
import { ENCRYPTED, nextText, startClient } from './independent-client.ts';

test('matrix-js-sdk clients read each other’s encrypted messages, and the database does not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  await using romeoClient = await startClient(server, romeo);
  await using julietClient = await startClient(server, juliet);
  const roomId = await romeo.createRoom({ preset: 'private_chat', invite: [juliet.id], initial_state: ENCRYPTED });
  await juliet.join(roomId);
  await expect.poll(() => romeoClient.matrix.getRoom(roomId)?.getJoinedMemberCount(), { timeout: 15_000 }).toBe(2);
  await expect.poll(() => julietClient.matrix.getRoom(roomId)?.hasEncryptionStateEvent(), { timeout: 15_000 }).toBe(true);

  const heard = nextText(julietClient, roomId);
  await romeoClient.matrix.sendTextMessage(roomId, 'thus with a kiss I die');
  expect(await heard).toBe('thus with a kiss I die');
  const answered = nextText(romeoClient, roomId);
  await julietClient.matrix.sendTextMessage(roomId, 'O happy dagger');
  expect(await answered).toBe('O happy dagger');
  const rows = await server.sql`select json from events union all select content from to_device_messages`;
  expect(JSON.stringify(rows)).not.toMatch(/happy dagger|with a kiss/);
});

test('a second device of matrix-js-sdk is verified by the recovery key and reads old messages from the backup', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const recovery: { privateKey?: Uint8Array<ArrayBuffer> } = {};
  await using first = await startClient(server, romeo, recovery);
  const crypto = first.matrix.getCrypto();
  if (crypto === undefined) throw new Error('no crypto');
  const authUploadDeviceSigningKeys = async (makeRequest: (auth: null) => Promise<unknown>) => void (await makeRequest(null));
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: authUploadDeviceSigningKeys as never });
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => {
      const key = await crypto.createRecoveryKeyFromPassphrase();
      recovery.privateKey = decodeRecoveryKey(String(key.encodedPrivateKey));
      return key;
    },
    setupNewKeyBackup: true,
  });
  expect(await crypto.isCrossSigningReady()).toBe(true);

  const roomId = await romeo.createRoom({ initial_state: ENCRYPTED });
  await expect.poll(() => first.matrix.getRoom(roomId)?.hasEncryptionStateEvent(), { timeout: 15_000 }).toBe(true);
  const { event_id: eventId } = await first.matrix.sendTextMessage(roomId, 'parting is such sweet sorrow');
  await expect.poll(async () => (await romeo.call('GET', '/_matrix/client/v3/room_keys/version'))['count'], { timeout: 30_000 }).toBe(1);

  const phone = await logInTestUser(server.url, 'romeo');
  await using second = await startClient(server, phone, recovery);
  const phoneCrypto = second.matrix.getCrypto();
  expect(await phoneCrypto?.userHasCrossSigningKeys(romeo.id, true)).toBe(true);
  await phoneCrypto?.bootstrapCrossSigning({});
  expect(await phoneCrypto?.isCrossSigningReady()).toBe(true);
  for (const device of [phoneCrypto, crypto]) {
    await expect
      .poll(async () => (await device?.getDeviceVerificationStatus(romeo.id, phone.deviceId))?.crossSigningVerified, { timeout: 20_000 })
      .toBe(true);
  }

  await phoneCrypto?.loadSessionBackupPrivateKeyFromSecretStorage();
  await phoneCrypto?.checkKeyBackupAndEnable();
  const event = second.matrix.getRoom(roomId)?.findEventById(eventId);
  await expect.poll(() => event?.getContent()['body'], { timeout: 30_000 }).toBe('parting is such sweet sorrow');
});
