import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type Answer, createNames, registerTestUser, type TestUser } from '../kit/test-user.ts';

const AT_ONCE = 6;
const CLIENT = '/_matrix/client/v3';
const nameOf = createNames();

let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

/** The same request several times at once. */
const atOnce = (ask: (index: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, index) => ask(index)));
/** How often each status, and errcode, was answered. */
const tally = (answers: readonly Answer[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(answers, ({ status, body }) => `${status} ${body['errcode'] ?? ''}`.trim())].map(([told, list]) => [told, list.length]),
  );

test('an alias goes to one of those who ask for it at once', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const path = `${CLIENT}/directory/room/${encodeURIComponent(`#${nameOf('balcony')}:hs.test`)}`;
  expect(tally(await atOnce(() => romeo.attempt('PUT', path, { room_id: roomId })))).toEqual({ '200': 1, '409 M_UNKNOWN': AT_ONCE - 1 });
});

test('one room is made with an alias that several are asked for with', async () => {
  const before = (await romeo.call('GET', `${CLIENT}/joined_rooms`))['joined_rooms'] as string[];
  const alias = nameOf('orchard');
  const answers = await atOnce(() => romeo.attempt('POST', `${CLIENT}/createRoom`, { room_alias_name: alias }));
  expect(tally(answers)).toEqual({ '200': 1, '400 M_ROOM_IN_USE': AT_ONCE - 1 });
  const after = (await romeo.call('GET', `${CLIENT}/joined_rooms`))['joined_rooms'] as string[];
  expect(after).toHaveLength(before.length + 1);
});

test('filters that are stored at once have ids of their own, the same filter has one', async () => {
  const path = `${CLIENT}/user/${encodeURIComponent(romeo.id)}/filter`;
  const ids = (answers: readonly Answer[]) => new Set(answers.map(({ body }) => body['filter_id']));
  const own = await atOnce((index) => romeo.attempt('POST', path, { room: { timeline: { limit: index + 1 } } }));
  expect(tally(own)).toEqual({ '200': AT_ONCE });
  expect(ids(own).size).toBe(AT_ONCE);
  expect(ids(await atOnce(() => romeo.attempt('POST', path, { room: { timeline: { limit: 99 } } }))).size).toBe(1);
});

test('key backups that are begun at once have versions of their own', async () => {
  const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'abc' } };
  const answers = await atOnce(() => romeo.attempt('POST', `${CLIENT}/room_keys/version`, backup));
  expect(tally(answers)).toEqual({ '200': AT_ONCE });
  expect(new Set(answers.map(({ body }) => body['version'])).size).toBe(AT_ONCE);
});

test('a room that is upgraded by impatient hands has one successor', async () => {
  const old = await romeo.createRoom({ preset: 'public_chat', room_version: '10' });
  const path = `${CLIENT}/rooms/${encodeURIComponent(old)}/upgrade`;
  const answers = await atOnce(() => romeo.attempt('POST', path, { new_version: '11' }));
  expect(new Set(answers.map(({ body }) => body['replacement_room'])).size).toBe(1);
  const tombstone = await romeo.call('GET', `${CLIENT}/rooms/${encodeURIComponent(old)}/state/m.room.tombstone`);
  expect(tombstone['replacement_room']).toBe(answers[0]?.body['replacement_room']);
});

test('a name goes to one of those who sign up with it at once', async () => {
  const name = nameOf('mercutio');
  const made = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => registerTestUser(server.url, name)));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
