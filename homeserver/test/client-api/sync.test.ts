import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
type Events = { events: { type: string; sender: string; content: Json; state_key?: string; event_id: string; unsigned?: Json }[] };
type Joined = { timeline: Events & { limited: boolean; prev_batch: string }; state: Events; summary?: Json; account_data: Events };
type SyncAnswer = {
  next_batch: string;
  rooms: { join: Record<string, Joined>; invite: Record<string, { invite_state: Events }>; leave: Record<string, Joined> };
};

const asSync = (answer: Json) => answer as unknown as SyncAnswer;
const bodies = (events: Events['events']) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

/** Syncs until the room has something in its timeline: an answer may also be about counts alone. */
async function nextTimeline(user: TestUser, roomId: string): Promise<Joined> {
  for (let round = 0; round < 10; round += 1) {
    const room = asSync(await user.sync({ timeoutMs: 5_000 })).rooms.join[roomId];
    if (room !== undefined && room.timeline.events.length > 0) return room;
  }
  throw new Error(`nothing came in ${roomId}`);
}

test('two people talk, each sees the other at once and their own transaction id', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ name: 'Balcony', invite: [juliet.id] });

  const invited = asSync(await juliet.sync());
  const shown = invited.rooms.invite[roomId]?.invite_state.events ?? [];
  expect(shown.find((event) => event.type === 'm.room.name')?.content).toEqual({ name: 'Balcony' });
  expect(shown.find((event) => event.state_key === juliet.id)).toMatchObject({ state_key: juliet.id, content: { membership: 'invite' } });

  await juliet.join(roomId);
  const joined = asSync(await juliet.sync({ timeoutMs: 5_000 })).rooms.join[roomId];
  expect(joined?.state.events.concat(joined.timeline.events).map((event) => event.type)).toContain('m.room.create');
  expect(joined?.summary).toEqual({ 'm.joined_member_count': 2, 'm.invited_member_count': 0 });

  await romeo.sync();
  const waiting = nextTimeline(juliet, roomId);
  const eventId = await romeo.send(roomId, 'But soft!');
  const heard = await waiting;
  expect(heard.timeline).toMatchObject({
    limited: false,
    events: [{ event_id: eventId, sender: romeo.id, content: { body: 'But soft!' } }],
  });
  expect(heard.timeline.events[0]?.unsigned?.['transaction_id']).toBeUndefined();
  expect(heard.state.events).toEqual([]);

  const echo = (await nextTimeline(romeo, roomId)).timeline.events.at(-1);
  expect(echo?.event_id).toBe(eventId);
  expect(echo?.unsigned?.['transaction_id']).toBeDefined();
});

test('after a long absence the timeline is limited, and paging back from it shows the rest once, without a gap', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await juliet.sync();
  const said = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  for (const line of said) await romeo.send(roomId, line);

  const back = asSync(await juliet.sync()).rooms.join[roomId];
  expect(back?.timeline.limited).toBe(true);
  const seen = bodies(back?.timeline.events ?? []);
  expect(seen).toEqual(said.slice(-10));

  const earlier: unknown[] = [];
  let from = back?.timeline.prev_batch;
  while (from !== undefined) {
    const page = await juliet.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=7&from=${from}`);
    earlier.push(...bodies(page['chunk'] as Events['events']));
    from = page['end'] as string | undefined;
  }
  expect([...earlier.reverse(), ...seen]).toEqual(said);
});

test('a name changed during an absence is told as state when its event is not in the timeline', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({ name: 'Old' });
  await romeo.sync();
  await romeo.setState(roomId, 'm.room.name', { name: 'New' });
  for (let index = 0; index < 12; index += 1) await romeo.send(roomId, `line ${index}`);
  const room = asSync(await romeo.sync()).rooms.join[roomId];
  expect(room?.timeline.limited).toBe(true);
  expect(room?.state.events.map((event) => event.content)).toEqual([{ name: 'New' }]);
});

test('who leaves is told so, with nothing that came after', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await juliet.sync();
  await juliet.leave(roomId);
  await romeo.send(roomId, 'she is gone');

  const answer = asSync(await juliet.sync());
  expect(answer.rooms.join[roomId]).toBeUndefined();
  expect(answer.rooms.leave[roomId]?.timeline.events.at(-1)).toMatchObject({ state_key: juliet.id, content: { membership: 'leave' } });
  expect(bodies(answer.rooms.leave[roomId]?.timeline.events ?? [])).toEqual([]);
});

test('history before the join is hidden where the room says so', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const hidden = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  const roomId = await romeo.createRoom({ preset: 'public_chat', initial_state: [hidden] });
  await romeo.send(roomId, 'a secret');
  await juliet.join(roomId);
  await romeo.send(roomId, 'welcome');

  const room = asSync(await juliet.sync()).rooms.join[roomId];
  expect(bodies(room?.timeline.events ?? [])).toEqual(['welcome']);
  expect(bodies((await juliet.messages(roomId)) as Events['events'])).toEqual(['welcome']);
});

test('sync goes on where it was after the server restarts', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  await romeo.sync();
  await romeo.send(roomId, 'before');
  await server.restart();
  await romeo.send(roomId, 'after');
  expect(bodies(asSync(await romeo.sync()).rooms.join[roomId]?.timeline.events ?? [])).toEqual(['before', 'after']);
});

test('an idle poll that ends costs no statement', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  await romeo.createRoom();
  await romeo.sync();
  await romeo.sync();
  server.queries.length = 0;
  await romeo.sync();
  const reading = /from\s+(account_data|receipts|to_device_messages|memberships|events|state_intervals|device_list)/;
  expect(server.queries.filter((query) => reading.test(query))).toEqual([]);
});
