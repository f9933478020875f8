import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { callServer, createNames, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';

const V3 = '/_matrix/client/v3';
const ADMIN = '/_synapse/admin';
const nameOf = createNames();

let server: TestServer;
let prince: TestUser;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { serverNotices: 'chorus' } });
  prince = await server.user('prince');
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

const roomPath = (roomId: string, rest = '') => `${ADMIN}/v1/rooms/${encodeURIComponent(roomId)}${rest}`;

test('an admin sees rooms that they are not in', async () => {
  await using own = await startServer();
  const escalus = await own.user('escalus');
  const romeo = await own.user('romeo');
  const juliet = await own.user('juliet');
  const orchard = await romeo.createRoom({ name: 'The orchard', topic: 'By night', preset: 'public_chat', room_alias_name: 'orchard' });
  await juliet.join(orchard);
  await romeo.createRoom({ name: 'A church', creation_content: { 'm.federate': false } });
  const { rooms, total_rooms: total } = await escalus.call('GET', `${ADMIN}/v1/rooms?search_term=orchard`);
  expect(total).toBe(1);
  expect(rooms).toMatchObject([
    {
      room_id: orchard,
      name: 'The orchard',
      canonical_alias: '#orchard:hs.test',
      joined_members: 2,
      joined_local_members: 2,
      creator: romeo.id,
      join_rules: 'public',
      federatable: true,
      public: false,
      version: '12',
    },
  ]);
  const bySize = await escalus.call('GET', `${ADMIN}/v1/rooms?order_by=joined_members&limit=1`);
  expect(bySize).toMatchObject({ rooms: [{ room_id: orchard }], offset: 0, next_batch: 1 });
  const byName = await escalus.call('GET', `${ADMIN}/v1/rooms`);
  expect((byName['rooms'] as { name: string }[]).map(({ name }) => name)).toEqual(['A church', 'The orchard']);
  expect(await escalus.call('GET', roomPath(orchard))).toMatchObject({ room_id: orchard, topic: 'By night', avatar: null });
  const members = await escalus.call('GET', roomPath(orchard, '/members'));
  expect(members).toMatchObject({ total: 2, members: expect.arrayContaining([romeo.id, juliet.id]) });
  const { state } = await escalus.call('GET', roomPath(orchard, '/state'));
  expect((state as { type: string }[]).map(({ type }) => type)).toContain('m.room.create');
  for (const rest of ['', '/members', '/state']) expect((await escalus.attempt('GET', roomPath('!none:hs.test', rest))).status).toBe(404);
});

test('an admin has somebody join a room', async () => {
  const alias = nameOf('square');
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_alias_name: alias });
  const paris = await server.user('paris');
  expect(await prince.call('POST', `${ADMIN}/v1/join/${encodeURIComponent(`#${alias}:hs.test`)}`, { user_id: paris.id })).toEqual({
    room_id: roomId,
  });
  expect((await paris.call('GET', `${V3}/joined_rooms`))['joined_rooms']).toEqual([roomId]);
  expect((await prince.attempt('POST', `${ADMIN}/v1/join/${roomId}`, { user_id: '@nobody:hs.test' })).status).toBe(404);
  const closed = await romeo.createRoom();
  expect((await prince.attempt('POST', `${ADMIN}/v1/join/${closed}`, { user_id: paris.id })).status).toBe(403);
});

