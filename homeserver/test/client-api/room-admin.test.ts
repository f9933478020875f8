import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { type ClientEvent, createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

type Json = Record<string, unknown>;
const WAIT = { timeout: 30_000 };
const API = '/_matrix/client/v3';
const ADMIN = '/_synapse/admin';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;

let server: TestServer;
let admin: TestUser;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  admin = await server.user('prince');
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

const bodies = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
const said = async (user: TestUser, roomId: string) => bodies((await user.messages(roomId)).toReversed());

async function purge(roomId: string, body: Json, eventId = ''): Promise<void> {
  const path = `${ADMIN}/v1/purge_history/${encodeURIComponent(roomId)}${eventId === '' ? '' : `/${encodeURIComponent(eventId)}`}`;
  const { purge_id: id } = await admin.call('POST', path, body);
  await expect.poll(async () => (await admin.call('GET', `${ADMIN}/v1/purge_history_status/${id}`))['status'], WAIT).toBe('complete');
}

test('what was said before an event is purged, the state stays and the room goes on', async () => {
  const roomId = await romeo.createRoom({ name: 'Verona', preset: 'public_chat' });
  await juliet.join(roomId);
  const ids: string[] = [];
  for (const text of ['one', 'two', 'three', 'four']) ids.push(await romeo.send(roomId, text));
  await romeo.setState(roomId, 'm.room.name', { name: 'Mantua' });
  await romeo.send(roomId, 'five');

  await purge(roomId, {}, ids[2]);
  expect(await said(juliet, roomId)).toEqual(['one', 'two', 'three', 'four', 'five']);
  await purge(roomId, { delete_local_events: true }, ids[2]);
  expect(await said(juliet, roomId)).toEqual(['three', 'four', 'five']);
  expect((await romeo.attempt('GET', roomPath(roomId, `event/${encodeURIComponent(ids[0] ?? '')}`))).status).toBe(404);
  expect((await romeo.messages(roomId)).map((event) => event.type)).toContain('m.room.create');
  expect(await romeo.call('GET', roomPath(roomId, 'state/m.room.name/'))).toEqual({ name: 'Mantua' });

  await purge(roomId, { delete_local_events: true, purge_up_to_ts: Date.now() + 60_000 });
  expect(await said(juliet, roomId)).toEqual(['five']);
  const found = await romeo.call('POST', `${API}/search`, {
    search_categories: { room_events: { search_term: 'one', filter: { rooms: [roomId] } } },
  });
  expect(found).toMatchObject({ search_categories: { room_events: { count: 0 } } });
  await juliet.send(roomId, 'six');
  await server.restart();
  await romeo.send(roomId, 'seven');
  expect(await said(juliet, roomId)).toEqual(['five', 'six', 'seven']);
  expect((await juliet.state(roomId)).filter((event) => event.type === 'm.room.member')).toHaveLength(2);
});

test('a purge that makes no sense is refused, and so is one by who is no admin', async () => {
  const [here, there] = [await romeo.createRoom(), await romeo.createRoom()];
  const elsewhere = await romeo.send(there, 'elsewhere');
  const attempt = (user: TestUser, roomId: string, body: Json) =>
    user.attempt('POST', `${ADMIN}/v1/purge_history/${encodeURIComponent(roomId)}`, body);
  expect(await attempt(romeo, here, { purge_up_to_ts: 1 })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect((await attempt(admin, here, {})).status).toBe(400);
  expect((await attempt(admin, here, { purge_up_to_event_id: elsewhere })).status).toBe(400);
  expect((await attempt(admin, here, { purge_up_to_event_id: '$nothing' })).status).toBe(404);
  expect((await attempt(admin, here, { purge_up_to_ts: 1 })).status).toBe(404);
  expect((await attempt(admin, '!none:hs.test', { purge_up_to_ts: 1 })).status).toBe(404);
  expect((await admin.attempt('GET', `${ADMIN}/v1/purge_history_status/none`)).status).toBe(404);
});

test('a room is removed: its people are taken elsewhere and nobody comes in again', async () => {
  const alias = nameOf('den');
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_alias_name: alias });
  await juliet.join(roomId);
  await romeo.send(roomId, 'a plot');
  await juliet.sync();
  const path = `${ADMIN}/v1/rooms/${encodeURIComponent(roomId)}`;
  expect((await romeo.attempt('DELETE', path, {})).status).toBe(403);
  const removed = await admin.call('DELETE', path, {
    block: true,
    new_room_user_id: admin.id,
    room_name: 'Notice',
    message: 'No plots here',
  });
  expect(removed).toMatchObject({ failed_to_kick_users: [], local_aliases: [`#${alias}:hs.test`] });
  expect(new Set(removed['kicked_users'] as string[])).toEqual(new Set([romeo.id, juliet.id]));
  const next = String(removed['new_room_id']);
  const joined = (await juliet.call('GET', `${API}/joined_rooms`))['joined_rooms'];
  expect(joined).toContain(next);
  expect(joined).not.toContain(roomId);
  expect(await said(juliet, next)).toEqual(['No plots here']);
  expect((await juliet.attempt('PUT', roomPath(next, 'send/m.room.message/1'), { msgtype: 'm.text', body: 'x' })).status).toBe(403);
  expect(await juliet.call('GET', `${API}/directory/room/${encodeURIComponent(`#${alias}:hs.test`)}`)).toMatchObject({ room_id: next });

  expect((await romeo.attempt('GET', roomPath(roomId, 'messages?dir=b'))).status).toBe(403);
  expect((await romeo.attempt('POST', roomPath(roomId, 'join'), {})).status).toBe(403);
  const [left] = await server.sql`select count(*)::int as events from events e join rooms r using (room_nid) where r.room_id = ${roomId}`;
  expect(left).toEqual({ events: 0 });
  expect(JSON.stringify((await juliet.sync())['rooms'] ?? {})).not.toContain(roomId);

  expect(await admin.call('GET', `${path}/block`)).toEqual({ block: true, user_id: admin.id });
  expect(await admin.call('PUT', `${path}/block`, { block: false })).toEqual({ block: false });
  expect((await admin.attempt('DELETE', `${ADMIN}/v1/rooms/${encodeURIComponent('!none:hs.test')}`, {})).status).toBe(404);
  expect((await admin.attempt('DELETE', `${ADMIN}/v1/rooms/nonsense`, {})).status).toBe(400);
});

test('a room is removed later, and asked about meanwhile', async () => {
  const roomId = await romeo.createRoom();
  const { delete_id: id } = await admin.call('DELETE', `${ADMIN}/v2/rooms/${encodeURIComponent(roomId)}`, {});
  await expect.poll(async () => (await admin.call('GET', `${ADMIN}/v2/rooms/delete_status/${id}`))['status'], WAIT).toBe('complete');
  expect(await admin.call('GET', `${ADMIN}/v2/rooms/${encodeURIComponent(roomId)}/delete_status`)).toMatchObject({
    results: [{ delete_id: id, status: 'complete', shutdown_room: { kicked_users: [romeo.id] } }],
  });
  expect((await romeo.call('GET', `${API}/joined_rooms`))['joined_rooms']).not.toContain(roomId);
});

test('a room shared with another server can be purged and removed here, and come back to', async () => {
  await using servers = await startServers(2);
  const ours = await servers.user('prince', 0);
  const theirs = await servers.user('tybalt', 1);
  const roomId = await theirs.createRoom({ preset: 'public_chat' });
  await ours.join(roomId, { via: [servers.at(1).name] });
  const eventId = await theirs.send(roomId, 'one');
  await theirs.send(roomId, 'two');
  await expect.poll(() => said(ours, roomId), WAIT).toContain('two');
  const { purge_id: id } = await ours.call('POST', `${ADMIN}/v1/purge_history/${encodeURIComponent(roomId)}`, {
    purge_up_to_ts: Date.now() + 1_000,
  });
  await expect.poll(async () => (await ours.call('GET', `${ADMIN}/v1/purge_history_status/${id}`))['status'], WAIT).toBe('complete');
  expect(await said(ours, roomId)).toEqual(['two']);
  await theirs.send(roomId, 'three');
  await ours.send(roomId, 'four');
  await expect.poll(() => said(theirs, roomId), WAIT).toEqual(['one', 'two', 'three', 'four']);

  await ours.call('DELETE', `${ADMIN}/v1/rooms/${encodeURIComponent(roomId)}`, {});
  await theirs.send(roomId, 'five');
  await ours.join(roomId, { via: [servers.at(1).name] });
  await theirs.send(roomId, 'welcome back');
  await expect.poll(() => said(ours, roomId), WAIT).toContain('welcome back');
  expect(eventId).toMatch(/^\$/);
});
