import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPath } from '../../src/domain/sync/shape-events.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { bodiesOf, roomPath, syncWith } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

test('a filtered timeline is filled with what passes, however much else was said since, in memory and from the database', async () => {
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, 'first');
  await romeo.send(roomId, 'second');
  for (let index = 0; index < 15; index += 1) await romeo.send(roomId, {}, 'm.chatter');
  await romeo.setState(roomId, 'm.room.topic', { topic: 'later' });
  const filters = [
    { types: ['m.room.message'], limit: 2 },
    { types: ['m.room.m*'], not_types: ['m.room.member'], limit: 2 },
    { not_types: ['m.chatter', 'm.room.topic'], types: ['*message'], senders: [romeo.id], limit: 2 },
  ];
  const read = async () => {
    for (const timeline of filters) {
      const room = (await syncWith(romeo, { filter: { room: { timeline } } })).rooms.join[roomId];
      expect(bodiesOf(room?.timeline.events)).toEqual(['first', 'second']);
      expect(room?.state.events.map((event) => event.type)).toContain('m.room.topic');
    }
    const nothing = { room: { timeline: { not_senders: [romeo.id] } } };
    expect((await syncWith(romeo, { filter: nothing })).rooms.join[roomId]?.timeline.events).toEqual([]);
  };
  await read();
  await server.restart();
  await read();
});

test('events with a URL, or without one', async () => {
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, { msgtype: 'm.image', body: 'a rose', url: 'mxc://hs.test/rose' });
  await romeo.send(roomId, { msgtype: 'm.text', body: 'url', about: { url: 'inner' } });
  const ask = async (contains_url: boolean) =>
    bodiesOf((await syncWith(romeo, { filter: { room: { timeline: { contains_url } } } })).rooms.join[roomId]?.timeline.events);
  const read = async () => [await ask(true), await ask(false)];
  expect(await read()).toEqual([['a rose'], ['url']]);
  await server.restart();
  expect(await read()).toEqual([['a rose'], ['url']]);
});

test('what no event can be called matches none', async () => {
  await romeo.createRoom();
  const parts = [{ types: ['\u0000', '%', '_.room.message', '\\'] }, { not_types: ['*'] }, { senders: ['@\u0000:hs.test'] }, { types: [] }];
  for (const timeline of parts) {
    const { join } = (await syncWith(romeo, { filter: { room: { timeline } } })).rooms;
    expect(
      Object.values(join).flatMap((room) => room.timeline.events),
      JSON.stringify(timeline),
    ).toEqual([]);
  }
  await server.restart();
  for (const timeline of parts) {
    const { join } = (await syncWith(romeo, { filter: { room: { timeline } } })).rooms;
    expect(Object.values(join).flatMap((room) => room.timeline.events)).toEqual([]);
  }
});

test('each part of a filter may name rooms', async () => {
  const [one, other] = [await romeo.createRoom({ name: 'One' }), await romeo.createRoom({ name: 'Other' })];
  await romeo.call('PUT', `/_matrix/client/v3/user/${romeo.id}/rooms/${encodeURIComponent(one)}/account_data/m.note`, { a: 1 });
  const only = { rooms: [other] };
  const filter = { room: { timeline: only, state: only, account_data: only, ephemeral: only } };
  const { join } = (await syncWith(romeo, { filter })).rooms;
  expect(join[one]).toMatchObject({ timeline: { events: [] }, state: { events: [] }, account_data: { events: [] } });
  expect(join[other]?.timeline.events).not.toEqual([]);
  const none = (await syncWith(romeo, { filter: { room: { rooms: [one, other], not_rooms: [other] } } })).rooms.join;
  expect(Object.keys(none)).toEqual([one]);
  expect((await syncWith(romeo, { filter: { room: { rooms: [] } } })).rooms.join).toEqual({});
});

test('a filter that lets nothing of a room through does not wake a client for it', async () => {
  const roomId = await romeo.createRoom();
  const filter = { room: { timeline: { types: ['m.wanted'] }, state: { types: [] }, ephemeral: { types: [] } } };
  const { next_batch: since } = await syncWith(romeo, { filter });
  await romeo.send(roomId, {}, 'm.unwanted');
  expect((await syncWith(romeo, { filter, since })).rooms.join).toEqual({});
  await romeo.send(roomId, {}, 'm.wanted');
  expect((await syncWith(romeo, { filter, since })).rooms.join[roomId]?.timeline.events).toMatchObject([{ type: 'm.wanted' }]);
});

