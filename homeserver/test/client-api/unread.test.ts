import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { meet, sendReceipt } from './ephemeral-events.ts';
import { createBadge, deleteRule, inThread, readUnread, readUnreadOfRoom, redact, setRule } from './unread-counts.ts';

const count = (notifications: number, highlights = 0) => ({ notification_count: notifications, highlight_count: highlights });
const main = (notifications: number, highlights = 0) => ({ main: count(notifications, highlights), threads: {} });

async function stage() {
  const server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  return { server, romeo, juliet, roomId, say: (body: string) => romeo.send(roomId, body), unread: () => readUnread(juliet, roomId) };
}

test('messages are unread until they are read, or one speaks oneself', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  expect(await unread()).toEqual(main(0));
  await say('one');
  const second = await say('two');
  await say('three');
  expect(await unread()).toEqual(main(3));
  expect(await readUnread(romeo, roomId)).toEqual(main(0));

  await sendReceipt(juliet, roomId, second, { type: 'm.read.private' });
  expect(await unread()).toEqual(main(1));
  await juliet.send(roomId, 'I am here');
  expect(await unread()).toEqual(main(0));
  await server.restart();
  await say('four');
  expect(await unread()).toEqual(main(1));
});

test('notices, edits, reactions and state do not count; mentions and @room are highlights', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  const eventId = await say('one');
  await romeo.send(roomId, { msgtype: 'm.notice', body: 'beep' });
  await romeo.send(roomId, {
    msgtype: 'm.text',
    body: '* uno',
    'm.new_content': {},
    'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
  });
  await romeo.send(roomId, { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key: '👍' } }, 'm.reaction');
  await romeo.send(
    roomId,
    { algorithm: 'm.megolm.v1.aes-sha2', 'm.relates_to': { rel_type: 'm.replace', event_id: eventId } },
    'm.room.encrypted',
  );
  await romeo.setState(roomId, 'm.room.topic', { topic: 'love' });
  expect(await unread()).toEqual(main(1));
  await romeo.send(roomId, { algorithm: 'm.megolm.v1.aes-sha2' }, 'm.room.encrypted');
  expect(await unread()).toEqual(main(2));
  await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id, '@nobody:hs.test'] } });
  expect(await unread()).toEqual(main(3, 1));
  await romeo.send(roomId, { msgtype: 'm.text', body: '@room', 'm.mentions': { room: true } });
  expect(await unread()).toEqual(main(4, 2));
  await juliet.send(roomId, { msgtype: 'm.text', body: '@room', 'm.mentions': { room: true } });
  expect(await readUnread(romeo, roomId)).toEqual(main(1));
});

test('a muted room counts nothing, and counts again from where it is unmuted', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  await say('before');
  const badge = createBadge(juliet, roomId);
  expect(await badge()).toEqual(main(1));
  await setRule(juliet, 'override', roomId, { actions: [], conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }] });
  await say('muted');
  await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  expect(await unread()).toEqual(main(1));
  expect(await badge()).toEqual(main(1));
  const [rows] = await server.sql<{ rows: number }[]>`select count(*) as rows from notifications`;
  expect(rows?.rows).toBe(0);

  await deleteRule(juliet, 'override', roomId);
  await say('after');
  expect(await unread()).toEqual(main(2));
  expect(await badge()).toEqual(main(2));
});

test('mentions only: a room rule without notify leaves mentions and keywords', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  await setRule(juliet, 'room', roomId, { actions: [] });
  await setRule(juliet, 'content', 'nurse', { pattern: 'nurse', actions: ['notify', { set_tweak: 'highlight' }] });
  await say('nothing');
  expect(await unread()).toEqual(main(0));
  await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  await say('ask the Nurse about it');
  expect(await unread()).toEqual(main(2, 2));
});

test('the display name counts where somebody has a rule for it', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  await juliet.call('PUT', `/_matrix/client/v3/profile/${juliet.id}/displayname`, { displayname: 'Lady Juliet' });
  await setRule(juliet, 'override', 'name', {
    conditions: [{ kind: 'contains_display_name' }],
    actions: ['notify', { set_tweak: 'highlight' }],
  });
  await say('good night, lady juliet.');
  await romeo.send(roomId, { msgtype: 'm.notice', body: 'Lady Juliet has left the garden' });
  expect(await unread()).toEqual(main(2, 2));
});

