import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let roomId: string;
let transactions = 0;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
});
afterAll(() => server[Symbol.asyncDispose]());

const room = (rest: string, id = roomId) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;

async function send(type: string, content: unknown, { user = romeo, to = roomId } = {}) {
  transactions += 1;
  const answer = await user.attempt('PUT', room(`send/${type}/c${transactions}`, to), content);
  return answer.status === 200 ? 200 : [answer.status, answer.body['errcode']];
}

const message = (more: object) => ({ msgtype: 'm.text', body: 'but soft', ...more });
const relating = (relType: string, eventId: string, more: object = {}) =>
  message({ 'm.relates_to': { rel_type: relType, event_id: eventId, ...more } });

test('a message is of a kind and has a text; what is no message may hold anything', async () => {
  const faulty = [{}, { body: 'x' }, { msgtype: 'm.text' }, { msgtype: 5, body: 'x' }, { msgtype: 'm.text', body: null }];
  for (const content of faulty) expect(await send('m.room.message', content)).toEqual([400, 'M_BAD_JSON']);
  expect(await send('m.room.message', { msgtype: 'm.text', body: '' })).toBe(200);
  expect(await send('test.message', {})).toBe(200);
});

test('mentions are an object, and the room is mentioned or not', async () => {
  for (const mentions of [5, 'x', [], { room: 'yes' }]) {
    expect(await send('m.room.message', message({ 'm.mentions': mentions }))).toEqual([400, 'M_BAD_JSON']);
    expect(await send('test.message', { 'm.mentions': mentions })).toEqual([400, 'M_BAD_JSON']);
  }
  expect(await send('m.room.message', message({ 'm.mentions': { room: true, user_ids: [juliet.id] } }))).toBe(200);
});

test('a name and a topic are texts, and state', async () => {
  for (const content of [{ name: 5 }, { name: {} }]) {
    expect((await romeo.attempt('PUT', room('state/m.room.name'), content)).body['errcode']).toBe('M_BAD_JSON');
  }
  for (const content of [{ topic: 5 }, { topic: ['x'] }]) {
    expect((await romeo.attempt('PUT', room('state/m.room.topic'), content)).body['errcode']).toBe('M_BAD_JSON');
  }
  for (const content of [{ name: '' }, {}, { name: null }]) {
    expect((await romeo.attempt('PUT', room('state/m.room.name'), content)).status).toBe(200);
  }
  expect(await send('m.room.name', { name: 'Verona' })).toEqual([400, 'M_BAD_JSON']);
  expect(await send('m.room.topic', { topic: 'Feuds' })).toEqual([400, 'M_BAD_JSON']);
  expect(await send('m.room.tombstone', { body: 'gone' })).toEqual([400, 'M_BAD_JSON']);
});

test('who is not in the room is told that first', async () => {
  const closed = await romeo.createRoom();
  expect(await send('m.room.message', {}, { user: juliet, to: closed })).toEqual([403, 'M_FORBIDDEN']);
  const known = encodeURIComponent(await romeo.send(closed, 'for one'));
  for (const eventId of [known, '$nothing']) {
    const redaction = await juliet.attempt('PUT', room(`redact/${eventId}/r${known}`, closed), {});
    expect(redaction).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN', error: `You are not in the room ${closed}.` } });
  }
});

test('an event relates to one of its own room', async () => {
  for (const relType of ['m.thread', 'm.reference', 'm.replace', 'test.relation']) {
    expect(await send('m.room.message', relating(relType, '$nothing'))).toEqual([400, 'M_INVALID_PARAM']);
  }
  const elsewhere = await romeo.createRoom();
  const other = await romeo.send(elsewhere, 'elsewhere');
  expect(await send('m.reaction', relating('m.annotation', other, { key: '🌹' }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(await send('m.room.message', message({ 'm.relates_to': { 'm.in_reply_to': { event_id: '$nothing' } } }))).toBe(200);
  for (const relation of [5, {}, { rel_type: 'm.thread' }]) {
    expect(await send('m.room.message', message({ 'm.relates_to': relation }))).toBe(200);
  }
});

test('an annotation has a key of some length', async () => {
  const eventId = await romeo.send(roomId, 'what light');
  expect(await send('m.reaction', relating('m.annotation', eventId))).toEqual([400, 'M_INVALID_PARAM']);
  expect(await send('m.reaction', relating('m.annotation', eventId, { key: 'k'.repeat(501) }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(await send('m.reaction', relating('m.annotation', eventId, { key: 'k'.repeat(500) }))).toBe(200);
});

test('a thread does not begin below another relation, in memory and from the database', async () => {
  const rootId = await romeo.send(roomId, 'root');
  const replyId = await juliet.send(roomId, relating('m.thread', rootId));
  const reactionId = await juliet.send(roomId, relating('m.annotation', rootId, { key: '🌹' }), 'm.reaction');
  const expectRefused = async () => {
    for (const eventId of [replyId, reactionId]) {
      expect(await send('m.room.message', relating('m.thread', eventId))).toEqual([400, 'M_INVALID_PARAM']);
    }
    expect(await send('m.room.message', relating('m.thread', rootId))).toBe(200);
    expect(await send('m.room.message', relating('m.replace', replyId, { 'm.new_content': {} }))).toBe(200);
  };
  await expectRefused();
  await server.restart();
  await expectRefused();
});

test('what is stored must be said: an empty body is no content', async () => {
  const own = `/_matrix/client/v3/user/${encodeURIComponent(romeo.id)}`;
  const here = encodeURIComponent(roomId);
  const paths = [
    room('send/test.message/empty'),
    room('state/test.state'),
    `${own}/account_data/test.data`,
    `${own}/rooms/${here}/account_data/test.data`,
  ];
  for (const path of paths) {
    expect(await romeo.attempt('PUT', path), path).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } });
    expect((await romeo.attempt('PUT', path, {})).status, path).toBe(200);
  }
  const other = await romeo.createRoom();
  expect((await romeo.attempt('POST', room('leave', other))).status).toBe(200);
});
