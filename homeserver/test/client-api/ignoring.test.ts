import type { SlidingSyncRequest } from 'federation-spec/api/schemas/sliding-sync.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { slide } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { bodiesOf, ignoreUsers, roomPath, syncWith } from './sync-answers.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let paris: TestUser;

beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  paris = await server.user('paris');
});
afterAll(() => server[Symbol.asyncDispose]());

const ignore = (...userIds: string[]) => ignoreUsers(juliet, userIds);

test('whom one ignores is not heard, but what they do to the room is seen', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await paris.join(roomId);
  await ignore(paris.id);
  const { next_batch: since } = await syncWith(juliet);
  await paris.send(roomId, 'marry me');
  await paris.setState(roomId, 'm.room.member', { membership: 'join', displayname: 'County' }, paris.id);
  const said = await paris.send(roomId, 'please');
  await romeo.send(roomId, 'no');

  const check = async (from: string | undefined) => {
    const room = (await syncWith(juliet, { since: from })).rooms.join[roomId];
    expect(bodiesOf(room?.timeline.events)).toEqual(['no']);
    expect(room?.timeline.events.some((event) => event.content['displayname'] === 'County')).toBe(true);
  };
  await check(since);
  await check(undefined);
  await server.restart();
  await check(since);
  expect(bodiesOf(await juliet.messages(roomId))).toEqual(['no']);
  expect((await juliet.attempt('GET', roomPath(roomId, `/event/${encodeURIComponent(said)}`))).status).toBe(404);
  expect(bodiesOf(await romeo.messages(roomId))).toHaveLength(3);

  await ignore();
  expect(bodiesOf(await juliet.messages(roomId))).toHaveLength(3);
  expect(bodiesOf((await syncWith(juliet)).rooms.join[roomId]?.timeline.events)).toHaveLength(3);
});

test('invites of whom one ignores are not told, until one ignores them no more', async () => {
  const suitor = await server.user('suitor');
  await ignore(suitor.id);
  const roomId = await suitor.createRoom({ invite: [juliet.id] });
  const first = await syncWith(juliet);
  expect(first.rooms.invite).toEqual({});
  const other = await suitor.createRoom({ invite: [juliet.id] });
  const second = await syncWith(juliet, { since: first.next_batch });
  expect(second.rooms.invite).toEqual({});
  const invites: SlidingSyncRequest = { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, filters: { is_invite: true } } } };
  expect((await slide(juliet, invites)).rooms).toEqual({});

  await ignore();
  const third = await syncWith(juliet, { since: second.next_batch });
  const invited = expect.arrayContaining([roomId, other]);
  expect(Object.keys(third.rooms.invite)).toEqual(invited);
  expect(Object.keys((await slide(juliet, invites)).rooms ?? {})).toEqual(invited);
  for (const room of [roomId, other]) await juliet.leave(room);
});

test('a list of ignored users that is no such list ignores nobody', async () => {
  const path = `/_matrix/client/v3/user/${juliet.id}/account_data/m.ignored_user_list`;
  const strange = { nobody: {}, '@': {}, [`@${'x'.repeat(300)}:y`]: 1, '@no server': null };
  for (const content of [{ ignored_users: [romeo.id] }, { ignored_users: 'all' }, { ignored_users: strange }, {}]) {
    await juliet.call('PUT', path, content);
    expect((await juliet.attempt('GET', '/_matrix/client/v3/sync')).status).toBe(200);
  }
});
