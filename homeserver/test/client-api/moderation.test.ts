import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

type Json = Record<string, unknown>;
const API = '/_matrix/client/v3';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const mutual = (userId: string) => `/_matrix/client/v1/mutual_rooms?user_id=${encodeURIComponent(userId)}`;

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let admin: TestUser;
beforeAll(async () => {
  server = await startServer();
  admin = await server.user('prince');
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

test('who is in a room reports what is said there, and an admin reads it', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const eventId = encodeURIComponent(await romeo.send(roomId, 'something foul'));
  const report = (user: TestUser, id: string, body: Json) => user.attempt('POST', roomPath(roomId, `report/${id}`), body);

  expect(await report(juliet, eventId, { reason: 'I am not even there' })).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  await juliet.join(roomId);
  expect(await report(juliet, eventId, { reason: 'foul', score: -100 })).toMatchObject({ status: 200, body: {} });
  expect(await report(juliet, eventId, {})).toMatchObject({ status: 200 });
  expect(await report(juliet, eventId, { reason: 7 })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  expect(await report(juliet, eventId, { score: 'high' })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  expect(await report(juliet, '$nothing', { reason: 'x' })).toMatchObject({ status: 404 });

  const listed = await admin.call('GET', `/_synapse/admin/v1/event_reports?room_id=${encodeURIComponent(roomId)}`);
  expect(listed['total']).toBe(2);
  const [, first] = listed['event_reports'] as Json[];
  expect(first).toMatchObject({ room_id: roomId, user_id: juliet.id, reason: 'foul', score: -100, sender: romeo.id });
  expect(await admin.call('GET', `/_synapse/admin/v1/event_reports/${first?.['id']}`)).toMatchObject({
    event_json: { content: { body: 'something foul' } },
  });
  await admin.call('DELETE', `/_synapse/admin/v1/event_reports/${first?.['id']}`);
  expect((await admin.attempt('GET', `/_synapse/admin/v1/event_reports/${first?.['id']}`)).status).toBe(404);
  expect(await juliet.attempt('GET', '/_synapse/admin/v1/event_reports')).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
});

test('a room is reported by anybody, and a person too, whether they are there or not', async () => {
  const roomId = await romeo.createRoom();
  expect(await juliet.attempt('POST', roomPath(roomId, 'report'), { reason: '' })).toMatchObject({ status: 200, body: {} });
  expect(await juliet.attempt('POST', roomPath('!nowhere:hs.test', 'report'), { reason: 'x' })).toMatchObject({
    status: 404,
    body: { errcode: 'M_NOT_FOUND' },
  });
  expect(await juliet.attempt('POST', roomPath(roomId, 'report'), {})).toMatchObject({ status: 400 });
  for (const userId of [romeo.id, '@nobody:hs.test', '@somebody:elsewhere.test'])
    expect(await juliet.attempt('POST', `${API}/users/${userId}/report`, { reason: 'a villain' })).toMatchObject({ status: 200, body: {} });
  expect(await juliet.attempt('POST', `${API}/users/${romeo.id}/report`, { reason: 'x'.repeat(1_001) })).toMatchObject({ status: 400 });
});

test('the rooms that two people share are listed, page by page, and nothing of anybody else', async () => {
  const tybalt = await server.user('tybalt');
  const shared: string[] = [];
  for (let index = 0; index < 101; index += 1) {
    const roomId = await tybalt.createRoom({ preset: 'public_chat' });
    await admin.join(roomId);
    shared.push(roomId);
  }
  await tybalt.createRoom();
  const first = await admin.call('GET', mutual(tybalt.id));
  expect(first).toMatchObject({ count: 101, joined: shared.slice(0, 100) });
  const second = await admin.call('GET', `${mutual(tybalt.id)}&from=${first['next_batch']}`);
  expect(second).toEqual({ count: 101, joined: shared.slice(100) });
  const old = `/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms?user_id=${encodeURIComponent(tybalt.id)}`;
  expect(await admin.call('GET', old)).toMatchObject({ count: 101 });

  expect(await admin.call('GET', mutual('@nobody:hs.test'))).toEqual({ joined: [], count: 0 });
  for (const query of [mutual(admin.id), mutual('nonsense'), `${mutual(tybalt.id)}&from=x`])
    expect(await admin.attempt('GET', query)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect((await admin.attempt('GET', '/_matrix/client/v1/mutual_rooms')).status).toBe(400);
});

const permit = (user: TestUser, type: string, content: Json) => user.call('PUT', `${API}/user/${user.id}/account_data/${type}`, content);

test('who blocks invites gets none, in whatever way they are sent', async () => {
  const benvolio = await server.user('benvolio');
  const roomId = await romeo.createRoom();
  await romeo.invite(roomId, benvolio.id);
  expect(JSON.stringify((await benvolio.sync())['rooms'])).toContain(roomId);

  await permit(benvolio, 'm.invite_permission_config', { default_action: 'block' });
  expect(JSON.stringify((await benvolio.sync({ since: 's0' }))['rooms'] ?? {})).not.toContain(roomId);
  const other = await romeo.createRoom();
  const blocked = { status: 403, body: { errcode: 'M_INVITE_BLOCKED' } };
  expect(await romeo.attempt('POST', roomPath(other, 'invite'), { user_id: benvolio.id })).toMatchObject(blocked);
  expect(await romeo.attempt('POST', `${API}/createRoom`, { invite: [benvolio.id] })).toMatchObject(blocked);
  expect(await romeo.attempt('PUT', roomPath(other, `state/m.room.member/${benvolio.id}`), { membership: 'invite' })).toMatchObject(
    blocked,
  );

  await permit(benvolio, 'm.invite_permission_config', {});
  await romeo.invite(other, benvolio.id);
  const rooms = JSON.stringify((await benvolio.sync({ since: 's0' }))['rooms'] ?? {});
  expect([rooms.includes(roomId), rooms.includes(other)]).toEqual([true, true]);
});

test('invites are let in, kept out of sight or refused by name', async () => {
  const paris = await server.user('paris');
  await permit(paris, 'org.matrix.msc4155.invite_permission_config', {
    allowed_users: [juliet.id],
    ignored_users: ['@prince:*'],
    blocked_servers: ['hs.*'],
  });
  const rooms = { juliet: await juliet.createRoom(), prince: await admin.createRoom(), romeo: await romeo.createRoom() };
  await juliet.invite(rooms.juliet, paris.id);
  await admin.invite(rooms.prince, paris.id);
  expect(await romeo.attempt('POST', roomPath(rooms.romeo, 'invite'), { user_id: paris.id })).toMatchObject({
    body: { errcode: 'M_INVITE_BLOCKED' },
  });
  const shown = JSON.stringify((await paris.sync())['rooms']);
  expect([shown.includes(rooms.juliet), shown.includes(rooms.prince)]).toEqual([true, false]);
});

test('an invite from afar is refused for who blocks them', async () => {
  await using servers = await startServers(2);
  const inviter = await servers.user('romeo', 0);
  const invited = await servers.user('juliet', 1);
  await permit(invited, 'm.invite_permission_config', { default_action: 'block' });
  const roomId = await inviter.createRoom();
  expect(await inviter.attempt('POST', roomPath(roomId, 'invite'), { user_id: invited.id })).toMatchObject({
    status: 403,
    body: { errcode: 'M_INVITE_BLOCKED' },
  });
  await permit(invited, 'm.invite_permission_config', {});
  const { event_id: eventId } = await inviter.call('PUT', roomPath(roomId, `state/m.room.member/${invited.id}`), { membership: 'invite' });
  expect(eventId).toMatch(/^\$/);
  await invited.join(roomId, { via: [servers.at(0).name] });
});

test('a main alias must be one of the room', async () => {
  const roomId = await romeo.createRoom({ room_alias_name: 'verona' });
  const put = (content: Json) => romeo.attempt('PUT', roomPath(roomId, 'state/m.room.canonical_alias/'), content);
  const name = nameOf('mantua');
  const other = await romeo.createRoom({ room_alias_name: name });
  expect(await put({ alias: '#verona:hs.test' })).toMatchObject({ status: 200 });
  expect(await put({ alias: '#verona:hs.test', alt_aliases: ['#verona:hs.test'] })).toMatchObject({ status: 200 });
  for (const content of [
    { alias: `#${name}:hs.test` },
    { alias: '#nowhere:hs.test' },
    { alias: '#verona:hs.test', alt_aliases: [`#${name}:hs.test`] },
  ])
    expect(await put(content)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_ALIAS' } });
  expect(await put({ alias: '#verona:hs.test', alt_aliases: ['nonsense'] })).toMatchObject({
    status: 400,
    body: { errcode: 'M_INVALID_PARAM' },
  });
  expect(await put({ alias: 7 })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  await romeo.call('DELETE', `${API}/directory/room/${encodeURIComponent('#verona:hs.test')}`);
  expect(await put({ alias: '#verona:hs.test' })).toMatchObject({ status: 400, body: { errcode: 'M_BAD_ALIAS' } });
  expect(await put({})).toMatchObject({ status: 200 });
  expect(other).not.toBe(roomId);
});

test('nobody lets themselves into a restricted room by naming a host', async () => {
  const tybalt = await server.user('mercutio');
  const space = await romeo.createRoom();
  const roomId = await romeo.createRoom({
    room_version: '10',
    initial_state: [
      {
        type: 'm.room.join_rules',
        state_key: '',
        content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
      },
    ],
  });
  const forged = { membership: 'join', join_authorised_via_users_server: romeo.id };
  const answer = await tybalt.attempt('PUT', roomPath(roomId, `state/m.room.member/${tybalt.id}`), forged);
  expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
});
