import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { SLIDING_PATH } from '../kit/slide.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
const V3 = '/_matrix/client/v3';
const WAIT = { timeout: 30_000 };
const DAY = 86_400_000;

const clock = createFakeClock();
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer({ clock, config: { retention: true, retentionMinMs: DAY / 24, retentionMaxMs: 30 * DAY } });
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const retaining = (content: Json) => ({ initial_state: [{ type: 'm.room.retention', state_key: '', content }] });
const room = (roomId: string, rest: string) => `${V3}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const bodies = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
const said = async (user: TestUser, roomId: string) => bodies((await user.messages(roomId)).toReversed());

async function countStored(roomId: string, at = server): Promise<number> {
  const [row] = await at.sql<{ count: number }[]>`
    select count(*)::int as count from events join rooms using (room_nid) where room_id = ${roomId} and type = 'm.room.message'`;
  return row?.count ?? 0;
}

test('what had its time is shown nowhere, before it is deleted; state stays', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'The orchard', ...retaining({ max_lifetime: DAY }) });
  await juliet.join(roomId);
  const old = await romeo.send(roomId, 'a thousand times good night');
  const reply = { msgtype: 'm.text', body: 'night', 'm.relates_to': { rel_type: 'm.thread', event_id: old } };
  const answer = await juliet.send(roomId, reply);
  clock.advance(DAY - 1_000);
  const fresh = await romeo.send(roomId, 'good morrow');
  expect(await said(juliet, roomId)).toEqual(['a thousand times good night', 'night', 'good morrow']);
  clock.advance(2_000);

  expect(await said(juliet, roomId)).toEqual(['good morrow']);
  for (const eventId of [old, answer]) {
    for (const path of [`event/${eventId}`, `context/${eventId}`]) {
      expect(await juliet.attempt('GET', room(roomId, path)), path).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
    }
  }
  const context = await juliet.call('GET', room(roomId, `context/${fresh}?limit=20`));
  expect(bodies(context['events_before'] as ClientEvent[])).toEqual([]);
  expect(await juliet.call('GET', `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads`)).toMatchObject({ chunk: [] });
  const found = await juliet.call('POST', `${V3}/search`, { search_categories: { room_events: { search_term: 'night' } } });
  expect(found).toMatchObject({ search_categories: { room_events: { results: [] } } });
  const synced = JSON.stringify(await juliet.sync());
  expect(synced).toContain('good morrow');
  expect(synced).not.toContain('thousand times');
  const sliding = { lists: { all: { ranges: [[0, 20]], timeline_limit: 20, required_state: [['*', '*']] } } };
  const slid = JSON.stringify(await juliet.call('POST', SLIDING_PATH, sliding));
  expect(slid).toContain('good morrow');
  expect(slid).not.toContain('thousand times');
  expect((await juliet.state(roomId)).find((event) => event.type === 'm.room.name')?.content['name']).toBe('The orchard');
  expect(await countStored(roomId)).toBe(3);
});

test('a policy holds from when it is set, and no longer than that', async () => {
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, 'old');
  clock.advance(2 * DAY);
  expect(await said(romeo, roomId)).toEqual(['old']);
  await romeo.setState(roomId, 'm.room.retention', { max_lifetime: DAY });
  expect(await said(romeo, roomId)).toEqual([]);
  await romeo.setState(roomId, 'm.room.retention', { max_lifetime: 3 * DAY });
  expect(await said(romeo, roomId)).toEqual(['old']);
  await romeo.setState(roomId, 'm.room.retention', {});
  expect(await said(romeo, roomId)).toEqual(['old']);
});

test('a policy that makes no sense, or is outside the server’s limits, is refused', async () => {
  const roomId = await romeo.createRoom();
  for (const content of [
    { max_lifetime: 'a day' },
    { max_lifetime: -1 },
    { max_lifetime: 1.5 },
    { max_lifetime: 1 },
    { max_lifetime: 31 * DAY },
    { min_lifetime: 31 * DAY },
    { min_lifetime: 2 * DAY, max_lifetime: DAY },
  ]) {
    const answer = await romeo.attempt('PUT', room(roomId, 'state/m.room.retention/'), content);
    expect(answer, JSON.stringify(content)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
  }
  await romeo.setState(roomId, 'm.room.retention', { min_lifetime: DAY, max_lifetime: 2 * DAY });
});

test('clients are told of the limits, and of what holds where a room says nothing', async () => {
  const path = '/_matrix/client/unstable/org.matrix.msc1763/retention/configuration';
  const limit = { min: DAY / 24, max: 30 * DAY };
  expect(await romeo.call('GET', path)).toEqual({ policies: {}, limits: { min_lifetime: limit, max_lifetime: limit } });
  await using own = await startServer({ config: { retention: true, retentionDefaultMs: DAY } });
  const nurse = await own.user('nurse');
  expect(await nurse.call('GET', path)).toEqual({ policies: { '*': { max_lifetime: DAY } }, limits: {} });
  await using forgetful = await startServer();
  expect(await (await forgetful.user('paris')).call('GET', path)).toEqual({ policies: {}, limits: {} });
});

test('the default holds for rooms that say nothing, a room’s shortest time is honoured, and what is over is deleted', async () => {
  const time = createFakeClock();
  await using own = await startServer({ clock: time, config: { retention: true, retentionDefaultMs: DAY } });
  const nurse = await own.user('nurse');
  const silent = await nurse.createRoom();
  const keeping = await nurse.createRoom(retaining({ min_lifetime: 10 * DAY }));
  const lasting = await nurse.createRoom(retaining({ max_lifetime: 20 * DAY }));
  for (const roomId of [silent, keeping, lasting]) for (const text of ['one', 'two']) await nurse.send(roomId, text);
  time.advance(2 * DAY);
  for (const [roomId, expected] of [
    [silent, []],
    [keeping, ['one', 'two']],
    [lasting, ['one', 'two']],
  ] as const)
    expect(await said(nurse, roomId)).toEqual(expected);

  await own.restart();
  await expect.poll(() => countStored(silent, own), WAIT).toBe(1); // the room's last event stays, and nobody sees it
  expect(await said(nurse, silent)).toEqual([]);
  expect(await countStored(keeping, own)).toBe(2);
  await nurse.send(silent, 'three');
  expect(await said(nurse, silent)).toEqual(['three']);
});

test('where the operator keeps everything, policies of rooms change nothing', async () => {
  await using own = await startServer();
  const nurse = await own.user('nurse');
  const roomId = await nurse.createRoom(retaining({ max_lifetime: 0 }));
  await nurse.send(roomId, 'kept');
  expect(await said(nurse, roomId)).toEqual(['kept']);
});