test('only the asked fields of events come, dots within keys being escaped', async () => {
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, { msgtype: 'm.text', body: 'hark', 'a.b': { c: 1, d: 2 }, 'e\\f': 3 });
  const filter = { event_fields: ['type', 'content.body', 'content.a\\.b.c', 'content.e\\\\f', 'content.none', 'sender.x'] };
  const events = (await syncWith(romeo, { filter })).rooms.join[roomId]?.timeline.events;
  expect(events?.at(-1)).toEqual({ type: 'm.room.message', content: { body: 'hark', 'a.b': { c: 1 }, 'e\\f': 3 } });
  expect(readPath('a\\.b.c\\\\d.')).toEqual(['a.b', 'c\\d', '']);
});

test('events come as servers exchange them, when asked for in that format', async () => {
  const roomId = await romeo.createRoom();
  const eventId = await romeo.send(roomId, 'signed');
  const room = (await syncWith(romeo, { filter: { event_format: 'federation' } })).rooms.join[roomId];
  const event = room?.timeline.events.at(-1);
  expect(event).toMatchObject({ event_id: eventId, type: 'm.room.message', room_id: roomId, unsigned: { age: expect.any(Number) } });
  expect(event).toMatchObject({
    hashes: expect.anything(),
    signatures: { 'hs.test': expect.anything() },
    prev_events: [expect.anything()],
  });
  expect(event).toHaveProperty('depth');
});

test('filters that are no filters are refused', async () => {
  const ask = (filter: string) => romeo.attempt('GET', `/_matrix/client/v3/sync?filter=${encodeURIComponent(filter)}`);
  expect(await ask('987654')).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect(await ask('{')).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
  expect((await ask('{"room":{"timeline":{"limit":"many"}}}')).status).toBe(400);
  expect((await ask('{"event_format":"morse"}')).status).toBe(400);
  const stored = await romeo.call('POST', `/_matrix/client/v3/user/${romeo.id}/filter`, { room: { timeline: { limit: 1 } } });
  const roomId = await romeo.createRoom();
  const answer = await romeo.call('GET', `/_matrix/client/v3/sync?filter=${stored['filter_id']}`);
  expect((answer as { rooms: { join: Record<string, { timeline: { events: [] } }> } }).rooms.join[roomId]?.timeline.events).toHaveLength(1);
});

test('an answer leaves out what is empty', async () => {
  const { next_batch: since } = await syncWith(romeo);
  const answer = await romeo.call('GET', `/_matrix/client/v3/sync?since=${since}&timeout=0`);
  expect(Object.keys(answer).sort()).toEqual([
    'device_one_time_keys_count',
    'device_unused_fallback_key_types',
    'next_batch',
    'org.matrix.msc2732.device_unused_fallback_key_types',
  ]);
});

test('the state after the timeline comes under both of its names, and none before it', async () => {
  const roomId = await romeo.createRoom({ name: 'Old' });
  const { next_batch: since } = await syncWith(romeo);
  await romeo.setState(roomId, 'm.room.name', { name: 'New' });
  for (const name of ['use_state_after', 'org.matrix.msc4222.use_state_after']) {
    const room = (await syncWith(romeo, { since, [name]: true })).rooms.join[roomId];
    expect(room).toMatchObject({
      state_after: { events: [{ content: { name: 'New' } }] },
      timeline: { events: [{ type: 'm.room.name' }] },
    });
    expect(room).toHaveProperty(['org.matrix.msc4222.state_after', 'events']);
    expect(room).not.toHaveProperty('state');
  }
});

test('a redaction in the timeline comes with what it took away', async () => {
  const roomId = await romeo.createRoom();
  const eventId = await romeo.send(roomId, 'regretted');
  const { next_batch: since } = await syncWith(romeo);
  const { event_id: redactionId } = await romeo.call('PUT', roomPath(roomId, `/redact/${encodeURIComponent(eventId)}/r1`), {
    reason: 'rash',
  });
  const later = (await syncWith(romeo, { since })).rooms.join[roomId]?.timeline.events;
  expect(later).toMatchObject([{ event_id: redactionId, type: 'm.room.redaction', content: { reason: 'rash' } }]);
  const whole = (await syncWith(romeo)).rooms.join[roomId]?.timeline.events.find((event) => event.event_id === eventId);
  expect(whole).toMatchObject({ content: {}, unsigned: { redacted_because: { event_id: redactionId } } });
});
