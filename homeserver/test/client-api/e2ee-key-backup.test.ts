import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2';
const session = (index: number, { verified = false, forwarded = 0, data = 'x' } = {}) => ({
  first_message_index: index,
  forwarded_count: forwarded,
  is_verified: verified,
  session_data: { ciphertext: data },
});
const ROOM = '!room:hs.test';
const create = async (user: TestUser) =>
  String((await user.call('POST', `${V3}/room_keys/version`, { algorithm: ALGORITHM, auth_data: { public_key: 'abc' } }))['version']);
const key = (id: string, version: string) => `${V3}/room_keys/keys/${encodeURIComponent(ROOM)}/${id}?version=${version}`;

test('keys go into a backup and come back one by one, by room, and all', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  expect((await romeo.attempt('GET', `${V3}/room_keys/version`)).status).toBe(404);
  const version = await create(romeo);
  const rooms = { [ROOM]: { sessions: { a: session(1), b: session(2) } }, '!other:hs.test': { sessions: { c: session(3) } } };
  const put = await romeo.call('PUT', `${V3}/room_keys/keys?version=${version}`, { rooms });
  expect(put).toMatchObject({ count: 3, etag: expect.any(String) });
  expect(await romeo.call('GET', `${V3}/room_keys/keys?version=${version}`)).toEqual({ rooms });
  expect(await romeo.call('GET', `${V3}/room_keys/keys/${encodeURIComponent(ROOM)}?version=${version}`)).toEqual(rooms[ROOM]);
  expect(await romeo.call('GET', key('a', version))).toEqual(session(1));
  expect((await romeo.attempt('GET', key('zzz', version))).status).toBe(404);
  const info = await romeo.call('GET', `${V3}/room_keys/version`);
  expect(info).toMatchObject({ version, algorithm: ALGORITHM, count: 3, etag: put['etag'], auth_data: { public_key: 'abc' } });

  expect(await romeo.call('DELETE', key('a', version))).toMatchObject({ count: 2 });
  expect(await romeo.call('DELETE', `${V3}/room_keys/keys?version=${version}`)).toMatchObject({ count: 0 });
  const juliet = await server.user('juliet');
  expect((await juliet.attempt('GET', `${V3}/room_keys/keys?version=${version}`)).status).toBe(404);
});

test('a key is replaced only by a better one, and the etag tells', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const version = await create(romeo);
  const put = (body: object) => romeo.call('PUT', key('a', version), body);
  const first = await put(session(5, { data: 'first' }));
  expect(await put(session(7, { data: 'later' }))).toEqual(first);
  const better = await put(session(3, { data: 'earlier' }));
  expect(better['etag']).not.toBe(first['etag']);
  await put(session(9, { verified: true, data: 'verified' }));
  expect(await put(session(0, { data: 'unverified' }))).toMatchObject({ count: 1 });
  expect(await romeo.call('GET', key('a', version))).toMatchObject({ session_data: { ciphertext: 'verified' } });
});

test('keys go into the newest backup only; an older one can still be read, a deleted one not', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const old = await create(romeo);
  await romeo.call('PUT', key('a', old), session(1));
  const current = await create(romeo);
  expect(await romeo.attempt('PUT', key('b', old), session(1))).toMatchObject({
    status: 403,
    body: { errcode: 'M_WRONG_ROOM_KEYS_VERSION', current_version: current },
  });
  expect((await romeo.attempt('GET', key('a', old))).status).toBe(200);
  await romeo.call('PUT', `${V3}/room_keys/version/${old}`, { algorithm: ALGORITHM, auth_data: { changed: true }, version: old });
  expect(await romeo.call('GET', `${V3}/room_keys/version/${old}`)).toMatchObject({ auth_data: { changed: true } });
  const other = await romeo.attempt('PUT', `${V3}/room_keys/version/${old}`, { algorithm: 'other', auth_data: {} });
  expect(other).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  await romeo.call('DELETE', `${V3}/room_keys/version/${current}`);
  expect((await romeo.attempt('GET', `${V3}/room_keys/version/${current}`)).status).toBe(404);
  expect(await romeo.call('GET', `${V3}/room_keys/version`)).toMatchObject({ version: old });
  expect(Number(await create(romeo))).toBeGreaterThan(Number(current));
});

test('uploads at once keep the count right', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const version = await create(romeo);
  await Promise.all(Array.from({ length: 20 }, (_, n) => romeo.call('PUT', key(`s${n % 10}`, version), session(20 - n))));
  expect(await romeo.call('GET', `${V3}/room_keys/version`)).toMatchObject({ count: 10 });
});
