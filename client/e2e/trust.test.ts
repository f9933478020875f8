import 'fake-indexeddb/auto';
import { passwordAuthentication } from 'client/matrix/session/interactive-auth.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { itemOf, logIn, type NodeClient, PASSWORD, roomOf, says, signUp, startClient, waitFor } from './kit/node-client.ts';

const persistent = { hasIndexedDb: true };

async function setUp(client: NodeClient): Promise<void> {
  await waitFor(client.encryption.state, ({ state }) => state === 'needs-setup');
  await client.encryption.setUp({ authenticate: passwordAuthentication(client.userId, PASSWORD) });
}

test('a message is delivered when a device has it, before anybody reads it', async () => {
  await using server = await startServer();
  await using romeo = await signUp(server.url, 'romeo');
  const juliet = await signUp(server.url, 'juliet');
  const roomId = await romeo.createRoom({ isEncrypted: false, invite: [juliet.userId] });
  await (await roomOf(juliet, roomId, 'invite')).join();
  const his = await roomOf(romeo, roomId);
  await waitFor(his.summary, ({ joinedMemberCount }) => joinedMemberCount === 2);
  await juliet.stop();

  const key = his.sendMessage({ kind: 'text', text: 'Lady?' });
  await itemOf(his, (item) => item.key === key && item.delivery === 'sent');
  await using _back = await logIn(server.url, 'juliet');
  await itemOf(his, (item) => item.key === key && item.delivery === 'delivered');
});

test('two users verify each other by emoji in their direct chat', async () => {
  await using server = await startServer();
  await using romeo = await signUp(server.url, 'romeo');
  await using juliet = await signUp(server.url, 'juliet');
  await Promise.all([setUp(romeo), setUp(juliet)]);
  const roomId = await romeo.openDirectChat(juliet.userId);
  await (await roomOf(juliet, roomId, 'invite')).join();
  const his = await roomOf(romeo, roomId);
  await waitFor(his.summary, ({ joinedMemberCount }) => joinedMemberCount === 2);
  expect(await romeo.encryption.userTrust(juliet.userId)).toBe('unverified');

  const mine = await romeo.encryption.verifyUser(juliet.userId);
  const theirs = await waitFor(juliet.encryption.verification, (verification) => verification !== undefined);
  if (theirs === undefined) throw new Error('Nobody was asked');
  expect(theirs).toMatchObject({ otherUserId: romeo.userId, isSelf: false });
  await theirs.accept();
  const sides = [mine, theirs];
  const emoji = await Promise.all(sides.map(({ state }) => waitFor(state, ({ step }) => step === 'comparing')));
  expect(emoji[0]).toEqual(emoji[1]);
  await Promise.all(sides.map((side) => side.confirm()));
  await Promise.all(sides.map(({ state }) => waitFor(state, ({ step }) => step === 'done')));
  await expect.poll(() => romeo.encryption.userTrust(juliet.userId)).toBe('verified');
  await expect.poll(() => juliet.encryption.userTrust(romeo.userId)).toBe('verified');
});

test('a device keeps its keys over a restart, and forgets its rooms at log-out', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const before = await signUp(server.url, 'romeo', persistent);
  await setUp(before);
  const roomId = await before.openDirectChat(juliet.userId);
  await (await roomOf(juliet, roomId, 'invite')).join();
  const hers = await roomOf(juliet, roomId);
  hers.sendMessage({ kind: 'text', text: 'It is the lark' });
  await itemOf(await roomOf(before, roomId), says('It is the lark'));
  await before.stop();
  hers.sendMessage({ kind: 'text', text: 'the herald of the morn' });

  const after = await startClient(before.session, persistent);
  await itemOf(await roomOf(after, roomId), says('the herald of the morn'));
  await waitFor(after.encryption.state, ({ state }) => state === 'ready');
  await after.logout();
  const left = (await indexedDB.databases()).map(({ name = '' }) => name);
  expect(left.filter((name) => !name.includes('matrix-sdk-crypto'))).toEqual([]);
});
