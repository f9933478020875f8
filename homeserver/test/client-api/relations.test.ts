import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const roomPath = (roomId: string, rest: string, version = 'v3') => `/_matrix/client/${version}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const relationsPath = (roomId: string, eventId: string, rest = '') =>
  roomPath(roomId, `relations/${encodeURIComponent(eventId)}${rest}`, 'v1');

const relate = (relType: string, eventId: string, more = {}) => ({ 'm.relates_to': { rel_type: relType, event_id: eventId, ...more } });
const text = (body: string) => ({ msgtype: 'm.text', body });
const edit = (eventId: string, body: string) => ({ ...text(`* ${body}`), 'm.new_content': text(body), ...relate('m.replace', eventId) });
const reaction = (eventId: string, key: string) => relate('m.annotation', eventId, { key });
const inThread = (eventId: string, body: string) => ({ ...text(body), ...relate('m.thread', eventId) });

async function related(user: TestUser, path: string): Promise<{ chunk: ClientEvent[]; next_batch?: string; recursion_depth?: number }> {
  return (await user.call('GET', path)) as unknown as { chunk: ClientEvent[]; next_batch?: string; recursion_depth?: number };
}

async function bundleOf(user: TestUser, roomId: string, eventId: string): Promise<unknown> {
  const event = await user.event(roomId, eventId);
  return event.unsigned?.['m.relations'];
}

const idsOf = (events: readonly ClientEvent[]) => events.map((event) => event.event_id);

async function startScene() {
  const server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  return { server, romeo, juliet, roomId };
}

test('what relates to a message is listed page by page, by relation and by type, and without what was redacted', async () => {
  const { server, romeo, juliet, roomId } = await startScene();
  await using _ = server;
  const eventId = await romeo.send(roomId, 'But soft!');
  const reply = await juliet.send(roomId, inThread(eventId, 'Ay me'));
  const thumb = await juliet.send(roomId, reaction(eventId, '👍'), 'm.reaction');
  const heart = await juliet.send(roomId, reaction(eventId, '❤️'), 'm.reaction');
  const onReply = await romeo.send(roomId, reaction(reply, '🌹'), 'm.reaction');

  expect(idsOf((await related(romeo, relationsPath(roomId, eventId))).chunk)).toEqual([heart, thumb, reply]);
  expect(idsOf((await related(romeo, relationsPath(roomId, eventId, '?dir=f'))).chunk)).toEqual([reply, thumb, heart]);
  expect(idsOf((await related(romeo, relationsPath(roomId, eventId, '/m.annotation'))).chunk)).toEqual([heart, thumb]);
  expect(idsOf((await related(romeo, relationsPath(roomId, eventId, '/m.thread/m.room.message'))).chunk)).toEqual([reply]);
  expect(idsOf((await related(romeo, relationsPath(roomId, eventId, '/m.thread/m.reaction'))).chunk)).toEqual([]);
  const recursive = await related(romeo, relationsPath(roomId, eventId, '?recurse=true'));
  expect(idsOf(recursive.chunk)).toEqual([onReply, heart, thumb, reply]);
  expect(recursive.recursion_depth).toBe(3);

  const first = await related(romeo, relationsPath(roomId, eventId, '?limit=2'));
  expect(idsOf(first.chunk)).toEqual([heart, thumb]);
  const second = await related(romeo, relationsPath(roomId, eventId, `?limit=2&from=${first.next_batch}`));
  expect(idsOf(second.chunk)).toEqual([reply]);
  expect(second.next_batch).toBeUndefined();

  await juliet.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(thumb)}/t1`), {});
  expect(idsOf((await related(romeo, relationsPath(roomId, eventId, '/m.annotation'))).chunk)).toEqual([heart]);
});

test('who may not see an event learns nothing of what relates to it', async () => {
  const { server, romeo, roomId } = await startScene();
  await using _ = server;
  const eventId = await romeo.send(roomId, 'But soft!');
  const tybalt = await server.user('tybalt');
  expect(await tybalt.attempt('GET', relationsPath(roomId, eventId))).toMatchObject({ status: 403 });
  expect(await tybalt.attempt('GET', roomPath(roomId, 'threads', 'v1'))).toMatchObject({ status: 403 });
  expect(await romeo.attempt('GET', relationsPath(roomId, '$nothing'))).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});

