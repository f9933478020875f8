import { decodeRecoveryKey } from 'client/matrix/crypto/recovery-key.ts';
import { passwordAuthentication } from 'client/matrix/session/interactive-auth.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { startServers } from 'homeserver/test/kit/start-servers.ts';
import { logInTestUser } from 'homeserver/test/kit/test-user.ts';
import { expect, test } from 'vitest';
import { startJsSdkClient } from './kit/js-sdk-client.ts';
import { itemOf, logIn, PASSWORD, roomOf, says, signUp, waitFor } from './kit/node-client.ts';

const POLL = { timeout: 30_000 };

test.for([1, 2])('three people share an encrypted room on %d homeserver(s), one of them with matrix-js-sdk', async (count) => {
  await using servers = await startServers(count);
  const home = servers.at(0);
  const away = servers.at(count - 1);
  await using romeo = await signUp(home.url, 'romeo');
  await using juliet = await signUp(away.url, 'juliet');
  const nurse = await servers.user('nurse', count - 1);
  await using hers = await startJsSdkClient(away.url, {
    userId: nurse.id,
    deviceId: nurse.deviceId,
    accessToken: nurse.accessToken,
  });

  const roomId = await romeo.createRoom({ name: 'Orchard', invite: [juliet.userId, nurse.id] });
  await (await roomOf(juliet, roomId, 'invite')).join();
  await expect.poll(() => hers.matrix.getRoom(roomId)?.getMyMembership(), POLL).toBe('invite');
  await hers.matrix.joinRoom(roomId);
  const onRomeo = await roomOf(romeo, roomId);
  const onJuliet = await roomOf(juliet, roomId);
  await waitFor(onRomeo.summary, ({ joinedMemberCount }) => joinedMemberCount === 3);
  await waitFor(onJuliet.summary, ({ joinedMemberCount }) => joinedMemberCount === 3);

  onRomeo.sendMessage({ kind: 'text', text: 'Wilt thou leave me so unsatisfied?' });
  await itemOf(onJuliet, says('Wilt thou leave me so unsatisfied?'));
  await expect.poll(() => hers.heard, POLL).toContain('Wilt thou leave me so unsatisfied?');

  await hers.matrix.sendTextMessage(roomId, 'Madam!');
  await itemOf(onJuliet, says('Madam!'));
  await itemOf(onRomeo, says('Madam!'));

  const key = onJuliet.sendMessage({ kind: 'text', text: 'By and by, I come' });
  await itemOf(onRomeo, says('By and by, I come'));
  await expect.poll(() => hers.heard, POLL).toContain('By and by, I come');
  await onRomeo.markRead();
  await itemOf(onJuliet, (item) => item.key === key && item.delivery === 'read');

  for (const { sql } of servers.list) {
    const rows = await sql`select json from events union all select content from to_device_messages`;
    expect(JSON.stringify(rows)).not.toMatch(/unsatisfied|Madam|By and by/);
  }
});

test('a recovery key that we made lets a device with matrix-js-sdk in', async () => {
  await using server = await startServer();
  await using romeo = await signUp(server.url, 'romeo');
  await waitFor(romeo.encryption.state, ({ state }) => state === 'needs-setup');
  const { recoveryKey } = await romeo.encryption.setUp({ authenticate: passwordAuthentication(romeo.userId, PASSWORD) });
  const roomId = await romeo.createRoom({ name: 'Diary' });
  const diary = await roomOf(romeo, roomId);
  const key = diary.sendMessage({ kind: 'text', text: 'My bounty is as boundless as the sea' });
  const { eventId } = await itemOf(diary, (item) => item.key === key && item.delivery === 'sent');
  await waitFor(
    romeo.encryption.state,
    (state) => state.state === 'ready' && state.backup.state === 'enabled' && state.backup.backedUpKeys > 0,
  );

  const { id: userId, deviceId, accessToken } = await logInTestUser(server.url, 'romeo');
  await using other = await startJsSdkClient(server.url, { userId, deviceId, accessToken }, decodeRecoveryKey(recoveryKey));
  const crypto = other.matrix.getCrypto();
  await crypto?.userHasCrossSigningKeys(userId, true);
  await crypto?.bootstrapCrossSigning({});
  expect(await crypto?.isCrossSigningReady()).toBe(true);
  await crypto?.loadSessionBackupPrivateKeyFromSecretStorage();
  await crypto?.checkKeyBackupAndEnable();
  const event = other.matrix.getRoom(roomId)?.findEventById(eventId ?? '');
  await expect.poll(() => event?.getContent()['body'], POLL).toBe('My bounty is as boundless as the sea');
  const isVerified = async () => (await romeo.encryption.listDevices()).find((device) => device.deviceId === deviceId)?.isVerified;
  await expect.poll(isVerified, POLL).toBe(true);
});

test('a recovery key that matrix-js-sdk made lets a device of ours in, and exported keys can be read', async () => {
  await using server = await startServer();
  const { id: userId, deviceId, accessToken, ...user } = await server.user('romeo');
  await using other = await startJsSdkClient(server.url, { userId, deviceId, accessToken });
  const crypto = other.matrix.getCrypto();
  if (crypto === undefined) throw new Error('matrix-js-sdk has no crypto');
  const key = await crypto.createRecoveryKeyFromPassphrase();
  other.useRecoveryKey(key.privateKey);
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (upload) => void (await upload(null)) });
  await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => key, setupNewKeyBackup: true });
  const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
  const roomId = await user.createRoom({ initial_state: [encryption] });
  await expect.poll(() => other.matrix.getRoom(roomId)?.hasEncryptionStateEvent(), POLL).toBe(true);
  await other.matrix.sendTextMessage(roomId, 'Soft, what light');
  await expect.poll(async () => (await user.call('GET', '/_matrix/client/v3/room_keys/version'))['count'], POLL).toBe(1);

  await using ours = await logIn(server.url, 'romeo');
  await waitFor(ours.encryption.state, (state) => state.state === 'needs-verification' && state.hasRecovery);
  await ours.encryption.recover(key.encodedPrivateKey ?? '');
  await itemOf(await roomOf(ours, roomId), says('Soft, what light'));
  expect(ours.encryption.state.get()).toMatchObject({ state: 'ready', backup: { state: 'enabled' } });

  const exported = await ours.encryption.exportKeys('a passphrase');
  expect(exported).toContain('-----BEGIN MEGOLM SESSION DATA-----');
  await expect(ours.encryption.importKeys(exported, 'another')).rejects.toThrow();
  expect(await ours.encryption.importKeys(exported, 'a passphrase')).toBe(0);
});
