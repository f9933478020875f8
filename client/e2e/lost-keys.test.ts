import { claimKeys, queryKeys, uploadKeys } from 'federation-spec/api/client/keys.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { itemOf, logIn, type NodeClient, register, roomOf, says, signUp, startClient, waitFor } from './kit/node-client.ts';

/** The ids that a machine gives its first keys. */
const FIRST_IDS = ['AAAAAAAAAAA', 'AAAAAAAAAAE', 'AAAAAAAAAAI'].map((id) => `signed_curve25519:${id}`);

async function uploadForeignKeys(url: string, accessToken: string): Promise<void> {
  const keys = Object.fromEntries(FIRST_IDS.map((id) => [id, { key: 'another key' }]));
  const answer = await fetch(`${url}${uploadKeys.path}`, {
    method: uploadKeys.method,
    headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ one_time_keys: keys }),
  });
  expect(answer.status).toBe(200);
}

async function devicesOf({ http }: NodeClient, userId: string): Promise<object> {
  const { device_keys: keys } = await http.request(queryKeys, { body: { device_keys: { [userId]: [] } } });
  return keys?.[userId] ?? {};
}

test('a device whose one-time key ids are taken goes on with others, and reads what is written to it', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const session = await register(server.url, 'romeo');
  await uploadForeignKeys(server.url, session.tokens.accessToken);

  await using romeo = await startClient(session);
  await expect.poll(() => devicesOf(juliet, romeo.userId), { timeout: 20_000 }).toHaveProperty([session.deviceId]);
  // Nobody is to find the foreign keys.
  const wanted = { one_time_keys: { [romeo.userId]: { [session.deviceId]: 'signed_curve25519' } } };
  for (const _id of FIRST_IDS) await juliet.http.request(claimKeys, { body: wanted });
  const roomId = await romeo.createRoom({ isEncrypted: true, invite: [juliet.userId] });
  await (await roomOf(juliet, roomId, 'invite')).join();
  await waitFor((await roomOf(juliet, roomId)).summary, ({ joinedMemberCount }) => joinedMemberCount === 2);

  (await roomOf(juliet, roomId)).sendMessage({ kind: 'text', text: 'What satisfaction canst thou have tonight?' });
  await itemOf(await roomOf(romeo, roomId), says('What satisfaction canst thou have tonight?'));
  (await roomOf(romeo, roomId)).sendMessage({ kind: 'text', text: 'The exchange of thy love’s faithful vow for mine' });
  await itemOf(await roomOf(juliet, roomId), says('The exchange of thy love’s faithful vow for mine'));
});

test('a device that comes back without its keys is given up; its owner signs in as another, which everybody believes', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const romeo = await signUp(server.url, 'romeo'); // keeps its keys in memory only
  await expect.poll(() => devicesOf(juliet, romeo.userId), { timeout: 20_000 }).toHaveProperty([romeo.deviceId]);
  const before = await devicesOf(juliet, romeo.userId);
  await romeo.stop();

  await using emptied = await startClient(romeo.session);
  await waitFor(emptied.syncStatus, (status) => status.state === 'logged-out' && !status.soft);
  await expect.poll(() => devicesOf(juliet, romeo.userId), { timeout: 20_000 }).toEqual({});
  expect(before).not.toEqual({});

  await using anew = await logIn(server.url, 'romeo');
  const roomId = await juliet.createRoom({ isEncrypted: true, invite: [anew.userId] });
  await (await roomOf(anew, roomId, 'invite')).join();
  await waitFor((await roomOf(juliet, roomId)).summary, ({ joinedMemberCount }) => joinedMemberCount === 2);
  (await roomOf(juliet, roomId)).sendMessage({ kind: 'text', text: 'Swear not by the moon' });
  await itemOf(await roomOf(anew, roomId), says('Swear not by the moon'));
});