test('what is redacted is unread no more', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  await say('one');
  const mention = await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  const plain = await say('two');
  const threaded = await romeo.send(roomId, inThread(plain, 'in the thread'));
  const badge = createBadge(juliet, roomId);
  expect(await badge()).toEqual({ main: count(3, 1), threads: { [plain]: count(1) } });
  for (const eventId of [mention, plain, threaded]) await redact(romeo, roomId, eventId);
  expect(await unread()).toEqual(main(1));
  expect(await badge()).toEqual(main(1));
});

test('threads are counted apart, and read apart', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  const root = await say('root');
  const reply = await romeo.send(roomId, inThread(root, 'first'));
  await romeo.send(roomId, { ...inThread(root, 'Juliet?'), 'm.mentions': { user_ids: [juliet.id] } });
  await say('in the main timeline');
  expect(await unread()).toEqual({ main: count(2), threads: { [root]: count(2, 1) } });
  expect(await readUnreadOfRoom(juliet, roomId)).toEqual(count(4, 1));

  await sendReceipt(juliet, roomId, reply, { body: { thread_id: root } });
  expect(await unread()).toEqual({ main: count(2), threads: { [root]: count(1, 1) } });
  await sendReceipt(juliet, roomId, root, { body: { thread_id: 'main' } });
  expect(await unread()).toEqual({ main: count(1), threads: { [root]: count(1, 1) } });
  await juliet.send(roomId, inThread(root, 'yes?'));
  expect(await unread()).toEqual(main(1));
  const last = await say('last');
  await sendReceipt(juliet, roomId, last);
  expect(await unread()).toEqual(main(0));
});

test('the counts of a message are in the answer that brings it', async () => {
  const { server, romeo, juliet, roomId } = await stage();
  await using _server = server;
  const waiting = juliet.sync({ timeoutMs: 10_000 });
  await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  const answer = (await waiting) as { rooms: { join: Record<string, { unread_notifications: unknown }> } };
  expect(answer.rooms.join[roomId]?.unread_notifications).toEqual(count(1, 1));
});

const SOUND = { set_tweak: 'sound', value: 'default' };

test('what one was notified of is listed, newest first, with what was read', async () => {
  const { server, romeo, juliet, roomId, say } = await stage();
  await using _server = server;
  const first = await say('one');
  const mention = await romeo.send(roomId, { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } });
  await romeo.send(roomId, { msgtype: 'm.notice', body: 'beep' });
  await sendReceipt(juliet, roomId, first);
  const last = await say('two');

  const page = await juliet.call('GET', '/_matrix/client/v3/notifications?limit=2');
  expect(page).toMatchObject({
    notifications: [
      { event: { event_id: last }, room_id: roomId, read: false, actions: ['notify', SOUND], ts: expect.any(Number) },
      { event: { event_id: mention }, read: false, actions: ['notify', SOUND, { set_tweak: 'highlight' }] },
    ],
    next_token: expect.any(String),
  });
  const rest = await juliet.call('GET', `/_matrix/client/v3/notifications?limit=2&from=${page['next_token']}`);
  expect(rest).toMatchObject({ notifications: [{ event: { event_id: first }, read: true }] });
  expect(rest).not.toHaveProperty('next_token');
  const highlights = await juliet.call('GET', '/_matrix/client/v3/notifications?only=highlight');
  expect(highlights).toMatchObject({ notifications: [{ event: { event_id: mention } }] });
});

test('once counted, a further message costs no statement to count', async () => {
  const { server, juliet, roomId, say } = await stage();
  await using _server = server;
  const badge = createBadge(juliet, roomId);
  await say('cold');
  expect(await badge()).toEqual(main(1));
  await say('warm');
  expect(await badge()).toEqual(main(2));

  server.queries.length = 0;
  await say('measured');
  expect(await badge()).toEqual(main(3));
  expect(server.queries.filter((query) => /from\s+(receipts|notify_modes|counted_apart)|join\s+notifications/.test(query))).toEqual([]);
});

test('judging the whole log again changes no count', async () => {
  const { server, romeo, juliet, roomId, say, unread } = await stage();
  await using _server = server;
  const root = await say('root');
  await romeo.send(roomId, { ...inThread(root, 'Juliet?'), 'm.mentions': { user_ids: [juliet.id] } });
  await juliet.send(roomId, inThread(root, 'yes'));
  await romeo.send(roomId, inThread(root, 'good'));
  await redact(romeo, roomId, await say('never mind'));
  await romeo.send(roomId, { msgtype: 'm.text', body: '@room', 'm.mentions': { room: true } });
  const before = await unread();
  expect(before).toEqual({ main: count(2, 1), threads: { [root]: count(1) } });

  await server.stop();
  await server.sql`delete from follower_cursors where name = 'push'`;
  await server.restart();
  expect(await unread()).toEqual(before);
});
