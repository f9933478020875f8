import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { sendReceipt } from './ephemeral-events.ts';
import { roomPath, syncWith } from './sync-answers.ts';
import { readUnread, setRule } from './unread-counts.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A room of two people whom no other scene knows. */
async function enter(options: object = {}): Promise<string> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', ...options });
  await juliet.join(roomId);
  return roomId;
}

const NONE = { notification_count: 0, highlight_count: 0 };
const dataPath = (roomId: string, type: string) =>
  `/_matrix/client/v3/user/${juliet.id}/rooms/${encodeURIComponent(roomId)}/account_data/${type}`;

test.each(['m.marked_unread', 'com.famedly.marked_unread'])(
  '%s comes to all devices by either sync, and counts as nothing',
  async (type) => {
    const roomId = await enter();
    const request: SlidingSyncRequest = {
      lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } },
      extensions: { account_data: { enabled: true } },
    };
    const { next_batch: since } = await syncWith(juliet);
    const { pos } = await slide(juliet, request);

    for (const unread of [true, false]) {
      await juliet.call('PUT', dataPath(roomId, type), { unread });
      const marked = { type, content: { unread } };
      const answer = await syncWith(juliet, { since });
      expect(answer.rooms.join[roomId]).toMatchObject({
        account_data: { events: [marked] },
        unread_notifications: NONE,
        timeline: { events: [] },
      });
      expect((await syncWith(juliet)).rooms.join[roomId]?.account_data.events).toContainEqual(marked);
      const slid = await slide(juliet, request, pos);
      expect(slid.extensions?.account_data?.rooms?.[roomId]).toEqual([marked]);
      expect(slid.rooms).toEqual({});
    }
    expect(JSON.stringify(await syncWith(romeo))).not.toContain(type);
  },
);

test('the old room keeps what was not read, the new one counts from the start, and the end of the old one is a highlight', async () => {
  const old = await enter({ room_version: '11' });
  await romeo.send(old, 'one');
  await romeo.send(old, 'two');
  await expect.poll(() => readUnread(juliet, old)).toMatchObject({ main: { notification_count: 2 } });
  const next = String((await romeo.call('POST', roomPath(old, '/upgrade'), { new_version: '12' }))['replacement_room']);
  await expect.poll(() => readUnread(juliet, old)).toMatchObject({ main: { notification_count: 3, highlight_count: 1 } });
  await juliet.join(next);
  expect((await readUnread(juliet, next)).main).toEqual(NONE);
  const last = await romeo.send(next, 'three');
  await expect.poll(() => readUnread(juliet, next)).toMatchObject({ main: { notification_count: 1, highlight_count: 0 } });
  await sendReceipt(juliet, next, last);
  await expect.poll(() => readUnread(juliet, next)).toMatchObject({ main: NONE });
  expect((await readUnread(juliet, old)).main).toEqual({ notification_count: 3, highlight_count: 1 });
  const { room_id: _, ...tombstone } = (await juliet.messages(old)).find(({ type }) => type === 'm.room.tombstone') as never as {
    room_id: string;
    event_id: string;
  };
  await sendReceipt(juliet, old, tombstone.event_id);
  await expect.poll(() => readUnread(juliet, old)).toMatchObject({ main: NONE });
});

test('a room that was muted is muted after its upgrade, also for its upgrader', async () => {
  const old = await enter({ room_version: '11' });
  for (const user of [romeo, juliet]) await setRule(user, 'room', old, { actions: [] });
  const next = String((await romeo.call('POST', roomPath(old, '/upgrade'), { new_version: '12' }))['replacement_room']);
  await juliet.join(next);
  await romeo.send(next, 'hello');
  const mention = { msgtype: 'm.text', body: 'Juliet!', 'm.mentions': { user_ids: [juliet.id] } };
  await romeo.send(next, mention);
  await expect.poll(() => readUnread(juliet, next)).toMatchObject({ main: { notification_count: 1, highlight_count: 1 } });
  await juliet.send(next, 'you called?');
  await romeo.send(next, 'no');
  await juliet.send(next, 'then not');
  expect((await readUnread(romeo, next)).main).toEqual(NONE);
});
