import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const CLIENT = '/_matrix/client/v3';
let server: TestServer;
let romeo: TestUser;
let tybalt: TestUser;

beforeAll(async () => {
  server = await startServer();
  await server.user('escalus'); // the first is an admin, who is held to nothing
  romeo = await server.user('romeo');
  tybalt = await server.user('tybalt');
});
afterAll(() => server[Symbol.asyncDispose]());

test('S32: who asks for everything at once is answered in turn, and told to come again when it is too much; nobody else is', async () => {
  const roomId = await romeo.createRoom();
  await tybalt.createRoom({ name: 'a room' });
  const flood = Promise.all(Array.from({ length: 200 }, () => tybalt.attempt('GET', `${CLIENT}/sync?full_state=true&timeout=0`)));
  expect((await romeo.attempt('GET', `${CLIENT}/sync?timeout=0`)).status).toBe(200);
  await romeo.send(roomId, 'But soft!');

  const answers = await flood;
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) });
  const { body } = await tybalt.attempt('GET', `${CLIENT}/sync?timeout=0`);
  const polls = Promise.all(
    Array.from({ length: 200 }, () => tybalt.attempt('GET', `${CLIENT}/sync?timeout=10&since=${String(body['next_batch'])}`)),
  );
  expect(new Set((await polls).map(({ status }) => status))).toEqual(new Set([200]));
});

test('S13: a large body of countless values is refused before it has cost much', async () => {
  const { body } = await tybalt.attempt('POST', `${CLIENT}/room_keys/version`, {
    algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
    auth_data: { public_key: 'abcdefg', signatures: {} },
  });
  const put = (rooms: unknown) => tybalt.attempt('PUT', `${CLIENT}/room_keys/keys?version=${String(body['version'])}`, rooms);
  const refused = await put({ rooms: {}, more: Array.from({ length: 1_000_000 }, () => ({})) });
  expect(refused).toMatchObject({
    status: 400,
    body: { errcode: 'M_NOT_JSON', error: expect.stringContaining('more than 500000 values') },
  });
  const session = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { ciphertext: 'x'.repeat(2_000) } };
  const sessions = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`session${n}`, session]));
  expect(await put({ rooms: { '!verona:hs.test': { sessions } } })).toMatchObject({ status: 200, body: { count: 1_000 } });
});

test('S33: a room is not made with so much state that everybody waits for it to be written', async () => {
  const state = (count: number) => ({
    initial_state: Array.from({ length: count }, (_, n) => ({ type: 'm.x', state_key: String(n), content: {} })),
  });
  const refused = await tybalt.attempt('POST', `${CLIENT}/createRoom`, state(501));
  expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect((await tybalt.attempt('POST', `${CLIENT}/createRoom`, state(500))).status).toBe(200);
});
