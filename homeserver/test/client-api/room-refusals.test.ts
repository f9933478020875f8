import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let paris: TestUser;
let roomId: string;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  paris = await server.user('paris');
  roomId = await romeo.createRoom({ preset: 'public_chat', room_version: '11' });
  await juliet.join(roomId);
});
afterAll(async () => await server[Symbol.asyncDispose]());

const room = (rest: string, id = roomId) => `/_matrix/client/v3/rooms/${encodeURIComponent(id)}/${rest}`;
const told = async (user: TestUser, method: string, path: string, body?: unknown) => {
  const answer = await user.attempt(method, path, body);
  return [answer.status, answer.body['errcode']];
};

test('a room is forgotten only once it was left; one that nobody was in is forgotten already', async () => {
  expect(await told(juliet, 'POST', room('forget'), {})).toEqual([400, 'M_UNKNOWN']);
  expect((await paris.attempt('POST', room('forget'), {})).status).toBe(200);
  expect((await paris.attempt('POST', room('forget', '!nowhere:hs.test'), {})).status).toBe(200);
});

test('who is not banned cannot be unbanned', async () => {
  expect(await told(romeo, 'POST', room('unban'), { user_id: juliet.id })).toEqual([403, 'M_BAD_STATE']);
});

test('an event is not there for outsiders, and not in rooms that do not exist', async () => {
  const eventId = await romeo.send(roomId, 'for members');
  const secret = await romeo.createRoom({ preset: 'private_chat' });
  const inSecret = await romeo.send(secret, 'for one');
  expect(await told(paris, 'GET', room(`event/${encodeURIComponent(inSecret)}`, secret))).toEqual([404, 'M_NOT_FOUND']);
  expect(await told(paris, 'GET', room('event/$nothing', '!nowhere:hs.test'))).toEqual([404, 'M_NOT_FOUND']);
  expect((await juliet.attempt('GET', room(`event/${encodeURIComponent(eventId)}`))).status).toBe(200);
});

test('members at a token that is none are refused; an empty token to page from is as none', async () => {
  expect(await told(romeo, 'GET', room('members?at=nope'))).toEqual([400, 'M_INVALID_PARAM']);
  expect((await romeo.attempt('GET', room('messages?dir=b&from='))).status).toBe(200);
  expect(await told(romeo, 'GET', room('messages?dir=b&from=nope'))).toEqual([400, 'M_INVALID_PARAM']);
});

test('state that can be of no use is refused as malformed, whoever sends it', async () => {
  expect(await told(romeo, 'PUT', room('state/m.room.member/nobody'), { membership: 'invite' })).toEqual([400, 'M_INVALID_PARAM']);
  expect(await told(romeo, 'PUT', room('state/m.room.member/'), { membership: 'join' })).toEqual([400, 'M_INVALID_PARAM']);
  const own = room(`state/m.room.member/${encodeURIComponent(romeo.id)}`);
  expect(await told(romeo, 'PUT', own, { membership: 'here' })).toEqual([400, 'M_BAD_JSON']);
  expect(await told(romeo, 'PUT', own, {})).toEqual([400, 'M_BAD_JSON']);
  const levels = room('state/m.room.power_levels');
  expect(await told(romeo, 'PUT', levels, { users: { [romeo.id]: '100' } })).toEqual([400, 'M_BAD_JSON']);
  expect(await told(romeo, 'PUT', levels, { users: { nobody: 5 } })).toEqual([400, 'M_BAD_JSON']);
  expect(await told(juliet, 'PUT', levels, { users: { [juliet.id]: 100 } })).toEqual([403, 'M_FORBIDDEN']);
  expect(await told(juliet, 'PUT', levels, { users: { nobody: 5 } })).toEqual([403, 'M_FORBIDDEN']);
});

test('a room does not shut out the server that it is on', async () => {
  const acl = room('state/m.room.server_acl');
  expect(await told(romeo, 'PUT', acl, { allow: ['*'], deny: ['hs.test'] })).toEqual([400, 'M_INVALID_PARAM']);
  expect(await told(romeo, 'PUT', acl, {})).toEqual([400, 'M_INVALID_PARAM']);
  expect((await romeo.attempt('PUT', acl, { allow: ['*'], deny: ['evil.test'] })).status).toBe(200);
});

test('further creators must be user ids', async () => {
  for (const additional_creators of [['nobody'], 'x', [5]]) {
    const wish = { room_version: '12', creation_content: { additional_creators } };
    expect(await told(romeo, 'POST', '/_matrix/client/v3/createRoom', wish)).toEqual([400, 'M_BAD_JSON']);
  }
});

test('an alias holds no blanks', async () => {
  const alias = `/_matrix/client/v3/directory/room/${encodeURIComponent('#two words:hs.test')}`;
  expect(await told(romeo, 'PUT', alias, { room_id: roomId })).toEqual([400, 'M_INVALID_PARAM']);
});

test('events and redactions are taken without a transaction id, each request for itself', async () => {
  const first = await romeo.call('POST', room('send/m.room.message'), { msgtype: 'm.text', body: 'twice' });
  const second = await romeo.call('POST', room('send/m.room.message'), { msgtype: 'm.text', body: 'twice' });
  expect(first['event_id']).not.toBe(second['event_id']);
  const target = encodeURIComponent(String(first['event_id']));
  await romeo.call('POST', room(`redact/${target}`), { reason: 'slip' });
  expect((await romeo.call('GET', room(`event/${target}`)))['content']).toEqual({});
  expect(await told(paris, 'POST', room('send/m.room.message'), { body: 'x' })).toEqual([403, 'M_FORBIDDEN']);
});

test('a server without TURN says so with an empty answer; a room summary says who never was there', async () => {
  expect(await romeo.call('GET', '/_matrix/client/v3/voip/turnServer')).toEqual({});
  const summary = await paris.call('GET', `/_matrix/client/v1/room_summary/${encodeURIComponent(roomId)}`);
  expect(summary['membership']).toBe('leave');
});

test('an OpenID token must be given to be exchanged', async () => {
  const answer = await callServer(server.url, 'GET', '/_matrix/federation/v1/openid/userinfo');
  expect([answer.status, answer.body['errcode']]).toEqual([401, 'M_MISSING_TOKEN']);
});
