import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, createNames, type TestUser } from '../kit/test-user.ts';

const nameOf = createNames();
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let roomId: string;

beforeAll(async () => {
  server = await startServer();
});
beforeEach(async () => {
  romeo = await server.user(nameOf('romeo'));
  juliet = await server.user(nameOf('juliet'));
  const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  roomId = await romeo.createRoom({ preset: 'public_chat', initial_state: [visibility] });
  await juliet.join(roomId);
});
afterAll(async () => await server[Symbol.asyncDispose]());

const roomPath = (rest: string, version = 'v3') => `/_matrix/client/${version}/rooms/${encodeURIComponent(roomId)}/${rest}`;
const relate = (relType: string, eventId: string) => ({ 'm.relates_to': { rel_type: relType, event_id: eventId } });
const text = (body: string) => ({ msgtype: 'm.text', body });
const inThread = (eventId: string, body: string) => ({ ...text(body), ...relate('m.thread', eventId) });
const edit = (eventId: string, body: string) => ({ ...text(`* ${body}`), 'm.new_content': text(body), ...relate('m.replace', eventId) });

type Bundle = {
  'm.thread'?: { count: number; latest_event: ClientEvent; current_user_participated: boolean };
  'm.replace'?: ClientEvent;
  'm.reference'?: { chunk: { event_id: string }[] };
};

/** The bundle of an event on every way by which a reader comes to it. */
async function bundlesOf(user: TestUser, eventId: string): Promise<Bundle[]> {
  const event = await user.event(roomId, eventId);
  const context = await user.call('GET', roomPath(`context/${encodeURIComponent(eventId)}`));
  const messages = (await user.messages(roomId, { limit: 50 })).find((other) => other.event_id === eventId);
  const threads = (await user.call('GET', roomPath('threads', 'v1')))['chunk'] as ClientEvent[];
  const listed = threads.find((other) => other.event_id === eventId);
  const all = [event, context['event'] as ClientEvent, messages, ...(listed === undefined ? [] : [listed])];
  return all.map((shown) => (shown?.unsigned?.['m.relations'] ?? {}) as Bundle);
}

test('of a thread, edits and references somebody is told only what they were there for', async () => {
  const root = await romeo.send(roomId, 'the root');
  const first = await romeo.send(roomId, inThread(root, 'first'));
  const seenEdit = await romeo.send(roomId, edit(root, 'the root, seen'));
  const reference = await romeo.send(roomId, { ...text('see there'), ...relate('m.reference', root) });
  await juliet.leave(roomId);
  await romeo.send(roomId, inThread(root, 'a secret'));
  await romeo.send(roomId, edit(first, 'a secret edit'));
  await romeo.send(roomId, edit(root, 'a secret root'));
  await romeo.send(roomId, { ...text('a secret reference'), ...relate('m.reference', root) });
  await juliet.join(roomId);

  for (const bundle of await bundlesOf(juliet, root)) {
    expect(bundle['m.thread']).toMatchObject({ count: 1, current_user_participated: false, latest_event: { event_id: first } });
    expect(bundle['m.replace']).toMatchObject({ event_id: seenEdit });
    expect(bundle['m.reference']).toEqual({ chunk: [{ event_id: reference }] });
    expect(JSON.stringify(bundle)).not.toContain('secret');
  }
  for (const bundle of await bundlesOf(romeo, root)) expect(bundle['m.thread']).toMatchObject({ count: 2 });

  const back = await juliet.send(roomId, inThread(root, 'I am back'));
  for (const bundle of await bundlesOf(juliet, root))
    expect(bundle['m.thread']).toMatchObject({ count: 2, current_user_participated: true, latest_event: { event_id: back } });
});

test('a thread of which nothing else was seen is none', async () => {
  const root = await romeo.send(roomId, 'the root');
  await juliet.leave(roomId);
  await romeo.send(roomId, inThread(root, 'a secret'));
  await juliet.join(roomId);
  for (const bundle of await bundlesOf(juliet, root)) expect(bundle['m.thread']).toBeUndefined();
});

test('who has left finds what they had seen, and nothing that was said of it later', async () => {
  await romeo.setState(roomId, 'm.room.history_visibility', { history_visibility: 'shared' });
  const root = await romeo.send(roomId, 'the balcony');
  await romeo.send(roomId, inThread(root, 'first'));
  await juliet.leave(roomId);
  await romeo.send(roomId, inThread(root, 'a secret'));
  const criteria = { room_events: { search_term: 'balcony' } };
  const found = await juliet.call('POST', '/_matrix/client/v3/search', { search_categories: criteria });
  expect(JSON.stringify(found)).toContain('the balcony');
  expect(JSON.stringify(found)).not.toContain('secret');
  for (const bundle of await bundlesOf(juliet, root)) expect(bundle['m.thread']).toMatchObject({ count: 1 });
});

test('a thread that a newcomer meets in a first sync holds nothing from before they came', async () => {
  const root = await romeo.send(roomId, 'the root');
  await romeo.send(roomId, inThread(root, 'early'));
  await juliet.leave(roomId);
  await romeo.send(roomId, inThread(root, 'a secret'));
  await juliet.join(roomId);
  const sync = await juliet.sync({ since: '' });
  expect(JSON.stringify(sync)).not.toContain('secret');
});
