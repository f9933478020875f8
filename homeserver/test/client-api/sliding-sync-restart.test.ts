import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { expect, test } from 'vitest';
import { SLIDING_PATH, slide } from '../kit/slide.ts';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser } from '../kit/test-user.ts';
import { setUpDevice } from './crypto-device.ts';

const LISTS: SlidingSyncRequest = {
  lists: { all: { ranges: [[0, 19]], timeline_limit: 5, required_state: [['m.room.name', '']], filters: { is_invite: false } } },
};
const ENCRYPTION: SlidingSyncRequest = { conn_id: 'encryption', extensions: { to_device: { enabled: true }, e2ee: { enabled: true } } };

test('a connection goes on after a restart: what is new is told, once, and nothing else', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const quiet = await romeo.createRoom({ name: 'Mantua' });
  const busy = await romeo.createRoom({ name: 'Verona' });
  const cold = await slide(romeo, LISTS);
  expect(Object.keys(cold.rooms ?? {}).sort()).toEqual([quiet, busy].sort());
  await romeo.send(busy, 'told');
  const warm = await slide(romeo, LISTS, cold.pos);
  await romeo.send(busy, 'before');
  await server.restart();
  await romeo.send(busy, 'after');

  const answer = await slide(romeo, LISTS, warm.pos);
  expect(Object.keys(answer.rooms ?? {})).toEqual([busy]);
  expect(answer.rooms?.[busy]?.timeline?.map((event) => event.content['body'])).toEqual(['before', 'after']);
  expect(answer.rooms?.[busy]).toMatchObject({ limited: false, num_live: 2, required_state: [] });
  expect(answer.rooms?.[busy]).not.toHaveProperty('initial');
  expect((await slide(romeo, LISTS, answer.pos)).rooms).toEqual({});
  const left = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } };
  expect(await romeo.attempt('POST', `${SLIDING_PATH}?pos=${cold.pos}`, LISTS)).toMatchObject(left);
});

test('a changed device and a message between devices are told to who comes back after a restart', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const cold = await slide(romeo, ENCRYPTION);
  const warm = await slide(romeo, ENCRYPTION, cold.pos);
  expect(warm.extensions?.e2ee?.device_lists).toEqual({ changed: [], left: [] });
  await setUpDevice(juliet);
  await juliet.call('PUT', '/_matrix/client/v3/sendToDevice/m.test/1', { messages: { [romeo.id]: { [romeo.deviceId]: { hello: true } } } });
  await server.restart();
  const phone = await logInTestUser(server.url, 'juliet');
  await setUpDevice(phone);

  const told = await slide(romeo, ENCRYPTION, warm.pos);
  expect(told.extensions?.e2ee?.device_lists?.changed).toEqual([juliet.id]);
  expect(told.extensions?.to_device?.events).toMatchObject([{ type: 'm.test', content: { hello: true } }]);
  const again = await slide(romeo, ENCRYPTION, told.pos);
  expect(again.extensions?.e2ee?.device_lists).toEqual({ changed: [], left: [] });
});

test('a pos belongs to its device and its connection also after a restart, and ends with the device', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const { pos } = await slide(romeo, { ...LISTS, conn_id: 'rooms' });
  const other = await slide(juliet, { ...LISTS, conn_id: 'rooms' });
  await server.restart();
  const foreign = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } };
  const [place = '', birth = '', answer = ''] = pos.split(/_(?=\d+_\d+$|\d+$)/);
  expect(await juliet.attempt('POST', `${SLIDING_PATH}?pos=${pos}`, { conn_id: 'rooms' })).toMatchObject(foreign);
  expect(await romeo.attempt('POST', `${SLIDING_PATH}?pos=${pos}`, { conn_id: 'other' })).toMatchObject(foreign);
  expect(await romeo.attempt('POST', `${SLIDING_PATH}?pos=${other.pos}`, { conn_id: 'rooms' })).toMatchObject(foreign);
  expect(await romeo.attempt('POST', `${SLIDING_PATH}?pos=${place}_${Number(birth) + 1}_${answer}`, { conn_id: 'rooms' })).toMatchObject(
    foreign,
  );
  expect((await slide(romeo, { ...LISTS, conn_id: 'rooms' }, pos)).pos).toBeDefined();
  await romeo.call('POST', '/_matrix/client/v3/logout', {});
  const rows = await server.sql<{ userNid: number }[]>`select distinct user_nid as "userNid" from sliding_connections`;
  expect(rows).toHaveLength(1);
});

test('an idle connection that ends costs no write', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const { pos } = await slide(romeo, LISTS);
  const warm = await slide(romeo, LISTS, pos);
  server.queries.length = 0;
  await slide(romeo, LISTS, warm.pos);
  expect(server.queries.filter((query) => query.includes('sliding_connections'))).toEqual([]);
});
