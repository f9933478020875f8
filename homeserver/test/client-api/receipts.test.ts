import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { ephemeralOf, inRoom, meet, sendReceipt, waitForEphemeral } from './ephemeral-events.ts';

test('what one has read, the other is told', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const eventId = await romeo.send(roomId, 'Art thou not Romeo?');

  expect(await sendReceipt(juliet, roomId, eventId)).toMatchObject({ status: 200, body: {} });
  const told = await waitForEphemeral(romeo, roomId, 'm.receipt', (content) => eventId in content);
  expect(told).toEqual({ [eventId]: { 'm.read': { [juliet.id]: { ts: expect.any(Number) } } } });

  const fresh = ephemeralOf(await romeo.call('GET', '/_matrix/client/v3/sync'), roomId);
  expect(fresh.find((event) => event.type === 'm.receipt')?.content).toEqual(told);
});

test('a receipt outlives a restart and never moves backwards', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const first = await romeo.send(roomId, 'one');
  const second = await romeo.send(roomId, 'two');
  await sendReceipt(juliet, roomId, second);
  expect((await sendReceipt(juliet, roomId, first)).status).toBe(200);

  await server.restart();
  const receipts = ephemeralOf(await romeo.call('GET', '/_matrix/client/v3/sync'), roomId).filter((event) => event.type === 'm.receipt');
  expect(receipts.map((event) => Object.keys(event.content))).toEqual([[second]]);
});

test('a private receipt is told to its owner only', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const eventId = await romeo.send(roomId, 'psst');
  await sendReceipt(juliet, roomId, eventId, { type: 'm.read.private' });

  const own = await waitForEphemeral(juliet, roomId, 'm.receipt', (content) => eventId in content);
  expect(own).toEqual({ [eventId]: { 'm.read.private': { [juliet.id]: { ts: expect.any(Number) } } } });
  for (const answer of [await romeo.sync(), await romeo.call('GET', '/_matrix/client/v3/sync')]) {
    expect(ephemeralOf(answer, roomId).filter((event) => event.type === 'm.receipt')).toEqual([]);
  }
});

test('receipts in threads stand beside the one for all of the room', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const root = await romeo.send(roomId, 'root');
  const reply = await romeo.send(roomId, {
    msgtype: 'm.text',
    body: 'in the thread',
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  });

  expect((await sendReceipt(juliet, roomId, root, { body: { thread_id: 'main' } })).status).toBe(200);
  expect((await sendReceipt(juliet, roomId, reply, { body: { thread_id: root } })).status).toBe(200);
  await waitForEphemeral(romeo, roomId, 'm.receipt', (content) => reply in content);
  const receipts = ephemeralOf(await romeo.call('GET', '/_matrix/client/v3/sync'), roomId).find((event) => event.type === 'm.receipt');
  expect(receipts?.content).toMatchObject({
    [root]: { 'm.read': { [juliet.id]: { thread_id: 'main' } } },
    [reply]: { 'm.read': { [juliet.id]: { thread_id: root } } },
  });

  for (const threadId of ['main', 'nonsense', '$elsewhere', '']) {
    const refused = await sendReceipt(juliet, roomId, reply, { body: { thread_id: threadId } });
    expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  }
  const fullyRead = await sendReceipt(juliet, roomId, root, { type: 'm.fully_read', body: { thread_id: 'main' } });
  expect(fullyRead).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
});

test('S49: no receipts for rooms one is not in, nor for events of other rooms', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const secret = await romeo.createRoom({});
  const secretEvent = await romeo.send(secret, 'hidden');
  const shared = await meet(romeo, juliet);

  expect(await sendReceipt(juliet, secret, secretEvent)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  // One is told as much of either: nothing.
  expect(await sendReceipt(juliet, shared, secretEvent)).toMatchObject({ status: 200, body: {} });
  expect(await sendReceipt(juliet, shared, '$nothing-of-this-name')).toMatchObject({ status: 200, body: {} });
  const [count] = await server.sql<{ count: number }[]>`select count(*) as count from receipts where kind < 3`;
  expect(count?.count).toBe(0);
});

test('read markers move the marker and the receipts at once, and the marker only forwards', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const first = await romeo.send(roomId, 'one');
  const second = await romeo.send(roomId, 'two');

  await juliet.call('POST', inRoom(roomId, 'read_markers'), { 'm.fully_read': second, 'm.read': second, 'm.read.private': second });
  await juliet.call('POST', inRoom(roomId, 'read_markers'), { 'm.fully_read': first });
  const path = `/_matrix/client/v3/user/${juliet.id}/rooms/${encodeURIComponent(roomId)}/account_data/m.fully_read`;
  expect(await juliet.call('GET', path)).toEqual({ event_id: second });
});

test('a flood of receipts costs few commits', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const events: string[] = [];
  for (let index = 0; index < 30; index += 1) events.push(await romeo.send(roomId, `message ${index}`));

  server.queries.length = 0;
  await Promise.all(events.map((eventId) => sendReceipt(juliet, roomId, eventId)));
  expect(server.queries.filter((query) => query.includes('insert into receipts')).length).toBeLessThan(6);
  const receipts = ephemeralOf(await romeo.call('GET', '/_matrix/client/v3/sync'), roomId).find((event) => event.type === 'm.receipt');
  expect(Object.keys(receipts?.content ?? {})).toEqual([events.at(-1)]);
});

test('a message is told as delivered once a device of the other has acknowledged it, also after a restart', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);

  const first = await romeo.send(roomId, 'Hist!');
  await juliet.sync();
  await juliet.sync();
  const told = await waitForEphemeral(romeo, roomId, 'chat.blinkchat.delivered', (content) => first in content);
  expect(told).toEqual({ [first]: { [juliet.id]: { ts: expect.any(Number) } } });

  const second = await romeo.send(roomId, 'Romeo, hist!');
  await juliet.sync();
  await server.restart();
  await juliet.sync();
  await waitForEphemeral(romeo, roomId, 'chat.blinkchat.delivered', (content) => second in content);
});

test('a reaction to the root of a thread may be marked in the thread or in the main timeline, and a receipt needs no body', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const root = await romeo.send(roomId, 'root');
  await romeo.send(roomId, { msgtype: 'm.text', body: 'in it', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
  const annotation = { 'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: '♥' } };
  const reaction = await romeo.send(roomId, annotation, 'm.reaction');
  for (const threadId of [root, 'main']) {
    expect((await sendReceipt(juliet, roomId, reaction, { body: { thread_id: threadId } })).status, threadId).toBe(200);
  }
  const path = inRoom(roomId, `receipt/m.read/${encodeURIComponent(reaction)}`);
  expect((await juliet.attempt('POST', path)).status).toBe(200);
  expect((await juliet.attempt('POST', inRoom(roomId, `receipt/m.seen/${encodeURIComponent(reaction)}`), {})).status).toBe(400);
});
