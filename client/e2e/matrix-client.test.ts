import { RecoveryError } from 'client/matrix/crypto/encryption.ts';
import type { Verification } from 'client/matrix/crypto/verification.ts';
import { passwordAuthentication } from 'client/matrix/session/interactive-auth.ts';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { itemOf, logIn, PASSWORD, roomOf, says, signUp, waitFor } from './kit/node-client.ts';

test('two people talk in a room in the clear: ticks, reactions, edits, redactions', async () => {
  await using server = await startServer();
  await using romeo = await signUp(server.url, 'romeo');
  await using juliet = await signUp(server.url, 'juliet');
  await waitFor(romeo.syncStatus, (status) => status.state === 'live' && status.transport === 'websocket');

  const roomId = await romeo.createRoom({ name: 'Balcony', isEncrypted: false, invite: [juliet.userId] });
  const invited = await roomOf(juliet, roomId, 'invite');
  expect(invited.summary.get()).toMatchObject({ name: 'Balcony', inviterUserId: romeo.userId });
  await invited.join();

  const hers = await roomOf(juliet, roomId);
  const his = await roomOf(romeo, roomId);
  const key = his.sendMessage({ kind: 'text', text: 'But soft!' });
  expect(his.timeline.state.get().items.at(-1)).toMatchObject({ key, delivery: 'sending', body: { text: 'But soft!' } });
  const sent = await itemOf(his, (item) => item.key === key && item.delivery !== 'sending');
  const seen = await itemOf(hers, says('But soft!'));
  expect(seen).toMatchObject({ eventId: sent.eventId, senderName: 'romeo', isOwn: false });

  await hers.markRead();
  await itemOf(his, (item) => item.key === key && item.delivery === 'read');
  hers.toggleReaction(seen.eventId ?? '', '🌹');
  await itemOf(his, (item) => item.key === key && item.reactions.some((reaction) => reaction.key === '🌹'));
  his.edit(sent.eventId ?? '', { kind: 'text', text: 'But, soft!' });
  await itemOf(hers, says('But, soft!'));
  await his.redact(sent.eventId ?? '', 'too loud');
  await itemOf(hers, ({ body }) => body.kind === 'redacted' && body.reason === 'too loud');
});

test('two people talk encrypted: the server sees no words, a file arrives, ticks turn', async () => {
  await using server = await startServer();
  await using romeo = await signUp(server.url, 'romeo');
  await using juliet = await signUp(server.url, 'juliet');
  await waitFor(romeo.encryption.state, ({ state }) => state === 'needs-setup');
  const { recoveryKey } = await romeo.encryption.setUp({ authenticate: passwordAuthentication(romeo.userId, PASSWORD) });
  expect(recoveryKey).toMatch(/^(\S{4} )+\S{1,4}$/);
  expect(romeo.encryption.state.get()).toMatchObject({ state: 'ready', backup: { state: 'enabled' }, recovery: 'set-up' });

  const roomId = await romeo.openDirectChat(juliet.userId);
  const invited = await roomOf(juliet, roomId, 'invite');
  expect(invited.summary.get()).toMatchObject({ isDirect: true, name: 'romeo' });
  const his = await roomOf(romeo, roomId);
  expect(his.summary.get().isEncrypted).toBe(true);
  const key = his.sendMessage({ kind: 'text', text: 'With love’s light wings' });
  await itemOf(his, (item) => item.key === key && item.delivery === 'sent');
  await invited.join();
  const hers = await roomOf(juliet, roomId);
  const seen = await itemOf(hers, (item) => says('With love’s light wings')(item) && item.trust.shield === 'none');

  hers.sendMessage({ kind: 'text', text: 'How camest thou hither?', replyToEventId: seen.eventId ?? '' });
  const reply = await itemOf(his, says('How camest thou hither?'));
  expect(reply.replyTo).toMatchObject({ senderName: 'romeo', text: 'With love’s light wings' });
  await itemOf(his, (item) => item.key === key && item.delivery === 'read');

  const picture = new Uint8Array(50_000).map((_, at) => at % 251);
  his.sendMedia({ kind: 'image', blob: new Blob([picture]), fileName: 'orchard.png', mimeType: 'image/png', widthPx: 10, heightPx: 20 });
  const image = await itemOf(hers, ({ body }) => body.kind === 'image');
  if (image.body.kind !== 'image') throw new Error('Not an image');
  expect(image.body).toMatchObject({ fileName: 'orchard.png', source: { encrypted: true }, info: { widthPx: 10 } });
  const downloaded = await juliet.media.download(image.body.source, { mimeType: image.body.info.mimeType });
  expect(new Uint8Array(await downloaded.arrayBuffer())).toEqual(picture);

  const [{ words }] =
    (await server.sql`select count(*)::int as words from events where json like '%light wings%' or json like '%orchard%'`) as [
      { words: number },
    ];
  expect(words).toBe(0);
});

test('a second device reads the past with the recovery key, or after a comparison of emoji', async () => {
  await using server = await startServer();
  await using first = await signUp(server.url, 'romeo');
  await using juliet = await signUp(server.url, 'juliet');
  await waitFor(first.encryption.state, ({ state }) => state === 'needs-setup');
  const { recoveryKey } = await first.encryption.setUp({ authenticate: passwordAuthentication(first.userId, PASSWORD) });
  const roomId = await first.openDirectChat(juliet.userId);
  await (await roomOf(juliet, roomId, 'invite')).join();
  const hers = await roomOf(juliet, roomId);
  await waitFor(hers.summary, ({ isEncrypted }) => isEncrypted);
  hers.sendMessage({ kind: 'text', text: 'Good night, good night' });
  await itemOf(await roomOf(first, roomId), says('Good night, good night'));
  await waitFor(
    first.encryption.state,
    (state) => state.state === 'ready' && state.backup.state === 'enabled' && state.backup.backedUpKeys > 0,
  );

  await using second = await logIn(server.url, 'romeo');
  await waitFor(second.encryption.state, ({ state }) => state === 'needs-verification');
  const onSecond = await roomOf(second, roomId);
  await itemOf(onSecond, ({ body }) => body.kind === 'undecryptable');
  await expect(second.encryption.recover('EsTc wrong')).rejects.toThrow(RecoveryError);
  await second.encryption.recover(recoveryKey);
  await itemOf(onSecond, says('Good night, good night'));
  await waitFor(second.encryption.state, ({ state }) => state === 'ready');

  await using third = await logIn(server.url, 'romeo');
  await waitFor(third.encryption.state, ({ state }) => state === 'needs-verification');
  const asking = await third.encryption.verifyOwnDevice(first.deviceId);
  const asked = await waitFor(first.encryption.verification, (verification) => verification !== undefined);
  await asked?.accept();
  const [mine, theirs] = await Promise.all([asking, asked].map((side) => emojiOf(side)));
  expect(mine).toEqual(theirs);
  await Promise.all([asking.confirm(), asked?.confirm()]);
  await waitFor(asking.state, ({ step }) => step === 'done');
  await waitFor(third.encryption.state, (state) => state.state === 'ready' && state.backup.state === 'enabled');
  await itemOf(await roomOf(third, roomId), says('Good night, good night'));
});

async function emojiOf(verification: Verification | undefined): Promise<number[]> {
  if (verification === undefined) throw new Error('There is no verification');
  const state = await waitFor(verification.state, ({ step }) => step === 'comparing');
  return state.step === 'comparing' ? state.emoji.map(({ index }) => index) : [];
}
