import type { SlidingSyncRequest, SlidingSyncResponse } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { SLIDING_PATH, slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';
import { roomPath, type SyncedRoom, syncWith } from './sync-answers.ts';
import { redact } from './unread-counts.ts';

const EXTENSION = 'org.matrix.msc4354.sticky_events';
const PARAMETER = 'org.matrix.msc4354.sticky_duration_ms';
const MINUTE_MS = 60_000;
const ONE = { room: { timeline: { limit: 1 } } };
const clock = createFakeClock(Date.now());
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  server = await startServer({ clock });
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

let transactions = 0;
async function stick(user: TestUser, roomId: string, name: string, durationMs = 10 * MINUTE_MS): Promise<string> {
  transactions += 1;
  const path = roomPath(roomId, `/send/m.rtc.member/sticky${transactions}?${PARAMETER}=${durationMs}`);
  return String((await user.call('PUT', path, { msc4354_sticky_key: name }))['event_id']);
}

type Stuck = ClientEvent & { msc4354_sticky?: { duration_ms: number } };
const stuckIn = (room: SyncedRoom | undefined): Stuck[] =>
  (room as { msc4354_sticky?: { events: Stuck[] } } | undefined)?.msc4354_sticky?.events ?? [];
const idsOf = (events: readonly { event_id: string }[]) => events.map((event) => event.event_id);

test('what is sticky is told beside a timeline that is too short for it, once, with the time it has left', async () => {
  const roomId = await enter();
  const { next_batch: since } = await syncWith(juliet);
  const first = await stick(romeo, roomId, 'laptop');
  const second = await stick(romeo, roomId, 'phone');
  await romeo.send(roomId, 'later');
  clock.advance(MINUTE_MS);
  for (const from of [since, undefined]) {
    const room = (await syncWith(juliet, { since: from, filter: ONE })).rooms.join[roomId];
    expect(idsOf(stuckIn(room))).toEqual([first, second]);
    expect(stuckIn(room)[0]).toMatchObject({
      ...{ type: 'm.rtc.member', sender: romeo.id, content: { msc4354_sticky_key: 'laptop' } },
      ...{ msc4354_sticky: { duration_ms: 10 * MINUTE_MS }, unsigned: { msc4354_sticky_duration_ttl_ms: 9 * MINUTE_MS } },
    });
  }
  const all = await syncWith(juliet, { since });
  expect(stuckIn(all.rooms.join[roomId])).toEqual([]);
  expect(all.rooms.join[roomId]?.timeline.events[0]).toMatchObject({
    event_id: first,
    unsigned: { msc4354_sticky_duration_ttl_ms: expect.any(Number) },
  });
  expect((await syncWith(juliet, { since: all.next_batch, filter: ONE })).rooms.join).toEqual({});
  const unwanted = { room: { timeline: { types: ['m.room.message'] } } };
  expect(idsOf(stuckIn((await syncWith(juliet, { since, filter: unwanted })).rooms.join[roomId]))).toEqual([first, second]);
  await server.restart();
  expect(idsOf(stuckIn((await syncWith(juliet, { since, filter: ONE })).rooms.join[roomId]))).toEqual([first, second]);
});

test('its time ends, and so does it by a redaction; an ignored person’s is not told', async () => {
  const roomId = await enter();
  const [short, redacted, long] = [
    await stick(romeo, roomId, 'a', MINUTE_MS),
    await stick(romeo, roomId, 'b'),
    await stick(romeo, roomId, 'c'),
  ];
  await romeo.send(roomId, 'later');
  const read = async () => idsOf(stuckIn((await syncWith(juliet, { filter: ONE })).rooms.join[roomId]));
  expect(await read()).toEqual([short, redacted, long]);
  clock.advance(2 * MINUTE_MS);
  await redact(romeo, roomId, redacted);
  expect(await read()).toEqual([long]);
  const ignored = { ignored_users: { [romeo.id]: {} } };
  await juliet.call('PUT', `/_matrix/client/v3/user/${juliet.id}/account_data/m.ignored_user_list`, ignored);
  expect(await read()).toEqual([]);
  await juliet.call('PUT', `/_matrix/client/v3/user/${juliet.id}/account_data/m.ignored_user_list`, { ignored_users: {} });
  clock.advance(9 * MINUTE_MS);
  expect(await read()).toEqual([]);
});

test('who joins is told what is sticky, though they may not see the past', async () => {
  const hidden = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  const roomId = await enter({ initial_state: [hidden] });
  const eventId = await stick(romeo, roomId, 'laptop');
  await romeo.send(roomId, 'a secret');
  const nurse = await server.user('nurse');
  const { next_batch: since } = await syncWith(nurse);
  await nurse.join(roomId);
  const room = (await syncWith(nurse, { since })).rooms.join[roomId];
  expect(idsOf(stuckIn(room))).toEqual([eventId]);
  expect(JSON.stringify(room)).not.toContain('a secret');
});

test('state may be sticky, saying the same again prolongs it, and so may be what is sent later', async () => {
  const roomId = await enter();
  const { next_batch: since } = await syncWith(juliet);
  const set = async () =>
    String((await romeo.call('PUT', roomPath(roomId, `/state/m.custom/x?${PARAMETER}=${MINUTE_MS}`), { a: 1 }))['event_id']);
  const [once, again] = [await set(), await set()];
  expect(again).not.toBe(once);
  const path = roomPath(roomId, `/send/m.rtc.member/late?org.matrix.msc4140.delay=1000&${PARAMETER}=${MINUTE_MS}`);
  const { delay_id: delayId } = await romeo.call('PUT', path, { msc4354_sticky_key: 'left' });
  await romeo.call('POST', `/_matrix/client/unstable/org.matrix.msc4140/delayed_events/${delayId}`, { action: 'send' });
  await romeo.send(roomId, 'later');
  const stuck = stuckIn((await syncWith(juliet, { since, filter: ONE })).rooms.join[roomId]);
  expect(stuck.map(({ type }) => type)).toEqual(['m.custom', 'm.custom', 'm.rtc.member']);
  expect(stuck[2]).toMatchObject({ msc4354_sticky: { duration_ms: MINUTE_MS } });
});

test('durations are whole milliseconds up to an hour; memberships are never sticky', async () => {
  const roomId = await enter();
  for (const duration of ['3600001', '-1', 'long', '1.5']) {
    const path = roomPath(roomId, `/send/m.rtc.member/bad${duration}?${PARAMETER}=${duration}`);
    expect((await romeo.attempt('PUT', path, {})).status, duration).toBe(400);
  }
  const member = roomPath(roomId, `/state/m.room.member/${romeo.id}?${PARAMETER}=1000`);
  expect((await romeo.attempt('PUT', member, { membership: 'join' })).status).toBe(400);
  expect((await romeo.attempt('PUT', roomPath(roomId, `/send/m.rtc.member/most?${PARAMETER}=3600000`), {})).status).toBe(200);
});

test('by sliding sync it comes page by page, of all rooms that a list is about', async () => {
  const roomId = await enter();
  const other = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(other);
  const sent: string[] = [];
  for (let index = 0; index < 3; index += 1) sent.push(await stick(romeo, other, `key ${index}`));
  await romeo.send(other, 'and more');
  await romeo.send(roomId, 'the newest');
  const slideOn = (since?: string, pos?: string, timeoutMs = 0) => {
    const extension = { enabled: true, limit: 2, ...(since === undefined ? {} : { since }) };
    const lists: SlidingSyncRequest['lists'] = { top: { ranges: [[0, 0]], timeline_limit: 1, required_state: [] } };
    return slide(juliet, { lists, extensions: { [EXTENSION]: extension } }, pos, timeoutMs);
  };
  const stuckBy = (answer: SlidingSyncResponse, room: string) => idsOf(answer.extensions?.[EXTENSION]?.rooms?.[room]?.events ?? []);
  const first = await slideOn();
  expect(Object.keys(first.rooms ?? {})).toEqual([roomId]);
  expect(stuckBy(first, other)).toEqual(sent.slice(0, 2));
  const second = await slideOn(first.extensions?.[EXTENSION]?.next_batch, first.pos);
  expect(stuckBy(second, other)).toEqual(sent.slice(2));
  const place = second.extensions?.[EXTENSION]?.next_batch;
  const third = await slideOn(place, second.pos);
  expect(third.extensions?.[EXTENSION]).toEqual({});

  const waiting = slideOn(place, third.pos, 20_000);
  const late = await stick(romeo, roomId, 'late');
  const woken = await waiting;
  expect(idsOf(woken.rooms?.[roomId]?.timeline ?? [])).toEqual([late]);
  expect(stuckBy(woken, roomId)).toEqual([]);
  const entered = await romeo.createRoom({ preset: 'public_chat' });
  const before = await stick(romeo, entered, 'before');
  await romeo.send(entered, 'and more');
  const from = (await slideOn(place, woken.pos)).extensions?.[EXTENSION]?.next_batch;
  const nurse = await server.user('nurse');
  await nurse.join(entered);
  await juliet.join(entered);
  expect(stuckBy(await slideOn(from), entered)).toEqual([before]);
  expect((await juliet.attempt('POST', SLIDING_PATH, { extensions: { [EXTENSION]: { enabled: true, since: 'x' } } })).status).toBe(400);
});
