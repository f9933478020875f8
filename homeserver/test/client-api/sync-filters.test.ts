import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { type ClientEvent, type TestUser, withRoomSections } from '../kit/test-user.ts';

type Room = { timeline: { events: ClientEvent[]; limited: boolean; prev_batch: string }; state: { events: ClientEvent[] } };
type Answer = { next_batch: string; rooms: { join: Record<string, Room>; leave: Record<string, Room> } };

async function sync(user: TestUser, options: { since?: string; filter?: object; fullState?: boolean } = {}): Promise<Answer> {
  const query = new URLSearchParams({ timeout: '0' });
  if (options.since !== undefined) query.set('since', options.since);
  if (options.filter !== undefined) query.set('filter', JSON.stringify(options.filter));
  if (options.fullState === true) query.set('full_state', 'true');
  return withRoomSections(await user.call('GET', `/_matrix/client/v3/sync?${query}`)) as unknown as Answer;
}

const messagesFrom = async (user: TestUser, roomId: string, from: string, dir = 'b') =>
  (await user.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=${dir}&limit=100&from=${from}`))[
    'chunk'
  ] as ClientEvent[];

test('state that the timeline filter leaves out is told as state', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({ name: 'Verona' });
  const filter = { room: { timeline: { types: ['m.room.message'] } } };

  const first = await sync(romeo, { filter });
  const nameOf = (room: Room | undefined) => room?.state.events.find((event) => event.type === 'm.room.name')?.content['name'];
  expect(nameOf(first.rooms.join[roomId])).toBe('Verona');
  expect(first.rooms.join[roomId]?.state.events.map((event) => event.type)).toContain('m.room.create');

  await romeo.send(roomId, 'we move');
  await romeo.setState(roomId, 'm.room.name', { name: 'Mantua' });
  const second = await sync(romeo, { filter, since: first.next_batch });
  expect(second.rooms.join[roomId]?.timeline.events.map((event) => event.type)).toEqual(['m.room.message']);
  expect(nameOf(second.rooms.join[roomId])).toBe('Mantua');
});

test('a timeline is narrowed by what its events relate to, and by what relates to them', async () => {
  await using server = await startServer();
  const [romeo, juliet] = [await server.user('romeo'), await server.user('juliet')];
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const root = await romeo.send(roomId, 'a root');
  await romeo.send(roomId, 'a leaf alone');
  await juliet.send(roomId, { msgtype: 'm.text', body: 'in a thread', 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
  const bodies = async (timeline: object, since?: string) =>
    (await sync(romeo, { filter: { room: { timeline } }, ...(since === undefined ? {} : { since }) })).rooms.join[
      roomId
    ]?.timeline.events.flatMap((event) => event.content['body'] ?? []);
  const expectEach = async (since?: string) => {
    expect(await bodies({ related_by_rel_types: ['m.thread'] }, since)).toEqual(['a root']);
    expect(await bodies({ related_by_senders: [juliet.id], limit: 1 }, since)).toEqual(['a root']);
    expect((await bodies({ related_by_senders: [romeo.id] }, since)) ?? []).toEqual([]);
    expect(await bodies({ 'org.matrix.msc3874.rel_types': ['m.thread'] }, since)).toEqual(['in a thread']);
    expect(await bodies({ types: ['m.room.message'], 'org.matrix.msc3874.not_rel_types': ['m.thread'] }, since)).toEqual([
      'a root',
      'a leaf alone',
    ]);
  };
  await expectEach();
  await server.restart();
  await expectEach();
});

test('who asks for no timeline gets the newest state, and may page back to the newest event', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, 'before');
  const topicId = await romeo.setState(roomId, 'm.room.topic', { topic: 'the newest' });

  const room = (await sync(romeo, { filter: { room: { timeline: { limit: 0 } } } })).rooms.join[roomId];
  expect(room?.timeline).toMatchObject({ events: [], limited: true });
  expect(room?.state.events.find((event) => event.type === 'm.room.topic')?.event_id).toBe(topicId);
  const [newest] = await messagesFrom(romeo, roomId, room?.timeline.prev_batch ?? '');
  expect(newest?.event_id).toBe(topicId);
});

test('who is banned from a room they never entered learns that, and nothing of the room', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { next_batch: since } = await sync(juliet);
  const roomId = await romeo.createRoom({ name: 'Secret' });
  await romeo.send(roomId, 'we are alone');
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: juliet.id });

  for (const filter of [{}, { room: { include_leave: true, timeline: { limit: 1 } } }]) {
    for (const from of [since, undefined]) {
      const left = (await sync(juliet, { filter, ...(from === undefined ? {} : { since: from }) })).rooms.leave[roomId];
      if (left === undefined) continue;
      const told = [...left.state.events, ...left.timeline.events];
      expect(told.map((event) => [event.type, event.state_key])).toEqual([['m.room.member', juliet.id]]);
    }
  }
});

test('who left hears until then, and what the room became meanwhile is kept from them when they are banned', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const { next_batch: since } = await sync(juliet);
  await romeo.setState(roomId, 'm.room.topic', { topic: 'while she was there' });
  await juliet.leave(roomId);
  await romeo.setState(roomId, 'm.room.name', { name: 'behind her back' });
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: juliet.id });

  const left = (await sync(juliet, { since })).rooms.leave[roomId];
  const told = [...(left?.state.events ?? []), ...(left?.timeline.events ?? [])];
  expect(told.map((event) => event.type)).toContain('m.room.topic');
  expect(told.map((event) => event.type)).not.toContain('m.room.name');
  expect(left?.timeline.events.at(-1)?.content['membership']).toBe('ban');
});

test('the full state comes without what was said before', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({ name: 'Verona' });
  await romeo.send(roomId, 'heard');
  const { next_batch: since } = await sync(romeo);
  const eventId = await romeo.send(roomId, 'new');

  const room = (await sync(romeo, { since, fullState: true })).rooms.join[roomId];
  expect(room?.timeline.events.map((event) => event.event_id)).toEqual([eventId]);
  expect(room?.state.events.map((event) => event.type)).toContain('m.room.name');
});

test('an answer that ends early for its many messages to the device loses nothing of a room that its reader leaves later', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const otherId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await juliet.join(otherId);
  const { next_batch: since } = await sync(juliet);

  const said = [await romeo.send(roomId, 'one'), await romeo.send(otherId, 'two')];
  for (let index = 0; index < 101; index += 1) {
    await romeo.call('PUT', `/_matrix/client/v3/sendToDevice/m.test/flood${index}`, { messages: { [juliet.id]: { '*': { index } } } });
  }
  await juliet.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'Capulet' }, juliet.id);
  await juliet.leave(otherId);

  const first = await sync(juliet, { since });
  const second = await sync(juliet, { since: first.next_batch });
  const heard = [first, second].flatMap(({ rooms }) =>
    [...Object.values(rooms.join), ...Object.values(rooms.leave)].flatMap((room) => room.timeline.events.map((event) => event.event_id)),
  );
  expect(said.filter((eventId) => !heard.includes(eventId))).toEqual([]);
  expect(new Set(heard).size).toBe(heard.length);
  expect(Object.keys(second.rooms.leave)).toEqual([otherId]);
});

test('who loads members lazily is told of those by whom a nameless room is called', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  for (let index = 0; index < 12; index += 1) await romeo.send(roomId, `line ${index}`);

  const room = (await sync(romeo, { filter: { room: { state: { lazy_load_members: true } } } })).rooms.join[roomId];
  const members = room?.state.events.filter((event) => event.type === 'm.room.member').map((event) => event.state_key);
  expect(members?.toSorted()).toEqual([juliet.id, romeo.id].toSorted());
});