test('an event is told with its newest edit by its own sender, until that is redacted', async () => {
  const { server, romeo, juliet, roomId } = await startScene();
  await using _ = server;
  const eventId = await romeo.send(roomId, 'But sotf!');
  const first = await romeo.send(roomId, edit(eventId, 'But soft!'));
  const second = await romeo.send(roomId, edit(eventId, 'But soft! What light'));
  await juliet.send(roomId, edit(eventId, 'forged'));
  await romeo.send(roomId, { ...text('no new content'), ...relate('m.replace', eventId) });
  expect(await bundleOf(juliet, roomId, eventId)).toMatchObject({ 'm.replace': { event_id: second, sender: romeo.id } });

  const told = (await juliet.sync()) as { rooms: { join: Record<string, { timeline: { events: ClientEvent[] } }> } };
  const inSync = told.rooms.join[roomId]?.timeline.events.find((event) => event.event_id === eventId);
  expect(inSync?.unsigned?.['m.relations']).toMatchObject({ 'm.replace': { event_id: second } });
  const inPage = (await juliet.messages(roomId)).find((event) => event.event_id === eventId);
  expect(inPage?.unsigned?.['m.relations']).toMatchObject({ 'm.replace': { event_id: second } });

  await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(second)}/t1`), {});
  expect(await bundleOf(juliet, roomId, eventId)).toMatchObject({ 'm.replace': { event_id: first } });
});

test('a thread is told at its root: its last message as edited, how many they are, and whether one took part', async () => {
  const { server, romeo, juliet, roomId } = await startScene();
  await using _ = server;
  const mercutio = await server.user('mercutio');
  await mercutio.join(roomId);
  const root = await romeo.send(roomId, 'a thread');
  await juliet.send(roomId, inThread(root, 'one'));
  const last = await juliet.send(roomId, inThread(root, 'tow'));
  const corrected = await juliet.send(roomId, edit(last, 'two'));
  const reference = await romeo.send(roomId, { ...text('see above'), ...relate('m.reference', root) });
  const other = await mercutio.send(roomId, 'another thread');
  await mercutio.send(roomId, inThread(other, 'alone'));

  expect(await bundleOf(juliet, roomId, root)).toMatchObject({
    'm.thread': {
      count: 2,
      current_user_participated: true,
      latest_event: { event_id: last, unsigned: { 'm.relations': { 'm.replace': { event_id: corrected } } } },
    },
    'm.reference': { chunk: [{ event_id: reference }] },
  });
  expect(await bundleOf(mercutio, roomId, root)).toMatchObject({ 'm.thread': { current_user_participated: false } });

  expect(idsOf((await related(juliet, roomPath(roomId, 'threads', 'v1'))).chunk)).toEqual([other, root]);
  expect(idsOf((await related(juliet, roomPath(roomId, 'threads?include=participated', 'v1'))).chunk)).toEqual([root]);
  const page = await related(juliet, roomPath(roomId, 'threads?limit=1', 'v1'));
  expect(idsOf((await related(juliet, roomPath(roomId, `threads?limit=1&from=${page.next_batch}`, 'v1'))).chunk)).toEqual([root]);
});

test('the same reaction twice is refused, until the first is taken back', async () => {
  const { server, romeo, juliet, roomId } = await startScene();
  await using _ = server;
  const eventId = await romeo.send(roomId, 'But soft!');
  const send = (user: TestUser, txnId: string) =>
    user.attempt('PUT', roomPath(roomId, `send/m.reaction/${txnId}`), reaction(eventId, '👍'));
  const [one, two] = await Promise.all([send(juliet, 'a'), send(juliet, 'b')]);
  const [good, bad] = one.status === 200 ? [one, two] : [two, one];
  expect(good).toMatchObject({ status: 200 });
  expect(bad).toMatchObject({ status: 400, body: { errcode: 'M_DUPLICATE_ANNOTATION' } });
  expect(await send(romeo, 'c')).toMatchObject({ status: 200 });

  await juliet.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(String(good.body['event_id']))}/d`), {});
  expect(await send(juliet, 'e')).toMatchObject({ status: 200 });
});

test('what nothing relates to costs one statement more for a page, and none for one who follows', async () => {
  const { server, romeo, juliet, roomId } = await startScene();
  await using _ = server;
  await juliet.sync();
  for (const line of ['one', 'two', 'three']) await romeo.send(roomId, line);
  server.queries.length = 0;
  await juliet.sync();
  expect(server.queries.filter((query) => query.includes('relations'))).toHaveLength(0);
  await juliet.messages(roomId);
  expect(server.queries.filter((query) => query.includes('relations'))).toHaveLength(1);
});

test('an edit from another server is told with its message', async () => {
  await using servers = await startServers(2);
  const romeo = await servers.user('romeo', 0);
  const juliet = await servers.user('juliet', 1);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const early = await romeo.send(roomId, 'erly');
  const corrected = await romeo.send(roomId, edit(early, 'early'));
  await juliet.join(roomId, { via: [servers.at(0).name] });
  const eventId = await romeo.send(roomId, 'But sotf!');
  const replacement = await romeo.send(roomId, edit(eventId, 'But soft!'));
  while ((await juliet.nextMessage(roomId)).event_id !== replacement);
  expect(await bundleOf(juliet, roomId, eventId)).toMatchObject({ 'm.replace': { event_id: replacement } });

  const backfilled = (await juliet.messages(roomId)).find((event) => event.event_id === early);
  expect(backfilled?.unsigned?.['m.relations']).toMatchObject({ 'm.replace': { event_id: corrected } });
});
