import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let romeo: TestUser;
let juliet: TestUser;

beforeAll(async () => {
  servers = await startServers(2);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  juliet = await servers.user('juliet', 1); // in no room yet
});
afterAll(async () => await servers[Symbol.asyncDispose]());

type Found = { count: number; results: { result: ClientEvent }[]; next_batch?: string };

async function search(term: string, more: object = {}, nextBatch?: string): Promise<Found> {
  const query = nextBatch === undefined ? '' : `?next_batch=${encodeURIComponent(nextBatch)}`;
  const body = { search_categories: { room_events: { search_term: term, order_by: 'recent', ...more } } };
  const answer = await juliet.call('POST', `/_matrix/client/v3/search${query}`, body);
  return (answer['search_categories'] as { room_events: Found }).room_events;
}
const bodies = ({ results }: Found) => results.map(({ result }) => result.content['body'] ?? result.content['topic']);

async function readAll(roomId: string): Promise<void> {
  for (let from = ''; ; ) {
    const page = await juliet.call('GET', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50${from}`);
    if (page['end'] === undefined) return;
    from = `&from=${String(page['end'])}`;
  }
}

test('what was said before somebody came is found once it was read, the newest first, in pages', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', topic: 'the quarrel begins' });
  const early = await romeo.send(roomId, 'a quarrel of old');
  await romeo.send(roomId, 'no such word');
  const edited = await romeo.send(roomId, 'a quarel with an error');
  const newContent = { msgtype: 'm.text', body: 'a quarrel, corrected' };
  await romeo.send(roomId, {
    msgtype: 'm.text',
    body: '* a quarrel, corrected',
    'm.new_content': newContent,
    'm.relates_to': { rel_type: 'm.replace', event_id: edited },
  });
  const gone = await romeo.send(roomId, 'a secret quarrel');
  await romeo.call('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(gone)}/1`, {});
  await romeo.send(roomId, 'another quarrel');
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await romeo.send(roomId, 'a quarrel of today');
  await juliet.nextMessage(roomId);
  expect(bodies(await search('quarrel'))).toEqual(['a quarrel of today']);

  await readAll(roomId);
  // An event is told as it was sent, and found by the words of its edit.
  const expected = ['a quarrel of today', 'another quarrel', 'a quarel with an error', 'a quarrel of old', 'the quarrel begins'];
  const all = await search('quarrel');
  expect(all.results.map(({ result }) => result.type)).toContain('m.room.topic');
  expect(bodies(all)).toEqual(expected);
  expect(all.count).toBe(5);
  expect(bodies(await search('quarel'))).toEqual([]);

  const first = await search('quarrel', { filter: { limit: 2 } });
  const second = await search('quarrel', { filter: { limit: 2 } }, first.next_batch);
  const third = await search('quarrel', { filter: { limit: 2 } }, second.next_batch);
  expect([first, second, third].map(bodies)).toEqual([expected.slice(0, 2), expected.slice(2, 4), expected.slice(4)]);
  expect(third.next_batch).toBeUndefined();

  const around = await search('quarrel of old', { event_context: { before_limit: 1, after_limit: 1, include_profile: true } });
  const [hit] = around.results as unknown as { result: ClientEvent; context: { events_after: ClientEvent[]; profile_info: object } }[];
  expect(hit?.result.event_id).toBe(early);
  expect(hit?.context.events_after.map((event) => event.content['body'])).toEqual(['no such word']);
  expect(hit?.context.profile_info).toHaveProperty([romeo.id]);
});

test('what somebody may not see of history is not found by them, and what is redacted later is found no more', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const open = await romeo.send(roomId, 'an open duel');
  await romeo.setState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
  await romeo.send(roomId, 'a hidden duel');
  await juliet.join(roomId, { via: [servers.at(0).name] });
  await readAll(roomId);
  expect(bodies(await search('duel'))).toEqual(['an open duel']);
  await romeo.call('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(open)}/2`, {});
  await juliet.nextEvent(roomId, 'm.room.redaction');
  expect(bodies(await search('duel'))).toEqual([]);
});
