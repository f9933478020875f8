import { claimKeys, queryKeys, uploadKeys } from 'federation-spec/api/client/keys.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { itemOf, register, roomOf, says, signUp, startClient, waitFor } from './kit/node-client.ts';

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

test('a device whose one-time key ids are taken goes on with others, and reads what is written to it', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const session = await register(server.url, 'romeo');
  await uploadForeignKeys(server.url, session.tokens.accessToken);

  await using romeo = await startClient(session);
  const devicesOf = async () => (await juliet.http.request(queryKeys, { body: { device_keys: { [romeo.userId]: [] } } })).device_keys;
  await expect.poll(devicesOf, { timeout: 20_000 }).toHaveProperty([romeo.userId, session.deviceId]);
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