test('the server tells somebody something: in one room, which is tagged, and whose invite cannot be refused', async () => {
  const nurse = await server.user('nurse');
  const notice = { user_id: nurse.id, content: { msgtype: 'm.server_notice', body: 'The feast is over', server_notice_type: 'x' } };
  const { event_id: first } = await prince.call('POST', `${ADMIN}/v1/send_server_notice`, notice);
  const synced = (await nurse.sync()) as { rooms?: { invite?: Record<string, unknown> } };
  const [roomId = ''] = Object.keys(synced.rooms?.invite ?? {});
  const tags = await nurse.call('GET', `${V3}/user/${nurse.id}/rooms/${encodeURIComponent(roomId)}/tags`);
  expect(tags).toEqual({ tags: { 'm.server_notice': {} } });
  const refusals: [string, string, object][] = [
    ['POST', `${V3}/rooms/${encodeURIComponent(roomId)}/leave`, {}],
    ['PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${nurse.id}`, { membership: 'leave' }],
  ];
  for (const [method, path, body] of refusals) {
    const refused = await nurse.attempt(method, path, body);
    expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM' } });
  }
  await nurse.join(roomId);
  expect((await nurse.messages(roomId)).find(({ event_id: id }) => id === first)).toMatchObject({
    sender: '@chorus:hs.test',
    content: notice.content,
  });
  expect(
    (await nurse.attempt('PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`, { msgtype: 'm.text', body: 'why?' }))
      .status,
  ).toBe(403);

  await nurse.leave(roomId); // once it was read
  const once = `${ADMIN}/v1/send_server_notice/${nameOf('txn')}`;
  const again = await prince.call('PUT', once, notice);
  expect(await prince.call('PUT', once, notice)).toEqual(again);
  await nurse.join(roomId);
  expect((await nurse.messages(roomId)).filter(({ type }) => type === 'm.room.message')).toHaveLength(2);
});

test('an account to which the server speaks can be ended, and nobody signs up as the server', async () => {
  const tybalt = await server.user('tybalt');
  const notice = { user_id: tybalt.id, content: { msgtype: 'm.text', body: 'Peace' } };
  await prince.call('POST', `${ADMIN}/v1/send_server_notice`, notice);
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: tybalt.localpart }, password: TEST_PASSWORD };
  expect((await tybalt.attempt('POST', `${V3}/account/deactivate`, { auth })).status).toBe(200);
  expect((await prince.attempt('POST', `${ADMIN}/v1/send_server_notice`, notice)).status).toBe(404);
  const asServer = { username: 'chorus', password: TEST_PASSWORD, auth: { type: 'm.login.dummy' } };
  expect((await callServer(server.url, 'POST', `${V3}/register`, asServer)).body['errcode']).toBe('M_USER_IN_USE');
  expect((await callServer(server.url, 'GET', `${ADMIN}/v1/server_version`)).body).toEqual({
    server_version: expect.stringContaining('BlinkChat'),
  });
});

test('where nobody speaks for the server, a notice is refused', async () => {
  await using own = await startServer();
  const escalus = await own.user('escalus');
  const notice = { user_id: escalus.id, content: { msgtype: 'm.text', body: 'Peace' } };
  expect(await escalus.attempt('POST', `${ADMIN}/v1/send_server_notice`, notice)).toMatchObject({
    status: 400,
    body: { errcode: 'M_UNKNOWN' },
  });
});

test('an admin sees which servers cannot be reached, and has them tried again', async () => {
  await using servers = await startServers(2);
  const ours = await servers.user('prince', 0);
  const theirs = await servers.user('tybalt', 1);
  const roomId = await ours.createRoom({ preset: 'public_chat' });
  await theirs.join(roomId, { via: [servers.at(0).name] });
  const there = servers.at(1).name;
  const path = `${ADMIN}/v1/federation/destinations`;
  expect(await ours.call('GET', path)).toMatchObject({
    total: 1,
    destinations: [{ destination: there, retry_last_ts: 0, failure_ts: null }],
  });
  expect((await ours.attempt('POST', `${path}/${there}/reset_connection`, {})).body['errcode']).toBe('M_UNKNOWN');
  expect((await ours.attempt('GET', `${path}/nowhere.test`)).status).toBe(404);
  await servers.at(1).stop();
  await ours.send(roomId, 'Is anybody there?');
  await expect.poll(async () => (await ours.call('GET', `${path}/${there}`))['failure_ts'], { timeout: 20_000 }).not.toBeNull();
  await servers.at(1).restart();
  await ours.attempt('POST', `${path}/${there}/reset_connection`, {});
  expect(await theirs.nextMessage(roomId)).toMatchObject({ content: { body: 'Is anybody there?' } });
});
