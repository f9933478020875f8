import 'fake-indexeddb/auto';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { createCable, itemOf, roomOf, says, signUp, startClient, waitFor } from './kit/node-client.ts';

test('offline, a client shows what it knew and keeps what is written; online again it sends it, once and in order', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const romeo = await signUp(server.url, 'romeo', { hasIndexedDb: true });
  const roomId = await romeo.createRoom({ name: 'Balcony', isEncrypted: false, invite: [juliet.userId] });
  await (await roomOf(juliet, roomId, 'invite')).join();
  const hers = await roomOf(juliet, roomId);
  hers.sendMessage({ kind: 'text', text: 'Art thou not Romeo?' });
  await itemOf(await roomOf(romeo, roomId), says('Art thou not Romeo?'));
  await romeo.stop();

  const cable = createCable();
  cable.pull();
  const offline = await startClient(romeo.session, { hasIndexedDb: true, ...cable.platform });
  const his = await roomOf(offline, roomId);
  expect(offline.rooms.get()).toMatchObject([{ name: 'Balcony', lastMessage: { text: 'Art thou not Romeo?' } }]);
  await itemOf(his, says('Art thou not Romeo?'));
  await waitFor(offline.syncStatus, ({ state }) => state === 'reconnecting');
  for (const text of ['Neither, fair saint', 'if either thee dislike']) his.sendMessage({ kind: 'text', text });
  expect(
    his.timeline.state
      .get()
      .items.map(({ delivery }) => delivery)
      .slice(-2),
  ).toEqual(['sending', 'sending']);
  await offline.stop();

  await using online = await startClient(romeo.session, { hasIndexedDb: true });
  await itemOf(await roomOf(online, roomId), (item) => says('if either thee dislike')(item) && item.delivery !== 'sending');
  await itemOf(hers, says('if either thee dislike'));
  const texts = hers.timeline.state.get().items.flatMap(({ body }) => (body.kind === 'text' ? [body.text] : []));
  expect(texts).toEqual(['Art thou not Romeo?', 'Neither, fair saint', 'if either thee dislike']);
});

test('a connection that breaks comes back by itself with what was missed, and older messages are loaded on demand', async () => {
  await using server = await startServer();
  await using juliet = await signUp(server.url, 'juliet');
  const cable = createCable();
  await using romeo = await signUp(server.url, 'romeo', cable.platform);
  const roomId = await romeo.createRoom({ isEncrypted: false, invite: [juliet.userId] });
  await (await roomOf(juliet, roomId, 'invite')).join();
  const hers = await roomOf(juliet, roomId);
  const his = await roomOf(romeo, roomId);
  hers.sendMessage({ kind: 'text', text: 'line 0' });
  await itemOf(his, says('line 0'));

  cable.pull();
  for (let line = 1; line <= 60; line += 1) hers.sendMessage({ kind: 'text', text: `line ${line}` });
  await itemOf(hers, (item) => says('line 60')(item) && item.delivery !== 'sending');
  await waitFor(romeo.syncStatus, ({ state }) => state === 'reconnecting');
  cable.plug();
  romeo.retryNow();
  await itemOf(his, says('line 60'));

  while (his.timeline.state.get().hasOlder) await his.timeline.loadOlder();
  const lines = his.timeline.state.get().items.flatMap(({ body }) => (body.kind === 'text' ? [body.text] : []));
  expect(lines).toEqual(Array.from({ length: 61 }, (_, line) => `line ${line}`));
});
