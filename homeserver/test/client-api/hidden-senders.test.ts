import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { bodiesOf, ignoreUsers, roomPath, syncWith } from './sync-answers.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests look into any answer
type Json = Record<string, any>;
const V1 = '/_matrix/client/v1';
const enc = encodeURIComponent;

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
const inThread = (body: string, root: string) => ({ msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.thread', event_id: root } });
const referring = (body: string, to: string) => ({ msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.reference', event_id: to } });
const bundleOf = (event: Json | undefined): Json => event?.['unsigned']?.['m.relations'] ?? {};

test('S20: what ignored people answer is in no thread, no count and no reference, wherever an event is read', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  for (const user of [juliet, paris]) await user.join(roomId);
  const root = await romeo.send(roomId, 'root');
  const heard = await romeo.send(roomId, inThread('heard', root));
  await paris.send(roomId, inThread('not heard', root));
  const mine = await romeo.send(roomId, referring('see above', root));
  await paris.send(roomId, referring('see below', root));
  const quiet = await romeo.send(roomId, 'nobody answers but one');
  await paris.send(roomId, inThread('alone', quiet));
  const { next_batch: since } = await syncWith(juliet);
  await ignore(paris.id);

  const relations = (await juliet.call('GET', `${V1}/rooms/${enc(roomId)}/relations/${enc(root)}`)) as Json;
  expect(relations['chunk'].map((event: Json) => event['event_id'])).toEqual([mine, heard]);
  const threads = (await juliet.call('GET', `${V1}/rooms/${enc(roomId)}/threads`)) as Json;
  const context = (await juliet.call('GET', roomPath(roomId, `/context/${enc(mine)}`))) as Json;
  const synced = (await syncWith(juliet, { since: undefined })).rooms.join[roomId]?.timeline.events as Json[];
  const shown: (Json | undefined)[] = [
    await juliet.call('GET', roomPath(roomId, `/event/${enc(root)}`)),
    (await juliet.messages(roomId)).find((event) => event.event_id === root),
    threads['chunk'].find((event: Json) => event['event_id'] === root),
    context['events_before'].find((event: Json) => event['event_id'] === root),
    synced.find((event) => event['event_id'] === root),
  ];
  for (const event of shown) {
    const bundle = bundleOf(event);
    expect(bundle['m.thread']).toMatchObject({ count: 1, current_user_participated: false });
    expect(bundle['m.thread']['latest_event']['event_id']).toBe(heard);
    expect(bundle['m.reference']).toEqual({ chunk: [{ event_id: mine }] });
  }
  expect(bundleOf(await juliet.call('GET', roomPath(roomId, `/event/${enc(quiet)}`)))).toEqual({});
  expect(bodiesOf(context['events_after'])).toEqual(['nobody answers but one']);
  expect(JSON.stringify([threads, context, synced])).not.toContain('not heard');
  expect(JSON.stringify(await syncWith(juliet, { since }))).not.toContain('not heard');

  expect(bundleOf(await romeo.call('GET', roomPath(roomId, `/event/${enc(root)}`)))['m.thread']['count']).toBe(2);
  await ignore();
  expect(bundleOf(await juliet.call('GET', roomPath(roomId, `/event/${enc(root)}`)))['m.thread']['count']).toBe(2);
});

test('S20: who left is not told by relations, threads or surroundings what was answered since', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const root = await romeo.send(roomId, 'root');
  const early = await romeo.send(roomId, inThread('early', root));
  await juliet.leave(roomId);
  await romeo.send(roomId, inThread('afterwards', root));
  const event = await juliet.call('GET', roomPath(roomId, `/event/${enc(root)}`));
  expect(bundleOf(event)['m.thread']).toMatchObject({ count: 1, latest_event: { event_id: early } });
  const read = await Promise.all([
    juliet.call('GET', `${V1}/rooms/${enc(roomId)}/relations/${enc(root)}`),
    juliet.call('GET', `${V1}/rooms/${enc(roomId)}/threads`),
    juliet.call('GET', roomPath(roomId, `/context/${enc(root)}?limit=50`)),
    juliet.call('GET', roomPath(roomId, '/messages?dir=b&limit=50')),
  ]);
  expect(JSON.stringify(read)).toContain('early');
  expect(JSON.stringify(read)).not.toContain('afterwards');
});

test('S20: what was said before somebody may read is in no relation, thread or surrounding that they read', async () => {
  const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  const roomId = await romeo.createRoom({ preset: 'public_chat', initial_state: [visibility] });
  const root = await romeo.send(roomId, 'hidden root');
  await romeo.send(roomId, inThread('hidden answer', root));
  await juliet.join(roomId);
  const shown = await romeo.send(roomId, inThread('shown answer', root));
  for (const path of [
    roomPath(roomId, `/event/${enc(root)}`),
    roomPath(roomId, `/context/${enc(root)}`),
    `${V1}/rooms/${enc(roomId)}/relations/${enc(root)}`,
  ])
    expect((await juliet.attempt('GET', path)).status, path).toBe(404);
  const read = await Promise.all([
    juliet.call('GET', `${V1}/rooms/${enc(roomId)}/threads`),
    juliet.call('GET', roomPath(roomId, `/context/${enc(shown)}?limit=50`)),
    juliet.call('GET', roomPath(roomId, '/messages?dir=b&limit=50')),
  ]);
  expect(JSON.stringify(read)).not.toContain('hidden');
});
