import { expect, test } from 'vitest';
import { inRoom, sendReceipt, waitForEphemeral } from '../client-api/ephemeral-events.ts';
import { startServers } from '../kit/start-servers.ts';

async function stage(presence = false) {
  const servers = await startServers(2, { config: { presence } });
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await romeo.sync();
  await juliet.sync();
  return { servers, romeo, juliet, roomId };
}

test('what one has read and been handed is told on the other server, and private receipts are not', async () => {
  const { servers, romeo, juliet, roomId } = await stage();
  await using _servers = servers;
  const eventId = await romeo.send(roomId, 'But soft!');
  await expect(juliet.nextMessage(roomId)).resolves.toMatchObject({ event_id: eventId });
  await juliet.sync();
  const delivered = await waitForEphemeral(romeo, roomId, 'chat.blinkchat.delivered', (content) => eventId in content);
  expect(delivered).toEqual({ [eventId]: { [juliet.id]: { ts: expect.any(Number) } } });

  await sendReceipt(juliet, roomId, eventId, { type: 'm.read.private' });
  await sendReceipt(juliet, roomId, eventId);
  const read = await waitForEphemeral(romeo, roomId, 'm.receipt', (content) => eventId in content);
  expect(read).toEqual({ [eventId]: { 'm.read': { [juliet.id]: { ts: expect.any(Number) } } } });
});

test('receipts in threads cross too', async () => {
  const { servers, romeo, juliet, roomId } = await stage();
  await using _servers = servers;
  const root = await romeo.send(roomId, 'root');
  const reply = await romeo.send(roomId, { msgtype: 'm.text', body: 'reply', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
  while ((await juliet.nextMessage(roomId)).event_id !== reply);
  await sendReceipt(juliet, roomId, reply, { body: { thread_id: root } });
  const read = await waitForEphemeral(romeo, roomId, 'm.receipt', (content) => reply in content);
  expect(read).toMatchObject({ [reply]: { 'm.read': { [juliet.id]: { thread_id: root } } } });
});

test('who types is told on the other server', async () => {
  const { servers, romeo, juliet, roomId } = await stage();
  await using _servers = servers;
  await juliet.call('PUT', inRoom(roomId, `typing/${juliet.id}`), { typing: true });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === juliet.id);
  await juliet.call('PUT', inRoom(roomId, `typing/${juliet.id}`), { typing: false });
  await waitForEphemeral(romeo, roomId, 'm.typing', (content) => String(content['user_ids']) === '');
});

test('a message from afar is unread, and a mention in it a highlight', async () => {
  const { servers, romeo, juliet, roomId } = await stage();
  await using _servers = servers;
  await romeo.send(roomId, 'one');
  const last = await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  while ((await juliet.nextMessage(roomId)).event_id !== last);
  // Counting follows the log, and wakes whom it concerns when it is behind.
  const counts = async () => {
    const { rooms } = (await juliet.call('GET', '/_matrix/client/v3/sync')) as {
      rooms: { join: Record<string, { unread_notifications: unknown }> };
    };
    return rooms.join[roomId]?.unread_notifications;
  };
  await expect.poll(counts, { timeout: 15_000 }).toEqual({ notification_count: 2, highlight_count: 1 });
});

test('presence crosses to those who share a room', async () => {
  const { servers, romeo, juliet } = await stage(true);
  await using _servers = servers;
  await juliet.call('PUT', `/_matrix/client/v3/presence/${juliet.id}/status`, { presence: 'unavailable', status_msg: 'asleep' });
  await expect
    .poll(async () => (await romeo.attempt('GET', `/_matrix/client/v3/presence/${juliet.id}/status`)).body, { timeout: 15_000 })
    .toMatchObject({ presence: 'unavailable', status_msg: 'asleep' });
});

test('who comes from another server is told who is there, and is shown to them', async () => {
  await using servers = await startServers(2, { config: { presence: true } });
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const status = (userId: string) => `/_matrix/client/v3/presence/${userId}/status`;
  await romeo.call('PUT', status(romeo.id), { presence: 'online', status_msg: 'in love' });
  await juliet.call('PUT', status(juliet.id), { presence: 'unavailable', status_msg: 'asleep' });
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const WAIT = { timeout: 15_000 };
  await expect.poll(async () => (await romeo.attempt('GET', status(juliet.id))).body, WAIT).toMatchObject({ status_msg: 'asleep' });
  await expect.poll(async () => (await juliet.attempt('GET', status(romeo.id))).body, WAIT).toMatchObject({ status_msg: 'in love' });
});
